/* SPDX-License-Identifier: MIT */
#include "steem/json.h"

#include <string.h>

#include "steem/json_scan.h"

static bool fail(struct json_cursor *cursor, const char *problem)
{
	if (!cursor->problem)
		cursor->problem = problem;
	return false;
}

static void skip_space(struct json_cursor *cursor)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n' ||
					    *cursor->at == '\t' || *cursor->at == '\r')) {
		cursor->at++;
		cursor->is_foreign = true;
	}
}

void json_open(struct json_cursor *cursor, const char *text, size_t len)
{
	*cursor = (struct json_cursor){.start = text, .at = text, .end = text + len};
}

bool json_failed(const struct json_cursor *cursor)
{
	return cursor->problem != NULL;
}

int json_error(const struct json_cursor *cursor, struct error *err)
{
	return error_set(err, ERROR_NODE, "bad JSON at byte %td: %s", cursor->at - cursor->start,
			 cursor->problem ? cursor->problem : "something else was expected");
}

enum json_kind json_peek(struct json_cursor *cursor)
{
	if (cursor->problem)
		return JSON_END;
	skip_space(cursor);
	if (cursor->at == cursor->end)
		return JSON_END;
	switch (*cursor->at) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		if (*cursor->at == '-' || (*cursor->at >= '0' && *cursor->at <= '9'))
			return JSON_NUMBER;
		fail(cursor, "no value begins like this");
		return JSON_END;
	}
}

bool json_enter(struct json_cursor *cursor, enum json_kind kind)
{
	if ((kind != JSON_OBJECT && kind != JSON_ARRAY) || json_peek(cursor) != kind)
		return false;
	if (cursor->depth >= JSON_MAX_DEPTH)
		return fail(cursor, "it is nested too deeply");
	cursor->depth++;
	cursor->at++;
	return true;
}

/* The comma or the closing bracket before the next item; false at the end. */
static bool next_item(struct json_cursor *cursor, bool *is_first, char closing)
{
	bool was_first = *is_first;

	*is_first = false;
	if (cursor->problem)
		return false;
	skip_space(cursor);
	if (cursor->at == cursor->end)
		return fail(cursor, "the text ends in the middle");
	if (*cursor->at == closing) {
		cursor->at++;
		cursor->depth--;
		return false;
	}
	if (was_first)
		return true;
	if (*cursor->at != ',')
		return fail(cursor, "a comma or a closing bracket was expected");
	cursor->at++;
	return true;
}

bool json_next_member(struct json_cursor *cursor, bool *is_first, struct json_slice *ret_key)
{
	if (!next_item(cursor, is_first, '}'))
		return false;
	if (json_peek(cursor) != JSON_STRING)
		return fail(cursor, "a member's name was expected");
	if (!json_take_string(cursor, ret_key))
		return false;
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != ':')
		return fail(cursor, "a colon was expected");
	cursor->at++;
	return true;
}

bool json_next_element(struct json_cursor *cursor, bool *is_first)
{
	if (!next_item(cursor, is_first, ']'))
		return false;
	if (json_peek(cursor) == JSON_END)
		return fail(cursor, "a value was expected");
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The cursor stands on a backslash. */
static bool skip_escape(struct json_cursor *cursor)
{
	if (cursor->end - cursor->at < 2)
		return fail(cursor, "the text ends in the middle");
	switch (cursor->at[1]) {
	case '/':
		cursor->at += 2;
		cursor->is_foreign = true;
		return true;
	case '"':
	case '\\':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		cursor->at += 2;
		return true;
	case 'u':
		if (cursor->end - cursor->at < 6)
			return fail(cursor, "the text ends in the middle");
		for (int i = 2; i < 6; i++)
			if (!is_hex(cursor->at[i]))
				return fail(cursor, "\\u needs four hexadecimal digits");
		cursor->at += 6;
		cursor->is_foreign = true;
		return true;
	default:
		return fail(cursor, "there is no such escape");
	}
}

/* The cursor stands on the opening quote. */
static bool skip_string(struct json_cursor *cursor)
{
	cursor->at++;
	for (;;) {
		cursor->at = json_scan_plain(cursor->at, cursor->end);
		if (cursor->at == cursor->end)
			return fail(cursor, "the text ends in the middle of a string");
		if (*cursor->at == '"') {
			cursor->at++;
			return true;
		}
		if (*cursor->at != '\\')
			return fail(cursor, "a control character stands in a string");
		if (!skip_escape(cursor))
			return false;
	}
}

static bool skip_digits(struct json_cursor *cursor)
{
	const char *first = cursor->at;

	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
		cursor->at++;
	return cursor->at > first || fail(cursor, "a digit was expected");
}

static bool skip_number(struct json_cursor *cursor)
{
	if (*cursor->at == '-')
		cursor->at++;
	if (cursor->at < cursor->end && *cursor->at == '0')
		cursor->at++; /* nothing but a fraction or an exponent may follow a leading zero */
	else if (!skip_digits(cursor))
		return false;
	if (cursor->at < cursor->end && *cursor->at == '.') {
		cursor->at++;
		if (!skip_digits(cursor))
			return false;
	}
	if (cursor->at < cursor->end && (*cursor->at == 'e' || *cursor->at == 'E')) {
		cursor->at++;
		if (cursor->at < cursor->end && (*cursor->at == '+' || *cursor->at == '-'))
			cursor->at++;
		if (!skip_digits(cursor))
			return false;
	}
	return true;
}

static bool skip_word(struct json_cursor *cursor, const char *word, size_t len)
{
	if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
		return fail(cursor, "no value begins like this");
	cursor->at += len;
	return true;
}

/* A value that is no object or array; the cursor stands on its first byte. */
static bool skip_simple(struct json_cursor *cursor)
{
	switch (*cursor->at) {
	case '"':
		return skip_string(cursor);
	case 't':
		return skip_word(cursor, "true", 4);
	case 'f':
		return skip_word(cursor, "false", 5);
	case 'n':
		return skip_word(cursor, "null", 4);
	default:
		if (*cursor->at == '-' || (*cursor->at >= '0' && *cursor->at <= '9'))
			return skip_number(cursor);
		return fail(cursor, "no value begins like this");
	}
}

/* The name and the colon of a member. */
static bool skip_name(struct json_cursor *cursor)
{
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != '"')
		return fail(cursor, "a member's name was expected");
	if (!skip_string(cursor))
		return false;
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != ':')
		return fail(cursor, "a colon was expected");
	cursor->at++;
	return true;
}

