/* SPDX-License-Identifier: MIT */
#include "poster/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "daemon/config_check.h"
#include "steem/json.h"
#include "steem/rpc.h"

#define HEAD_MS       1000
#define CHECK_MS      600000
#define CHECK_SOON_MS 3000
#define OTHER_MS      60000
#define HEAD_BYTES    ((size_t)256 * 1024)
#define BLOCK_BYTES   ((size_t)8 * 1024 * 1024)
#define REQUEST_BYTES 1024

void routes_init(struct routes *routes, struct http *http, char *const *urls, size_t count)
{
	*routes = (struct routes){.http = http, .count = count < ROUTE_MAX ? count : ROUTE_MAX};
	for (size_t i = 0; i < routes->count; i++) {
		routes->items[i].url = xstrdup(urls[i]);
		routes->items[i].label = config_url_shown(urls[i]);
	}
}

void routes_release(struct routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		free(routes->items[i].url);
		free(routes->items[i].label);
	}
	routes->count = 0;
}

void routes_stored(struct routes *routes, const struct block_name *block, int64_t time_s)
{
	if (block->num <= routes->stored.num)
		return;
	routes->stored = *block;
	routes->stored_s = time_s;
}

/* One request to one node. */
struct question {
	struct routes *routes;
	size_t i;
	uint32_t id;
	int64_t asked_at_ms;
	struct block_name block; /* of a block */
};

static void ask(struct routes *routes, size_t i, const struct rpc_call *call,
		const struct block_name *block, http_done_fn *done)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT(REQUEST_BYTES);
	struct question *question = xcalloc(1, sizeof(*question));
	struct error err = ERROR_INIT;
	struct http_post post = {
		.url = routes->items[i].url,
		.timeout_ms = ROUTES_TIMEOUT_MS,
		.max_answer_bytes = call->method == RPC_GET_BLOCK ? BLOCK_BYTES : HEAD_BYTES,
		.done = done,
		.context = question,
	};

	*question = (struct question){.routes = routes,
				      .i = i,
				      .id = ++routes->next_id,
				      .asked_at_ms = clock_now_ms(),
				      .block = *block};
	if (rpc_encode(&body, call, 1, question->id, &err) < 0) {
		free(question);
		return;
	}
	post.body = buf_text(&body);
	post.len = body.len;
	http_post(routes->http, &post);
}

/* The result in an answer; false: there is none. */
static bool take_result(const struct http_answer *answer, const struct error *err, uint32_t id,
			struct json_slice *ret_result)
{
	struct error fault = ERROR_INIT;
	struct rpc_answer decoded;

	if (err || rpc_decode(answer->body, answer->len, id, 1, &decoded, &fault) < 0 ||
	    !decoded.result.data)
		return false;
	*ret_result = decoded.result;
	return true;
}

/* Heads. */

static void head_answered(void *context, const struct http_answer *answer, const struct error *err)
{
	struct question *question = context;
	struct route *route = &question->routes->items[question->i];
	int64_t now_ms = clock_now_ms();
	struct error fault = ERROR_INIT;
	struct json_slice result;
	struct chain_head head;

	route->is_asking = false;
	route->ask_at_ms = now_ms + HEAD_MS;
	if (!take_result(answer, err, question->id, &result) ||
	    decode_head(result.data, result.len, &head, &fault) < 0) {
		route_failed(route, now_ms);
		route->ask_at_ms = max_i64(route->ask_at_ms, route->rests_until_ms);
	} else {
		route_answered(route, answer->took_us);
		route->head = head;
		/* From before it was asked: a slow answer is old. */
		route->head_at_ms = question->asked_at_ms;
	}
	free(question);
}

/* The stored block. */

static bool has_id(const struct json_slice *result, const struct block_name *block)
{
	char hex[BLOCK_ID_HEX + 3] = "\"";
	struct json_slice id;

	for (size_t i = 0; i < BLOCK_ID_BYTES; i++)
		snprintf(hex + 1 + 2 * i, 3, "%02x", block->id[i]);
	hex[BLOCK_ID_HEX + 1] = '"';
	return json_find(result->data, result->len, "block_id", &id) &&
	       id.len == BLOCK_ID_HEX + 2 && memcmp(id.data, hex, id.len) == 0;
}

