/* SPDX-License-Identifier: MIT */
/*
 * A block contradicts a stored one: which of them is wrong?
 *
 * More than half of the nodes that answer gave the block.  But the nodes that do not
 * answer may be on the right branch, and all others on a wrong one.  So each node is asked
 * for the stored block:
 *
 *     more than half of all configured nodes give another block: the table is doubted
 *     otherwise: the nodes that give another block are on trial, and are asked for
 *     nothing else until they give the stored one
 */
#ifndef SYNC_DISPUTE_H
#define SYNC_DISPUTE_H

#include <stdint.h>

#include "store/ledger.h"
#include "sync/shared.h"

enum dispute_end {
	DISPUTE_TABLE, /* more than half of all nodes give another block than the stored one */
	DISPUTE_NODES, /* nodes give the stored block: another block of theirs is wrong */
	DISPUTE_OPEN,  /* not decided: nodes that might know did not answer */
};

struct dispute;

/*
 * Called once, from within client_handle() or http_wait(); afterwards the dispute frees itself.
 * `reason` says the result in words, for a gap.
 */
typedef void dispute_done_fn(void *context, uint32_t num, enum dispute_end end, const char *reason);

/*
 * Ask about the stored block that this entry contradicts.  Its outcome is LEDGER_NO_LINK,
 * LEDGER_NO_LINK_AFTER or LEDGER_OTHER_ID.  `done` gets the number of the entry's block as
 * `num`.  The result is logged.
 */
struct dispute *dispute_new(struct shared *shared, const struct ledger_entry *entry,
			    dispute_done_fn *done, void *context);
/* Forget the dispute; `done` is not called. NULL is allowed. */
void dispute_free(struct dispute *dispute);

#endif
