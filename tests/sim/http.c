/* SPDX-License-Identifier: MIT */
/* steem/http.h: posts to simulated nodes, and the wait of the reader's loop. */
#include "steem/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chain.h"
#include "nodes.h"
#include "sched.h"
#include "steem/rpc.h"
#include "witness.h"

#define MAX_POSTS    128
#define MAX_CALLS    128
#define ANSWER_LIMIT ((size_t)4 << 20)
#define MAX_TURNS    5000 /* within 10 ms */
#define WILD_BLOCKS  1000000
#define STALE_BLOCKS 500
#define SMALL_BATCH  5
#define BOAST_BLOCKS 3 /* how many of the newest blocks it does not give */

struct sim_call {
	uint32_t id;
	uint32_t num;  /* 0: the request is not for a block */
	char name[17]; /* the requested witness; "": the head is requested */
};

struct post {
	http_done_fn *done;
	void *context;
	int64_t timeout_ms;
	int64_t sent_ms, done_ms;
	unsigned node;
	struct error err; /* the error of the transfer, decided when it was sent */
	int64_t retry_after_ms;
	struct sim_call calls[MAX_CALLS];
	size_t call_count;
	bool is_batch;
};

struct http {
	struct process *process;
	unsigned connections;
	struct post *posts[MAX_POSTS];
	size_t count;
};

uint64_t sim_request_count;

/* The nodes. */

static enum mood mood_of(const struct sim_node *node)
{
	if (node->is_dead)
		return MOOD_DOWN;
	return sim_now_ms < node->until_ms ? node->mood : MOOD_GOOD;
}

static bool is_spoilt(const struct sim_node *node, enum mood mood)
{
	return mood_of(node) == mood && sim_chance(node->per_mille);
}

static bool is_poisoned(uint32_t num, enum mood mood)
{
	return num > 0 && num == sim_poison.block && sim_poison.mood == mood;
}

static bool holds_poisoned(const struct post *post, enum mood mood)
{
	for (size_t i = 0; i < post->call_count; i++)
		if (is_poisoned(post->calls[i].num, mood))
			return true;
	return false;
}

static bool asks_for_blocks(const struct post *post)
{
	for (size_t i = 0; i < post->call_count; i++)
		if (post->calls[i].num > 0)
			return true;
	return false;
}

static uint32_t irreversible_of(const struct sim_node *node)
{
	uint32_t block = chain_irreversible();

	block = block > node->lag ? block - node->lag : 1;
	if (mood_of(node) == MOOD_STALE)
		block = block > STALE_BLOCKS ? block - STALE_BLOCKS : 1;
	return block;
}

static uint32_t head_of(const struct sim_node *node)
{
	uint32_t block = chain_head();

	block = block > node->lag ? block - node->lag : 1;
	if (mood_of(node) == MOOD_STALE)
		block = block > STALE_BLOCKS ? block - STALE_BLOCKS : 1;
	return block;
}

/* The version of a block that an honest node has now. */
static unsigned version_of(const struct sim_node *node, uint32_t num)
{
	unsigned bit = 1U << (node - sim_nodes);

	for (unsigned i = sim_fork_count; i-- > 0;)
		if ((sim_forks[i].nodes & bit) && num >= sim_forks[i].first &&
		    head_of(node) < sim_forks[i].first + sim_forks[i].blocks)
			return sim_forks[i].version;
	return VERSION_TRUE;
}

static void add_head(struct buf *out, const struct sim_node *node)
{
	uint32_t more = is_spoilt(node, MOOD_WILD) ? WILD_BLOCKS : 0;
	char time[20];

	chain_timestamp(head_of(node), 'T', time);
	buf_addf(out,
		 "\"result\":{\"head_block_number\":%u,\"last_irreversible_block_num\":%u,"
		 "\"time\":\"%s\"}}",
		 head_of(node) + more, irreversible_of(node) + more, time);
}

