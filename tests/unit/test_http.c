/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http_server.h"
#include "steem/http.h"
#include "steem/rpc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The clock and the host names of libcurl, which the tests change. */
static atomic_long jumped_s;
static atomic_bool has_moved;
static atomic_uint lookup_count;
static pthread_mutex_t hanging_names = PTHREAD_MUTEX_INITIALIZER;

int clock_gettime(clockid_t id, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, id, now);

	if (id != CLOCK_REALTIME)
		now->tv_sec += jumped_s;
	return result;
}

/* The age of a resolved name goes by this clock. */
time_t time(time_t *ret_now)
{
	time_t now = (time_t)syscall(SYS_time, NULL) + jumped_s;

	if (ret_now)
		*ret_now = now;
	return now;
}

/*
 * moving.test is the server's address, and later one where nobody listens; hanging.test is a name
 * of which nothing is heard while the mutex is held.
 */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_list)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (strcmp(name, "hanging.test") == 0) {
		pthread_mutex_lock(&hanging_names);
		pthread_mutex_unlock(&hanging_names);
		lookup_count++;
		return EAI_AGAIN;
	}
	if (strcmp(name, "moving.test") != 0)
		return real(name, service, hints, ret_list);
	lookup_count++;
	return real(has_moved ? "127.0.0.2" : "127.0.0.1", service, hints, ret_list);
}

struct result {
	unsigned done_count, failed_count;
	struct buf body;
	struct error err;
	int64_t retry_after_ms, took_us;
};

static void take_result(void *context, const struct http_answer *answer, const struct error *err)
{
	struct result *result = context;

	result->done_count++;
	if (err)
		result->failed_count++;
	buf_release(&result->body);
	result->body = BUF_INIT(1 << 20);
	assert_int_equal(buf_add(&result->body, answer->body, answer->len), 0);
	assert_int_equal(answer->body[answer->len], '\0');
	result->err = err ? *err : ERROR_INIT;
	result->retry_after_ms = answer->retry_after_ms;
	result->took_us = answer->took_us;
}

static struct http *open_http(unsigned connections)
{
	struct error err = ERROR_INIT;
	struct http *http = http_new(connections, "steem-reader/test", &err);

	assert_non_null(http);
	return http;
}

static void start(struct http *http, const char *url, const char *body, size_t limit,
		  struct result *result)
{
	const struct http_post post = {.url = url,
				       .body = body,
				       .len = strlen(body),
				       .timeout_ms = 5000,
				       .max_answer_bytes = limit,
				       .done = take_result,
				       .context = result};

	http_post(http, &post);
}

static void finish_all(struct http *http)
{
	struct error err = ERROR_INIT;

	while (http_in_flight(http) > 0)
		assert_int_equal(http_wait(http, NULL, 0, 1000, &err), 0);
}

static char *url_of(const char *path)
{
	return xasprintf("http://127.0.0.1:%u%s", server.port, path);
}

static void ask(struct http *http, const char *path, const char *body, struct result *result)
{
	CLEANUP(mem_free_pointer) char *url = url_of(path);

	start(http, url, body, 1 << 20, result);
	assert_int_equal(http_in_flight(http), 1);
	finish_all(http);
}

static void posts_go_out_as_they_should(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *large = xmalloc(200001);

	(void)state;
	memset(large, 'x', 200000);
	large[200000] = '\0';
	ask(http, "/echo", large, &result);
	assert_int_equal(result.done_count, 1);
	assert_int_equal(result.err.kind, ERROR_NONE);
	assert_string_equal(buf_text(&result.body), large);
	assert_true(result.took_us > 0);
	assert_true(server_was_sent("\r\nContent-Type: application/json\r\n"));
	assert_true(server_was_sent("\r\nAccept-Encoding: "));
	assert_true(server_was_sent("\r\nUser-Agent: steem-reader/test\r\n"));
	assert_false(server_was_sent("\r\nExpect:"));
	buf_release(&result.body);
	http_free(http);
}

static void a_connection_is_used_again(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		ask(http, "/echo", "[1]", &result);
	assert_int_equal(result.done_count, 5);
	assert_int_equal(result.err.kind, ERROR_NONE);
	assert_int_equal(server.connection_count, 1);
	buf_release(&result.body);
	http_free(http);
}

