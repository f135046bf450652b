/* SPDX-License-Identifier: MIT */
#include "sync/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "sync/check.h"
#include "sync/commit.h"
#include "sync/dispute.h"
#include "sync/writer.h"

#define MAX_HELD_MS  1000  /* a block does not wait longer than this for company */
#define STUCK_MS     20000 /* less than a lease: others must not wait for a reader without nodes */
#define MAX_DISPUTES 16

struct cell {
	struct work *work;
	struct claim claim;
	bool is_refilter;
	bool is_given_up;
	bool is_settling;
	bool is_done;
	struct range_set unasked;  /* not yet asked for */
	struct range_set failed;   /* given up in this pass */
	struct range_set disputed; /* blocks about which others were asked already */
	char reason[200];
	size_t wanted_count; /* with the client */
	struct held *held;   /* arrived, ascending, not yet in a commit */
	size_t held_count;
	size_t held_capacity;
	size_t held_rows;
	size_t held_payload_bytes;
	unsigned commit_count; /* under way */
	struct dispute *disputes[MAX_DISPUTES];
	uint32_t dispute_nums[MAX_DISPUTES];
	unsigned dispute_count;
	unsigned filled_count;
	int64_t moved_at_ms;
	struct client_sink sink;
};

/* Blocks that arrived. */

static void count_held(struct cell *cell, const struct block *block, bool is_added)
{
	size_t rows = commit_rows(block);

	if (is_added) {
		cell->held_rows += rows;
		cell->held_payload_bytes += block->stored_payload_bytes;
	} else {
		cell->held_rows -= rows;
		cell->held_payload_bytes -= block->stored_payload_bytes;
	}
}

static void hold(struct cell *cell, const struct held *held)
{
	size_t at = cell->held_count;

	if (cell->held_count == cell->held_capacity) {
		cell->held_capacity = cell->held_capacity ? 2 * cell->held_capacity : 64;
		cell->held = xreallocarray(cell->held, cell->held_capacity, sizeof(*cell->held));
	}
	while (at > 0 && cell->held[at - 1].block->num > held->block->num)
		at--;
	memmove(&cell->held[at + 1], &cell->held[at], (cell->held_count - at) * sizeof(*held));
	cell->held[at] = *held;
	cell->held_count++;
	count_held(cell, held->block, true);
}

/* Take held[from..to) out of the list; the blocks themselves are the caller's business. */
static void unhold(struct cell *cell, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		count_held(cell, cell->held[i].block, false);
	memmove(&cell->held[from], &cell->held[to], (cell->held_count - to) * sizeof(*cell->held));
	cell->held_count -= to - from;
}

static void fail_block(struct cell *cell, uint32_t num, const char *reason)
{
	range_add(&cell->failed, num, num);
	snprintf(cell->reason, sizeof(cell->reason), "%s", reason);
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct cell *cell = context;
	struct held held = work_hold(cell->work, block, node);

	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
	hold(cell, &held);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct cell *cell = context;

	cell->wanted_count--;
	cell->moved_at_ms = clock_now_ms();
	fail_block(cell, num, reason);
	log_debug("block_missing", "block %u: %s; it stays a gap and is tried again", num, reason);
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
		range_add(&cell->unasked, num, num);
		break;
	case DISPUTE_KEPT:
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

/*
 * held[at] and held[at + 1] do not link: one of their givers is wrong, perhaps about the
 * whole linked run around it.  Ask others about the two, fetch the runs again.
 */
static void resolve_break(struct cell *cell, size_t at)
{
	size_t from = at;
	size_t to = at + 2;

	while (from > 0 && cell->held[from].block->num == cell->held[from - 1].block->num + 1 &&
	       check_link(cell->held[from - 1].block, cell->held[from].block))
		from--;
	while (to < cell->held_count &&
	       cell->held[to].block->num == cell->held[to - 1].block->num + 1 &&
	       check_link(cell->held[to - 1].block, cell->held[to].block))
		to++;
	log_warning("link_broken", "blocks %u and %u, from %s and %s, do not link; asking others",
		    cell->held[at].block->num, cell->held[at + 1].block->num,
		    work_giver_label(cell->work, &cell->held[at]),
		    work_giver_label(cell->work, &cell->held[at + 1]));
	for (size_t i = from; i < to; i++) {
		uint32_t num = cell->held[i].block->num;

		if (i != at && i != at + 1) {
			range_add(&cell->unasked, num, num);
		} else if (range_contains(&cell->disputed, num)) {
			fail_block(cell, num,
				   "does not link to its neighbour, as the nodes give them");
		} else {
			range_add(&cell->disputed, num, num);
			open_dispute(cell, &cell->held[i], NULL);
		}
		count_held(cell, cell->held[i].block, false);
		work_let_go(cell->work, &cell->held[i]);
	}
	memmove(&cell->held[from], &cell->held[to], (cell->held_count - to) * sizeof(*cell->held));
	cell->held_count -= to - from;
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
			cell->filled_count++;
			break;
		case LEDGER_NO_LINK_AFTER:
			cell->filled_count++;
			open_dispute(cell, &commit->held[i], entry);
			break;
		case LEDGER_OTHER_ID:
		case LEDGER_NO_LINK:
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
			break;
		}
	}
}

