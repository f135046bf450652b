/* SPDX-License-Identifier: MIT */
#include "sync/keeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/pool.h"
#include "store/claims.h"
#include "sync/writer.h"

#define HEARTBEAT_MS 5000

struct keeper {
	struct work *work;
	bool is_beating;
	bool is_signed_off;
	int64_t beat_at_ms;
	int64_t renewed_at_ms;
};

struct beat_job {
	struct job job;
	struct keeper *keeper;
	struct reader_identity identity; /* copies, for the thread */
	struct reader_report report;
	char node[256];
	bool renews_claims;
	bool is_one_shot;
};

static int run_beat(struct db *db, struct job *job, struct error *err)
{
	struct beat_job *beat = (struct beat_job *)job;

	if (readers_heartbeat(db, &beat->identity, &beat->report, err) < 0)
		return -1;
	return beat->renews_claims ? claims_renew(db, &beat->identity, err) : 0;
}

static void finish_beat(struct job *job)
{
	struct beat_job *beat = (struct beat_job *)job;

	beat->keeper->is_beating = false;
	if (job->err.kind != ERROR_NONE && !beat->keeper->work->is_stopping)
		work_end(beat->keeper->work, &job->err);
	free(beat);
}

static int run_sign_off(struct db *db, struct job *job, struct error *err)
{
	struct beat_job *beat = (struct beat_job *)job;

	return beat->is_one_shot ? readers_remove(db, &beat->identity, err)
				 : readers_sign_off(db, &beat->identity, err);
}

/* Whatever came of it: the row shows by its heartbeat that the reader is gone. */
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
		snprintf(beat->node, sizeof(beat->node), "%s",
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
	};
	keeper->is_beating = true;
	writer_errand(work->writer, &beat->job);
}

struct keeper *keeper_new(struct work *work)
{
	struct keeper *keeper = xcalloc(1, sizeof(*keeper));

	keeper->work = work;
	return keeper;
}

void keeper_free(struct keeper *keeper)
{
	free(keeper);
}

void keeper_step(struct keeper *keeper, const char *state, bool has_claims)
{
	int64_t now_ms = clock_now_ms();
	bool renews = has_claims && now_ms - keeper->renewed_at_ms >= CLAIM_RENEW_S * 1000;

	if (keeper->is_beating || keeper->is_signed_off || now_ms < keeper->beat_at_ms)
		return;
	keeper->beat_at_ms = now_ms + HEARTBEAT_MS;
	if (renews)
		keeper->renewed_at_ms = now_ms;
	send_beat(keeper, state, renews);
}

int64_t keeper_next_timeout_ms(const struct keeper *keeper)
{
	int64_t left_ms = keeper->beat_at_ms - clock_now_ms();

	if (keeper->is_beating)
		return -1;
	return left_ms > 0 ? left_ms : 0;
}

void keeper_hurry(struct keeper *keeper)
{
	keeper->beat_at_ms = 0;
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
