/* SPDX-License-Identifier: MIT */
#include "sync/tail.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "sync/executor.h"
#include "sync/fetched.h"
#include "sync/filter.h"
#include "sync/lineage.h"
#include "sync/pace.h"
#include "sync/record_gap.h"
#include "sync/signers.h"
#include "sync/stretch.h"

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

struct tail {
	struct shared *shared;
	bool is_running;
	uint32_t next; /* everything below it is decided */
	uint32_t want; /* next to arrive: `next` plus the blocks in the commit and the held ones */
	struct stretch stretch;      /* the arrived blocks, without a hole, up to want - 1 */
	bool is_asking;              /* a tip request is under way */
	uint32_t asked_irreversible; /* the irreversible block known when it was sent */
	bool is_searching;           /* all nodes are being asked for block search_num */
	uint32_t search_num;         /* usually `want` */
	/* blocks from `want` on for whose virtual operations other nodes are asked */
	unsigned voting_count;
	bool is_recording;     /* a gap is being recorded */
	int64_t vouched_at_ms; /* when a block was last vouched for */
	/* when the next vote may start, because the nodes did not agree */
	int64_t vouch_again_at_ms;
	/* the nodes did not agree about a later block: put block `next` alone to the vote */
	bool must_vouch_next;
	int64_t disagreed_since_ms; /* about block `next`; 0: they agree */
	/* since when too few built on the first held block; 0: no block waits for witnesses */
	int64_t unsettled_since_ms;
	/*
	 * too few were seen for too long: the nodes' claims are enough until enough are seen
	 * again
	 */
	bool is_unwitnessed;
	bool has_gap;        /* block `want` is to become a known gap */
	bool is_gap_missing; /* because no node gives it */
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
	       !tail->is_recording && !tail->has_gap && !tail->stretch.dispute &&
	       tail->stretch.count < MAX_HELD / 2 &&
	       (tail->stretch.count == 0 || shared_room_blocks(tail->shared) > 0);
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

/* Forget the search, and the votes on virtual operations. */
static void stop_search(struct tail *tail)
{
	client_drop(tail->shared->client, &tail->sink);
	tail->is_searching = false;
	tail->voting_count = 0;
}

/* Request block `num` and all blocks above it again. */
static void ask_again_from(struct tail *tail, uint32_t num)
{
	stretch_drop_from(&tail->stretch, num);
	stretch_end_vote(&tail->stretch);
	tail->must_vouch_next = false;
	tail->has_gap = false;
	tail->want = num;
	tail->missing_since_ms = 0;
	tail->missing_reason[0] = '\0';
	tail->pace.ask_at_ms = clock_now_ms();
}

/* Continue with block `num`; everything below it is decided. */
static void go_back_to(struct tail *tail, uint32_t num)
{
	ask_again_from(tail, 1);
	stretch_forget_signers(&tail->stretch);
	tail->next = tail->want = num;
	if (num > 1)
		range_add(&tail->stretch.vouched, num - 1, num - 1);
}

/* The first held block whose signer is not known to be right; 0: none. */
static uint32_t first_unsigned(const struct tail *tail)
{
	for (size_t i = 0; i < tail->stretch.count; i++)
		if (stretch_num(&tail->stretch, i) > tail->stretch.signed_num)
			return stretch_num(&tail->stretch, i);
	return 0;
}

/* Does that block wait for one above it? */
static bool is_held_up(const struct tail *tail)
{
	uint32_t num = first_unsigned(tail);

	return tail->stretch.signers && num > 0 && signers_holds_up(tail->stretch.signers, num);
}

static void doubt_node(struct tail *tail, const struct fetched *held)
{
	struct node *source = fetched_source(tail->shared, held);
	int64_t rest_ms = node_failed(source, clock_now_ms(), RPC_FAILURE_OTHER_NODE, 0);

	log_warning(
		"link_broken",
		"block %u of %s does not link to block %u as it was given; asking again, this node in %lld ms",
		held->block->num, source->label, held->block->num - 1, (long long)rest_ms);
}

/*
 * A block does not link to the newest held one.  If one node gave both, only the new block is
 * refused: the held blocks link to the stored ones, and the tail advances up to them.  Otherwise
 * either block may be wrong: take neither.  Nothing proves held blocks that wait for a known
 * signer above them: request them again too.
 */
static void refuse_newcomer(struct tail *tail, struct fetched *held)
{
	uint32_t last_num = held->block->num - 1;
	const struct fetched *last = stretch_find(&tail->stretch, last_num);
	bool is_of_another = last->source != held->source || last->pool_epoch != held->pool_epoch;

	doubt_node(tail, held);
	fetched_release(tail->shared, held);
	if (is_held_up(tail)) {
		ask_again_from(tail, first_unsigned(tail));
	} else if (is_of_another) {
		stretch_drop_from(&tail->stretch, last_num);
		tail->want = last_num;
	}
	wait_or_give_up(tail, &tail->doubted_since_ms,
			"does not link to its neighbour, as the nodes give them");
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct tail *tail = context;
	const struct fetched *last;
	struct fetched held;

	if (!tail->is_running || block->num != tail->want || tail->stretch.count == MAX_HELD ||
	    tail->has_gap || tail->is_recording || tail->stretch.dispute) {
		block_free(block);
		return;
	}
	held = fetched_hold(tail->shared, block, node);
	last = stretch_find(&tail->stretch, block->num - 1);
	if (last && !block_links(last->block, block)) {
		refuse_newcomer(tail, &held);
		return;
	}
	stretch_hold(&tail->stretch, &held);
	tail->want++;
	tail->pace.got_count++;
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
	    block->num > pool_irreversible(tail->shared->pool) ||
	    tail->stretch.count + tail->voting_count == MAX_HELD) {
		block_free(block);
	} else if (client_vouch_virtual(tail->shared->client, block, node, &tail->sink)) {
		take_block(tail, block, node);
	} else {
		tail->voting_count++;
		tail->pace.got_count++;
	}
}

