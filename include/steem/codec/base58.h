/* SPDX-License-Identifier: MIT */
/*
 * Base58, for the texts of keys.
 *
 * The surprise: the numbers of bytes must be known, because the text does not show it. Each leading
 * zero byte is one leading 1.
 */
#ifndef STEEM_CODEC_BASE58_H
#define STEEM_CODEC_BASE58_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE58_BYTES_MAX 40
/* Numbers of BASE58_BYTES_MAX bytes never need more digits. */
#define BASE58_DIGITS_MAX 55

/*
 * Decode to exactly `count` bytes, at most BASE58_BYTES_MAX. False: it is no base58 of that length.
 */
bool base58_decode(const char *text, size_t len, uint8_t *ret, size_t count);
/* The digits of at most BASE58_BYTES_MAX bytes, without a NUL; returns how many. */
size_t base58_encode(const uint8_t *bytes, size_t count, char ret[BASE58_DIGITS_MAX]);

#endif
