/* SPDX-License-Identifier: MIT */
/*
 * Fast loops over bytes: 16 at a time if the processor can.  For json.c, json_text.c and
 * codec/pack.c only.
 *
 * Most of a chain's bytes are inside strings, so these loops take most of the reading
 * time.
 */
#ifndef STEEM_JSON_SCAN_H
#define STEEM_JSON_SCAN_H

#include <stdbool.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __SSE2__
/* A mask of those of 16 bytes that are quotes, backslashes or control characters. */
static inline unsigned json_scan_16(__m128i bytes)
{
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);
	__m128i special = _mm_or_si128(
		_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
		_mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));

	return (unsigned)_mm_movemask_epi8(special);
}
#endif

/* Find the first quote, backslash or control character from `at` on; `end` if there is none. */
static inline const char *json_scan_plain(const char *at, const char *end)
{
#ifdef __SSE2__
	while (end - at >= 16) {
		unsigned mask = json_scan_16(_mm_loadu_si128((const void *)at));

		if (mask)
			return at + __builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
		at++;
	return at;
}

/* The same, and stop at bytes that are not ASCII. */
static inline const char *json_scan_simple(const char *at, const char *end)
{
#ifdef __SSE2__
	while (end - at >= 16) {
		const __m128i bytes = _mm_loadu_si128((const void *)at);
		unsigned mask = json_scan_16(bytes) | (unsigned)_mm_movemask_epi8(bytes);

		if (mask)
			return at + __builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at - 0x20U < 0x60U)
		at++;
	return at;
}

/*
 * Copy the bytes before the next backslash, or all; returns where they end.  `out` needs room
 * for all bytes, because some behind the backslash may be copied too.
 */
static inline const char *json_copy_run(unsigned char *out, const char *at, const char *end)
{
#ifdef __SSE2__
	while (end - at >= 16) {
		__m128i bytes = _mm_loadu_si128((const void *)at);
		unsigned mask =
			(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));

		_mm_storeu_si128((void *)out, bytes);
		if (mask)
			return at + __builtin_ctz(mask);
		at += 16;
		out += 16;
	}
#endif
	while (at < end && *at != '\\')
		*out++ = (unsigned char)*at++;
	return at;
}

/* Find the first byte from `at` on that is not ASCII; `end` if there is none. */
static inline const char *json_scan_ascii(const char *at, const char *end)
{
#ifdef __SSE2__
	while (end - at >= 16) {
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_loadu_si128((const void *)at));

		if (mask)
			return at + __builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < end && (unsigned char)*at < 0x80)
		at++;
	return at;
}

#endif
