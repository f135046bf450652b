/* SPDX-License-Identifier: MIT */
#include "sync/replay.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/pool.h"
#include "store/claims.h"
#include "store/ledger.h"
#include "sync/cell.h"
#include "sync/executor.h"

#define MAX_CELLS       8
#define LOOK_AGAIN_MS   10000 /* for new gaps, gaps that are due, and expired claims */
#define OTHERS_AGAIN_MS 1000  /* while only other readers work: they may finish or die */
#define REPORT_MS       10000

struct replay {
	struct shared *shared;
	struct range_set within;
	struct range_set to_rewrite; /* the part of it that is left */
	struct cell *cells[MAX_CELLS];
	unsigned cell_count;
	unsigned cell_limit;
	bool is_searching;
	bool is_stopped;
	bool found_nothing; /* the result of the last search */
	/* grows when `within` changes: the answer to an older search is then worthless */
	uint64_t generation;
	int64_t search_at_ms;
	uint64_t rewrite_failed_count;
	struct replay_status status; /* as of the last search */
	uint64_t done_at_search;     /* shared_done_blocks() at that time */
	/* For gap_replayed: one line covers many cells. */
	uint32_t reported_first;
	uint32_t reported_last;
	uint64_t filled_count;
	uint64_t failed_count;
	int64_t report_at_ms;
};

/* Reports. */

static void report_cell(struct replay *replay, const struct cell *cell)
{
	if (cell_rewrite_failure(cell)) {
		replay->rewrite_failed_count += cell_failed_count(cell);
		log_warning(
			"rewrite_failed",
			"%u stored blocks between %u and %u could not be read again and stay as they are; of the last one: %s",
			cell_failed_count(cell), cell_first_missing(cell), cell_last_missing(cell),
			cell_rewrite_failure(cell));
		shared_progress(replay->shared);
		return;
	}
	if (replay->reported_first == 0 || cell_first_missing(cell) < replay->reported_first)
		replay->reported_first = cell_first_missing(cell);
	replay->reported_last = max_u32(replay->reported_last, cell_last_missing(cell));
	replay->filled_count += cell_filled_count(cell);
	replay->failed_count += cell_failed_count(cell);
	if (replay->report_at_ms == 0)
		replay->report_at_ms = clock_now_ms() + REPORT_MS;
	/* This counts even if no node gave any of the requested blocks: the pass goes on. */
	if (cell_filled_count(cell) + cell_failed_count(cell) > 0)
		shared_progress(replay->shared);
}

static void log_report(struct replay *replay)
{
	if (replay->filled_count > 0)
		log_info("gap_replayed", "%llu blocks between %u and %u are stored now",
			 (unsigned long long)replay->filled_count, replay->reported_first,
			 replay->reported_last);
	if (replay->failed_count > 0)
		log_warning(
			"gap_remains",
			"%llu blocks between %u and %u could not be filled; the view gaps says why, they are tried again",
			(unsigned long long)replay->failed_count, replay->reported_first,
			replay->reported_last);
	replay->reported_first = 0;
	replay->reported_last = 0;
	replay->filled_count = 0;
	replay->failed_count = 0;
	replay->report_at_ms = 0;
}

static int64_t report_in_time(struct replay *replay, int64_t now_ms)
{
	if (replay->report_at_ms == 0)
		return CLOCK_NEVER;
	if (now_ms < replay->report_at_ms && !replay_is_idle(replay))
		return replay->report_at_ms;
	log_report(replay);
	return CLOCK_NEVER;
}

/* Search: claim the next cell, or find the next blocks to be written again. */

struct search_job {
	struct job job;
	struct replay *replay;
	struct range_set within;      /* copies, because the thread must not read the replay */
	struct range_set unreachable; /* the part of `within` above the newest block of the nodes */
	uint64_t unreachable_count;   /* blocks missing in that part */
	struct range_set working;
	struct range_set to_rewrite;
	unsigned outdated;
	struct reader_identity identity;
	uint32_t filter_id;
	uint64_t generation;
	struct claim_search search;
	struct range_set found; /* of to_rewrite: at most one cell's worth of outdated blocks */
};

