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

/*
 * Skipping uses its own pointer `at`: in the cursor it would be written to memory at every step,
 * and every byte of an answer is skipped here.
 */
static const char *fail_at(struct json_cursor *cursor, const char *at, const char *problem)
{
	cursor->at = at;
	fail(cursor, problem);
	return NULL;
}

static inline bool is_space(char c)
{
	return (unsigned char)c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r');
}

static inline const char *behind_space(struct json_cursor *cursor, const char *at)
{
	while (at < cursor->end && is_space(*at)) {
		at++;
		cursor->is_foreign = true;
	}
	return at;
}

static inline void skip_space(struct json_cursor *cursor)
{
	if (cursor->at < cursor->end && is_space(*cursor->at))
		cursor->at = behind_space(cursor, cursor->at);
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

static const unsigned char kinds[256] = {
	['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,  ['"'] = JSON_STRING, ['t'] = JSON_TRUE,
	['f'] = JSON_FALSE,  ['n'] = JSON_NULL,   ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER,
	['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER, ['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER,
	['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER, ['8'] = JSON_NUMBER,
	['9'] = JSON_NUMBER,
};

static inline enum json_kind peek(struct json_cursor *cursor)
{
	enum json_kind kind;

	if (cursor->problem)
		return JSON_END;
	skip_space(cursor);
	if (cursor->at == cursor->end)
		return JSON_END;
	kind = (enum json_kind)kinds[(unsigned char)*cursor->at];
	if (kind == JSON_END)
		fail(cursor, "no value begins like this");
	return kind;
}

enum json_kind json_peek(struct json_cursor *cursor)
{
	return peek(cursor);
}

bool json_enter(struct json_cursor *cursor, enum json_kind kind)
{
	if ((kind != JSON_OBJECT && kind != JSON_ARRAY) || peek(cursor) != kind)
		return false;
	if (cursor->depth >= JSON_MAX_DEPTH)
		return fail(cursor, "it is nested too deeply");
	cursor->depth++;
	cursor->at++;
	return true;
}

/* Consume the comma or the closing bracket before the next item; false at the end. */
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

/* The closing quote of the string that contains `at`. NULL: the string is bad. */
static inline const char *find_quote(struct json_cursor *cursor, const char *at);

bool json_next_member(struct json_cursor *cursor, bool *is_first, struct json_slice *ret_key)
{
	const char *quote;

	if (!next_item(cursor, is_first, '}'))
		return false;
	if (peek(cursor) != JSON_STRING)
		return fail(cursor, "a member's name was expected");
	quote = find_quote(cursor, cursor->at + 1);
	if (!quote)
		return false;
	*ret_key = (struct json_slice){cursor->at + 1, (size_t)(quote - cursor->at - 1)};
	cursor->at = quote + 1;
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
	if (peek(cursor) == JSON_END)
		return fail(cursor, "a value was expected");
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* `at` is a backslash; returns the position after the escape. */
static const char *skip_escape(struct json_cursor *cursor, const char *at)
{
	if (cursor->end - at < 2)
		return fail_at(cursor, at, "the text ends in the middle");
	switch (at[1]) {
	case '/':
		cursor->is_foreign = true;
		return at + 2;
	case '"':
	case '\\':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return at + 2;
	case 'u':
		if (cursor->end - at < 6)
			return fail_at(cursor, at, "the text ends in the middle");
		for (int i = 2; i < 6; i++)
			if (!is_hex(at[i]))
				return fail_at(cursor, at, "\\u needs four hexadecimal digits");
		cursor->is_foreign = true;
		return at + 6;
	default:
		return fail_at(cursor, at, "there is no such escape");
	}
}

static inline const char *find_quote(struct json_cursor *cursor, const char *at)
{
	do {
		at = json_scan_plain(at, cursor->end);
		if (at == cursor->end)
			return fail_at(cursor, at, "the text ends in the middle of a string");
		if (*at == '"')
			return at;
		if (*at != '\\')
			return fail_at(cursor, at, "a control character stands in a string");
		at = skip_escape(cursor, at);
	} while (at);
	return NULL;
}

/* Skip at least one digit; NULL: there is none. */
static const char *skip_digits(struct json_cursor *cursor, const char *at)
{
	const char *first = at;

	while (at < cursor->end && *at >= '0' && *at <= '9')
		at++;
	return at > first ? at : fail_at(cursor, at, "a digit was expected");
}

static const char *skip_number(struct json_cursor *cursor, const char *at)
{
	if (*at == '-')
		at++;
	if (at < cursor->end && *at == '0')
		at++; /* after a leading zero only a fraction or an exponent may follow */
	else
		at = skip_digits(cursor, at);
	if (at && at < cursor->end && *at == '.')
		at = skip_digits(cursor, at + 1);
	if (at && at < cursor->end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < cursor->end && (*at == '+' || *at == '-'))
			at++;
		at = skip_digits(cursor, at);
	}
	return at;
}

static const char *skip_word(struct json_cursor *cursor, const char *at, const char *word,
			     size_t len)
{
	if ((size_t)(cursor->end - at) < len || memcmp(at, word, len) != 0)
		return fail_at(cursor, at, "no value begins like this");
	return at + len;
}

/* Skip a value that is not an object or array. */
static inline const char *skip_flat(struct json_cursor *cursor, const char *at)
{
	const char *quote;

	switch ((enum json_kind)kinds[(unsigned char)*at]) {
	case JSON_STRING:
		quote = find_quote(cursor, at + 1);
		return quote ? quote + 1 : NULL;
	case JSON_NUMBER:
		return skip_number(cursor, at);
	case JSON_TRUE:
		return skip_word(cursor, at, "true", 4);
	case JSON_FALSE:
		return skip_word(cursor, at, "false", 5);
	case JSON_NULL:
		return skip_word(cursor, at, "null", 4);
	default:
		return fail_at(cursor, at, "no value begins like this");
	}
}

/* Skip the name and the colon of a member. */
static inline const char *skip_name(struct json_cursor *cursor, const char *at)
{
	at = behind_space(cursor, at);
	if (at == cursor->end || *at != '"')
		return fail_at(cursor, at, "a member's name was expected");
	at = find_quote(cursor, at + 1);
	if (!at)
		return NULL;
	at = behind_space(cursor, at + 1);
	if (at == cursor->end || *at != ':')
		return fail_at(cursor, at, "a colon was expected");
	return at + 1;
}

/* The open brackets of a skipped value: the closing brackets that must follow. */
struct nest {
	unsigned depth;
	char closing[JSON_MAX_DEPTH];
};

/* Skip what follows a value: closing brackets, then the end or the beginning of the next value. */
static inline const char *skip_between(struct json_cursor *cursor, struct nest *nest,
				       const char *at)
{
	while (nest->depth > 0) {
		char closing = nest->closing[nest->depth - 1];

		at = behind_space(cursor, at);
		if (at == cursor->end)
			return fail_at(cursor, at, "the text ends in the middle");
		if (*at == ',')
			return closing == ']' ? at + 1 : skip_name(cursor, at + 1);
		if (*at != closing)
			return fail_at(cursor, at, "a comma or a closing bracket was expected");
		at++;
		nest->depth--;
	}
	return at;
}

/* Skip an opening bracket; *ret_is_empty: the closing one followed and was skipped too. */
static const char *skip_opening(struct json_cursor *cursor, struct nest *nest, const char *at,
				bool *ret_is_empty)
{
	char closing = *at == '{' ? '}' : ']';

	if (cursor->depth + nest->depth >= JSON_MAX_DEPTH)
		return fail_at(cursor, at, "it is nested too deeply");
	at = behind_space(cursor, at + 1);
	*ret_is_empty = at < cursor->end && *at == closing;
	if (*ret_is_empty)
		return at + 1;
	nest->closing[nest->depth++] = closing;
	return closing == ']' ? at : skip_name(cursor, at);
}

/* Skip an array or object, which begins at `at`. A loop, not a recursion. */
static __attribute__((noinline)) const char *skip_nested(struct json_cursor *cursor, const char *at)
{
	struct nest nest;
	bool is_whole;

	nest.depth = 0;
	do {
		at = behind_space(cursor, at);
		is_whole = true;
		if (at == cursor->end) {
			at = fail_at(cursor, at, "the text ends where a value was expected");
		} else if (*at == '{' || *at == '[') {
			at = skip_opening(cursor, &nest, at, &is_whole);
		} else {
			at = skip_flat(cursor, at);
		}
		if (at && is_whole)
			at = skip_between(cursor, &nest, at);
		if (!at)
			return NULL;
	} while (!is_whole || nest.depth > 0);
	return at;
}

bool json_skip(struct json_cursor *cursor, struct json_slice *ret_value)
{
	const char *first, *at;

	if (cursor->problem)
		return false;
	skip_space(cursor); /* moves to the first byte */
	first = cursor->at;
	if (first == cursor->end)
		at = fail_at(cursor, first, "the text ends where a value was expected");
	else if (*first == '{' || *first == '[')
		at = skip_nested(cursor, first);
	else
		at = skip_flat(cursor, first);
	if (!at)
		return false;
	cursor->at = at;
	if (ret_value)
		*ret_value = (struct json_slice){first, (size_t)(at - first)};
	return true;
}

bool json_take_string(struct json_cursor *cursor, struct json_slice *ret_value)
{
	const char *quote;

	if (peek(cursor) != JSON_STRING)
		return fail(cursor, "a string was expected");
	quote = find_quote(cursor, cursor->at + 1);
	if (!quote)
		return false;
	*ret_value = (struct json_slice){cursor->at + 1, (size_t)(quote - cursor->at - 1)};
	cursor->at = quote + 1;
	return true;
}

bool json_take_u64(struct json_cursor *cursor, uint64_t *ret_value)
{
	enum json_kind kind = peek(cursor);
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
