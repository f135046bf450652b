/* SPDX-License-Identifier: MIT */
/*
 * The wanted ranges: one open range, and closed ones for blocks that no other range
 * covers.
 *
 * All holes of the open range up to `scanned_to` are in known_gaps; the view `gaps` works
 * out those above.  Whatever makes more blocks wanted puts them into known_gaps in the
 * same transaction, so no hole is ever hidden.
 */
#ifndef STORE_WANTED_RANGES_H
#define STORE_WANTED_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

struct db;

struct wanted_ranges {
	bool has_open;
	uint32_t open_first;
	uint32_t scanned_to; /* of the open range; open_first - 1: nothing scanned */
	struct range_set closed;
};

void wanted_ranges_release(struct wanted_ranges *ranges);
/* Load the wanted ranges into ret_ranges, which the caller releases. */
int wanted_ranges_load(struct db *db, struct wanted_ranges *ret_ranges,
		       struct error *err) MUST_CHECK;
/*
 * Make first the start of the open range: create the range, or extend it downwards; a first
 * above the present one changes nothing.  Closed ranges that it now covers are shortened or
 * removed.  The blocks that are added become known gaps, up to the irreversible block: the range
 * may have begun above it.  Own transaction.
 */
int wanted_ranges_open(struct db *db, uint32_t first, uint32_t irreversible,
		       struct error *err) MUST_CHECK;
/*
 * Want `wanted` too: blocks that no range covers become closed ranges and known gaps. ret_added
 * (may be NULL) gets these blocks.  Own transaction.
 */
int wanted_ranges_add_closed(struct db *db, const struct range_set *wanted,
			     struct range_set *ret_added, struct error *err) MUST_CHECK;

#endif
