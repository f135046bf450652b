/* SPDX-License-Identifier: MIT */
#include "daemon/steps.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "daemon/signals.h"

#define PATIENCE_MS 30000 /* for the database */
#define GRACE_MS    5000  /* after a signal, for the step under way */

int steps_open(struct steps *steps, const struct db_config *database, struct error *err)
{
	*steps = (struct steps){.signal_fd = signals_open(err)};
	progress_init(&steps->progress);
	if (steps->signal_fd < 0)
		return -1;
	steps->executor = executor_new(database, 1, PATIENCE_MS, err);
	return steps->executor ? 0 : -1;
}

void steps_close(struct steps *steps)
{
	executor_free(steps->executor);
	if (steps->signal_fd >= 0)
		signals_close(steps->signal_fd);
}

static void finish_job(struct job *job)
{
	((struct step *)job)->is_done = true;
}

/* Wait until the step is done, or for so long; signals are taken meanwhile. */
static void wait_some(struct steps *steps, const struct step *step, int64_t pause_ms)
{
	int64_t until_ms = clock_now_ms() + pause_ms;
	int64_t now_ms;

	while ((now_ms = clock_now_ms()) < until_ms && !(step && step->is_done)) {
		struct progress *progress = &steps->progress;
		int64_t due_ms = progress_update(progress, progress->done_blocks,
						 progress->operations, progress->left_blocks);
		struct pollfd fds[2] = {{.fd = steps->signal_fd, .events = POLLIN},
					{.fd = executor_fd(steps->executor), .events = POLLIN}};

		if (poll(fds, 2, (int)(sooner(due_ms, until_ms) - now_ms)) < 0)
			return;
		executor_collect(steps->executor);
		if (signals_read(steps->signal_fd) == SIGNAL_STOP) {
			steps->is_interrupted = true;
			executor_hurry(steps->executor, GRACE_MS);
		}
		if (steps->is_interrupted && !step)
			return;
	}
}

int steps_do(struct steps *steps, struct step *step, const char *what,
	     int (*run)(struct db *db, struct job *job, struct error *err), struct error *err)
{
	step->job = (struct job){.run = run, .done = finish_job};
	snprintf(step->job.what, sizeof(step->job.what), "%s", what);
	step->is_done = false;
	executor_task(steps->executor, &step->job);
	while (!step->is_done)
		wait_some(steps, step, 60000);
	*err = step->job.err;
	return err->kind == ERROR_NONE ? 0 : -1;
}

void steps_wait(struct steps *steps, int64_t pause_ms)
{
	wait_some(steps, NULL, pause_ms);
}