static bool tells_false_key(const struct sim_node *node)
{
	return node->tells_false_keys && mood_of(node) >= MOOD_HARMLESS_COUNT &&
	       is_spoilt(node, node->mood);
}

static void add_witness(struct buf *out, const struct sim_node *node, const char *name)
{
	int witness = witness_find(name);

	if (witness < 0 || is_spoilt(node, MOOD_NULL))
		buf_add_text(out, "\"result\":null}");
	else
		buf_addf(out, "\"result\":{\"owner\":\"%s\",\"signing_key\":\"%s\"}}", name,
			 witness_key((unsigned)witness, tells_false_key(node)));
}

/* Does the node make up this block? */
static bool makes_up(const struct sim_node *node, uint32_t num)
{
	if (mood_of(node) == MOOD_FORK)
		return num >= node->fork_first;
	return is_spoilt(node, MOOD_FALSE_BLOCK) || is_spoilt(node, MOOD_BROKEN_LINK);
}

/* The version of a well-made false block. */
static unsigned made_up_version(const struct sim_node *node)
{
	if (node->mood == MOOD_FORK)
		return node->fork_version;
	return node->mood == MOOD_BROKEN_LINK ? VERSION_LOOSE : VERSION_FALSE;
}

/*
 * A badly made false block: its hashes do not match its content.  Returns the version of the
 * rest.
 */
static unsigned make_up_badly(const struct sim_node *node, uint32_t num, unsigned true_version,
			      uint8_t ids[2][BLOCK_ID_BYTES], struct chain_changes *changes)
{
	chain_made_up_id(num - 1, ids[0]);
	chain_made_up_id(num, ids[1]);
	if (node->mood == MOOD_BROKEN_LINK || (node->mood == MOOD_FORK && num > node->fork_first))
		changes->previous = ids[0];
	if (node->mood == MOOD_BROKEN_LINK)
		return true_version;
	if (node->mood == MOOD_FALSE_BLOCK && num % 4 == 0) {
		changes->has_false_payload = true;
		return true_version;
	}
	if (node->mood == MOOD_FALSE_BLOCK && num % 4 == 1) {
		changes->has_false_trxs = true;
		return true_version;
	}
	if (node->mood == MOOD_FALSE_BLOCK && num % 4 == 2)
		chain_id(num, true_version, ids[1]);
	changes->id = ids[1];
	return VERSION_FALSE;
}

/*
 * A false block that cannot be proved looks like a true one that cannot be proved: combined with
 * a bad lie it might get a majority.
 */
static void hide(const struct sim_node *node, uint32_t num, struct chain_changes *changes)
{
	if (!is_spoilt(node, MOOD_HIDES) && !is_poisoned(num, MOOD_HIDES))
		return;
	changes->has_no_signature = true;
	sim_was_hidden[num] = true;
}

static void add_block(struct buf *out, const struct sim_node *node, uint32_t num)
{
	struct chain_changes changes = {
		.has_one_trx_id_more =
			is_spoilt(node, MOOD_INCOMPLETE) || is_poisoned(num, MOOD_INCOMPLETE),
	};
	uint8_t ids[2][BLOCK_ID_BYTES];
	unsigned version;
	bool is_lie;

	if (is_spoilt(node, MOOD_OTHER_NUMBER))
		num++;
	version = version_of(node, num);
	is_lie = makes_up(node, num);
	if (is_lie)
		version = node->lies_prove ? made_up_version(node)
					   : make_up_badly(node, num, version, ids, &changes);
	if (!is_lie || node->lies_prove)
		hide(node, num, &changes);
	buf_add_text(out, "\"result\":");
	chain_add_block(out, num, version, &changes);
	buf_add_char(out, '}');
}