static int run_search(struct db *db, struct job *job, struct error *err)
{
	struct search_job *search = (struct search_job *)job;

	claim_release(&search->search.claim);
	search->search = (struct claim_search){.has_claim = false};
	range_set_clear(&search->found);
	if (claims_take_next(db, &search->identity, &search->within, &search->working,
			     &search->search, err) < 0 ||
	    claims_count_missing(db, &search->identity, &search->unreachable,
				 &search->unreachable_count, err) < 0)
		return -1;
	if (search->search.has_claim)
		return 0;
	return ledger_find_outdated(db, search->outdated, search->filter_id, &search->to_rewrite,
				    CLAIM_CELL_BLOCKS, &search->found, err);
}

static void add_cell(struct replay *replay, struct claim *claim, enum ledger_rewrite rewrite)
{
	log_debug("cell_claimed", "blocks %u..%u, %llu of them missing", claim->first, claim->last,
		  (unsigned long long)range_count_blocks(&claim->missing));
	replay->cells[replay->cell_count++] = cell_new(replay->shared, claim, rewrite);
	if (replay->is_stopped) /* too late: release the claim at once */
		cell_give_up(replay->cells[replay->cell_count - 1]);
}

/* The cell is finished. */
static void remove_cell(struct replay *replay, unsigned at)
{
	report_cell(replay, replay->cells[at]);
	cell_free(replay->cells[at]);
	for (unsigned i = at + 1; i < replay->cell_count; i++)
		replay->cells[i - 1] = replay->cells[i];
	replay->cell_count--;
	replay_look_again(replay);
}

static void start_rewrite(struct replay *replay, const struct range_set *found)
{
	struct claim claim = {.first = range_first(found), .last = range_last(found)};

	range_set_copy(&claim.missing, found);
	range_remove(&replay->to_rewrite, 1, claim.last);
	add_cell(replay, &claim, LEDGER_REWRITE);
}

static void take_search(struct replay *replay, struct search_job *search)
{
	struct replay_status *status = &replay->status;

	replay->done_at_search = shared_done_blocks(replay->shared);
	status->missing_count = search->search.missing_count + search->unreachable_count;
	status->unreachable_count = search->unreachable_count;
	status->others_work = search->search.others_work;
	replay->found_nothing = false;
	if (search->search.has_claim) {
		if (search->search.is_taken_over)
			log_info(
				"claim_taken_over",
				"the reader of blocks %u..%u is dead or cut off: its claim ran out, %llu blocks are left to do",
				search->search.claim.first, search->search.claim.last,
				(unsigned long long)range_count_blocks(
					&search->search.claim.missing));
		add_cell(replay, &search->search.claim, LEDGER_KEEP);
		return;
	}
	if (search->found.count > 0) {
		start_rewrite(replay, &search->found);
		return;
	}
	if (search->to_rewrite.count > 0)
		range_remove(&replay->to_rewrite, 1, range_last(&search->to_rewrite));
	replay->found_nothing = true;
	replay->search_at_ms =
		clock_now_ms() + (status->others_work ? OTHERS_AGAIN_MS : LOOK_AGAIN_MS);
	if (search->search.waits && search->search.next_try_ms < LOOK_AGAIN_MS)
		replay->search_at_ms = clock_now_ms() + search->search.next_try_ms + 100;
}

static void finish_search(struct job *job)
{
	struct search_job *search = (struct search_job *)job;
	struct replay *replay = search->replay;

	replay->is_searching = false;
	if (job->err.kind != ERROR_NONE)
		shared_task_failed(replay->shared, &job->err);
	else if (search->generation == replay->generation || search->search.has_claim)
		take_search(replay, search);
	claim_release(&search->search.claim);
	range_set_release(&search->within);
	range_set_release(&search->unreachable);
	range_set_release(&search->working);
	range_set_release(&search->to_rewrite);
	range_set_release(&search->found);
	free(search);
}

/*
 * Do not claim blocks that our nodes do not have now: readers with other nodes could not take
 * them, and the tail would wait for them.
 */
static void leave_out_unreachable(const struct replay *replay, struct search_job *search)
{
	uint32_t reachable = shared_reachable_block(replay->shared);

	if (reachable == 0 || reachable == UINT32_MAX)
		return;
	range_set_copy(&search->unreachable, &search->within);
	range_remove(&search->unreachable, 1, reachable);
	range_remove(&search->within, reachable + 1, UINT32_MAX);
	range_remove(&search->to_rewrite, reachable + 1, UINT32_MAX);
}

