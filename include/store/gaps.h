/* SPDX-License-Identifier: MIT */
/*
 * Missing blocks: finding them, and the table known_gaps.
 *
 * known_gaps has every wanted block that a scan found missing and that is not known to be
 * stored since then.  It may have a block for a while after it was stored, but never lacks
 * a missing one.  It is the work list of all readers, and the memory used never depends on
 * how much is missing.
 *
 * All changes go through gaps_record(): within one window, replace what the table says
 * with what was found.  Rows that touch are joined if their reasons are equal.
 */
#ifndef STORE_GAPS_H
#define STORE_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

struct db;

/*
 * One short step of a scan: read which of the blocks first..last are stored, up to a million
 * rows or 10,000 holes.  Adds the holes of first..*ret_scanned_to to ret_holes; continue after
 * it until it is `last`.  Reads only.
 */
int gaps_scan_step(struct db *db, uint32_t first, uint32_t last, struct range_set *ret_holes,
		   uint32_t *ret_scanned_to, struct error *err) MUST_CHECK;

/*
 * Record that within first..last exactly `holes` are missing; own transaction.  Gaps that remain
 * keep their reasons and attempts.  advance_scan: move the open range's scanned_to to `last`, if
 * it was within or just below the window.
 */
int gaps_record(struct db *db, uint32_t first, uint32_t last, const struct range_set *holes,
		bool advance_scan, struct error *err) MUST_CHECK;
/*
 * Record why blocks of known_gaps could not be filled: each such row (split if needed) gets the
 * reason, one more attempt, and a retry time (10 s, doubled with each attempt up to 10 minutes,
 * with jitter).
 */
int gaps_set_reason(struct db *db, uint32_t first, uint32_t last, const char *reason,
		    struct error *err) MUST_CHECK;

#endif
