/* SPDX-License-Identifier: MIT */
#include "steem/codec/key.h"

#include <string.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

/*
 * steemit/steem libraries/fc/src/crypto/elliptic_secp256k1.cpp: the header is 27 to 34; above 30
 * it only says that the key is compressed.
 */
#define HEADER_FIRST 27
#define HEADER_LAST  34

/* libraries/protocol/types.cpp: the first bytes of the key's RIPEMD-160 follow the key. */
#define CHECK_BYTES   4
#define CHECKED_BYTES (KEY_BYTES + CHECK_BYTES)
/* 37 bytes never need more digits; ten limbs of 32 bits are enough. */
#define DIGITS_MAX 51
#define LIMBS      10

bool key_recover(const uint8_t digest[HASH_SHA256_BYTES], const uint8_t signature[SIGNATURE_BYTES],
		 struct key *ret_key)
{
	secp256k1_ecdsa_recoverable_signature parsed;
	secp256k1_pubkey point;
	size_t len = KEY_BYTES;

	return signature[0] >= HEADER_FIRST && signature[0] <= HEADER_LAST &&
	       secp256k1_ecdsa_recoverable_signature_parse_compact(
		       secp256k1_context_static, &parsed, signature + 1,
		       (signature[0] - HEADER_FIRST) & 3) &&
	       secp256k1_ecdsa_recover(secp256k1_context_static, &point, &parsed, digest) &&
	       secp256k1_ec_pubkey_serialize(secp256k1_context_static, ret_key->bytes, &len, &point,
					     SECP256K1_EC_COMPRESSED);
}

static void add_check(struct hash *hash, uint8_t checked[CHECKED_BYTES])
{
	uint8_t sum[HASH_RMD160_BYTES];

	hash_rmd160(hash, checked, KEY_BYTES, sum);
	memcpy(checked + KEY_BYTES, sum, CHECK_BYTES);
}

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

char *key_format(struct hash *hash, const char *prefix, const struct key *key,
		 char text[KEY_TEXT_BYTES])
{
	uint8_t checked[CHECKED_BYTES];
	char digits[DIGITS_MAX];
	size_t count = 0, zeros = 0, prefix_len = strnlen(prefix, 7);
	char *at = text + prefix_len;

	memcpy(checked, key->bytes, KEY_BYTES);
	add_check(hash, checked);
	memcpy(text, prefix, prefix_len);
	while (zeros < CHECKED_BYTES && checked[zeros] == 0)
		zeros++;
	for (size_t first = zeros; first < CHECKED_BYTES;) {
		unsigned rest = 0;

		for (size_t i = first; i < CHECKED_BYTES; i++) {
			rest = rest << 8 | checked[i];
			checked[i] = (uint8_t)(rest / 58);
			rest %= 58;
		}
		digits[count++] = alphabet[rest];
		while (first < CHECKED_BYTES && checked[first] == 0)
			first++;
	}
	memset(at, alphabet[0], zeros);
	at += zeros;
	while (count > 0)
		*at++ = digits[--count];
	*at = '\0';
	return text;
}

static int digit_value(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

/* Decode base58 to exactly 37 bytes. */
static bool decode(const char *text, size_t len, uint8_t ret[CHECKED_BYTES])
{
	uint32_t limbs[LIMBS] = {0}; /* the lowest one first */
	uint8_t bytes[LIMBS * 4];
	size_t ones = 0, zeros = 0;

	if (len > DIGITS_MAX)
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
	/* Each leading zero byte is exactly one leading 1. */
	if (zeros < sizeof(bytes) - CHECKED_BYTES ||
	    zeros - (sizeof(bytes) - CHECKED_BYTES) != ones)
		return false;
	memcpy(ret, bytes + sizeof(bytes) - CHECKED_BYTES, CHECKED_BYTES);
	return true;
}

bool key_parse(struct hash *hash, const char *prefix, const char *text, size_t len,
	       struct key *ret_key)
{
	size_t prefix_len = strlen(prefix);
	uint8_t given[CHECKED_BYTES], checked[CHECKED_BYTES];

	if (len <= prefix_len || memcmp(text, prefix, prefix_len) != 0 ||
	    !decode(text + prefix_len, len - prefix_len, given))
		return false;
	memcpy(checked, given, KEY_BYTES);
	add_check(hash, checked);
	if (memcmp(given, checked, CHECKED_BYTES) != 0)
		return false;
	memcpy(ret_key->bytes, given, KEY_BYTES);
	return true;
}
