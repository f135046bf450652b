/* SPDX-License-Identifier: MIT */
#include "sync/startup.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/pool.h"
#include "store/filter_rows.h"
#include "store/schema.h"
#include "sync/chain_check.h"
#include "sync/executor.h"
#include "sync/filter.h"

struct startup {
	struct shared *shared;
	void (*done)(void *context);
	void *context;
	const struct chain_check *check;
	struct wanted_ranges ranges;
	uint64_t outdated_count;
};

struct startup_job {
	struct job job;
	struct startup *startup;
	struct wanted_ranges ranges; /* found by the thread; taken over in the loop thread */
	char *filter_text;
	uint32_t filter_id;
	uint32_t irreversible;
	struct clock_reading clock;
	struct range_set outdated;
};

static void submit(struct startup *startup, const char *what,
		   int (*run)(struct db *db, struct job *job, struct error *err),
		   void (*done)(struct job *job), uint32_t irreversible)
{
	struct startup_job *start = xcalloc(1, sizeof(*start));

	job_init(&start->job, run, done, "%s", what);
	start->startup = startup;
	start->irreversible = irreversible;
	start->filter_text = filter_normalise(startup->shared->config.filter);
	executor_task(startup->shared->executor, &start->job);
}

/* True if the step succeeded; otherwise the reader ends. */
static bool succeeded(struct startup_job *start)
{
	if (start->job.err.kind == ERROR_NONE)
		return true;
	shared_end(start->startup->shared, &start->job.err);
	return false;
}

static void free_job(struct startup_job *start)
{
	wanted_ranges_release(&start->ranges);
	range_set_release(&start->outdated);
	free(start->filter_text);
	free(start);
}

/* Opening the database. */

static int check_filter(struct db *db, struct startup_job *start, struct error *err)
{
	char *active = NULL;
	bool is_active;
	int result = filter_rows_enlist(db, start->filter_text, &start->filter_id, &is_active,
					&active, err);

	if (result == 0 && !is_active)
		result = error_set(
			err, ERROR_CONFIG,
			"the filter rules of this file, or its reader.virtual_operations, are not those that are active in the database (active: %s); change the file, or run steem-reader --activate-filter to make its rules the active ones for all readers",
			active && active[0] ? active : "no rules, every operation");
	free(active);
	return result;
}

static int run_open(struct db *db, struct job *job, struct error *err)
{
	struct startup_job *start = (struct startup_job *)job;
	const struct shared *shared = start->startup->shared;

	if (schema_check(db, err) < 0)
		return -1;
	if (shared->config.dry_run)
		return 0;
	if (check_filter(db, start, err) < 0 ||
	    filter_rows_make_queues(db, shared->config.filter->queues,
				    shared->config.filter->queue_count, err) < 0)
		return -1;
	if (reader_rows_register(db, &shared->identity, shared->config.version, err) < 0)
		return -1;
	return shared_read_clock(db, &start->clock, err);
}

static void finish_open(struct job *job)
{
	struct startup_job *start = (struct startup_job *)job;
	struct startup *startup = start->startup;

	if (succeeded(start)) {
		startup->shared->filter_id = start->filter_id;
		if (!startup->shared->config.dry_run)
			shared_note_clock(startup->shared, &start->clock);
		startup->done(startup->context);
	}
	free_job(start);
}

void startup_open(struct startup *startup)
{
	submit(startup, "opening the database", run_open, finish_open, 0);
}

/* Determining the wanted ranges. */

static int want_open_range(struct db *db, struct startup_job *start, struct error *err)
{
	const struct shared *shared = start->startup->shared;
	struct wanted_ranges *ranges = &start->ranges;
	uint32_t first = shared->config.start_block;

	if (!ranges->has_open && first == 0)
		first = start->irreversible;
	if (shared->config.dry_run) {
		if (!ranges->has_open || (first > 0 && first < ranges->open_first))
			ranges->open_first = first;
		ranges->has_open = true;
		return 0;
	}
	if (ranges->has_open && (first == 0 || first >= ranges->open_first))
		return 0;
	if (wanted_ranges_open(db, first, start->irreversible, err) < 0)
		return -1;
	wanted_ranges_release(ranges);
	return wanted_ranges_load(db, ranges, err);
}

