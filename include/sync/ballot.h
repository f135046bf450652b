/* SPDX-License-Identifier: MIT */
/*
 * What each node gives in the place of one stored block, and what follows from it.
 */
#ifndef SYNC_BALLOT_H
#define SYNC_BALLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/pool.h"
#include "store/ledger.h"
#include "sync/work.h"

struct ballot {
	uint64_t agreeing;  /* mask of nodes: they give the stored block */
	uint64_t differing; /* they give another one */
	uint64_t deniers;   /* of these, the most that give one and the same */
	uint8_t ids[POOL_MAX_NODES][BLOCK_ID_BYTES]; /* of those that differ */
};

/* This node gave a block with `id`, which is the stored one or stands in its place. */
void ballot_add(struct ballot *ballot, unsigned node, const uint8_t id[BLOCK_ID_BYTES],
		bool is_stored);
/* Do more than half of all configured nodes give one and the same other block? Then the table is doubted. */
bool ballot_is_against(const struct ballot *ballot, const struct pool *pool);
/*
 * The table stands: these of the nodes that differ are on trial from now on, so they are asked for nothing
 * else.  Each is named in the log once.
 */
void ballot_deny(const struct ballot *ballot, uint64_t nodes, struct work *work,
		 const struct stored_block *stored);
/* This node may be used: it gives what is stored, or the table is doubted. */
void ballot_clear(struct node *node);
/* The table is doubted: say so in the log, and what to do. */
void ballot_tell_orphan(const struct ballot *ballot, const struct pool *pool,
			const struct stored_block *stored);

#endif
