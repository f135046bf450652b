/* SPDX-License-Identifier: MIT */
/* The states of a reader, and what it does in each of them. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "store/wanted_ranges.h"
#include "sync/chain_check.h"
#include "sync/confirm.h"
#include "sync/executor.h"
#include "sync/head.h"
#include "sync/heartbeat.h"
#include "sync/plan.h"
#include "sync/reader_impl.h"
#include "sync/replay.h"
#include "sync/scan.h"
#include "sync/startup.h"
#include "sync/tail.h"

#define HEADS_AGAIN_MS  500  /* while no node has answered yet */
#define HEADS_ENOUGH_MS 2000 /* after this time, a node that does not answer is not waited for */
#define LOGGED_HOLES    20
#define GRACE_MS        8000 /* for finishing when the reader stops */
#define SHORT_GRACE_MS  2000 /* the same after an error, or while the database is away */

const char *reader_state_name(const struct reader *reader)
{
	switch (reader->state) {
	case STATE_OPENING:
	case STATE_PROBING:
	case STATE_CHECKING:
	case STATE_LOADING:
		return "starting";
	case STATE_VERIFYING:
		return "verifying";
	case STATE_SCANNING:
	case STATE_PREVIEWING:
		return "scanning";
	case STATE_REPLAYING:
	case STATE_POLLING:
		return reader->is_catching_up ? "catching_up" : "replaying";
	case STATE_TAILING:
		return "tailing";
	case STATE_LEAVING:
	case STATE_SIGNING_OFF:
	case STATE_OVER:
		break;
	}
	return "stopping";
}

/* The nodes. */

/* Do enough nodes answer to begin? */
static bool is_answered(const struct reader *reader)
{
	return pool_irreversible(reader->shared.pool) > 0 &&
	       (!chain_check_is_postponed(reader->chain_check) ||
		pool_half_answers(reader->shared.pool));
}

/* Has every node answered, or was the time over for those that did not? */
static bool heads_are_known(const struct reader *reader)
{
	if (!is_answered(reader))
		return false;
	return client_heads_pending(reader->shared.client) == 0 ||
	       clock_now_ms() >= reader->state_since_ms + HEADS_ENOUGH_MS;
}

/* Until heads_are_known(). */
static int64_t wait_for_heads(struct reader *reader, int64_t now_ms)
{
	int64_t again_ms = reader->heads_asked_ms + HEADS_AGAIN_MS;

	if (is_answered(reader))
		return reader->state_since_ms + HEADS_ENOUGH_MS;
	if (client_heads_pending(reader->shared.client) > 0)
		return CLOCK_NEVER;
	if (now_ms < again_ms)
		return again_ms;
	reader_ask_heads(reader);
	return now_ms;
}

/* Scanning. */

void reader_tell_hole(void *context, uint32_t first, uint32_t last)
{
	struct reader *reader = context;
	uint64_t count = (uint64_t)last - first + 1;
	bool is_tip = first > chain_check_newest(reader->chain_check) &&
		      reader->shared.config.goal != READER_BACKFILL;

	if (reader->shared.config.dry_run) {
		fprintf(reader->shared.config.dry_run, "would %s blocks %u-%u (%llu)\n",
			is_tip ? "catch up" : "replay", first, last, (unsigned long long)count);
		return;
	}
	if (is_tip) {
		log_info("catch_up_started", "blocks %u..%u (%llu) are still to be read", first,
			 last, (unsigned long long)count);
		return;
	}
	reader->is_catching_up = false;
	if (scan_hole_count(reader->scan) <= LOGGED_HOLES)
		log_info("gap_found", "blocks %u..%u (%llu) are missing; they are replayed", first,
			 last, (unsigned long long)count);
	else if (scan_hole_count(reader->scan) == LOGGED_HOLES + 1)
		log_info("gap_found", "more holes follow; the view gaps lists them all");
}

static void start_scan(struct reader *reader, const struct range_set *ranges, uint32_t to)
{
	reader->scanning_to = to;
	scan_start(reader->scan, ranges, reader->shared.config.dry_run == NULL);
}

static void scan_everything(struct reader *reader, uint32_t to)
{
	struct range_set ranges = RANGE_SET_INIT;

	plan_scan_all(startup_ranges(reader->startup), to, &ranges);
	start_scan(reader, &ranges, to);
	range_set_release(&ranges);
}

static void scan_above(struct reader *reader, uint32_t to)
{
	struct range_set ranges = RANGE_SET_INIT;

	if (to > reader->scanned_to)
		range_add(&ranges, reader->scanned_to + 1, to);
	start_scan(reader, &ranges, to);
	range_set_release(&ranges);
}

