/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON text in place, as strictly as RFC 8259, without building a tree.
 *
 * Payloads are cut out of a node's answer and copied in canonical form, so that the stored
 * text does not depend on which proxy answered.  A tree cannot do that: json-c loses lone
 * surrogates, integers beyond 64 bits and duplicate keys.
 *
 * The surprise: a cursor that found bad text stays there; every later call fails, and the
 * first error is the one to report.
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

/* Deeper nesting is refused; steemd itself refuses a depth of 100. */
#define JSON_MAX_DEPTH 128
/* The longest text that json-c parses: three bytes of text may become a kilobyte of its tree. */
#define JSON_TREE_BYTES_MAX ((size_t)64 * 1024)

enum json_kind {
	JSON_END, /* the end of the text, or bad text: json_failed() tells which */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/* A piece of the text, not copied. For a string: the part between the quotes, with its escapes. */
struct json_slice {
	const char *data;
	size_t len;
};

struct json_cursor {
	const char *start;
	const char *at;
	const char *end;
	const char *problem; /* NULL, or why the text is bad (a constant sentence) */
	unsigned depth;
	bool is_foreign; /* white space, \/ or \u was found, which canonical text does not have */
};

void json_open(struct json_cursor *cursor, const char *text, size_t len);
bool json_failed(const struct json_cursor *cursor);
/* Fill err (ERROR_NODE) with the problem and its offset. Returns -1. */
int json_error(const struct json_cursor *cursor, struct error *err);

/* The kind of the next value. Skips white space; consumes nothing else. */
enum json_kind json_peek(struct json_cursor *cursor);
/* Enter an object or array; false if something else comes next. */
bool json_enter(struct json_cursor *cursor, enum json_kind kind);
/*
 * Go to the next member of the entered object.  True: ret_key is its key, and the cursor is
 * before its value, which must then be consumed.  False: the object has ended (the cursor is
 * behind it), or the text is bad.  `is_first` must be true before the first call; the function
 * updates it.
 */
bool json_next_member(struct json_cursor *cursor, bool *is_first, struct json_slice *ret_key);
/* Like json_next_member(), for the elements of an array. */
bool json_next_element(struct json_cursor *cursor, bool *is_first);

/*
 * Consume any value and check its syntax; ret_value (may be NULL) is its text from first to last
 * byte.
 */
bool json_skip(struct json_cursor *cursor, struct json_slice *ret_value);
/* Consume a string; ret_value is the part between the quotes, with its escapes. */
bool json_take_string(struct json_cursor *cursor, struct json_slice *ret_value);
/*
 * Consume a number without fraction or sign, or a string of digits (nodes write integers above
 * 2^32 as strings).
 */
bool json_take_u64(struct json_cursor *cursor, uint64_t *ret_value);
/* True if only white space follows; otherwise the text is bad. */
bool json_at_end(struct json_cursor *cursor);

/* Does the slice, after unescaping, equal this plain ASCII text? */
static inline bool json_slice_is(const struct json_slice *slice, const char *text);

/*
 * Go to the next member only if it has this name, in canonical form; if not, nothing was consumed.
 * Inline because it costs more to call than to do.
 */
static inline bool json_next_member_is(struct json_cursor *cursor, bool *is_first,
				       const struct json_slice *name);

/*
 * Consume any value and copy it in canonical form: no white space; keys and numbers unchanged;
 * only `"`, `\` and characters below 0x20 escaped, everything else raw UTF-8; a lone surrogate
 * as \udxxx.  A byte that is not UTF-8 becomes U+FFFD and sets *had_invalid_utf8.  The text is
 * in the arena, followed by NUL.
 */
bool json_take_canonical(struct json_cursor *cursor, struct arena *arena,
			 struct json_slice *ret_value, bool *had_invalid_utf8);

/*
 * Its two halves, for a caller that reads the value itself in between.  `value` is what was
 * consumed since.  True: it was in canonical form already.
 */
void json_begin_canonical(struct json_cursor *cursor);
bool json_copy_canonical(const struct json_cursor *cursor, const struct json_slice *value,
			 struct arena *arena, struct json_slice *ret_copy, bool *had_invalid_utf8);

/*
 * Append the unescaped characters of a string to out; a lone surrogate becomes U+FFFD.  False if
 * they do not fit.
 */
bool json_unescape(const struct json_slice *slice, struct buf *out);
/*
 * Look up a top-level member of an object.  True: ret_value is its value's text (a string with
 * its quotes).  If a key occurs twice, the last one counts, as in other JSON readers.
 */
bool json_find(const char *object, size_t len, const char *key, struct json_slice *ret_value);
/*
 * The same for a string member, unescaped and appended to out; false if it is absent or no
 * string.
 */
bool json_find_string(const char *object, size_t len, const char *key, struct buf *out);

bool json_escaped_is(const struct json_slice *slice, const char *text, size_t len);

/*
 * Inline because it mostly compares a member's name with a constant, and mostly the first byte
 * decides.
 */
static inline bool json_slice_is(const struct json_slice *slice, const char *text)
{
	size_t len = strlen(text);

	if (slice->len == len && memcmp(slice->data, text, len) == 0)
		return !strchr(text, '\\');
	return slice->len > len && (slice->data[0] == text[0] || slice->data[0] == '\\') &&
	       json_escaped_is(slice, text, len);
}

static inline bool json_next_member_is(struct json_cursor *cursor, bool *is_first,
				       const struct json_slice *name)
{
	const char *at = cursor->at;

	if ((size_t)(cursor->end - at) < name->len + strlen(",\"\":") || cursor->problem)
		return false;
	if (!*is_first && *at++ != ',')
		return false;
	if (at[0] != '"' || memcmp(at + 1, name->data, name->len) != 0 ||
	    at[name->len + 1] != '"' || at[name->len + 2] != ':')
		return false;
	cursor->at = at + name->len + strlen("\"\":");
	*is_first = false;
	return true;
}

#endif
