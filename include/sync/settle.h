/* SPDX-License-Identifier: MIT */
/*
 * The task at the end of a cell: records the blocks that are still missing, and releases the
 * claim.
 */
#ifndef SYNC_SETTLE_H
#define SYNC_SETTLE_H

#include "base/range.h"
#include "store/claims.h"
#include "sync/work.h"

/*
 * `failed` are the blocks that no node gave, `reason` says why the last of them was not given.
 * The caller keeps claim, failed and reason, and must not change them until done is called.
 */
void settle_submit(struct work *work, const struct claim *claim, const struct range_set *failed,
		   const char *reason, void (*done)(void *context), void *context);

#endif