static void scan_first(struct reader *reader)
{
	const struct wanted_ranges *ranges = startup_ranges(reader->startup);
	uint32_t to = pool_irreversible(reader->shared.pool);

	log_info("scan_started", "looking for missing blocks up to %u, the newest irreversible one",
		 to);
	if (reader->shared.config.goal == READER_BACKFILL)
		start_scan(reader, reader->shared.config.backfill, 0);
	else if (ranges->open_first > to) /* the start block is still to come */
		scan_everything(reader, ranges->open_first - 1);
	else
		scan_everything(reader, to);
}

/* Replaying. */

static void begin_replay_progress(struct reader *reader)
{
	reader->replay_base = shared_done_blocks(&reader->shared);
	reader->replay_base_operations = reader->shared.stored_operations;
	progress_begin(&reader->progress, reader->is_catching_up ? "catching up" : "replaying");
}

static int64_t show_replay_progress(struct reader *reader)
{
	struct replay_status status;
	uint64_t done = shared_done_blocks(&reader->shared) - reader->replay_base;

	replay_get_status(reader->replay, &status);
	return progress_update(&reader->progress, done,
			       reader->shared.stored_operations - reader->replay_base_operations,
			       status.missing_count);
}

static void start_replay(struct reader *reader)
{
	const struct reader_config *config = &reader->shared.config;
	struct range_set within = RANGE_SET_INIT;

	if (config->goal == READER_BACKFILL)
		range_set_copy(&within, config->backfill);
	else if (config->goal == READER_ONCE)
		range_add(&within, 1, UINT32_MAX);
	else
		plan_before_tail(startup_ranges(reader->startup), reader->scanned_to,
				 config->before_tail, &within);
	replay_set_within(reader->replay, &within);
	if (config->goal == READER_BACKFILL && config->outdated)
		replay_rewrite(reader->replay, &within);
	range_set_release(&within);
	begin_replay_progress(reader);
}

/*
 * Does a dry run have to find the stored blocks that would be written again?  It cannot compare
 * filters, because its own may have no number yet.
 */
static bool has_preview(const struct reader *reader)
{
	const struct reader_config *config = &reader->shared.config;

	return config->dry_run && config->outdated && !(config->outdated & LEDGER_OUTDATED_FILTER);
}

static void tell_dry_run(const struct reader *reader)
{
	fprintf(reader->shared.config.dry_run,
		"%llu blocks would be fetched; nothing was written\n",
		(unsigned long long)(scan_missing_count(reader->scan) +
				     startup_outdated_count(reader->startup)));
}

/* Tailing. */

static void schedule_full_scan(struct reader *reader)
{
	reader->full_scan_at_ms =
		clock_now_ms() + (int64_t)reader->shared.config.full_scan_h * 3600 * 1000;
}

static void start_tail(struct reader *reader)
{
	struct range_set everything = RANGE_SET_INIT;
	int64_t now_ms = clock_now_ms();

	log_info("tail_started", "following the chain from block %u; %u is irreversible now",
		 reader->scanned_to + 1, pool_irreversible(reader->shared.pool));
	/* Deeper holes and closed ranges are replayed at the same time. */
	range_add(&everything, 1, UINT32_MAX);
	replay_set_within(reader->replay, &everything);
	range_set_release(&everything);
	tail_start(reader->tail, reader->scanned_to + 1);
	head_start(reader->head);
	reader->scan_at_ms = now_ms + (int64_t)reader->shared.config.scan_interval_s * 1000;
	if (reader->full_scan_at_ms == 0)
		schedule_full_scan(reader);
}

/*
 * Is the tail far behind (an outage, a frozen process), so that the stretch should be shared
 * with the other readers again?
 */
static bool has_lost_tail(const struct reader *reader)
{
	uint32_t irreversible = pool_irreversible(reader->shared.pool);
	uint32_t next = tail_next_block(reader->tail);

	return irreversible > next && irreversible - next > PLAN_LOST_BLOCKS &&
	       !scan_is_running(reader->scan);
}

static void stop_tail(struct reader *reader)
{
	log_warning("tail_lost", "the chain is %u blocks ahead; catching up first",
		    pool_irreversible(reader->shared.pool) - tail_next_block(reader->tail) + 1);
	tail_stop(reader->tail);
	head_stop(reader->head);
}

