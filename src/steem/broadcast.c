/* SPDX-License-Identifier: MIT */
/*
 * Sources of the words: steemit/steem libraries/chain/steem_evaluator.cpp and database.cpp,
 * libraries/plugins/rc and witness; of the numbers: libraries/protocol/include/steem/protocol/
 * exceptions.hpp, libraries/chain/include/steem/chain/database_exceptions.hpp,
 * libraries/plugins/json_rpc.
 */
#include "steem/broadcast.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "steem/json.h"
#include "steem/rpc.h"
#include "steem/rpc_error.h"

/* Of a node's words; a transaction is longer, but the node's own words stand before it. */
#define WORDS_BYTES 2048

/* The first words that are found count. */
static const struct {
	const char *words;
	enum broadcast_answer answer;
} phrases[] = {
	{"duplicate transaction check failed", BROADCAST_KNOWN},
	{"transaction is a duplicate", BROADCAST_KNOWN},
	{"may only post once every", BROADCAST_TOO_SOON},
	{"may only comment once every", BROADCAST_TOO_SOON},
	{"can only vote once every", BROADCAST_TOO_SOON},
	{"one comment edit per block", BROADCAST_TOO_SOON},
	{"custom json operation(s) this block", BROADCAST_TOO_SOON},
	{"already transacted this block", BROADCAST_TOO_SOON},
	{"unable to acquire", BROADCAST_NODE}, /* the database lock */
	{"please wait to transact", BROADCAST_RESOURCES},
	{"bandwidth limit exceeded", BROADCAST_RESOURCES},
	{"maximum allowed bandwidth", BROADCAST_RESOURCES},
	/* the account, the parent or what else the operation names does not exist */
	{"unknown key", BROADCAST_FINAL},
	{"disabled replies", BROADCAST_FINAL},
	{"sufficient funds", BROADCAST_FINAL},
	{"does not have sufficient", BROADCAST_FINAL},
	{"insufficient", BROADCAST_FINAL},
	{"posts deep", BROADCAST_FINAL},
	{"after payout", BROADCAST_FINAL},
	{"before payout", BROADCAST_FINAL},
	{"paid out", BROADCAST_FINAL},
	{"is archived", BROADCAST_FINAL},
	{"discussion is frozen", BROADCAST_FINAL},
	{"identical to this vote", BROADCAST_FINAL},
	{"already voted in a similar way", BROADCAST_FINAL},
	{"maximum number of vote changes", BROADCAST_FINAL},
	{"weight cannot be 0", BROADCAST_FINAL},
	{"votes are not allowed", BROADCAST_FINAL},
	{"voting weight is too small", BROADCAST_FINAL},
	{"declined voting rights", BROADCAST_FINAL},
	{"declined their voting rights", BROADCAST_FINAL},
	{"cannot accept a greater", BROADCAST_FINAL},
	{"must not have been voted on", BROADCAST_FINAL},
	{"already has beneficiaries", BROADCAST_FINAL},
	{"of a comment cannot change", BROADCAST_FINAL},
	{"cannot delete a comment", BROADCAST_FINAL},
	{"does not have enough", BROADCAST_FINAL},
	{"does not have voting power", BROADCAST_FINAL},
	{"permlink is not a valid size", BROADCAST_FINAL},
	{"invalid permlink character", BROADCAST_FINAL},
	{"must exist", BROADCAST_FINAL}, /* a beneficiary */
	/* the plugin of the witness; a private key in a memo must not go to more nodes, either */
	{"cannot specify more than", BROADCAST_FINAL},
	{"must be less than", BROADCAST_FINAL},
	{"key in memo field", BROADCAST_FINAL},
};

/*
 * The exceptions of the node have positive numbers, the errors of JSON-RPC negative ones.  Is the number
 * enough, or do words come first?
 */
static const struct {
	int64_t first, last;
	bool is_enough;
	enum broadcast_answer answer;
} codes[] = {
	/* missing, irrelevant and doubled signatures */
	{3010000, 3060000, true, BROADCAST_KEY},
	/* expiration: the node is behind, or ahead */
	{4030100, 4030100, true, BROADCAST_NODE},
	/* the reference block is not on its chain */
	{4030200, 4030200, true, BROADCAST_NODE},
	/* plugins: that of resource credits, but also that of the witness */
	{4100000, 4100000, false, BROADCAST_RESOURCES},
	/* it does not offer the call */
	{-32601, -32601, false, BROADCAST_NODE},
};

