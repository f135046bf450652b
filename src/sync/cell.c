/* SPDX-License-Identifier: MIT */
#include "sync/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "sync/anchors.h"
#include "sync/commit.h"
#include "sync/executor.h"
#include "sync/fetched.h"
#include "sync/filter.h"
#include "sync/release_claim.h"
#include "sync/stretch.h"

#define MAX_HELD_MS 1000 /* how long a block waits for others to be committed with */
/* Less than the lease of a claim: other readers must not wait for a reader without nodes. */
#define STUCK_MS 20000
/* Every fiftieth block is put to the vote, so that those below it can be committed. */
#define VOTE_BLOCKS 50

struct cell {
	struct shared *shared;
	struct claim claim;
	struct stretch stretch;
	bool is_given_up;
	bool is_releasing;
	bool is_done;
	/* Blocks of the claim; the stretch has those that arrived. */
	struct range_set unasked; /* to be requested */
	size_t wanted_count;      /* requested, and not answered yet */
	struct range_set to_vote; /* to be put to the vote, because no block above binds them */
	struct range_set divided; /* the vote had no majority; a block above may still bind them */
	struct range_set
		barred; /* not to be stored: they link to a block that is not the chain's */
	struct range_set failed; /* given up in this pass */
	char reason[200];        /* why the last of them was */
	unsigned filled_count;
	int64_t moved_at_ms; /* when something was last decided about one of its blocks */
	struct client_sink sink;
	struct client_sink vote_sink;
};

static bool is_rewrite(const struct cell *cell)
{
	return cell->stretch.rewrite != LEDGER_KEEP;
}

/* Arrival of blocks. */

static void fail_block(struct cell *cell, uint32_t num, const char *reason)
{
	range_add(&cell->failed, num, num);
	range_remove(&cell->unasked, num, num);
	range_remove(&cell->stretch.undecided, num, num);
	snprintf(cell->reason, sizeof(cell->reason), "%s", reason);
}

static void fail_undecided(struct cell *cell)
{
	range_add_set(&cell->failed, &cell->stretch.undecided);
	snprintf(cell->reason, sizeof(cell->reason), "no node gave it for %d s", STUCK_MS / 1000);
}

/* Request these blocks (again). */
static void ask_again(void *context, uint32_t first, uint32_t last)
{
	struct cell *cell = context;

	range_add(&cell->unasked, first, last);
	range_add(&cell->stretch.undecided, first, last);
}

/* One requested block less: it came, or it will not come. */
static void note_answer(struct cell *cell)
{
	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct cell *cell = context;
	struct fetched held = fetched_hold(cell->shared, block, node);
	const uint8_t *named = claim_named_id(&cell->claim, block->num);

	note_answer(cell);
	if (named && block_id_equal(named, block->id)) {
		range_add(&cell->stretch.vouched, block->num, block->num);
	} else if (named && !range_contains(&cell->stretch.vouched, block->num)) {
		/* Either the node or the row is wrong: see what the other nodes give. */
		range_add(&cell->to_vote, block->num, block->num);
		range_add(&cell->unasked, block->num, block->num);
		fetched_release(cell->shared, &held);
		return;
	}
	if (!range_contains(&cell->barred, block->num)) {
		range_remove(&cell->stretch.undecided, block->num, block->num);
		stretch_hold(&cell->stretch, &held);
		return;
	}
	fail_block(cell, block->num, "it links to a block that is not the chain's");
	fetched_release(cell->shared, &held);
}

static void take_vouched(void *context, struct block *block, unsigned node)
{
	struct cell *cell = context;

	range_add(&cell->stretch.vouched, block->num, block->num);
	take_block(cell, block, node);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct cell *cell = context;

	note_answer(cell);
	fail_block(cell, num, reason);
	log_debug("block_missing", "block %u: %s; it is tried again", num, reason);
}

/*
 * The nodes give different versions of this block. If the block above arrives, it tells which
 * one is right.
 */
static void take_division(void *context, uint32_t num, unsigned version_count, const char *reason)
{
	struct cell *cell = context;

	(void)version_count;
	if (!range_contains(&cell->claim.missing, num + 1) ||
	    range_contains(&cell->failed, num + 1) || range_contains(&cell->to_vote, num)) {
		take_refusal(cell, num, reason);
		return;
	}
	note_answer(cell);
	range_add(&cell->divided, num, num);
	range_add(&cell->unasked, num, num);
}

/* Outcomes of commits and disputes. */

