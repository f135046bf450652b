/* SPDX-License-Identifier: MIT */
#include "sync/tail.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "sync/commit.h"
#include "sync/dispute.h"
#include "sync/filter.h"
#include "sync/lineage.h"
#include "sync/pace.h"
#include "sync/record_gap.h"
#include "sync/signers.h"
#include "sync/writer.h"

/* A block that no node gives for this long becomes a gap, and the tail goes on. */
#define PATIENCE_MS 30000
/* The same for the block after such a gap. */
#define NEIGHBOUR_PATIENCE_MS 15000
#define LEAVE_MAX             32 /* the most blocks that become one gap */
#define ASK_AGAIN_MS          1000
#define ASK_SOON_MS           100 /* the first retry, if a node has the block and did not give it */
#define HEADS_FRESH_MS        1000
/*
 * After this many requests that brought nothing, all nodes are asked whether they have the next
 * block.
 */
#define LATE_LIMIT 3
/* A node that claims the next block, and at most this many more, may just be a little faster. */
#define CLAIM_AHEAD       30
#define HEADS_SOON_FOR_MS 6000
#define HEADS_LATER_MS    2000
#define HEADS_SOON_MS     500 /* the same, while blocks wait until most nodes have them */
#define SEARCH_AGAIN_MS   3000
#define MAX_HELD          256
/* How long the tail waits until witnesses built on a block that most nodes call irreversible. */
#define WITNESSES_PATIENCE_MS 60000
/*
 * After this many "too busy" answers in a row to a request with blocks in it, one of the blocks
 * may be the cause.
 */
#define BUSY_LIMIT 3

struct tail {
	struct work *work;
	bool is_running;
	uint32_t next; /* everything below it is decided */
	uint32_t want; /* next to arrive: `next` plus the blocks in the commit and the held ones */
	struct held held[MAX_HELD]; /* arrived blocks, in chain order, up to want - 1 */
	size_t held_count;
	bool is_asking;              /* a tip request is under way */
	unsigned got_count;          /* how many blocks it brought */
	uint32_t asked_to;           /* the last block that it requests */
	uint32_t asked_irreversible; /* the irreversible block known at that time */
	uint32_t alone_to; /* up to this block, each is requested alone because a request failed */
	unsigned busy_count; /* tip requests in a row to which a node said that it is too busy */
	bool is_searching;   /* all nodes are being asked for block `want` */
	/* blocks from `want` on for whose virtual operations other nodes are asked */
	unsigned voting_count;
	bool is_committing;
	bool is_recording; /* a gap is being recorded */
	/*
	 * Blocks up to this one are part of the chain: more than half of the nodes give the last
	 * one, and it links to the others.  Only these are committed.
	 */
	uint32_t vouched_to;
	int64_t vouched_at_ms; /* when vouched_to last grew */
	uint32_t vouching_num; /* the held block that is put to the vote; 0: none */
	int64_t vouching_since_ms;
	/* when the next vote may start, because the nodes did not agree */
	int64_t vouch_again_at_ms;
	/* the nodes did not agree about a later block: put block `next` alone to the vote */
	bool must_vouch_next;
	int64_t disagreed_since_ms; /* about block `next`; 0: they agree */
	struct client_sink vouch_sink;
	struct signers *signers; /* NULL: the signers of blocks are not checked */
	uint32_t signed_to;      /* blocks up to this one were signed by their witnesses */
	uint32_t settled_to;     /* enough witnesses built on the held blocks up to this one */
	/* since when too few built on the first held block; 0: no block waits for witnesses */
	int64_t unsettled_since_ms;
	/*
	 * too few were seen for too long: the nodes' claims are enough until enough are seen
	 * again
	 */
	bool is_unwitnessed;
	struct dispute *dispute; /* block `next` contradicts a stored one */
	bool is_other_stored;    /* a row with its own number is already stored */
	struct dispute *audit;   /* of a block that is stored already: only for the log */
	uint32_t careful_to;     /* up to this block, each commit has one block */
	bool has_gap;            /* block `want` is to become a known gap */
	bool is_gap_missing;     /* because no node gives it */
	/*
	 * How many blocks become a gap when `want` is missing: doubles each time, 1 again after
	 * a block arrived.
	 */
	uint32_t leave_count;
	char gap_reason[200];
	char missing_reason[200]; /* the reason of the last refusal of block `want`, or "" */
	int64_t missing_since_ms;
	int64_t searched_at_ms;   /* when all nodes were last asked for a block */
	int64_t heads_at_ms;      /* when all nodes were last asked for their heads because of it */
	int64_t doubted_since_ms; /* since when blocks contradict stored ones, or each other */
	struct pace pace;
	struct client_sink sink;
	struct client_tip_sink tip_sink;
};

/* Arrival of blocks. */

