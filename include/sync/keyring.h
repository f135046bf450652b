/* SPDX-License-Identifier: MIT */
/*
 * Is a list of witnesses' keys good enough to judge blocks by it?
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

/* The blocks of a round, in which each witness on duty signs once. */
unsigned keyring_round(const struct chain *chain);
/* The lowest block whose signature still counts at `block`. */
uint32_t keyring_recent_from(const struct chain *chain, uint32_t block);
/* The highest block at which a signature of `block` still counts. */
uint32_t keyring_recent_to(const struct chain *chain, uint32_t block);
/*
 * Did enough different witnesses sign between there and `block`?  Keys learnt within the last round
 * do not count: at a first start, the witnesses whose turn comes last in the first round are then
 * learnt like the others, and no block has to wait.
 */
bool keyring_is_recent(const struct witness_key_list *keys, const struct chain *chain,
		       uint32_t block);
/* Has the witness any key in the list? */
bool keyring_has(const struct witness_key_list *keys, const char *witness);
/*
 * The row that makes this key, with which `block` is signed, a known one: the row of the witness
 * in force at `block`; or a later row, if the key was learnt only there but signed since.  Nobody
 * but the witness has either key.  NULL: there is no such row.
 */
struct witness_key *keyring_match(const struct witness_key_list *keys, const char *witness,
				  const char *key, uint32_t block);
/*
 * Must it be noted in the table that the key signed this block?  Not if a block of the same day
 * was noted, so that it costs one statement for each witness and day.
 */
bool keyring_must_note(const struct witness_key *key, const struct chain *chain, uint32_t block);

#endif
