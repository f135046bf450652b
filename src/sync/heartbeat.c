/* SPDX-License-Identifier: MIT */
#include "sync/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "steem/pool.h"
#include "store/claims.h"
#include "sync/executor.h"

#define HEARTBEAT_MS 5000
/*
 * To spare the task thread, the pause after an overview is OVERVIEW_SHARE times as long as the
 * overview took, but at most OVERVIEW_LONGEST_MS.
 */
#define OVERVIEW_SHARE      50
#define OVERVIEW_LONGEST_MS 120000
#define OVERVIEW_AGAIN_MS   60000

struct heartbeat {
	struct shared *shared;
	bool is_beating;
	bool is_signed_off;
	int64_t beat_at_ms; /* when the next heartbeat is due */
	int64_t renewed_at_ms;
	int64_t answered_at_ms; /* when the database last accepted one; 0: never */
	uint32_t irreversible;  /* as recorded in the database */
	bool wants_overview;
	bool is_overlooking;
	int64_t overview_due_ms;
	int64_t overview_at_ms; /* 0: there is none yet */
	struct overview overview;
	struct queue_status *queues; /* NULL: not known */
};

struct beat_job {
	struct job job;
	struct heartbeat *heartbeat;
	struct reader_identity identity; /* copies, for the thread */
	struct reader_report report;
	char node[256];
	bool renews_claims;
	bool is_one_shot;
	uint32_t irreversible; /* as recorded in the database */
	struct clock_reading clock;
};

static int run_beat(struct db *db, struct job *job, struct error *err)
{
	struct beat_job *beat = (struct beat_job *)job;

	if (reader_rows_heartbeat(db, &beat->identity, &beat->report, err) < 0 ||
	    reader_rows_irreversible(db, &beat->irreversible, err) < 0 ||
	    shared_read_clock(db, &beat->clock, err) < 0)
		return -1;
	return beat->renews_claims ? claims_renew(db, &beat->identity, err) : 0;
}

static void finish_beat(struct job *job)
{
	struct beat_job *beat = (struct beat_job *)job;
	struct heartbeat *heartbeat = beat->heartbeat;

	heartbeat->is_beating = false;
	if (job->err.kind == ERROR_NONE) {
		heartbeat->answered_at_ms = clock_now_ms();
		heartbeat->irreversible = beat->irreversible;
		shared_note_clock(heartbeat->shared, &beat->clock);
	} else {
		shared_task_failed(heartbeat->shared, &job->err);
	}
	free(beat);
}

static int run_sign_off(struct db *db, struct job *job, struct error *err)
{
	struct beat_job *beat = (struct beat_job *)job;

	return beat->is_one_shot ? reader_rows_remove(db, &beat->identity, err)
				 : reader_rows_sign_off(db, &beat->identity, err);
}

/* The result does not matter: without heartbeats the row shows that the reader is gone. */
static void finish_sign_off(struct job *job)
{
	struct beat_job *beat = (struct beat_job *)job;

	beat->heartbeat->is_signed_off = true;
	free(beat);
}

static struct beat_job *new_beat(struct heartbeat *heartbeat)
{
	struct beat_job *beat = xcalloc(1, sizeof(*beat));

	beat->heartbeat = heartbeat;
	beat->identity = heartbeat->shared->identity;
	beat->is_one_shot = heartbeat->shared->config.goal != READER_RUN;
	return beat;
}

static void send_beat(struct heartbeat *heartbeat, const char *state, bool renews_claims)
{
	struct beat_job *beat = new_beat(heartbeat);
	struct shared *shared = heartbeat->shared;
	int node = pool_pick_tip(shared->pool, clock_now_ms(), 0);
	/* Perhaps only one node has told its head so far, and nothing was compared. */
	bool is_starting = strcmp(state, "starting") == 0;

	if (node >= 0)
		text_format(beat->node, sizeof(beat->node), "%s",
			    pool_node(shared->pool, (unsigned)node)->label);
	job_init(&beat->job, run_beat, finish_beat, "heartbeat");
	beat->renews_claims = renews_claims;
	beat->report = (struct reader_report){
		.state = state,
		.node = node >= 0 ? beat->node : NULL,
		.head_block = is_starting ? 0 : pool_head(shared->pool),
		.irreversible_block = is_starting ? 0 : pool_irreversible(shared->pool),
		.node_failures = shared->node_failures,
		.commit_retries = executor_retry_count(shared->executor),
		.false_blocks = shared->false_blocks,
		.false_claims = shared->false_claims,
		.unproved_blocks = shared->unproved_blocks,
	};
	heartbeat->is_beating = true;
	executor_task(shared->executor, &beat->job);
}

/* The overview is a task of its own, because it takes longer the more blocks are missing. */

struct overview_job {
	struct job job;
	struct heartbeat *heartbeat;
	uint32_t decided;
	struct overview overview;
	struct queue_status *queues;
	/* the error of the queues alone: the other figures are still valid */
	struct error queue_err;
};

static int run_overview(struct db *db, struct job *job, struct error *err)
{
	struct overview_job *look = (struct overview_job *)job;

	if (overview_load(db, look->decided, &look->overview, err) < 0)
		return -1;
	look->queue_err = ERROR_INIT;
	if (queue_status_load(db, look->queues, &look->queue_err) == 0 ||
	    look->queue_err.kind != ERROR_RETRY)
		return 0;
	*err = look->queue_err;
	return -1;
}

