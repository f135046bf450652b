/* SPDX-License-Identifier: MIT */
#include "sync/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "sync/anchors.h"
#include "sync/commit.h"
#include "sync/dispute.h"
#include "sync/filter.h"
#include "sync/held.h"
#include "sync/settle.h"
#include "sync/writer.h"

#define MAX_HELD_MS 1000 /* how long a block waits for others to be committed with */
/* less than a lease: the other readers must not wait for a reader without nodes */
#define STUCK_MS 20000
/* Every ANCHOR_BLOCKS-th block is put to the vote, so that the blocks below it can be committed. */
#define ANCHOR_BLOCKS 50
/* How many other versions of one block are requested. */
#define MAX_VERSIONS 3

struct cell {
	struct work *work;
	struct claim claim;
	enum ledger_rewrite rewrite;
	bool is_given_up;
	bool is_settling;
	bool is_done;
	struct range_set unasked;   /* not requested yet */
	struct range_set undecided; /* neither arrived nor failed, or in dispute */
	struct range_set failed;    /* given up in this pass */
	struct range_set vouched;   /* known to be part of the chain */
	struct range_set to_vouch;  /* to be put to the vote, because no block above binds them */
	struct range_set unvouched; /* the vote failed; a block above may still bind them */
	struct range_set
		barred; /* not to be stored: they link to a block that is not part of the chain */
	char reason[200];
	size_t wanted_count;   /* requested from the client */
	struct held_list held; /* arrived, but not in a commit yet */
	unsigned commit_count; /* commits under way */
	/* one of the commits holds the lowest block of a stretch: no other may start */
	bool is_edge_sent;
	struct dispute *dispute;  /* nothing is committed while it is open */
	bool is_other_stored;     /* the disputed block has a row, which stays */
	struct refusal *refusals; /* versions that do not link to the block above */
	size_t refusal_count;
	unsigned filled_count;
	int64_t moved_at_ms;
	struct client_sink sink;
	struct client_sink vouch_sink;
	struct anchors *anchors; /* NULL: links to blocks that most nodes give are enough */
};

/* Which nodes gave versions of a block that are not the chain's. */
struct refusal {
	uint32_t num;
	unsigned count;
	uint64_t sources; /* mask of nodes, in the pool of pool_epoch */
	unsigned pool_epoch;
};

/* Arrival of blocks. */

static void hold(struct cell *cell, const struct held *held)
{
	range_remove(&cell->undecided, held->block->num, held->block->num);
	held_list_put(&cell->held, cell->work, held);
}

static void fail_block(struct cell *cell, uint32_t num, const char *reason)
{
	range_add(&cell->failed, num, num);
	range_remove(&cell->undecided, num, num);
	snprintf(cell->reason, sizeof(cell->reason), "%s", reason);
}

static void fail_undecided(struct cell *cell)
{
	range_add_set(&cell->failed, &cell->undecided);
	snprintf(cell->reason, sizeof(cell->reason), "no node gave it for %d s", STUCK_MS / 1000);
}

/* The id of this block, as the stored row above it says; NULL: there is no such row. */
static const uint8_t *named_id(const struct cell *cell, uint32_t num)
{
	for (size_t i = 0; i < cell->claim.named_count; i++)
		if (cell->claim.named[i].num == num)
			return cell->claim.named[i].id;
	return NULL;
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct cell *cell = context;
	struct held held = work_hold(cell->work, block, node);
	const uint8_t *named = named_id(cell, block->num);

	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
	if (named && block_id_equal(named, block->id)) {
		range_add(&cell->vouched, block->num, block->num);
	} else if (named && !range_contains(&cell->vouched, block->num)) {
		/* Either the node or the row is wrong: see what the other nodes give. */
		range_add(&cell->to_vouch, block->num, block->num);
		range_add(&cell->unasked, block->num, block->num);
		work_release_block(cell->work, &held);
		return;
	}
	if (!range_contains(&cell->barred, block->num)) {
		hold(cell, &held);
		return;
	}
	fail_block(cell, block->num, "it hangs on a block that is not the chain's");
	work_release_block(cell->work, &held);
}

static void take_vouched(void *context, struct block *block, unsigned node)
{
	struct cell *cell = context;

	range_add(&cell->vouched, block->num, block->num);
	take_block(cell, block, node);
}

