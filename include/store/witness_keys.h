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
	/*
	 * No operation of since_block set it: nodes told it, or it signed the block above and a
	 * block that links to that one was signed with a known key.
	 */
	bool is_of_nodes;
	/* the newest block that it is known to have signed, give or take a day; 0: none */
	uint32_t last_signed;
};

struct witness_key_list {
	struct witness_key *items;
	size_t count, capacity;
};

/* Find the key of the witness at `block`; *ret_found false: no row tells it. */
int witness_keys_find(struct db *db, const char *witness, uint32_t block,
		      struct witness_key *ret_key, bool *ret_found, struct error *err) MUST_CHECK;
/*
 * Is every block above `since` and below `block` stored with its proof, and were these blocks
 * searched for key changes? Then no key that applied at `since` can have changed unnoticed.
 */
int witness_keys_are_whole(struct db *db, uint32_t since, uint32_t block, bool *ret_whole,
			   struct error *err) MUST_CHECK;
/*
 * Add a key that no operation explains (is_of_nodes), with its last_signed. A row of the same
 * witness and block stays unchanged.
 */
int witness_keys_add(struct db *db, const struct witness_key *key, struct error *err) MUST_CHECK;
/* Note key->last_signed in the row of this key, if there is one. One statement, locks one row. */
int witness_keys_note(struct db *db, const struct witness_key *key, struct error *err) MUST_CHECK;
/*
 * Append the keys that signed a block from `from` on, or were set by such a block, and are in
 * force at some block up to `last`.  In no order; a witness may have several.
 */
int witness_keys_load(struct db *db, uint32_t from, uint32_t last, struct witness_key_list *list,
		      struct error *err) MUST_CHECK;
/* Append a copy. */
void witness_key_list_add(struct witness_key_list *list, const struct witness_key *key);
void witness_key_list_release(struct witness_key_list *list);

#endif