static int64_t overview_pause_ms(int64_t took_ms)
{
	return max_i64(min_i64(took_ms * OVERVIEW_SHARE, OVERVIEW_LONGEST_MS), HEARTBEAT_MS);
}

/* Without rights on the queue tables, the rest of the overview is still kept. */
static void take_queues(struct heartbeat *heartbeat, struct overview_job *look)
{
	bool is_known = look->queue_err.kind == ERROR_NONE;

	if (!is_known) {
		heartbeat->overview_due_ms = clock_now_ms() + OVERVIEW_AGAIN_MS;
		log_warning("overview_failed",
			    "counting deliveries: %s; metrics are without them, again in %d s",
			    look->queue_err.text, OVERVIEW_AGAIN_MS / 1000);
	}
	free(heartbeat->queues);
	heartbeat->queues = is_known ? look->queues : NULL;
	if (is_known)
		look->queues = NULL;
}

static void finish_overview(struct job *job)
{
	struct overview_job *look = (struct overview_job *)job;
	struct heartbeat *heartbeat = look->heartbeat;

	heartbeat->is_overlooking = false;
	heartbeat->overview_due_ms = clock_now_ms() + overview_pause_ms(job->last_try_ms);
	if (job->err.kind == ERROR_NONE) {
		heartbeat->overview = look->overview;
		heartbeat->overview_at_ms = clock_now_ms();
		take_queues(heartbeat, look);
	} else if (!heartbeat->shared
			    ->is_stopping) { /* a failed overview does not end the reader */
		heartbeat->overview_due_ms = clock_now_ms() + OVERVIEW_AGAIN_MS;
		log_warning("overview_failed", "%s: %s; metrics are without it, again in %d s",
			    job->what, job->err.text, OVERVIEW_AGAIN_MS / 1000);
	}
	free(look->queues);
	free(look);
}

static void send_overview(struct heartbeat *heartbeat, uint32_t decided)
{
	struct overview_job *look = xcalloc(1, sizeof(*look));

	job_init(&look->job, run_overview, finish_overview, "counting what is missing");
	look->job.is_side_work = true;
	look->heartbeat = heartbeat;
	look->decided = decided;
	look->queues = xcalloc(1, sizeof(*look->queues));
	heartbeat->is_overlooking = true;
	executor_task(heartbeat->shared->executor, &look->job);
}

struct heartbeat *heartbeat_new(struct shared *shared)
{
	struct heartbeat *heartbeat = xcalloc(1, sizeof(*heartbeat));

	heartbeat->shared = shared;
	return heartbeat;
}

void heartbeat_free(struct heartbeat *heartbeat)
{
	if (heartbeat)
		free(heartbeat->queues);
	free(heartbeat);
}

void heartbeat_want_overview(struct heartbeat *heartbeat)
{
	heartbeat->wants_overview = true;
}

static int64_t overlook(struct heartbeat *heartbeat, uint32_t decided, int64_t now_ms)
{
	if (!heartbeat->wants_overview || heartbeat->is_overlooking)
		return CLOCK_NEVER;
	if (now_ms < heartbeat->overview_due_ms)
		return heartbeat->overview_due_ms;
	send_overview(heartbeat, decided);
	return CLOCK_NEVER;
}

static int64_t beat(struct heartbeat *heartbeat, const char *state, bool has_claims, int64_t now_ms)
{
	bool renews = has_claims && now_ms - heartbeat->renewed_at_ms >= CLAIM_RENEW_S * 1000;

	if (heartbeat->is_beating)
		return CLOCK_NEVER;
	if (now_ms < heartbeat->beat_at_ms)
		return heartbeat->beat_at_ms;
	heartbeat->beat_at_ms = now_ms + HEARTBEAT_MS;
	if (renews)
		heartbeat->renewed_at_ms = now_ms;
	send_beat(heartbeat, state, renews);
	return CLOCK_NEVER;
}

int64_t heartbeat_step(struct heartbeat *heartbeat, const char *state, bool has_claims,
		       uint32_t decided, int64_t now_ms)
{
	int64_t due_ms;

	if (heartbeat->is_signed_off)
		return CLOCK_NEVER;
	due_ms = overlook(heartbeat, decided, now_ms);
	return sooner(due_ms, beat(heartbeat, state, has_claims, now_ms));
}

void heartbeat_hurry(struct heartbeat *heartbeat)
{
	heartbeat->beat_at_ms = 0;
	heartbeat->overview_due_ms = 0;
}

void heartbeat_sign_off(struct heartbeat *heartbeat)
{
	struct beat_job *beat = new_beat(heartbeat);

	job_init(&beat->job, run_sign_off, finish_sign_off, "signing off");
	executor_task(heartbeat->shared->executor, &beat->job);
}

bool heartbeat_has_signed_off(const struct heartbeat *heartbeat)
{
	return heartbeat->is_signed_off;
}

int64_t heartbeat_beat_at_ms(const struct heartbeat *heartbeat)
{
	return heartbeat->answered_at_ms;
}

uint32_t heartbeat_irreversible(const struct heartbeat *heartbeat)
{
	return heartbeat->irreversible;
}

const struct overview *heartbeat_overview(const struct heartbeat *heartbeat, int64_t *ret_at_ms)
{
	*ret_at_ms = heartbeat->overview_at_ms;
	return heartbeat->overview_at_ms > 0 ? &heartbeat->overview : NULL;
}

const struct queue_status *heartbeat_queues(const struct heartbeat *heartbeat)
{
	return heartbeat->queues;
}