const char *broadcast_answer_name(enum broadcast_answer answer)
{
	static const char *const names[] = {
		[BROADCAST_UNKNOWN] = "unknown",     [BROADCAST_ACCEPTED] = "accepted",
		[BROADCAST_KNOWN] = "known",         [BROADCAST_TOO_SOON] = "too_soon",
		[BROADCAST_RESOURCES] = "resources", [BROADCAST_NODE] = "node",
		[BROADCAST_FINAL] = "final",         [BROADCAST_KEY] = "key",
	};

	return names[answer];
}

int broadcast_encode(struct buf *out, const char *signed_trx, size_t len, uint32_t id,
		     struct error *err)
{
	int failed = buf_addf(out,
			      "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":"
			      "\"condenser_api.broadcast_transaction\",\"params\":[",
			      id);

	failed |= buf_add(out, signed_trx, len);
	failed |= buf_add_text(out, "]}");
	if (failed)
		return error_set(err, ERROR_FATAL, "a transaction of %zu bytes does not fit", len);
	return 0;
}

static void say(struct broadcast_result *ret, enum broadcast_answer answer, const char *text)
{
	ret->answer = answer;
	text_format(ret->text, sizeof(ret->text), "%s", text);
}

static bool is_null(const struct json_slice *value)
{
	return value->data == NULL || (value->len == 4 && value->data[0] == 'n');
}

/* Append at most WORDS_BYTES of a string, up to its first NUL; false if it is empty or no string. */
static bool add_text(struct buf *out, const struct json_slice *value)
{
	const struct json_slice inside = {value->data + 1, value->len - 2};
	struct buf text;
	size_t len;

	if (value->len <= 2 || value->data[0] != '"')
		return false;
	buf_init(&text, 3 * value->len); /* a byte that is not UTF-8 becomes three */
	(void)json_unescape(&inside, &text);
	len = strnlen(buf_text(&text), WORDS_BYTES);
	(void)buf_add(out, buf_text(&text), len);
	buf_release(&text);
	return len > 0;
}

static bool add_member(struct buf *out, const struct json_slice *object, const char *member)
{
	struct json_slice value;

	return object->data != NULL && json_find(object->data, object->len, member, &value) &&
	       add_text(out, &value);
}

static int64_t find_code(const struct json_slice *object)
{
	struct json_slice value;
	bool is_negative;
	int64_t code = 0;

	if (object->data == NULL || !json_find(object->data, object->len, "code", &value))
		return 0;
	is_negative = value.data[0] == '-';
	for (size_t i = is_negative; i < value.len; i++) {
		if (i == 16 || value.data[i] < '0' || value.data[i] > '9')
			return 0;
		code = code * 10 + (value.data[i] - '0');
	}
	return is_negative ? -code : code;
}

/* The first element of the array `stack`: where the exception was thrown. */
static struct json_slice find_frame(const struct json_slice *data)
{
	struct json_slice stack, frame = {NULL, 0};
	struct json_cursor cursor;
	bool is_first = true;

	if (!json_find(data->data, data->len, "stack", &stack))
		return frame;
	json_open(&cursor, stack.data, stack.len);
	if (!json_enter(&cursor, JSON_ARRAY) || !json_next_element(&cursor, &is_first) ||
	    !json_skip(&cursor, &frame))
		frame.data = NULL;
	return frame;
}

/* What was found in an error. */
struct words {
	struct buf own;     /* what the node's source says, without what a user wrote */
	struct buf message; /* for people */
	int64_t code;       /* of the exception, or else of JSON-RPC */
	int64_t rpc_code;
	bool is_malformed; /* validate() threw it, which looks at the operation alone */
};

/* A message is one line, or, of old nodes, two: "10 assert_exception: Assert Exception", "why". */
static void cut_message(struct words *words)
{
	char *text = words->message.data;
	char *end = text != NULL ? strchr(text, '\n') : NULL;
	int64_t code = 0;

	if (text == NULL)
		return;
	if (words->rpc_code == 1 && sscanf(text, "%8" SCNd64 " ", &code) == 1 && end != NULL) {
		words->code = code;
		end = strchr(end + 1, '\n');
	}
	if (end != NULL)
		words->message.len = (size_t)(end - text);
	text[words->message.len] = '\0';
}

static bool is_thrown_by(const struct json_slice *frame, const char *method)
{
	struct json_slice context, value;

	return frame->data != NULL && json_find(frame->data, frame->len, "context", &context) &&
	       json_find(context.data, context.len, "method", &value) &&
	       value.len == strlen(method) + 2 &&
	       memcmp(value.data + 1, method, strlen(method)) == 0;
}