static void take_refusal(void *context, uint32_t num, const char *reason);

/*
 * The nodes give different versions of this block. If the block above arrives, it tells which
 * one is right.
 */
static void take_division(void *context, uint32_t num, unsigned version_count, const char *reason)
{
	struct cell *cell = context;

	(void)version_count;
	if (!range_contains(&cell->claim.missing, num + 1) ||
	    range_contains(&cell->failed, num + 1) || range_contains(&cell->to_vouch, num)) {
		take_refusal(cell, num, reason);
		return;
	}
	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
	range_add(&cell->unvouched, num, num);
	range_add(&cell->unasked, num, num);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct cell *cell = context;

	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
	fail_block(cell, num, reason);
	log_debug("block_missing", "block %u: %s; it is tried again", num, reason);
}

/* Contradictions. */

static const struct refusal *find_refusal(const struct cell *cell, uint32_t num)
{
	for (size_t i = 0; i < cell->refusal_count; i++)
		if (cell->refusals[i].num == num)
			return &cell->refusals[i];
	return NULL;
}

static struct refusal *refusal_of(struct cell *cell, uint32_t num)
{
	const struct refusal *known = find_refusal(cell, num);

	if (known) {
		struct refusal *refusal = &cell->refusals[known - cell->refusals];

		if (refusal->pool_epoch != cell->work->pool_epoch)
			refusal->sources = 0;
		refusal->pool_epoch = cell->work->pool_epoch;
		return refusal;
	}
	cell->refusals =
		xreallocarray(cell->refusals, cell->refusal_count + 1, sizeof(*cell->refusals));
	cell->refusals[cell->refusal_count] =
		(struct refusal){.num = num, .pool_epoch = cell->work->pool_epoch};
	return &cell->refusals[cell->refusal_count++];
}

/*
 * Nothing of the stretch from block `num` on may be stored: it links to a block that is not part
 * of the chain.
 */
static void fail_stretch(struct cell *cell, uint32_t num, const char *reason)
{
	size_t at = 0;

	for (; range_contains(&cell->claim.missing, num); num++) {
		bool is_held;

		while (at < cell->held.count && cell->held.items[at].block->num < num)
			at++;
		is_held = at < cell->held.count && cell->held.items[at].block->num == num;
		range_add(&cell->barred, num, num);
		if (is_held) {
			work_release_block(cell->work, &cell->held.items[at]);
			held_list_remove(&cell->held, at, 1);
		}
		if (is_held || range_contains(&cell->unasked, num))
			fail_block(cell, num, reason);
		range_remove(&cell->unasked, num, num);
	}
}

static void dispute_ended(void *context, uint32_t num, enum dispute_end end, const char *reason)
{
	struct cell *cell = context;

	cell->dispute = NULL;
	cell->moved_at_ms = clock_now_ms();
	if (cell->is_other_stored) /* no block is missing here */
		range_remove(&cell->undecided, num, num);
	else
		fail_block(cell, num, reason);
	if (end != DISPUTE_TABLE)
		fail_stretch(cell, num + 1, reason);
}

/* One dispute at a time: a second block in doubt is fetched and committed again later. */
static bool open_dispute(struct cell *cell, const struct ledger_entry *entry)
{
	if (cell->dispute || cell->is_given_up)
		return false;
	cell->is_other_stored = entry->outcome != LEDGER_NO_LINK;
	cell->dispute = dispute_new(cell->work, entry, dispute_ended, cell);
	return true;
}

/* Commits. */

/*
 * Is this the lowest block of a missing stretch? If it contradicts the row below, the others
 * must not be stored.
 */
static bool is_edge(const struct cell *cell, uint32_t num)
{
	return cell->rewrite == LEDGER_KEEP && !range_contains(&cell->claim.missing, num - 1);
}

