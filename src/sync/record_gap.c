/* SPDX-License-Identifier: MIT */
#include "sync/record_gap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/gaps.h"
#include "store/wanted_ranges.h"
#include "sync/executor.h"

struct gap_job {
	struct job job;
	struct shared *shared;
	uint32_t num, last;
	char reason[200];
	void (*done)(void *context, uint32_t last);
	void *context;
};

static int run_record(struct db *db, struct job *job, struct error *err)
{
	struct gap_job *gap = (struct gap_job *)job;
	CLEANUP(wanted_ranges_release) struct wanted_ranges ranges = {.has_open = false};
	CLEANUP(range_set_release) struct range_set holes = RANGE_SET_INIT;
	uint32_t num = gap->num, last = gap->last;
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
	return gaps_set_reason(db, num, num, gap->reason, err);
}

static void tell_recorded(const struct gap_job *gap)
{
	char others[100] = "";

	if (gap->last > gap->num)
		snprintf(
			others, sizeof(others),
			"; so are those up to block %u, because the blocks before were missing too",
			gap->last);
	log_warning(
		"gap_found",
		"block %u is left behind: %s%s; the tail goes on, and the replay tries again beside it",
		gap->num, gap->reason, others);
}

static void finish_record(struct job *job)
{
	struct gap_job *gap = (struct gap_job *)job;

	if (job->err.kind == ERROR_NONE) {
		tell_recorded(gap);
		gap->done(gap->context, gap->last);
		shared_progress(gap->shared);
	} else {
		shared_task_failed(gap->shared, &job->err);
	}
	free(gap);
}

void record_gap(struct shared *shared, uint32_t num, uint32_t last, const char *reason,
		void (*done)(void *context, uint32_t last), void *context)
{
	struct gap_job *gap = xcalloc(1, sizeof(*gap));

	job_init(&gap->job, run_record, finish_record, "recording block %u as a gap", num);
	gap->shared = shared;
	gap->num = num;
	gap->last = last;
	snprintf(gap->reason, sizeof(gap->reason), "%s", reason);
	gap->done = done;
	gap->context = context;
	executor_task(shared->executor, &gap->job);
}
