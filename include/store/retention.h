/* SPDX-License-Identifier: MIT */
/*
 * Removing what is over: deliveries that ended long ago, and operations that nobody needs.
 *
 * Block rows and `delivered` stay: no gap opens, and nothing is delivered again.  Everything
 * goes in small commits that wait for no bot; a row that a bot holds, and what it needs, stays.
 * Where blocks are read again (--backfill --refilter), their operations are back.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct db;

/* A pass over the deliveries that have ended, queue by queue; {0} begins one. */
struct retention_pass {
	char queue[33];
	unsigned state; /* of enum('done', 'failed', 'orphaned'); its place */
	bool is_over;
	uint64_t deliveries; /* removed in this pass */
	uint64_t operations;
};
/*
 * One step of a pass, one small commit: remove deliveries that ended before before_s (seconds since 1970), and
 * the operation of each unless another delivery of it is there.  After an error the same step is made again.
 * It reads no clock: the caller has made sure of the time.
 */
int retention_step(struct db *db, int64_t before_s, struct retention_pass *pass,
		   struct error *err) MUST_CHECK;

struct retention_counts {
	uint64_t operations;
	uint64_t orphans;
	uint64_t deliveries;
};
/* Operations, orphans and ended deliveries of all blocks from `next` up to below `before`. */
struct retention_purge {
	uint32_t next;
	uint32_t before;
	unsigned failures; /* of this step */
	struct retention_counts removed;
};
/* Record it, before anything is removed: --verify must know. */
int retention_purge_begin(struct db *db, uint32_t before, struct error *err) MUST_CHECK;
/* One small commit. It is over when next is before. After an error the same step is made again. */
int retention_purge_step(struct db *db, struct retention_purge *purge,
			 struct error *err) MUST_CHECK;
int retention_purge_end(struct db *db, uint32_t before, struct error *err) MUST_CHECK;
/* What a purge of first..last would remove, added to *counts. */
int retention_purge_count(struct db *db, uint32_t first, uint32_t last,
			  struct retention_counts *counts, struct error *err) MUST_CHECK;

#endif
