/* SPDX-License-Identifier: MIT */
/*
 * All nodes, and the choice of the node to ask next.  No I/O.
 *
 * A node is named by its index in the pool.  A set of nodes is a bit mask, so there are at
 * most POOL_MAX_NODES.
 */
#ifndef STEEM_POOL_H
#define STEEM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steem/node.h"

#define POOL_MAX_NODES 64

struct pool;

/* A pool of the nodes with these URLs, which are copied. The caller owns it. */
struct pool *pool_new(const char *const *urls, size_t count, unsigned batch_limit,
		      unsigned rate_limit);
void pool_free(struct pool *pool);
/*
 * Keep the rates of the old pool, so that reading the configuration again does not make a node
 * be asked sooner.
 */
void pool_keep_rates(struct pool *pool, const struct pool *old);
size_t pool_count(const struct pool *pool);
/* The node with this index; the pool owns it. */
struct node *pool_node(struct pool *pool, unsigned index);
/*
 * The best node to ask now for blocks up to `block`: its own irreversible block is at least
 * `block` (0: any), and it is not in the mask `not_these`.  The best one is the node that would
 * answer first, judged by speed and load.  A node that lately claimed such blocks and did not
 * give them comes last.  -1: none.
 */
int pool_pick(const struct pool *pool, int64_t now_ms, uint32_t block, uint64_t not_these);
/*
 * The best node for the tail.  Among the ready nodes: one that was not slow at the tip lately;
 * then the one with the highest credible irreversible block, unless it is slower by more than
 * the time that it is ahead; then one whose claims are not doubted; then the fastest.
 */
int pool_pick_tip(const struct pool *pool, int64_t now_ms, uint64_t not_these);
/* The set of nodes that answered when they were last asked. */
uint64_t pool_up(const struct pool *pool);
/* The set of nodes that are healthy now. */
uint64_t pool_healthy(const struct pool *pool, int64_t now_ms);
/* The set of nodes that are on trial and not excluded. */
uint64_t pool_on_trial(const struct pool *pool);
/* The set of nodes that were slow at the tip lately. */
uint64_t pool_slow(const struct pool *pool, int64_t now_ms);
/* The set of nodes that are not excluded. */
uint64_t pool_usable(const struct pool *pool);
/*
 * When the next node that may not be asked now may be asked again; INT64_MAX: no node is
 * waiting.
 */
int64_t pool_next_ready_ms(const struct pool *pool, int64_t now_ms);
/*
 * pool_irreversible(): the irreversible block that more than half of the nodes claim at least;
 * pool_head() and pool_head_time_s(): likewise the head block, at most the ceiling, and its time in
 * seconds since 1970; 0: no node has told its head yet.  Nodes that do not answer do not count, nor do
 * those whose irreversible block is above the ceiling.  Of an even number of nodes, half is enough
 * if all of the other half lag: they are 30 blocks behind and their heads are old, or they have not
 * moved for 30 s.
 */
uint32_t pool_irreversible(const struct pool *pool);
uint32_t pool_head(const struct pool *pool);
int64_t pool_head_time_s(const struct pool *pool);
/*
 * Have at least half of the nodes told their heads, and do they answer?  Nodes that were away for 30 s do
 * not count.
 */
bool pool_half_answers(const struct pool *pool);
/* Does a node that answers claim one of these blocks as its newest irreversible block? */
bool pool_claims(const struct pool *pool, uint32_t first, uint32_t last);
/*
 * The nodes that vote about a block: all except those that are excluded, away, on trial while
 * others are known, or that lag as above.  A node that rests, or that has not answered yet,
 * votes too; otherwise the first one to answer would be the majority.  While fewer than half of
 * the nodes answer, those that are away still vote for 30 s.
 */
uint64_t pool_electors(const struct pool *pool);
/* Set the highest block that can be irreversible by now, by the clock; UINT32_MAX: not known. */
void pool_set_ceiling(struct pool *pool, uint32_t block);
/* Set the time, by the database's clock, in seconds since 1970; 0: not known. */
void pool_set_time(struct pool *pool, int64_t now_s);
uint32_t pool_ceiling(const struct pool *pool);

#endif
