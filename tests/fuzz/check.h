/* SPDX-License-Identifier: MIT */
/* What every error text must be, whatever bytes led to it. */
#ifndef TESTS_FUZZ_CHECK_H
#define TESTS_FUZZ_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* UTF-8 on one line, without control characters. */
static inline bool is_clean_text(const char *text, bool may_have_lines)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		unsigned more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
		uint32_t code = more ? *at & (0x3fU >> more) : *at;

		if ((*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
			return false;
		for (at++; more > 0; more--, at++) {
			if ((*at & 0xc0) != 0x80)
				return false;
			code = code << 6 | (*at & 0x3fU);
		}
		if (may_have_lines && (code == '\n' || code == '\t'))
			continue;
		if (code < 0x20 || code == 0x7f)
			return false;
	}
	return true;
}

/*
 * A block's number, and the text behind it.  The text is copied to memory of exactly its length and a NUL,
 * so that reading one byte too far is noticed.  The caller frees it.  NULL: the input is too short.
 */
static inline char *take_numbered_text(const uint8_t *data, size_t size, uint32_t *ret_num,
				       size_t *ret_len)
{
	char *text;

	if (size < sizeof(*ret_num))
		return NULL;
	memcpy(ret_num, data, sizeof(*ret_num));
	*ret_len = size - sizeof(*ret_num);
	text = xmalloc(*ret_len + 1);
	memcpy(text, data + sizeof(*ret_num), *ret_len);
	text[*ret_len] = '\0';
	return text;
}

static inline void check_error(const struct error *err)
{
	if (err->kind == ERROR_NONE || !err->text[0])
		abort(); /* a failure without a word */
	if (!is_clean_text(err->text, false))
		abort(); /* error texts are cleaned where they are made */
}

#endif
