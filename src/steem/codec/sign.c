/* SPDX-License-Identifier: MIT */
#include "steem/codec/sign.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/mem.h"
#include "base/secret.h"
#include "steem/codec/base58.h"

/* libraries/utilities/key_conversion.cpp: 0x80, the key, four bytes of its SHA-256 twice. */
#define SECRET_BYTES  32
#define KIND          0x80
#define KIND_BYTES    1
#define CHECK_BYTES   4
#define CHECKED_BYTES (KIND_BYTES + SECRET_BYTES + CHECK_BYTES)
/* The form in which Bitcoin's programs write a compressed key: a byte 0x01 before the check. */
#define COMPRESSED_TEXT_LEN 52

/* A header of 31 and more says "compressed": nodes write and ignore that. */
#define HEADER_FIRST 31
#define HEADER_ANY   27

/* Each nonce is good with a chance of one half. */
#define NONCES_MAX 256

struct private_key {
	uint8_t checked[CHECKED_BYTES]; /* the key is in the middle */
	struct key public_key;
	secp256k1_context *context; /* its tables; no key */
};

static const uint8_t *secret_of(const struct private_key *key)
{
	return key->checked + KIND_BYTES;
}

static int refuse(struct error *err, const char *why)
{
	return error_set(err, ERROR_CONFIG, "this is no private key: %s", why);
}

/* Say nothing of the text but its length: it may be a key with a wrong letter. */
static int check_shape(const char *text, size_t len, struct error *err)
{
	if (len == 0)
		return refuse(err, "it is empty");
	if (len > 3 && (memcmp(text, "STM", 3) == 0 || memcmp(text, "TST", 3) == 0))
		return refuse(err, "it is a public key, as its first letters say");
	if (len == COMPRESSED_TEXT_LEN && text[0] == 'P' && text[1] == '5')
		return refuse(err, "it is a master password; the wallet shows the private keys");
	if (len == COMPRESSED_TEXT_LEN && (text[0] == 'K' || text[0] == 'L'))
		return refuse(err,
			      "it is marked for a compressed key, as Bitcoin writes them; a key "
			      "of Steem has 51 characters, and the first one is 5");
	if (len != PRIVATE_KEY_TEXT_LEN)
		return error_set(err, ERROR_CONFIG,
				 "this is no private key: it has %zu characters instead of %d", len,
				 PRIVATE_KEY_TEXT_LEN);
	return 0;
}

static int decode(struct hash *hash, const char *text, size_t len, struct private_key *key,
		  struct error *err)
{
	uint8_t sum[HASH_SHA256_BYTES];

	if (check_shape(text, len, err) != 0)
		return -1;
	if (!base58_decode(text, len, key->checked, CHECKED_BYTES))
		return refuse(err, "it has a character that base58 does not have, or is too large");
	hash_sha256(hash, key->checked, KIND_BYTES + SECRET_BYTES, sum);
	hash_sha256(hash, sum, sizeof(sum), sum);
	if (memcmp(sum, key->checked + KIND_BYTES + SECRET_BYTES, CHECK_BYTES) != 0)
		return refuse(err, "its checksum is wrong, so a character is");
	if (key->checked[0] != KIND)
		return refuse(err,
			      "it is of another kind than Steem's: its first byte is not 0x80");
	return 0;
}

static int make_public(struct private_key *key, struct error *err)
{
	uint8_t seed[32];
	secp256k1_pubkey point;
	size_t len = KEY_BYTES;

	/* Random numbers that hide the key from who measures time or power. */
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return error_set_errno(err, ERROR_CONFIG, "no random numbers from the system");
	key->context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	if (!secp256k1_context_randomize(key->context, seed) ||
	    !secp256k1_ec_pubkey_create(key->context, &point, secret_of(key)))
		return refuse(err, "its number is 0, or above those of secp256k1");
	(void)secp256k1_ec_pubkey_serialize(key->context, key->public_key.bytes, &len, &point,
					    SECP256K1_EC_COMPRESSED);
	return 0;
}