static void commit_ended(void *context, struct commit *commit, bool is_done)
{
	struct cell *cell = context;

	(void)commit;
	cell->moved_at_ms = clock_now_ms();
	if (!is_done)
		cell_give_up(cell);
}

static void take_stored(void *context, uint32_t num)
{
	struct cell *cell = context;

	(void)num;
	cell->filled_count++;
}

static void take_unstorable(void *context, uint32_t num, const char *reason)
{
	fail_block(context, num, reason);
}

static void take_unlinked(void *context, uint32_t first, uint32_t last, const char *reason)
{
	ask_again(context, first, last);
	if (reason)
		fail_block(context, last, reason);
}

/*
 * Nothing of the stretch from block `num` on may be stored: it links to a block that is not part
 * of the chain.
 */
static void fail_stretch(struct cell *cell, uint32_t num, const char *reason)
{
	for (; range_contains(&cell->claim.missing, num); num++) {
		struct fetched *held = stretch_find(&cell->stretch, num);

		range_add(&cell->barred, num, num);
		if (held)
			stretch_drop(&cell->stretch, (size_t)(held - cell->stretch.held), 1);
		if (held || range_contains(&cell->unasked, num))
			fail_block(cell, num, reason);
	}
}

static void take_decision(void *context, uint32_t num, enum dispute_end end, const char *reason)
{
	struct cell *cell = context;

	cell->moved_at_ms = clock_now_ms();
	if (cell->stretch.is_other_stored) { /* no block is missing here */
		range_remove(&cell->unasked, num, num);
		range_remove(&cell->stretch.undecided, num, num);
	} else {
		fail_block(cell, num, reason);
	}
	if (end != DISPUTE_TABLE)
		fail_stretch(cell, num + 1, reason);
}

static const struct stretch_owner owner = {
	.ended = commit_ended,
	.stored = take_stored,
	.again = ask_again,
	.unstorable = take_unstorable,
	.decided = take_decision,
	.unlinked = take_unlinked,
};

static bool all_arrived(const struct cell *cell)
{
	return cell->wanted_count == 0 && (cell->unasked.count == 0 || cell->is_given_up);
}

/* Drop held[at], and request it again. */
static void fetch_again(struct cell *cell, size_t at)
{
	uint32_t num = stretch_num(&cell->stretch, at);

	range_remove(&cell->stretch.vouched, num, num);
	stretch_drop(&cell->stretch, at, 1);
	ask_again(cell, num, num);
}

/* If the block above a held one will not come, nothing binds it: put it to the vote, or drop it. */
static void vote_on_tops(struct cell *cell)
{
	struct stretch *stretch = &cell->stretch;

	for (size_t at = stretch_eligible(stretch); at-- > 0;) {
		uint32_t num = stretch_num(stretch, at);

		if (stretch_has_next(stretch, at) || range_contains(&stretch->undecided, num + 1) ||
		    range_contains(&stretch->vouched, num))
			continue;
		if (!cell->is_given_up)
			range_add(&cell->to_vote, num, num);
		fetch_again(cell, at);
	}
}

/* How many of the held blocks may be committed, if their links are right. */
static size_t good_count(struct cell *cell)
{
	int64_t never_ms;

	return stretch_judge(&cell->stretch, 0, &never_ms);
}

/* Returns when blocks that wait for company are committed without it. */
static int64_t commit_held(struct cell *cell, int64_t now_ms)
{
	struct stretch *stretch = &cell->stretch;

	do {
		if (!is_rewrite(cell))
			vote_on_tops(cell);
	} while (!stretch_check_links(stretch));
	return stretch_commit(stretch, good_count(cell), all_arrived(cell) ? 0 : MAX_HELD_MS,
			      now_ms);
}

static bool needs_vote(const struct cell *cell, uint32_t num)
{
	if (is_rewrite(cell))
		return false;
	if (range_contains(&cell->to_vote, num))
		return true;
	if (!range_contains(&cell->claim.missing, num + 1))
		return !claim_named_id(&cell->claim, num);
	return num % VOTE_BLOCKS == VOTE_BLOCKS - 1 && !range_contains(&cell->divided, num);
}

/* Does memory have no room for the block that is to be put to the vote next? */
static bool is_full_of_unbound(const struct cell *cell)
{
	return cell->wanted_count == 0 && cell->stretch.commit_count == 0 &&
	       cell->unasked.count > 0 && stretch_bound(&cell->stretch) == 0;
}