static void commit_ended(void *context, struct commit *commit, bool is_done)
{
	struct cell *cell = context;

	cell->commit_count--;
	for (size_t i = 0; i < commit->count; i++)
		if (is_edge(cell, commit->ledger.entries[i].block->num))
			cell->is_edge_sent = false;
	cell->moved_at_ms = clock_now_ms();
	if (!is_done) {
		cell_give_up(cell);
		return;
	}
	for (size_t i = 0; i < commit->count; i++) {
		const struct ledger_entry *entry = &commit->ledger.entries[i];

		switch (entry->outcome) {
		case LEDGER_STORED:
		case LEDGER_PRESENT:
		case LEDGER_CONFIRMED:
		case LEDGER_REPLACED:
		case LEDGER_REWRITTEN:
			cell->filled_count++;
			break;
		case LEDGER_NO_LINK_AFTER:
			cell->filled_count++;
			(void)open_dispute(cell, entry);
			break;
		case LEDGER_OTHER_ID:
		case LEDGER_NO_LINK:
			range_add(&cell->undecided, entry->block->num, entry->block->num);
			if (!open_dispute(cell, entry))
				range_add(&cell->unasked, entry->block->num, entry->block->num);
			break;
		case LEDGER_UNSTORABLE:
			log_error("block_unstorable",
				  "%s; the block stays a gap, nothing of it was stored",
				  entry->problem);
			fail_block(cell, entry->block->num, entry->problem);
			break;
		/* it links to a block in doubt: commit it again when that is decided */
		case LEDGER_PENDING:
			range_add(&cell->unasked, entry->block->num, entry->block->num);
			range_add(&cell->undecided, entry->block->num, entry->block->num);
			break;
		}
	}
}

static bool all_arrived(const struct cell *cell)
{
	return cell->wanted_count == 0 && (cell->unasked.count == 0 || cell->is_given_up);
}

/*
 * How many of the held blocks may be committed: those in chain order without a hole, so that
 * each is compared with the one before it.
 */
static size_t eligible_count(const struct cell *cell)
{
	size_t count = 0;

	if (cell->undecided.count == 0)
		return cell->held.count;
	while (count < cell->held.count &&
	       cell->held.items[count].block->num < cell->undecided.items[0].first)
		count++;
	return count;
}

static uint32_t num_at(const struct cell *cell, size_t at)
{
	return cell->held.items[at].block->num;
}

/* Is the held block above this one its successor, so that it binds this one? */
static bool is_bound(const struct cell *cell, size_t at)
{
	return at + 1 < cell->held.count && num_at(cell, at + 1) == num_at(cell, at) + 1;
}

/*
 * How many of the eligible blocks most nodes stand for, if their links are right: those up to
 * the highest one that more than half of the nodes gave.  Stored blocks are only written again,
 * so they need no vote.
 */
static size_t voted_count(const struct cell *cell)
{
	size_t count = eligible_count(cell);

	if (cell->rewrite != LEDGER_KEEP)
		return count;
	while (count > 0 && !range_contains(&cell->vouched, num_at(cell, count - 1)))
		count--;
	return count;
}

/* How many of these are known to be part of the chain: see sync/anchors.h. */
static size_t vouched_count(const struct cell *cell)
{
	size_t count = voted_count(cell);

	return cell->anchors ? anchors_count(cell->anchors, cell->held.items, count) : count;
}

/* Request held[at] again. */
static void ask_again(struct cell *cell, size_t at)
{
	uint32_t num = num_at(cell, at);

	range_add(&cell->unasked, num, num);
	range_add(&cell->undecided, num, num);
	range_remove(&cell->vouched, num, num);
	work_release_block(cell->work, &cell->held.items[at]);
	held_list_remove(&cell->held, at, 1);
}

/* If the block above will not come, nothing binds this one: put it to the vote, or drop it. */
static void vouch_for_tops(struct cell *cell)
{
	for (size_t at = eligible_count(cell); at-- > 0;) {
		uint32_t num = num_at(cell, at);

		if (is_bound(cell, at) || range_contains(&cell->undecided, num + 1) ||
		    range_contains(&cell->vouched, num))
			continue;
		if (!cell->is_given_up)
			range_add(&cell->to_vouch, num, num);
		ask_again(cell, at);
	}
}

/*
 * held[at] is not the block that the block above names.  The node that gave it is wrong, and
 * probably also about the blocks below: it is on another branch, or made them up.  Ask other
 * nodes.
 */
