/* SPDX-License-Identifier: MIT */
/*
 * Which witnesses built on a block: the newest blocks that the tail and the head saw, by number.
 *
 * A block counts for all that it links down to.  Nodes can claim that a block is irreversible, but they cannot
 * sign for the witnesses that would have had to build on it.  A block of another branch takes the place of the
 * one of its number.  Pure.
 */
#ifndef SYNC_LINEAGE_H
#define SYNC_LINEAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/block.h"
#include "steem/chain.h"

struct lineage;

/* The chain must outlive it. */
struct lineage *lineage_new(const struct chain *chain);
/* NULL is allowed. */
void lineage_free(struct lineage *lineage);
/*
 * Most nodes give this block, and its witness signed it.  A block that does not show what was signed links
 * its neighbours, but counts for no witness.
 */
void lineage_add(struct lineage *lineage, const struct block *block);
/* Is it in there, and not another block of its number? */
bool lineage_has(const struct lineage *lineage, const struct block *block);
/*
 * The highest block on the newest known branch above this block on which three quarters of the witnesses have
 * built, its own witness among them; 0: it is not this block either, or this block is not in there.
 */
uint32_t lineage_settled(const struct lineage *lineage, const struct block *block);

#endif