static void add_result(struct buf *out, const struct sim_node *node, const struct sim_call *call)
{
	buf_addf(out, "{\"jsonrpc\":\"2.0\",\"id\":%u,", call->id);
	if (is_spoilt(node, MOOD_LOCKED) || is_poisoned(call->num, MOOD_LOCKED))
		buf_add_text(out, "\"error\":{\"code\":-32003,"
				  "\"message\":\"Unable to acquire database lock\"}}");
	else if (call->name[0] != '\0')
		add_witness(out, node, call->name);
	else if (call->num == 0)
		add_head(out, node);
	else if (call->num > head_of(node) || is_spoilt(node, MOOD_NULL) ||
		 (call->num + BOAST_BLOCKS > irreversible_of(node) &&
		  is_spoilt(node, MOOD_BOASTS)) ||
		 is_poisoned(call->num, MOOD_NULL))
		buf_add_text(out, "\"result\":null}");
	else
		add_block(out, node, call->num);
}

static void write_answer(struct buf *out, const struct post *post)
{
	const struct sim_node *node = &sim_nodes[post->node];

	if (mood_of(node) == MOOD_SMALL_BATCHES && post->call_count > SMALL_BATCH) {
		buf_add_text(out, "{\"error\":{\"code\":1600,"
				  "\"message\":\"JSONRPC batch size exceeds\"}}");
		return;
	}
	if (post->is_batch)
		buf_add_char(out, '[');
	for (size_t i = 0; i < post->call_count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		add_result(out, node, &post->calls[i]);
	}
	if (post->is_batch)
		buf_add_char(out, ']');
	if (is_spoilt(node, MOOD_CUTS) || holds_poisoned(post, MOOD_CUTS))
		out->data[out->len /= 2] = '\0';
}

/* The reader. */

struct http *http_new(unsigned connections, const char *user_agent, struct error *err)
{
	struct http *http = xcalloc(1, sizeof(*http));

	(void)user_agent;
	(void)err;
	http->process = process_self();
	http->connections = connections;
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	for (size_t i = 0; i < http->count; i++)
		free(http->posts[i]);
	free(http);
}

static void read_calls(struct post *post, const char *body)
{
	const char *at = body;

	post->is_batch = body[0] == '[';
	while ((at = strstr(at, "\"id\":"))) {
		struct sim_call *call = &post->calls[post->call_count++];
		char *end;

		if (post->call_count > MAX_CALLS)
			sim_fail("more than %d calls in one request", MAX_CALLS);
		call->id = (uint32_t)strtoul(at + 5, &end, 10);
		at = strstr(end, "\"method\":\"");
		if (!at)
			sim_fail("a call without a method: %s", body);
		if (strncmp(at + 10, "condenser_api.get_block\"", 24) == 0)
			call->num = (uint32_t)strtoul(strstr(at, "[") + 1, NULL, 10);
		else if (strncmp(at + 10, "condenser_api.get_witness_by_account\"", 37) == 0)
			(void)sscanf(strstr(at, "["), "[\"%16[a-z0-9.-]\"]", call->name);
		else if (strncmp(at + 10, "condenser_api.get_dynamic_global", 32) != 0)
			sim_fail("a call that the simulated nodes do not know: %s", at);
	}
}

/* Decide the result of the transfer, and when it arrives. */
static void decide(struct post *post)
{
	const struct sim_node *node = &sim_nodes[post->node];
	struct error *err = &post->err;

	post->done_ms = sim_now_ms + sim_between(5, 120);
	if (is_spoilt(node, MOOD_SLOW))
		post->done_ms = sim_now_ms + sim_between(500, 9000);
	if (mood_of(node) == MOOD_DOWN) {
		(void)error_set_node(err, RPC_FAILURE_OTHER_NODE, "cannot connect");
	} else if (is_spoilt(node, MOOD_HANGS) || holds_poisoned(post, MOOD_HANGS) ||
		   (asks_for_blocks(post) && is_spoilt(node, MOOD_BLOCKS_HANG))) {
		post->done_ms = SIM_NEVER;
	} else if (holds_poisoned(post, MOOD_REFUSES)) {
		(void)rpc_http_error(500, "text/plain", "", 0, err);
	} else if (is_spoilt(node, MOOD_REFUSES)) {
		(void)rpc_http_error(sim_chance(500) ? 503 : 429, "text/plain", "", 0, err);
		post->retry_after_ms = sim_chance(300) ? 2000 : 0;
	}
	if (post->done_ms > sim_now_ms + post->timeout_ms) {
		post->done_ms = sim_now_ms + post->timeout_ms;
		(void)error_set_node(err, RPC_FAILURE_CUT, "no whole answer in time");
	}
}

