/* SPDX-License-Identifier: MIT */
/*
 * Do the nodes serve the chain that the database holds?
 *
 * At the start each node is compared with a stored block; while nothing is stored, the
 * nodes are compared with one another.  A node is on trial if it was added later (the
 * configuration was read again) or could not be reached at the start.  It is asked for
 * nothing but the stored block, and nothing that it says is believed until it has given
 * that block as it is stored.
 */
#ifndef SYNC_CHAIN_CHECK_H
#define SYNC_CHAIN_CHECK_H

#include "store/ledger.h"
#include "sync/shared.h"

struct chain_check;

/* done: called when the comparison of the start is over (not called if the reader must end). */
struct chain_check *chain_check_new(struct shared *shared, void (*done)(void *context),
				    void *context);
/* NULL is allowed. Call it only after the executor has stopped, or while nothing is under way. */
void chain_check_free(struct chain_check *check);

/*
 * Compare all nodes.  A node that serves another chain is excluded.  The reader ends if no node
 * serves the chain that the database holds, or if it cannot be told which chain is meant.
 */
void chain_check_start(struct chain_check *check);
/*
 * Nothing is stored, and fewer than half of the nodes answered, so nothing was compared: start again when
 * more do, or have been away for 30 s.  Otherwise one node alone could say where the tables begin.
 */
bool chain_check_is_postponed(const struct chain_check *check);
/* Compare the nodes on trial whose heads are known by now.  Returns when to call it again. */
int64_t chain_check_step(struct chain_check *check, int64_t now_ms);
/*
 * The configuration was read again, and `pool` is about to replace the reader's pool: forget
 * what is under way, and put the nodes that the old pool did not have on trial.  is_start: the
 * comparison of the start is not over; chain_check_start() is then called again instead.
 */
void chain_check_reload(struct chain_check *check, struct pool *pool, bool is_start);

/* The newest stored block as of chain_check_start(), at most the irreversible block; 0: none. */
uint32_t chain_check_newest(const struct chain_check *check);
/*
 * The highest block known to be irreversible at chain_check_start(), from the nodes, the stored
 * blocks or the row of any reader.  (The nodes alone are not enough: after a restart they may
 * have fewer blocks.)
 */
uint32_t chain_check_irreversible(const struct chain_check *check);

#endif