/* New holes since the last scan, and now and then everything again. */
static int64_t scan_beside_tail(struct reader *reader, int64_t now_ms)
{
	const struct reader_config *config = &reader->shared.config;

	if (scan_is_running(reader->scan))
		return CLOCK_NEVER;
	if (now_ms < reader->scan_at_ms)
		return reader->scan_at_ms;
	reader->scanned_to = reader->scanning_to; /* the scan before is over */
	reader->scan_at_ms = now_ms + (int64_t)config->scan_interval_s * 1000;
	replay_look_again(reader->replay);
	if (now_ms < reader->full_scan_at_ms) {
		scan_above(reader, tail_next_block(reader->tail) - 1);
		return now_ms;
	}
	log_info("scan_started", "the full scan of every %u h", config->full_scan_h);
	/* First the ranges are loaded again; reader_task_done() then calls scan_fully(). */
	startup_want(reader->startup, pool_irreversible(reader->shared.pool));
	return now_ms;
}

/*
 * The ranges were loaded again. If a scan is running, the full scan comes after the next look
 * for holes.
 */
static void scan_fully(struct reader *reader)
{
	if (scan_is_running(reader->scan))
		return;
	schedule_full_scan(reader);
	scan_everything(reader, tail_next_block(reader->tail) - 1);
}

/* A replay beside the tail shows its progress while it works. */
static int64_t show_beside_tail(struct reader *reader)
{
	struct replay_status status;

	replay_get_status(reader->replay, &status);
	if (status.claim_count > 0 && !reader->progress.is_active)
		begin_replay_progress(reader);
	if (status.claim_count > 0)
		return show_replay_progress(reader);
	if (reader->progress.is_active) {
		(void)show_replay_progress(reader);
		progress_end(&reader->progress);
	}
	return CLOCK_NEVER;
}

static int64_t work_on_tail(struct reader *reader, int64_t now_ms)
{
	/* The head first: what it saw may be what the tail waits for. */
	int64_t due_ms = head_step(reader->head, tail_next_block(reader->tail), now_ms);

	due_ms = sooner(due_ms, tail_step(reader->tail, now_ms));
	due_ms = sooner(due_ms, scan_beside_tail(reader, now_ms));
	return sooner(due_ms, show_beside_tail(reader));
}

/* Verifying. */

static void start_verify(struct reader *reader)
{
	const struct range_set *ranges = reader->shared.config.verify.ranges;

	log_info("verify_started", "comparing %llu blocks with the chain",
		 (unsigned long long)range_count_blocks(ranges));
	progress_begin(&reader->progress, "verifying");
	verify_start(reader->verify);
}

static int64_t show_verify_progress(struct reader *reader)
{
	const struct range_set *ranges = reader->shared.config.verify.ranges;
	struct verify_counts counts;
	uint64_t done;

	verify_get_counts(reader->verify, &counts);
	done = counts.compared + counts.unknown;
	return progress_update(&reader->progress, done, 0, range_count_blocks(ranges) - done);
}

/* Ending. */

static enum reader_end end_of_verify(const struct reader *reader)
{
	struct verify_counts counts;

	verify_get_counts(reader->verify, &counts);
	if (counts.found > counts.mended)
		return READER_END_DIFFERS;
	return counts.unknown > 0 ? READER_END_MISSING : READER_END_DONE;
}

static enum reader_end end_of_replay(const struct reader *reader)
{
	struct replay_status status;

	replay_get_status(reader->replay, &status);
	if (status.unreachable_count + status.rewrite_left_count > 0)
		log_warning(
			"nodes_behind",
			"the nodes have blocks up to %u now, and %llu blocks above it are still to be read; this is normal for a while after nodes restart: run this again later, or let a running reader fill the gaps",
			shared_reachable_block(&reader->shared),
			(unsigned long long)(status.unreachable_count + status.rewrite_left_count));
	if (status.missing_count > 0 || status.rewrite_failed_count > 0 ||
	    status.rewrite_left_count > 0)
		return READER_END_MISSING;
	return READER_END_DONE;
}

/* Has everything that was begun ended? */
static bool is_quiet(const struct reader *reader)
{
	return replay_is_idle(reader->replay) && tail_is_idle(reader->tail) &&
	       head_is_idle(reader->head) && verify_is_done(reader->verify) &&
	       !scan_is_running(reader->scan) && confirm_is_idle(reader->confirm);
}

/* Does the database have this reader's row? */
static bool is_signed_on(const struct reader *reader)
{
	return reader->is_ready && !reader->shared.config.dry_run;
}

