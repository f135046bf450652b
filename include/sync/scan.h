/* SPDX-License-Identifier: MIT */
/*
 * Scans the shared tables for missing blocks in short steps, so that heartbeats and claims
 * continue in between and no long read burdens the database.
 *
 * Each step writes its holes into known_gaps.  Nothing is kept in memory, so the size of a
 * scan does not matter.
 */
#ifndef SYNC_SCAN_H
#define SYNC_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "sync/shared.h"

struct scan;

/* found: called for each whole hole, lowest first; may be NULL. */
struct scan *scan_new(struct shared *shared,
		      void (*found)(void *context, uint32_t first, uint32_t last), void *context);
/* NULL is allowed. Not while scan_is_running(), unless the executor has stopped. */
void scan_free(struct scan *scan);
/* Scan these ranges, lowest first. Only while no scan is running. record false: write nothing. */
void scan_start(struct scan *scan, const struct range_set *ranges, bool record);
bool scan_is_running(const struct scan *scan);
/* End the scan after the current step. */
void scan_stop(struct scan *scan);
/* How many blocks the scan has looked for, and how many are left. */
uint64_t scan_done_count(const struct scan *scan);
uint64_t scan_left_count(const struct scan *scan);
/* How many blocks the last scan found missing, and in how many holes. */
uint64_t scan_missing_count(const struct scan *scan);
uint64_t scan_hole_count(const struct scan *scan);

#endif