/* The heads that the other nodes told last may be older than this block. */
static void poll_heads(struct tail *tail, int64_t max_age_ms)
{
	tail->heads_at_ms = clock_now_ms();
	client_poll_heads(tail->shared->client, max_age_ms);
}

/* A node says that block `want` is irreversible, but did not give it, or was not asked for it. */
static void search_everywhere(struct tail *tail)
{
	if (tail->missing_since_ms == 0)
		tail->missing_since_ms = clock_now_ms();
	tail->searched_at_ms = clock_now_ms();
	tail->is_searching = true;
	tail->search_num = tail->want;
	/*
	 * The other nodes may have the block by now, although the heads that they told last are
	 * below it.
	 */
	poll_heads(tail, HEADS_FRESH_MS);
	client_want(tail->shared->client, CLIENT_TAIL, tail->want, tail->want, 0, &tail->sink);
}

static void take_tip_end(void *context, unsigned node, const struct chain_head *head,
			 const struct error *err)
{
	struct tail *tail = context;
	int64_t now_ms = clock_now_ms();

	(void)node;
	tail->is_asking = false;
	if (!tail->is_running || tail->stretch.dispute)
		return;
	if (err) {
		(void)pace_failed(&tail->pace, rpc_failure_of(err) == RPC_FAILURE_WAIT, now_ms);
		return;
	}
	if (pace_answered(&tail->pace, head->irreversible_block >= tail->want, now_ms))
		return;
	/*
	 * A block that one node alone claims is not searched for.  A node whose claims are
	 * doubted may be right.
	 */
	if (pool_irreversible(tail->shared->pool) >= tail->want &&
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
	if (tail->stretch.commit_count == 0)
		shared_progress(
			tail->shared); /* there is nothing new, so the reader is up to date */
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
	if (tail->is_running && pace_is_alone(&tail->pace, tail->want) && may_ask(tail) &&
	    pool_irreversible(tail->shared->pool) >= tail->want)
		search_everywhere(tail);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct tail *tail = context;

	if (tail->voting_count > 0)
		tail->voting_count--;
	tail->is_searching = false;
	if (!tail->is_running || tail->stretch.dispute || num != tail->want)
		return;
	snprintf(tail->missing_reason, sizeof(tail->missing_reason), "%s", reason);
	wait_or_give_up(tail, &tail->missing_since_ms, reason);
}

/* Has any node told its head since that time? */
static bool has_living_node(const struct tail *tail, int64_t since_ms)
{
	for (unsigned i = 0; i < pool_count(tail->shared->pool); i++) {
		const struct node *node = pool_node(tail->shared->pool, i);

		if (node_is_up(node) && node->head_at_ms >= since_ms)
			return true;
	}
	return false;
}

/* The search asks node after node, and each may take the whole time-out: end it after our patience. */
static int64_t end_long_search(struct tail *tail, int64_t now_ms)
{
	int64_t since_ms =
		tail->missing_since_ms > 0 ? tail->missing_since_ms : tail->searched_at_ms;
	int64_t end_ms = since_ms + missing_patience_ms(tail);

	if (!tail->is_searching)
		return CLOCK_NEVER;
	if (now_ms < end_ms)
		return end_ms;
	if (!has_living_node(tail, since_ms))
		return CLOCK_NEVER;
	stop_search(tail);
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

static void take_vouched(void *context)
{
	struct tail *tail = context;

	tail->vouched_at_ms = clock_now_ms();
	tail->must_vouch_next = false;
	tail->disagreed_since_ms = 0;
}

/* The client has logged the node that gave it, and asks other nodes first. */
static void take_outvoted(void *context)
{
	struct tail *tail = context;

	tail->disagreed_since_ms = 0;
	ask_again_from(tail, stretch_vouched_to(&tail->stretch) + 1);
}

static struct log_limit disagree_limit = LOG_LIMIT_INIT(10000);
static struct log_limit pending_limit = LOG_LIMIT_INIT(10000);

/* Not enough nodes give the same block: perhaps they do for an earlier one. */
static void take_division(void *context, uint32_t num, unsigned version_count, const char *reason)
{
	struct tail *tail = context;
	int64_t now_ms = clock_now_ms();
	char text[200];

	tail->vouch_again_at_ms = now_ms + ASK_AGAIN_MS;
	if (num > stretch_vouched_to(&tail->stretch) + 1 && !tail->must_vouch_next) {
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
	int64_t slow_ms = tail->stretch.voting_since_ms + HEADS_SOON_FOR_MS;

	if (tail->stretch.voting_num == 0)
		return CLOCK_NEVER;
	if (now_ms < slow_ms)
		return slow_ms;
	log_limited(
		&pending_limit, LOG_LEVEL_WARNING, "vote_pending",
		"more than half of the nodes must give block %u, and some of them rest or are slow; the tail waits for them",
		tail->stretch.voting_num);
	return CLOCK_NEVER;
}

/*
 * The newest held block that most nodes can have.  If most nodes give it as well, all held
 * blocks up to it are part of the chain, because each links to the next.
 */
static void vouch(struct tail *tail, int64_t now_ms)
{
	uint32_t newest = stretch_last(&tail->stretch);
	uint32_t irreversible = pool_irreversible(tail->shared->pool);
	uint32_t num = newest < irreversible ? newest : irreversible;
	uint32_t vouched_to = stretch_vouched_to(&tail->stretch);
	const struct fetched *held;

	if (num <= vouched_to) { /* one node is ahead of the others */
		poll_heads(tail, poll_interval_ms(tail, now_ms));
		return;
	}
	if (tail->must_vouch_next)
		num = vouched_to + 1;
	held = stretch_find(&tail->stretch, num);
	if (held)
		stretch_vote(&tail->stretch, held);
}

/*
 * Does one node claim the next block, but too few others as far as known? A claim far ahead does
 * not count.
 */
static bool is_claimed(const struct tail *tail)
{
	return pool_irreversible(tail->shared->pool) < tail->want &&
	       pool_claims(tail->shared->pool, tail->want, tail->want + CLAIM_AHEAD);
}

/* When there is something to do for it. */
static int64_t vouch_at_ms(const struct tail *tail, int64_t now_ms)
{
	if (pool_irreversible(tail->shared->pool) <= stretch_vouched_to(&tail->stretch))
		return tail->heads_at_ms + poll_interval_ms(tail, now_ms);
	return tail->vouch_again_at_ms;
}

static int64_t vouch_in_time(struct tail *tail, int64_t now_ms)
{
	if (tail->stretch.dispute || !stretch_needs_vote(&tail->stretch))
		return CLOCK_NEVER;
	if (now_ms < vouch_at_ms(tail, now_ms))
		return vouch_at_ms(tail, now_ms);
	vouch(tail, now_ms);
	return now_ms;
}

/* Witnesses that built on the held blocks. */

/* How many of the first `good` blocks have enough witnesses built on? */
static size_t count_settled(const struct tail *tail, size_t good)
{
	const struct lineage *lineage = tail->shared->lineage;
	uint32_t to = lineage_settled(lineage, tail->stretch.held[0].block);
	size_t count = 0;

	while (count < good && stretch_num(&tail->stretch, count) <= to &&
	       lineage_has(lineage, tail->stretch.held[count].block))
		count++;
	return count;
}

static int64_t wait_for_witnesses(struct tail *tail, int64_t now_ms)
{
	uint32_t num = stretch_num(&tail->stretch, 0);

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
static size_t check_witnesses(struct tail *tail, size_t good, int64_t now_ms, int64_t *due_ms)
{
	size_t settled;

	*due_ms = CLOCK_NEVER;
	if (!tail->shared->lineage || good == 0) {
		tail->unsettled_since_ms = 0;
		return good;
	}
	settled = count_settled(tail, good);
	if (settled > 0) {
		tail->unsettled_since_ms = 0;
		tail->is_unwitnessed = false;
		return settled;
	}
	if (!tail->is_unwitnessed)
		*due_ms = wait_for_witnesses(tail, now_ms);
	return tail->is_unwitnessed ? good : 0;
}

/* What became of the blocks. */

static void take_stored(void *context, uint32_t num)
{
	struct tail *tail = context;

	if (num != tail->next)
		return;
	tail->next = num + 1;
	tail->doubted_since_ms = 0;
	tail->disagreed_since_ms = 0;
}

/* Blocks of a commit behind one that was not stored come again with it. */
static void take_again(void *context, uint32_t first, uint32_t last)
{
	struct tail *tail = context;

	(void)last;
	if (first == tail->next)
		go_back_to(tail, first);
}

static void take_unstorable(void *context, uint32_t num, const char *reason)
{
	struct tail *tail = context;

	if (num != tail->next)
		return;
	go_back_to(tail, num);
	make_gap(tail, reason, false);
}

/*
 * Block `num` contradicted a stored one. The tail does not pass it only because of nodes that may
 * be wrong.
 */
static void take_decision(void *context, uint32_t num, enum dispute_end end, const char *reason)
{
	struct tail *tail = context;

	if (num != tail->next) /* it is stored, and its neighbour was in doubt */
		return;
	if (end != DISPUTE_OPEN && tail->stretch.is_other_stored)
		go_back_to(tail, num + 1); /* the stored row stays until it is repaired */
	else if (end == DISPUTE_TABLE)
		make_gap(tail, reason, false);
	else
		tail->pace.ask_at_ms = clock_now_ms() + ASK_AGAIN_MS;
}

/* It never becomes a gap, however long it takes. */
static void take_unsigned(void *context, size_t at, bool is_false)
{
	struct tail *tail = context;

	(void)is_false;
	ask_again_from(tail, stretch_num(&tail->stretch, at));
	stretch_forget_signers(&tail->stretch);
	tail->pace.ask_at_ms = clock_now_ms() + ASK_AGAIN_MS;
}

static const struct stretch_owner owner = {
	.stored = take_stored,
	.again = take_again,
	.unstorable = take_unstorable,
	.decided = take_decision,
	.vouched = take_vouched,
	.outvoted = take_outvoted,
	.divided = take_division,
	.not_signed = take_unsigned,
};

/* Commit what passes all checks.  Returns when to call it again. */
static int64_t commit_held(struct tail *tail, int64_t now_ms)
{
	int64_t signers_ms, witnesses_ms;
	size_t good;

	if (tail->stretch.dispute)
		return CLOCK_NEVER;
	good = stretch_judge(&tail->stretch, now_ms, &signers_ms);
	good = check_witnesses(tail, good, now_ms, &witnesses_ms);
	(void)stretch_commit(&tail->stretch, good, 0, now_ms);
	return sooner(signers_ms, witnesses_ms);
}

/* Gaps. */

static void gap_recorded(void *context, uint32_t last)
{
	struct tail *tail = context;

	tail->is_recording = false;
	tail->doubted_since_ms = 0;
	tail->disagreed_since_ms = 0;
	/* The next block may be as bad as this one. */
	tail->pace.alone_to = max_u32(tail->pace.alone_to, last + 1);
	go_back_to(tail, last + 1);
}

/*
 * The tail waits for each missing block in turn.  So if several blocks in a row are missing, the
 * second gap takes two blocks, the third four.  At the same time, the replay fetches the good
 * ones among them.
 */
static uint32_t last_to_leave(const struct tail *tail)
{
	uint32_t irreversible = pool_irreversible(tail->shared->pool);
	uint32_t room = irreversible > tail->want ? irreversible - tail->want : 0;
	uint32_t more = tail->leave_count - 1;

	return tail->want + (more < room ? more : room);
}

/*
 * The first held block waits for a known signer above it, but the block above is about to become
 * a gap.  So both become gaps; the lower one can be stored once the upper one is.
 */
static void give_up_held(struct tail *tail)
{
	char reason[sizeof(tail->gap_reason)];

	snprintf(
		reason, sizeof(reason),
		"no block signed with a known key links to it, and the next one cannot be had: %.100s",
		tail->gap_reason);
	take_unsigned(tail, 0, false);
	make_gap(tail, reason, false);
}

static void leave_gap(struct tail *tail)
{
	uint32_t last = tail->is_gap_missing ? last_to_leave(tail) : tail->want;

	if (tail->is_gap_missing && tail->leave_count < LEAVE_MAX)
		tail->leave_count *= 2;
	tail->has_gap = false;
	tail->is_recording = true;
	record_gap(tail->shared, tail->want, last, tail->gap_reason, gap_recorded, tail);
}

/* Public functions. */

/*
 * If the head is followed, its answers also tell what is irreversible.  So the tail need not ask
 * before the next block is known, unless nothing is heard for long.  Once it is known, the tail
 * asks at once.
 */
static int64_t ask_at_ms(const struct tail *tail)
{
	bool is_told = tail->shared->config.follow == READER_FOLLOW_HEAD;
	uint32_t irreversible = pool_irreversible(tail->shared->pool);

	if (irreversible >= tail->want && irreversible > tail->asked_irreversible)
		return 0;
	if (!is_told || irreversible >= tail->want)
		return tail->pace.ask_at_ms;
	return tail->pace.ask_at_ms + tail->pace.interval_ms;
}

static int64_t ask_in_time(struct tail *tail, int64_t now_ms)
{
	uint32_t room = MAX_HELD - (uint32_t)tail->stretch.count;
	unsigned count = 0;

	if (!may_ask(tail))
		return CLOCK_NEVER;
	if (now_ms < ask_at_ms(tail))
		return ask_at_ms(tail);
	tail->asked_irreversible = pool_irreversible(tail->shared->pool);
	if (!pace_is_alone(&tail->pace, tail->want))
		count = pace_count(tail->want, tail->asked_irreversible,
				   min_u32(tail->shared->config.batch_size, room));
	tail->is_asking = client_ask_tip(tail->shared->client, tail->want, count, &tail->tip_sink);
	pace_asked(&tail->pace, tail->is_asking, tail->want, count, now_ms);
	return now_ms;
}

struct tail *tail_new(struct shared *shared)
{
	struct tail *tail = xcalloc(1, sizeof(*tail));

	tail->shared = shared;
	tail->sink = (struct client_sink){.context = tail,
					  .is_virtual = shared->config.filter->virtual_operations,
					  .given = take_search,
					  .refused = take_refusal};
	stretch_init(&tail->stretch, shared, &owner, tail);
	if (shared->config.proof == READER_PROOF_SIGNED)
		tail->stretch.signers = signers_new(shared, false);
	tail->tip_sink =
		(struct client_tip_sink){.context = tail,
					 .is_virtual = shared->config.filter->virtual_operations,
					 .given = take_tip,
					 .done = take_tip_end};
	return tail;
}

void tail_free(struct tail *tail)
{
	if (!tail)
		return;
	tail_stop(tail);
	stretch_release(&tail->stretch);
	free(tail);
}

void tail_start(struct tail *tail, uint32_t first)
{
	tail->is_running = true;
	tail->stretch.is_ending = false;
	tail->doubted_since_ms = 0;
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
	if (tail->is_searching && tail->search_num != tail->want) /* the tail went back */
		stop_search(tail);
	due_ms = vouch_in_time(tail, now_ms);
	due_ms = sooner(due_ms, commit_held(tail, now_ms));
	if (is_claimed(tail))
		due_ms = sooner(due_ms, poll_in_time(tail, poll_interval_ms(tail, now_ms), now_ms));
	due_ms = sooner(due_ms, tell_slow_vote(tail, now_ms));
	due_ms = sooner(due_ms, end_long_search(tail, now_ms));
	if (tail->is_searching)
		due_ms = sooner(due_ms, poll_in_time(tail, HEADS_FRESH_MS, now_ms));
	if (tail->has_gap && tail->stretch.commit_count == 0 && !tail->is_recording &&
	    is_held_up(tail) && first_unsigned(tail) == stretch_num(&tail->stretch, 0))
		give_up_held(tail);
	/* Everything below must be decided first, or it would be recorded as missing too. */
	if (tail->has_gap && tail->stretch.commit_count == 0 && !tail->is_recording &&
	    tail->stretch.count == 0)
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
	tail->stretch.is_ending = true;
	stretch_drop(&tail->stretch, 0, tail->stretch.count);
	stop_search(tail);
	stretch_end_vote(&tail->stretch);
	stretch_end_dispute(&tail->stretch);
}

bool tail_is_idle(const struct tail *tail)
{
	return !tail->is_running && tail->stretch.commit_count == 0 && !tail->is_recording;
}