static int run_want(struct db *db, struct job *job, struct error *err)
{
	struct startup_job *start = (struct startup_job *)job;
	const struct shared *shared = start->startup->shared;
	const struct range_set *wanted = shared->config.backfill;

	wanted_ranges_release(&start->ranges);
	if (wanted_ranges_load(db, &start->ranges, err) < 0)
		return -1;
	if (shared->config.goal != READER_BACKFILL)
		return want_open_range(db, start, err);
	if (shared->config.dry_run)
		return 0;
	if (wanted_ranges_add_closed(db, wanted, NULL, err) < 0)
		return -1;
	wanted_ranges_release(&start->ranges);
	return wanted_ranges_load(db, &start->ranges, err);
}

static void finish_want(struct job *job)
{
	struct startup_job *start = (struct startup_job *)job;
	struct startup *startup = start->startup;

	if (succeeded(start)) {
		uint32_t start_block = startup->shared->config.start_block;

		wanted_ranges_release(&startup->ranges);
		startup->ranges = start->ranges;
		start->ranges = (struct wanted_ranges){.has_open = false};
		if (startup->ranges.has_open && start_block > startup->ranges.open_first)
			log_warning(
				"start_block_ignored",
				"reader.start_block = %u is above the open range, which begins at %u; it is never shortened",
				start_block, startup->ranges.open_first);
		if (startup->shared->config.goal != READER_BACKFILL && startup->ranges.has_open &&
		    startup->ranges.open_first > start->irreversible)
			log_warning(
				"start_block_ahead",
				"the newest irreversible block is %u, and the first one wanted %u: nothing is stored before the chain is there; reader.start_block can lower it",
				start->irreversible, startup->ranges.open_first);
		startup->done(startup->context);
	}
	free_job(start);
}

bool startup_allows(struct startup *startup, const struct range_set *ranges)
{
	uint32_t now = pool_irreversible(startup->shared->pool);
	uint32_t before = chain_check_irreversible(startup->check);
	uint32_t irreversible = max_u32(now, before);
	uint32_t last = range_last(ranges);
	struct error err = ERROR_INIT;

	if (last <= irreversible)
		return true;
	(void)error_set_code(
		&err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_USAGE,
		"block %u is not irreversible yet (the newest that is: %u); a range ends there at the most",
		last, irreversible);
	shared_end(startup->shared, &err);
	return false;
}

void startup_want(struct startup *startup, uint32_t irreversible)
{
	if (startup->shared->config.goal == READER_BACKFILL &&
	    !startup_allows(startup, startup->shared->config.backfill))
		return;
	submit(startup, "determining the wanted ranges", run_want, finish_want, irreversible);
}

/* A dry run of a backfill: stored blocks that it would read again. */

static int run_preview(struct db *db, struct job *job, struct error *err)
{
	struct startup_job *start = (struct startup_job *)job;
	const struct shared *shared = start->startup->shared;

	range_set_clear(&start->outdated);
	return ledger_find_outdated(db, shared->config.outdated, shared->filter_id,
				    shared->config.backfill, UINT32_MAX, &start->outdated, err);
}

static void finish_preview(struct job *job)
{
	struct startup_job *start = (struct startup_job *)job;
	struct startup *startup = start->startup;

	if (succeeded(start)) {
		for (size_t i = 0; i < start->outdated.count; i++) {
			const struct range *range = &start->outdated.items[i];

			fprintf(startup->shared->config.dry_run,
				"would read again blocks %u-%u (%u)\n", range->first, range->last,
				range->last - range->first + 1);
		}
		startup->outdated_count = range_count_blocks(&start->outdated);
		startup->done(startup->context);
	}
	free_job(start);
}

void startup_preview(struct startup *startup)
{
	submit(startup, "looking for blocks to be written again", run_preview, finish_preview, 0);
}

/* Public functions. */

struct startup *startup_new(struct shared *shared, const struct chain_check *check,
			    void (*done)(void *context), void *context)
{
	struct startup *startup = xcalloc(1, sizeof(*startup));

	startup->shared = shared;
	startup->done = done;
	startup->context = context;
	startup->check = check;
	return startup;
}

void startup_free(struct startup *startup)
{
	if (!startup)
		return;
	wanted_ranges_release(&startup->ranges);
	free(startup);
}

uint64_t startup_outdated_count(const struct startup *startup)
{
	return startup->outdated_count;
}

const struct wanted_ranges *startup_ranges(const struct startup *startup)
{
	return &startup->ranges;
}
