/* SPDX-License-Identifier: MIT */
#include "sync/reader.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "store/ranges.h"
#include "sync/confirm.h"
#include "sync/head.h"
#include "sync/keeper.h"
#include "sync/plan.h"
#include "sync/preview.h"
#include "sync/reader_state.h"
#include "sync/replay.h"
#include "sync/scan.h"
#include "sync/startup.h"
#include "sync/tail.h"

#define HEADS_AGAIN_MS  500  /* while no node has said anything yet */
#define HEADS_ENOUGH_MS 2000 /* then one that does not answer is not waited for */
#define LOGGED_HOLES    20

const char *reader_state_name(const struct reader *reader)
{
	switch (reader->phase) {
	case PHASE_OPENING:
	case PHASE_GREETING:
	case PHASE_COMPARING:
	case PHASE_WANTING:
		return "starting";
	case PHASE_VERIFYING:
		return "verifying";
	case PHASE_SCANNING:
		return "scanning";
	case PHASE_REPLAYING:
	case PHASE_REFRESHING:
		return reader->is_catching_up ? "catching_up" : "replaying";
	case PHASE_TAILING:
		return "tailing";
	case PHASE_LEAVING:
	case PHASE_SIGNING_OFF:
	case PHASE_OVER:
		break;
	}
	return "stopping";
}

/* The nodes. */

/* Did every node answer, or those that did not had their time? */
static bool heads_are_known(struct reader *reader)
{
	int64_t now_ms = clock_now_ms();

	if (client_heads_pending(reader->work.client) > 0)
		return pool_irreversible(reader->work.pool) > 0 &&
		       now_ms - reader->phase_since_ms > HEADS_ENOUGH_MS;
	if (pool_irreversible(reader->work.pool) > 0)
		return true;
	if (now_ms >= reader->heads_at_ms - HEADS_REPLAY_MS + HEADS_AGAIN_MS)
		reader_ask_heads(reader);
	return false;
}

/* Scanning. */

