/* SPDX-License-Identifier: MIT */
/*
 * Which operations of a block change the key with which a witness signs.  Pure, but for the list.
 *
 * witness_update has it in block_signing_key, witness_set_properties in the hex of the property
 * new_signing_key.  What a filter keeps of the block does not matter.
 */
#ifndef SYNC_KEY_CHANGES_H
#define SYNC_KEY_CHANGES_H

#include <stddef.h>

#include "steem/block.h"
#include "store/witness_keys.h"

struct proof;

struct key_changes {
	struct witness_key *items; /* in the order of the chain */
	size_t count;
	size_t capacity;
};

/* Append those of this block.  proof NULL: a key that stands there only as bytes is passed over. */
void key_changes_add(struct key_changes *changes, struct proof *proof, const struct block *block);
void key_changes_release(struct key_changes *changes);

#endif
