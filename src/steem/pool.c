/* SPDX-License-Identifier: MIT */
#include "steem/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "steem/block.h"

struct pool {
	struct node *nodes;
	size_t count;
};

struct pool *pool_new(const char *const *urls, size_t count, unsigned batch_limit,
		      unsigned rate_limit)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));

	if (count > POOL_MAX_NODES)
		count = POOL_MAX_NODES;
	pool->nodes = xcalloc(count ? count : 1, sizeof(*pool->nodes));
	pool->count = count;
	for (size_t i = 0; i < count; i++)
		node_init(&pool->nodes[i], urls[i], batch_limit, rate_limit);
	return pool;
}

void pool_keep_rates(struct pool *pool, const struct pool *old)
{
	for (size_t i = 0; i < pool->count; i++)
		for (size_t j = 0; j < old->count; j++)
			if (strcmp(pool->nodes[i].url, old->nodes[j].url) == 0)
				pool->nodes[i].slot_at_us = old->nodes[j].slot_at_us;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->count; i++)
		node_release(&pool->nodes[i]);
	free(pool->nodes);
	free(pool);
}

size_t pool_count(const struct pool *pool)
{
	return pool->count;
}

struct node *pool_node(struct pool *pool, unsigned index)
{
	return &pool->nodes[index];
}

/* How long an answer would take: what waits there already, at the pace it had lately. */
static double expected_us(const struct node *node)
{
	return ((double)node->in_flight + 1) * (double)node->latency_us;
}

static bool is_candidate(const struct node *node, size_t index, int64_t now_ms, uint64_t not_these)
{
	return node_may_be_asked(node, (unsigned)index, not_these) && node_is_rested(node, now_ms);
}

/* Its word counts: it is neither excluded nor on trial. */
static bool is_believed(const struct node *node)
{
	return !node->is_excluded && !node->is_on_trial;
}

/*
 * Is the node better than the rival?  A node that lately claimed such blocks in vain comes last; a node
 * that was never measured gets one request at a time, to measure it.
 */
static bool is_better(const struct node *node, const struct node *rival, int64_t now_ms,
		      uint32_t block)
{
	bool is_credible = node_credible_block(node, now_ms) >= block;
	bool is_measured_now = node->latency_us == 0 && node->in_flight > 0;

	if (is_credible != (node_credible_block(rival, now_ms) >= block))
		return is_credible;
	if (is_measured_now)
		return false;
	return (rival->latency_us == 0 && rival->in_flight > 0) ||
	       expected_us(node) < expected_us(rival);
}

int pool_pick(const struct pool *pool, int64_t now_ms, uint32_t block, uint64_t not_these)
{
	int best = -1;

	for (size_t i = 0; i < pool->count; i++) {
		const struct node *node = &pool->nodes[i];

		if (!is_candidate(node, i, now_ms, not_these) || !node_has_room(node, now_ms) ||
		    node->head.irreversible_block < block)
			continue;
		if (best < 0 || is_better(node, &pool->nodes[best], now_ms, block))
			best = (int)i;
	}
	return best;
}

static bool is_ahead(const struct node *node, const struct node *rival, int64_t now_ms)
{
	uint32_t block = node_credible_block(node, now_ms);
	uint32_t rivals_block = node_credible_block(rival, now_ms);
	bool is_doubted = now_ms < node->doubted_until_ms;
	bool is_slow = now_ms < node->slow_until_ms;

	if (is_slow != (now_ms < rival->slow_until_ms))
		return !is_slow;
	/* To be ahead by a block is worth the time of a block. */
	if (block != rivals_block)
		return ((double)block - rivals_block) * BLOCK_INTERVAL_S * 1e6 >
		       expected_us(node) - expected_us(rival);
	if (is_doubted != (now_ms < rival->doubted_until_ms))
		return !is_doubted;
	return expected_us(node) < expected_us(rival);
}

int pool_pick_tip(const struct pool *pool, int64_t now_ms, uint64_t not_these)
{
	int best = -1;

	for (size_t i = 0; i < pool->count; i++) {
		const struct node *node = &pool->nodes[i];
		const struct node *rival = best < 0 ? NULL : &pool->nodes[best];

		if (!is_candidate(node, i, now_ms, not_these))
			continue;
		if (!rival || is_ahead(node, rival, now_ms))
			best = (int)i;
	}
	return best;
}

uint64_t pool_healthy(const struct pool *pool, int64_t now_ms)
{
	uint64_t set = 0;

	for (size_t i = 0; i < pool->count; i++)
		if (node_is_healthy(&pool->nodes[i], now_ms))
			set |= UINT64_C(1) << i;
	return set;
}

uint64_t pool_on_trial(const struct pool *pool)
{
	uint64_t set = 0;

	for (size_t i = 0; i < pool->count; i++)
		if (pool->nodes[i].is_on_trial && !pool->nodes[i].is_excluded)
			set |= UINT64_C(1) << i;
	return set;
}

uint64_t pool_usable(const struct pool *pool)
{
	uint64_t set = 0;

	for (size_t i = 0; i < pool->count; i++)
		if (!pool->nodes[i].is_excluded)
			set |= UINT64_C(1) << i;
	return set;
}

int64_t pool_next_ready_ms(const struct pool *pool, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < pool->count; i++) {
		const struct node *node = &pool->nodes[i];
		int64_t slot_ms = (node->slot_at_us + 999) / 1000;
		int64_t at_ms = node->ready_at_ms > slot_ms ? node->ready_at_ms : slot_ms;

		if (node->is_away && at_ms < node->ask_head_at_ms)
			at_ms = node->ask_head_at_ms;
		if (!node->is_excluded && at_ms > now_ms && at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

uint32_t pool_irreversible(const struct pool *pool)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < pool->count; i++)
		if (is_believed(&pool->nodes[i]) &&
		    pool->nodes[i].head.irreversible_block > highest)
			highest = pool->nodes[i].head.irreversible_block;
	return highest;
}

uint32_t pool_head(const struct pool *pool)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < pool->count; i++)
		if (is_believed(&pool->nodes[i]) && pool->nodes[i].head.head_block > highest)
			highest = pool->nodes[i].head.head_block;
	return highest;
}
