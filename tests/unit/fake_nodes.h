/* SPDX-License-Identifier: MIT */
/*
 * Simulated nodes instead of http.c: this file has its own http_post(), http_wait() and
 * http_in_flight(), so a test that includes it is linked without steem/http.o.
 */
#ifndef TESTS_FAKE_NODES_H
#define TESTS_FAKE_NODES_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "steem/codec/hash.h"
#include "steem/http.h"
#include "steem/rpc.h"

#define NODES_MAX 3

enum fault {
	FAULT_NONE,
	FAULT_DOWN, /* no connection */
	FAULT_TIMEOUT,
	FAULT_HTML,    /* 200 and a page */
	FAULT_CUT,     /* half of the answer */
	FAULT_GARBAGE, /* something behind the answer */
	FAULT_TOO_FEW,
	FAULT_DOUBLED, /* the first one also in place of the last */
	FAULT_REORDERED,
	FAULT_NULL,
	FAULT_OTHER_BLOCK,
	FAULT_INCOMPLETE,
	FAULT_BUSY,      /* every call: no database lock */
	FAULT_INTERNAL,  /* every call: internal error */
	FAULT_ONE_ERROR, /* an error in place of the array */
	FAULT_UNSUPPORTED,
	FAULT_RANDOM, /* another one of these each time */
	/* Only for `poison`: */
	FAULT_STATUS_500,
	FAULT_STATUS_503,
	FAULT_RESET,
	FAULT_TOO_LARGE,
	FAULT_ERROR_OBJECT,
	FAULT_STATUS_429,
	FAULT_RETRY_AFTER,
	FAULT_NOT_OFFERED, /* an object of error in place of the answer */
	FAULT_KILL,        /* the node is away for a while */
};

#define DEAD_MS 2000 /* after FAULT_KILL */

#define POSTS_NOTED 400

/* What it says to get_ops_in_block. */
enum virtual_answer {
	VIRTUAL_GOOD,
	VIRTUAL_EMPTY,
	VIRTUAL_UNREWARDED,  /* all but the producer_reward */
	VIRTUAL_OTHER_BLOCK, /* that of the next block */
	VIRTUAL_INTERNAL,
	VIRTUAL_UNSUPPORTED,
	VIRTUAL_LIE, /* another operation in the place of one */
};

/* What its blocks prove of themselves. */
enum seal {
	SEAL_NONE, /* they have no witness and no signature */
	SEAL_GOOD,
	SEAL_FALSE,   /* another id than their bytes have */
	SEAL_UNKNOWN, /* the good block, but an extension that no program knows, so nobody can tell */
	SEAL_OTHER,   /* the same, of another block */
};

struct sim {
	enum fault fault;
	enum seal seal;
	enum virtual_answer virtual_answer;
	unsigned virtual_count; /* calls for them */
	uint32_t history_from;  /* below it its lists are empty */
	bool is_bare_in_turns;  /* each second request, as one of two servers without a history */
	bool hides_witness; /* an error to the call for one of the blocks that prove a history */
	unsigned witness_count; /* calls for them */
	int fault_count;        /* so many requests, then none; -1: for ever */
	unsigned batch_max;     /* more calls are refused as jussi does; 0: no limit */
	uint32_t head, irreversible;
	uint32_t poison;         /* a request with this block never gets a whole answer ... */
	enum fault poison_fault; /* ... but this; FAULT_NONE: nothing, until its time is over */
	int64_t dead_until_ms;
	bool hangs_for_blocks; /* answers nothing but questions for its head */
	bool breaks_in_turns;  /* each second request, as one of two servers behind its name */
	unsigned block_posts;  /* requests with blocks in them */
	bool hangs_for_lists;  /* answers nothing to requests for nothing but virtual operations */
	uint32_t lacks;        /* answers null for this block */
	uint32_t locked;       /* is too busy for this block, always */
	unsigned request_count, largest_batch;
	unsigned posted_count;
	int64_t posted_at_ms[POSTS_NOTED]; /* of the first ones */
};

