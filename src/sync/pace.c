/* SPDX-License-Identifier: MIT */
#include "sync/pace.h"

#include "steem/block.h"

#define SHORTEST_INTERVAL_MS 20
#define LONGEST_INTERVAL_MS  (BLOCK_INTERVAL_S * 1000)
#define EARLIER_AFTER_HIT    24 /* as 1/N of an interval */
#define EARLIER_AFTER_MISS   32
#define SHORTEST_RETRY_MS    20
#define LONGEST_RETRY_MS     1000
#define FAILED_RETRY_MS      200

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

void pace_init(struct pace *pace, int64_t now_ms)
{
	*pace = (struct pace){
		.ask_at_ms = now_ms, .asked_at_ms = now_ms, .interval_ms = LONGEST_INTERVAL_MS};
}

void pace_asked(struct pace *pace, int64_t now_ms)
{
	pace->asked_at_ms = now_ms;
}

void pace_advanced(struct pace *pace, int64_t now_ms, uint32_t blocks, int is_behind)
{
	/*
	 * While behind, a single answer says nothing about the chain's pace, but the sum of the
	 * blocks does.
	 */
	pace->counted_blocks += blocks;
	if (!is_behind && pace->counted_blocks > 0) {
		if (pace->caught_up_at_ms > 0) {
			int64_t took_ms =
				(now_ms - pace->caught_up_at_ms) / (int64_t)pace->counted_blocks;

			/* Blocks become irreversible in bursts: follow a change of pace slowly. */
			pace->interval_ms = clamp((3 * pace->interval_ms + took_ms) / 4,
						  SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS);
		}
		pace->caught_up_at_ms = now_ms;
		pace->counted_blocks = 0;
	}
	/*
	 * A block that was there at the first request may have been there for long.  So ask
	 * earlier next time, until a request finds nothing new: that shows when the blocks
	 * really come.
	 */
	pace->ask_at_ms = pace->asked_at_ms + pace->interval_ms -
			  pace->interval_ms /
				  (pace->late_count == 0 ? EARLIER_AFTER_HIT : EARLIER_AFTER_MISS);
	if (is_behind)
		pace->ask_at_ms = now_ms;
	pace->late_count = 0;
}

void pace_late(struct pace *pace, int64_t now_ms)
{
	int64_t retry_ms = pace->interval_ms / 16;

	for (unsigned i = 0; i < pace->late_count && retry_ms < LONGEST_RETRY_MS; i++)
		retry_ms = retry_ms * 3 / 2;
	pace->late_count++;
	pace->ask_at_ms = now_ms + clamp(retry_ms, SHORTEST_RETRY_MS, LONGEST_RETRY_MS);
}

void pace_failed(struct pace *pace, int64_t now_ms)
{
	pace->ask_at_ms = now_ms + FAILED_RETRY_MS;
}
