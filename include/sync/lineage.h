/* SPDX-License-Identifier: MIT */
/*
 * Which witnesses built on a block?  Holds the newest blocks that the tail and the head
 * saw, by number.
 *
 * A block also counts for all blocks that it links down to.  Nodes can claim that a block
 * is irreversible, but they cannot sign for the witnesses that would have had to build on
 * it.  A block of another branch replaces the one of the same number.  Pure.
 */
#ifndef SYNC_LINEAGE_H
#define SYNC_LINEAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/block.h"
#include "steem/chain.h"

struct lineage;

/* The chain must outlive the lineage. */
struct lineage *lineage_new(const struct chain *chain);
/* NULL is allowed. */
void lineage_free(struct lineage *lineage);
/*
 * Add a block that most nodes give and that its witness signed.  A block whose JSON does not
 * contain all signed bytes links its neighbours, but counts for no witness.
 */
void lineage_add(struct lineage *lineage, const struct block *block);
/* Does it hold this block, and not another one of the same number? */
bool lineage_has(const struct lineage *lineage, const struct block *block);
/*
 * Find the highest block from this one up, on the newest known branch, that three quarters of
 * the witnesses have built on, its own witness included.  0: not even this block has enough, or
 * it is not held here.
 */
uint32_t lineage_built_on(const struct lineage *lineage, const struct block *block);

#endif