static bool may_ask(const struct tail *tail)
{
	return !tail->is_asking && !tail->is_searching && tail->voting_count == 0 &&
	       !tail->is_recording && !tail->has_gap && !tail->dispute &&
	       tail->held_count < MAX_HELD / 2 &&
	       (tail->held_count == 0 || work_room_blocks(tail->work) > 0);
}

static void drop_held(struct tail *tail)
{
	for (size_t i = 0; i < tail->held_count; i++)
		work_release_block(tail->work, &tail->held[i]);
	tail->held_count = 0;
}

static void doubt_node(struct tail *tail, unsigned node, uint32_t num)
{
	struct node *source = pool_node(tail->work->pool, node);
	int64_t rest_ms = node_failed(source, clock_now_ms(), RPC_FAILURE_OTHER_NODE, 0);

	log_warning(
		"link_broken",
		"block %u of %s does not link to block %u as it was given; asking again, this node in %lld ms",
		num, source->label, num - 1, (long long)rest_ms);
}

static void make_gap(struct tail *tail, const char *reason, bool is_missing)
{
	tail->has_gap = true;
	tail->is_gap_missing = is_missing;
	snprintf(tail->gap_reason, sizeof(tail->gap_reason), "%s", reason);
}

/* How long does the tail wait for a block that no node gives? */
static int64_t missing_patience_ms(const struct tail *tail)
{
	return tail->leave_count > 1 ? NEIGHBOUR_PATIENCE_MS : PATIENCE_MS;
}

/*
 * Block `want` cannot be had as it must be. Other nodes may get it, but the tail does not wait
 * for ever.
 */
static void wait_or_give_up(struct tail *tail, int64_t *since_ms, const char *reason)
{
	bool is_missing = since_ms == &tail->missing_since_ms;
	int64_t now_ms = clock_now_ms();
	int64_t wait_ms = ASK_AGAIN_MS;

	if (*since_ms == 0)
		*since_ms = now_ms;
	if (now_ms - *since_ms > (is_missing ? missing_patience_ms(tail) : PATIENCE_MS))
		make_gap(tail, reason, is_missing);
	if (is_missing && now_ms - *since_ms < ASK_AGAIN_MS)
		wait_ms = now_ms - *since_ms > ASK_SOON_MS ? now_ms - *since_ms : ASK_SOON_MS;
	tail->pace.ask_at_ms = now_ms + wait_ms;
}

/* Request block `num` and all blocks above it again. */
static void ask_again_from(struct tail *tail, uint32_t num)
{
	while (tail->held_count > 0 && tail->held[tail->held_count - 1].block->num >= num)
		work_release_block(tail->work, &tail->held[--tail->held_count]);
	client_drop(tail->work->client, &tail->vouch_sink);
	tail->vouching_num = 0;
	tail->must_vouch_next = false;
	tail->has_gap = false;
	tail->want = num;
	tail->missing_since_ms = 0;
	tail->missing_reason[0] = '\0';
	tail->pace.ask_at_ms = clock_now_ms();
}

/* Blocks that no known witness signed. */

/* The first held block whose signer is not known to be right. */
static size_t first_unsigned(const struct tail *tail)
{
	size_t i = 0;

	while (i < tail->held_count && tail->held[i].block->num <= tail->signed_to)
		i++;
	return i;
}

/* Does that block wait for one above it? */
static bool is_held_up(const struct tail *tail)
{
	size_t i = first_unsigned(tail);

	return tail->signers && i < tail->held_count &&
	       signers_holds_up(tail->signers, tail->held[i].block->num);
}

/* Request held[i] and the blocks behind it again, one second later. */
static void refuse_from(struct tail *tail, size_t i)
{
	uint32_t num = tail->held[i].block->num;

	tail->vouched_to = num - 1;
	signers_forget(tail->signers);
	ask_again_from(tail, num);
	tail->pace.ask_at_ms = clock_now_ms() + ASK_AGAIN_MS;
}

/*
 * A block does not link to the newest held one.  If one node gave both, only the new block is
 * refused: the held blocks link to the stored ones, and the tail advances up to them.  Otherwise
 * either block may be wrong: take neither.
 */
static void refuse_newcomer(struct tail *tail, struct held *held)
{
	struct held *last = &tail->held[tail->held_count - 1];

	doubt_node(tail, held->source, held->block->num);
	if (is_held_up(tail)) { /* nothing proves the held blocks */
		work_release_block(tail->work, held);
		refuse_from(tail, first_unsigned(tail));
		return;
	}
	if (last->source != held->source || last->pool_epoch != held->pool_epoch) {
		work_release_block(tail->work, last);
		tail->held_count--;
		tail->want--;
	}
	work_release_block(tail->work, held);
	wait_or_give_up(tail, &tail->doubted_since_ms,
			"does not link to its neighbour, as the nodes give them");
}

