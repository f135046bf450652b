/* SPDX-License-Identifier: MIT */
/*
 * Anchors of a cell: blocks that are signed with known keys, and bind all blocks below them.
 *
 * A cell's blocks are old, so the signer of each one need not be checked.  But most nodes may
 * lie.  So while enough keys are known (keyring.h), a block of a cell is stored only if a block
 * that is signed with a known key links down to it, or if the stored row above the stretch names
 * the id of its top.  The keys are loaded once for each cell.  The highest block that most nodes
 * give is looked at first; if no known key signed it, the one below, and so on.
 *
 * If no block binds the top of a stretch, some blocks above it are read, which need not be
 * irreversible.  They only serve to bind it, and are not kept.
 */
#ifndef SYNC_ANCHORS_H
#define SYNC_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/claims.h"
#include "sync/fetched.h"
#include "sync/shared.h"

struct anchors;

enum anchors_end {
	ANCHORS_WAIT,  /* for keys, or for blocks above */
	ANCHORS_BOUND, /* a block above binds the top: anchors_count() counts it from now on */
	ANCHORS_NONE,  /* none does, or they cannot be had */
};

/* For the blocks of this claim, which must live as long. */
struct anchors *anchors_new(struct shared *shared, const struct claim *claim);
/* NULL is allowed. Call it only when anchors_is_idle(), or after the executor has stopped. */
void anchors_free(struct anchors *anchors);
/*
 * How many of these bound blocks may be committed, if their links are right?  Marks the anchors
 * among them as signed.  Blocks that follow a hole wait until all before it are counted.
 */
size_t anchors_count(struct anchors *anchors, struct fetched *held, size_t count);
/*
 * No other block of the cell can bind this one: read the blocks above it.  *due_ms: when to call it
 * again, if nothing arrives.
 */
enum anchors_end anchors_look_above(struct anchors *anchors, const struct block *top,
				    int64_t now_ms, int64_t *due_ms);
/* Send the look-up of the keys, and record which keys signed. */
void anchors_step(struct anchors *anchors);
/* Ask no node any more. NULL is allowed. */
void anchors_stop(struct anchors *anchors);
/* No look-up is under way. NULL is allowed. */
bool anchors_is_idle(const struct anchors *anchors);

#endif
