/* SPDX-License-Identifier: MIT */
#include "steem/codec/base58.h"

#include <string.h>

#define LIMBS (BASE58_BYTES_MAX / 4)

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

size_t base58_encode(const uint8_t *bytes, size_t count, char ret[BASE58_DIGITS_MAX])
{
	uint8_t rests[BASE58_BYTES_MAX];
	char digits[BASE58_DIGITS_MAX];
	size_t zeros = 0, digit_count = 0, len;

	memcpy(rests, bytes, count);
	while (zeros < count && rests[zeros] == 0)
		zeros++;
	for (size_t first = zeros; first < count;) {
		unsigned rest = 0;

		for (size_t i = first; i < count; i++) {
			rest = rest << 8 | rests[i];
			rests[i] = (uint8_t)(rest / 58);
			rest %= 58;
		}
		digits[digit_count++] = alphabet[rest];
		while (first < count && rests[first] == 0)
			first++;
	}
	memset(ret, alphabet[0], zeros);
	len = zeros;
	while (digit_count > 0)
		ret[len++] = digits[--digit_count];
	return len;
}

static int digit_value(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

bool base58_decode(const char *text, size_t len, uint8_t *ret, size_t count)
{
	uint32_t limbs[LIMBS] = {0}; /* the lowest one first */
	uint8_t bytes[BASE58_BYTES_MAX];
	size_t ones = 0, zeros = 0;

	if (len > BASE58_DIGITS_MAX)
		return false;
	while (ones < len && text[ones] == alphabet[0])
		ones++;
	for (size_t i = 0; i < len; i++) {
		int value = digit_value(text[i]);
		uint64_t carry = (uint64_t)value;

		if (value < 0)
			return false;
		for (size_t j = 0; j < LIMBS; j++) {
			carry += (uint64_t)limbs[j] * 58;
			limbs[j] = (uint32_t)carry;
			carry >>= 32;
		}
		if (carry > 0)
			return false;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(limbs[LIMBS - 1 - i / 4] >> (24 - 8 * (i % 4)));
	while (zeros < sizeof(bytes) && bytes[zeros] == 0)
		zeros++;
	if (zeros < sizeof(bytes) - count || zeros - (sizeof(bytes) - count) != ones)
		return false;
	memcpy(ret, bytes + sizeof(bytes) - count, count);
	return true;
}
