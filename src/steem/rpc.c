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
	/* without the second parameter, a node reads an undefined value */
	case RPC_GET_OPS_IN_BLOCK:
		return buf_addf(out,
				"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":"
				"\"condenser_api.get_ops_in_block\",\"params\":[%u,true]}",
				id, call->block);
	case RPC_GET_WITNESS_BY_ACCOUNT:
		return buf_addf(out,
				"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":"
				"\"condenser_api.get_witness_by_account\",\"params\":[\"%s\"]}",
				id, call->account);
	case RPC_GET_ACCOUNTS:
		return buf_addf(out,
				"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":"
				"\"condenser_api.get_accounts\",\"params\":[[\"%s\"]]}",
				id, call->account);
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

enum rpc_failure rpc_failure_of(const struct error *err)
{
	return err->class == ERROR_CLASS_NODE ? (enum rpc_failure)err->code : RPC_FAILURE_NONE;
}

void rpc_set_failure(struct error *err, enum rpc_failure failure)
{
	err->class = ERROR_CLASS_NODE;
	err->code = (int)failure;
}

/* One answer object; the slices point into the body, data NULL when a member is absent. */
struct envelope {
	struct json_slice whole, result, error;
	void *thing;  /* made by the maker from the result, */
	size_t guess; /* on the guess that it belongs to this call */
	uint64_t id;
	bool has_id;
};

/* The state of decoding one answer. */
struct decoding {
	struct json_cursor cursor;
	uint32_t first_id;
	size_t count; /* of calls */
	struct rpc_answer *answers;
	const struct rpc_maker *maker; /* NULL: results are only cut out */
	bool is_guessing;              /* so far, the answers are in the order of the calls */
	size_t seen_count;
};

