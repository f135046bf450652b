/* SPDX-License-Identifier: MIT */
#include "sync/fetched.h"

#include "base/clock.h"
#include "base/log.h"
#include "steem/pool.h"
#include "sync/filter.h"

/* The weight of the newest block in the moving average is 1 / AVERAGE_WEIGHT. */
#define AVERAGE_WEIGHT 16

struct fetched fetched_hold(struct shared *shared, struct block *block, unsigned source)
{
	size_t bytes;

	filter_apply(shared->config.filter, block);
	bytes = block_bytes(block);
	if (block->had_invalid_utf8)
		log_warning("invalid_utf8",
			    "block %u holds bytes that are not UTF-8: each was replaced by U+FFFD",
			    block->num);
	shared->held_bytes += bytes;
	shared->average_block_bytes =
		shared->average_block_bytes == 0
			? bytes
			: (shared->average_block_bytes * (AVERAGE_WEIGHT - 1) + bytes) /
				  AVERAGE_WEIGHT;
	shared->given_at_ms = clock_now_ms();
	return (struct fetched){.block = block,
				.source = source,
				.pool_epoch = shared->pool_epoch,
				.since_ms = clock_now_ms()};
}

struct node *fetched_source(const struct shared *shared, const struct fetched *held)
{
	return held->pool_epoch == shared->pool_epoch ? pool_node(shared->pool, held->source)
						      : NULL;
}

const char *fetched_source_label(const struct shared *shared, const struct fetched *held)
{
	const struct node *source = fetched_source(shared, held);

	return source ? source->label : "a former node";
}

void fetched_release(struct shared *shared, struct fetched *held)
{
	if (!held->block)
		return;
	shared->held_bytes -= block_bytes(held->block);
	block_free(held->block);
	held->block = NULL;
}
