/* SPDX-License-Identifier: MIT */
/*
 * Do the nodes serve the chain that the database holds?
 *
 * All nodes are compared at the start, each with a stored block; while nothing is stored, with
 * one another.  A node that is new since (the configuration was read again), or that was
 * not to be reached at the start, is on trial: it is asked for nothing else, and nothing it says
 * is believed, until it gave a stored block as it is stored.
 */
#ifndef SYNC_COMPARE_H
#define SYNC_COMPARE_H

#include "store/ledger.h"
#include "sync/work.h"

struct compare;

/* done: the comparison of the start is over (not called when the reader must end). */
struct compare *compare_new(struct work *work, void (*done)(void *context), void *context);
/* NULL is allowed; only after the writer has stopped, or while nothing is under way. */
void compare_free(struct compare *compare);

/*
 * Compare all nodes.  One that serves another chain is excluded; if none serves the one
 * that the database holds, or if it cannot be told which is meant, the reader ends.
 */
void compare_start(struct compare *compare);
/* Compare the nodes on trial whose heads are known by now.  Returns when to call it again. */
int64_t compare_step(struct compare *compare, int64_t now_ms);
/*
 * The nodes are read again, into this pool, which is not in use yet: forget what is under way,
 * and put those on trial that the old pool did not hold.  During the comparison of the
 * start compare_start() is called again instead, with is_start.
 */
void compare_reload(struct compare *compare, struct pool *pool, bool is_start);

/* The newest stored block as of compare_start(), up to what was irreversible; 0: none. */
uint32_t compare_newest(const struct compare *compare);
/*
 * The highest block known to be irreversible at compare_start(): by the nodes, the stored blocks or
 * the row of any reader.  (The nodes alone are not enough: after a restart they may have fewer blocks.)
 */
uint32_t compare_irreversible(const struct compare *compare);

#endif