static void read_error(const struct json_slice *error, struct words *words)
{
	struct json_slice data = {NULL, 0}, frame = {NULL, 0};
	struct buf *own = &words->own;

	words->code = words->rpc_code = find_code(error);
	(void)add_member(&words->message, error, "message");
	cut_message(words);
	if (json_find(error->data, error->len, "data", &data) && data.data[0] == '{')
		frame = find_frame(&data);
	else
		data.data = NULL;
	if (find_code(&data) != 0)
		words->code = find_code(&data);
	if (add_member(own, &data, "name"))
		(void)buf_add_text(own, ": ");
	if (add_member(own, &data, "message"))
		(void)buf_add_text(own, ": ");
	words->is_malformed = is_thrown_by(&frame, "validate");
	/* Without a format, the message must do. */
	if (!add_member(own, &frame, "format"))
		(void)buf_add_text(own, buf_text(&words->message));
}

static enum broadcast_answer sort_code(int64_t code, bool is_enough)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code >= codes[i].first && code <= codes[i].last &&
		    codes[i].is_enough == is_enough)
			return codes[i].answer;
	return BROADCAST_UNKNOWN;
}

static enum broadcast_answer sort_words(const struct words *words)
{
	enum broadcast_answer answer = sort_code(words->code, true);

	if (answer != BROADCAST_UNKNOWN)
		return answer;
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (strcasestr(buf_text(&words->own), phrases[i].words) != NULL)
			return phrases[i].answer;
	return words->is_malformed ? BROADCAST_FINAL : sort_code(words->code, false);
}

static void sort_error(const struct json_slice *error, struct broadcast_result *ret)
{
	struct words words = {.own = BUF_INIT(4 * WORDS_BYTES), .message = BUF_INIT(WORDS_BYTES)};
	const char *text;

	if (error->data[0] == '{') {
		read_error(error, &words);
	} else if (add_text(&words.message, error)) {
		cut_message(&words);
		(void)buf_add_text(&words.own, buf_text(&words.message));
	}
	ret->answer = sort_words(&words);
	text = words.message.len > 0 ? buf_text(&words.message) : "an error without a message";
	if (words.code != 0)
		text_format(ret->text, sizeof(ret->text),
			    "the node answered: %.240s (error %" PRId64 ")", text, words.code);
	else
		text_format(ret->text, sizeof(ret->text), "the node answered: %.240s", text);
	buf_release(&words.own);
	buf_release(&words.message);
}

struct envelope {
	struct json_slice id, result, error;
};

/* False: it is no JSON object, or there is something behind it. */
static bool read_envelope(const char *body, size_t len, struct envelope *ret)
{
	struct json_cursor cursor;
	struct json_slice key, value;
	bool is_first = true;

	*ret = (struct envelope){{NULL, 0}, {NULL, 0}, {NULL, 0}};
	json_open(&cursor, body, len);
	if (!json_enter(&cursor, JSON_OBJECT))
		return false;
	while (json_next_member(&cursor, &is_first, &key) && json_skip(&cursor, &value))
		if (json_slice_is(&key, "id"))
			ret->id = value;
		else if (json_slice_is(&key, "result"))
			ret->result = value;
		else if (json_slice_is(&key, "error"))
			ret->error = value;
	return !json_failed(&cursor) && json_at_end(&cursor);
}

/* Some proxies answer an error with the id null, or with none. */
static bool is_ours(const struct envelope *envelope, uint32_t id)
{
	struct json_cursor cursor;
	uint64_t number;

	if (is_null(&envelope->id))
		return !is_null(&envelope->error);
	json_open(&cursor, envelope->id.data, envelope->id.len);
	return json_take_u64(&cursor, &number) && number == id;
}

void broadcast_sort(const char *body, size_t len, uint32_t id, struct broadcast_result *ret)
{
	struct envelope envelope;
	struct error err = ERROR_INIT;

	if (!read_envelope(body, len, &envelope)) {
		(void)rpc_error_sort_text(body, len, false, &err);
		say(ret, BROADCAST_UNKNOWN, err.text);
	} else if (!is_ours(&envelope, id)) {
		say(ret, BROADCAST_UNKNOWN, "the node answered another request");
	} else if (!is_null(&envelope.error)) {
		sort_error(&envelope.error, ret);
	} else if (envelope.result.data != NULL) {
		say(ret, BROADCAST_ACCEPTED, "");
	} else {
		say(ret, BROADCAST_UNKNOWN, "the node answered with neither result nor error");
	}
}

void broadcast_sort_error(const struct error *err, struct broadcast_result *ret)
{
	say(ret, BROADCAST_UNKNOWN, err->text);
}