/* Put the highest eligible block to the vote instead. */
static void make_room(struct cell *cell)
{
	size_t eligible = stretch_eligible(&cell->stretch);
	uint32_t num;

	if (eligible == 0)
		return;
	num = stretch_num(&cell->stretch, eligible - 1);
	range_add(&cell->to_vote, num, num);
	fetch_again(cell, eligible - 1);
}

static void ask_for_more(struct cell *cell)
{
	size_t limit =
		2 * (size_t)cell->shared->config.connections * cell->shared->config.batch_size;
	size_t room = shared_room_blocks(cell->shared);
	size_t wanted = client_wanted_count(cell->shared->client);

	if (wanted >= limit || cell->stretch.dispute)
		return;
	if (room > limit - wanted)
		room = limit - wanted;
	if (room == 0 && is_full_of_unbound(cell)) {
		make_room(cell);
		room = 1;
	}
	for (; room > 0 && cell->unasked.count > 0; room--) {
		uint32_t num = range_first(&cell->unasked);

		range_remove(&cell->unasked, num, num);
		cell->wanted_count++;
		client_want(cell->shared->client, CLIENT_REPLAY, num, num,
			    stretch_not_from(&cell->stretch, num),
			    needs_vote(cell, num) ? &cell->vote_sink : &cell->sink);
	}
}

static struct log_limit unbound_limit = LOG_LIMIT_INIT(10000);

/* Nothing binds the first `count` held blocks: they stay gaps, until blocks above are stored. */
static void fail_unbound(struct cell *cell, size_t count)
{
	struct stretch *stretch = &cell->stretch;

	log_limited(
		&unbound_limit, LOG_LEVEL_WARNING, "key_unknown",
		"blocks %u..%u, as the nodes give them, are not stored: no block signed with a known key links to them yet; they are tried again",
		stretch_num(stretch, 0), stretch_num(stretch, count - 1));
	for (size_t i = 0; i < count; i++)
		fail_block(cell, stretch_num(stretch, i),
			   "no block signed with a known key links to it yet");
	stretch_drop(stretch, 0, count);
	cell->moved_at_ms = clock_now_ms();
}

/* Does memory have no room for more blocks, although no other blocks are on their way? */
static bool is_out_of_room(const struct cell *cell)
{
	return shared_room_blocks(cell->shared) == 0 &&
	       client_wanted_count(cell->shared->client) == 0;
}

/* Blocks are held, and nothing else will come that could bind the lowest ones. */
static bool is_held_up(struct cell *cell)
{
	return cell->stretch.anchors && !cell->is_given_up && !cell->stretch.dispute &&
	       cell->stretch.commit_count == 0 && cell->wanted_count == 0 &&
	       (cell->unasked.count == 0 || is_out_of_room(cell)) &&
	       stretch_bound(&cell->stretch) > 0 && good_count(cell) == 0;
}

/* Have the lowest blocks bound by blocks above the cell, or give them up. */
static int64_t look_above(struct cell *cell, int64_t now_ms)
{
	struct stretch *stretch = &cell->stretch;
	size_t bound, count = 1;
	int64_t due_ms;

	if (!is_held_up(cell))
		return CLOCK_NEVER;
	bound = stretch_bound(stretch);
	while (count < bound && stretch_has_next(stretch, count - 1))
		count++;
	switch (anchors_look_above(stretch->anchors, stretch->held[count - 1].block, now_ms,
				   &due_ms)) {
	case ANCHORS_WAIT:
		return due_ms;
	case ANCHORS_BOUND:
		break;
	case ANCHORS_NONE:
		fail_unbound(cell, count);
		break;
	}
	return now_ms;
}

static void released(void *context)
{
	((struct cell *)context)->is_done = true;
}

/* The cell does not change while this task is under way, so its thread may read it. */
static void release(struct cell *cell)
{
	cell->is_releasing = true;
	if (!is_rewrite(cell))
		release_claim(cell->shared, &cell->claim, &cell->failed, cell->reason, released,
			      cell);
	else
		released(cell);
}

/*
 * How long a cell goes without a block before it is stuck.  A cell may wait long for its turn
 * with the nodes, so it counts when any cell last got a block. While a node is alive, the client
 * refuses a block that no node gives within client_longest_ms().  If the cell gave up earlier,
 * it would be claimed again and again and never get past that block.
 */
static int64_t stuck_at_ms(const struct cell *cell)
{
	int64_t moved_at_ms = max_i64(cell->moved_at_ms, cell->shared->given_at_ms);
	int64_t stuck_ms = STUCK_MS;

	if (pool_up(cell->shared->pool))
		stuck_ms = max_i64(stuck_ms, client_longest_ms(cell->shared->client));
	return moved_at_ms + stuck_ms;
}