struct post {
	struct http_post request;
	char *body;
	unsigned node;
	int64_t due_ms; /* when it is answered, or its time is over */
};

struct http {
	struct post posts[64];
	unsigned count, most, renewal_count;
	struct sim sims[NODES_MAX];
};

static struct http fake;
static int64_t now_ms;

static int64_t fake_clock(void *context)
{
	(void)context;
	return now_ms;
}

static bool hangs(const struct sim *sim, const char *body)
{
	char number[16];

	snprintf(number, sizeof(number), "[%u", sim->poison);
	if (sim->fault == FAULT_TIMEOUT && sim->fault_count != 0)
		return true;
	if (sim->hangs_for_blocks && strstr(body, "get_block"))
		return true;
	if (sim->hangs_for_lists && strstr(body, "get_ops") && !strstr(body, "get_block"))
		return true;
	return sim->poison && sim->poison_fault == FAULT_NONE && strstr(body, number);
}

void http_post(struct http *http, const struct http_post *request)
{
	struct post *post = &http->posts[http->count++];

	assert_true(http->count < sizeof(http->posts) / sizeof(http->posts[0]));
	post->request = *request;
	post->body = xtextdup(request->body, request->len);
	post->node = (unsigned)(request->url[strlen(request->url) - 1] - 'a') % NODES_MAX;
	post->due_ms = now_ms;
	if (hangs(&http->sims[post->node], post->body))
		post->due_ms += request->timeout_ms;
	if (strstr(post->body, "get_block"))
		http->sims[post->node].block_posts++;
	if (http->most < http->count)
		http->most = http->count;
	if (http->sims[post->node].posted_count < POSTS_NOTED)
		http->sims[post->node].posted_at_ms[http->sims[post->node].posted_count++] = now_ms;
}

void http_renew_connections(struct http *http)
{
	http->renewal_count++;
}

unsigned http_in_flight(const struct http *http)
{
	return http->count;
}

/* The id of an empty block by "w", signed with zeros, behind a block whose id is zeros. */
static void add_sealed_id(struct buf *out, uint32_t num)
{
	uint8_t header[20 + 4 + 2 + 20 + 1 + 65] = {0}, sum[HASH_SHA224_BYTES];
	struct error err = ERROR_INIT;
	struct hash *hash = hash_new(&err);

	for (unsigned i = 0; i < 4; i++)
		header[i] = (uint8_t)((num - 1) >> (24 - 8 * i));
	memcpy(header + 20, "\x2c\x10\xf4\x56\1w", 6); /* 2016-03-24T16:05:00 */
	hash_sha224(hash, header, sizeof(header), sum);
	hash_free(hash);
	buf_addf(out, "%08" PRIx32, num);
	for (unsigned i = 4; i < 20; i++)
		buf_addf(out, "%02x", sum[i]);
}

static void add_sealed_block(struct buf *out, uint32_t num, enum seal seal)
{
	buf_addf(out,
		 "{\"previous\":\"%08" PRIx32 "%032d\",\"timestamp\":\"2016-03-24T16:05:00\","
		 "\"transaction_merkle_root\":\"%040d\",\"transactions\":[],\"witness\":\"w\","
		 "\"extensions\":[%s],\"witness_signature\":\"%0130d\",\"transaction_ids\":[],"
		 "\"block_id\":\"",
		 num - 1, 0, 0, seal >= SEAL_UNKNOWN ? "[9,{}]" : "", 0);
	if (seal == SEAL_GOOD || seal == SEAL_UNKNOWN)
		add_sealed_id(out, num);
	else
		buf_addf(out, "%08" PRIx32 "%032d", num, seal);
	buf_add_text(out, "\"}");
}

