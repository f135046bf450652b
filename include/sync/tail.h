/* SPDX-License-Identifier: MIT */
/*
 * The tail: stores every new irreversible block, in chain order, as soon as a node has it.
 *
 * There are no claims here: every reader tries to store every new block, and the first one
 * succeeds.  One request and one commit are under way at a time, so that a commit never
 * overtakes an older one.  If no node gives a block, or if it contradicts a stored one, it
 * becomes a known gap after a while, and the tail continues behind it.
 */
#ifndef SYNC_TAIL_H
#define SYNC_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/shared.h"

struct tail;

/* The caller owns the tail; `shared` must outlive it. */
struct tail *tail_new(struct shared *shared);
/* NULL is allowed. Call it only after the executor has stopped, or while tail_is_idle(). */
void tail_free(struct tail *tail);
/* Follow the chain from this block on. */
void tail_start(struct tail *tail, uint32_t first);
/* Ask, vote, judge and commit, as far as possible now. Returns when to call it again. */
int64_t tail_step(struct tail *tail, int64_t now_ms);
/* All blocks from tail_start() up to the one before this are decided: stored, or a known gap. */
uint32_t tail_next_block(const struct tail *tail);
/* Request and commit nothing more. */
void tail_stop(struct tail *tail);
/* Stopped, and nothing is under way. */
bool tail_is_idle(const struct tail *tail);

#endif
