/* SPDX-License-Identifier: MIT */
/*
 * Public keys: their text, and the key behind a signature; by libsecp256k1.
 *
 * The surprise: nodes accept a signature with a high S (up to about 0xa0201b68...), so
 * key_recover() does too.  33 zero bytes are a key as well: the text of "no key".
 */
#ifndef STEEM_CODEC_KEY_H
#define STEEM_CODEC_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steem/codec/hash.h"
#include "steem/codec/operations.h"

#define KEY_BYTES 33
/* "STM" and base58 of 37 bytes, and a NUL; a prefix has at most seven characters. */
#define KEY_TEXT_BYTES 64

struct key {
	uint8_t bytes[KEY_BYTES]; /* a compressed point of secp256k1 */
};

/* Recover the key that signed these 32 bytes. False: the signature is invalid. */
bool key_recover(const uint8_t digest[HASH_SHA256_BYTES], const uint8_t signature[SIGNATURE_BYTES],
		 struct key *ret_key);
/* Its text: prefix and base58, with a NUL behind. Returns text. */
char *key_format(struct hash *hash, const char *prefix, const struct key *key,
		 char text[KEY_TEXT_BYTES]);
/* False when the text has another prefix, or is not what key_format() makes of any 33 bytes. */
bool key_parse(struct hash *hash, const char *prefix, const char *text, size_t len,
	       struct key *ret_key);

#endif
