/* SPDX-License-Identifier: MIT */
/*
 * The hashes of the chain: SHA-256, SHA-224, RIPEMD-160, by OpenSSL's libcrypto.
 *
 * Each thread needs a `struct hash` of its own.  It holds the contexts and algorithms, which are
 * expensive to create; computing a hash allocates nothing.
 */
#ifndef STEEM_CODEC_HASH_H
#define STEEM_CODEC_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define HASH_SHA256_BYTES 32
#define HASH_SHA224_BYTES 28
#define HASH_RMD160_BYTES 20

struct hash;

/*
 * NULL with err (ERROR_CONFIG): libcrypto does not have one of the algorithms. The caller owns it.
 */
struct hash *hash_new(struct error *err) MUST_CHECK;
void hash_free(struct hash *hash);

void hash_sha256(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_SHA256_BYTES]);
void hash_sha224(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_SHA224_BYTES]);
void hash_rmd160(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_RMD160_BYTES]);

/*
 * The SHA-256 of texts with the same beginning: begin once, then ask for the hash of the beginning
 * and a tail, any number of times.  hash_end() is cheaper, and must be the last.  The functions
 * above do not interfere.
 */
void hash_begin(struct hash *hash, const void *bytes, size_t len);
void hash_with_tail(struct hash *hash, const void *tail, size_t tail_len,
		    uint8_t ret[HASH_SHA256_BYTES]);
void hash_end(struct hash *hash, const void *tail, size_t tail_len, uint8_t ret[HASH_SHA256_BYTES]);

#endif
