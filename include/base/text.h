/* SPDX-License-Identifier: MIT */
/*
 * Text from outside: from nodes, users, files and servers.
 *
 * Such text is cleaned before it becomes an error text, a line of the log, or a line on a
 * terminal.  Clean text is valid UTF-8 and looks like what it is: it holds no control character,
 * no mark that turns the direction of writing, no character without width.  Every table takes it.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What text_next() gives for a byte that belongs to no character. */
#define TEXT_INVALID UINT32_MAX

/* Take the next character of *at..end, which is not empty. Its code point, or TEXT_INVALID. */
uint32_t text_next(const char **at, const char *end);

/* How many bytes of the text, from its beginning, are valid UTF-8; `len`: all. */
size_t text_valid_length(const char *text, size_t len);

/* Whether clean text may hold this character. */
bool text_is_clean(uint32_t code);

/*
 * Write the text into out, clean and with a zero byte at its end: white space of any kind becomes
 * a space, every other character that is not clean becomes U+FFFD.  Characters that do not fit into
 * `size` bytes are left out; none is cut in two.  `out` and `text` do not overlap.  Returns the
 * number of bytes written, without the zero.
 */
size_t text_clean(char *out, size_t size, const char *text, size_t len);

/* The same for a format and its arguments, which may point into out. At most 2047 bytes. */
size_t text_format(char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_vformat(char *out, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Cut the text, which is valid UTF-8, after max_characters characters. */
void text_cut(char *text, size_t max_characters);

#endif