static int bad_answer(const struct json_cursor *cursor, struct error *err)
{
	json_error(cursor, err);
	rpc_set_failure(err, RPC_FAILURE_CUT);
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

static void drop_thing(const struct decoding *decoding, void **thing)
{
	if (*thing)
		decoding->maker->drop(*thing);
	*thing = NULL;
}

/*
 * Read the value of `result`.  The maker reads it in place, for the call that it probably
 * belongs to.  If the maker does not accept it, it is skipped from its beginning, so that the
 * checks of skipping always apply.
 */
static bool read_result(struct decoding *decoding, struct envelope *envelope)
{
	struct json_cursor *cursor = &decoding->cursor, trial;
	bool is_second = envelope->result.data != NULL;
	uint64_t guess =
		envelope->has_id ? envelope->id - decoding->first_id : decoding->seen_count;

	json_peek(cursor); /* moves to the first byte */
	drop_thing(decoding, &envelope->thing);
	if (!decoding->maker || !decoding->is_guessing || is_second || guess >= decoding->count)
		return json_skip(cursor, &envelope->result);
	trial = *cursor;
	envelope->guess = (size_t)guess;
	envelope->thing = decoding->maker->make(decoding->maker->context, envelope->guess, &trial);
	if (!envelope->thing)
		return json_skip(cursor, &envelope->result);
	envelope->result = (struct json_slice){cursor->at, (size_t)(trial.at - cursor->at)};
	*cursor = trial;
	return true;
}

static bool read_members(struct decoding *decoding, struct envelope *envelope)
{
	struct json_cursor *cursor = &decoding->cursor;
	struct json_slice key;
	bool is_first = true, is_good = true;

	while (is_good && json_next_member(cursor, &is_first, &key)) {
		if (json_slice_is(&key, "result"))
			is_good = read_result(decoding, envelope);
		else if (json_slice_is(&key, "error"))
			is_good = json_skip(cursor, &envelope->error);
		else if (json_slice_is(&key, "id"))
			is_good = read_id(cursor, envelope);
		else
			is_good = json_skip(cursor, NULL);
	}
	return is_good && !json_failed(cursor);
}

/* Read one answer object; false: bad JSON. The envelope owns the thing that was made. */
static bool read_envelope(struct decoding *decoding, struct envelope *envelope)
{
	const char *first = decoding->cursor.at;

	*envelope = (struct envelope){.has_id = false};
	if (!json_enter(&decoding->cursor, JSON_OBJECT))
		return false;
	if (!read_members(decoding, envelope)) {
		drop_thing(decoding, &envelope->thing);
		return false;
	}
	if (envelope->error.len == 4 && memcmp(envelope->error.data, "null", 4) == 0)
		envelope->error.data = NULL;
	envelope->whole = (struct json_slice){first, (size_t)(decoding->cursor.at - first)};
	decoding->seen_count++;
	return true;
}

static bool is_error(const struct envelope *envelope)
{
	return envelope->error.data || !envelope->result.data;
}

static int sort_envelope(const struct envelope *envelope, bool in_place_of_batch, struct error *err)
{
	return rpc_error_sort(&envelope->error, &envelope->whole, in_place_of_batch, err);
}

static void keep_result(struct decoding *decoding, struct envelope *envelope, size_t i)
{
	decoding->answers[i].result = envelope->result;
	if (envelope->thing && envelope->guess != i) {
		decoding->is_guessing = false;
	} else {
		decoding->answers[i].thing = envelope->thing;
		envelope->thing = NULL;
	}
}

static int decode_one(struct decoding *decoding, struct error *err)
{
	struct json_cursor *cursor = &decoding->cursor;
	struct envelope envelope;
	int result = 0;

	if (!read_envelope(decoding, &envelope))
		return bad_answer(cursor, err);
	if (!json_at_end(cursor))
		result = bad_answer(cursor, err);
	else if (is_error(&envelope)) /* old nodes and proxies leave out the id in errors */
		sort_envelope(&envelope, false, &decoding->answers[0].error);
	else if (!envelope.has_id || envelope.id != decoding->first_id)
		result = error_set_node(err, RPC_FAILURE_CUT, "the answer belongs to another call");
	else
		keep_result(decoding, &envelope, 0);
	drop_thing(decoding, &envelope.thing);
	return result;
}

/* Note one answer of a batch; `stray` keeps the first error that belongs to no call. */
static int place_envelope(struct decoding *decoding, struct envelope *envelope, struct error *stray,
			  struct error *err)
{
	uint64_t i = envelope->id - decoding->first_id;
	struct rpc_answer *answer;

	if (!envelope->has_id && is_error(envelope)) {
		if (stray->kind == ERROR_NONE)
			sort_envelope(envelope, true, stray);
		return 0;
	}
	if (!envelope->has_id || envelope->id < decoding->first_id || i >= decoding->count)
		return error_set_node(err, RPC_FAILURE_CUT,
				      "the answer holds an answer to a call that was not made");
	answer = &decoding->answers[i];
	if (answer->result.data || answer->error.kind != ERROR_NONE)
		return error_set_node(err, RPC_FAILURE_CUT,
				      "the answer holds two answers to one call");
	if (is_error(envelope))
		sort_envelope(envelope, false, &answer->error);
	else
		keep_result(decoding, envelope, (size_t)i);
	return 0;
}

/* After the last answer of a batch: does each call have its answer? */
static int check_whole(const struct decoding *decoding, const struct error *stray,
		       struct error *err)
{
	size_t missing_count = 0;

	for (size_t i = 0; i < decoding->count; i++)
		if (!decoding->answers[i].result.data &&
		    decoding->answers[i].error.kind == ERROR_NONE)
			missing_count++;
	if (missing_count == 0)
		return 0;
	if (stray->kind != ERROR_NONE) {
		*err = *stray;
		return -1;
	}
	return error_set_node(err, RPC_FAILURE_CUT, "%zu of %zu calls got no answer", missing_count,
			      decoding->count);
}

static int decode_array(struct decoding *decoding, struct error *err)
{
	struct json_cursor *cursor = &decoding->cursor;
	struct error stray = ERROR_INIT;
	bool is_first = true;

	json_enter(cursor, JSON_ARRAY);
	while (json_next_element(cursor, &is_first)) {
		struct envelope envelope;
		int result;

		if (json_peek(cursor) != JSON_OBJECT)
			return error_set_node(err, RPC_FAILURE_CUT,
					      "the answer holds something that is not an object");
		if (!read_envelope(decoding, &envelope))
			return bad_answer(cursor, err);
		result = place_envelope(decoding, &envelope, &stray, err);
		drop_thing(decoding, &envelope.thing);
		if (result != 0)
			return -1;
	}
	if (!json_at_end(cursor))
		return bad_answer(cursor, err);
	return check_whole(decoding, &stray, err);
}

/* One object came instead of an array. */
static int decode_in_place_of_batch(struct decoding *decoding, struct error *err)
{
	struct envelope envelope;

	decoding->maker = NULL;
	if (!read_envelope(decoding, &envelope) || !json_at_end(&decoding->cursor))
		return bad_answer(&decoding->cursor, err);
	if (is_error(&envelope))
		return sort_envelope(&envelope, true, err);
	return error_set_node(err, RPC_FAILURE_BATCH, "a batch of %zu calls got one single answer",
			      decoding->count);
}

int rpc_decode_making(const char *body, size_t len, uint32_t first_id, size_t count,
		      const struct rpc_maker *maker, struct rpc_answer *answers, struct error *err)
{
	struct decoding decoding = {.first_id = first_id,
				    .count = count,
				    .answers = answers,
				    .maker = maker,
				    .is_guessing = true};
	int result;

	for (size_t i = 0; i < count; i++)
		answers[i] = (struct rpc_answer){.error = ERROR_INIT};
	json_open(&decoding.cursor, body, len);
	switch (json_peek(&decoding.cursor)) {
	case JSON_ARRAY:
		result = decode_array(&decoding, err);
		break;
	case JSON_OBJECT:
		result = count == 1 ? decode_one(&decoding, err)
				    : decode_in_place_of_batch(&decoding, err);
		break;
	default:
		result = rpc_error_sort_text(body, len, count > 1, err);
		break;
	}
	for (size_t i = 0; i < count && result != 0; i++)
		drop_thing(&decoding, &answers[i].thing);
	return result;
}

int rpc_decode(const char *body, size_t len, uint32_t first_id, size_t count,
	       struct rpc_answer *answers, struct error *err)
{
	return rpc_decode_making(body, len, first_id, count, NULL, answers, err);
}