/* Continue with block `num`; everything below it is decided. */
static void go_back_to(struct tail *tail, uint32_t num)
{
	drop_held(tail);
	ask_again_from(tail, num);
	tail->next = num;
	tail->vouched_to = num - 1;
	tail->signed_to = num - 1;
	if (tail->signers)
		signers_forget(tail->signers);
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct tail *tail = context;
	struct held held;

	if (!tail->is_running || block->num != tail->want || tail->held_count == MAX_HELD ||
	    tail->has_gap || tail->is_recording || tail->dispute) {
		block_free(block);
		return;
	}
	held = work_hold(tail->work, block, node);
	if (tail->held_count > 0 &&
	    !block_links(tail->held[tail->held_count - 1].block, held.block)) {
		refuse_newcomer(tail, &held);
		return;
	}
	tail->held[tail->held_count++] = held;
	tail->want++;
	tail->got_count++;
	tail->leave_count = 1;
	tail->missing_since_ms = 0;
	tail->missing_reason[0] = '\0';
}

/* A block from a tip request: it is taken once most nodes give the same virtual operations. */
static void take_tip(void *context, struct block *block, unsigned node)
{
	struct tail *tail = context;

	if (!tail->tip_sink.is_virtual) {
		take_block(tail, block, node);
		return;
	}
	/* If only one node is this far, the others need not have the block yet. */
	if (!tail->is_running || block->num != tail->want + tail->voting_count ||
	    block->num > pool_irreversible(tail->work->pool) ||
	    tail->held_count + tail->voting_count == MAX_HELD) {
		block_free(block);
	} else if (client_vouch_virtual(tail->work->client, block, node, &tail->sink)) {
		take_block(tail, block, node);
	} else {
		tail->voting_count++;
		tail->got_count++;
	}
}

/* The heads that the other nodes told last may be older than this block. */
static void poll_heads(struct tail *tail, int64_t max_age_ms)
{
	tail->heads_at_ms = clock_now_ms();
	client_poll_heads(tail->work->client, max_age_ms);
}

/* A node says that block `want` is irreversible, but did not give it, or was not asked for it. */
static void search_everywhere(struct tail *tail)
{
	if (tail->missing_since_ms == 0)
		tail->missing_since_ms = clock_now_ms();
	tail->searched_at_ms = clock_now_ms();
	tail->is_searching = true;
	/*
	 * The other nodes may have the block by now, although the heads that they told last are
	 * below it.
	 */
	poll_heads(tail, HEADS_FRESH_MS);
	client_want(tail->work->client, CLIENT_TAIL, tail->want, tail->want, 0, &tail->sink);
}

static void take_tip_end(void *context, unsigned node, const struct chain_head *head,
			 const struct error *err)
{
	struct tail *tail = context;
	int64_t now_ms = clock_now_ms();

	(void)node;
	tail->is_asking = false;
	if (!tail->is_running || tail->dispute)
		return;
	if (err) {
		if ((rpc_failure_of(err) != RPC_FAILURE_WAIT || ++tail->busy_count >= BUSY_LIMIT) &&
		    tail->asked_to > tail->alone_to)
			tail->alone_to = tail->asked_to;
		pace_failed(&tail->pace, now_ms);
		return;
	}
	tail->busy_count = 0;
	if (tail->got_count > 0) {
		pace_advanced(&tail->pace, now_ms, tail->got_count,
			      head->irreversible_block >= tail->want);
		return;
	}
	/*
	 * A block that one node alone claims is not searched for.  A node whose claims are
	 * doubted may be right.
	 */
	if (pool_irreversible(tail->work->pool) >= tail->want &&
	    (head->irreversible_block >= tail->want ||
	     now_ms - tail->searched_at_ms >= SEARCH_AGAIN_MS)) {
		search_everywhere(tail);
		return;
	}
	if (head->irreversible_block >= tail->want)
		poll_heads(tail, HEADS_FRESH_MS);
	pace_late(&tail->pace, now_ms);
	if (tail->pace.late_count >= LATE_LIMIT) /* this node may be stuck */
		poll_heads(tail, HEADS_FRESH_MS);
	if (!tail->is_committing)
		work_progress(tail->work); /* there is nothing new, so the reader is up to date */
}

static void take_search(void *context, struct block *block, unsigned node)
{
	struct tail *tail = context;

	if (tail->voting_count > 0) {
		tail->voting_count--;
		take_block(tail, block, node);
		return;
	}
	tail->is_searching = false;
	take_block(tail, block, node);
	tail->pace.ask_at_ms = clock_now_ms();
	if (tail->is_running && tail->want <= tail->alone_to && may_ask(tail) &&
	    pool_irreversible(tail->work->pool) >= tail->want)
		search_everywhere(tail);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct tail *tail = context;

	if (tail->voting_count > 0)
		tail->voting_count--;
	tail->is_searching = false;
	if (!tail->is_running || tail->dispute || num != tail->want)
		return;
	snprintf(tail->missing_reason, sizeof(tail->missing_reason), "%s", reason);
	wait_or_give_up(tail, &tail->missing_since_ms, reason);
}

