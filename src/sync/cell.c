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
#include "sync/check.h"
#include "sync/commit.h"
#include "sync/dispute.h"
#include "sync/edge.h"
#include "sync/filter.h"
#include "sync/held.h"
#include "sync/settle.h"
#include "sync/writer.h"

#define MAX_HELD_MS  1000  /* a block does not wait longer than this for company */
#define STUCK_MS     20000 /* less than a lease: others must not wait for a reader without nodes */
#define MAX_DISPUTES 16

struct cell {
	struct work *work;
	struct claim claim;
	enum ledger_rewrite rewrite;
	bool is_given_up;
	bool is_settling;
	bool is_done;
	struct range_set unasked;   /* not yet asked for */
	struct range_set undecided; /* neither arrived nor failed, or in dispute */
	struct range_set failed;    /* given up in this pass */
	struct range_set confirmed; /* nobody gives them otherwise, though they do not link */
	char reason[200];
	size_t wanted_count;   /* with the client */
	struct held_list held; /* arrived, not yet in a commit */
	uint32_t sent_num;     /* the newest block given to a commit, and its id */
	uint8_t sent_id[BLOCK_ID_BYTES];
	uint32_t refused_num; /* the newest block that links to nothing below it, and its id */
	uint8_t refused_id[BLOCK_ID_BYTES];
	unsigned commit_count; /* under way */
	struct dispute *disputes[MAX_DISPUTES];
	uint32_t dispute_nums[MAX_DISPUTES];
	unsigned dispute_count;
	unsigned filled_count;
	int64_t moved_at_ms;
	struct client_sink sink;
	struct edge *edge;
};

/* Blocks that arrived. */

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

/* Is it the lowest of a missing stretch? What is below it is not in this cell's hands. */
static bool is_edge(const struct cell *cell, uint32_t num)
{
	return num > 1 && cell->rewrite == LEDGER_KEEP &&
	       !range_contains(&cell->claim.missing, num - 1);
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct cell *cell = context;
	uint32_t num = block->num;
	struct held held = work_hold(cell->work, block, node);

	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
	hold(cell, &held);
	if (is_edge(cell, num) && edge_ask(cell->edge, num - 1, node)) {
		range_add(&cell->undecided, num - 1, num - 1); /* nothing above it goes first */
		cell->wanted_count++;
	}
}