static bool is_space(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

struct private_key *private_key_read(struct hash *hash, const char *text, size_t len,
				     struct error *err)
{
	struct private_key *key = secret_alloc(sizeof(*key), err);
	int failed;

	if (key == NULL)
		return NULL;
	while (len > 0 && is_space(text[len - 1]))
		len--;
	failed = decode(hash, text, len, key, err);
	if (failed == 0)
		failed = make_public(key, err);
	secret_wipe_stack();
	if (failed == 0)
		return key;
	private_key_free(key);
	return NULL;
}

void private_key_free(struct private_key *key)
{
	if (key == NULL)
		return;
	if (key->context != NULL)
		secp256k1_context_destroy(key->context);
	secret_free(key, sizeof(*key));
}

const struct key *private_key_public(const struct private_key *key)
{
	return &key->public_key;
}

/* A number of 32 bytes whose first byte is neither negative nor needless, as DER has them. */
static bool is_plain(const uint8_t *number)
{
	return number[0] < 0x80 && (number[0] != 0 || number[1] >= 0x80);
}

/* steemit/steem libraries/fc/src/crypto/elliptic_common.cpp, is_fc_canonical() */
static bool is_canonical(const uint8_t signature[SIGNATURE_BYTES])
{
	return is_plain(signature + 1) && is_plain(signature + 1 + 32);
}

static bool is_by(const uint8_t digest[HASH_SHA256_BYTES], const uint8_t signature[SIGNATURE_BYTES],
		  const struct key *expected)
{
	struct key key;

	return key_recover(digest, signature, &key) &&
	       memcmp(key.bytes, expected->bytes, KEY_BYTES) == 0;
}

static bool try_nonce(const uint8_t digest[HASH_SHA256_BYTES], const struct private_key *key,
		      uint32_t nonce, uint8_t ret_signature[SIGNATURE_BYTES])
{
	secp256k1_ecdsa_recoverable_signature made;
	uint8_t extra[32] = {0};
	uint32_t counter = htole32(nonce);
	int recovery_id;

	memcpy(extra, &counter, sizeof(counter));
	if (!secp256k1_ecdsa_sign_recoverable(key->context, &made, digest, secret_of(key), NULL,
					      nonce > 0 ? extra : NULL) ||
	    !secp256k1_ecdsa_recoverable_signature_serialize_compact(
		    key->context, ret_signature + 1, &recovery_id, &made))
		return false;
	ret_signature[0] = (uint8_t)(HEADER_FIRST + recovery_id);
	return is_canonical(ret_signature);
}

int sign_digest(const uint8_t digest[HASH_SHA256_BYTES], const struct private_key *key,
		uint8_t ret_signature[SIGNATURE_BYTES], struct error *err)
{
	uint32_t nonce = 0;

	while (nonce < NONCES_MAX && !try_nonce(digest, key, nonce, ret_signature))
		nonce++;
	secret_wipe_stack();
	/* A signature that was disturbed while it was made could reveal the key. */
	if (nonce < NONCES_MAX && sign_check(digest, ret_signature, &key->public_key, err) == 0)
		return 0;
	memset(ret_signature, 0, SIGNATURE_BYTES);
	return error_set(err, ERROR_FATAL,
			 "a signature is not of the key that made it: the memory or libsecp256k1 "
			 "is broken");
}

bool sign_lower(uint8_t signature[SIGNATURE_BYTES])
{
	secp256k1_ecdsa_signature parsed;
	uint8_t ident = (uint8_t)((signature[0] - HEADER_ANY) & 3);

	if (signature[0] < HEADER_ANY || signature[0] >= HEADER_FIRST + 4 ||
	    !secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed,
						     signature + 1))
		return false;
	/* -S belongs to the point with the other y. */
	if (secp256k1_ecdsa_signature_normalize(secp256k1_context_static, &parsed, &parsed))
		ident ^= 1;
	(void)secp256k1_ecdsa_signature_serialize_compact(secp256k1_context_static, signature + 1,
							  &parsed);
	signature[0] = (uint8_t)(HEADER_FIRST + ident);
	return true;
}

int sign_check(const uint8_t digest[HASH_SHA256_BYTES], const uint8_t signature[SIGNATURE_BYTES],
	       const struct key *expected, struct error *err)
{
	secp256k1_ecdsa_signature parsed;

	if (!is_by(digest, signature, expected))
		return error_set(err, ERROR_CONFIG,
				 "the signature is not of the expected key, or not of this digest");
	if (!is_canonical(signature))
		return error_set(err, ERROR_CONFIG,
				 "the signature is not canonical; sign again with another nonce");
	if (!secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed,
						     signature + 1) ||
	    secp256k1_ecdsa_signature_normalize(secp256k1_context_static, NULL, &parsed))
		return error_set(err, ERROR_CONFIG, "the signature has a high S");
	return 0;
}
