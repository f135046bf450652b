/* SPDX-License-Identifier: MIT */
/*
 * Text from outside: from nodes, users, files and servers.
 *
 * Such text is cleaned before it becomes an error text, a line of the log, or a line on a
 * terminal.  Clean text is valid UTF-8 and looks like what it is: it has no control
 * character, no mark that changes the direction of writing, and no character without
 * width.  Every table accepts it.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* text_next() returns this for a byte that is not part of a character. */
#define TEXT_INVALID UINT32_MAX

/*
 * Take the next character of *at..end, which must not be empty. Returns its code point, or
 * TEXT_INVALID.
 */
uint32_t text_next(const char **at, const char *end);

/* How many bytes from the beginning are valid UTF-8; `len` if all are. */
size_t text_valid_length(const char *text, size_t len);

/* May clean text have this character? */
bool text_is_clean(uint32_t code);

/*
 * Write the cleaned text into out, followed by NUL: white space of any kind becomes a space,
 * every other character that is not clean becomes U+FFFD.  Characters that do not fit into
 * `size` bytes are left out; none is cut in two.  `out` and `text` must not overlap.  Returns
 * the number of bytes written, without the NUL.
 */
size_t text_clean(char *out, size_t size, const char *text, size_t len);

/* The same for a format and its arguments, which may point into out. At most 2047 bytes. */
size_t text_format(char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_vformat(char *out, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Cut the text, which must be valid UTF-8, after max_characters characters. */
void text_cut(char *text, size_t max_characters);

#endif
