/* SPDX-License-Identifier: MIT */
/*
 * A block contradicts a stored one: which of them is wrong?
 *
 * More than half of the nodes that answer gave the block.  But the nodes that do not answer may be on the right
 * branch, and all others on a wrong one.  So each node is asked for the stored block:
 *
 *     more than half of all configured nodes give another block: the table is doubted
 *     otherwise: the nodes that give another block are on trial, and are asked for nothing else until they
 *     give the stored one
 */
#ifndef SYNC_DISPUTE_H
#define SYNC_DISPUTE_H

#include <stdint.h>

#include "store/ledger.h"
#include "sync/work.h"

enum dispute_end {
	DISPUTE_TABLE, /* more than half of all nodes give another block than the stored one */
	DISPUTE_NODES, /* nodes give the stored block: the contradiction is in what they give elsewhere */
	DISPUTE_OPEN, /* it cannot be told: nodes that might know did not answer */
};

struct dispute;

/*
 * Called once, from within client_handle() or http_wait(); the dispute frees itself afterwards.
 * `reason` says it in words, for a gap.
 */
typedef void dispute_done_fn(void *context, uint32_t num, enum dispute_end end, const char *reason);

/*
 * Ask about the stored block that this entry contradicts: its outcome is LEDGER_NO_LINK, _NO_LINK_AFTER or
 * _OTHER_ID.  `num` of `done` is the number of the entry's block.  What comes of it is logged.
 */
struct dispute *dispute_new(struct work *work, const struct ledger_entry *entry,
			    dispute_done_fn *done, void *context);
/* Forget it; `done` is not called. NULL is allowed. */
void dispute_free(struct dispute *dispute);

#endif