/* Has any node told its head since that time? */
static bool has_living_node(const struct tail *tail, int64_t since_ms)
{
	for (unsigned i = 0; i < pool_count(tail->work->pool); i++) {
		const struct node *node = pool_node(tail->work->pool, i);

		if (node_is_up(node) && node->head_at_ms >= since_ms)
			return true;
	}
	return false;
}

/* The search asks node after node, and each may take the whole time-out: end it after our patience. */
static int64_t end_long_search(struct tail *tail, int64_t now_ms)
{
	int64_t end_ms = tail->missing_since_ms + missing_patience_ms(tail);

	if (!tail->is_searching)
		return CLOCK_NEVER;
	if (now_ms < end_ms)
		return end_ms;
	if (!has_living_node(tail, tail->missing_since_ms))
		return CLOCK_NEVER;
	client_drop(tail->work->client, &tail->sink);
	tail->is_searching = false;
	tail->voting_count = 0;
	make_gap(tail,
		 tail->missing_reason[0]
			 ? tail->missing_reason
			 : "no node gives a whole answer for it, although nodes tell their heads",
		 true);
	return now_ms;
}

/* How often the others are asked whether they have what one has: in vain for long, not so often. */
static int64_t poll_interval_ms(const struct tail *tail, int64_t now_ms)
{
	return now_ms - tail->vouched_at_ms < HEADS_SOON_FOR_MS ? HEADS_SOON_MS : HEADS_LATER_MS;
}

static int64_t poll_in_time(struct tail *tail, int64_t interval_ms, int64_t now_ms)
{
	if (now_ms < tail->heads_at_ms + interval_ms)
		return tail->heads_at_ms + interval_ms;
	poll_heads(tail, interval_ms);
	return now_ms;
}

/* Votes about the held blocks. */

static const struct held *held_block(const struct tail *tail, uint32_t num)
{
	for (size_t i = 0; i < tail->held_count; i++)
		if (tail->held[i].block->num == num)
			return &tail->held[i];
	return NULL;
}

static void note_vouched(struct tail *tail, uint32_t num)
{
	tail->vouched_to = num;
	tail->vouched_at_ms = clock_now_ms();
	tail->must_vouch_next = false;
}

static void take_vouched(void *context, struct block *block, unsigned node)
{
	struct tail *tail = context;
	const struct held *held = held_block(tail, block->num);

	(void)node;
	tail->vouching_num = 0;
	tail->disagreed_since_ms = 0;
	if (held && block_id_equal(held->block->id, block->id)) {
		note_vouched(tail, block->num);
	} else if (held) {
		/* The client has logged the node that gave it, and asks other nodes first. */
		ask_again_from(tail, tail->vouched_to + 1);
	}
	block_free(block);
}

static struct log_limit disagree_limit = LOG_LIMIT_INIT(10000);
static struct log_limit pending_limit = LOG_LIMIT_INIT(10000);

/* Not enough nodes give the same block: perhaps they do for an earlier one. */
static void take_division(void *context, uint32_t num, unsigned version_count, const char *reason)
{
	struct tail *tail = context;
	int64_t now_ms = clock_now_ms();
	char text[200];

	tail->vouching_num = 0;
	tail->vouch_again_at_ms = now_ms + ASK_AGAIN_MS;
	if (num > tail->vouched_to + 1 && !tail->must_vouch_next) {
		tail->must_vouch_next = true;
		tail->vouch_again_at_ms = now_ms;
		return;
	}
	if (tail->disagreed_since_ms == 0)
		tail->disagreed_since_ms = now_ms;
	if (version_count > 1)
		log_limited(&disagree_limit, LOG_LEVEL_WARNING, "block_disputed",
			    "the nodes do not agree about block %u: %s; the tail waits for them",
			    num, reason);
	else if (now_ms - tail->disagreed_since_ms >= ASK_AGAIN_MS)
		log_limited(&pending_limit, LOG_LEVEL_WARNING, "vote_pending",
			    "too few nodes give block %u: %s; the tail waits for the others", num,
			    reason);
	snprintf(text, sizeof(text), "the nodes do not agree about it: %s", reason);
	ask_again_from(tail, num); /* the nodes may have agreed on another block meanwhile */
	tail->pace.ask_at_ms = now_ms + ASK_AGAIN_MS;
	if (now_ms - tail->disagreed_since_ms > PATIENCE_MS)
		make_gap(tail, text, false);
}

