/* SPDX-License-Identifier: MIT */
/*
 * --purge: removes all operations of old blocks, except those that a delivery still needs.
 *
 *     purge_begin()   records the purge, before anything is removed
 *     purge_step()    until next is before: removes rows in small commits
 *     purge_end()     records that it is finished
 *
 * It can be interrupted anywhere and started again.  Block rows and `delivered` stay, as
 * with store/retention.h.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include <stdint.h>

#include "base/error.h"

struct db;

struct purge_counts {
	uint64_t operations;
	uint64_t orphans;
	uint64_t deliveries;
};
/*
 * A purge of the operations, orphans and ended deliveries of all blocks from `next` up to, but
 * not including, `before`.
 */
struct purge_pass {
	uint32_t next;
	uint32_t before;
	unsigned failures; /* in this step */
	struct purge_counts removed;
};
/* Record the purge before anything is removed, because --verify must know. */
int purge_begin(struct db *db, uint32_t before, struct error *err) MUST_CHECK;
/*
 * One small commit. The purge is finished when next is before. After an error call it again with
 * the same purge.
 */
int purge_step(struct db *db, struct purge_pass *purge, struct error *err) MUST_CHECK;
/* Record that the purge is finished. */
int purge_end(struct db *db, uint32_t before, struct error *err) MUST_CHECK;
/* Add to *counts what a purge of first..last would remove. */
int purge_count(struct db *db, uint32_t first, uint32_t last, struct purge_counts *counts,
		struct error *err) MUST_CHECK;

#endif
