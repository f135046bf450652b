/* SPDX-License-Identifier: MIT */
#include "sync/retain.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/retention.h"
#include "sync/writer.h"

/* Of the time of the thread for errands, a pass takes at most one part in so many. */
#define STEP_SHARE      5
#define LEAST_PAUSE_MS  20
#define FAILED_AGAIN_MS 60000

struct retain {
	struct work *work;
	bool is_running;
	int64_t due_ms;
	struct retention_pass pass;
};

struct retain_job {
	struct job job;
	struct retain *retain;
	unsigned keep_days;
	struct retention_pass pass;
};

static int run_retain(struct db *db, struct job *job, struct error *err)
{
	struct retain_job *step = (struct retain_job *)job;

	return retention_step(db, step->keep_days, &step->pass, err);
}

static void end_pass(struct retain *retain)
{
	const struct retention_pass *pass = &retain->pass;

	if (pass->deliveries > 0)
		log_info(
			"deliveries_removed",
			"%llu deliveries that ended more than %u days ago (queue.keep_days), and %llu operations with them",
			(unsigned long long)pass->deliveries, retain->work->config.keep_days,
			(unsigned long long)pass->operations);
	retain->pass = (struct retention_pass){.is_over = false};
	retain->due_ms = clock_now_ms() + (int64_t)retain->work->config.scan_interval_s * 1000;
}

static void finish_retain(struct job *job)
{
	struct retain_job *step = (struct retain_job *)job;
	struct retain *retain = step->retain;
	int64_t pause_ms = job->last_try_ms * (STEP_SHARE - 1);

	retain->is_running = false;
	if (job->err.kind == ERROR_NONE) {
		retain->pass = step->pass;
		retain->due_ms =
			clock_now_ms() + (pause_ms > LEAST_PAUSE_MS ? pause_ms : LEAST_PAUSE_MS);
		if (retain->pass.is_over)
			end_pass(retain);
	} else if (!retain->work->is_stopping) { /* no work ends for it */
		retain->due_ms = clock_now_ms() + FAILED_AGAIN_MS;
		log_warning("retention_failed", "%s: %s; again in %d s", job->what, job->err.text,
			    FAILED_AGAIN_MS / 1000);
	}
	free(step);
}

static bool is_wanted(const struct retain *retain)
{
	const struct reader_config *config = &retain->work->config;

	return config->keep_days > 0 && config->goal == READER_RUN && !retain->work->is_stopping &&
	       !retain->is_running;
}

struct retain *retain_new(struct work *work)
{
	struct retain *retain = xcalloc(1, sizeof(*retain));

	retain->work = work;
	return retain;
}

void retain_free(struct retain *retain)
{
	free(retain);
}

void retain_step(struct retain *retain)
{
	struct retain_job *step;

	if (!is_wanted(retain) || clock_now_ms() < retain->due_ms)
		return;
	step = xcalloc(1, sizeof(*step));
	step->job.run = run_retain;
	step->job.done = finish_retain;
	snprintf(step->job.what, sizeof(step->job.what), "removing deliveries that are over");
	step->retain = retain;
	step->keep_days = retain->work->config.keep_days;
	step->pass = retain->pass;
	retain->is_running = true;
	writer_errand(retain->work->writer, &step->job);
}

int64_t retain_next_timeout_ms(const struct retain *retain)
{
	int64_t left_ms = retain->due_ms - clock_now_ms();

	if (!is_wanted(retain))
		return -1;
	return left_ms > 0 ? left_ms : 0;
}