static void connections_are_limited(void **state)
{
	struct http *http = open_http(2);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/echo");

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		start(http, url, "[1]", 1000, &result);
	assert_int_equal(http_in_flight(http), 20);
	finish_all(http);
	assert_int_equal(result.done_count, 20);
	assert_in_range(server.connection_count, 1, 2);
	buf_release(&result.body);
	http_free(http);
}

/* A kept connection that breaks is replaced unseen, however often that happens. */
static void connections_that_die_between_posts_do_no_harm(void **state)
{
	static const char *const paths[] = {"/close", "/once"};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct http *http = open_http(4);
		struct result result = {0};

		for (unsigned j = 0; j < 30; j++) {
			ask(http, paths[i], "[1]", &result);
			if (result.err.kind != ERROR_NONE)
				fail_msg("%s: %s", paths[i], result.err.text);
			assert_string_equal(buf_text(&result.body), "[1]");
		}
		assert_int_equal(result.done_count, 30);
		buf_release(&result.body);
		http_free(http);
	}
}

static void ask_many(struct http *http, const char *path, unsigned count, struct result *result)
{
	CLEANUP(mem_free_pointer) char *url = url_of(path);
	struct error err = ERROR_INIT;

	for (unsigned i = 0; i < count; i++) {
		start(http, url, "[1]", 1000, result);
		while (http_in_flight(http) >= 4)
			assert_int_equal(http_wait(http, NULL, 0, 1000, &err), 0);
	}
	finish_all(http);
}

/* Requests are lost with kept connections until we notice; no owner hears of it. */
static void a_server_that_closes_is_learnt(void **state)
{
	static const int close_after_us[] = {0, 100, 1000, 50000};

	(void)state;
	for (size_t i = 0; i < COUNT(close_after_us); i++) {
		struct http *http = open_http(4);
		struct result result = {0};

		server.close_after_us = close_after_us[i];
		server.lost_count = 0;
		ask_many(http, "/close", 100, &result);
		assert_int_equal(result.done_count, 100);
		if (result.failed_count > 0)
			fail_msg("%u failed: %s", result.failed_count, result.err.text);
		assert_in_range(server.lost_count, 0, 8); /* before the second loss was seen */
		if (close_after_us[i] == 50000)
			assert_true(server.lost_count > 0); /* the server does what it should */
		buf_release(&result.body);
		http_free(http);
	}
}

static void keeping_is_tried_again(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	unsigned count;

	(void)state;
	server.close_after_us = 50000;
	ask_many(http, "/close", 12, &result);
	server.lost_count = 0;
	jumped_s += 2; /* the trial: it still closes */
	ask_many(http, "/close", 12, &result);
	ask_many(http, "/close", 12, &result);
	assert_in_range(server.lost_count, 0,
			1);  /* 0: the loss was seen before anything was sent */
	server.keeps = true; /* a proxy stands before it now */
	jumped_s += 60;
	ask_many(http, "/close", 12, &result);
	count = server.connection_count;
	for (unsigned i = 0; i < 12; i++)
		ask(http, "/close", "[1]", &result);
	assert_in_range(server.connection_count, count, count + 1);
	assert_int_equal(result.failed_count, 0);
	assert_int_equal(result.done_count, 60);
	buf_release(&result.body);
	http_free(http);
}

/* What is learnt about one server says nothing about another. */
static void each_server_is_learnt_for_itself(void **state)
{
	struct http *http = open_http(8);
	struct result result = {0};
	unsigned count;

	(void)state;
	server.close_after_us = 50000;
	ask_many(http, "/close", 12, &result);
	ask(http, "/echo", "[1]", &result);
	count = server.connection_count;
	for (unsigned i = 0; i < 12; i++)
		ask(http, "/echo", "[1]", &result);
	assert_int_equal(server.connection_count, count);
	for (unsigned i = 0; i < 300; i++) { /* more than are remembered */
		CLEANUP(mem_free_pointer) char *path = xasprintf("/echo?%u", i);

		ask(http, path, "[1]", &result);
	}
	assert_int_equal(result.done_count, 325);
	buf_release(&result.body);
	http_free(http);
}

