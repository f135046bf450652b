/* SPDX-License-Identifier: MIT */
#include "daemon/rewind.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/admin.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/steps.h"
#include "store/reader_rows.h"
#include "store/rewind.h"
#include "store/schema.h"
#include "sync/shared.h"

struct command {
	const struct options *options;
	struct steps steps;
};

struct rewind_job {
	struct step step;
	struct rewind rewind;
	bool is_dry;
	struct rewind_readers before; /* as first loaded */
	struct rewind_readers now;
	uint32_t irreversible; /* as recorded before anything was changed */
};

/* The first job: only in the first job do missing rights fail at once (sync/executor.h). */
static int run_look(struct db *db, struct job *job, struct error *err)
{
	struct rewind_job *step = (struct rewind_job *)job;

	if (schema_check(db, err) < 0 || (!step->is_dry && rewind_check_rights(db, err) < 0) ||
	    rewind_readers_load(db, &step->before, err) < 0)
		return -1;
	return reader_rows_irreversible(db, &step->irreversible, err);
}

static int run_watch(struct db *db, struct job *job, struct error *err)
{
	return rewind_readers_load(db, &((struct rewind_job *)job)->now, err);
}

static int run_begin(struct db *db, struct job *job, struct error *err)
{
	struct rewind_job *step = (struct rewind_job *)job;

	return rewind_begin(db, &step->rewind, &step->before, err);
}

static int run_step(struct db *db, struct job *job, struct error *err)
{
	return rewind_step(db, &((struct rewind_job *)job)->rewind, err);
}

static int run_count(struct db *db, struct job *job, struct error *err)
{
	return rewind_count(db, &((struct rewind_job *)job)->rewind, err);
}

static int do_job(struct command *command, struct rewind_job *job,
		  int (*run)(struct db *db, struct job *job, struct error *err), struct error *err)
{
	char what[64];

	snprintf(what, sizeof(what), "rewind to block %u", job->rewind.block);
	return steps_do(&command->steps, &job->step, what, run, err);
}

static int refuse(const char *reader, struct error *err)
{
	return error_set_code(
		err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_USAGE,
		"reader %s is alive: stop it first, and all others, then run --rewind again",
		reader);
}

/*
 * Does a heartbeat change?  Only waiting can tell: after a jump of the clock a new one may look
 * old.
 */
static int watch_readers(struct command *command, struct rewind_job *job, struct error *err)
{
	int64_t until_ms = clock_now_ms() + READERS_SILENCE_S * 1000;

	for (size_t i = 0; i < job->before.count; i++)
		log_info("watching", "reader %s has not stopped: is there a heartbeat within %d s?",
			 job->before.items[i].name, READERS_SILENCE_S);
	while (job->before.count > 0 && clock_now_ms() < until_ms) {
		const char *alive;

		steps_wait(&command->steps, 500);
		if (command->steps.is_interrupted)
			return 0;
		if (do_job(command, job, run_watch, err) < 0)
			return -1;
		alive = rewind_readers_find_alive(&job->before, &job->now);
		if (alive)
			return refuse(alive, err);
	}
	return 0;
}

static int go_through(struct command *command, struct rewind_job *job, struct error *err)
{
	bool is_dry = command->options->dry_run;
	const struct rewind_counts *counts = &job->rewind.counts;
	int result = 0;

	progress_begin(&command->steps.progress, is_dry ? "counting" : "taking back");
	while (result == 0 && job->rewind.phase < REWIND_OVER && !command->steps.is_interrupted) {
		result = do_job(command, job, is_dry ? run_count : run_step, err);
		if (result == 0 && job->rewind.alive[0])
			result = refuse(job->rewind.alive, err);
		progress_update(&command->steps.progress, counts->blocks, counts->operations, 0);
	}
	progress_drop(&command->steps.progress);
	return result;
}

static void report(const struct command *command, const struct rewind_job *job)
{
	const struct rewind_counts *counts = &job->rewind.counts;

	printf("%s %llu blocks, %llu operations, %llu open deliveries and %llu confirmed comments and actions above block %u",
	       command->options->dry_run ? "would take back" : "took back",
	       (unsigned long long)counts->blocks, (unsigned long long)counts->operations,
	       (unsigned long long)counts->deliveries, (unsigned long long)counts->confirmed,
	       job->rewind.block);
	if (job->irreversible > job->rewind.block)
		printf("; %u was recorded as irreversible", job->irreversible);
	printf("%s\n", command->options->dry_run ? "; nothing was written" : "");
}

static int begin(struct command *command, struct rewind_job *job, struct error *err)
{
	if (watch_readers(command, job, err) < 0)
		return -1;
	if (command->steps.is_interrupted)
		return 0;
	if (do_job(command, job, run_begin, err) < 0)
		return -1;
	return job->rewind.alive[0] ? refuse(job->rewind.alive, err) : 0;
}

static int take_back(struct command *command, struct rewind_job *job, enum exit_code *code,
		     struct error *err)
{
	if (do_job(command, job, run_look, err) < 0 ||
	    (!command->options->dry_run && begin(command, job, err) < 0) ||
	    (go_through(command, job, err) < 0 && !command->steps.is_interrupted))
		return -1;
	report(command, job);
	if (command->steps.is_interrupted) {
		log_warning(
			"interrupted",
			"a part of what lies above block %u may still be there: run the same command again before a reader starts",
			job->rewind.block);
		*code = EXIT_INTERRUPTED;
	}
	return 0;
}

/* A message about missing rights refers to sql/grants.sql, but no role there may do this. */
static enum exit_code report_failure(const struct error *err)
{
	enum exit_code code = failure_exit_code(err);

	if (code == EXIT_NO_RIGHTS)
		log_error("failed", "%s; --rewind needs the rights of --migrate (--user NAME)",
			  err->text);
	else
		log_error("failed", "%s", err->text);
	return code;
}

enum exit_code rewind_run(const struct options *options, const struct config *config)
{
	struct command command = {.options = options};
	struct rewind_job job = {.rewind = {.block = options->rewind_block},
				 .is_dry = options->dry_run};
	CLEANUP(mem_free_pointer) char *user = NULL;
	struct db_config database;
	enum exit_code code = EXIT_OK;
	struct error err = ERROR_INIT;

	if (admin_database(options, config, &database, &user) < 0)
		return EXIT_USAGE_ERROR;
	if (steps_open(&command.steps, &database, &err) < 0 ||
	    take_back(&command, &job, &code, &err) < 0)
		code = report_failure(&err);
	steps_close(&command.steps);
	rewind_readers_release(&job.before);
	rewind_readers_release(&job.now);
	return code;
}
