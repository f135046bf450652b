/* SPDX-License-Identifier: MIT */
/* The half of json.h that reads inside strings: canonical copies, unescaping, look-ups. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/json.h"
#include "steem/json_scan.h"

#define REPLACEMENT     "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_LEN 3

/* The output; `out` never passes `end`, and is_full says that it would have. */
struct sink {
	char *out;
	char *end;
	bool is_full;
};

static void put(struct sink *sink, const char *bytes, size_t len)
{
	if ((size_t)(sink->end - sink->out) < len) {
		sink->is_full = true;
		return;
	}
	memcpy(sink->out, bytes, len);
	sink->out += len;
}

/*
 * How many bytes from `at` make one character.  *ret_valid false: the length of the longest
 * beginning of one, which a single U+FFFD replaces (as Unicode recommends and Python does).  The
 * byte at `at` is 0x80 or more.
 */
static size_t utf8_step(const unsigned char *at, const unsigned char *end, bool *ret_valid)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t need, len = 1;

	*ret_valid = false;
	if (*at >= 0xc2 && *at <= 0xdf)
		need = 2;
	else if (*at >= 0xe0 && *at <= 0xef)
		need = 3;
	else if (*at >= 0xf0 && *at <= 0xf4)
		need = 4;
	else
		return 1;
	if (*at == 0xe0)
		low = 0xa0; /* less would be overlong */
	else if (*at == 0xed)
		high = 0x9f; /* more would be a surrogate */
	else if (*at == 0xf0)
		low = 0x90; /* overlong */
	else if (*at == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	while (len < need && at + len < end && at[len] >= low && at[len] <= high) {
		len++;
		low = 0x80;
		high = 0xbf;
	}
	*ret_valid = len == need;
	return len;
}

