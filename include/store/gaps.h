/* SPDX-License-Identifier: MIT */
/*
 * Missing blocks: finding them, and the table known_gaps.
 *
 * known_gaps holds every wanted block that a scan found missing and that nobody was
 * seen to store since.  It may hold a block for a while after it was stored, never the
 * other way round.  It is the work list of all readers, and memory never depends on how
 * much is missing.
 *
 * Whatever changes it goes through gaps_record(): within one window, replace what the
 * table says by what was found.  Rows that touch are joined if their reasons are equal.
 */
#ifndef STORE_GAPS_H
#define STORE_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

struct db;

/*
 * One short step of a scan: read which of the blocks first..last are stored, at most a
 * million rows or 10,000 holes.  The holes among first..*ret_scanned_to are added to
 * ret_holes; go on behind it until it is last.  Reads only.
 */
int gaps_scan_step(struct db *db, uint32_t first, uint32_t last, struct range_set *ret_holes,
		   uint32_t *ret_scanned_to, struct error *err) MUST_CHECK;

/*
 * Say that within first..last exactly `holes` are missing; own transaction.  Reasons and
 * attempts of gaps that remain are kept.  With advance_scan the open range's scanned_to
 * moves to `last` if it stood within or just below the window.
 */
int gaps_record(struct db *db, uint32_t first, uint32_t last, const struct range_set *holes,
		bool advance_scan, struct error *err) MUST_CHECK;
/*
 * Say why blocks that known_gaps holds could not be filled: each such row (split where
 * needed) gets the reason, one attempt more, and a time before which it is not tried
 * again (10 s, doubled with each attempt up to 10 minutes, with jitter).
 */
int gaps_set_reason(struct db *db, uint32_t first, uint32_t last, const char *reason,
		    struct error *err) MUST_CHECK;

#endif
