/* SPDX-License-Identifier: MIT */
#include "sync/release_claim.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sync/executor.h"

struct release_job {
	struct job job;
	struct shared *shared;
	struct reader_identity identity;
	const struct claim *claim;
	const struct range_set *failed;
	char reason[250];
	void (*done)(void *context);
	void *context;
};

static int run_release(struct db *db, struct job *job, struct error *err)
{
	struct release_job *release = (struct release_job *)job;

	return claims_finish(db, &release->identity, release->claim, release->failed,
			     release->reason, err);
}

static void finish_release(struct job *job)
{
	struct release_job *release = (struct release_job *)job;

	if (job->err.kind != ERROR_NONE)
		shared_task_failed(release->shared, &job->err);
	release->done(release->context);
	free(release);
}

void release_claim(struct shared *shared, const struct claim *claim, const struct range_set *failed,
		   const char *reason, void (*done)(void *context), void *context)
{
	struct release_job *release = xcalloc(1, sizeof(*release));

	job_init(&release->job, run_release, finish_release, "releasing cell %u..%u", claim->first,
		 claim->last);
	release->shared = shared;
	release->identity = shared->identity;
	release->claim = claim;
	release->failed = failed;
	snprintf(release->reason, sizeof(release->reason), "%s%s",
		 range_count_blocks(failed) > 1 ? "no node gives them; of the last one: " : "",
		 reason);
	release->done = done;
	release->context = context;
	executor_task(shared->executor, &release->job);
}
