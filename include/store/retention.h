/* SPDX-License-Identifier: MIT */
/*
 * Removes old data: deliveries that ended long ago, and operations that are no longer
 * needed.
 *
 * Block rows and `delivered` stay, so no gap opens and nothing is delivered again.  Rows
 * are removed in small commits that never wait for a bot; a row that a bot has locked stays,
 * with the rows that it needs. When blocks are read again (--backfill --refilter), their
 * operations come back.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct db;

/* A pass over the ended deliveries, queue by queue; {0} starts one. */
struct retention_pass {
	char queue[33];
	unsigned state; /* of enum('done', 'failed', 'orphaned'), as an index */
	bool is_over;
	uint64_t deliveries; /* removed in this pass */
	uint64_t operations;
};
/*
 * One step of a pass, one small commit: remove deliveries that ended before before_s (seconds
 * since 1970), and the operation of each unless it has another delivery.  After an error call it
 * again with the same pass. It reads no clock: the caller must be sure of the time.
 */
int retention_step(struct db *db, int64_t before_s, struct retention_pass *pass,
		   struct error *err) MUST_CHECK;

#endif
