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
#include "sync/built_on.h"
#include "sync/executor.h"
#include "sync/fetched.h"
#include "sync/filter.h"
#include "sync/pace.h"
#include "sync/record_gap.h"
#include "sync/signers.h"
#include "sync/stretch.h"

/* The tail waits this long for a block that no node gives; then the block becomes a gap. */
#define PATIENCE_MS 30000
/* The same for the block after such a gap. */
#define NEIGHBOUR_PATIENCE_MS 15000
#define MAX_GAP_BLOCKS        32 /* the most blocks that become one gap */
#define ASK_AGAIN_MS          1000
#define ASK_SOON_MS           100 /* the first retry, if a node has the block and did not give it */
/* All nodes are asked for their heads, unless they told them within this time. */
#define HEADS_FRESH_MS 1000
/*
 * After this many requests in a row without a new block, all nodes are asked for their heads: the
 * node that was asked may be stuck.
 */
#define LATE_LIMIT 3
/* A node that claims the next block, and at most this many more, may just be a little faster. */
#define CLAIM_AHEAD 30
/*
 * While blocks wait because one node has them before the others, all nodes are asked for their
 * heads: often at first, less often later.
 */
#define HEADS_SOON_MS     500
#define HEADS_SOON_FOR_MS 6000
#define HEADS_LATER_MS    2000
#define SEARCH_AGAIN_MS   3000
#define MAX_HELD          256

struct tail {
	struct shared *shared;
	bool is_running;
	uint32_t next; /* everything below it is decided */
	uint32_t want; /* next to arrive: `next` plus the blocks in the commit and the held ones */
	struct stretch stretch; /* the arrived blocks, without a hole, up to want - 1 */
	/* since when blocks contradict stored ones, or each other; 0: they do not */
	int64_t doubted_since_ms;
	/* The tip request. */
	struct pace pace;
	bool is_asking;              /* it is under way */
	uint32_t asked_irreversible; /* the irreversible block known when it was sent */
	struct client_tip_sink tip_sink;
	int64_t heads_at_ms; /* when all nodes were last asked for their heads */
	/* The search for a block that the tip request did not bring. */
	uint32_t search_num; /* all nodes are being asked for it, usually `want`; 0: no search */
	int64_t searched_at_ms;
	struct client_sink sink; /* of the search, and of votes on virtual operations */
	unsigned list_votes;     /* how many blocks, from `want` on, have such a vote under way */
	/* Block `want` while no node gives it. */
	int64_t missing_since_ms; /* 0: it was not missed yet */
	char missing_reason[200]; /* why it was refused last, or "" */
	/* The vote on the held blocks. */
	int64_t vouched_at_ms;      /* when most nodes last gave one */
	int64_t vote_at_ms;         /* when the next vote may start */
	bool must_vote_next;        /* no agreement about a later block: vote on block `next` */
	int64_t disagreed_since_ms; /* about block `next`; 0: the nodes agree */
	struct built_on built_on;   /* used if shared->lineage knows the witnesses */
	/* The gap. */
	bool has_gap;        /* block `want` is to become a known gap */
	bool is_gap_missing; /* because no node gives it */
	char gap_reason[200];
	bool is_recording; /* it is being written into the table */
	/*
	 * How many blocks become a gap when `want` is missing: doubles each time, 1 again after
	 * a block arrived.
	 */
	uint32_t gap_blocks;
};

/* Arrival of blocks. */

static bool may_ask(const struct tail *tail)
{
	return !tail->is_asking && tail->search_num == 0 && tail->list_votes == 0 &&
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
	return tail->gap_blocks > 1 ? NEIGHBOUR_PATIENCE_MS : PATIENCE_MS;
}

/* No node gives block `want`. Another one may get it, but the tail does not wait for ever. */
static void wait_for_missing(struct tail *tail, const char *reason)
{
	int64_t now_ms = clock_now_ms();
	int64_t waited_ms;

	if (tail->missing_since_ms == 0)
		tail->missing_since_ms = now_ms;
	waited_ms = now_ms - tail->missing_since_ms;
	if (waited_ms > missing_patience_ms(tail))
		make_gap(tail, reason, true);
	tail->pace.ask_at_ms = now_ms + min_i64(max_i64(waited_ms, ASK_SOON_MS), ASK_AGAIN_MS);
}