/* A vote under way may wait for a node that rests. */
static int64_t tell_slow_vote(const struct tail *tail, int64_t now_ms)
{
	int64_t slow_ms = tail->vouching_since_ms + HEADS_SOON_FOR_MS;

	if (tail->vouching_num == 0)
		return CLOCK_NEVER;
	if (now_ms < slow_ms)
		return slow_ms;
	log_limited(
		&pending_limit, LOG_LEVEL_WARNING, "vote_pending",
		"more than half of the nodes must give block %u, and some of them rest or are slow; the tail waits for them",
		tail->vouching_num);
	return CLOCK_NEVER;
}

static void no_vouched(void *context, uint32_t num, const char *reason)
{
	take_division(context, num, 0, reason);
}

/*
 * The newest held block that most nodes can have.  If most nodes give it as well, all held
 * blocks up to it are part of the chain, because each links to the next.
 */
static void vouch(struct tail *tail, int64_t now_ms)
{
	uint32_t newest = tail->held[tail->held_count - 1].block->num;
	uint32_t irreversible = pool_irreversible(tail->work->pool);
	uint32_t num = newest < irreversible ? newest : irreversible;
	const struct held *held;

	if (num <= tail->vouched_to) { /* one node is ahead of the others */
		poll_heads(tail, poll_interval_ms(tail, now_ms));
		return;
	}
	if (tail->must_vouch_next)
		num = tail->vouched_to + 1;
	held = held_block(tail, num);
	if (!held)
		return;
	if (!work_source(tail->work, held)) /* the nodes were read again */
		ask_again_from(tail, tail->vouched_to + 1);
	else if (client_vouch(tail->work->client, held->block, held->source, &tail->vouch_sink))
		note_vouched(tail, num);
	else
		tail->vouching_num = num;
	tail->vouching_since_ms = clock_now_ms();
}

/*
 * Does one node claim the next block, but too few others as far as known? A claim far ahead does
 * not count.
 */
static bool is_claimed(const struct tail *tail)
{
	return pool_irreversible(tail->work->pool) < tail->want &&
	       pool_claims(tail->work->pool, tail->want, tail->want + CLAIM_AHEAD);
}

static bool has_unvouched(const struct tail *tail)
{
	return tail->held_count > 0 && tail->vouching_num == 0 && !tail->dispute &&
	       tail->held[tail->held_count - 1].block->num > tail->vouched_to;
}

/* When there is something to do for it. */
static int64_t vouch_at_ms(const struct tail *tail, int64_t now_ms)
{
	if (pool_irreversible(tail->work->pool) <= tail->vouched_to)
		return tail->heads_at_ms + poll_interval_ms(tail, now_ms);
	return tail->vouch_again_at_ms;
}

static int64_t vouch_in_time(struct tail *tail, int64_t now_ms)
{
	if (!has_unvouched(tail))
		return CLOCK_NEVER;
	if (now_ms < vouch_at_ms(tail, now_ms))
		return vouch_at_ms(tail, now_ms);
	vouch(tail, now_ms);
	return now_ms;
}

/* Which of these did their witnesses sign? */

static struct log_limit denied_limit = LOG_LIMIT_INIT(10000);

/* It never becomes a gap, however long it takes. */
static void refuse_false(struct tail *tail, size_t i, const char *reason)
{
	signers_blame(tail->work, &tail->held[i], reason);
	refuse_from(tail, i);
}

static void refuse_denied(struct tail *tail, size_t i, const char *reason)
{
	log_limited(&denied_limit, LOG_LEVEL_WARNING, "block_disputed",
		    "block %u of %s is %s; both are asked for again, the tail waits",
		    tail->held[i].block->num, work_source_label(tail->work, &tail->held[i]),
		    reason);
	refuse_from(tail, i);
}

/* True: held[i] is good. */
static bool judge(struct tail *tail, size_t i)
{
	bool is_next = i == 0 && !tail->is_committing;
	char reason[300] = "";

	switch (signers_judge(tail->signers, tail->held, tail->held_count, i, is_next, reason,
			      sizeof(reason))) {
	case SIGNER_GOOD:
		tail->signed_to = tail->held[i].block->num;
		if (tail->work->lineage)
			lineage_add(tail->work->lineage, tail->held[i].block);
		return true;
	case SIGNER_FALSE:
		refuse_false(tail, i, reason);
		return false;
	case SIGNER_DENIED:
		refuse_denied(tail, i, reason);
		return false;
	case SIGNER_OPEN:
		break;
	}
	return false;
}