static void add_block(struct buf *out, uint32_t num, bool is_complete)
{
	buf_addf(out,
		 "{\"previous\":\"%08" PRIx32 "%032d\",\"timestamp\":\"2016-03-24T16:05:00\","
		 "\"transaction_merkle_root\":\"%040d\",\"transactions\":[],"
		 "\"block_id\":\"%08" PRIx32 "%032d\",\"transaction_ids\":[%s]}",
		 num - 1, 0, 0, num, 0, is_complete ? "" : "\"x\"");
}

static void add_virtual(struct buf *out, struct sim *sim, uint32_t num)
{
	static const char entry[] =
		"{\"trx_id\":\"%040d\",\"block\":%u,\"trx_in_block\":4294967295,\"op_in_trx\":0,"
		"\"virtual_op\":1,\"timestamp\":\"2016-03-24T16:05:00\",\"op\":[\"%s\",{}]}%s";

	bool is_witness = num == 1 || num == 864000;

	sim->virtual_count++;
	sim->witness_count += is_witness;
	if (sim->virtual_answer == VIRTUAL_INTERNAL || (is_witness && sim->hides_witness)) {
		buf_add_text(out, "\"error\":{\"code\":-32603,\"message\":\"Internal Error\"}}");
		return;
	}
	if (sim->virtual_answer == VIRTUAL_UNSUPPORTED) {
		buf_add_text(out, "\"error\":{\"code\":-32601,\"message\":\"no such method\"}}");
		return;
	}
	if (sim->virtual_answer == VIRTUAL_OTHER_BLOCK)
		num++;
	buf_add_text(out, "\"result\":[");
	/* Below 864,000 the chain has some in block 1 and in each fifth block. */
	if (sim->virtual_answer != VIRTUAL_EMPTY && num <= sim->irreversible &&
	    (!sim->is_bare_in_turns || sim->request_count % 2 == 0) && num >= sim->history_from &&
	    (num >= 864000 || num == 1 || num % 5 == 0)) {
		buf_addf(out, entry, 0, num,
			 sim->virtual_answer == VIRTUAL_LIE ? "sps_fund" : "interest",
			 sim->virtual_answer == VIRTUAL_UNREWARDED ? "" : ",");
		if (sim->virtual_answer != VIRTUAL_UNREWARDED)
			buf_addf(out, entry, 0, num, "producer_reward", "");
	}
	buf_add_text(out, "]}");
}

static void add_result(struct buf *out, struct sim *sim, enum fault fault, struct json_object *call)
{
	const char *method = json_object_get_string(json_object_object_get(call, "method"));
	struct json_object *params = json_object_object_get(call, "params");
	uint32_t num = (uint32_t)json_object_get_int64(json_object_array_get_idx(params, 0));

	buf_addf(out, "{\"id\":%" PRId64 ",",
		 json_object_get_int64(json_object_object_get(call, "id")));
	if (fault == FAULT_BUSY || (sim->locked > 0 && num == sim->locked))
		buf_add_text(out, "\"error\":{\"code\":-32003,"
				  "\"message\":\"Unable to acquire database lock\"}}");
	else if (fault == FAULT_INTERNAL)
		buf_add_text(out, "\"error\":{\"code\":-32603,\"message\":\"Internal Error\"}}");
	else if (fault == FAULT_UNSUPPORTED)
		buf_add_text(out, "\"error\":{\"code\":-32601,\"message\":\"no such method\"}}");
	else if (!strcmp(method, "condenser_api.get_dynamic_global_properties"))
		buf_addf(out,
			 "\"result\":{\"head_block_number\":%u,\"last_irreversible_block_num\":%u,"
			 "\"time\":\"2016-03-24T16:05:00\"}}",
			 sim->head, sim->irreversible);
	else if (!strcmp(method, "condenser_api.get_ops_in_block"))
		add_virtual(out, sim, num);
	else if (fault == FAULT_NULL || num > sim->head || num == sim->lacks)
		buf_add_text(out, "\"result\":null}");
	else {
		buf_add_text(out, "\"result\":");
		if (sim->seal != SEAL_NONE)
			add_sealed_block(out, num, sim->seal);
		else
			add_block(out, fault == FAULT_OTHER_BLOCK ? num + 1 : num,
				  fault != FAULT_INCOMPLETE);
		buf_add_char(out, '}');
	}
}

