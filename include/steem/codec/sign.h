/* SPDX-License-Identifier: MIT */
/*
 * Private keys, and the signatures that a node accepts; by libsecp256k1.
 *
 * A private key is only in memory of base/secret.h, and nowhere else in the process when
 * private_key_read() and sign_digest() have returned.  The program must do the rest at its start:
 * prctl(PR_SET_DUMPABLE, 0), so that no other process of the user reads its memory.
 *
 * The surprise: about every second signature of libsecp256k1 is not "canonical", as nodes demand. So
 * sign_digest() tries one nonce after the other; they depend only on key and digest, so the same
 * digest always gets the same signature.
 *
 * A key may be used by several threads at once.
 */
#ifndef STEEM_CODEC_SIGN_H
#define STEEM_CODEC_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/codec/hash.h"
#include "steem/codec/key.h"

/* The length of a private key's text (WIF); white space behind it is allowed. */
#define PRIVATE_KEY_TEXT_LEN 51

struct private_key;

/*
 * Read the text of a private key: base58 of 0x80, 32 bytes, and a checksum. The caller owns the key.
 * `text` stays the caller's: it should be in memory of secret_alloc(), and be freed at once.
 * NULL with err (ERROR_CONFIG); its text says what is wrong, and contains nothing of the key.
 */
struct private_key *private_key_read(struct hash *hash, const char *text, size_t len,
				     struct error *err) MUST_CHECK;
/* Wipe it; NULL is allowed. */
void private_key_free(struct private_key *key);
/* Its public key; its text: key_format(). Owned by the key. */
const struct key *private_key_public(const struct private_key *key);

/*
 * Sign: the signature is canonical, has a low S, and gives the public key of `key`, which was checked.
 * -1 with err (ERROR_FATAL): it did not; the memory or the library is broken.
 */
int sign_digest(const uint8_t digest[HASH_SHA256_BYTES], const struct private_key *key,
		uint8_t ret_signature[SIGNATURE_BYTES], struct error *err) MUST_CHECK;
/*
 * Of the two signatures that are equally right take the one with the low S, and the header of a
 * compressed key, as nodes write it.  False: it is no signature at all.
 */
bool sign_lower(uint8_t signature[SIGNATURE_BYTES]);
/*
 * Would a node accept a signature that something else made?  0, or -1 with err (ERROR_CONFIG): it is
 * not canonical, has a high S, or is of another key than `expected`.
 */
int sign_check(const uint8_t digest[HASH_SHA256_BYTES], const uint8_t signature[SIGNATURE_BYTES],
	       const struct key *expected, struct error *err) MUST_CHECK;

#endif
