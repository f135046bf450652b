/* SPDX-License-Identifier: MIT */
#include "sync/dispute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "sync/ballot.h"

#define BURST_MS 10000

static struct log_limit open_limit = LOG_LIMIT_INIT(BURST_MS);

struct dispute {
	struct shared *shared;
	unsigned pool_epoch;
	uint32_t num; /* of the block that contradicts `stored` */
	uint8_t id[BLOCK_ID_BYTES];
	struct stored_block stored; /* the stored block */
	struct ballot ballot;
	size_t asked_count; /* nodes that have not answered yet */
	struct client_sink sink;
	dispute_done_fn *done;
	void *context;
};

static void finish(struct dispute *dispute, enum dispute_end end)
{
	char reason[120];

	client_drop(dispute->shared->client, &dispute->sink);
	snprintf(reason, sizeof(reason), "contradicts stored block %u, which %s",
		 dispute->stored.num,
		 end == DISPUTE_TABLE   ? "the nodes do not give"
		 : end == DISPUTE_NODES ? "the nodes give as well"
					: "not enough nodes could be asked about");
	dispute->done(dispute->context, dispute->num, end, reason);
	free(dispute);
}

static void decide(struct dispute *dispute)
{
	const struct ballot *ballot = &dispute->ballot;
	char id[BLOCK_ID_HEX + 1];

	if (ballot_is_against(ballot, dispute->shared->pool)) {
		ballot_tell_orphan(ballot, dispute->shared->pool, &dispute->stored);
		finish(dispute, DISPUTE_TABLE);
		return;
	}
	ballot_deny(ballot, ballot->differing, dispute->shared, &dispute->stored);
	if (ballot->agreeing) {
		log_limited(
			&open_limit, LOG_LEVEL_WARNING, "block_disputed",
			"block %u of the nodes does not fit stored block %u (%s), which the nodes give as well; block %u is not stored",
			dispute->num, dispute->stored.num, block_id_format(dispute->stored.id, id),
			dispute->num);
		finish(dispute, DISPUTE_NODES);
		return;
	}
	log_limited(
		&open_limit, LOG_LEVEL_WARNING, "block_disputed",
		"block %u contradicts stored block %u (%s); no node gives the stored one, and at most half of all nodes give another: the reader waits for more nodes to answer; the stored row stays",
		dispute->num, dispute->stored.num, block_id_format(dispute->stored.id, id));
	finish(dispute, DISPUTE_OPEN);
}

static void note_answer(struct dispute *dispute)
{
	const struct pool *pool = dispute->shared->pool;
	const struct ballot *ballot = &dispute->ballot;

	if (dispute->pool_epoch != dispute->shared->pool_epoch)
		finish(dispute, DISPUTE_OPEN); /* the nodes were read again */
	else if (--dispute->asked_count == 0 || ballot_is_against(ballot, pool) ||
		 2 * (size_t)__builtin_popcountll(ballot->agreeing) > pool_count(pool))
		decide(dispute);
}

/*
 * The right id with another `previous` is another block: the stored row may hold a false
 * `previous`.
 */
static bool is_stored_block(const struct dispute *dispute, const struct block *block)
{
	return block_id_equal(block->id, dispute->stored.id) &&
	       (block->num != dispute->num + 1 || !block_id_equal(block->previous, dispute->id));
}

static void take_opinion(void *context, struct block *block, unsigned node)
{
	struct dispute *dispute = context;

	ballot_add(&dispute->ballot, node, block->id, is_stored_block(dispute, block));
	block_free(block);
	note_answer(dispute);
}

static void no_opinion(void *context, uint32_t num, const char *reason)
{
	(void)num;
	(void)reason;
	note_answer(context);
}

struct dispute *dispute_new(struct shared *shared, const struct ledger_entry *entry,
			    dispute_done_fn *done, void *context)
{
	struct dispute *dispute = xcalloc(1, sizeof(*dispute));

	dispute->shared = shared;
	dispute->pool_epoch = shared->pool_epoch;
	dispute->num = entry->block->num;
	memcpy(dispute->id, entry->block->id, BLOCK_ID_BYTES);
	dispute->stored.num =
		entry->outcome == LEDGER_OTHER_ID ? entry->block->num : entry->neighbour;
	memcpy(dispute->stored.id, entry->stored_id, BLOCK_ID_BYTES);
	dispute->done = done;
	dispute->context = context;
	dispute->sink = (struct client_sink){
		.context = dispute, .given = take_opinion, .refused = no_opinion};
	for (unsigned i = 0; i < pool_count(shared->pool); i++) {
		if (pool_node(shared->pool, i)->is_excluded)
			continue;
		client_want(shared->client, CLIENT_TAIL, dispute->stored.num, dispute->stored.num,
			    ~(UINT64_C(1) << i), &dispute->sink);
		dispute->asked_count++;
	}
	return dispute;
}

void dispute_free(struct dispute *dispute)
{
	if (!dispute)
		return;
	client_drop(dispute->shared->client, &dispute->sink);
	free(dispute);
}