static void stop_everything(struct reader *reader)
{
	bool is_hopeless = reader->end == READER_END_ERROR ||
			   executor_has_lost_database(reader->shared.executor);
	int64_t grace_ms = is_hopeless ? SHORT_GRACE_MS : GRACE_MS;

	reader->shared.is_stopping = true;
	reader->leave_by_ms = clock_now_ms() + grace_ms;
	progress_end(&reader->progress);
	scan_stop(reader->scan);
	tail_stop(reader->tail);
	head_stop(reader->head);
	verify_stop(reader->verify);
	replay_stop(reader->replay);
	executor_hurry(reader->shared.executor, grace_ms);
}

/* The states. */

static enum state state_after_replay(const struct reader *reader)
{
	struct replay_status status;
	struct plan_facts facts = {.goal = reader->shared.config.goal,
				   .irreversible = pool_irreversible(reader->shared.pool),
				   .scanned_to = reader->scanned_to,
				   .is_replaying = !replay_is_idle(reader->replay)};

	replay_get_status(reader->replay, &status);
	facts.others_replay = status.others_work;
	switch (plan_after_scan(&facts)) {
	case PLAN_WAIT:
		return STATE_REPLAYING;
	case PLAN_SCAN:
		return STATE_SCANNING;
	case PLAN_TAIL:
		return STATE_TAILING;
	case PLAN_END:
		break;
	}
	return STATE_LEAVING;
}

static bool others_keep_us_waiting(const struct reader *reader)
{
	struct replay_status status;

	replay_get_status(reader->replay, &status);
	return reader->shared.config.goal != READER_RUN && status.others_work;
}

/*
 * The only function that decides in which state the reader is; enter_state() then starts the
 * work of that state.
 */
static enum state next_state(const struct reader *reader)
{
	bool is_late = clock_now_ms() >= reader->leave_by_ms;

	if (reader->state < STATE_LEAVING && (reader->is_leaving || reader->shared.is_over))
		return STATE_LEAVING;
	switch (reader->state) {
	case STATE_OPENING:
		return reader->is_task_done ? STATE_PROBING : STATE_OPENING;
	case STATE_PROBING:
		return heads_are_known(reader) ? STATE_CHECKING : STATE_PROBING;
	case STATE_CHECKING:
		if (reader->has_new_nodes)
			return STATE_PROBING;
		if (!reader->is_task_done)
			return STATE_CHECKING;
		/* all nodes claim what is impossible, or most do not answer */
		if (pool_irreversible(reader->shared.pool) == 0 ||
		    chain_check_is_postponed(reader->chain_check))
			return STATE_PROBING;
		return reader->shared.config.goal == READER_VERIFY ? STATE_VERIFYING
								   : STATE_LOADING;
	case STATE_LOADING:
		return reader->is_task_done ? STATE_SCANNING : STATE_LOADING;
	case STATE_VERIFYING:
		return verify_is_done(reader->verify) ? STATE_LEAVING : STATE_VERIFYING;
	case STATE_SCANNING:
		if (scan_is_running(reader->scan))
			return STATE_SCANNING;
		if (has_preview(reader))
			return STATE_PREVIEWING;
		return reader->shared.config.dry_run ? STATE_OVER : STATE_REPLAYING;
	case STATE_PREVIEWING:
		return reader->is_task_done ? STATE_OVER : STATE_PREVIEWING;
	case STATE_REPLAYING:
		return replay_is_idle(reader->replay) && !others_keep_us_waiting(reader)
			       ? STATE_POLLING
			       : STATE_REPLAYING;
	case STATE_POLLING:
		return heads_are_known(reader) ? state_after_replay(reader) : STATE_POLLING;
	case STATE_TAILING:
		return has_lost_tail(reader) ? STATE_SCANNING : STATE_TAILING;
	case STATE_LEAVING:
		return is_quiet(reader) || is_late ? STATE_SIGNING_OFF : STATE_LEAVING;
	case STATE_SIGNING_OFF:
		return !is_signed_on(reader) || heartbeat_has_signed_off(reader->heartbeat) ||
				       is_late
			       ? STATE_OVER
			       : STATE_SIGNING_OFF;
	case STATE_OVER:
		break;
	}
	return STATE_OVER;
}

static void enter_scanning(struct reader *reader, enum state from)
{
	if (from == STATE_TAILING)
		stop_tail(reader);
	reader->is_catching_up = true;
	progress_begin(&reader->progress, "scanning");
	if (from == STATE_LOADING)
		scan_first(reader);
	else
		scan_above(reader, pool_irreversible(reader->shared.pool));
}

