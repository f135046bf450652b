/* SPDX-License-Identifier: MIT */
#include "sync/keeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "steem/pool.h"
#include "store/claims.h"
#include "sync/writer.h"

#define HEARTBEAT_MS 5000
/*
 * To spare the errand thread, the pause after an overview is OVERVIEW_SHARE times as long as the
 * overview took, but at most OVERVIEW_LONGEST_MS.
 */
#define OVERVIEW_SHARE      50
#define OVERVIEW_LONGEST_MS 120000
#define OVERVIEW_AGAIN_MS   60000

struct keeper {
	struct work *work;
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
	struct keeper *keeper;
	struct reader_identity identity; /* copies, for the thread */
	struct reader_report report;
	char node[256];
	bool renews_claims;
	bool is_one_shot;
	uint32_t irreversible; /* as recorded in the database */
	struct work_look look;
};

static int run_beat(struct db *db, struct job *job, struct error *err)
{
	struct beat_job *beat = (struct beat_job *)job;

	if (readers_heartbeat(db, &beat->identity, &beat->report, err) < 0 ||
	    readers_irreversible(db, &beat->irreversible, err) < 0 ||
	    work_look_at_clock(db, &beat->look, err) < 0)
		return -1;
	return beat->renews_claims ? claims_renew(db, &beat->identity, err) : 0;
}

static void finish_beat(struct job *job)
{
	struct beat_job *beat = (struct beat_job *)job;
	struct keeper *keeper = beat->keeper;

	keeper->is_beating = false;
	if (job->err.kind == ERROR_NONE) {
		keeper->answered_at_ms = clock_now_ms();
		keeper->irreversible = beat->irreversible;
		work_note_look(keeper->work, &beat->look);
	} else if (!keeper->work->is_stopping) {
		work_end(keeper->work, &job->err);
	}
	free(beat);
}

static int run_sign_off(struct db *db, struct job *job, struct error *err)
{
	struct beat_job *beat = (struct beat_job *)job;

	return beat->is_one_shot ? readers_remove(db, &beat->identity, err)
				 : readers_sign_off(db, &beat->identity, err);
}

/* The result does not matter: without heartbeats the row shows that the reader is gone. */
static void finish_sign_off(struct job *job)
{
	struct beat_job *beat = (struct beat_job *)job;

	beat->keeper->is_signed_off = true;
	free(beat);
}

static struct beat_job *new_job(struct keeper *keeper, const char *what)
{
	struct beat_job *beat = xcalloc(1, sizeof(*beat));

	beat->keeper = keeper;
	beat->identity = keeper->work->identity;
	beat->is_one_shot = keeper->work->config.goal != READER_RUN;
	snprintf(beat->job.what, sizeof(beat->job.what), "%s", what);
	return beat;
}

static void send_beat(struct keeper *keeper, const char *state, bool renews_claims)
{
	struct beat_job *beat = new_job(keeper, "heartbeat");
	struct work *work = keeper->work;
	int node = pool_pick_tip(work->pool, clock_now_ms(), 0);

	if (node >= 0)
		text_format(beat->node, sizeof(beat->node), "%s",
			    pool_node(work->pool, (unsigned)node)->label);
	beat->job.run = run_beat;
	beat->job.done = finish_beat;
	beat->renews_claims = renews_claims;
	beat->report = (struct reader_report){
		.state = state,
		.node = node >= 0 ? beat->node : NULL,
		.head_block = pool_head(work->pool),
		.irreversible_block = pool_irreversible(work->pool),
		.node_failures = work->node_failures,
		.commit_retries = writer_retry_count(work->writer),
		.false_blocks = work->false_blocks,
		.false_claims = work->false_claims,
		.unproved_blocks = work->unproved_blocks,
	};
	keeper->is_beating = true;
	writer_errand(work->writer, &beat->job);
}

/* The overview is an errand of its own, because it takes longer the more blocks are missing. */

struct overview_job {
	struct job job;
	struct keeper *keeper;
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
	int64_t pause_ms = took_ms * OVERVIEW_SHARE;

	if (pause_ms > OVERVIEW_LONGEST_MS)
		return OVERVIEW_LONGEST_MS;
	return pause_ms < HEARTBEAT_MS ? HEARTBEAT_MS : pause_ms;
}