/* Of the blocks that most nodes give, in chain order.  Returns when to call it again. */
static int64_t check_signers(struct tail *tail, int64_t now_ms)
{
	size_t next = first_unsigned(tail);

	while (next < tail->held_count && tail->held[next].block->num <= tail->vouched_to &&
	       judge(tail, next))
		next++;
	/* After judge(), because judge() may forget the signers that were expected. */
	for (size_t i = next; i < tail->held_count && tail->held[i].block->num <= tail->vouched_to;
	     i++)
		signers_expect(tail->signers, tail->held[i].block);
	return signers_step(tail->signers, now_ms);
}

/* The held blocks up to this one are given by most nodes and signed by their witnesses. */
static uint32_t judged_to(const struct tail *tail)
{
	if (!tail->signers || tail->vouched_to < tail->signed_to)
		return tail->vouched_to;
	return tail->signed_to;
}

/* Witnesses that built on the held blocks. */

/* The held blocks up to this one passed all checks: they may be committed. */
static uint32_t good_to(const struct tail *tail)
{
	uint32_t judged = judged_to(tail);

	if (!tail->work->lineage || tail->is_unwitnessed || judged < tail->settled_to)
		return judged;
	return tail->settled_to;
}

static void find_settled(struct tail *tail)
{
	const struct lineage *lineage = tail->work->lineage;
	uint32_t to = lineage_settled(lineage, tail->held[0].block);

	tail->settled_to = 0;
	for (size_t i = 0; i < tail->held_count && tail->held[i].block->num <= to &&
			   lineage_has(lineage, tail->held[i].block);
	     i++)
		tail->settled_to = tail->held[i].block->num;
}

static int64_t wait_for_witnesses(struct tail *tail, int64_t now_ms)
{
	uint32_t num = tail->held[0].block->num;

	if (tail->unsettled_since_ms == 0)
		tail->unsettled_since_ms = now_ms;
	if (now_ms < tail->unsettled_since_ms + HEADS_SOON_FOR_MS)
		return tail->unsettled_since_ms + HEADS_SOON_FOR_MS;
	if (now_ms < tail->unsettled_since_ms + WITNESSES_PATIENCE_MS) {
		log_limited(
			&pending_limit, LOG_LEVEL_WARNING, "vote_pending",
			"most nodes call block %u irreversible, but too few witnesses were seen to build on it; the tail waits for their blocks",
			num);
		return tail->unsettled_since_ms + WITNESSES_PATIENCE_MS;
	}
	tail->is_unwitnessed = true;
	log_warning(
		"vote_pending",
		"for %d s too few witnesses were seen to build on block %u, which most nodes call irreversible; the tail goes on with what they claim until it sees them",
		WITNESSES_PATIENCE_MS / 1000, num);
	return CLOCK_NEVER;
}

/*
 * Most nodes may call a block irreversible too early.  If they do not give the blocks above it,
 * or nothing proves those, the tail does not wait for ever.
 */
static int64_t check_witnesses(struct tail *tail, int64_t now_ms)
{
	if (tail->held_count == 0 || tail->held[0].block->num > judged_to(tail)) {
		tail->unsettled_since_ms = 0;
		return CLOCK_NEVER;
	}
	find_settled(tail);
	if (tail->settled_to == 0)
		return tail->is_unwitnessed ? CLOCK_NEVER : wait_for_witnesses(tail, now_ms);
	tail->unsettled_since_ms = 0;
	tail->is_unwitnessed = false;
	return CLOCK_NEVER;
}

/* Decisions. */

/*
 * Block `num` contradicts a stored one. The tail does not pass it only because of nodes that may
 * be wrong.
 */
static void dispute_ended(void *context, uint32_t num, enum dispute_end end, const char *reason)
{
	struct tail *tail = context;

	tail->dispute = NULL;
	if (end == DISPUTE_TABLE && tail->is_other_stored)
		go_back_to(tail, num + 1); /* the stored row stays until it is repaired */
	else if (end == DISPUTE_TABLE)
		make_gap(tail, reason, false);
	else if (end == DISPUTE_NODES && tail->is_other_stored)
		go_back_to(tail, num + 1);
	else
		tail->pace.ask_at_ms = clock_now_ms() + ASK_AGAIN_MS;
}

static void audit_ended(void *context, uint32_t num, enum dispute_end end, const char *reason)
{
	struct tail *tail = context;

	(void)num;
	(void)end;
	(void)reason;
	tail->audit = NULL;
}

