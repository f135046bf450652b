/* SPDX-License-Identifier: MIT */
/*
 * The keys with which witnesses sign: the table witness_keys.
 *
 * Rows are learnt from operations, with their blocks (ledger.c), or from nodes.  A row says from which block
 * on it holds; it is superseded by a later one, and never changed because of what nodes say.
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
	uint32_t since_block;            /* it signs the blocks above this one */
	bool is_of_nodes;                /* nodes said so; else an operation of since_block did */
};

/* The key of the witness at `block`; *ret_found false: no row says. */
int witness_keys_find(struct db *db, const char *witness, uint32_t block,
		      struct witness_key *ret_key, bool *ret_found, struct error *err) MUST_CHECK;
/*
 * Is every block above `since` and below `block` stored, and were they looked through for changes of keys?
 * Then no key that held at `since` can have changed unseen.
 */
int witness_keys_are_whole(struct db *db, uint32_t since, uint32_t block, bool *ret_whole,
			   struct error *err) MUST_CHECK;
/* Add what nodes say. A row of the same witness and block stays as it is. */
int witness_keys_add(struct db *db, const struct witness_key *key, struct error *err) MUST_CHECK;

#endif
