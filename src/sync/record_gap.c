/* SPDX-License-Identifier: MIT */
#include "sync/record_gap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/gaps.h"
#include "store/wanted_ranges.h"
#include "sync/executor.h"

struct leave_job {
	struct job job;
	struct shared *shared;
	uint32_t num, last;
	char reason[200];
	void (*done)(void *context, uint32_t last);
	void *context;
};

static int run_leave(struct db *db, struct job *job, struct error *err)
{
	struct leave_job *leave = (struct leave_job *)job;
	CLEANUP(wanted_ranges_release) struct wanted_ranges ranges = {.has_open = false};
	CLEANUP(range_set_release) struct range_set holes = RANGE_SET_INIT;
	uint32_t num = leave->num, last = leave->last;
	uint32_t first;

	if (wanted_ranges_load(db, &ranges, err) < 0)
		return -1;
	first = ranges.has_open && ranges.scanned_to < num ? ranges.scanned_to + 1 : num;
	while (first <= last) {
		uint32_t scanned_to;

		range_set_clear(&holes);
		if (gaps_scan_step(db, first, last, &holes, &scanned_to, err) < 0 ||
		    gaps_record(db, first, scanned_to, &holes, true, err) < 0)
			return -1;
		first = scanned_to + 1;
	}
	return gaps_set_reason(db, num, num, leave->reason, err);
}

static void tell_left(const struct leave_job *leave)
{
	char others[100] = "";

	if (leave->last > leave->num)
		snprintf(
			others, sizeof(others),
			"; so are those up to block %u, because the blocks before were missing too",
			leave->last);
	log_warning(
		"gap_found",
		"block %u is left behind: %s%s; the tail goes on, and the replay tries again beside it",
		leave->num, leave->reason, others);
}

static void finish_leave(struct job *job)
{
	struct leave_job *leave = (struct leave_job *)job;

	if (job->err.kind == ERROR_NONE) {
		tell_left(leave);
		leave->done(leave->context, leave->last);
		shared_progress(leave->shared);
	} else {
		shared_task_failed(leave->shared, &job->err);
	}
	free(leave);
}

void record_gap(struct shared *shared, uint32_t num, uint32_t last, const char *reason,
		void (*done)(void *context, uint32_t last), void *context)
{
	struct leave_job *leave = xcalloc(1, sizeof(*leave));

	job_init(&leave->job, run_leave, finish_leave, "recording block %u as a gap", num);
	leave->shared = shared;
	leave->num = num;
	leave->last = last;
	snprintf(leave->reason, sizeof(leave->reason), "%s", reason);
	leave->done = done;
	leave->context = context;
	executor_task(shared->executor, &leave->job);
}
