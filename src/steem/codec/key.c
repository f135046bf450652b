/* SPDX-License-Identifier: MIT */
#include "steem/codec/key.h"

#include <string.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "steem/codec/base58.h"

/*
 * steemit/steem libraries/fc/src/crypto/elliptic_secp256k1.cpp: the header is 27 to 34; above 30
 * it only says that the key is compressed.
 */
#define HEADER_FIRST 27
#define HEADER_LAST  34

/* libraries/protocol/types.cpp: the first bytes of the key's RIPEMD-160 follow the key. */
#define CHECK_BYTES   4
#define CHECKED_BYTES (KEY_BYTES + CHECK_BYTES)

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

char *key_format(struct hash *hash, const char *prefix, const struct key *key,
		 char text[KEY_TEXT_BYTES])
{
	uint8_t checked[CHECKED_BYTES];
	size_t prefix_len = strnlen(prefix, 7);
	size_t len;

	memcpy(checked, key->bytes, KEY_BYTES);
	add_check(hash, checked);
	memcpy(text, prefix, prefix_len);
	len = prefix_len + base58_encode(checked, CHECKED_BYTES, text + prefix_len);
	text[len] = '\0';
	return text;
}

bool key_parse(struct hash *hash, const char *prefix, const char *text, size_t len,
	       struct key *ret_key)
{
	size_t prefix_len = strlen(prefix);
	uint8_t given[CHECKED_BYTES], checked[CHECKED_BYTES];

	if (len <= prefix_len || memcmp(text, prefix, prefix_len) != 0 ||
	    !base58_decode(text + prefix_len, len - prefix_len, given, CHECKED_BYTES))
		return false;
	memcpy(checked, given, KEY_BYTES);
	add_check(hash, checked);
	if (memcmp(given, checked, CHECKED_BYTES) != 0)
		return false;
	memcpy(ret_key->bytes, given, KEY_BYTES);
	return true;
}
