/* SPDX-License-Identifier: MIT */
/*
 * Converts hex digits to bytes: 16 digits at a time if the processor can.  For block.c and
 * codec/pack.c only.
 *
 * Signatures and ids are a third of most blocks.
 */
#ifndef STEEM_HEX_H
#define STEEM_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The value of a digit, plus HEX_IS_DIGIT; 0: not a digit. `case_bit` as below. */
#define HEX_IS_DIGIT 0x10U
static inline unsigned hex_value(unsigned char c, unsigned char case_bit)
{
	if (c >= '0' && c <= '9')
		return HEX_IS_DIGIT | (unsigned)(c - '0');
	c |= case_bit;
	return c >= 'a' && c <= 'f' ? HEX_IS_DIGIT | (unsigned)(c - 'a' + 10) : 0;
}

#ifdef __SSE2__
/* Convert 16 digits to 8 bytes; returns a mask of the characters that are digits. */
static inline int hex_read_16(const char *text, unsigned char case_bit, uint8_t *ret)
{
	const __m128i given = _mm_loadu_si128((const void *)text);
	const __m128i lower = _mm_or_si128(given, _mm_set1_epi8((char)case_bit));
	const __m128i is_figure = _mm_and_si128(_mm_cmpgt_epi8(given, _mm_set1_epi8('0' - 1)),
						_mm_cmplt_epi8(given, _mm_set1_epi8('9' + 1)));
	const __m128i is_letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
						_mm_cmplt_epi8(lower, _mm_set1_epi8('f' + 1)));
	const __m128i values = _mm_add_epi8(_mm_and_si128(given, _mm_set1_epi8(0x0f)),
					    _mm_and_si128(is_letter, _mm_set1_epi8(9)));
	/* Each pair of digits is a 16-bit number, with the first digit in its low half. */
	const __m128i pairs =
		_mm_and_si128(_mm_or_si128(_mm_slli_epi16(values, 4), _mm_srli_epi16(values, 8)),
			      _mm_set1_epi16(0xff));

	_mm_storel_epi64((void *)ret, _mm_packus_epi16(pairs, pairs));
	return _mm_movemask_epi8(_mm_or_si128(is_figure, is_letter));
}
#endif

/*
 * Convert twice as many digits to `count` bytes.  False: not all are digits, or a letter is
 * upper-case and `any_case` is false; the bytes are then undefined.
 */
static inline bool hex_read(const char *text, size_t count, bool any_case, uint8_t *ret)
{
	const unsigned char case_bit = any_case ? 'a' - 'A' : 0;
	unsigned are_digits = HEX_IS_DIGIT;

#ifdef __SSE2__
	if (count >= 8) {
		int mask = hex_read_16(text + 2 * (count - 8), case_bit, ret + count - 8);

		for (size_t i = 0; i + 8 < count; i += 8)
			mask &= hex_read_16(text + 2 * i, case_bit, ret + i);
		return mask == 0xffff;
	}
#endif
	for (size_t i = 0; i < count; i++) {
		unsigned high = hex_value((unsigned char)text[2 * i], case_bit);
		unsigned low = hex_value((unsigned char)text[2 * i + 1], case_bit);

		are_digits &= high & low;
		ret[i] = (uint8_t)(high << 4 | (low & 0xf));
	}
	return are_digits != 0;
}

#endif