/* It waits for blocks.  When none comes for too long, it gives up. */
static int64_t wait_for_blocks(struct cell *cell, int64_t now_ms)
{
	int64_t stuck_ms = stuck_at_ms(cell);

	if (cell->wanted_count == 0)
		return CLOCK_NEVER;
	if (now_ms < stuck_ms)
		return stuck_ms;
	log_warning(
		"replay_stuck",
		"no node gave any of blocks %u..%u for %lld s; the claim goes back, so that others may try",
		cell->claim.first, cell->claim.last,
		(long long)(now_ms - cell->moved_at_ms) / 1000);
	if (is_rewrite(cell)) /* no gap stands for these */
		fail_undecided(cell);
	cell_give_up(cell);
	return now_ms;
}

/* Public functions. */

struct cell *cell_new(struct shared *shared, struct claim *claim, enum ledger_rewrite rewrite)
{
	struct cell *cell = xcalloc(1, sizeof(*cell));

	cell->shared = shared;
	cell->claim = *claim;
	*claim = (struct claim){.first = 0}; /* the caller's claim owns nothing any more */
	stretch_init(&cell->stretch, shared, &owner, cell);
	if (rewrite == LEDGER_KEEP && shared->config.proof == READER_PROOF_SIGNED)
		cell->stretch.anchors = anchors_new(shared, &cell->claim);
	cell->stretch.rewrite = rewrite;
	cell->stretch.closed = &cell->claim.missing;
	range_set_copy(&cell->unasked, &cell->claim.missing);
	range_set_copy(&cell->stretch.undecided, &cell->claim.missing);
	cell->moved_at_ms = clock_now_ms();
	cell->sink = (struct client_sink){.context = cell,
					  .given = take_block,
					  .refused = take_refusal,
					  .is_virtual = shared->config.filter->virtual_operations};
	cell->vote_sink = cell->sink;
	cell->vote_sink.given = take_vouched;
	cell->vote_sink.divided = take_division;
	cell->vote_sink.needs_majority = true;
	return cell;
}

int64_t cell_step(struct cell *cell, int64_t now_ms)
{
	struct stretch *stretch = &cell->stretch;
	int64_t due_ms;

	if (cell->is_releasing)
		return CLOCK_NEVER;
	due_ms = commit_held(cell, now_ms);
	due_ms = sooner(due_ms, look_above(cell, now_ms));
	if (stretch->anchors)
		anchors_step(stretch->anchors);
	if (!cell->is_given_up) {
		ask_for_more(cell);
		due_ms = sooner(due_ms, wait_for_blocks(cell, now_ms));
	} else if (good_count(cell) == 0) {
		stretch_drop(stretch, 0, stretch->count); /* nothing will bind them any more */
	}
	if (all_arrived(cell) && stretch->count == 0 && stretch->commit_count == 0 &&
	    !stretch->dispute && anchors_is_idle(stretch->anchors))
		release(cell);
	return due_ms;
}

void cell_give_up(struct cell *cell)
{
	if (cell->is_releasing || cell->is_given_up)
		return;
	cell->is_given_up = true;
	client_drop(cell->shared->client, &cell->sink);
	client_drop(cell->shared->client, &cell->vote_sink);
	anchors_stop(cell->stretch.anchors);
	cell->wanted_count = 0;
	cell->stretch.is_ending = true;
	stretch_end_dispute(&cell->stretch);
}

bool cell_is_done(const struct cell *cell)
{
	return cell->is_done;
}

uint32_t cell_first_missing(const struct cell *cell)
{
	return range_first(&cell->claim.missing);
}

uint32_t cell_last_missing(const struct cell *cell)
{
	return range_last(&cell->claim.missing);
}

unsigned cell_filled_count(const struct cell *cell)
{
	return cell->filled_count;
}

unsigned cell_failed_count(const struct cell *cell)
{
	return (unsigned)range_count_blocks(&cell->failed);
}

const char *cell_rewrite_failure(const struct cell *cell)
{
	return is_rewrite(cell) && cell->failed.count > 0 ? cell->reason : NULL;
}

void cell_free(struct cell *cell)
{
	if (!cell)
		return;
	cell_give_up(cell);
	stretch_release(&cell->stretch);
	claim_release(&cell->claim);
	range_set_release(&cell->unasked);
	range_set_release(&cell->failed);
	range_set_release(&cell->to_vote);
	range_set_release(&cell->divided);
	range_set_release(&cell->barred);
	free(cell);
}
