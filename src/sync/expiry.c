/* SPDX-License-Identifier: MIT */
#include "sync/expiry.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/pool.h"
#include "store/retention.h"
#include "sync/dbclock.h"
#include "sync/executor.h"

/* A pass may take at most one fifth of the task thread's time. */
#define STEP_SHARE      5
#define LEAST_PAUSE_MS  20
#define FAILED_AGAIN_MS 60000
#define DAY_S           86400
/* A pass needs two readings of the clocks, a scan interval apart, but at most this long. */
#define LONGEST_EVEN_MS 60000
#define LOOK_AGAIN_MS   1000

struct expiry {
	struct shared *shared;
	bool is_running;
	int64_t due_ms;
	/* the pass under way removes deliveries that ended before this time; 0: no pass */
	int64_t before_s;
	struct retention_pass pass;
	int64_t chain_s; /* the chain's time at the last reading; 0: not read yet */
	int64_t chain_at_ms;
};

static struct log_limit doubt_limit = LOG_LIMIT_INIT(3600000);

struct expiry_job {
	struct job job;
	struct expiry *expiry;
	int64_t before_s;
	struct retention_pass pass;
};

static int run_expiry(struct db *db, struct job *job, struct error *err)
{
	struct expiry_job *step = (struct expiry_job *)job;

	return retention_step(db, step->before_s, &step->pass, err);
}

static void end_pass(struct expiry *expiry)
{
	const struct retention_pass *pass = &expiry->pass;

	if (pass->deliveries > 0)
		log_info(
			"deliveries_removed",
			"%llu deliveries that ended more than %u days ago (queue.keep_days) were removed, and %llu operations with them",
			(unsigned long long)pass->deliveries, expiry->shared->config.keep_days,
			(unsigned long long)pass->operations);
	expiry->pass = (struct retention_pass){.is_over = false};
	expiry->before_s = 0;
	expiry->due_ms = clock_now_ms() + (int64_t)expiry->shared->config.scan_interval_s * 1000;
}

static void finish_expiry(struct job *job)
{
	struct expiry_job *step = (struct expiry_job *)job;
	struct expiry *expiry = step->expiry;
	int64_t pause_ms = job->last_try_ms * (STEP_SHARE - 1);

	expiry->is_running = false;
	if (job->err.kind == ERROR_NONE) {
		expiry->pass = step->pass;
		expiry->due_ms = clock_now_ms() + max_i64(pause_ms, LEAST_PAUSE_MS);
		if (expiry->pass.is_over)
			end_pass(expiry);
	} else if (!expiry->shared->is_stopping) { /* a failed pass does not end the reader */
		expiry->due_ms = clock_now_ms() + FAILED_AGAIN_MS;
		log_warning("retention_failed", "%s: %s; again in %d s", job->what, job->err.text,
			    FAILED_AGAIN_MS / 1000);
	}
	free(step);
}

static bool is_wanted(const struct expiry *expiry)
{
	const struct reader_config *config = &expiry->shared->config;

	return config->keep_days > 0 && config->goal == READER_RUN &&
	       !expiry->shared->is_stopping && !expiry->is_running;
}

/* The time of the newest block that any node has reported; 0: none yet. */
static int64_t chain_time_s(struct pool *pool)
{
	int64_t newest_s = 0;

	for (unsigned i = 0; i < pool_count(pool); i++) {
		const struct node *node = pool_node(pool, i);

		if (!node->is_excluded && !node->is_on_trial && node->head.head_time_s > newest_s)
			newest_s = node->head.head_time_s;
	}
	return newest_s;
}

static int64_t even_ms(const struct shared *shared)
{
	return min_i64((int64_t)shared->config.scan_interval_s * 1000, LONGEST_EVEN_MS);
}

/*
 * Read the chain's time once every even_ms().  False: it is not time yet, or this is the first
 * reading; otherwise *ret_witness holds this reading and the one before.
 */
static bool look_at_chain(struct expiry *expiry, int64_t now_ms,
			  struct dbclock_witness *ret_witness)
{
	int64_t elapsed_ms = now_ms - expiry->chain_at_ms;
	int64_t chain_s = chain_time_s(expiry->shared->pool);

	if (chain_s == 0 || (expiry->chain_s > 0 && elapsed_ms < even_ms(expiry->shared)))
		return false;
	*ret_witness = (struct dbclock_witness){
		.host_s = clock_wall_s(),
		.chain_s = chain_s,
		.chain_before_s = expiry->chain_s,
		.chain_elapsed_ms = elapsed_ms,
	};
	expiry->chain_s = chain_s;
	expiry->chain_at_ms = now_ms;
	return ret_witness->chain_before_s > 0;
}

/*
 * Begin a pass if the clocks agree: no row is removed because of a single reading of one clock.
 * The heartbeats read the database's clock.
 */
static bool begin_pass(struct expiry *expiry, int64_t now_ms)
{
	const struct shared *shared = expiry->shared;
	struct dbclock_witness witness;
	char why[200];

	expiry->due_ms = now_ms + LOOK_AGAIN_MS;
	if (!look_at_chain(expiry, now_ms, &witness))
		return false;
	if (!dbclock_is_sure(&shared->database_clock, now_ms, even_ms(shared), &witness, why,
			     sizeof(why))) {
		if (why[0] != '\0')
			log_limited(
				&doubt_limit, LOG_LEVEL_WARNING, "clock_doubted",
				"%s: nothing is removed (queue.keep_days) until the clocks agree",
				why);
		return false;
	}
	expiry->before_s = dbclock_now_s(&shared->database_clock, now_ms) -
			   (int64_t)shared->config.keep_days * DAY_S;
	return true;
}

struct expiry *expiry_new(struct shared *shared)
{
	struct expiry *expiry = xcalloc(1, sizeof(*expiry));

	expiry->shared = shared;
	return expiry;
}

void expiry_free(struct expiry *expiry)
{
	free(expiry);
}

int64_t expiry_step(struct expiry *expiry, int64_t now_ms)
{
	struct expiry_job *step;

	if (!is_wanted(expiry))
		return CLOCK_NEVER;
	if (now_ms < expiry->due_ms || (expiry->before_s == 0 && !begin_pass(expiry, now_ms)))
		return expiry->due_ms;
	step = xcalloc(1, sizeof(*step));
	job_init(&step->job, run_expiry, finish_expiry, "removing finished deliveries");
	step->job.is_side_work = true;
	step->expiry = expiry;
	step->before_s = expiry->before_s;
	step->pass = expiry->pass;
	expiry->is_running = true;
	executor_task(expiry->shared->executor, &step->job);
	return CLOCK_NEVER;
}
