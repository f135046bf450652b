/* SPDX-License-Identifier: MIT */
#include "steem/rpc.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "steem/rpc_error.h"

static int encode_call(struct buf *out, const struct rpc_call *call, uint32_t id)
{
	switch (call->method) {
	case RPC_GET_DYNAMIC_GLOBAL_PROPERTIES:
		return buf_addf(out,
				"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":"
				"\"condenser_api.get_dynamic_global_properties\",\"params\":[]}",
				id);
	case RPC_GET_BLOCK:
		return buf_addf(out,
				"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":"
				"\"condenser_api.get_block\",\"params\":[%u]}",
				id, call->block);
	}
	return -1;
}

int rpc_encode(struct buf *out, const struct rpc_call *calls, size_t count, uint32_t first_id,
	       struct error *err)
{
	int failed = 0;

	if (count != 1)
		failed |= buf_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			failed |= buf_add_char(out, ',');
		failed |= encode_call(out, &calls[i], first_id + (uint32_t)i);
	}
	if (count != 1)
		failed |= buf_add_char(out, ']');
	if (failed)
		return error_set(err, ERROR_FATAL,
				 "a request of %zu calls is longer than %zu bytes", count,
				 out->limit_bytes);
	return 0;
}

/* One answer object; the slices point into the body, data NULL when a member is absent. */
struct envelope {
	struct json_slice whole, result, error;
	uint64_t id;
	bool has_id;
};

static int bad_answer(const struct json_cursor *cursor, struct error *err)
{
	json_error(cursor, err);
	err->code = RPC_FAILURE_CUT;
	return error_prefix(err, "the answer cannot be read: ");
}

static bool read_id(struct json_cursor *cursor, struct envelope *envelope)
{
	struct json_slice value;
	struct json_cursor inner;

	if (!json_skip(cursor, &value))
		return false;
	json_open(&inner, value.data, value.len);
	envelope->has_id = json_take_u64(&inner, &envelope->id);
	return true;
}

/* Read one answer object; false on bad JSON. */
static bool read_envelope(struct json_cursor *cursor, struct envelope *envelope)
{
	const char *first = cursor->at;
	struct json_slice key;
	bool is_first = true;

	*envelope = (struct envelope){.has_id = false};
	if (!json_enter(cursor, JSON_OBJECT))
		return false;
	while (json_next_member(cursor, &is_first, &key)) {
		bool is_good;

		if (json_slice_is(&key, "result"))
			is_good = json_skip(cursor, &envelope->result);
		else if (json_slice_is(&key, "error"))
			is_good = json_skip(cursor, &envelope->error);
		else if (json_slice_is(&key, "id"))
			is_good = read_id(cursor, envelope);
		else
			is_good = json_skip(cursor, NULL);
		if (!is_good)
			return false;
	}
	if (envelope->error.len == 4 && memcmp(envelope->error.data, "null", 4) == 0)
		envelope->error.data = NULL;
	envelope->whole = (struct json_slice){first, (size_t)(cursor->at - first)};
	return !json_failed(cursor);
}

static bool is_error(const struct envelope *envelope)
{
	return envelope->error.data || !envelope->result.data;
}

static int sort_envelope(const struct envelope *envelope, bool in_place_of_batch, struct error *err)
{
	return rpc_error_sort(&envelope->error, &envelope->whole, in_place_of_batch, err);
}

static int decode_one(struct json_cursor *cursor, uint32_t id, struct rpc_answer *answer,
		      struct error *err)
{
	struct envelope envelope;

	if (!read_envelope(cursor, &envelope) || !json_at_end(cursor))
		return bad_answer(cursor, err);
	if (is_error(&envelope)) { /* old nodes and proxies leave the id out of errors */
		sort_envelope(&envelope, false, &answer->error);
		return 0;
	}
	if (!envelope.has_id || envelope.id != id)
		return error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT,
				      "the answer belongs to another call");
	answer->result = envelope.result;
	return 0;
}

/* Note one answer of a batch; `stray` keeps the first error that belongs to no call. */
static int place_envelope(const struct envelope *envelope, uint32_t first_id, size_t count,
			  struct rpc_answer *answers, struct error *stray, struct error *err)
{
	uint64_t i = envelope->id - first_id;

	if (!envelope->has_id && is_error(envelope)) {
		if (stray->kind == ERROR_NONE)
			sort_envelope(envelope, true, stray);
		return 0;
	}
	if (!envelope->has_id || envelope->id < first_id || i >= count)
		return error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT,
				      "the answer holds an answer to a call that was not made");
	if (answers[i].result.data || answers[i].error.kind != ERROR_NONE)
		return error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT,
				      "the answer holds two answers to one call");
	if (is_error(envelope))
		sort_envelope(envelope, false, &answers[i].error);
	else
		answers[i].result = envelope->result;
	return 0;
}

static int decode_array(struct json_cursor *cursor, uint32_t first_id, size_t count,
			struct rpc_answer *answers, struct error *err)
{
	struct error stray = ERROR_INIT;
	struct envelope envelope;
	bool is_first = true;
	size_t missing_count = 0;

	json_enter(cursor, JSON_ARRAY);
	while (json_next_element(cursor, &is_first)) {
		if (json_peek(cursor) != JSON_OBJECT)
			return error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT,
					      "the answer holds something that is not an object");
		if (!read_envelope(cursor, &envelope))
			return bad_answer(cursor, err);
		if (place_envelope(&envelope, first_id, count, answers, &stray, err) != 0)
			return -1;
	}
	if (!json_at_end(cursor))
		return bad_answer(cursor, err);
	for (size_t i = 0; i < count; i++)
		if (!answers[i].result.data && answers[i].error.kind == ERROR_NONE)
			missing_count++;
	if (missing_count == 0)
		return 0;
	if (stray.kind != ERROR_NONE) {
		*err = stray;
		return -1;
	}
	return error_set_code(err, ERROR_NODE, RPC_FAILURE_CUT, "%zu of %zu calls got no answer",
			      missing_count, count);
}

int rpc_decode(const char *body, size_t len, uint32_t first_id, size_t count,
	       struct rpc_answer *answers, struct error *err)
{
	struct json_cursor cursor;
	struct envelope envelope;

	for (size_t i = 0; i < count; i++)
		answers[i] = (struct rpc_answer){.error = ERROR_INIT};
	json_open(&cursor, body, len);
	switch (json_peek(&cursor)) {
	case JSON_ARRAY:
		return decode_array(&cursor, first_id, count, answers, err);
	case JSON_OBJECT:
		if (count == 1)
			return decode_one(&cursor, first_id, &answers[0], err);
		if (!read_envelope(&cursor, &envelope) || !json_at_end(&cursor))
			return bad_answer(&cursor, err);
		if (is_error(&envelope))
			return sort_envelope(&envelope, true, err);
		return error_set_code(err, ERROR_NODE, RPC_FAILURE_BATCH,
				      "a batch of %zu calls got one single answer", count);
	default:
		return rpc_error_sort_text(body, len, count > 1, err);
	}
}
