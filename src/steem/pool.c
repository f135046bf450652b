/* SPDX-License-Identifier: MIT */
#include "steem/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "steem/block.h"

/* A node lags if it claims this many blocks less than others: a minute and a half. */
#define LAG_BLOCKS 30
/*
 * A node whose newest block is younger than this does not lag, however much more the others
 * claim.
 */
#define FRESH_S 120

struct pool {
	struct node *nodes;
	size_t count;
	uint32_t ceiling; /* no block above it can be irreversible yet */
	int64_t now_s;    /* by the clock of the database; 0: not known */
};

struct pool *pool_new(const char *const *urls, size_t count, unsigned batch_limit,
		      unsigned rate_limit)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));

	if (count > POOL_MAX_NODES)
		count = POOL_MAX_NODES;
	pool->nodes = xcalloc(count ? count : 1, sizeof(*pool->nodes));
	pool->count = count;
	pool->ceiling = UINT32_MAX;
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

/*
 * The estimated time for an answer: the requests that wait there already, at the node's recent
 * pace.
 */
static double expected_us(const struct node *node)
{
	return ((double)node->in_flight + 1) * (double)node->latency_us;
}

static bool is_candidate(const struct node *node, size_t index, int64_t now_ms, uint64_t not_these)
{
	return node_may_be_asked(node, (unsigned)index, not_these) && node_is_rested(node, now_ms);
}

/* Do its answers count? It must be neither excluded nor on trial. */
static bool is_believed(const struct node *node)
{
	return !node->is_excluded && !node->is_on_trial;
}

/*
 * Is the node better than the rival?  A node that lately claimed such blocks in vain comes last;
 * a node without measurements gets one request at a time, to measure it.
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
	/* Being one block ahead is worth the time of one block. */
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