static void add_answer(struct buf *out, struct sim *sim, enum fault fault, struct json_object *tree)
{
	size_t count = json_object_array_length(tree);

	buf_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		size_t place = fault == FAULT_REORDERED ? count - 1 - i : i;

		if (fault == FAULT_TOO_FEW && i + 1 == count)
			break;
		if (fault == FAULT_DOUBLED && i + 1 == count)
			place = 0;
		if (i > 0)
			buf_add_char(out, ',');
		add_result(out, sim, fault, json_object_array_get_idx(tree, place));
	}
	buf_add_char(out, ']');
}

static bool wants_block(struct json_object *tree, uint32_t num)
{
	for (size_t i = 0; i < json_object_array_length(tree); i++) {
		struct json_object *params =
			json_object_object_get(json_object_array_get_idx(tree, i), "params");
		struct json_object *first = json_object_array_get_idx(params, 0);

		if (first && json_object_get_int64(first) == num)
			return true;
	}
	return false;
}

static enum fault next_fault(struct sim *sim)
{
	enum fault fault = sim->fault;

	if (sim->fault_count == 0)
		return FAULT_NONE;
	if (sim->fault_count > 0)
		sim->fault_count--;
	if (fault == FAULT_RANDOM)
		fault = random_below(3) ? FAULT_NONE : (enum fault)random_below(FAULT_UNSUPPORTED);
	return fault;
}

static bool asks_block(struct json_object *tree)
{
	const char *method = json_object_get_string(json_object_object_get(
		json_object_array_get_idx(tree, json_object_array_length(tree) - 1), "method"));

	return strcmp(method, "condenser_api.get_dynamic_global_properties") != 0;
}

/* A request for both halves of blocks begins with a block. */
static bool asks_lists(struct json_object *tree)
{
	const char *method = json_object_get_string(
		json_object_object_get(json_object_array_get_idx(tree, 0), "method"));

	return strcmp(method, "condenser_api.get_ops_in_block") == 0;
}

/* What a request gets for one block in it. */
static void make_poisoned(struct buf *out, enum fault fault, struct error *err)
{
	switch (fault) {
	case FAULT_STATUS_500:
	case FAULT_STATUS_503:
		(void)rpc_http_error(fault == FAULT_STATUS_500 ? 500 : 503, NULL, "", 0, err);
		break;
	case FAULT_STATUS_429:
		(void)rpc_http_error(429, NULL, "", 0, err);
		break;
	case FAULT_RETRY_AFTER:
		(void)rpc_http_error(503, NULL, "", 0, err);
		break;
	case FAULT_NOT_OFFERED:
		buf_add_text(out, "{\"error\":{\"code\":-32601,\"message\":\"no such method\"}}");
		break;
	case FAULT_KILL:
	case FAULT_RESET:
		(void)error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT, "cannot ask: reset");
		break;
	case FAULT_TOO_LARGE:
		while (out->len < 100000)
			buf_add_text(out, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		(void)error_set_code(err, ERROR_NODE, RPC_FAILURE_BATCH, "more than 100000 bytes");
		break;
	case FAULT_ERROR_OBJECT:
		buf_add_text(out, "{\"error\":{\"code\":-32603,\"message\":\"Internal Error\"}}");
		break;
	case FAULT_HTML:
		buf_add_text(out, "<html><title>502 Bad Gateway</title></html>");
		break;
	default:
		buf_add_text(out, "[{\"id\":");
		break;
	}
}

/* What the node says to `tree`, an array of calls; a transfer that fails sets err. */
static void make_answer(struct buf *out, struct sim *sim, struct json_object *tree, bool is_batch,
			struct error *err)
{
	enum fault fault = next_fault(sim);
	size_t count = json_object_array_length(tree);