/* Without rights on the queue tables, the rest of the overview is still kept. */
static void take_queues(struct keeper *keeper, struct overview_job *look)
{
	bool is_known = look->queue_err.kind == ERROR_NONE;

	if (!is_known) {
		keeper->overview_due_ms = clock_now_ms() + OVERVIEW_AGAIN_MS;
		log_warning("overview_failed",
			    "counting deliveries: %s; metrics are without them, again in %d s",
			    look->queue_err.text, OVERVIEW_AGAIN_MS / 1000);
	}
	free(keeper->queues);
	keeper->queues = is_known ? look->queues : NULL;
	if (is_known)
		look->queues = NULL;
}

static void finish_overview(struct job *job)
{
	struct overview_job *look = (struct overview_job *)job;
	struct keeper *keeper = look->keeper;

	keeper->is_overlooking = false;
	keeper->overview_due_ms = clock_now_ms() + overview_pause_ms(job->last_try_ms);
	if (job->err.kind == ERROR_NONE) {
		keeper->overview = look->overview;
		keeper->overview_at_ms = clock_now_ms();
		take_queues(keeper, look);
	} else if (!keeper->work->is_stopping) { /* a failed overview does not end the reader */
		keeper->overview_due_ms = clock_now_ms() + OVERVIEW_AGAIN_MS;
		log_warning("overview_failed", "%s: %s; metrics are without it, again in %d s",
			    job->what, job->err.text, OVERVIEW_AGAIN_MS / 1000);
	}
	free(look->queues);
	free(look);
}

static void send_overview(struct keeper *keeper, uint32_t decided)
{
	struct overview_job *look = xcalloc(1, sizeof(*look));

	look->job.run = run_overview;
	look->job.done = finish_overview;
	look->job.is_side_work = true;
	snprintf(look->job.what, sizeof(look->job.what), "counting what is missing");
	look->keeper = keeper;
	look->decided = decided;
	look->queues = xcalloc(1, sizeof(*look->queues));
	keeper->is_overlooking = true;
	writer_errand(keeper->work->writer, &look->job);
}

struct keeper *keeper_new(struct work *work)
{
	struct keeper *keeper = xcalloc(1, sizeof(*keeper));

	keeper->work = work;
	return keeper;
}

void keeper_free(struct keeper *keeper)
{
	if (keeper)
		free(keeper->queues);
	free(keeper);
}

void keeper_want_overview(struct keeper *keeper)
{
	keeper->wants_overview = true;
}

static int64_t overlook(struct keeper *keeper, uint32_t decided, int64_t now_ms)
{
	if (!keeper->wants_overview || keeper->is_overlooking)
		return CLOCK_NEVER;
	if (now_ms < keeper->overview_due_ms)
		return keeper->overview_due_ms;
	send_overview(keeper, decided);
	return CLOCK_NEVER;
}

static int64_t beat(struct keeper *keeper, const char *state, bool has_claims, int64_t now_ms)
{
	bool renews = has_claims && now_ms - keeper->renewed_at_ms >= CLAIM_RENEW_S * 1000;

	if (keeper->is_beating)
		return CLOCK_NEVER;
	if (now_ms < keeper->beat_at_ms)
		return keeper->beat_at_ms;
	keeper->beat_at_ms = now_ms + HEARTBEAT_MS;
	if (renews)
		keeper->renewed_at_ms = now_ms;
	send_beat(keeper, state, renews);
	return CLOCK_NEVER;
}

int64_t keeper_step(struct keeper *keeper, const char *state, bool has_claims, uint32_t decided,
		    int64_t now_ms)
{
	int64_t due_ms;

	if (keeper->is_signed_off)
		return CLOCK_NEVER;
	due_ms = overlook(keeper, decided, now_ms);
	return sooner(due_ms, beat(keeper, state, has_claims, now_ms));
}

void keeper_hurry(struct keeper *keeper)
{
	keeper->beat_at_ms = 0;
	keeper->overview_due_ms = 0;
}

void keeper_sign_off(struct keeper *keeper)
{
	struct beat_job *beat = new_job(keeper, "signing off");

	beat->job.run = run_sign_off;
	beat->job.done = finish_sign_off;
	writer_errand(keeper->work->writer, &beat->job);
}

bool keeper_has_signed_off(const struct keeper *keeper)
{
	return keeper->is_signed_off;
}

int64_t keeper_beat_at_ms(const struct keeper *keeper)
{
	return keeper->answered_at_ms;
}

uint32_t keeper_irreversible(const struct keeper *keeper)
{
	return keeper->irreversible;
}

const struct overview *keeper_overview(const struct keeper *keeper, int64_t *ret_at_ms)
{
	*ret_at_ms = keeper->overview_at_ms;
	return keeper->overview_at_ms > 0 ? &keeper->overview : NULL;
}

const struct queue_status *keeper_queues(const struct keeper *keeper)
{
	return keeper->queues;
}
