/* SPDX-License-Identifier: MIT */
#include "sync/settle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sync/writer.h"

struct settle_job {
	struct job job;
	struct work *work;
	struct reader_identity identity;
	const struct claim *claim;
	const struct range_set *failed;
	char reason[250];
	void (*done)(void *context);
	void *context;
};

static int run_settle(struct db *db, struct job *job, struct error *err)
{
	struct settle_job *settle = (struct settle_job *)job;

	return claims_settle(db, &settle->identity, settle->claim, settle->failed, settle->reason,
			     err);
}

static void finish_settle(struct job *job)
{
	struct settle_job *settle = (struct settle_job *)job;

	if (job->err.kind != ERROR_NONE && !settle->work->is_stopping)
		work_end(settle->work, &job->err);
	settle->done(settle->context);
	free(settle);
}

void settle_submit(struct work *work, const struct claim *claim, const struct range_set *failed,
		   const char *reason, void (*done)(void *context), void *context)
{
	struct settle_job *settle = xcalloc(1, sizeof(*settle));

	job_init(&settle->job, run_settle, finish_settle, "settling cell %u..%u", claim->first,
		 claim->last);
	settle->work = work;
	settle->identity = work->identity;
	settle->claim = claim;
	settle->failed = failed;
	snprintf(settle->reason, sizeof(settle->reason), "%s%s",
		 range_count_blocks(failed) > 1 ? "no node gives them; of the last one: " : "",
		 reason);
	settle->done = done;
	settle->context = context;
	writer_task(work->writer, &settle->job);
}