	sim->request_count++;
	if (sim->largest_batch < count)
		sim->largest_batch = (unsigned)count;
	if (sim->breaks_in_turns && sim->request_count % 2 == 0) {
		make_poisoned(out, FAULT_STATUS_500, err);
	} else if (fault == FAULT_DOWN || now_ms < sim->dead_until_ms) {
		error_set_code(err, ERROR_NODE, RPC_FAILURE_OTHER_NODE, "cannot connect");
	} else if (sim->poison && wants_block(tree, sim->poison) && sim->poison_fault) {
		make_poisoned(out, sim->poison_fault, err);
		if (sim->poison_fault == FAULT_KILL)
			sim->dead_until_ms = now_ms + DEAD_MS;
	} else if (fault == FAULT_TIMEOUT || (sim->poison && wants_block(tree, sim->poison)) ||
		   (sim->hangs_for_blocks && asks_block(tree)) ||
		   (sim->hangs_for_lists && asks_lists(tree))) {
		error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT, "no whole answer in time");
	} else if (fault == FAULT_HTML) {
		buf_add_text(out, "<html><title>502 Bad Gateway</title></html>");
	} else if (fault == FAULT_ONE_ERROR || (sim->batch_max && count > sim->batch_max)) {
		buf_add_text(
			out,
			"{\"error\":{\"code\":1600,\"message\":\"JSONRPC batch size exceeds\"}}");
	} else {
		add_answer(out, sim, fault, tree);
		if (!is_batch && out->len > 2) { /* without its brackets */
			memmove(out->data, out->data + 1, out->len - 2);
			out->data[out->len -= 2] = '\0';
		}
		if (fault == FAULT_CUT)
			out->data[out->len /= 2] = '\0';
		if (fault == FAULT_GARBAGE)
			buf_add_text(out, "[]");
	}
}

static void answer_post(struct post *post)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(10000000);
	struct json_object *tree = json_tokener_parse(post->body);
	struct http_answer answer = {.took_us = 1000};
	struct error err = ERROR_INIT;
	bool is_batch = json_object_is_type(tree, json_type_array), is_poisoned;

	assert_non_null(tree);
	if (!is_batch) {
		struct json_object *array = json_object_new_array();

		json_object_array_add(array, tree);
		tree = array;
	}
	is_poisoned = wants_block(tree, fake.sims[post->node].poison);
	make_answer(&out, &fake.sims[post->node], tree, is_batch, &err);
	json_object_put(tree);
	free(post->body);
	answer.body = buf_text(&out);
	answer.len = out.len;
	if (is_poisoned && fake.sims[post->node].poison_fault == FAULT_RETRY_AFTER)
		answer.retry_after_ms = 20000;
	post->request.done(post->request.context, &answer, err.kind == ERROR_NONE ? NULL : &err);
}

/* When the next post is answered. */
static inline int64_t fake_next_due_ms(void)
{
	int64_t due_ms = INT64_MAX;

	for (unsigned i = 0; i < fake.count; i++)
		if (fake.posts[i].due_ms < due_ms)
			due_ms = fake.posts[i].due_ms;
	return due_ms;
}

/* Answer one post, any of those that are due first. */
int http_wait(struct http *http, struct pollfd *fds, unsigned fd_count, int64_t timeout_ms,
	      struct error *err)
{
	unsigned chosen;
	struct post post;

	(void)fds;
	(void)fd_count;
	(void)timeout_ms;
	(void)err;
	if (http->count == 0)
		return 0;
	if (now_ms < fake_next_due_ms())
		now_ms = fake_next_due_ms();
	do
		chosen = (unsigned)random_below(http->count);
	while (http->posts[chosen].due_ms > now_ms);
	post = http->posts[chosen];
	http->posts[chosen] = http->posts[--http->count];
	answer_post(&post);
	return 0;
}

#endif
