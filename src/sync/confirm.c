/* SPDX-License-Identifier: MIT */
#include "sync/confirm.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "store/outbox.h"
#include "sync/executor.h"

/* The wait for a row that a bot has locked; doubled while it stays locked. */
#define LOCKED_MS       200
#define LOCKED_MOST_MS  10000
#define FAILED_AGAIN_MS 60000

struct confirm {
	struct shared *shared;
	bool is_running;
	int64_t due_ms;
	uint64_t noticed_count; /* value of shared->seen_comments up to which tasks were sent */
	int64_t locked_ms;      /* the wait before the next try */
	unsigned locked_count;  /* in this pass through the table */
	struct outbox_step step;
};

struct confirm_job {
	struct job job;
	struct confirm *confirm;
	struct outbox_step from; /* where a failed try starts again */
	struct outbox_step step;
};

/* A bot that comments much must not fill the log. */
static struct log_limit confirmed_limit = LOG_LIMIT_INIT(10000);
static struct log_limit trxs_limit = LOG_LIMIT_INIT(10000);

static int run_confirm(struct db *db, struct job *job, struct error *err)
{
	struct confirm_job *look = (struct confirm_job *)job;

	look->step = look->from;
	return outbox_confirm(db, &look->step, err);
}

/* The next pass: soon where a bot holds a row, else when the next look is due. */
static void end_pass(struct confirm *confirm)
{
	int64_t wait_ms = (int64_t)confirm->shared->config.scan_interval_s * 1000;

	if (confirm->locked_count > 0) {
		confirm->locked_ms = confirm->locked_ms > 0
					     ? min_i64(2 * confirm->locked_ms, LOCKED_MOST_MS)
					     : LOCKED_MS;
		wait_ms = min_i64(wait_ms, confirm->locked_ms);
	} else {
		confirm->locked_ms = 0;
	}
	confirm->locked_count = 0;
	confirm->step = (struct outbox_step){.is_last = false};
	confirm->due_ms = clock_now_ms() + wait_ms;
}

static void take_step(struct confirm *confirm, const struct outbox_step *step)
{
	if (step->confirmed_count > 0)
		log_limited(&confirmed_limit, LOG_LEVEL_INFO, "comments_confirmed",
			    "%u comments of the outbox were read from the chain",
			    step->confirmed_count);
	if (step->trx_count > 0)
		log_limited(&trxs_limit, LOG_LEVEL_INFO, "trxs_confirmed",
			    "%u signed transactions were read from the chain", step->trx_count);
	confirm->locked_count += step->locked_count;
	confirm->step = *step;
	if (step->is_last)
		end_pass(confirm);
}

/*
 * A failure loses nothing, since all is in comments_seen and trxs_seen; so it does not end the
 * reader.
 */
static void finish_confirm(struct job *job)
{
	struct confirm_job *look = (struct confirm_job *)job;
	struct confirm *confirm = look->confirm;

	confirm->is_running = false;
	if (job->err.kind == ERROR_NONE) {
		take_step(confirm, &look->step);
	} else if (!confirm->shared->is_stopping) {
		confirm->due_ms = clock_now_ms() + FAILED_AGAIN_MS;
		log_warning("confirm_failed", "%s: %s; again in %d s", job->what, job->err.text,
			    FAILED_AGAIN_MS / 1000);
	}
	free(look);
}

static void send(struct confirm *confirm)
{
	struct confirm_job *look = xcalloc(1, sizeof(*look));

	job_init(&look->job, run_confirm, finish_confirm, "confirming comments of the outbox");
	look->job.is_side_work = true;
	look->confirm = confirm;
	look->from = confirm->step;
	confirm->is_running = true;
	executor_task(confirm->shared->executor, &look->job);
}

struct confirm *confirm_new(struct shared *shared)
{
	struct confirm *confirm = xcalloc(1, sizeof(*confirm));

	confirm->shared = shared;
	return confirm;
}

void confirm_free(struct confirm *confirm)
{
	free(confirm);
}

/* A comment or a transaction was seen: start from the beginning, and at once. */
static void notice(struct confirm *confirm)
{
	confirm->noticed_count = confirm->shared->seen_comments;
	confirm->step = (struct outbox_step){.is_last = false};
	confirm->locked_count = 0;
	confirm->due_ms = 0;
}

int64_t confirm_step(struct confirm *confirm, int64_t now_ms)
{
	if (confirm->is_running)
		return CLOCK_NEVER;
	if (confirm->noticed_count != confirm->shared->seen_comments)
		notice(confirm);
	else if (confirm->shared->is_stopping)
		return CLOCK_NEVER;
	if (now_ms < confirm->due_ms)
		return confirm->due_ms;
	send(confirm);
	return CLOCK_NEVER;
}

bool confirm_is_idle(const struct confirm *confirm)
{
	return !confirm->is_running && confirm->noticed_count == confirm->shared->seen_comments;
}
