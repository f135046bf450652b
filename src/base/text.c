/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* As long as the longest line of the log. */
#define FORMAT_BYTES 2048

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Control characters, marks of direction, and characters without width: sorted. */
static const struct {
	uint32_t first;
	uint32_t last;
} hidden[] = {
	{0x0000, 0x001f},   /* C0 controls */
	{0x007f, 0x009f},   /* DEL and the C1 controls */
	{0x00ad, 0x00ad},   /* soft hyphen */
	{0x034f, 0x034f},   /* combining grapheme joiner */
	{0x0600, 0x0605},   /* Arabic number marks */
	{0x061c, 0x061c},   /* Arabic letter mark */
	{0x06dd, 0x06dd},   /* Arabic end of ayah */
	{0x070f, 0x070f},   /* Syriac abbreviation mark */
	{0x115f, 0x1160},   /* Hangul fillers */
	{0x17b4, 0x17b5},   /* Khmer inherent vowels */
	{0x180b, 0x180f},   /* Mongolian selectors */
	{0x200b, 0x200f},   /* zero-width characters, marks of direction */
	{0x2028, 0x202e},   /* line and paragraph separators, embeddings and overrides */
	{0x2060, 0x206f},   /* word joiner, isolates, shaping */
	{0x3164, 0x3164},   /* Hangul filler */
	{0xfe00, 0xfe0f},   /* variation selectors */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xffa0, 0xffa0},   /* halfwidth Hangul filler */
	{0xfff0, 0xfffb},   /* interlinear annotation */
	{0x1bca0, 0x1bca3}, /* shorthand controls */
	{0x1d173, 0x1d17a}, /* musical controls */
	{0xe0000, 0xe0fff}, /* tags */
};
#define HIDDEN_COUNT (sizeof(hidden) / sizeof(hidden[0]))

/* The length of the character that begins with this byte; 0: no character does. */
static size_t bytes_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

uint32_t text_next(const char **at, const char *end)
{
	const unsigned char *text = (const unsigned char *)*at;
	size_t bytes = bytes_of(text[0]);
	uint32_t code;

	(*at)++;
	if (bytes <= 1)
		return bytes == 1 ? text[0] : TEXT_INVALID;
	if (bytes > (size_t)(end - (const char *)text))
		return TEXT_INVALID;
	code = text[0] & (0x7fU >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return TEXT_INVALID;
		code = code << 6 | (text[i] & 0x3fU);
	}
	if ((bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000) || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return TEXT_INVALID;
	*at += bytes - 1;
	return code;
}

size_t text_valid_length(const char *text, size_t len)
{
	const char *at = text;

	while (at < text + len) {
		const char *from = at;

		if (text_next(&at, text + len) == TEXT_INVALID)
			return (size_t)(from - text);
	}
	return len;
}

bool text_is_clean(uint32_t code)
{
	size_t i = 0;

	if (code == TEXT_INVALID)
		return false;
	while (i < HIDDEN_COUNT && hidden[i].last < code)
		i++;
	return i == HIDDEN_COUNT || code < hidden[i].first;
}

static bool is_space(uint32_t code)
{
	return (code >= 0x09 && code <= 0x0d) || code == 0x85 || code == 0x2028 || code == 0x2029;
}

size_t text_clean(char *out, size_t size, const char *text, size_t len)
{
	const char *end = text + len;
	size_t used = 0;

	while (text < end) {
		const char *from = text;
		uint32_t code = text_next(&text, end);
		size_t bytes = (size_t)(text - from);

		if (is_space(code)) {
			from = " ";
			bytes = 1;
		} else if (!text_is_clean(code)) {
			from = REPLACEMENT;
			bytes = sizeof(REPLACEMENT) - 1;
		}
		if (used + bytes >= size)
			break;
		memcpy(out + used, from, bytes);
		used += bytes;
	}
	out[used] = '\0';
	return used;
}

/* The length without the last character, if some of its bytes are missing. */
static size_t without_part(const char *text, size_t len)
{
	size_t back = 1;

	while (back < 4 && back < len && ((unsigned char)text[len - back] & 0xc0) == 0x80)
		back++;
	return back <= len && bytes_of((unsigned char)text[len - back]) > back ? len - back : len;
}

size_t text_vformat(char *out, size_t size, const char *fmt, va_list args)
{
	char text[FORMAT_BYTES];
	int wanted = vsnprintf(text, sizeof(text), fmt, args);
	size_t len = wanted < 0 ? 0 : (size_t)wanted;

	if (len >= sizeof(text))
		len = without_part(text, sizeof(text) - 1);
	return text_clean(out, size, text, len);
}

size_t text_format(char *out, size_t size, const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = text_vformat(out, size, fmt, args);
	va_end(args);
	return len;
}

void text_cut(char *text, size_t max_characters)
{
	const char *at = text;
	const char *end = strchr(text, '\0');

	while (at < end && max_characters > 0) {
		(void)text_next(&at, end);
		max_characters--;
	}
	text[at - text] = '\0';
}