static void refuse(struct cell *cell, size_t at)
{
	unsigned source = cell->held.items[at].source;
	struct node *node = work_source(cell->work, &cell->held.items[at]);
	uint32_t num = num_at(cell, at);
	bool goes_on = true;

	log_warning("link_broken",
		    "block %u from %s is not the one that block %u links to; others are asked", num,
		    work_source_label(cell->work, &cell->held.items[at]), num + 1);
	refusal_of(cell, num)->count++;
	if (node)
		(void)node_failed(node, clock_now_ms(), RPC_FAILURE_OTHER_NODE, 0);
	for (size_t below = at + 1; goes_on && below-- > 0;) {
		refusal_of(cell, num_at(cell, below))->sources |= node ? UINT64_C(1) << source : 0;
		goes_on = below > 0 && is_bound(cell, below - 1) &&
			  cell->held.items[below - 1].source == source &&
			  !range_contains(&cell->vouched, num_at(cell, below - 1));
		ask_again(cell, below);
	}
	if (refusal_of(cell, num)->count < MAX_VERSIONS)
		return;
	range_remove(&cell->unasked, num, num);
	fail_block(cell, num, "the block above it links to another one than the nodes give");
}

/* Do the first `count` blocks link to each other? If not, one of them is refused. */
static bool are_linked(struct cell *cell, size_t count)
{
	for (size_t at = count; at-- > 0;) {
		if (!is_bound(cell, at) || at + 1 >= count ||
		    block_links(cell->held.items[at].block, cell->held.items[at + 1].block))
			continue;
		refuse(cell, at);
		return false;
	}
	return true;
}

/* Then the first held block has waited for company long enough. */
static int64_t full_at_ms(const struct cell *cell)
{
	return cell->held.items[0].since_ms + MAX_HELD_MS;
}

/* How many of the held blocks make the next commit; 0: wait for more. */
static size_t commit_size(const struct cell *cell, size_t vouched, int64_t now_ms)
{
	struct commit_size size = {0};
	size_t count = 0;

	while (count < vouched && commit_add(cell->work, &size, cell->held.items[count].block))
		count++;
	if (count > 0 && !commit_is_full(cell->work, &size) && !all_arrived(cell) &&
	    now_ms < full_at_ms(cell))
		return 0;
	return count;
}

static void send_commit(struct cell *cell, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_edge(cell, num_at(cell, i)))
			cell->is_edge_sent = true;
	commit_submit(cell->work, cell->held.items, count, cell->rewrite, commit_ended, cell);
	held_list_remove(&cell->held, 0, count);
	cell->commit_count++;
}

static bool may_commit(const struct cell *cell)
{
	return !cell->dispute && !cell->is_edge_sent && writer_has_room(cell->work->writer);
}

/* Returns when blocks that wait for company are committed without it. */
static int64_t commit_held(struct cell *cell, int64_t now_ms)
{
	if (cell->rewrite == LEDGER_KEEP)
		vouch_for_tops(cell);
	while (may_commit(cell)) {
		size_t vouched = vouched_count(cell);
		size_t count;

		if (!are_linked(cell, vouched)) {
			if (cell->rewrite ==
			    LEDGER_KEEP) /* no other version of the refused block may be left */
				vouch_for_tops(cell);
			continue;
		}
		if (vouched == 0)
			return CLOCK_NEVER;
		count = commit_size(cell, vouched, now_ms);
		if (count == 0)
			return full_at_ms(cell);
		send_commit(cell, count);
	}
	return CLOCK_NEVER;
}

static bool needs_vote(const struct cell *cell, uint32_t num)
{
	if (cell->rewrite != LEDGER_KEEP)
		return false;
	if (range_contains(&cell->to_vouch, num))
		return true;
	if (!range_contains(&cell->claim.missing, num + 1))
		return named_id(cell, num) == NULL;
	return num % ANCHOR_BLOCKS == ANCHOR_BLOCKS - 1 && !range_contains(&cell->unvouched, num);
}

/* The nodes that gave a wrong version, as long as there are others: they are not asked. */
static uint64_t not_from(const struct cell *cell, uint32_t num)
{
	const struct refusal *refusal = find_refusal(cell, num);
	uint64_t healthy = pool_healthy(cell->work->pool, clock_now_ms());

	if (!refusal || refusal->pool_epoch != cell->work->pool_epoch)
		return 0;
	return healthy & ~refusal->sources ? refusal->sources : 0;
}

