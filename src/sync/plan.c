/* SPDX-License-Identifier: MIT */
#include "sync/plan.h"

#include "store/wanted_ranges.h"

enum plan_step plan_after_scan(const struct plan_facts *facts)
{
	bool is_one_shot = facts->goal != READER_RUN;
	uint32_t near_blocks = is_one_shot ? 0 : PLAN_TAIL_BLOCKS; /* the tail fetches the rest */

	if (facts->is_replaying || (is_one_shot && facts->others_replay))
		return PLAN_WAIT;
	if (facts->goal == READER_BACKFILL)
		return PLAN_END;
	if (facts->irreversible > facts->scanned_to &&
	    facts->irreversible - facts->scanned_to > near_blocks)
		return PLAN_SCAN;
	return is_one_shot ? PLAN_END : PLAN_TAIL;
}

void plan_scan_all(const struct wanted_ranges *ranges, uint32_t last, struct range_set *ret_ranges)
{
	range_set_copy(ret_ranges, &ranges->closed);
	if (ranges->has_open && ranges->open_first <= last)
		range_add(ret_ranges, ranges->open_first, last);
}

void plan_before_tail(const struct wanted_ranges *ranges, uint32_t irreversible,
		      uint32_t before_tail, struct range_set *ret_ranges)
{
	uint32_t floor = 1;

	range_set_clear(ret_ranges);
	if (!ranges->has_open)
		return;
	if (before_tail > 0 && irreversible > before_tail)
		floor = irreversible - before_tail;
	if (floor < ranges->open_first)
		floor = ranges->open_first;
	range_add(ret_ranges, floor, UINT32_MAX);
}
