/* SPDX-License-Identifier: MIT */
#include "sync/work.h"

#include "base/clock.h"
#include "base/log.h"
#include "steem/chain.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "store/gap_rows.h"
#include "sync/filter.h"

/*
 * The assumed size until the first block arrives. A busy block takes 20 kB; many of 2 MiB must
 * not come at once.
 */
#define GUESSED_BLOCK_BYTES 262144
#define LEAST_BLOCK_BYTES   4096
/* The clocks of nodes and database may differ by up to the time of this many blocks. */
#define CEILING_SLACK_BLOCKS 20
/* The weight of the newest block in the moving average is 1 / AVERAGE_WEIGHT. */
#define AVERAGE_WEIGHT 16
/*
 * A head counts as told lately for this long; all nodes are asked for their heads every 10 or 15
 * s.
 */
#define HEAD_LASTS_MS 30000

void work_end(struct work *work, const struct error *err)
{
	if (work->is_over)
		return;
	work->is_over = true;
	work->over_error = *err;
}

void work_progress(struct work *work)
{
	work->progress_at_ms = clock_now_ms();
}

int work_look_at_clock(struct db *db, struct work_look *ret_look, struct error *err)
{
	int64_t asked_at_ms = clock_now_ms();
	uint64_t now_us;

	if (gap_rows_now(db, &now_us, err) < 0)
		return -1;
	ret_look->now_ms = asked_at_ms + (clock_now_ms() - asked_at_ms) / 2;
	ret_look->database_ms = (int64_t)(now_us / 1000);
	return 0;
}

void work_note_look(struct work *work, const struct work_look *look)
{
	dbclock_look(&work->database_clock, look->now_ms, look->database_ms);
}

void work_note_stored(struct work *work, uint32_t num, int64_t timestamp_s)
{
	if (num < work->clock_block)
		return;
	work->clock_block = num;
	work->clock_time_s = timestamp_s;
}

void work_set_ceiling(struct work *work)
{
	int64_t now_s = dbclock_now_s(&work->database_clock, clock_now_ms());
	int64_t age_s = now_s - work->clock_time_s;
	uint64_t ceiling;

	pool_set_time(work->pool, now_s);

	/* A block from the future shows that the clock is wrong. */
	if (work->clock_block == 0 || age_s < 0) {
		pool_set_ceiling(work->pool, UINT32_MAX);
		return;
	}
	ceiling = (uint64_t)work->clock_block + CEILING_SLACK_BLOCKS +
		  (uint64_t)age_s / work->config.chain->block_interval_s;
	pool_set_ceiling(work->pool, ceiling < UINT32_MAX ? (uint32_t)ceiling : UINT32_MAX);
}

size_t work_room_blocks(const struct work *work)
{
	size_t each = work->average_block_bytes;
	size_t taken = work->held_bytes + client_expected_bytes(work->client);

	if (each == 0)
		each = GUESSED_BLOCK_BYTES;
	else if (each < LEAST_BLOCK_BYTES)
		each = LEAST_BLOCK_BYTES;
	/* Blocks that are requested, or wait to be, will arrive too. */
	taken += each * client_wanted_count(work->client);
	if (taken >= work->config.max_memory_bytes)
		return 0;
	return (work->config.max_memory_bytes - taken + each - 1) / each;
}

uint32_t work_reachable_block(const struct work *work)
{
	int64_t now_ms = clock_now_ms();
	uint32_t highest = 0;

	for (unsigned i = 0; i < pool_count(work->pool); i++) {
		const struct node *node = pool_node(work->pool, i);

		if (!node->is_excluded && !node->is_on_trial && node->head_at_ms > 0 &&
		    now_ms - node->head_at_ms < HEAD_LASTS_MS &&
		    node->head.irreversible_block > highest)
			highest = node->head.irreversible_block;
	}
	return highest;
}

struct held work_hold(struct work *work, struct block *block, unsigned source)
{
	size_t bytes;

	filter_apply(work->config.filter, block);
	bytes = block_bytes(block);
	if (block->had_invalid_utf8)
		log_warning("invalid_utf8",
			    "block %u holds bytes that are not UTF-8: each was replaced by U+FFFD",
			    block->num);
	work->held_bytes += bytes;
	work->average_block_bytes =
		work->average_block_bytes == 0
			? bytes
			: (work->average_block_bytes * (AVERAGE_WEIGHT - 1) + bytes) /
				  AVERAGE_WEIGHT;
	work->given_at_ms = clock_now_ms();
	return (struct held){.block = block,
			     .source = source,
			     .pool_epoch = work->pool_epoch,
			     .since_ms = clock_now_ms()};
}

struct node *work_source(const struct work *work, const struct held *held)
{
	return held->pool_epoch == work->pool_epoch ? pool_node(work->pool, held->source) : NULL;
}

const char *work_source_label(const struct work *work, const struct held *held)
{
	const struct node *source = work_source(work, held);

	return source ? source->label : "a former node";
}

void work_release_block(struct work *work, struct held *held)
{
	if (!held->block)
		return;
	work->held_bytes -= block_bytes(held->block);
	block_free(held->block);
	held->block = NULL;
}
