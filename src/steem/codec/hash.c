/* SPDX-License-Identifier: MIT */
#include "steem/codec/hash.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/mem.h"

struct hash {
	EVP_MD *sha256, *sha224, *rmd160;
	/* Each context keeps its algorithm, so that it only begins anew. */
	EVP_MD_CTX *sha256_context, *sha224_context, *rmd160_context;
	EVP_MD_CTX *begun, *copy;
};

/* Only a lack of memory makes these calls fail once their algorithm was fetched. */
static void must(int is_done)
{
	if (is_done != 1)
		abort();
}

static int fetch(const char *name, EVP_MD **ret_digest, EVP_MD_CTX **ret_context, struct error *err)
{
	*ret_digest = EVP_MD_fetch(NULL, name, NULL);
	if (*ret_digest == NULL)
		return error_set(
			err, ERROR_CONFIG,
			"this machine's libcrypto (OpenSSL) does not have %s, which proofs "
			"need; see openssl.cnf(5) and fips_module(7)",
			name);
	*ret_context = EVP_MD_CTX_new();
	must(EVP_DigestInit_ex2(*ret_context, *ret_digest, NULL));
	return 0;
}

struct hash *hash_new(struct error *err)
{
	struct hash *hash = xcalloc(1, sizeof(*hash));

	if (fetch("SHA256", &hash->sha256, &hash->sha256_context, err) != 0 ||
	    fetch("SHA224", &hash->sha224, &hash->sha224_context, err) != 0 ||
	    fetch("RIPEMD160", &hash->rmd160, &hash->rmd160_context, err) != 0) {
		hash_free(hash);
		return NULL;
	}
	hash->begun = EVP_MD_CTX_new();
	hash->copy = EVP_MD_CTX_new();
	must(EVP_DigestInit_ex2(hash->begun, hash->sha256, NULL));
	return hash;
}

void hash_free(struct hash *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->sha256_context);
	EVP_MD_CTX_free(hash->sha224_context);
	EVP_MD_CTX_free(hash->rmd160_context);
	EVP_MD_CTX_free(hash->begun);
	EVP_MD_CTX_free(hash->copy);
	EVP_MD_free(hash->sha256);
	EVP_MD_free(hash->sha224);
	EVP_MD_free(hash->rmd160);
	free(hash);
}

static void digest(EVP_MD_CTX *context, const void *bytes, size_t len, uint8_t *ret)
{
	must(EVP_DigestInit_ex2(context, NULL, NULL));
	must(EVP_DigestUpdate(context, bytes, len));
	must(EVP_DigestFinal_ex(context, ret, NULL));
}

void hash_sha256(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_SHA256_BYTES])
{
	digest(hash->sha256_context, bytes, len, ret);
}

void hash_sha224(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_SHA224_BYTES])
{
	digest(hash->sha224_context, bytes, len, ret);
}

void hash_rmd160(struct hash *hash, const void *bytes, size_t len, uint8_t ret[HASH_RMD160_BYTES])
{
	digest(hash->rmd160_context, bytes, len, ret);
}

void hash_begin(struct hash *hash, const void *bytes, size_t len)
{
	must(EVP_DigestInit_ex2(hash->begun, NULL, NULL));
	must(EVP_DigestUpdate(hash->begun, bytes, len));
}

void hash_with_tail(struct hash *hash, const void *tail, size_t tail_len,
		    uint8_t ret[HASH_SHA256_BYTES])
{
	must(EVP_MD_CTX_copy_ex(hash->copy, hash->begun));
	if (tail_len > 0)
		must(EVP_DigestUpdate(hash->copy, tail, tail_len));
	must(EVP_DigestFinal_ex(hash->copy, ret, NULL));
}

void hash_end(struct hash *hash, const void *tail, size_t tail_len, uint8_t ret[HASH_SHA256_BYTES])
{
	must(EVP_DigestUpdate(hash->begun, tail, tail_len));
	must(EVP_DigestFinal_ex(hash->begun, ret, NULL));
}