static bool all_arrived(const struct cell *cell)
{
	return cell->wanted_count == 0 && (cell->unasked.count == 0 || cell->is_given_up);
}

/* How many of the held blocks make the next commit; 0: wait for more. */
static size_t commit_size(const struct cell *cell)
{
	size_t rows = 0;
	size_t payload_bytes = 0;
	size_t count = 0;

	if (cell->held_count == 0)
		return 0;
	if (!commit_is_full(cell->work, cell->held_rows, cell->held_payload_bytes) &&
	    !all_arrived(cell) && clock_now_ms() - cell->held[0].since_ms < MAX_HELD_MS)
		return 0;
	while (count < cell->held_count && !commit_is_full(cell->work, rows, payload_bytes)) {
		rows += commit_rows(cell->held[count].block);
		payload_bytes += cell->held[count].block->stored_payload_bytes;
		count++;
	}
	return count;
}

static void commit_held(struct cell *cell)
{
	size_t count;

	while (writer_has_room(cell->work->writer) && (count = commit_size(cell)) > 0) {
		size_t at = 0;

		while (at + 1 < cell->held_count &&
		       check_link(cell->held[at].block, cell->held[at + 1].block))
			at++;
		if (at + 1 < cell->held_count) {
			resolve_break(cell, at);
			continue;
		}
		commit_submit(cell->work, cell->held, count, cell->is_refilter, commit_ended, cell);
		unhold(cell, 0, count);
		cell->commit_count++;
	}
}

/* Asking and settling. */

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

struct settle_job {
	struct job job;
	struct cell *cell;
};

static int run_settle(struct db *db, struct job *job, struct error *err)
{
	const struct cell *cell = ((struct settle_job *)job)->cell;

	return claims_settle(db, &cell->work->identity, &cell->claim, &cell->failed, cell->reason,
			     err);
}

static void finish_settle(struct job *job)
{
	struct cell *cell = ((struct settle_job *)job)->cell;

	if (job->err.kind != ERROR_NONE && !cell->work->is_stopping)
		work_end(cell->work, &job->err);
	cell->is_done = true;
	free(job);
}

/* While this errand is under way nothing else changes the cell: its thread may read it. */
static void settle(struct cell *cell)
{
	struct settle_job *settle;

	cell->is_settling = true;
	if (cell->is_refilter) {
		cell->is_done = true;
		return;
	}
	settle = xcalloc(1, sizeof(*settle));
	settle->job.run = run_settle;
	settle->job.done = finish_settle;
	snprintf(settle->job.what, sizeof(settle->job.what), "settling cell %u..%u",
		 cell->claim.first, cell->claim.last);
	settle->cell = cell;
	writer_errand(cell->work->writer, &settle->job);
}

/* Its turn with the nodes may be long in coming; it is stuck only if nobody is given anything. */
static int64_t stuck_at_ms(const struct cell *cell)
{
	int64_t moved_at_ms = cell->moved_at_ms;

	if (cell->work->given_at_ms > moved_at_ms)
		moved_at_ms = cell->work->given_at_ms;
	return moved_at_ms + STUCK_MS;
}

/* The public side. */

struct cell *cell_new(struct work *work, struct claim *claim, bool refilter)
{
	struct cell *cell = xcalloc(1, sizeof(*cell));

	cell->work = work;
	cell->claim = *claim;
	range_set_init(&claim->missing);
	cell->is_refilter = refilter;
	range_set_copy(&cell->unasked, &cell->claim.missing);
	cell->moved_at_ms = clock_now_ms();
	cell->sink =
		(struct client_sink){.context = cell, .given = take_block, .refused = take_refusal};
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
				"no node gave anything of blocks %u..%u for %d s; the claim goes back, others may try",
				cell->claim.first, cell->claim.last, STUCK_MS / 1000);
			cell_give_up(cell);
		}
	}
	commit_held(cell);
	if (all_arrived(cell) && cell->held_count == 0 && cell->commit_count == 0 &&
	    cell->dispute_count == 0)
		settle(cell);
}

void cell_give_up(struct cell *cell)
{
	if (cell->is_settling || cell->is_given_up)
		return;
	cell->is_given_up = true;
	client_drop(cell->work->client, &cell->sink);
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
	if (cell->held_count > 0 && writer_has_room(cell->work->writer)) {
		int64_t held_ms = cell->held[0].since_ms + MAX_HELD_MS - now_ms;

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

void cell_free(struct cell *cell)
{
	if (!cell)
		return;
	cell_give_up(cell);
	for (size_t i = 0; i < cell->held_count; i++)
		work_let_go(cell->work, &cell->held[i]);
	free(cell->held);
	claim_release(&cell->claim);
	range_set_release(&cell->unasked);
	range_set_release(&cell->failed);
	range_set_release(&cell->disputed);
	free(cell);
}
