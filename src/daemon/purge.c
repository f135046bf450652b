/* SPDX-License-Identifier: MIT */
#include "daemon/purge.h"

#include <stdio.h>

#include "base/log.h"
#include "base/number.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/steps.h"
#include "store/ledger.h"
#include "store/purge.h"
#include "store/reader_rows.h"
#include "store/schema.h"
#include "sync/shared.h"

#define LEAST_PAUSE_MS   2
#define LONGEST_PAUSE_MS 1000
#define COUNTED_BLOCKS   50000 /* how many --dry-run counts at once */

struct purge {
	const struct options *options;
	struct steps steps;
};

/* One step: a job of the executor, which connects and retries. */
struct purge_job {
	struct step step;
	struct purge_pass purge;
};

/* Check that everything is in order, and that these blocks are irreversible. */
static int run_begin(struct db *db, struct job *job, struct error *err)
{
	struct purge_job *step = (struct purge_job *)job;
	struct stored_block newest = {.num = 0};
	uint32_t irreversible = 0;
	bool is_found;

	if (schema_check(db, err) < 0 || reader_rows_irreversible(db, &irreversible, err) < 0 ||
	    ledger_newest(db, UINT32_MAX, &newest, &is_found, err) < 0)
		return -1;
	if (newest.num > irreversible)
		irreversible = newest.num;
	if (step->purge.before > irreversible)
		return error_set_code(
			err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_USAGE,
			"--purge %u: the newest irreversible block of the database is %u; nothing above it can be removed",
			step->purge.before, irreversible);
	return 0;
}

static int run_record(struct db *db, struct job *job, struct error *err)
{
	return purge_begin(db, ((struct purge_job *)job)->purge.before, err);
}

static int run_step(struct db *db, struct job *job, struct error *err)
{
	return purge_step(db, &((struct purge_job *)job)->purge, err);
}

static int run_end(struct db *db, struct job *job, struct error *err)
{
	return purge_end(db, ((struct purge_job *)job)->purge.before, err);
}

static int run_count(struct db *db, struct job *job, struct error *err)
{
	struct purge_pass *purge = &((struct purge_job *)job)->purge;
	uint32_t last = purge->before - 1;
	struct purge_counts counts = purge->removed;

	if (last - purge->next >= COUNTED_BLOCKS)
		last = purge->next + COUNTED_BLOCKS - 1;
	if (purge_count(db, purge->next, last, &counts, err) < 0)
		return -1;
	purge->removed = counts;
	purge->next = last + 1;
	return 0;
}

static int do_job(struct purge *purge, struct purge_job *job,
		  int (*run)(struct db *db, struct job *job, struct error *err), struct error *err)
{
	char what[64];

	snprintf(what, sizeof(what), "purge before block %u", job->purge.before);
	return steps_do(&purge->steps, &job->step, what, run, err);
}

static void show(struct purge *purge, const struct purge_pass *state)
{
	progress_update(&purge->steps.progress, state->next - 1, state->removed.operations,
			state->before - state->next);
}

/* Rest as long as the step took: half of the time is left to others. */
static void rest(struct purge *purge, const struct purge_job *step)
{
	int64_t pause_ms = step->step.job.last_try_ms;

	if (purge->options->dry_run)
		return;
	steps_wait(&purge->steps, min_i64(max_i64(pause_ms, LEAST_PAUSE_MS), LONGEST_PAUSE_MS));
}

static int go_through(struct purge *purge, struct purge_job *step, struct error *err)
{
	bool is_dry = purge->options->dry_run;
	int result = 0;

	progress_begin(&purge->steps.progress, is_dry ? "counting" : "purging");
	show(purge, &step->purge);
	while (result == 0 && step->purge.next < step->purge.before &&
	       !purge->steps.is_interrupted) {
		result = do_job(purge, step, is_dry ? run_count : run_step, err);
		show(purge, &step->purge);
		if (result == 0)
			rest(purge, step);
	}
	progress_drop(&purge->steps.progress);
	return result;
}

static void report(const struct purge *purge, const struct purge_pass *state)
{
	printf("%s %llu operations, %llu orphans and %llu deliveries of blocks below %u%s\n",
	       purge->options->dry_run ? "would remove" : "removed",
	       (unsigned long long)state->removed.operations,
	       (unsigned long long)state->removed.orphans,
	       (unsigned long long)state->removed.deliveries, state->next,
	       purge->options->dry_run ? "; nothing was written" : "");
}

static int purge_all(struct purge *purge, enum exit_code *code, struct error *err)
{
	struct purge_job step = {.purge = {.next = 1, .before = purge->options->purge_before}};

	if (do_job(purge, &step, run_begin, err) < 0 ||
	    (!purge->options->dry_run && do_job(purge, &step, run_record, err) < 0) ||
	    (go_through(purge, &step, err) < 0 && !purge->steps.is_interrupted))
		return -1;
	report(purge, &step.purge);
	if (purge->steps.is_interrupted) {
		log_warning("interrupted", "the rest stays: run the same command again");
		*code = EXIT_INTERRUPTED;
	} else if (!purge->options->dry_run) {
		return do_job(purge, &step, run_end, err);
	}
	return 0;
}

enum exit_code purge_run(const struct options *options, const struct config *config)
{
	struct purge purge = {.options = options};
	enum exit_code code = EXIT_OK;
	struct error err = ERROR_INIT;

	if (steps_open(&purge.steps, &config->database, &err) < 0 ||
	    purge_all(&purge, &code, &err) < 0)
		code = failure_report("failed", &err);
	steps_close(&purge.steps);
	return code;
}