uint64_t pool_up(const struct pool *pool)
{
	uint64_t set = 0;

	for (size_t i = 0; i < pool->count; i++)
		if (node_is_up(&pool->nodes[i]))
			set |= UINT64_C(1) << i;
	return set;
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

uint64_t pool_slow(const struct pool *pool, int64_t now_ms)
{
	uint64_t set = 0;

	for (size_t i = 0; i < pool->count; i++)
		if (now_ms < pool->nodes[i].slow_until_ms)
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
		int64_t at_ms = max_i64(node->ready_at_ms, slot_ms);

		if (node->is_away && at_ms < node->ask_head_at_ms)
			at_ms = node->ask_head_at_ms;
		if (!node->is_excluded && at_ms > now_ms && at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

/* Does the node claim something that is possible? */
static bool has_claim(const struct pool *pool, const struct node *node)
{
	return is_believed(node) && node->head_at_ms > 0 &&
	       node->head.irreversible_block <= pool->ceiling;
}

static bool answers(const struct node *node)
{
	return !node->is_away && !node->is_silent;
}

/*
 * Do fewer than half of the nodes answer, counting those that were up within the last half
 * minute? Then what the others said still counts: a single node must not decide because all
 * others failed at the same moment.
 */
static bool are_few(const struct pool *pool)
{
	size_t all = 0, few = 0;

	for (size_t i = 0; i < pool->count; i++) {
		const struct node *node = &pool->nodes[i];

		if (node->is_excluded || node->has_no_vote || node->is_gone)
			continue;
		all++;
		few += answers(node);
	}
	return 2 * few < all;
}

/* Sort the nodes with a claim, highest claims first. Returns how many there are. */
static size_t sort_if(const struct pool *pool, bool must_answer,
		      const struct node *sorted[POOL_MAX_NODES])
{
	bool counts_absent = are_few(pool);
	size_t count = 0;

	for (size_t i = 0; i < pool->count; i++) {
		const struct node *node = &pool->nodes[i];
		size_t at = count;

		if (!has_claim(pool, node) ||
		    (must_answer && !answers(node) && (node->is_gone || !counts_absent)))
			continue;
		while (at > 0 && sorted[at - 1]->head.irreversible_block <
					 pool->nodes[i].head.irreversible_block) {
			sorted[at] = sorted[at - 1];
			at--;
		}
		sorted[at] = &pool->nodes[i];
		count++;
	}
	return count;
}

static bool is_fresh(const struct pool *pool, const struct node *node)
{
	return pool->now_s > 0 && node->head.head_time_s + FRESH_S >= pool->now_s;
}

static bool lags(const struct pool *pool, const struct node *node, uint32_t block)
{
	uint32_t own = node->head.irreversible_block;

	if (block <= own)
		return false;
	return node->is_stuck || (block - own >= LAG_BLOCKS && !is_fresh(pool, node));
}

/*
 * The same, but of an even number of nodes the lower half is left out if all of it lags.
 * Otherwise, of two nodes one that is stuck would stop the reader.  Returns how many there are.
 */
static size_t sort_level(const struct pool *pool, bool must_answer,
			 const struct node *sorted[POOL_MAX_NODES])
{
	size_t count = sort_if(pool, must_answer, sorted);
	size_t half = count / 2;

	if (count == 0 || count % 2 != 0)
		return count;
	for (size_t i = half; i < count; i++)
		if (!lags(pool, sorted[i], sorted[half - 1]->head.irreversible_block))
			return count;
	return half;
}

/* What a node tells about the chain. */
enum told {
	TOLD_IRREVERSIBLE,
	TOLD_HEAD,
	TOLD_HEAD_TIME,
};

static int64_t told_by(const struct node *node, enum told told)
{
	switch (told) {
	case TOLD_IRREVERSIBLE:
		return node->head.irreversible_block;
	case TOLD_HEAD:
		return node->head.head_block;
	case TOLD_HEAD_TIME:
		break;
	}
	return node->head.head_time_s;
}

/*
 * The highest value that more than half of the nodes reach or exceed; 0: no node tells one.  Each value
 * is sorted for itself, because a node with a usual irreversible block may lie about its head.
 */
static int64_t middle(const struct pool *pool, bool must_answer, enum told told)
{
	const struct node *sorted[POOL_MAX_NODES];
	int64_t values[POOL_MAX_NODES];
	size_t all = sort_if(pool, must_answer, sorted);
	size_t count = sort_level(pool, must_answer, sorted);

	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		int64_t value = told_by(sorted[i], told);
		size_t at = i;

		for (; at > 0 && values[at - 1] < value; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
	return values[count < all ? count - 1 : count / 2];
}

/*
 * The higher one of two: that of the nodes that answer, and that of all nodes that ever answered.
 * A claim stays true when its node no longer answers.
 */
static int64_t best_middle(const struct pool *pool, enum told told)
{
	return max_i64(middle(pool, true, told), middle(pool, false, told));
}

uint32_t pool_irreversible(const struct pool *pool)
{
	return (uint32_t)best_middle(pool, TOLD_IRREVERSIBLE);
}

uint32_t pool_head(const struct pool *pool)
{
	return min_u32((uint32_t)best_middle(pool, TOLD_HEAD), pool->ceiling);
}

int64_t pool_head_time_s(const struct pool *pool)
{
	return best_middle(pool, TOLD_HEAD_TIME);
}

bool pool_half_answers(const struct pool *pool)
{
	size_t all = 0, told = 0;

	for (size_t i = 0; i < pool->count; i++) {
		const struct node *node = &pool->nodes[i];

		if (node->is_excluded || node->is_gone)
			continue;
		all++;
		told += answers(node) && node->head_at_ms > 0;
	}
	return 2 * told >= all;
}

bool pool_claims(const struct pool *pool, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < pool->count; i++)
		if (has_claim(pool, &pool->nodes[i]) && answers(&pool->nodes[i]) &&
		    pool->nodes[i].head.irreversible_block >= first &&
		    pool->nodes[i].head.irreversible_block <= last)
			return true;
	return false;
}

uint64_t pool_electors(const struct pool *pool)
{
	const struct node *sorted[POOL_MAX_NODES];
	size_t all = sort_if(pool, true, sorted);
	size_t count = sort_level(pool, true, sorted);
	bool counts_absent = are_few(pool);
	uint64_t set = 0;

	for (size_t i = 0; i < pool->count; i++) {
		const struct node *node = &pool->nodes[i];

		bool is_absent = node->is_away && (node->is_gone || !counts_absent);

		if (!node->is_excluded && !is_absent && !node->has_no_vote)
			set |= UINT64_C(1) << i;
	}
	for (size_t i = count; i < all; i++)
		set &= ~(UINT64_C(1) << (sorted[i] - pool->nodes));
	return set;
}

void pool_set_ceiling(struct pool *pool, uint32_t block)
{
	pool->ceiling = block;
}

void pool_set_time(struct pool *pool, int64_t now_s)
{
	pool->now_s = now_s;
}

uint32_t pool_ceiling(const struct pool *pool)
{
	return pool->ceiling;
}