/* False: the entries behind this one are ignored, and the tail goes back to it. */
static bool take_outcome(struct tail *tail, const struct ledger_entry *entry)
{
	uint32_t num = entry->block->num;

	switch (entry->outcome) {
	case LEDGER_STORED:
	case LEDGER_PRESENT:
	case LEDGER_CONFIRMED:
	case LEDGER_REPLACED:
	case LEDGER_REWRITTEN:
		tail->next = num + 1;
		tail->doubted_since_ms = 0;
		tail->disagreed_since_ms = 0;
		return true;
	case LEDGER_NO_LINK_AFTER:
		tail->next = num + 1;
		if (!tail->audit)
			tail->audit = dispute_new(tail->work, entry, audit_ended, tail);
		return true;
	case LEDGER_OTHER_ID:
	case LEDGER_NO_LINK:
		go_back_to(tail, num);
		tail->is_other_stored = entry->outcome == LEDGER_OTHER_ID;
		if (tail->is_running)
			tail->dispute = dispute_new(tail->work, entry, dispute_ended, tail);
		return false;
	case LEDGER_UNSTORABLE:
		log_error("block_unstorable", "%s; the block stays a gap, nothing of it was stored",
			  entry->problem);
		go_back_to(tail, num);
		make_gap(tail, entry->problem, false);
		return false;
	case LEDGER_PENDING: /* it links to a later block that is in doubt */
		break;
	}
	go_back_to(tail, num);
	return false;
}

/* A block in doubt holds up the blocks before it in its commit: commit those one by one first. */
static void note_doubtful(struct tail *tail, const struct commit *commit)
{
	for (size_t i = 0; i < commit->count; i++)
		if (commit->ledger.entries[i].outcome == LEDGER_NO_LINK)
			tail->careful_to = commit->ledger.entries[i].block->num;
}

static void commit_ended(void *context, struct commit *commit, bool is_done)
{
	struct tail *tail = context;

	tail->is_committing = false;
	if (is_done)
		note_doubtful(tail, commit);
	for (size_t i = 0; is_done && i < commit->count; i++)
		if (!take_outcome(tail, &commit->ledger.entries[i]))
			return;
}

static void commit_held(struct tail *tail)
{
	struct commit_size size = {0};
	size_t count = 0;

	while (count < tail->held_count && tail->held[count].block->num <= good_to(tail) &&
	       (count == 0 || tail->next > tail->careful_to) &&
	       commit_add(tail->work, &size, tail->held[count].block))
		count++;
	tail->is_committing = true;
	commit_submit(tail->work, tail->held, count, LEDGER_KEEP, commit_ended, tail);
	for (size_t i = count; i < tail->held_count; i++)
		tail->held[i - count] = tail->held[i];
	tail->held_count -= count;
}

/* Gaps. */

static void gap_recorded(void *context, uint32_t last)
{
	struct tail *tail = context;

	tail->is_recording = false;
	tail->doubted_since_ms = 0;
	tail->disagreed_since_ms = 0;
	if (tail->alone_to <= last)
		tail->alone_to = last + 1; /* the next block may be as bad as this one */
	go_back_to(tail, last + 1);
}

/*
 * The tail waits for each missing block in turn.  So if several blocks in a row are missing, the
 * second gap takes two blocks, the third four.  At the same time, the replay fetches the good
 * ones among them.
 */
static uint32_t last_to_leave(const struct tail *tail)
{
	uint32_t irreversible = pool_irreversible(tail->work->pool);
	uint32_t room = irreversible > tail->want ? irreversible - tail->want : 0;
	uint32_t more = tail->leave_count - 1;

	return tail->want + (more < room ? more : room);
}

/*
 * The first held block waits for the one that is about to become a gap: it becomes one too, and
 * is bound when that one is stored.
 */
static void give_up_held(struct tail *tail)
{
	char reason[sizeof(tail->gap_reason)];

	snprintf(
		reason, sizeof(reason),
		"no block signed with a known key links to it, and the next one cannot be had: %.100s",
		tail->gap_reason);
	refuse_from(tail, 0);
	make_gap(tail, reason, false);
}

static void leave_gap(struct tail *tail)
{
	uint32_t last = tail->is_gap_missing ? last_to_leave(tail) : tail->want;

	if (tail->is_gap_missing && tail->leave_count < LEAVE_MAX)
		tail->leave_count *= 2;
	tail->has_gap = false;
	tail->is_recording = true;
	record_gap(tail->work, tail->want, last, tail->gap_reason, gap_recorded, tail);
}

/* Public functions. */

static unsigned ask_count(const struct tail *tail)
{
	uint32_t irreversible = pool_irreversible(tail->work->pool);
	size_t room = MAX_HELD - tail->held_count;
	size_t count = 1;

	if (irreversible > tail->want)
		count = irreversible - tail->want + 1;
	if (count > tail->work->config.batch_size)
		count = tail->work->config.batch_size;
	return (unsigned)(count > room ? room : count);
}

/*
 * If the head is followed, its answers also tell what is irreversible.  So the tail need not ask
 * before the next block is known, unless nothing is heard for long.  Once it is known, the tail
 * asks at once.
 */
