/* SPDX-License-Identifier: MIT */
/*
 * steem-poster with a layer below it that knows each call of the database's client library and each
 * request to a node (shim.h).  tests/integration/harness/every_call.py starts it.
 *
 * A place is one call: "FUNCTION COUNT TEXT", the COUNT-th call of this function with this text. Of a request
 * the function is "post", and the text its method.  From the environment:
 *
 *   SHIM_TRACE    a file: each call is written to it as its place
 *   SHIM_PLACE    where something happens, once
 *   SHIM_WAY      what: "kill", "freeze", or the number of an error; then "before" or "after" the call
 *   SHIM_HIT      a file that is made just before it happens
 *   SHIM_REPLACE  "a => b": a statement that has the text a is prepared with b in its place: a fault
 */
#include "shim.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "steem/http.h"

#define KINDS      300
#define NO_ONE_URL "http://127.0.0.1:9/" /* nobody listens there */

static struct {
	char what[SHIM_TEXT + 20];
	unsigned count;
} kinds[KINDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *trace;
static const char *place;
static enum shim_fate fate_there;

static void bug(const char *what)
{
	fprintf(stderr, "tests/store/shim_poster.c: %s\n", what);
	abort();
}

/* How often this was called, with this call. */
static unsigned count_call(const char *what)
{
	size_t i = 0;

	while (i < KINDS && kinds[i].what[0] != '\0' && strcmp(kinds[i].what, what) != 0)
		i++;
	if (i == KINDS)
		bug("too many kinds of calls");
	snprintf(kinds[i].what, sizeof(kinds[i].what), "%s", what);
	return ++kinds[i].count;
}

static void tell_hit(void)
{
	int fd = open(getenv("SHIM_HIT"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		bug("SHIM_HIT cannot be made");
	close(fd);
}

static enum shim_fate judge(const char *function, const char *text)
{
	char what[SHIM_TEXT + 20];
	char own[SHIM_TEXT + 40];
	enum shim_fate fate = SHIM_PASSES;
	unsigned count;

	snprintf(what, sizeof(what), "%s %.199s", function, text);
	for (char *c = what; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	pthread_mutex_lock(&lock);
	count = count_call(what);
	snprintf(own, sizeof(own), "%s %u %s", function, count, what + strlen(function) + 1);
	if (trace)
		fprintf(trace, "%s\n", own);
	if (place && strcmp(place, own) == 0) {
		fate = fate_there;
		tell_hit();
	}
	pthread_mutex_unlock(&lock);
	return fate;
}

/* Requests to nodes. */

/* The one request that something happens to. */
static struct {
	http_done_fn *done;
	void *context;
	enum shim_fate fate;
} hit;

static void answered(void *context, const struct http_answer *answer, const struct error *err)
{
	struct error lost = ERROR_INIT;

	(void)context;
	shim_strike(hit.fate);
	if (hit.fate == SHIM_FAILS) {
		(void)error_set(&lost, ERROR_NODE, "the answer was lost by the test");
		answer = NULL;
		err = &lost;
	}
	hit.done(hit.context, answer, err);
}

static void find_method(const char *body, char method[SHIM_TEXT])
{
	const char *begin = strstr(body, "\"method\":\"");
	size_t len;

	method[0] = '\0';
	if (!begin)
		return;
	begin += strlen("\"method\":\"");
	len = strcspn(begin, "\"");
	snprintf(method, SHIM_TEXT, "%.*s", (int)(len < 100 ? len : 100), begin);
}

void __real_http_post(struct http *http, const struct http_post *post);
void __wrap_http_post(struct http *http, const struct http_post *post);
void __wrap_http_post(struct http *http, const struct http_post *post)
{
	CLEANUP(mem_free_pointer) char *body = xtextdup(post->body, post->len);
	struct http_post changed = *post;
	char method[SHIM_TEXT];
	enum shim_fate fate;

	find_method(body, method);
	fate = judge("post", method);
	if (fate != SHIM_PASSES && shim.after) {
		hit.done = post->done;
		hit.context = post->context;
		hit.fate = fate;
		changed.done = answered;
	} else if (fate == SHIM_FAILS) {
		changed.url = NO_ONE_URL;
	} else {
		shim_strike(fate);
	}
	__real_http_post(http, &changed);
}

/* Faults. */

static const char *from, *to;
static const char *rewrites; /* the one statement that has the text */
static char *rewritten;

static const char *rewrite(const char *sql)
{
	const char *at = strstr(sql, from);

	if (!at)
		return sql;
	pthread_mutex_lock(&lock);
	if (!rewritten)
		rewritten = xasprintf("%.*s%s%s", (int)(at - sql), sql, to, at + strlen(from));
	if (rewrites && rewrites != sql)
		bug("SHIM_REPLACE fits more than one statement");
	rewrites = sql;
	pthread_mutex_unlock(&lock);
	return rewritten;
}

static void read_fault(const char *text)
{
	static char left[400];
	const char *arrow = strstr(text, " => ");

	if (!arrow || (size_t)(arrow - text) >= sizeof(left))
		bug("SHIM_REPLACE is \"a => b\"");
	snprintf(left, sizeof(left), "%.*s", (int)(arrow - text), text);
	from = left;
	to = arrow + strlen(" => ");
	shim_rewrite = rewrite;
}

/* The environment. */

static void read_way(const char *way)
{
	unsigned code = (unsigned)strtoul(way, NULL, 10);

	shim.after = strstr(way, " after") != NULL;
	fate_there = strncmp(way, "kill ", 5) == 0     ? SHIM_KILLS
		     : strncmp(way, "freeze ", 7) == 0 ? SHIM_FREEZES
						       : SHIM_FAILS;
	for (size_t i = 0; i < SHIM_ERRORS; i++)
		if (shim_errors[i].code == code)
			shim.error = &shim_errors[i];
	if (fate_there == SHIM_FAILS && !shim.error)
		bug("SHIM_WAY is \"kill\", \"freeze\" or an error, and \"before\" or \"after\"");
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("SHIM_TRACE");

	shim_judge = judge;
	place = getenv("SHIM_PLACE");
	if (path) {
		trace = fopen(path, "we");
		if (!trace)
			bug("SHIM_TRACE cannot be written");
		setvbuf(trace, NULL, _IOLBF, 0);
	}
	if (place)
		read_way(getenv("SHIM_WAY"));
	if (getenv("SHIM_REPLACE"))
		read_fault(getenv("SHIM_REPLACE"));
}