static void a_node_that_only_breaks_is_a_failure(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};

	(void)state;
	ask(http, "/echo", "[1]", &result);
	server.request_count = 0;
	ask(http, "/nothing", "[1]", &result); /* on the kept connection, then on a new one */
	assert_int_equal(result.failed_count, 1);
	assert_int_equal(rpc_failure_of(&result.err), RPC_FAILURE_CUT);
	assert_int_equal(server.request_count, 2);
	ask(http, "/cut", "[1]", &result);
	server.request_count = 0;
	ask(http, "/cut", "[1]", &result); /* a part of an answer came: not asked again */
	assert_int_equal(server.request_count, 1);
	buf_release(&result.body);
	http_free(http);
}

static const char *ask_name(struct http *http, struct result *result)
{
	CLEANUP(mem_free_pointer)
	char *url = xasprintf("http://moving.test:%u/echo", server.port);

	start(http, url, "[1]", 1000, result);
	finish_all(http);
	return result->err.kind == ERROR_NONE ? "" : result->err.text;
}

static void connections_do_not_outlive_their_time(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};

	(void)state;
	has_moved = false;
	assert_string_equal(ask_name(http, &result), "");
	has_moved = true;
	for (unsigned i = 0; i < 4; i++) { /* never idle for long */
		jumped_s += 60;
		assert_string_equal(ask_name(http, &result), "");
	}
	assert_int_equal(server.connection_count, 1);
	jumped_s += 62;
	assert_non_null(strstr(ask_name(http, &result), "cannot ask moving.test"));
	buf_release(&result.body);
	http_free(http);
}

/* Not before, but then at once and for good, also what was resolved a moment ago. */
static void connections_are_renewed(void **state)
{
	static const long waits_s[] = {0, 1, 2, 3, 50, 100};

	(void)state;
	for (size_t i = 0; i < COUNT(waits_s); i++) {
		struct http *http = open_http(4);
		struct result result = {0};
		unsigned count = server.connection_count;

		has_moved = false;
		assert_string_equal(ask_name(http, &result), "");
		has_moved = true;
		assert_string_equal(ask_name(http, &result), "");
		assert_int_equal(server.connection_count, count + 1);
		http_renew_connections(http);
		jumped_s += waits_s[i];
		if (!strstr(ask_name(http, &result), "cannot ask moving.test"))
			fail_msg("after %ld s the old address was asked", waits_s[i]);
		has_moved = false;
		jumped_s += 70; /* for so long its name is known */
		for (unsigned j = 0; j < 4; j++)
			assert_string_equal(ask_name(http, &result), "");
		assert_int_equal(server.connection_count, count + 2);
		http_renew_connections(http);
		for (unsigned j = 0; j < 10; j++) { /* soon the new ones are kept */
			assert_string_equal(ask_name(http, &result), "");
			jumped_s += 1;
		}
		assert_in_range(server.connection_count, count + 3, count + 6);
		buf_release(&result.body);
		http_free(http);
	}
}

/* What lies between forgot them all: the first that is silent is the last one that is asked. */
static void connections_that_became_silent_cost_one_time_out(void **state)
{
	struct http *http = open_http(8);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/echo");
	struct http_post post = {.url = url,
				 .body = "[1]",
				 .len = 3,
				 .timeout_ms = 5000,
				 .max_answer_bytes = 1000,
				 .done = take_result,
				 .context = &result};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		http_post(http, &post);
	finish_all(http);
	assert_int_equal(result.failed_count, 0);
	assert_int_equal(server.connection_count, 4);
	server.silent_below = 4;
	post.timeout_ms = 200;
	for (unsigned i = 0; i < 6; i++) {
		http_post(http, &post);
		finish_all(http);
		assert_int_equal(result.failed_count, 1);
		jumped_s += i; /* also when the first moments are over */
	}
	buf_release(&result.body);
	http_free(http);
}

