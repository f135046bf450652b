/* SPDX-License-Identifier: MIT */
/*
 * The wanted ranges: one open range, and closed ones that hold only what no other
 * range covers.
 *
 * `scanned_to` of the open range says up to where all its holes stand in known_gaps;
 * what lies above is worked out by the view.  Whatever makes more blocks wanted puts
 * them into known_gaps in the same transaction, so no hole is ever hidden.
 */
#ifndef STORE_RANGES_H
#define STORE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

struct db;

struct ranges {
	bool has_open;
	uint32_t open_first;
	uint32_t scanned_to; /* of the open range; open_first - 1: nothing scanned */
	struct range_set closed;
};

void ranges_release(struct ranges *ranges);
int ranges_load(struct db *db, struct ranges *ret_ranges, struct error *err) MUST_CHECK;
/*
 * Make first the start of the open range: create it, or extend it downwards; a higher
 * first than the present one changes nothing.  Closed ranges that it now covers are
 * shortened or removed.  What is added becomes known gaps, as far as the irreversible block: the
 * range may have begun above it.  Own transaction.
 */
int ranges_open(struct db *db, uint32_t first, uint32_t irreversible, struct error *err) MUST_CHECK;
/*
 * Want `wanted` too: what no range covers becomes closed ranges and known gaps.
 * ret_added (may be NULL) is that part.  Own transaction.
 */
int ranges_add_closed(struct db *db, const struct range_set *wanted, struct range_set *ret_added,
		      struct error *err) MUST_CHECK;

#endif