void reader_tell_hole(void *context, uint32_t first, uint32_t last)
{
	struct reader *reader = context;
	uint64_t count = (uint64_t)last - first + 1;
	bool is_tip = first > startup_newest(reader->startup) &&
		      reader->work.config.goal != READER_BACKFILL;

	if (reader->work.config.dry_run) {
		fprintf(reader->work.config.dry_run, "would %s blocks %u-%u (%llu)\n",
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
	scan_start(reader->scan, ranges, reader->work.config.dry_run == NULL);
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

static void enter_scanning(struct reader *reader)
{
	progress_begin(&reader->progress, "scanning");
	reader_enter(reader, PHASE_SCANNING);
}

static void start_first_scan(struct reader *reader)
{
	const struct ranges *ranges = startup_ranges(reader->startup);
	uint32_t to = pool_irreversible(reader->work.pool);

	log_info("scan_started", "looking for missing blocks up to %u, the newest irreversible one",
		 to);
	reader->is_catching_up = true;
	enter_scanning(reader);
	if (reader->work.config.goal == READER_BACKFILL)
		start_scan(reader, reader->work.config.backfill, 0);
	else if (ranges->open_first > to) /* the start block lies in the future */
		scan_everything(reader, ranges->open_first - 1);
	else
		scan_everything(reader, to);
}

/* Replaying. */

static uint64_t blocks_done(const struct reader *reader)
{
	return reader->work.stored_blocks + reader->work.present_blocks;
}

static void begin_replay_progress(struct reader *reader)
{
	reader->replay_base = blocks_done(reader);
	reader->replay_base_operations = reader->work.stored_operations;
	progress_begin(&reader->progress, reader->is_catching_up ? "catching up" : "replaying");
}

static void show_replay_progress(struct reader *reader)
{
	struct replay_status status;
	uint64_t done = blocks_done(reader) - reader->replay_base;

	replay_get_status(reader->replay, &status);
	progress_update(&reader->progress, done,
			reader->work.stored_operations - reader->replay_base_operations,
			status.missing_count);
}

static void start_replay(struct reader *reader)
{
	const struct reader_config *config = &reader->work.config;
	struct range_set within = RANGE_SET_INIT;

	if (config->goal == READER_BACKFILL)
		range_set_copy(&within, config->backfill);
	else if (config->goal == READER_ONCE)
		range_add(&within, 1, UINT32_MAX);
	else
		plan_before_tail(startup_ranges(reader->startup), reader->scanned_to,
				 config->before_tail, &within);
	replay_set_within(reader->replay, &within);
	if (config->goal == READER_BACKFILL && config->rewrite != LEDGER_KEEP)
		replay_rewrite(reader->replay, &within);
	range_set_release(&within);
	begin_replay_progress(reader);
	reader_enter(reader, PHASE_REPLAYING);
}

static void finish_dry_run(struct reader *reader)
{
	fprintf(reader->work.config.dry_run, "%llu blocks would be fetched; nothing was written\n",
		(unsigned long long)(scan_missing_count(reader->scan) + reader->rewrite_count));
	reader->end = READER_END_DONE;
	reader_enter(reader, PHASE_OVER);
}

static void take_preview(void *context, uint64_t block_count)
{
	struct reader *reader = context;

	reader->rewrite_count = block_count;
	if (reader->phase == PHASE_SCANNING)
		finish_dry_run(reader);
}

static void finish_scan(struct reader *reader)
{
	if (reader->is_previewing)
		return;
	reader->scanned_to = reader->scanning_to;
	progress_drop(&reader->progress);
	reader->is_previewing =
		reader->work.config.dry_run && (reader->work.config.rewrite == LEDGER_REVIRTUAL ||
						reader->work.config.rewrite == LEDGER_REDELIVER);
	if (reader->is_previewing)
		preview_rewrite(&reader->work, take_preview, reader);
	else if (reader->work.config.dry_run)
		finish_dry_run(reader);
	else
		start_replay(reader);
}

/* Tailing. */

static void schedule_full_scan(struct reader *reader)
{
	reader->full_scan_at_ms =
		clock_now_ms() + (int64_t)reader->work.config.full_scan_h * 3600 * 1000;
}

static void start_tail(struct reader *reader)
{
	struct range_set everything = RANGE_SET_INIT;
	int64_t now_ms = clock_now_ms();

	log_info("tail_started", "following the chain from block %u; %u is irreversible now",
		 reader->scanned_to + 1, pool_irreversible(reader->work.pool));
	/* Deeper holes and closed ranges are replayed beside it. */
	range_add(&everything, 1, UINT32_MAX);
	replay_set_within(reader->replay, &everything);
	range_set_release(&everything);
	tail_start(reader->tail, reader->scanned_to + 1);
	head_start(reader->head);
	reader->scan_at_ms = now_ms + (int64_t)reader->work.config.scan_interval_s * 1000;
	if (reader->full_scan_at_ms == 0)
		schedule_full_scan(reader);
	reader_enter(reader, PHASE_TAILING);
}

/* The tail fell far behind (an outage, a frozen process): share the stretch with others again. */
static void return_to_catch_up(struct reader *reader)
{
	log_warning("tail_lost", "the chain is %u blocks ahead; catching up first",
		    pool_irreversible(reader->work.pool) - tail_next_block(reader->tail) + 1);
	tail_stop(reader->tail);
	head_stop(reader->head);
	reader->is_catching_up = true;
	enter_scanning(reader);
	scan_above(reader, pool_irreversible(reader->work.pool));
}

/* New holes since the last scan, and now and then everything again. */
static void scan_beside_tail(struct reader *reader)
{
	const struct reader_config *config = &reader->work.config;
	int64_t now_ms = clock_now_ms();

	if (scan_is_running(reader->scan) || now_ms < reader->scan_at_ms)
		return;
	reader->scanned_to = reader->scanning_to; /* the scan before is over */
	reader->scan_at_ms = now_ms + (int64_t)config->scan_interval_s * 1000;
	replay_look_again(reader->replay);
	if (now_ms < reader->full_scan_at_ms) {
		scan_above(reader, tail_next_block(reader->tail) - 1);
		return;
	}
	log_info("scan_started", "the full scan of every %u h", config->full_scan_h);
	startup_want(reader->startup,
		     pool_irreversible(reader->work.pool)); /* then reader_step_over() */
}

/* A replay beside the tail shows its progress while it works. */
static void show_beside_tail(struct reader *reader)
{
	struct replay_status status;

	replay_get_status(reader->replay, &status);
	if (!status.is_claiming && reader->progress.is_active) {
		show_replay_progress(reader);
		progress_end(&reader->progress);
	} else if (status.is_claiming && !reader->progress.is_active) {
		begin_replay_progress(reader);
	} else if (status.is_claiming) {
		show_replay_progress(reader);
	}
}

static void step_tail(struct reader *reader)
{
	uint32_t irreversible = pool_irreversible(reader->work.pool);
	uint32_t next = tail_next_block(reader->tail);

	/* First: what it saw may be what the tail waits for. */
	head_step(reader->head, tail_next_block(reader->tail));
	tail_step(reader->tail);
	scan_beside_tail(reader);
	show_beside_tail(reader);
	if (irreversible > next && irreversible - next > PLAN_LOST_BLOCKS &&
	    !scan_is_running(reader->scan))
		return_to_catch_up(reader);
}

/* Verifying. */

static void start_verify(struct reader *reader)
{
	const struct range_set *ranges = reader->work.config.verify.ranges;

	if (!startup_allows(reader->startup, ranges))
		return;
	log_info("verify_started", "comparing %llu blocks with the chain",
		 (unsigned long long)range_count_blocks(ranges));
	progress_begin(&reader->progress, "verifying");
	verify_start(reader->verify);
	reader_enter(reader, PHASE_VERIFYING);
}

static void step_verify(struct reader *reader)
{
	const struct range_set *ranges = reader->work.config.verify.ranges;
	struct verify_counts counts;
	uint64_t done;

	verify_step(reader->verify);
	verify_get_counts(reader->verify, &counts);
	done = counts.compared + counts.unknown;
	progress_update(&reader->progress, done, 0, range_count_blocks(ranges) - done);
	if (!verify_is_done(reader->verify))
		return;
	progress_end(&reader->progress);
	if (counts.found > counts.mended)
		reader_leave(reader, READER_END_DIFFERS);
	else
		reader_leave(reader, counts.unknown > 0 ? READER_END_MISSING : READER_END_DONE);
}

/* The order of it all. */

/* A step of the start-up is over. */
void reader_step_over(void *context)
{
	struct reader *reader = context;

	switch (reader->phase) {
	case PHASE_OPENING:
		reader->is_ready = true;
		reader_enter(reader, PHASE_GREETING);
		reader_ask_heads(reader);
		break;
	case PHASE_COMPARING:
		if (pool_irreversible(reader->work.pool) == 0) { /* all claim what cannot be */
			reader_enter(reader, PHASE_GREETING);
			break;
		}
		if (reader->work.config.goal == READER_VERIFY) {
			start_verify(reader);
			break;
		}
		reader_enter(reader, PHASE_WANTING);
		startup_want(reader->startup, pool_irreversible(reader->work.pool));
		break;
	case PHASE_WANTING:
		start_first_scan(reader);
		break;
	case PHASE_TAILING: /* the ranges were read again for a full scan */
		if (scan_is_running(reader->scan))
			break; /* after the next look, then */
		schedule_full_scan(reader);
		scan_everything(reader, tail_next_block(reader->tail) - 1);
		break;
	default:
		break;
	}
}

static void end_one_shot(struct reader *reader)
{
	struct replay_status status;

	replay_get_status(reader->replay, &status);
	if (status.unreachable_count + status.rewrite_left_count > 0)
		log_warning(
			"nodes_behind",
			"the nodes have blocks up to %u now, and %llu blocks above it are still to be read; this is normal for a while after nodes restart: run this again later, or let a running reader fill the gaps",
			work_reachable_block(&reader->work),
			(unsigned long long)(status.unreachable_count + status.rewrite_left_count));
	reader_leave(reader, status.missing_count > 0 || status.rewrite_failed_count > 0 ||
					     status.rewrite_left_count > 0
				     ? READER_END_MISSING
				     : READER_END_DONE);
}

static void decide(struct reader *reader)
{
	struct replay_status status;
	struct plan_facts facts = {.goal = reader->work.config.goal,
				   .irreversible = pool_irreversible(reader->work.pool),
				   .scanned_to = reader->scanned_to,
				   .is_replaying = !replay_is_idle(reader->replay)};

	replay_get_status(reader->replay, &status);
	facts.others_replay = status.others_work;
	switch (plan_after_scan(&facts)) {
	case PLAN_WAIT:
		reader_enter(reader, PHASE_REPLAYING);
		break;
	case PLAN_SCAN:
		reader->is_catching_up = true;
		enter_scanning(reader);
		scan_above(reader, facts.irreversible);
		break;
	case PLAN_TAIL:
		progress_end(&reader->progress);
		start_tail(reader);
		break;
	case PLAN_END:
		progress_end(&reader->progress);
		end_one_shot(reader);
		break;
	}
}

static bool others_keep_us_waiting(const struct reader *reader)
{
	struct replay_status status;

	replay_get_status(reader->replay, &status);
	return reader->work.config.goal != READER_RUN && status.others_work;
}

static void step_replay(struct reader *reader)
{
	show_replay_progress(reader);
	if (!replay_is_idle(reader->replay) || others_keep_us_waiting(reader))
		return;
	reader_enter(reader, PHASE_REFRESHING);
	reader_ask_heads(reader);
}

static void step_leaving(struct reader *reader)
{
	bool is_late = clock_now_ms() >= reader->leave_by_ms;

	if (reader->phase == PHASE_LEAVING) {
		bool is_quiet = replay_is_idle(reader->replay) && tail_is_idle(reader->tail) &&
				head_is_idle(reader->head) && verify_is_done(reader->verify) &&
				!scan_is_running(reader->scan) && confirm_is_idle(reader->confirm);

		if (!is_quiet && !is_late)
			return;
		if (reader->is_ready && !reader->work.config.dry_run)
			keeper_sign_off(reader->keeper);
		reader_enter(reader, PHASE_SIGNING_OFF);
	}
	if (!reader->is_ready || reader->work.config.dry_run ||
	    keeper_has_signed_off(reader->keeper) || is_late)
		reader_enter(reader, PHASE_OVER);
}

void reader_step(struct reader *reader)
{
	switch (reader->phase) {
	case PHASE_OPENING:
	case PHASE_COMPARING:
	case PHASE_WANTING:
		break; /* reader_step_over() is called */
	case PHASE_GREETING:
		if (heads_are_known(reader)) {
			reader_enter(reader, PHASE_COMPARING);
			startup_compare(reader->startup);
		}
		break;
	case PHASE_VERIFYING:
		step_verify(reader);
		break;
	case PHASE_SCANNING:
		progress_update(&reader->progress, scan_done_count(reader->scan), 0,
				scan_left_count(reader->scan));
		if (!scan_is_running(reader->scan))
			finish_scan(reader);
		break;
	case PHASE_REPLAYING:
		step_replay(reader);
		break;
	case PHASE_REFRESHING:
		show_replay_progress(reader);
		if (heads_are_known(reader))
			decide(reader);
		break;
	case PHASE_TAILING:
		step_tail(reader);
		break;
	case PHASE_LEAVING:
	case PHASE_SIGNING_OFF:
		step_leaving(reader);
		break;
	case PHASE_OVER:
		break;
	}
}
