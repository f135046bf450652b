/* SPDX-License-Identifier: MIT */
/* steem/http.h: posts to simulated nodes, and the waiting of the reader's loop. */
#include "steem/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "nodes.h"
#include "nodes_impl.h"
#include "sched.h"
#include "steem/rpc.h"

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
	uint32_t num; /* 0: the head is asked for */
};

struct post {
	http_done_fn *done;
	void *context;
	int64_t timeout_ms;
	int64_t sent_ms, done_ms;
	unsigned node;
	struct error err; /* of the transfer, decided when it was sent */
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

/* The nodes' side. */

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
			return VERSION_FORKS + i;
	return VERSION_TRUE;
}

static void add_head(struct buf *out, const struct sim_node *node)
{
	uint32_t more = is_spoilt(node, MOOD_WILD) ? WILD_BLOCKS : 0;

	buf_addf(out,
		 "\"result\":{\"head_block_number\":%u,\"last_irreversible_block_num\":%u,"
		 "\"time\":\"2020-01-01T00:00:00\"}}",
		 head_of(node) + more, irreversible_of(node) + more);
}

static void add_transactions(struct buf *out, uint32_t num, unsigned version)
{
	char payload[64];

	for (unsigned trx = 0; trx < chain_trx_count(num, version); trx++) {
		buf_addf(out, "%s{\"ref_block_num\":1,\"operations\":[", trx > 0 ? "," : "");
		for (unsigned op = 0; op < chain_op_count(num, version, trx); op++) {
			chain_payload(num, version, trx, op, payload);
			buf_addf(out, "%s[\"%s\",%s]", op > 0 ? "," : "",
				 chain_op_name(num, trx, op), payload);
		}
		buf_add_text(out, "]}");
	}
}

static void add_trx_ids(struct buf *out, uint32_t num, unsigned version, bool is_complete)
{
	char trx_id[BLOCK_ID_HEX + 1];
	unsigned count = chain_trx_count(num, version);

	for (unsigned trx = 0; trx < count; trx++) {
		chain_trx_id(num, version, trx, trx_id);
		buf_addf(out, "%s\"%s\"", trx > 0 ? "," : "", trx_id);
	}
	if (!is_complete)
		buf_addf(out, "%s\"%040d\"", count > 0 ? "," : "", 0);
}

static void add_block(struct buf *out, const struct sim_node *node, uint32_t num)
{
	bool is_fork = mood_of(node) == MOOD_FORK;
	unsigned version, version_before;
	uint8_t id[BLOCK_ID_BYTES], previous[BLOCK_ID_BYTES];
	char id_text[BLOCK_ID_HEX + 1], previous_text[BLOCK_ID_HEX + 1], timestamp[20];
	bool is_complete = !is_spoilt(node, MOOD_INCOMPLETE) && !is_poisoned(num, MOOD_INCOMPLETE);

	if (is_spoilt(node, MOOD_OTHER_NUMBER))
		num++;
	version = version_of(node, num);
	version_before = chain_version_before(num, version);
	if ((is_fork && num >= node->fork_first) || is_spoilt(node, MOOD_FALSE_BLOCK))
		version = VERSION_FALSE;
	if (is_fork && num > node->fork_first)
		version_before = VERSION_FALSE;
	if (is_spoilt(node, MOOD_BROKEN_LINK) && num > 1)
		version_before = VERSION_NONE;
	chain_id(num, version, id);
	chain_id(num - 1, version_before, previous);
	chain_timestamp(num, 'T', timestamp);
	buf_addf(out,
		 "\"result\":{\"previous\":\"%s\",\"timestamp\":\"%s\",\"witness\":\"w\","
		 "\"transaction_merkle_root\":\"%040d\",\"extensions\":[],\"transactions\":[",
		 block_id_format(previous, previous_text), timestamp,
		 chain_trx_count(num, version) > 0 ? 1 : 0);
	add_transactions(out, num, version);
	buf_addf(out, "],\"block_id\":\"%s\",\"transaction_ids\":[", block_id_format(id, id_text));
	add_trx_ids(out, num, version, is_complete);
	buf_add_text(out, "]}}");
}

static void add_result(struct buf *out, const struct sim_node *node, const struct sim_call *call)
{
	buf_addf(out, "{\"jsonrpc\":\"2.0\",\"id\":%u,", call->id);
	if (is_spoilt(node, MOOD_LOCKED) || is_poisoned(call->num, MOOD_LOCKED))
		buf_add_text(out, "\"error\":{\"code\":-32003,"
				  "\"message\":\"Unable to acquire database lock\"}}");
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

/* The reader's side. */

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
		else if (strncmp(at + 10, "condenser_api.get_dynamic_global", 32) != 0)
			sim_fail("a call that the simulated nodes do not know: %s", at);
	}
}

/* What the transfer itself will come to, and when. */
static void decide(struct post *post)
{
	const struct sim_node *node = &sim_nodes[post->node];
	struct error *err = &post->err;

	post->done_ms = sim_now_ms + sim_between(5, 120);
	if (is_spoilt(node, MOOD_SLOW))
		post->done_ms = sim_now_ms + sim_between(500, 9000);
	if (mood_of(node) == MOOD_DOWN) {
		(void)error_set_code(err, ERROR_NODE, RPC_FAILURE_OTHER_NODE, "cannot connect");
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
		(void)error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT, "no whole answer in time");
	}
}

void http_post(struct http *http, const struct http_post *request)
{
	struct post *post = xcalloc(1, sizeof(*post));

	if (http->count == MAX_POSTS || http->count >= http->connections + 2 * SIM_NODES_MAX)
		sim_fail("%zu requests at once, with %u connections", http->count,
			 http->connections);
	sim_request_count++;
	http->posts[http->count++] = post;
	post->done = request->done;
	post->context = request->context;
	post->timeout_ms = request->timeout_ms;
	post->sent_ms = sim_now_ms;
	post->node = (unsigned)(request->url[strlen(request->url) - 1] - '0');
	read_calls(post, request->body);
	decide(post);
}

/* A simulated node is where its name leads. */
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

/* Of those that are done, one by chance; NULL: none. */
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
	while ((post = take_done(http)))
		deliver(post);
	return 0;
}
