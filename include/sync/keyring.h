/* SPDX-License-Identifier: MIT */
/*
 * What a list of witnesses' keys is worth.
 *
 * A reader that saw three quarters of the witnesses sign within the last 30 days has recent
 * knowledge: then it need not believe what nodes say about keys, because one block in a few is
 * signed with a key that it knows, and binds the blocks below it.  Pure.
 */
#ifndef SYNC_KEYRING_H
#define SYNC_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/chain.h"
#include "store/witness_keys.h"

/* The lowest block whose signature still counts at `block`. */
uint32_t keyring_recent_from(const struct chain *chain, uint32_t block);
/* Did enough different witnesses sign between there and `block`? */
bool keyring_is_recent(const struct witness_key_list *keys, const struct chain *chain,
		       uint32_t block);
/* The key of a witness at `block`; NULL: it is not in the list. */
struct witness_key *keyring_find(const struct witness_key_list *keys, const char *witness,
				 uint32_t block);
/*
 * Must it be noted in the table that the key signed this block?  Not if a block of the same day
 * was noted, so that it costs one statement for each witness and day.
 */
bool keyring_must_note(const struct witness_key *key, const struct chain *chain, uint32_t block);

#endif