/* Forget the search, and the votes on virtual operations. */
static void stop_search(struct tail *tail)
{
	client_drop(tail->shared->client, &tail->sink);
	tail->search_num = 0;
	tail->list_votes = 0;
}

/* Request block `num` and all blocks above it again. */
static void ask_again_from(struct tail *tail, uint32_t num)
{
	stretch_drop_from(&tail->stretch, num);
	stretch_end_vote(&tail->stretch);
	tail->must_vote_next = false;
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

/*
 * The first held block whose signer is not known to be right, if it waits for a block above it that
 * is signed with a known key; 0: no block waits.
 */
static uint32_t held_up_num(const struct tail *tail)
{
	const struct stretch *stretch = &tail->stretch;

	for (size_t i = 0; stretch->signers && i < stretch->count; i++) {
		uint32_t num = stretch_num(stretch, i);

		if (num > stretch->signed_num)
			return signers_holds_up(stretch->signers, num) ? num : 0;
	}
	return 0;
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
	uint32_t last_num = held->block->num - 1, held_up = held_up_num(tail);
	const struct fetched *last = stretch_find(&tail->stretch, last_num);
	bool is_of_another = last->source != held->source || last->pool_epoch != held->pool_epoch;
	int64_t now_ms = clock_now_ms();

	doubt_node(tail, held);
	fetched_release(tail->shared, held);
	if (held_up > 0) {
		ask_again_from(tail, held_up);
	} else if (is_of_another) {
		stretch_drop_from(&tail->stretch, last_num);
		tail->want = last_num;
	}
	if (tail->doubted_since_ms == 0)
		tail->doubted_since_ms = now_ms;
	if (now_ms - tail->doubted_since_ms > PATIENCE_MS)
		make_gap(tail, "does not link to its neighbour, as the nodes give them", false);
	tail->pace.ask_at_ms = now_ms + ASK_AGAIN_MS;
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
	tail->gap_blocks = 1;
	tail->missing_since_ms = 0;
	tail->missing_reason[0] = '\0';
}

/*
 * A block from a tip request.  If virtual operations are stored, it is taken when most nodes give
 * the same list of them.
 */
static void take_tip(void *context, struct block *block, unsigned node)
{
	struct tail *tail = context;

	if (!tail->tip_sink.is_virtual) {
		take_block(tail, block, node);
		return;
	}
	/* While only one node has the block, the others cannot vote on its list. */
	if (!tail->is_running || block->num != tail->want + tail->list_votes ||
	    block->num > pool_irreversible(tail->shared->pool) ||
	    tail->stretch.count + tail->list_votes == MAX_HELD) {
		block_free(block);
	} else if (client_vote_virtual(tail->shared->client, block, node, &tail->sink)) {
		take_block(tail, block, node);
	} else {
		tail->list_votes++;
		tail->pace.got_count++;
	}
}

/* Nodes that have block `want` by now may have told their heads before they got it. */
static void poll_heads(struct tail *tail, int64_t max_age_ms)
{
	tail->heads_at_ms = clock_now_ms();
	client_poll_heads(tail->shared->client, max_age_ms);
}

/* Block `want` is irreversible, but the tip request did not bring it: ask all nodes. */
static void search_everywhere(struct tail *tail)
{
	if (tail->missing_since_ms == 0)
		tail->missing_since_ms = clock_now_ms();
	tail->searched_at_ms = clock_now_ms();
	tail->search_num = tail->want;
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
	/* A block that only one node claims is not searched for. */
	if (pool_irreversible(tail->shared->pool) >= tail->want &&
	    (head->irreversible_block >= tail->want ||
	     now_ms - tail->searched_at_ms >= SEARCH_AGAIN_MS)) {
		search_everywhere(tail);
		return;
	}
	pace_late(&tail->pace, now_ms);
	if (head->irreversible_block >= tail->want || tail->pace.late_count >= LATE_LIMIT)
		poll_heads(tail, HEADS_FRESH_MS);
	if (tail->stretch.commit_count == 0) /* the reader is up to date: there is nothing new */
		shared_progress(tail->shared);
}

static void take_search(void *context, struct block *block, unsigned node)
{
	struct tail *tail = context;

	if (tail->list_votes > 0) {
		tail->list_votes--;
		take_block(tail, block, node);
		return;
	}
	tail->search_num = 0;
	take_block(tail, block, node);
	tail->pace.ask_at_ms = clock_now_ms();
	if (tail->is_running && pace_is_alone(&tail->pace, tail->want) && may_ask(tail) &&
	    pool_irreversible(tail->shared->pool) >= tail->want)
		search_everywhere(tail);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct tail *tail = context;

	if (tail->list_votes > 0)
		tail->list_votes--;
	tail->search_num = 0;
	if (!tail->is_running || tail->stretch.dispute || num != tail->want)
		return;
	snprintf(tail->missing_reason, sizeof(tail->missing_reason), "%s", reason);
	wait_for_missing(tail, reason);
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

/*
 * A search asks one node after the other, and each may take the whole time-out.  If nodes are
 * alive, the tail does not wait for all of them.
 */
static int64_t end_long_search(struct tail *tail, int64_t now_ms)
{
	int64_t since_ms =
		tail->missing_since_ms > 0 ? tail->missing_since_ms : tail->searched_at_ms;
	int64_t end_ms = since_ms + missing_patience_ms(tail);

	if (tail->search_num == 0)
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

/* Votes about the held blocks. */

static void take_vouched(void *context)
{
	struct tail *tail = context;

	tail->vouched_at_ms = clock_now_ms();
	tail->must_vote_next = false;
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

/* No version of the block has a majority. Perhaps an earlier block has: vote on that one next. */
static void take_division(void *context, uint32_t num, unsigned version_count, const char *reason)
{
	struct tail *tail = context;
	int64_t now_ms = clock_now_ms();
	char text[200];

	tail->vote_at_ms = now_ms + ASK_AGAIN_MS;
	if (num > stretch_vouched_to(&tail->stretch) + 1 && !tail->must_vote_next) {
		tail->must_vote_next = true;
		tail->vote_at_ms = now_ms;
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

/* A vote waits for nodes that rest, so it may take long. */
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
 * Put the newest held block to the vote that most nodes can have.  If most nodes give it as well,
 * all held blocks up to it are part of the chain, because each links to the next.
 */
static int64_t vote_in_time(struct tail *tail, int64_t now_ms)
{
	struct stretch *stretch = &tail->stretch;
	uint32_t irreversible = pool_irreversible(tail->shared->pool);
	uint32_t vouched_to = stretch_vouched_to(stretch);
	uint32_t num = min_u32(stretch_last(stretch), irreversible);

	if (stretch->dispute || !stretch_needs_vote(stretch))
		return CLOCK_NEVER;
	if (irreversible <= vouched_to) /* one node is ahead of the others: see poll_in_time() */
		return CLOCK_NEVER;
	if (now_ms < tail->vote_at_ms)
		return tail->vote_at_ms;
	if (tail->must_vote_next)
		num = vouched_to + 1;
	stretch_vote(stretch, stretch_find(stretch, num));
	return now_ms;
}

/* Heads of the nodes. */

/* Is a node ahead of the others: does it claim `want`, or did it give a block that they lack? */
static bool has_node_ahead(const struct tail *tail)
{
	const struct pool *pool = tail->shared->pool;
	uint32_t irreversible = pool_irreversible(pool);

	/* a claim far ahead does not count */
	if (irreversible < tail->want && pool_claims(pool, tail->want, tail->want + CLAIM_AHEAD))
		return true;
	return !tail->stretch.dispute && stretch_needs_vote(&tail->stretch) &&
	       irreversible <= stretch_vouched_to(&tail->stretch);
}

/* How often to ask all nodes for their heads now; CLOCK_NEVER: the tip requests are enough. */
static int64_t poll_interval_ms(const struct tail *tail, int64_t now_ms)
{
	int64_t search_ms = tail->search_num > 0 ? HEADS_FRESH_MS : CLOCK_NEVER;

	if (!has_node_ahead(tail))
		return search_ms;
	return min_i64(search_ms, now_ms - tail->vouched_at_ms < HEADS_SOON_FOR_MS
					  ? HEADS_SOON_MS
					  : HEADS_LATER_MS);
}

static int64_t poll_in_time(struct tail *tail, int64_t now_ms)
{
	int64_t interval_ms = poll_interval_ms(tail, now_ms);

	if (interval_ms == CLOCK_NEVER)
		return CLOCK_NEVER;
	if (now_ms < tail->heads_at_ms + interval_ms)
		return tail->heads_at_ms + interval_ms;
	poll_heads(tail, interval_ms);
	return now_ms;
}

/* Outcomes of commits and disputes. */

static void take_stored(void *context, uint32_t num)
{
	struct tail *tail = context;

	if (num != tail->next)
		return;
	tail->next = num + 1;
	tail->doubted_since_ms = 0;
	tail->disagreed_since_ms = 0;
}

/* After the first block that was not stored, the others of its commit are requested again too. */
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
 * Block `num` contradicted a stored one.  It becomes a gap only if the table is doubted; if the
 * nodes are, the tail waits until they give another block.
 */
static void take_decision(void *context, uint32_t num, enum dispute_end end, const char *reason)
{
	struct tail *tail = context;

	if (num != tail->next) /* it is stored, and its neighbour was in doubt */
		return;
	if (end != DISPUTE_OPEN && tail->stretch.is_other_stored)
		go_back_to(tail,
			   num + 1); /* its number has a row, which stays until it is repaired */
	else if (end == DISPUTE_TABLE)
		make_gap(tail, reason, false);
	else
		tail->pace.ask_at_ms = clock_now_ms() + ASK_AGAIN_MS;
}

/* The tail waits for the right block, however long it takes: this one never becomes a gap. */
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
	int64_t signers_ms, witnesses_ms = CLOCK_NEVER;
	size_t good;

	if (tail->stretch.dispute)
		return CLOCK_NEVER;
	good = stretch_judge(&tail->stretch, now_ms, &signers_ms);
	if (tail->shared->lineage)
		good = built_on_count(&tail->built_on, tail->shared->lineage, tail->stretch.held,
				      good, now_ms, &witnesses_ms);
	return sooner(sooner(signers_ms, witnesses_ms),
		      stretch_commit(&tail->stretch, good, 0, now_ms));
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
static uint32_t last_of_gap(const struct tail *tail)
{
	uint32_t irreversible = pool_irreversible(tail->shared->pool);
	uint32_t room = irreversible > tail->want ? irreversible - tail->want : 0;
	uint32_t more = tail->gap_blocks - 1;

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

/* Everything below the gap must be decided first, or it would be recorded as missing too. */
static void begin_recording(struct tail *tail)
{
	uint32_t last;

	if (!tail->has_gap || tail->is_recording || tail->stretch.commit_count > 0)
		return;
	if (tail->stretch.count > 0 && held_up_num(tail) == stretch_num(&tail->stretch, 0))
		give_up_held(tail);
	if (tail->stretch.count > 0)
		return;
	last = tail->is_gap_missing ? last_of_gap(tail) : tail->want;
	if (tail->is_gap_missing && tail->gap_blocks < MAX_GAP_BLOCKS)
		tail->gap_blocks *= 2;
	tail->has_gap = false;
	tail->is_recording = true;
	record_gap(tail->shared, tail->want, last, tail->gap_reason, gap_recorded, tail);
}

/* Requests. */

/*
 * If the head is followed, its answers also tell which block is irreversible.  So the tail asks as
 * soon as `want` is, and before that only if nothing is heard for long.
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

/* Public functions. */

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
	tail->gap_blocks = 1;
	tail->disagreed_since_ms = 0;
	tail->vote_at_ms = 0;
	tail->built_on = (struct built_on){.few_since_ms = 0};
	go_back_to(tail, first);
	pace_init(&tail->pace, clock_now_ms());
}

int64_t tail_step(struct tail *tail, int64_t now_ms)
{
	int64_t due_ms;

	if (!tail->is_running)
		return CLOCK_NEVER;
	if (tail->search_num > 0 && tail->search_num != tail->want) /* the tail went back */
		stop_search(tail);
	due_ms = vote_in_time(tail, now_ms);
	due_ms = sooner(due_ms, commit_held(tail, now_ms));
	due_ms = sooner(due_ms, tell_slow_vote(tail, now_ms));
	due_ms = sooner(due_ms, end_long_search(tail, now_ms));
	due_ms = sooner(due_ms, poll_in_time(tail, now_ms));
	begin_recording(tail);
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