static int64_t ask_at_ms(const struct tail *tail)
{
	bool is_told = tail->work->config.follow == READER_FOLLOW_HEAD;
	uint32_t irreversible = pool_irreversible(tail->work->pool);

	if (irreversible >= tail->want && irreversible > tail->asked_irreversible)
		return 0;
	if (!is_told || irreversible >= tail->want)
		return tail->pace.ask_at_ms;
	return tail->pace.ask_at_ms + tail->pace.interval_ms;
}

static int64_t ask_in_time(struct tail *tail, int64_t now_ms)
{
	unsigned count;

	if (!may_ask(tail))
		return CLOCK_NEVER;
	if (now_ms < ask_at_ms(tail))
		return ask_at_ms(tail);
	count = tail->want <= tail->alone_to ? 0 : ask_count(tail);
	tail->got_count = 0;
	tail->asked_to = tail->want + count - 1;
	tail->asked_irreversible = pool_irreversible(tail->work->pool);
	tail->is_asking = client_ask_tip(tail->work->client, tail->want, count, &tail->tip_sink);
	if (tail->is_asking)
		pace_asked(&tail->pace, clock_now_ms());
	else
		pace_failed(&tail->pace, clock_now_ms());
	return now_ms;
}

struct tail *tail_new(struct work *work)
{
	struct tail *tail = xcalloc(1, sizeof(*tail));

	tail->work = work;
	tail->sink = (struct client_sink){.context = tail,
					  .is_virtual = work->config.filter->virtual_operations,
					  .given = take_search,
					  .refused = take_refusal};
	tail->vouch_sink = (struct client_sink){.context = tail,
						.needs_majority = true,
						.given = take_vouched,
						.refused = no_vouched,
						.divided = take_division};
	if (work->config.proof == READER_PROOF_SIGNED)
		tail->signers = signers_new(work, false);
	tail->tip_sink =
		(struct client_tip_sink){.context = tail,
					 .is_virtual = work->config.filter->virtual_operations,
					 .given = take_tip,
					 .done = take_tip_end};
	return tail;
}

void tail_free(struct tail *tail)
{
	if (!tail)
		return;
	tail_stop(tail);
	dispute_free(tail->audit);
	signers_free(tail->signers);
	free(tail);
}

void tail_start(struct tail *tail, uint32_t first)
{
	tail->is_running = true;
	tail->doubted_since_ms = 0;
	tail->asked_to = tail->alone_to = 0;
	tail->leave_count = 1;
	tail->disagreed_since_ms = 0;
	tail->vouch_again_at_ms = 0;
	tail->unsettled_since_ms = 0;
	tail->is_unwitnessed = false;
	go_back_to(tail, first);
	pace_init(&tail->pace, clock_now_ms());
}

int64_t tail_step(struct tail *tail, int64_t now_ms)
{
	int64_t due_ms;

	if (!tail->is_running)
		return CLOCK_NEVER;
	due_ms = vouch_in_time(tail, now_ms);
	if (tail->signers && !tail->dispute)
		due_ms = sooner(due_ms, check_signers(tail, now_ms));
	if (tail->work->lineage)
		due_ms = sooner(due_ms, check_witnesses(tail, now_ms));
	if (tail->held_count > 0 && tail->held[0].block->num <= good_to(tail) &&
	    !tail->is_committing && !tail->dispute && writer_has_room(tail->work->writer))
		commit_held(tail);
	if (is_claimed(tail))
		due_ms = sooner(due_ms, poll_in_time(tail, poll_interval_ms(tail, now_ms), now_ms));
	due_ms = sooner(due_ms, tell_slow_vote(tail, now_ms));
	due_ms = sooner(due_ms, end_long_search(tail, now_ms));
	if (tail->is_searching)
		due_ms = sooner(due_ms, poll_in_time(tail, HEADS_FRESH_MS, now_ms));
	if (tail->has_gap && !tail->is_committing && !tail->is_recording && is_held_up(tail) &&
	    first_unsigned(tail) == 0)
		give_up_held(tail);
	/* Everything below must be decided first, or it would be recorded as missing too. */
	if (tail->has_gap && !tail->is_committing && !tail->is_recording && tail->held_count == 0)
		leave_gap(tail);
	return sooner(due_ms, ask_in_time(tail, now_ms));
}

uint32_t tail_next_block(const struct tail *tail)
{
	return tail->next;
}

void tail_stop(struct tail *tail)
{
	tail->is_running = false;
	drop_held(tail);
	client_drop(tail->work->client, &tail->sink);
	client_drop(tail->work->client, &tail->vouch_sink);
	tail->vouching_num = 0;
	tail->is_searching = false;
	tail->voting_count = 0;
	dispute_free(tail->dispute);
	tail->dispute = NULL;
}

bool tail_is_idle(const struct tail *tail)
{
	return !tail->is_running && !tail->is_committing && !tail->is_recording;
}
