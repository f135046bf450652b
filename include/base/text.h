/* SPDX-License-Identifier: MIT */
/*
 * Text that somebody else wrote: nodes, users, files, servers.
 *
 * Such text is cleaned before it becomes an error text, a line of the log, or a line on a
 * terminal.  Clean text is valid UTF-8 and shows what it says: it holds no control character,
 * no mark that turns the direction of writing, no character without width.  Any table takes it.
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

/* Whether clean text may hold this character. */
bool text_is_clean(uint32_t code);

/*
 * Write the text into out, clean and with a zero byte at its end: white space of any kind becomes
 * a space, all else that is not clean U+FFFD.  What does not fit into `size` bytes is left out;
 * no character is cut.  `out` and `text` do not overlap.  The bytes written, without the zero.
 */
size_t text_clean(char *out, size_t size, const char *text, size_t len);

/* The same with a text to be formatted; its arguments may point into out. At most 2047 bytes. */
size_t text_format(char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_vformat(char *out, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Cut the text, which is valid UTF-8, behind so many characters. */
void text_cut(char *text, size_t max_characters);

#endif
