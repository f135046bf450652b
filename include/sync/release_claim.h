/* SPDX-License-Identifier: MIT */
/*
 * The task at the end of a cell: records the blocks that are still missing, and releases the
 * claim.
 */
#ifndef SYNC_RELEASE_CLAIM_H
#define SYNC_RELEASE_CLAIM_H

#include "base/range.h"
#include "store/claims.h"
#include "sync/shared.h"

/*
 * `failed` are the blocks that no node gave, `reason` says why the last of them was not given.
 * The caller keeps claim, failed and reason, and must not change them until done is called.
 */
void release_claim(struct shared *shared, const struct claim *claim, const struct range_set *failed,
		   const char *reason, void (*done)(void *context), void *context);

#endif