/* Does memory have no room for the block that is to be put to the vote next? */
static bool is_full_of_unvouched(const struct cell *cell)
{
	return cell->wanted_count == 0 && cell->commit_count == 0 && cell->unasked.count > 0 &&
	       vouched_count(cell) == 0;
}

/* Put the highest block that could be committed to the vote in its place. */
static void make_room(struct cell *cell)
{
	size_t eligible = eligible_count(cell);

	if (eligible == 0)
		return;
	range_add(&cell->to_vouch, num_at(cell, eligible - 1), num_at(cell, eligible - 1));
	ask_again(cell, eligible - 1);
}

static void ask_for_more(struct cell *cell)
{
	size_t limit = 2 * (size_t)cell->work->config.connections * cell->work->config.batch_size;
	size_t room = work_room_blocks(cell->work);
	size_t wanted = client_wanted_count(cell->work->client);

	if (wanted >= limit || cell->dispute)
		return;
	if (room > limit - wanted)
		room = limit - wanted;
	if (room == 0 && is_full_of_unvouched(cell) && voted_count(cell) == 0) {
		make_room(cell);
		room = 1;
	}
	for (; room > 0 && cell->unasked.count > 0; room--) {
		uint32_t num = cell->unasked.items[0].first;

		range_remove(&cell->unasked, num, num);
		cell->wanted_count++;
		client_want(cell->work->client, CLIENT_REPLAY, num, num, not_from(cell, num),
			    needs_vote(cell, num) ? &cell->vouch_sink : &cell->sink);
	}
}

static struct log_limit unbound_limit = LOG_LIMIT_INIT(10000);

/* Nothing binds the first `count` held blocks: they stay gaps, until blocks above are stored. */
static void fail_unbound(struct cell *cell, size_t count)
{
	log_limited(
		&unbound_limit, LOG_LEVEL_WARNING, "key_unknown",
		"blocks %u..%u, as the nodes give them, are not stored: no block signed with a known key links to them yet; they are tried again",
		num_at(cell, 0), num_at(cell, count - 1));
	for (size_t i = 0; i < count; i++) {
		fail_block(cell, num_at(cell, i),
			   "no block signed with a known key links to it yet");
		work_release_block(cell->work, &cell->held.items[i]);
	}
	held_list_remove(&cell->held, 0, count);
	cell->moved_at_ms = clock_now_ms();
}

/* Blocks are held, and nothing else will come that could bind the lowest ones. */
static bool is_held_up(const struct cell *cell)
{
	return cell->anchors && !cell->is_given_up && !cell->dispute && cell->commit_count == 0 &&
	       cell->wanted_count == 0 &&
	       (cell->unasked.count == 0 || work_room_blocks(cell->work) == 0) &&
	       voted_count(cell) > 0 && vouched_count(cell) == 0;
}

/* True: go on at once. */
static bool look_above(struct cell *cell, int64_t now_ms)
{
	size_t voted, count = 1;

	if (!is_held_up(cell))
		return false;
	voted = voted_count(cell);
	while (count < voted && is_bound(cell, count - 1))
		count++;
	switch (anchors_look_above(cell->anchors, cell->held.items[count - 1].block, now_ms)) {
	case ANCHORS_WAIT:
		return false;
	case ANCHORS_BOUND:
		return true;
	case ANCHORS_NONE:
		fail_unbound(cell, count);
		return true;
	}
	return false;
}

static void settled(void *context)
{
	((struct cell *)context)->is_done = true;
}

/* The cell does not change while this task is under way, so its thread may read it. */
static void settle(struct cell *cell)
{
	cell->is_settling = true;
	if (cell->rewrite == LEDGER_KEEP)
		settle_submit(cell->work, &cell->claim, &cell->failed, cell->reason, settled, cell);
	else
		settled(cell);
}

/*
 * How long a cell goes without a block before it is stuck.  A cell may wait long for its turn
 * with the nodes, so it counts when any cell last got a block. While a node is alive, the client
 * refuses a block that no node gives within client_longest_ms().  If the cell gave up earlier,
 * it would be claimed again and again and never get past that block.
 */