/* The brackets that a skipped value has open: the closing ones that must come. */
struct nest {
	unsigned depth; /* that of the cursor where the value begins */
	char closing[JSON_MAX_DEPTH];
};

/* What follows a value: closing brackets, then nothing more or the next value's beginning. */
static bool skip_between(struct json_cursor *cursor, const struct nest *nest)
{
	while (cursor->depth > nest->depth) {
		char closing = nest->closing[cursor->depth - 1];

		skip_space(cursor);
		if (cursor->at == cursor->end)
			return fail(cursor, "the text ends in the middle");
		if (*cursor->at == ',') {
			cursor->at++;
			return closing == ']' || skip_name(cursor);
		}
		if (*cursor->at != closing)
			return fail(cursor, "a comma or a closing bracket was expected");
		cursor->at++;
		cursor->depth--;
	}
	return true;
}

/* An opening bracket; *ret_is_empty: the closing one follows and was consumed too. */
static bool skip_opening(struct json_cursor *cursor, struct nest *nest, bool *ret_is_empty)
{
	char closing = *cursor->at == '{' ? '}' : ']';

	if (cursor->depth >= JSON_MAX_DEPTH)
		return fail(cursor, "it is nested too deeply");
	cursor->at++;
	skip_space(cursor);
	*ret_is_empty = cursor->at < cursor->end && *cursor->at == closing;
	if (*ret_is_empty) {
		cursor->at++;
		return true;
	}
	nest->closing[cursor->depth++] = closing;
	return closing == ']' || skip_name(cursor);
}

/* In a loop, not by recursion: every byte of an answer passes here, most of them twice. */
static bool skip_value(struct json_cursor *cursor)
{
	struct nest nest;
	bool is_whole;

	nest.depth = cursor->depth;
	if (cursor->problem)
		return false;
	do {
		skip_space(cursor);
		if (cursor->at == cursor->end)
			return fail(cursor, "the text ends where a value was expected");
		if (*cursor->at == '{' || *cursor->at == '[') {
			if (!skip_opening(cursor, &nest, &is_whole))
				return false;
		} else {
			if (!skip_simple(cursor))
				return false;
			is_whole = true;
		}
		if (is_whole && !skip_between(cursor, &nest))
			return false;
	} while (!is_whole || cursor->depth > nest.depth);
	return true;
}

bool json_skip(struct json_cursor *cursor, struct json_slice *ret_value)
{
	json_peek(cursor); /* stands on the first byte now */

	const char *first = cursor->at;

	if (!skip_value(cursor))
		return false;
	if (ret_value)
		*ret_value = (struct json_slice){first, (size_t)(cursor->at - first)};
	return true;
}

bool json_take_string(struct json_cursor *cursor, struct json_slice *ret_value)
{
	if (json_peek(cursor) != JSON_STRING)
		return fail(cursor, "a string was expected");

	const char *first = cursor->at + 1;

	if (!skip_string(cursor))
		return false;
	*ret_value = (struct json_slice){first, (size_t)(cursor->at - 1 - first)};
	return true;
}

bool json_take_u64(struct json_cursor *cursor, uint64_t *ret_value)
{
	enum json_kind kind = json_peek(cursor);
	const char *first = cursor->at;
	struct json_slice text;
	uint64_t value = 0;

	if (kind == JSON_STRING ? !json_take_string(cursor, &text) : !json_skip(cursor, &text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			text.len = 0;
	}
	if (text.len == 0) {
		cursor->at = first;
		return fail(cursor, "a whole number was expected");
	}
	*ret_value = value;
	return true;
}

bool json_at_end(struct json_cursor *cursor)
{
	if (cursor->problem)
		return false;
	skip_space(cursor);
	return cursor->at == cursor->end || fail(cursor, "something follows the end");
}
