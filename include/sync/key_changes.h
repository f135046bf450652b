/* SPDX-License-Identifier: MIT */
/*
 * Which operations of a block change the key with which a witness signs?  Pure, except
 * that the list grows.
 *
 * witness_update has the key in block_signing_key, witness_set_properties has it as hex in
 * the property new_signing_key.  The filter does not matter here.
 */
#ifndef SYNC_KEY_CHANGES_H
#define SYNC_KEY_CHANGES_H

#include <stddef.h>

#include "steem/block.h"
#include "store/witness_keys.h"

struct proof;

struct key_changes {
	struct witness_key *items; /* in chain order */
	size_t count;
	size_t capacity;
};

/*
 * Append the changes of this block.  If proof is NULL, keys that are given only as bytes are
 * skipped.
 */
void key_changes_add(struct key_changes *changes, struct proof *proof, const struct block *block);
void key_changes_release(struct key_changes *changes);

#endif
