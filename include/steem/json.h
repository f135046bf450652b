/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON text in place, as strictly as RFC 8259, without building a tree.
 *
 * Payloads are cut out of a node's answer and copied in canonical form, so that
 * the stored text does not depend on which proxy answered.  A tree cannot do
 * that: json-c loses lone surrogates, integers beyond 64 bits and doubled keys.
 *
 * The surprise: a cursor that met bad text stays there; every later call fails,
 * and the first error is the one to report.
 */
#ifndef STEEM_JSON_H
#define STEEM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

struct arena;
struct buf;

/* Deeper nesting is refused; steemd itself refuses 100. */
#define JSON_MAX_DEPTH 128
/* What json-c makes a tree of is no longer: there, three bytes of text may become a kilobyte. */
#define JSON_TREE_BYTES_MAX ((size_t)64 * 1024)

enum json_kind {
	JSON_END, /* no more text, or bad text: json_failed() tells */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/* A piece of the text, not copied; of a string, what stands between the quotes, still escaped. */
struct json_slice {
	const char *data;
	size_t len;
};

struct json_cursor {
	const char *start;
	const char *at;
	const char *end;
	const char *problem; /* NULL, or why the text is bad (a static sentence) */
	unsigned depth;
	bool is_foreign; /* white space, \/ or \u was met: what no canonical text has */
};

void json_open(struct json_cursor *cursor, const char *text, size_t len);
bool json_failed(const struct json_cursor *cursor);
/* Fill err (ERROR_NODE) with the problem and its offset; returns -1. */
int json_error(const struct json_cursor *cursor, struct error *err);

/* The kind of the value that comes next, skipping white space; nothing is consumed. */
enum json_kind json_peek(struct json_cursor *cursor);
/* Step into an object or array; false when something else comes next. */
bool json_enter(struct json_cursor *cursor, enum json_kind kind);
/*
 * The next member of the object that was entered: true with its key, the cursor
 * stands before the value, which must then be consumed; false at the end of the
 * object (the cursor then stands behind it) or on bad text.  `is_first` must be true
 * before the first call and is kept by the function.
 */
bool json_next_member(struct json_cursor *cursor, bool *is_first, struct json_slice *ret_key);
/* The same for the elements of an array. */
bool json_next_element(struct json_cursor *cursor, bool *is_first);

/* Consume any value, checking its syntax; ret_value (may be NULL) is its text from first to last byte. */
bool json_skip(struct json_cursor *cursor, struct json_slice *ret_value);
/* Consume a string; ret_value is what stands between the quotes, still escaped. */
bool json_take_string(struct json_cursor *cursor, struct json_slice *ret_value);
/* Consume a number without fraction or sign, or a string of digits (nodes write integers above 2^32 so). */
bool json_take_u64(struct json_cursor *cursor, uint64_t *ret_value);
/* True when nothing but white space follows; else the text is bad. */
bool json_at_end(struct json_cursor *cursor);

/* Is the escaped slice equal to plain ASCII text? */
static inline bool json_slice_is(const struct json_slice *slice, const char *text);

/*
 * Consume any value and append it in canonical form: no white space, keys as they
 * came, only `"`, `\` and characters below 0x20 escaped, everything else raw UTF-8,
 * a lone surrogate as \udxxx, numbers as they came.  A byte that is not UTF-8 becomes
 * U+FFFD and sets *had_invalid_utf8.  The text lives in the arena, with a NUL behind.
 */
bool json_take_canonical(struct json_cursor *cursor, struct arena *arena,
			 struct json_slice *ret_value, bool *had_invalid_utf8);

/*
 * The members of an object as they stand in the text, noted while it is cut out: what is
 * looked up among them is not searched for in the whole text again.
 */
#define JSON_MEMBERS_MAX 16
struct json_member {
	struct json_slice key, value;
};
struct json_members {
	bool is_whole; /* all are here, and as they stand in the canonical text; else ask that */
	size_t count;
	struct json_member items[JSON_MEMBERS_MAX];
};
/* The same as json_take_canonical() for an object, which must come next. */
bool json_take_object(struct json_cursor *cursor, struct arena *arena, struct json_slice *ret_value,
		      struct json_members *ret_members, bool *had_invalid_utf8);
/* Like json_find(), among members that are whole; `key` is plain ASCII. */
bool json_members_find(const struct json_members *members, const char *key, size_t key_len,
		       struct json_slice *ret_value);

/*
 * Append the characters of an escaped string to out: escapes resolved, a lone
 * surrogate as U+FFFD.  False when they do not fit.
 */
bool json_unescape(const struct json_slice *slice, struct buf *out);
/*
 * Look up a top-level member of an object.  True with its value's text (a string
 * with its quotes); of a doubled key the last one, as other readers of JSON do.
 */
bool json_find(const char *object, size_t len, const char *key, struct json_slice *ret_value);
/* The same for a string member, unescaped, appended to out; false when absent or no string. */
bool json_find_string(const char *object, size_t len, const char *key, struct buf *out);

bool json_escaped_is(const struct json_slice *slice, const char *text, size_t len);

/* Mostly asked of members' names with a constant, and mostly the first byte tells. */
static inline bool json_slice_is(const struct json_slice *slice, const char *text)
{
	size_t len = strlen(text);

	if (slice->len == len && memcmp(slice->data, text, len) == 0)
		return !strchr(text, '\\');
	return slice->len > len && (slice->data[0] == text[0] || slice->data[0] == '\\') &&
	       json_escaped_is(slice, text, len);
}

#endif
