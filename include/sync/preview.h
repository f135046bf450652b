/* SPDX-License-Identifier: MIT */
/*
 * What a dry run of a backfill reports about blocks that are stored already.
 */
#ifndef SYNC_PREVIEW_H
#define SYNC_PREVIEW_H

#include <stdint.h>

#include "sync/work.h"

/*
 * Write to work->config.dry_run which stored blocks the backfill would write again, then call
 * `done` with their number, in the loop thread.  A failure ends the reader instead.
 */
void preview_rewrite(struct work *work, void (*done)(void *context, uint64_t block_count),
		     void *context);

#endif
