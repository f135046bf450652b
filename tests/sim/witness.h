/* SPDX-License-Identifier: MIT */
/*
 * The witnesses of the simulated chain: names, keys, signatures.
 *
 * A witness's key follows from its name.  Each witness also has a false key, with which
 * liars sign because they do not have the true one.
 */
#ifndef SIM_WITNESS_H
#define SIM_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/codec/hash.h"
#include "steem/codec/operations.h"

#define WITNESS_COUNT 21

/* The hashes, shared by all files that need some. */
struct hash *sim_hash(void);

/* The name of a witness; witnesses take turns. */
const char *witness_name(unsigned witness);
/* -1: no witness has this name. */
int witness_find(const char *name);
/* The public key of a witness, as text. */
const char *witness_key(unsigned witness, bool is_false);
void witness_sign(unsigned witness, bool is_false, const uint8_t digest[HASH_SHA256_BYTES],
		  uint8_t ret_signature[SIGNATURE_BYTES]);

#endif