void http_post(struct http *http, const struct http_post *request)
{
	struct post *post = xcalloc(1, sizeof(*post));

	if (http->count == MAX_POSTS || http->count >= http->connections + 2 * SIM_NODES_MAX)
		sim_fail("%zu requests at once, with %u connections", http->count,
			 http->connections);
	sim_request_count++;
	process_acts(http->process, request->body);
	http->posts[http->count++] = post;
	post->done = request->done;
	post->context = request->context;
	post->timeout_ms = request->timeout_ms;
	post->sent_ms = sim_now_ms;
	post->node = (unsigned)(request->url[strlen(request->url) - 1] - '0');
	read_calls(post, request->body);
	decide(post);
}

/* A simulated node never changes its address. */
void http_renew_connections(struct http *http)
{
	(void)http;
}

unsigned http_in_flight(const struct http *http)
{
	return (unsigned)http->count;
}

static void deliver(struct post *post)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(ANSWER_LIMIT);
	struct http_answer answer = {.took_us = (sim_now_ms - post->sent_ms) * 1000,
				     .retry_after_ms = post->retry_after_ms};

	if (post->err.kind == ERROR_NONE)
		write_answer(&out, post);
	answer.body = buf_text(&out);
	answer.len = out.len;
	post->done(post->context, &answer, post->err.kind == ERROR_NONE ? NULL : &post->err);
	free(post);
}

static int64_t next_done_ms(const struct http *http)
{
	int64_t next_ms = SIM_NEVER;

	for (size_t i = 0; i < http->count; i++)
		if (http->posts[i]->done_ms < next_ms)
			next_ms = http->posts[i]->done_ms;
	return next_ms;
}

/* A random one of the finished posts; NULL: none. */
static struct post *take_done(struct http *http)
{
	size_t chosen = 0, count = 0;
	struct post *post;

	for (size_t i = 0; i < http->count; i++)
		if (http->posts[i]->done_ms <= sim_now_ms && sim_random(++count) == 0)
			chosen = i;
	if (count == 0)
		return NULL;
	post = http->posts[chosen];
	http->posts[chosen] = http->posts[--http->count];
	return post;
}

static void count_turn(struct process *process)
{
	if (process->turn_ms != sim_now_ms / 10) {
		process->turn_count = 0;
		process->turn_ms = sim_now_ms / 10;
	}
	if (++process->turn_count > MAX_TURNS)
		sim_fail("%s spins: %d turns at one moment", process->label, MAX_TURNS);
}

int http_wait(struct http *http, struct pollfd *fds, unsigned fd_count, int64_t timeout_ms,
	      struct error *err)
{
	struct process *process = http->process;
	int64_t until_ms = sim_now_ms + timeout_ms;
	struct post *post;

	(void)fds;
	(void)fd_count;
	if (next_done_ms(http) < until_ms)
		until_ms = next_done_ms(http);
	if (process->has_event)
		until_ms = sim_now_ms;
	if (timeout_ms < 0)
		sim_fail("a wait of %lld ms", (long long)timeout_ms);
	fiber_sleep(until_ms);
	if (process->is_killed)
		return error_set(err, ERROR_FATAL, "this process was killed");
	count_turn(process);
	process->has_arrived = process->has_event;
	while ((post = take_done(http))) {
		process->has_arrived = true;
		deliver(post);
	}
	return 0;
}
