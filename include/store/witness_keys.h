/* SPDX-License-Identifier: MIT */
/*
 * The keys with which witnesses sign: the table witness_keys.
 *
 * Rows are learnt from operations, together with their blocks (ledger.c), or from nodes.
 * A row gives the block from which it applies; a later row supersedes it, and no answer of
 * a node ever changes it.
 */
#ifndef STORE_WITNESS_KEYS_H
#define STORE_WITNESS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

#define WITNESS_KEY_BYTES 63 /* the longest text of a key */

struct db;

struct witness_key {
	char witness[BLOCK_ACCOUNT_BYTES + 1];
	char key[WITNESS_KEY_BYTES + 1]; /* as the chain prints it */
	uint32_t since_block;            /* the key signs the blocks above this one */
	/* nodes told it; otherwise an operation of since_block set it */
	bool is_of_nodes;
};

/* Find the key of the witness at `block`; *ret_found false: no row tells it. */
int witness_keys_find(struct db *db, const char *witness, uint32_t block,
		      struct witness_key *ret_key, bool *ret_found, struct error *err) MUST_CHECK;
/*
 * Is every block above `since` and below `block` stored, and were these blocks searched for key
 * changes? Then no key that applied at `since` can have changed unnoticed.
 */
int witness_keys_are_whole(struct db *db, uint32_t since, uint32_t block, bool *ret_whole,
			   struct error *err) MUST_CHECK;
/* Add a key that nodes told. A row of the same witness and block stays unchanged. */
int witness_keys_add(struct db *db, const struct witness_key *key, struct error *err) MUST_CHECK;

#endif
