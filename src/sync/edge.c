/* SPDX-License-Identifier: MIT */
#include "sync/edge.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/pool.h"

struct known_block {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
};

struct edge {
	struct work *work;
	void (*known)(void *context, uint32_t num);
	void *context;
	struct client_sink sink;
	struct range_set asked;        /* each is asked for once ... */
	struct range_set asked_of_all; /* ... or, where the others do not have it, once more */
	struct known_block *blocks;
	size_t count;
	size_t capacity;
};

static void want(struct edge *edge, uint32_t num, uint64_t not_from)
{
	/* In the lane of the tail: one small request, for which a whole cell waits. */
	client_want(edge->work->client, CLIENT_TAIL, num, num, not_from, &edge->sink);
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct edge *edge = context;
	uint32_t num = block->num;

	(void)node;
	if (edge->count == edge->capacity) {
		edge->capacity = edge->capacity ? 2 * edge->capacity : 4;
		edge->blocks = xreallocarray(edge->blocks, edge->capacity, sizeof(*edge->blocks));
	}
	edge->blocks[edge->count].num = num;
	memcpy(edge->blocks[edge->count++].id, block->id, BLOCK_ID_BYTES);
	block_free(block);
	edge->known(edge->context, num);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct edge *edge = context;

	(void)reason;
	if (range_contains(&edge->asked_of_all, num)) {
		edge->known(edge->context, num);
		return;
	}
	range_add(&edge->asked_of_all, num, num);
	want(edge, num, 0);
}

struct edge *edge_new(struct work *work, void (*known)(void *context, uint32_t num), void *context)
{
	struct edge *edge = xcalloc(1, sizeof(*edge));

	edge->work = work;
	edge->known = known;
	edge->context = context;
	edge->sink =
		(struct client_sink){.context = edge, .given = take_block, .refused = take_refusal};
	return edge;
}

void edge_free(struct edge *edge)
{
	if (!edge)
		return;
	edge_drop(edge);
	range_set_release(&edge->asked);
	range_set_release(&edge->asked_of_all);
	free(edge->blocks);
	free(edge);
}

/* Is there another node that would give it now? One that hangs or is on trial is not waited for. */
static bool has_other(const struct edge *edge, uint32_t num, unsigned giver)
{
	uint64_t others = pool_healthy(edge->work->pool, clock_now_ms()) &
			  ~pool_on_trial(edge->work->pool) & ~(UINT64_C(1) << giver);

	for (unsigned i = 0; i < pool_count(edge->work->pool); i++)
		if ((others >> i & 1) &&
		    pool_node(edge->work->pool, i)->head.irreversible_block >= num)
			return true;
	return false;
}

bool edge_ask(struct edge *edge, uint32_t num, unsigned giver)
{
	uint64_t not_giver = UINT64_C(1) << giver;

	if (range_contains(&edge->asked, num))
		return false;
	range_add(&edge->asked, num, num);
	if (!has_other(edge, num, giver)) {
		not_giver = 0;
		range_add(&edge->asked_of_all, num, num);
	}
	want(edge, num, not_giver);
	return true;
}

bool edge_contradicts(const struct edge *edge, const struct block *block)
{
	for (size_t i = 0; i < edge->count; i++)
		if (edge->blocks[i].num == block->num - 1)
			return !block_id_equal(edge->blocks[i].id, block->previous);
	return false;
}

void edge_drop(struct edge *edge)
{
	client_drop(edge->work->client, &edge->sink);
}

void edge_forget(struct edge *edge)
{
	edge_drop(edge);
	range_set_clear(&edge->asked);
	range_set_clear(&edge->asked_of_all);
	edge->count = 0;
}
