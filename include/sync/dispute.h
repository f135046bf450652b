/* SPDX-License-Identifier: MIT */
/*
 * A second and a third opinion on a block that contradicts what is stored, or its
 * neighbour: ask two other nodes, and stop for nothing else meanwhile.
 */
#ifndef SYNC_DISPUTE_H
#define SYNC_DISPUTE_H

#include <stdint.h>

#include "store/ledger.h"
#include "sync/work.h"

enum dispute_end {
	DISPUTE_TRY,    /* another node gives another block: store that one instead */
	DISPUTE_AGAIN,  /* nobody gives another one: it is as it was held (only without `entry`) */
	DISPUTE_KEPT,   /* what is stored under this number stays; nothing is missing */
	DISPUTE_FAILED, /* it must not be stored: it stays a gap, with `reason` */
	DISPUTE_ALONE,  /* the same, but nobody else could be asked: later, others may */
};

struct dispute;

/*
 * Called once, from within client_handle() or http_wait(); the dispute frees itself
 * afterwards.  With DISPUTE_TRY `other` is the other block, now owned by the callee, else NULL.
 */
typedef void dispute_done_fn(void *context, uint32_t num, enum dispute_end end,
			     const struct held *other, const char *reason);

/*
 * Ask about a block, which stays the caller's.  `entry` is what the ledger said of it;
 * NULL: it does not link to another block that was fetched with it.  Names the outcome in the log.
 */
struct dispute *dispute_new(struct work *work, const struct held *held,
			    const struct ledger_entry *entry, dispute_done_fn *done, void *context);
/* Forget it; `done` is not called. NULL is allowed. */
void dispute_free(struct dispute *dispute);

#endif
