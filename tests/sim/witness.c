/* SPDX-License-Identifier: MIT */
#include "witness.h"

#include <stdio.h>
#include <string.h>

#include <secp256k1.h>

#include "sched.h"
#include "steem/chain.h"
#include "steem/codec/key.h"

#define NUMBER_BYTES 32 /* of the curve */

struct witness {
	char name[8];
	struct {
		char text[KEY_TEXT_BYTES];
		uint8_t r_secret[NUMBER_BYTES]; /* r times the secret */
	} keys[2];                              /* the true key, the false key */
};

static struct witness witnesses[WITNESS_COUNT];
static secp256k1_context *curve;
static uint8_t one_point[KEY_BYTES]; /* the point of the nonce 1 */

static void must(int is_done)
{
	if (!is_done)
		sim_fail("a number is no number of the curve");
}

struct hash *sim_hash(void)
{
	static struct hash *hash;
	struct error err = ERROR_INIT;

	if (!hash)
		hash = hash_new(&err);
	if (!hash)
		sim_fail("no hashes: %s", err.text);
	return hash;
}

/* The point of a secret or a nonce. */
static void make_point(const uint8_t number[NUMBER_BYTES], uint8_t ret_point[KEY_BYTES])
{
	secp256k1_pubkey point;
	size_t len = KEY_BYTES;

	must(secp256k1_ec_pubkey_create(curve, &point, number));
	must(secp256k1_ec_pubkey_serialize(curve, ret_point, &len, &point,
					   SECP256K1_EC_COMPRESSED));
}

static void make_witness(unsigned index)
{
	struct witness *witness = &witnesses[index];

	snprintf(witness->name, sizeof(witness->name), "w%u", index);
	for (int i = 0; i < 2; i++) {
		uint8_t *number = witness->keys[i].r_secret;
		struct key key;
		char source[32];

		snprintf(source, sizeof(source), "%s %s", i == 0 ? "key" : "false key",
			 witness->name);
		hash_sha256(sim_hash(), source, strlen(source), number);
		make_point(number, key.bytes);
		(void)key_format(sim_hash(), chain_steem.key_prefix, &key, witness->keys[i].text);
		must(secp256k1_ec_seckey_tweak_mul(curve, number, one_point + 1));
	}
}

static const struct witness *get_witness(unsigned index)
{
	static const uint8_t one[NUMBER_BYTES] = {[NUMBER_BYTES - 1] = 1};

	if (!curve) {
		curve = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
		make_point(one, one_point);
		for (unsigned i = 0; i < WITNESS_COUNT; i++)
			make_witness(i);
	}
	return &witnesses[index];
}

const char *witness_name(unsigned witness)
{
	return get_witness(witness)->name;
}

int witness_find(const char *name)
{
	for (unsigned i = 0; i < WITNESS_COUNT; i++)
		if (strcmp(name, witness_name(i)) == 0)
			return (int)i;
	return -1;
}

const char *witness_key(unsigned witness, bool is_false)
{
	return get_witness(witness)->keys[is_false].text;
}

/*
 * A signature is the nonce's r, and s = (digest + r secret) / nonce.  With the nonce 1, from
 * which anybody could tell the secret, this is one addition.  The lower one of s and -s is
 * written, as witnesses do.
 */
void witness_sign(unsigned witness, bool is_false, const uint8_t digest[HASH_SHA256_BYTES],
		  uint8_t ret_signature[SIGNATURE_BYTES])
{
	const uint8_t *r_secret = get_witness(witness)->keys[is_false].r_secret;
	uint8_t *r = ret_signature + 1, *s = r + NUMBER_BYTES;
	secp256k1_ecdsa_signature signature;
	int is_odd = one_point[0] & 1;

	memcpy(r, one_point + 1, NUMBER_BYTES);
	memcpy(s, digest, NUMBER_BYTES);
	must(secp256k1_ec_seckey_tweak_add(curve, s, r_secret));
	must(secp256k1_ecdsa_signature_parse_compact(curve, &signature, r));
	if (secp256k1_ecdsa_signature_normalize(curve, &signature, &signature))
		is_odd = !is_odd;
	must(secp256k1_ecdsa_signature_serialize_compact(curve, r, &signature));
	ret_signature[0] = (uint8_t)(31 + is_odd);
}