static void leave_scanning(struct reader *reader)
{
	reader->scanned_to = reader->scanning_to;
	progress_drop(&reader->progress);
}

static void enter_verifying(struct reader *reader)
{
	if (startup_allows(reader->startup, reader->shared.config.verify.ranges))
		start_verify(reader);
}

static void enter_leaving(struct reader *reader, enum state from)
{
	if (reader->shared.is_over)
		reader->end = READER_END_ERROR;
	else if (!reader->is_leaving)
		reader->end =
			from == STATE_VERIFYING ? end_of_verify(reader) : end_of_replay(reader);
	stop_everything(reader);
}

static void enter_state(struct reader *reader, enum state state)
{
	enum state from = reader->state;

	reader->state = state;
	reader->state_since_ms = clock_now_ms();
	reader->is_task_done = false;
	reader->has_new_nodes = false;
	reader->due_ms = 0;
	heartbeat_hurry(reader->heartbeat);
	if (from == STATE_SCANNING && state != STATE_LEAVING)
		leave_scanning(reader);
	switch (state) {
	case STATE_OPENING:
		startup_open(reader->startup);
		break;
	case STATE_PROBING:
		reader->is_ready = true;
		reader_ask_heads(reader);
		break;
	case STATE_CHECKING:
		chain_check_start(reader->chain_check);
		break;
	case STATE_LOADING:
		startup_want(reader->startup, pool_irreversible(reader->shared.pool));
		break;
	case STATE_VERIFYING:
		enter_verifying(reader);
		break;
	case STATE_SCANNING:
		enter_scanning(reader, from);
		break;
	case STATE_PREVIEWING:
		startup_preview(reader->startup);
		break;
	case STATE_REPLAYING:
		if (from == STATE_SCANNING)
			start_replay(reader);
		break;
	case STATE_POLLING:
		reader_ask_heads(reader);
		break;
	case STATE_TAILING:
		progress_end(&reader->progress);
		start_tail(reader);
		break;
	case STATE_LEAVING:
		enter_leaving(reader, from);
		break;
	case STATE_SIGNING_OFF:
		if (is_signed_on(reader))
			heartbeat_sign_off(reader->heartbeat);
		break;
	case STATE_OVER:
		if (from == STATE_SCANNING || from == STATE_PREVIEWING)
			tell_dry_run(reader);
		break;
	}
}

void reader_advance(struct reader *reader)
{
	enum state next = next_state(reader);

	if (next != reader->state)
		enter_state(reader, next);
}

static int64_t work_in_state(struct reader *reader, int64_t now_ms)
{
	int64_t due_ms;

	switch (reader->state) {
	case STATE_PROBING:
		return wait_for_heads(reader, now_ms);
	case STATE_VERIFYING:
		due_ms = verify_step(reader->verify, now_ms);
		return sooner(due_ms, show_verify_progress(reader));
	case STATE_SCANNING:
		return progress_update(&reader->progress, scan_done_count(reader->scan), 0,
				       scan_left_count(reader->scan));
	case STATE_REPLAYING:
		return show_replay_progress(reader);
	case STATE_POLLING:
		due_ms = show_replay_progress(reader);
		return sooner(due_ms, wait_for_heads(reader, now_ms));
	case STATE_TAILING:
		return work_on_tail(reader, now_ms);
	case STATE_LEAVING:
	case STATE_SIGNING_OFF:
		return reader->leave_by_ms;
	case STATE_OPENING:
	case STATE_CHECKING:
	case STATE_LOADING:
	case STATE_PREVIEWING:
	case STATE_OVER:
		break; /* reader_task_done() tells when to go on */
	}
	return CLOCK_NEVER;
}

/* Public functions. */

void reader_begin(struct reader *reader)
{
	enter_state(reader, STATE_OPENING);
}

int64_t reader_step(struct reader *reader, int64_t now_ms)
{
	int64_t due_ms = work_in_state(reader, now_ms);

	reader_advance(reader);
	return due_ms;
}

void reader_task_done(void *context)
{
	struct reader *reader = context;

	if (reader->state == STATE_TAILING) {
		scan_fully(reader);
		return;
	}
	reader->is_task_done = true;
	reader_advance(reader);
}

void reader_leave(struct reader *reader, enum reader_end end)
{
	if (reader->state >= STATE_LEAVING)
		return;
	reader->is_leaving = true;
	reader->end = end;
	reader_advance(reader);
}

void reader_take_nodes(struct reader *reader)
{
	reader->has_new_nodes = true;
	reader_advance(reader);
}