/* libcurl 7.88 writes through a pointer that the answer before left in its handle. */
static void a_folded_first_header_does_no_harm(void **state)
{
	struct http *http = open_http(1);
	struct result result = {0};

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		ask(http, "/echo", "[1]", &result);
		assert_string_equal(buf_text(&result.body), "[1]");
		ask(http, "/fold", "[1]", &result);
		assert_int_equal(result.done_count, 2 * (i + 1));
	}
	buf_release(&result.body);
	http_free(http);
}

/* A node on this host is asked without a proxy, whatever the environment says; others through it. */
static void a_proxy_is_not_asked_for_this_host(void **state)
{
	static const char *const here[] = {"127.0.0.1", "localhost", "LOCALHOST", "127.1"};
	struct http *http = open_http(1);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *proxy = url_of("");
	CLEANUP(mem_free_pointer)
	char *moving = xasprintf("http://moving.test:%u/echo", server.port);

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* where nobody listens */
	for (size_t i = 0; i < COUNT(here); i++) {
		CLEANUP(mem_free_pointer)
		char *url = xasprintf("http://%s:%u/echo", here[i], server.port);

		start(http, url, "[1]", 1000, &result);
		finish_all(http);
		if (result.failed_count > 0)
			fail_msg("%s: %s", here[i], result.err.text);
	}
	/* no_proxy counts for all others. */
	start(http, moving, "[1]", 1000, &result);
	finish_all(http);
	assert_int_equal(result.failed_count, 1);
	setenv("no_proxy", "moving.test", 1);
	start(http, moving, "[1]", 1000, &result);
	finish_all(http);
	assert_int_equal(result.failed_count, 1);
	assert_int_equal(server.request_count, COUNT(here) + 1);
	setenv("http_proxy", proxy, 1); /* our server is the proxy */
	start(http, "http://127.other.test/echo", "[1]", 1000, &result);
	finish_all(http);
	assert_true(server_was_sent("POST http://127.other.test/echo HTTP/1.1"));
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	buf_release(&result.body);
	http_free(http);
}

/* The most memory that this process ever had. */
static long peak_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	fclose(file);
	assert_true(kib > 0);
	return kib;
}

/* Everything that a server can send for ever is refused, and takes no memory until then. */
static void bytes_that_are_no_body_are_limited(void **state)
{
	static const struct {
		const char *path, *says;
		int64_t timeout_ms;
	} rows[] = {
		{"/trailers", "of headers", 20000},
		{"/headers", "more than 256 lines of headers", 20000},
		{"/folds", "more than 256 lines of headers", 20000},
		{"/interim", "more than 256 lines of headers", 20000},
		{"/line", "a header line without end", 20000},
		{"/before", "cannot ask ", 20000}, /* one thing or another, by how the bytes come */
		{"/blocks", "more than 100000 bytes", 20000},
		{"/extension", "no whole answer within 300 ms", 300}, /* not kept */
	};
	long before_kib = peak_kib();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http *http = open_http(4);
		struct result result = {0};
		CLEANUP(mem_free_pointer) char *url = url_of(rows[i].path);
		const struct http_post post = {.url = url,
					       .body = "[1]",
					       .len = 3,
					       .timeout_ms = rows[i].timeout_ms,
					       .max_answer_bytes = 100000,
					       .done = take_result,
					       .context = &result};

		for (unsigned j = 0; j < 4; j++)
			http_post(http, &post);
		finish_all(http);
		assert_int_equal(result.failed_count, 4);
		assert_int_equal(result.err.kind, ERROR_NODE);
		if (!strstr(result.err.text, rows[i].says))
			fail_msg("%s: %s", rows[i].path, result.err.text);
		assert_true(result.took_us < 10000000);
		if (peak_kib() - before_kib > 65536)
			fail_msg("%s: %ld KiB more", rows[i].path, peak_kib() - before_kib);
		buf_release(&result.body);
		http_free(http);
	}
}

