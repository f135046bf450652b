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

#include <stdbool.h>

#include "steem/block.h"
#include "store/witness_keys.h"

struct proof;

/*
 * Append the changes of this block, in the order of its operations.  If proof is NULL, keys that
 * are given only as bytes are skipped.
 */
void key_changes_add(struct witness_key_list *changes, struct proof *proof,
		     const struct block *block);
/*
 * May keys be learnt from this block?  Not if its JSON does not contain all signed bytes: nodes that
 * lie together could set the keys of all witnesses in such a block, and then sign for them.
 */
bool key_changes_are_proved(const struct block *block);

#endif
