/* SPDX-License-Identifier: MIT */
#include "sync/pace.h"

#include "base/number.h"
#include "steem/block.h"

#define SHORTEST_INTERVAL_MS 20
#define LONGEST_INTERVAL_MS  (BLOCK_INTERVAL_S * 1000)
#define EARLIER_AFTER_HIT    24 /* as 1/N of an interval */
#define EARLIER_AFTER_MISS   32
#define SHORTEST_RETRY_MS    20
#define LONGEST_RETRY_MS     1000
#define FAILED_RETRY_MS      200
/* After this many "too busy" in a row, one of the requested blocks may be the cause. */
#define BUSY_LIMIT 3

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

unsigned pace_count(uint32_t next, uint32_t newest, uint32_t most)
{
	return min_u32(newest > next ? newest - next + 1 : 1, most);
}

bool pace_is_alone(const struct pace *pace, uint32_t num)
{
	return num <= pace->alone_to;
}

void pace_asked(struct pace *pace, bool is_sent, uint32_t first, unsigned count, int64_t now_ms)
{
	pace->asked_to = first + count - 1;
	pace->got_count = 0;
	if (is_sent)
		pace->asked_at_ms = now_ms;
	else
		pace->ask_at_ms = now_ms + FAILED_RETRY_MS;
}

bool pace_answered(struct pace *pace, bool is_behind, int64_t now_ms)
{
	pace->busy_count = 0;
	if (pace->got_count == 0)
		return false;
	/*
	 * While behind, a single answer says nothing about the chain's pace, but the sum of the
	 * blocks does.
	 */
	pace->counted_blocks += pace->got_count;
	if (!is_behind) {
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
	return true;
}

void pace_late(struct pace *pace, int64_t now_ms)
{
	int64_t retry_ms = pace->interval_ms / 16;

	for (unsigned i = 0; i < pace->late_count && retry_ms < LONGEST_RETRY_MS; i++)
		retry_ms = retry_ms * 3 / 2;
	pace->late_count++;
	pace->ask_at_ms = now_ms + clamp(retry_ms, SHORTEST_RETRY_MS, LONGEST_RETRY_MS);
}

bool pace_failed(struct pace *pace, bool is_busy, int64_t now_ms)
{
	pace->ask_at_ms = now_ms + FAILED_RETRY_MS;
	if (is_busy && ++pace->busy_count < BUSY_LIMIT)
		return false;
	pace->alone_to = max_u32(pace->alone_to, pace->asked_to);
	return true;
}