static void block_answered(void *context, const struct http_answer *answer, const struct error *err)
{
	struct question *question = context;
	struct route *route = &question->routes->items[question->i];
	int64_t now_ms = clock_now_ms();
	struct json_slice result;
	bool has_result = take_result(answer, err, question->id, &result);

	route->is_checking = false;
	route->check_at_ms = now_ms + CHECK_SOON_MS;
	/* A node that is behind does not have the block yet: `null`. */
	if (has_result && result.data[0] == '{') {
		route->has_chain = has_id(&result, &question->block);
		route->is_other_chain = !route->has_chain;
		route->check_at_ms = now_ms + (route->has_chain ? CHECK_MS : OTHER_MS);
		if (route->is_other_chain)
			log_error("node_other_chain",
				  "%s: its block %u is not the stored one; nothing is sent to it",
				  route->label, question->block.num);
	}
	free(question);
}

static void ask_what_is_due(struct routes *routes, size_t i, int64_t now_ms)
{
	const struct rpc_call head = {.method = RPC_GET_DYNAMIC_GLOBAL_PROPERTIES};
	const struct rpc_call block = {.method = RPC_GET_BLOCK, .block = routes->stored.num};
	struct route *route = &routes->items[i];

	if (!route->is_asking && now_ms >= route->ask_at_ms) {
		route->is_asking = true;
		ask(routes, i, &head, &routes->stored, head_answered);
	}
	if (!route->is_checking && now_ms >= route->check_at_ms && routes->stored.num > 0 &&
	    route->head_at_ms > 0) {
		route->is_checking = true;
		ask(routes, i, &block, &routes->stored, block_answered);
	}
}

/* Why is nothing sent to it? */
static const char *reason_of(const struct route *route, int64_t now_ms, int64_t stored_s)
{
	if (route->is_other_chain)
		return "it has another chain";
	if (route->head_at_ms == 0 || now_ms - route->head_at_ms > ROUTE_HEAD_MS)
		return "it does not tell its head";
	if (route->head.head_time_s > stored_s + ROUTE_AHEAD_S)
		return "its head is far above the stored blocks: the readers are behind, or it is false";
	if (!route->has_chain)
		return "it has not given the stored block";
	return "its head is not that of the others, or below the stored blocks";
}

static void tell_changes(struct routes *routes, int64_t now_ms)
{
	int64_t stored_s = routes->stored_s;
	int64_t middle_s = route_middle_s(routes->items, routes->count, now_ms, stored_s);

	for (size_t i = 0; i < routes->count && !routes->is_quiet; i++) {
		struct route *route = &routes->items[i];
		bool is_usable = route_is_usable(route, now_ms, stored_s, middle_s);

		if (is_usable == routes->was_usable[i])
			continue;
		routes->was_usable[i] = is_usable;
		if (is_usable)
			log_info("node_used", "%s: head block %u", route->label,
				 route->head.head_block);
		else
			log_warning("node_unused", "%s: nothing is sent to it: %s", route->label,
				    reason_of(route, now_ms, stored_s));
	}
}

int64_t routes_step(struct routes *routes, int64_t now_ms)
{
	int64_t next_ms = CLOCK_NEVER;

	tell_changes(routes, now_ms);
	for (size_t i = 0; i < routes->count; i++) {
		struct route *route = &routes->items[i];

		ask_what_is_due(routes, i, now_ms);
		if (!route->is_asking)
			next_ms = sooner(next_ms, route->ask_at_ms);
		if (!route->is_checking && routes->stored.num > 0 && route->head_at_ms > 0)
			next_ms = sooner(next_ms, route->check_at_ms);
		if (route->head_at_ms > 0 && routes->was_usable[i])
			next_ms = sooner(next_ms, route->head_at_ms + ROUTE_HEAD_MS + 1);
	}
	return next_ms;
}
