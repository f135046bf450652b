/* SPDX-License-Identifier: MIT */
#include "sync/shared.h"

#include "base/clock.h"
#include "steem/chain.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "store/gap_rows.h"

/*
 * The assumed size until the first block arrives. A busy block takes 20 kB; many of 2 MiB must
 * not come at once.
 */
#define GUESSED_BLOCK_BYTES 262144
#define LEAST_BLOCK_BYTES   4096
/* The clocks of nodes and database may differ by up to the time of this many blocks. */
#define CEILING_SLACK_BLOCKS 20
/*
 * A head counts as told lately for this long; all nodes are asked for their heads every 10 or 15
 * s.
 */
#define HEAD_LASTS_MS 30000

void shared_end(struct shared *shared, const struct error *err)
{
	if (shared->is_over)
		return;
	shared->is_over = true;
	shared->over_error = *err;
}

void shared_task_failed(struct shared *shared, const struct error *err)
{
	if (!shared->is_stopping)
		shared_end(shared, err);
}

void shared_progress(struct shared *shared)
{
	shared->progress_at_ms = clock_now_ms();
}

uint64_t shared_done_blocks(const struct shared *shared)
{
	return shared->stored_blocks + shared->present_blocks;
}

int shared_read_clock(struct db *db, struct clock_reading *ret_reading, struct error *err)
{
	int64_t asked_at_ms = clock_now_ms();
	uint64_t now_us;

	if (gap_rows_now(db, &now_us, err) < 0)
		return -1;
	ret_reading->now_ms = asked_at_ms + (clock_now_ms() - asked_at_ms) / 2;
	ret_reading->database_ms = (int64_t)(now_us / 1000);
	return 0;
}

void shared_note_clock(struct shared *shared, const struct clock_reading *reading)
{
	dbclock_look(&shared->database_clock, reading->now_ms, reading->database_ms);
}

void shared_note_stored(struct shared *shared, uint32_t num, int64_t timestamp_s)
{
	if (num < shared->clock_block)
		return;
	shared->clock_block = num;
	shared->clock_time_s = timestamp_s;
}

void shared_set_ceiling(struct shared *shared)
{
	int64_t now_s = dbclock_now_s(&shared->database_clock, clock_now_ms());
	int64_t age_s = now_s - shared->clock_time_s;
	uint64_t ceiling;

	pool_set_time(shared->pool, now_s);

	/* A block from the future shows that the clock is wrong. */
	if (shared->clock_block == 0 || age_s < 0) {
		pool_set_ceiling(shared->pool, UINT32_MAX);
		return;
	}
	ceiling = (uint64_t)shared->clock_block + CEILING_SLACK_BLOCKS +
		  (uint64_t)age_s / shared->config.chain->block_interval_s;
	pool_set_ceiling(shared->pool, ceiling < UINT32_MAX ? (uint32_t)ceiling : UINT32_MAX);
}

size_t shared_room_blocks(const struct shared *shared)
{
	size_t each = shared->average_block_bytes;
	size_t taken = shared->held_bytes + client_expected_bytes(shared->client);

	if (each == 0)
		each = GUESSED_BLOCK_BYTES;
	else if (each < LEAST_BLOCK_BYTES)
		each = LEAST_BLOCK_BYTES;
	/* Blocks that are requested, or wait to be, will arrive too. */
	taken += each * client_wanted_count(shared->client);
	if (taken >= shared->config.max_memory_bytes)
		return 0;
	return (shared->config.max_memory_bytes - taken + each - 1) / each;
}

uint32_t shared_reachable_block(const struct shared *shared)
{
	int64_t now_ms = clock_now_ms();
	uint32_t highest = 0;

	for (unsigned i = 0; i < pool_count(shared->pool); i++) {
		const struct node *node = pool_node(shared->pool, i);

		if (!node->is_excluded && !node->is_on_trial && node->head_at_ms > 0 &&
		    now_ms - node->head_at_ms < HEAD_LASTS_MS &&
		    node->head.irreversible_block > highest)
			highest = node->head.irreversible_block;
	}
	return highest;
}