static void take_edge(void *context, uint32_t num)
{
	struct cell *cell = context;

	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
	range_remove(&cell->undecided, num, num);
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

static void forget_dispute(struct cell *cell, uint32_t num)
{
	for (unsigned i = 0; i < cell->dispute_count; i++) {
		if (cell->dispute_nums[i] != num)
			continue;
		cell->dispute_count--;
		cell->disputes[i] = cell->disputes[cell->dispute_count];
		cell->dispute_nums[i] = cell->dispute_nums[cell->dispute_count];
		return;
	}
}

static void dispute_ended(void *context, uint32_t num, enum dispute_end end,
			  const struct held *other, const char *reason)
{
	struct cell *cell = context;

	forget_dispute(cell, num);
	cell->moved_at_ms = clock_now_ms();
	switch (end) {
	case DISPUTE_TRY:
		hold(cell, other);
		break;
	case DISPUTE_AGAIN:
		range_add(&cell->confirmed, num, num);
		break;
	case DISPUTE_KEPT:
		range_remove(&cell->undecided, num, num);
		break;
	case DISPUTE_FAILED:
	case DISPUTE_ALONE:
		fail_block(cell, num, reason);
		break;
	}
}

static void open_dispute(struct cell *cell, const struct held *held,
			 const struct ledger_entry *entry)
{
	if (cell->dispute_count == MAX_DISPUTES) {
		fail_block(cell, held->block->num,
			   "contradicts its neighbours, as do many blocks around it");
		return;
	}
	cell->dispute_nums[cell->dispute_count] = held->block->num;
	cell->disputes[cell->dispute_count] =
		dispute_new(cell->work, held, entry, dispute_ended, cell);
	cell->dispute_count++;
}

/* Does held[at] link to what is below it: the one held before it, or one that is only known? */
static bool links_below(const struct cell *cell, size_t at)
{
	const struct block *block = cell->held.items[at].block;

	if (at > 0 && !check_link(cell->held.items[at - 1].block, block))
		return false;
	if (edge_contradicts(cell->edge, block))
		return false;
	return block->num != cell->refused_num + 1 ||
	       block_id_equal(block->previous, cell->refused_id);
}

static void refuse(struct cell *cell, size_t at)
{
	struct held *held = &cell->held.items[at];

	cell->refused_num = held->block->num;
	memcpy(cell->refused_id, held->block->id, sizeof(cell->refused_id));
	fail_block(cell, held->block->num,
		   "does not link to the block before it, as all nodes give them");
	work_let_go(cell->work, held);
	held_list_remove(&cell->held, at, 1);
}

/*
 * held[at] does not link to the block below it: one of their givers is wrong.  Others are
 * asked about this one, then about the lower one; nothing is committed meanwhile.
 */
static void resolve_break(struct cell *cell, size_t at)
{
	const struct held *upper = &cell->held.items[at];
	const struct held *lower = at > 0 ? &cell->held.items[at - 1] : NULL;
	uint32_t num = upper->block->num;

	if (!range_contains(&cell->confirmed, num)) {
		log_warning("link_broken",
			    "block %u from %s does not link to block %u%s%s; asking others", num,
			    work_giver_label(cell->work, upper), num - 1, lower ? " from " : "",
			    lower ? work_giver_label(cell->work, lower) : "");
		open_dispute(cell, upper, NULL);
	} else if (lower && lower->block->num == num - 1 &&
		   !range_contains(&cell->confirmed, num - 1)) {
		open_dispute(cell, lower, NULL);
	} else {
		refuse(cell, at);
	}
}

/* Commits. */

static void commit_ended(void *context, struct commit *commit, bool is_done)
{
	struct cell *cell = context;

	cell->commit_count--;
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
			open_dispute(cell, &commit->held[i], entry);
			break;
		case LEDGER_OTHER_ID:
		case LEDGER_NO_LINK:
			range_add(&cell->undecided, entry->block->num, entry->block->num);
			open_dispute(cell, &commit->held[i], entry);
			break;
		case LEDGER_UNSTORABLE:
			log_error("block_unstorable",
				  "%s; the block stays a gap, nothing of it was stored",
				  entry->problem);
			fail_block(cell, entry->block->num, entry->problem);
			break;
		case LEDGER_PENDING: /* it hangs on one that is in doubt: again when that is settled */
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
 * How many of the held blocks may be committed: in the order of the chain, so that each is
 * seen beside the one before it.
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

/* How many of the held blocks make the next commit; 0: wait for more. */
static size_t commit_size(const struct cell *cell)
{
	size_t eligible = eligible_count(cell);
	struct commit_size size = {0};
	size_t count = 0;

	while (count < eligible && commit_add(cell->work, &size, cell->held.items[count].block))
		count++;
	if (count > 0 && !commit_is_full(cell->work, &size) && !all_arrived(cell) &&
	    clock_now_ms() - cell->held.items[0].since_ms < MAX_HELD_MS)
		return 0;
	return count;
}

/* The block before the first held one is in a commit under way, and they do not link. */
static bool must_wait_for_commit(const struct cell *cell)
{
	const struct block *block = cell->held.items[0].block;

	return cell->commit_count > 0 && block->num == cell->sent_num + 1 &&
	       !block_id_equal(block->previous, cell->sent_id);
}

static void send_commit(struct cell *cell, size_t count)
{
	const struct block *newest = cell->held.items[count - 1].block;

	cell->sent_num = newest->num;
	memcpy(cell->sent_id, newest->id, sizeof(cell->sent_id));
	commit_submit(cell->work, cell->held.items, count, cell->rewrite, commit_ended, cell);
	held_list_remove(&cell->held, 0, count);
	cell->commit_count++;
}

static void commit_held(struct cell *cell)
{
	size_t count;

	while (cell->dispute_count == 0 && writer_has_room(cell->work->writer) &&
	       (count = commit_size(cell)) > 0 && !must_wait_for_commit(cell)) {
		size_t at = 0;

		/* Also the one behind the last: then neither is committed before it is settled. */
		while (at <= count && at < cell->held.count && links_below(cell, at))
			at++;
		if (at <= count && at < cell->held.count)
			resolve_break(cell, at);
		else
			send_commit(cell, count);
	}
}

static void ask_for_more(struct cell *cell)
{
	size_t limit = 2 * (size_t)cell->work->config.connections * cell->work->config.batch_size;
	size_t room = work_room_blocks(cell->work);
	size_t wanted = client_wanted_count(cell->work->client);

	if (wanted >= limit || cell->dispute_count > 0)
		return;
	if (room > limit - wanted)
		room = limit - wanted;
	while (room > 0 && cell->unasked.count > 0) {
		struct range range = cell->unasked.items[0];
		uint32_t count = range.last - range.first + 1;

		if (count > room)
			count = (uint32_t)room;
		client_want(cell->work->client, CLIENT_REPLAY, range.first, range.first + count - 1,
			    0, &cell->sink);
		range_remove(&cell->unasked, range.first, range.first + count - 1);
		cell->wanted_count += count;
		room -= count;
	}
}

static void settled(void *context)
{
	((struct cell *)context)->is_done = true;
}

/* Nothing changes the cell while this errand is under way: its thread may read it. */
static void settle(struct cell *cell)
{
	cell->is_settling = true;
	if (cell->rewrite == LEDGER_KEEP)
		settle_submit(cell->work, &cell->claim, &cell->failed, cell->reason, settled, cell);
	else
		settled(cell);
}

/*
 * The cell may wait long for its turn with the nodes, so it is stuck only if no cell gets a block.
 * While a node lives, the client refuses a block that no node gives within client_longest_ms().  If the
 * cell gave up earlier, it would be claimed again and again and never get past that block.
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

/* The public side. */

struct cell *cell_new(struct work *work, struct claim *claim, enum ledger_rewrite rewrite)
{
	struct cell *cell = xcalloc(1, sizeof(*cell));

	cell->work = work;
	cell->claim = *claim;
	range_set_init(&claim->missing);
	cell->rewrite = rewrite;
	cell->edge = edge_new(work, take_edge, cell);
	range_set_copy(&cell->unasked, &cell->claim.missing);
	range_set_copy(&cell->undecided, &cell->claim.missing);
	cell->moved_at_ms = clock_now_ms();
	cell->sink = (struct client_sink){cell, take_block, take_refusal,
					  work->config.filter->virtual_operations};
	return cell;
}

void cell_step(struct cell *cell)
{
	if (cell->is_settling)
		return;
	if (!cell->is_given_up) {
		ask_for_more(cell);
		if (cell->wanted_count > 0 && clock_now_ms() > stuck_at_ms(cell)) {
			log_warning(
				"replay_stuck",
				"no node gave any of blocks %u..%u for %lld s; the claim goes back, so that others may try",
				cell->claim.first, cell->claim.last,
				(long long)(clock_now_ms() - cell->moved_at_ms) / 1000);
			if (cell->rewrite != LEDGER_KEEP) /* no gap stands for these */
				fail_undecided(cell);
			cell_give_up(cell);
		}
	}
	commit_held(cell);
	if (cell->is_given_up && eligible_count(cell) == 0)
		held_list_clear(&cell->held, cell->work); /* what hangs on blocks that never came */
	if (all_arrived(cell) && cell->held.count == 0 && cell->commit_count == 0 &&
	    cell->dispute_count == 0)
		settle(cell);
}

void cell_give_up(struct cell *cell)
{
	if (cell->is_settling || cell->is_given_up)
		return;
	cell->is_given_up = true;
	client_drop(cell->work->client, &cell->sink);
	edge_drop(cell->edge);
	cell->wanted_count = 0;
	while (cell->dispute_count > 0)
		dispute_free(cell->disputes[--cell->dispute_count]);
}

bool cell_is_done(const struct cell *cell)
{
	return cell->is_done;
}

int64_t cell_next_timeout_ms(const struct cell *cell)
{
	int64_t now_ms = clock_now_ms();
	int64_t due_ms = -1;

	if (cell->is_settling)
		return -1;
	if (cell->wanted_count > 0)
		due_ms = stuck_at_ms(cell) + 1 - now_ms;
	if (eligible_count(cell) > 0 && cell->dispute_count == 0 && !must_wait_for_commit(cell) &&
	    writer_has_room(cell->work->writer)) {
		int64_t held_ms = cell->held.items[0].since_ms + MAX_HELD_MS - now_ms;
		if (due_ms < 0 || held_ms < due_ms)
			due_ms = held_ms > 0 ? held_ms : 0;
	}
	return due_ms;
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
	edge_free(cell->edge);
	held_list_clear(&cell->held, cell->work);
	free(cell->held.items);
	claim_release(&cell->claim);
	range_set_release(&cell->unasked);
	range_set_release(&cell->failed);
	range_set_release(&cell->undecided);
	range_set_release(&cell->confirmed);
	free(cell);
}
