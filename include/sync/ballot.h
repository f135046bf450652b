/* SPDX-License-Identifier: MIT */
/*
 * Counts which nodes give a stored block and which give another block of the same number,
 * and says what follows.
 */
#ifndef SYNC_BALLOT_H
#define SYNC_BALLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/pool.h"
#include "store/ledger.h"
#include "sync/shared.h"

struct ballot {
	uint64_t agreeing;  /* mask of the nodes that give the stored block */
	uint64_t differing; /* mask of the nodes that give another block */
	uint64_t deniers;   /* the largest group of differing nodes that give the same block */
	uint8_t ids[POOL_MAX_NODES][BLOCK_ID_BYTES]; /* the id that each differing node gave */
};

/* Count a node that gave a block with `id`. is_stored: this block is the stored one. */
void ballot_add(struct ballot *ballot, unsigned node, const uint8_t id[BLOCK_ID_BYTES],
		bool is_stored);
/*
 * Do more than half of all configured nodes give one and the same other block? Then the table is
 * doubted.
 */
bool ballot_is_against(const struct ballot *ballot, const struct pool *pool);
/*
 * The stored block stands.  Put those of `nodes` that differ on trial: from now on they are
 * asked for nothing but the stored block.  Each one is named in the log once.
 */
void ballot_deny(const struct ballot *ballot, uint64_t nodes, struct shared *shared,
		 const struct stored_block *stored);
/* Take a node off trial, because it gave the stored block, or because the table is doubted. */
void ballot_clear(struct node *node);
/* The table is doubted: log this, and what the operator can do. */
void ballot_tell_orphan(const struct ballot *ballot, const struct pool *pool,
			const struct stored_block *stored);

#endif