static void start_search(struct replay *replay)
{
	struct search_job *search = xcalloc(1, sizeof(*search));

	job_init(&search->job, run_search, finish_search, "looking for a gap to fill");
	search->replay = replay;
	range_set_copy(&search->within, &replay->within);
	range_set_copy(&search->to_rewrite, &replay->to_rewrite);
	leave_out_unreachable(replay, search);
	search->outdated = replay->shared->config.outdated;
	for (unsigned i = 0; i < replay->cell_count; i++)
		range_add(&search->working, cell_first_missing(replay->cells[i]),
			  cell_last_missing(replay->cells[i]));
	search->identity = replay->shared->identity;
	search->filter_id = replay->shared->filter_id;
	search->generation = replay->generation;
	replay->is_searching = true;
	executor_task(replay->shared->executor, &search->job);
}

/* Search for a cell to claim, once it is time and a node could give its blocks. */
static int64_t search_in_time(struct replay *replay, int64_t now_ms)
{
	const struct pool *pool = replay->shared->pool;

	if (replay->is_searching || replay->is_stopped || replay->cell_count == replay->cell_limit)
		return CLOCK_NEVER;
	if (replay->found_nothing && now_ms < replay->search_at_ms)
		return replay->search_at_ms;
	if (pool_healthy(pool, now_ms) == 0) /* a claim would only keep others from it */
		return pool_next_ready_ms(pool, now_ms);
	start_search(replay);
	return CLOCK_NEVER;
}

/* Public functions. */

struct replay *replay_new(struct shared *shared)
{
	struct replay *replay = xcalloc(1, sizeof(*replay));
	uint64_t wanted = 2 * (uint64_t)shared->config.connections * shared->config.batch_size;

	replay->shared = shared;
	/*
	 * Enough cells to keep all connections busy, one in reserve, and one that is being
	 * finished.
	 */
	replay->cell_limit = (unsigned)(wanted / CLAIM_CELL_BLOCKS) + 3;
	if (replay->cell_limit > MAX_CELLS)
		replay->cell_limit = MAX_CELLS;
	replay->found_nothing = true;
	replay->search_at_ms = INT64_MAX;
	return replay;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	for (unsigned i = 0; i < replay->cell_count; i++)
		cell_free(replay->cells[i]);
	range_set_release(&replay->within);
	range_set_release(&replay->to_rewrite);
	free(replay);
}

void replay_set_within(struct replay *replay, const struct range_set *within)
{
	range_set_copy(&replay->within, within);
	replay->generation++;
	replay_look_again(replay);
}

void replay_rewrite(struct replay *replay, const struct range_set *ranges)
{
	range_set_copy(&replay->to_rewrite, ranges);
	replay_look_again(replay);
}

void replay_look_again(struct replay *replay)
{
	replay->found_nothing = false;
}

int64_t replay_step(struct replay *replay, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;

	for (unsigned i = 0; i < replay->cell_count;) {
		due_ms = sooner(due_ms, cell_step(replay->cells[i], now_ms));
		if (cell_is_done(replay->cells[i]))
			remove_cell(replay, i);
		else
			i++;
	}
	due_ms = sooner(due_ms, search_in_time(replay, now_ms));
	return sooner(due_ms, report_in_time(replay, now_ms));
}

bool replay_is_idle(const struct replay *replay)
{
	return replay->cell_count == 0 && !replay->is_searching &&
	       (replay->found_nothing || replay->is_stopped);
}

void replay_get_status(const struct replay *replay, struct replay_status *ret_status)
{
	uint64_t done = shared_done_blocks(replay->shared) - replay->done_at_search;

	*ret_status = replay->status;
	ret_status->missing_count -= min_u64(done, ret_status->missing_count);
	ret_status->rewrite_failed_count = replay->rewrite_failed_count;
	ret_status->rewrite_left_count = range_count_blocks(&replay->to_rewrite);
	ret_status->claim_count = replay->cell_count;
}

void replay_stop(struct replay *replay)
{
	replay->is_stopped = true;
	for (unsigned i = 0; i < replay->cell_count; i++)
		cell_give_up(replay->cells[i]);
}