/* zstd may ask for 128 MiB, brotli for 16, before a byte is unpacked. */
static void encodings_that_need_much_memory_are_refused(void **state)
{
	static const char *const paths[] = {"/zstd", "/brotli"};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct http *http = open_http(4);
		struct result result = {0};

		ask(http, paths[i], "[1]", &result);
		/* By us, or by a newer libcurl before us. */
		assert_int_equal(result.err.kind, ERROR_NODE);
		if (!strcasestr(result.err.text, "encoding"))
			fail_msg("%s: %s", paths[i], result.err.text);
		assert_true(server_was_sent("\r\nAccept-Encoding: gzip, deflate\r\n"));
		buf_release(&result.body);
		http_free(http);
	}
}

static void failures_are_sorted_and_named(void **state)
{
	static const struct {
		const char *path;
		enum rpc_failure failure;
		const char *says;
	} rows[] = {
		{"/cut", RPC_FAILURE_CUT, "127.0.0.1:"},
		{"/nothing", RPC_FAILURE_CUT, "127.0.0.1:"},
		{"/badzip", RPC_FAILURE_CUT, "127.0.0.1:"},
		{"/busy", RPC_FAILURE_WAIT, "HTTP status 429"},
		{"/past", RPC_FAILURE_OTHER_NODE, "HTTP status 503"},
		{"/minus", RPC_FAILURE_OTHER_NODE, "HTTP status 503"},
		{"/moved", RPC_FAILURE_OTHER_NODE, "HTTP status 301 (a redirection"},
		{"/large", RPC_FAILURE_BATCH, "HTTP status 413"},
		{"/page", RPC_FAILURE_CUT, "HTTP status 502: 502 Bad"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http *http = open_http(4);
		struct result result = {0};

		ask(http, rows[i].path, "[1]", &result);
		assert_int_equal(result.done_count, 1);
		if (result.err.kind != ERROR_NODE ||
		    rpc_failure_of(&result.err) != rows[i].failure ||
		    !strstr(result.err.text, rows[i].says))
			fail_msg("%s: %s (%d)", rows[i].path, result.err.text, result.err.code);
		assert_int_equal(result.retry_after_ms,
				 rows[i].failure == RPC_FAILURE_WAIT ? 7000 : 0);
		buf_release(&result.body);
		http_free(http);
	}
}

static void what_cannot_be_reached_is_named_without_secrets(void **state)
{
	struct http *http = open_http(4);
	struct {
		char *url;
		const char *says, *hint;
	} rows[] = {
		{xasprintf("http://user:geheim@127.0.0.1:1/?key=geheim"),
		 "cannot ask 127.0.0.1:1: ", "check the address, the port and the firewall"},
		{xasprintf("https://127.0.0.1:%u/nothing", server.port),
		 "cannot ask 127.0.0.1:", "check whether it speaks TLS on this port"},
		{xasprintf("ftp://127.0.0.1:1/"),
		 "cannot ask 127.0.0.1:1: ", "http:// or https://"},
		{xasprintf("file:///etc/passwd"), "cannot ask ", "http:// or https://"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct result result = {0};

		start(http, rows[i].url, "[1]", 1000, &result);
		finish_all(http);
		if (!strstr(result.err.text, rows[i].says) ||
		    !strstr(result.err.text, rows[i].hint) || strstr(result.err.text, "geheim"))
			fail_msg("%s: %s", rows[i].url, result.err.text);
		assert_int_equal(result.err.kind, ERROR_NODE);
		assert_int_equal(rpc_failure_of(&result.err), RPC_FAILURE_OTHER_NODE);
		buf_release(&result.body);
		free(rows[i].url);
	}
	http_free(http);
}

static void a_silent_node_is_given_up(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/silent");
	const struct http_post post = {.url = url,
				       .body = "[1]",
				       .len = 3,
				       .timeout_ms = 100,
				       .max_answer_bytes = 1000,
				       .done = take_result,
				       .context = &result};

	(void)state;
	http_post(http, &post);
	finish_all(http);
	assert_int_equal(rpc_failure_of(&result.err), RPC_FAILURE_CUT);
	assert_non_null(strstr(result.err.text, "no whole answer within 100 ms (0 bytes came)"));
	buf_release(&result.body);
	http_free(http);
}

static void a_name_of_which_nothing_is_heard_stops_nobody(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	unsigned count = lookup_count;
	struct http_post post = {.url = "http://hanging.test/",
				 .body = "[1]",
				 .len = 3,
				 .timeout_ms = 100,
				 .max_answer_bytes = 1000,
				 .done = take_result,
				 .context = &result};

	(void)state;
	pthread_mutex_lock(&hanging_names); /* whoever waits for the name now waits for ever */
	http_post(http, &post);
	finish_all(http);
	assert_non_null(strstr(result.err.text, "cannot ask hanging.test"));
	post.timeout_ms = 60000;
	http_post(http, &post);
	assert_int_equal(http_wait(http, NULL, 0, 0, &result.err), 0);
	http_free(http);
	assert_int_equal(result.done_count, 1);
	pthread_mutex_unlock(&hanging_names);
	while (lookup_count < count + 2)
		sched_yield();
	buf_release(&result.body);
}

static void answers_are_unpacked_and_limited(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/gzip");

	(void)state;
	start(http, url, "[1]", 100000, &result);
	finish_all(http);
	assert_int_equal(result.err.kind, ERROR_NONE);
	assert_int_equal(result.body.len, 100000);
	assert_int_equal(buf_text(&result.body)[99999], ']');
	start(http, url, "[1]", 99999, &result); /* 136 bytes on the wire */
	finish_all(http);
	assert_int_equal(result.err.kind, ERROR_NODE);
	assert_int_equal(rpc_failure_of(&result.err), RPC_FAILURE_BATCH);
	assert_non_null(strstr(result.err.text, "more than 99999 bytes"));
	buf_release(&result.body);
	http_free(http);
}

static void other_descriptors_end_the_wait(void **state)
{
	struct http *http = open_http(4);
	struct error err = ERROR_INIT;
	struct pollfd fds[2];
	int one[2], two[2];

	(void)state;
	assert_int_equal(pipe(one), 0);
	assert_int_equal(pipe(two), 0);
	fds[0] = (struct pollfd){.fd = one[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = two[0], .events = POLLIN};
	assert_int_equal(http_wait(http, fds, 2, 0, &err), 0);
	assert_int_equal(fds[0].revents | fds[1].revents, 0);
	assert_int_equal(write(two[1], "x", 1), 1);
	assert_int_equal(http_wait(http, fds, 2, 30000, &err),
			 0); /* the test's own limit is shorter */
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, POLLIN);
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
	http_free(http);
}

static void freeing_cancels_without_a_word(void **state)
{
	struct http *http = open_http(4);
	struct error err = ERROR_INIT;
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/silent");

	(void)state;
	start(http, url, "[1]", 1000, &result);
	assert_int_equal(http_wait(http, NULL, 0, 0, &err), 0);
	http_free(http);
	http_free(NULL);
	assert_int_equal(result.done_count, 0);
}

int main(void)
{
#define SERVED(test) cmocka_unit_test_setup_teardown(test, open_server, close_server)
	const struct CMUnitTest tests[] = {
		SERVED(posts_go_out_as_they_should),
		SERVED(a_connection_is_used_again),
		SERVED(connections_are_limited),
		SERVED(connections_that_die_between_posts_do_no_harm),
		SERVED(a_server_that_closes_is_learnt),
		SERVED(keeping_is_tried_again),
		SERVED(each_server_is_learnt_for_itself),
		SERVED(a_node_that_only_breaks_is_a_failure),
		SERVED(connections_do_not_outlive_their_time),
		SERVED(connections_are_renewed),
		SERVED(connections_that_became_silent_cost_one_time_out),
		SERVED(a_folded_first_header_does_no_harm),
		SERVED(a_proxy_is_not_asked_for_this_host),
		SERVED(bytes_that_are_no_body_are_limited),
		SERVED(encodings_that_need_much_memory_are_refused),
		SERVED(failures_are_sorted_and_named),
		SERVED(what_cannot_be_reached_is_named_without_secrets),
		SERVED(a_silent_node_is_given_up),
		SERVED(a_name_of_which_nothing_is_heard_stops_nobody),
		SERVED(answers_are_unpacked_and_limited),
		SERVED(other_descriptors_end_the_wait),
		SERVED(freeing_cancels_without_a_word),
	};

	unsetenv("http_proxy"); /* the server is here */
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
