/* SPDX-License-Identifier: MIT */
/*
 * The witnesses of the simulated chain: names, keys, signatures.
 *
 * A witness's key follows from its name.  For each there is a false key too, with which liars sign, since
 * they do not have the true one.
 */
#ifndef SIM_WITNESS_H
#define SIM_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/codec/hash.h"
#include "steem/codec/operations.h"

#define WITNESS_COUNT 21

/* The hashes, for all who need some. */
struct hash *sim_hash(void);

/* Its name; they take turns. */
const char *witness_name(unsigned witness);
/* -1: no witness has this name. */
int witness_find(const char *name);
/* Its public key as text. */
const char *witness_key(unsigned witness, bool is_false);
void witness_sign(unsigned witness, bool is_false, const uint8_t digest[HASH_SHA256_BYTES],
		  uint8_t ret_signature[SIGNATURE_BYTES]);

#endif