static size_t utf8_encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static uint32_t hex4(const char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t c = (unsigned char)at[i];

		value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static bool is_surrogate(uint32_t code)
{
	return code >= 0xd800 && code <= 0xdfff;
}

/* Decode the escape at `at`, which is known to be good; returns its length. */
static size_t read_escape(const char *at, const char *end, uint32_t *ret_code)
{
	switch (at[1]) {
	case 'b':
		*ret_code = '\b';
		return 2;
	case 'f':
		*ret_code = '\f';
		return 2;
	case 'n':
		*ret_code = '\n';
		return 2;
	case 'r':
		*ret_code = '\r';
		return 2;
	case 't':
		*ret_code = '\t';
		return 2;
	case 'u':
		break;
	default:
		*ret_code = (unsigned char)at[1];
		return 2;
	}
	*ret_code = hex4(at + 2);
	if (*ret_code >= 0xd800 && *ret_code <= 0xdbff && end - at >= 12 && at[6] == '\\' &&
	    at[7] == 'u') {
		uint32_t low = hex4(at + 8);

		if (low >= 0xdc00 && low <= 0xdfff) {
			*ret_code = 0x10000 + ((*ret_code - 0xd800) << 10) + (low - 0xdc00);
			return 12;
		}
	}
	return 6;
}

/* Write one character of a string in canonical form. */
static void put_canonical(struct sink *sink, uint32_t code)
{
	static const char hex[] = "0123456789abcdef";
	static const char names[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	char text[6] = {'\\', 'u'};

	if (code == '"' || code == '\\') {
		text[1] = (char)code;
		put(sink, text, 2);
	} else if (code < sizeof(names) && names[code]) {
		text[1] = names[code];
		put(sink, text, 2);
	} else if (code < 0x20 || is_surrogate(code)) {
		for (unsigned i = 0; i < 4; i++)
			text[2 + i] = hex[code >> (12 - 4 * i) & 15];
		put(sink, text, 6);
	} else {
		put(sink, text, utf8_encode(code, text));
	}
}

/* Find the first byte from `at` on that is not UTF-8; `end` if there is none. */
static const char *utf8_end(const char *at, const char *end)
{
	while ((at = json_scan_ascii(at, end)) < end) {
		bool valid;
		size_t len =
			utf8_step((const unsigned char *)at, (const unsigned char *)end, &valid);

		if (!valid)
			break;
		at += len;
	}
	return at;
}

/* Copy the character at `at`, which is not ASCII, or replace it; returns the position behind it. */
static const char *put_character(struct sink *sink, const char *at, const char *end,
				 bool *had_invalid)
{
	bool valid;
	size_t len = utf8_step((const unsigned char *)at, (const unsigned char *)end, &valid);

	if (valid) {
		put(sink, at, len);
	} else {
		put(sink, REPLACEMENT, REPLACEMENT_LEN);
		*had_invalid = true;
	}
	return at + len;
}

/* Write the string whose opening quote is at `at`; returns the position after its closing quote. */
static const char *put_string(struct sink *sink, const char *at, const char *end, bool *had_invalid)
{
	const char *copied = at++; /* up to here; what follows is canonical up to `at` */

	for (;;) {
		uint32_t code;

		at = json_scan_simple(at, end);
		if (*at == '"')
			break;
		if (*at == '\\' && at[1] != 'u' && at[1] != '/') {
			at += 2;
			continue;
		}
		put(sink, copied, (size_t)(at - copied));
		if (*at == '\\') {
			at += read_escape(at, end, &code);
			put_canonical(sink, code);
		} else {
			at = put_character(sink, at, end, had_invalid);
		}
		copied = at;
	}
	at++;
	put(sink, copied, (size_t)(at - copied));
	return at;
}

/* Write a value that is known to be good JSON, so only strings and white space need changes. */
static void put_value(struct sink *sink, const struct json_slice *value, bool *had_invalid)
{
	const char *at = value->data;
	const char *end = at + value->len;

	while (at < end) {
		if (*at == '"') {
			at = put_string(sink, at, end, had_invalid);
			continue;
		}
		if (*at != ' ' && *at != '\n' && *at != '\t' && *at != '\r')
			put(sink, at, 1);
		at++;
	}
}

/* Is the value already in canonical form? */
static bool is_canonical(const struct json_cursor *cursor, const struct json_slice *value)
{
	const char *end = value->data + value->len;

	return !cursor->is_foreign && utf8_end(value->data, end) == end;
}

static struct json_slice rewrite(struct arena *arena, const struct json_slice *value,
				 bool *had_invalid_utf8)
{
	/* Only bytes that are not UTF-8 grow, each to three at most. */
	size_t room = value->len;

	for (;;) {
		char *text = arena_reserve(arena, room + 1);
		struct sink sink = {.out = text, .end = text + room};
		struct json_slice copy;
		bool had_invalid = false;

		put_value(&sink, value, &had_invalid);
		if (sink.is_full) {
			room = value->len * REPLACEMENT_LEN;
			continue;
		}
		*sink.out = '\0';
		copy = (struct json_slice){text, (size_t)(sink.out - text)};
		arena_commit(arena, copy.len + 1);
		if (had_invalid)
			*had_invalid_utf8 = true;
		return copy;
	}
}

void json_begin_canonical(struct json_cursor *cursor)
{
	json_peek(cursor); /* white space before the value is not part of it */
	cursor->is_foreign = false;
}

bool json_copy_canonical(const struct json_cursor *cursor, const struct json_slice *value,
			 struct arena *arena, struct json_slice *ret_copy, bool *had_invalid_utf8)
{
	if (!is_canonical(cursor, value)) {
		*ret_copy = rewrite(arena, value, had_invalid_utf8);
		return false;
	}
	*ret_copy = (struct json_slice){arena_strndup(arena, value->data, value->len), value->len};
	return true;
}

bool json_take_canonical(struct json_cursor *cursor, struct arena *arena,
			 struct json_slice *ret_value, bool *had_invalid_utf8)
{
	struct json_slice value;

	json_begin_canonical(cursor);
	if (!json_skip(cursor, &value))
		return false;
	(void)json_copy_canonical(cursor, &value, arena, ret_value, had_invalid_utf8);
	return true;
}

/* Append bytes without escapes to the buffer, with the same repairs as in the canonical form. */
static bool add_run(struct buf *out, const char *at, const char *end)
{
	while (at < end) {
		const char *from = at;
		bool valid = true;
		size_t len = 0;

		while (at < end && valid) {
			len = 1;
			if ((unsigned char)*at >= 0x80)
				len = utf8_step((const unsigned char *)at,
						(const unsigned char *)end, &valid);
			if (valid)
				at += len;
		}
		if (at > from && buf_add(out, from, (size_t)(at - from)) != 0)
			return false;
		if (!valid) {
			if (buf_add(out, REPLACEMENT, REPLACEMENT_LEN) != 0)
				return false;
			at += len;
		}
	}
	return true;
}

bool json_unescape(const struct json_slice *slice, struct buf *out)
{
	const char *at = slice->data;
	const char *end = at + slice->len;

	while (at < end) {
		const char *run_end = memchr(at, '\\', (size_t)(end - at));
		char text[4];
		uint32_t code;

		if (!run_end)
			run_end = end;
		if (!add_run(out, at, run_end))
			return false;
		at = run_end;
		if (at == end)
			break;
		at += read_escape(at, end, &code);
		if (buf_add(out, text, utf8_encode(is_surrogate(code) ? 0xfffd : code, text)) != 0)
			return false;
	}
	return true;
}

bool json_escaped_is(const struct json_slice *slice, const char *text, size_t len)
{
	const char *at = slice->data;
	const char *end = at + slice->len;

	if (!memchr(at, '\\', len + 1)) /* an equal text would have an escape within these bytes */
		return false;
	for (; at < end; text++) {
		uint32_t code = (unsigned char)*at;

		at += *at == '\\' ? read_escape(at, end, &code) : 1;
		if (*text == '\0' || code != (unsigned char)*text)
			return false;
	}
	return *text == '\0';
}

bool json_find(const char *object, size_t len, const char *key, struct json_slice *ret_value)
{
	struct json_cursor cursor;
	struct json_slice name, value;
	bool is_first = true, was_found = false;

	json_open(&cursor, object, len);
	if (!json_enter(&cursor, JSON_OBJECT))
		return false;
	while (json_next_member(&cursor, &is_first, &name)) {
		if (!json_skip(&cursor, &value))
			return false;
		if (json_slice_is(&name, key)) {
			*ret_value = value;
			was_found = true;
		}
	}
	return was_found && !json_failed(&cursor);
}

bool json_find_string(const char *object, size_t len, const char *key, struct buf *out)
{
	struct json_slice value;

	if (!json_find(object, len, key, &value) || value.len < 2 || *value.data != '"')
		return false;
	value.data++;
	value.len -= 2;
	return json_unescape(&value, out);
}
