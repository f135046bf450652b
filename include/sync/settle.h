/* SPDX-License-Identifier: MIT */
/* The errand at the end of a cell: record what is still missing of it, give the claim back. */
#ifndef SYNC_SETTLE_H
#define SYNC_SETTLE_H

#include "base/range.h"
#include "store/claims.h"
#include "sync/work.h"

/*
 * `failed` is what no node gave, `reason` why the last of it was not given.  Claim, failed and
 * reason stay the caller's, who changes nothing of them until done is called.
 */
void settle_submit(struct work *work, const struct claim *claim, const struct range_set *failed,
		   const char *reason, void (*done)(void *context), void *context);

#endif
