/* SPDX-License-Identifier: MIT */
#include "steem/codec/hash.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/mem.h"

struct hash {
	/* Begun contexts without input: to begin a hash, one of them is copied, see begin(). */
	EVP_MD_CTX *sha256, *sha224, *rmd160;
	EVP_MD_CTX *begun, *copy;
};

/* Once the algorithm was fetched, only a lack of memory makes these calls fail. */
static void must(int is_done)
{
	if (is_done != 1)
		abort();
}

static EVP_MD_CTX *fetch(const char *name, struct error *err)
{
	EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
	EVP_MD_CTX *context;

	if (digest == NULL) {
		(void)error_set(err, ERROR_CONFIG,
				"this machine's libcrypto (OpenSSL) does not have %s, which proofs "
				"need; see openssl.cnf(5) and fips_module(7)",
				name);
		return NULL;
	}
	context = EVP_MD_CTX_new();
	must(EVP_DigestInit_ex2(context, digest, NULL));
	EVP_MD_free(digest); /* the context keeps a reference */
	return context;
}

struct hash *hash_new(struct error *err)
{
	struct hash *hash = xcalloc(1, sizeof(*hash));

	hash->begun = EVP_MD_CTX_new();
	hash->copy = EVP_MD_CTX_new();
	if ((hash->sha256 = fetch("SHA256", err)) == NULL ||
	    (hash->sha224 = fetch("SHA224", err)) == NULL ||
	    (hash->rmd160 = fetch("RIPEMD160", err)) == NULL) {
		hash_free(hash);
		return NULL;
	}
	return hash;
}

void hash_free(struct hash *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->sha256);
	EVP_MD_CTX_free(hash->sha224);
	EVP_MD_CTX_free(hash->rmd160);
	EVP_MD_CTX_free(hash->begun);
	EVP_MD_CTX_free(hash->copy);
	free(hash);
}

/*
 * EVP_DigestInit_ex2() would do the same, but takes a tenth longer for a short text, because it
 * looks for an engine each time.
 */
static void begin(EVP_MD_CTX *context, const EVP_MD_CTX *fresh)
{
	must(EVP_MD_CTX_copy_ex(context, fresh));
}

static void digest(struct hash *hash, const EVP_MD_CTX *fresh, const void *bytes, size_t len,
		   uint8_t *ret)
{
	begin(hash->copy, fresh);
	must(EVP_DigestUpdate(hash->copy, bytes, len));
	must(EVP_DigestFinal_ex(hash->copy, ret, NULL));
}

void hash_sha256(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_SHA256_BYTES])
{
	digest(hash, hash->sha256, bytes, len, ret);
}

void hash_sha224(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_SHA224_BYTES])
{
	digest(hash, hash->sha224, bytes, len, ret);
}

void hash_rmd160(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_RMD160_BYTES])
{
	digest(hash, hash->rmd160, bytes, len, ret);
}

void hash_begin(struct hash *hash, const void *bytes, size_t len)
{
	begin(hash->begun, hash->sha256);
	must(EVP_DigestUpdate(hash->begun, bytes, len));
}

void hash_with_tail(struct hash *hash, const void *tail, size_t tail_len,
		    uint8_t ret[HASH_SHA256_BYTES])
{
	begin(hash->copy, hash->begun);
	if (tail_len > 0)
		must(EVP_DigestUpdate(hash->copy, tail, tail_len));
	must(EVP_DigestFinal_ex(hash->copy, ret, NULL));
}

void hash_end(struct hash *hash, const void *tail, size_t tail_len, uint8_t ret[HASH_SHA256_BYTES])
{
	must(EVP_DigestUpdate(hash->begun, tail, tail_len));
	must(EVP_DigestFinal_ex(hash->begun, ret, NULL));
}