static int64_t stuck_at_ms(const struct cell *cell)
{
	int64_t moved_at_ms = cell->moved_at_ms;
	int64_t stuck_ms = STUCK_MS;

	for (unsigned i = 0; i < pool_count(cell->work->pool); i++)
		if (node_is_up(pool_node(cell->work->pool, i)) &&
		    client_longest_ms(cell->work->client) > stuck_ms)
			stuck_ms = client_longest_ms(cell->work->client);

	if (cell->work->given_at_ms > moved_at_ms)
		moved_at_ms = cell->work->given_at_ms;
	return moved_at_ms + stuck_ms;
}

/* Public functions. */

struct cell *cell_new(struct work *work, struct claim *claim, enum ledger_rewrite rewrite)
{
	struct cell *cell = xcalloc(1, sizeof(*cell));

	cell->work = work;
	cell->claim = *claim;
	*claim = (struct claim){.first = 0}; /* the caller's claim owns nothing any more */
	cell->rewrite = rewrite;
	range_set_copy(&cell->unasked, &cell->claim.missing);
	range_set_copy(&cell->undecided, &cell->claim.missing);
	if (rewrite == LEDGER_KEEP && work->config.proof == READER_PROOF_SIGNED)
		cell->anchors = anchors_new(work, &cell->claim);
	cell->moved_at_ms = clock_now_ms();
	cell->sink = (struct client_sink){.context = cell,
					  .given = take_block,
					  .refused = take_refusal,
					  .is_virtual = work->config.filter->virtual_operations};
	cell->vouch_sink = cell->sink;
	cell->vouch_sink.given = take_vouched;
	cell->vouch_sink.divided = take_division;
	cell->vouch_sink.needs_majority = true;
	return cell;
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
	if (cell->rewrite != LEDGER_KEEP) /* no gap stands for these */
		fail_undecided(cell);
	cell_give_up(cell);
	return now_ms;
}

int64_t cell_step(struct cell *cell, int64_t now_ms)
{
	int64_t due_ms;

	if (cell->is_settling)
		return CLOCK_NEVER;
	due_ms = commit_held(cell, now_ms);
	if (look_above(cell, now_ms))
		return now_ms;
	if (cell->anchors)
		due_ms = sooner(due_ms, anchors_step(cell->anchors));
	if (!cell->is_given_up) {
		ask_for_more(cell);
		due_ms = sooner(due_ms, wait_for_blocks(cell, now_ms));
	} else if (vouched_count(cell) == 0) {
		held_list_clear(&cell->held, cell->work); /* what hangs on blocks that never came */
	}
	if (all_arrived(cell) && cell->held.count == 0 && cell->commit_count == 0 &&
	    !cell->dispute && anchors_is_idle(cell->anchors))
		settle(cell);
	return due_ms;
}

void cell_give_up(struct cell *cell)
{
	if (cell->is_settling || cell->is_given_up)
		return;
	cell->is_given_up = true;
	client_drop(cell->work->client, &cell->sink);
	client_drop(cell->work->client, &cell->vouch_sink);
	anchors_stop(cell->anchors);
	cell->wanted_count = 0;
	dispute_free(cell->dispute);
	cell->dispute = NULL;
}

bool cell_is_done(const struct cell *cell)
{
	return cell->is_done;
}

uint32_t cell_first_missing(const struct cell *cell)
{
	return cell->claim.missing.items[0].first;
}

uint32_t cell_last_missing(const struct cell *cell)
{
	return cell->claim.missing.items[cell->claim.missing.count - 1].last;
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
	return cell->rewrite != LEDGER_KEEP && cell->failed.count > 0 ? cell->reason : NULL;
}

void cell_free(struct cell *cell)
{
	if (!cell)
		return;
	cell_give_up(cell);
	anchors_free(cell->anchors);
	free(cell->refusals);
	held_list_clear(&cell->held, cell->work);
	free(cell->held.items);
	claim_release(&cell->claim);
	range_set_release(&cell->unasked);
	range_set_release(&cell->failed);
	range_set_release(&cell->undecided);
	range_set_release(&cell->to_vouch);
	range_set_release(&cell->unvouched);
	range_set_release(&cell->vouched);
	range_set_release(&cell->barred);
	free(cell);
}
