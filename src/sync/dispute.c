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
#include "steem/rpc.h"
#include "sync/filter.h"

#define OPINIONS_WANTED 2
#define BURST_MS        10000

/* The tail asks again and again while its only node contradicts what is stored. */
static struct log_limit alone_limit = LOG_LIMIT_INIT(BURST_MS);
static struct log_limit orphan_limit = LOG_LIMIT_INIT(BURST_MS);

struct dispute {
	struct work *work;
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	struct held held; /* of the block in question: who gave it; its block is not ours */
	uint64_t asked;   /* mask of nodes */
	unsigned confirmed_count;
	enum ledger_outcome outcome; /* LEDGER_PENDING: two fetched blocks do not link */
	uint32_t neighbour;
	uint8_t stored_id[BLOCK_ID_BYTES];
	struct client_sink sink;
	dispute_done_fn *done;
	void *context;
};

static void finish(struct dispute *dispute, enum dispute_end end, const struct held *other,
		   const char *reason)
{
	dispute->done(dispute->context, dispute->num, end, other, reason);
	free(dispute);
}

/* Was every node asked that there is? One node alone is then as good as all. */
static bool is_everybody(const struct dispute *dispute)
{
	return (pool_usable(dispute->work->pool) & ~dispute->asked) == 0;
}

/* Others agree with the giver (or, `confirmed` 0, nobody else could be asked). */
static void finish_undivided(struct dispute *dispute)
{
	const char *giver = work_giver_label(dispute->work, &dispute->held);
	char id[BLOCK_ID_HEX + 1];
	char stored[BLOCK_ID_HEX + 1];
	char reason[200];
	uint32_t orphan = dispute->outcome == LEDGER_OTHER_ID ? dispute->num : dispute->neighbour;
	enum dispute_end end = dispute->confirmed_count > 0 ? DISPUTE_FAILED : DISPUTE_ALONE;

	block_id_format(dispute->id, id);
	block_id_format(dispute->stored_id, stored);
	if (dispute->outcome == LEDGER_PENDING) {
		finish(dispute, DISPUTE_AGAIN, NULL, NULL);
		return;
	}
	if (dispute->confirmed_count > 0 || is_everybody(dispute)) {
		snprintf(reason, sizeof(reason),
			 "contradicts stored block %u, as %u node(s) give it", orphan,
			 dispute->confirmed_count + 1);
		log_limited(
			&orphan_limit, LOG_LEVEL_WARNING, "stored_block_orphaned",
			"stored block %u (%s) is not what the nodes give: %u of %zu give block %u as %s, none another%s; the stored row stays until it is repaired",
			orphan, stored, dispute->confirmed_count + 1,
			pool_count(dispute->work->pool), dispute->num, id,
			dispute->confirmed_count > 0
				? ""
				: " (with one node only, it may also be the node that is wrong)");
	} else {
		snprintf(reason, sizeof(reason),
			 "contradicts stored block %u, and no other node could be asked", orphan);
		log_limited(
			&alone_limit, LOG_LEVEL_WARNING, "block_disputed",
			"%s gives block %u as %s, which contradicts stored block %u (%s), and no other node could be asked; the stored row stays",
			giver, dispute->num, id, orphan, stored);
	}
	finish(dispute, dispute->outcome == LEDGER_NO_LINK ? end : DISPUTE_KEPT, NULL, reason);
}

/* Two nodes differ about one block: let the first one rest, so that others are asked meanwhile. */
static void finish_divided(struct dispute *dispute, struct block *block, unsigned node)
{
	struct node *giver = work_giver(dispute->work, &dispute->held);
	struct held other = work_hold(dispute->work, block, node);
	int64_t rest_ms = giver ? node_failed(giver, clock_now_ms(), RPC_FAILURE_OTHER_NODE, 0) : 0;

	log_warning("block_disputed",
		    "%s and %s give different blocks %u; the first is asked again in %lld ms",
		    work_giver_label(dispute->work, &dispute->held),
		    pool_node(dispute->work->pool, node)->label, dispute->num, (long long)rest_ms);
	other.doubted = dispute->asked & ~(UINT64_C(1) << node);
	if (dispute->outcome == LEDGER_NO_LINK_AFTER) {
		work_let_go(dispute->work, &other);
		log_warning(
			"stored_block_orphaned",
			"block %u was stored as one node gave it and another gives a different one; the stored row stays until it is repaired",
			dispute->num);
		finish(dispute, DISPUTE_KEPT, NULL, NULL);
		return;
	}
	finish(dispute, DISPUTE_TRY, &other, NULL);
}

static void ask(struct dispute *dispute)
{
	client_want(dispute->work->client, CLIENT_TAIL, dispute->num, dispute->num, dispute->asked,
		    &dispute->sink);
}

static void take_opinion(void *context, struct block *block, unsigned node)
{
	struct dispute *dispute = context;

	dispute->asked |= UINT64_C(1) << node;
	/* The right id with a false link is another block. */
	if (!block_id_equal(block->id, dispute->id) ||
	    !block_id_equal(block->previous, dispute->previous)) {
		finish_divided(dispute, block, node);
		return;
	}
	block_free(block);
	if (++dispute->confirmed_count == OPINIONS_WANTED)
		finish_undivided(dispute);
	else
		ask(dispute);
}

static void no_more_opinions(void *context, uint32_t num, const char *reason)
{
	(void)num;
	(void)reason;
	finish_undivided(context);
}

struct dispute *dispute_new(struct work *work, const struct held *held,
			    const struct ledger_entry *entry, dispute_done_fn *done, void *context)
{
	struct dispute *dispute = xcalloc(1, sizeof(*dispute));

	dispute->work = work;
	dispute->num = held->block->num;
	memcpy(dispute->id, held->block->id, sizeof(dispute->id));
	memcpy(dispute->previous, held->block->previous, sizeof(dispute->previous));
	dispute->held = *held;
	dispute->held.block = NULL;
	if (work_giver(work, held))
		dispute->asked = held->doubted | UINT64_C(1) << held->giver;
	if (entry) {
		dispute->outcome = entry->outcome;
		dispute->neighbour = entry->neighbour;
		memcpy(dispute->stored_id, entry->stored_id, sizeof(dispute->stored_id));
	}
	dispute->done = done;
	dispute->context = context;
	dispute->sink = (struct client_sink){.context = dispute,
					     .is_virtual = work->config.filter->virtual_operations,
					     .given = take_opinion,
					     .refused = no_more_opinions};
	/* At the tip the others may have the block by now, and their last heads do not say so. */
	client_poll_heads(work->client, 0);
	ask(dispute);
	return dispute;
}

void dispute_free(struct dispute *dispute)
{
	if (!dispute)
		return;
	client_drop(dispute->work->client, &dispute->sink);
	free(dispute);
}
