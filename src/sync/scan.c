/* SPDX-License-Identifier: MIT */
#include "sync/scan.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/gaps.h"
#include "sync/executor.h"

struct scan {
	struct shared *shared;
	void (*found)(void *context, uint32_t first, uint32_t last);
	void *context;
	struct range_set todo;
	bool is_running;
	bool is_recording;
	struct range hole;    /* found, but it may continue in the next step; first 0: none */
	uint64_t block_count; /* of all ranges to be scanned */
	uint64_t missing_count;
	uint64_t hole_count;
	int64_t started_at_ms;
};

struct step_job {
	struct job job;
	struct scan *scan;
	struct range range;
	bool is_recording;
	struct range_set holes;
	uint32_t scanned_to;
};

static int run_step(struct db *db, struct job *job, struct error *err)
{
	struct step_job *step = (struct step_job *)job;

	range_set_clear(&step->holes);
	if (gaps_scan_step(db, step->range.first, step->range.last, &step->holes, &step->scanned_to,
			   err) < 0)
		return -1;
	if (!step->is_recording)
		return 0;
	return gaps_record(db, step->range.first, step->scanned_to, &step->holes, true, err);
}

static void tell_hole(struct scan *scan)
{
	if (scan->hole.first == 0)
		return;
	scan->hole_count++;
	scan->missing_count += (uint64_t)scan->hole.last - scan->hole.first + 1;
	if (scan->found)
		scan->found(scan->context, scan->hole.first, scan->hole.last);
	scan->hole = (struct range){.first = 0};
}

/* A hole that reaches the end of one step continues in the next: report it as one. */
static void take_holes(struct scan *scan, const struct range_set *holes)
{
	for (size_t i = 0; i < holes->count; i++) {
		struct range hole = holes->items[i];

		if (scan->hole.first > 0 && scan->hole.last + 1 == hole.first) {
			scan->hole.last = hole.last;
			continue;
		}
		tell_hole(scan);
		scan->hole = hole;
	}
}

static void next_step(struct scan *scan);

static void finish_step(struct job *job)
{
	struct step_job *step = (struct step_job *)job;
	struct scan *scan = step->scan;

	if (job->err.kind == ERROR_NONE) {
		take_holes(scan, &step->holes);
		range_remove(&scan->todo, step->range.first, step->scanned_to);
		shared_progress(scan->shared);
	} else {
		range_set_clear(&scan->todo);
		shared_task_failed(scan->shared, &job->err);
	}
	range_set_release(&step->holes);
	free(step);
	next_step(scan);
}

static void next_step(struct scan *scan)
{
	struct step_job *step;

	if (scan->todo.count == 0) {
		tell_hole(scan);
		scan->is_running = false;
		log_debug("scan_done",
			  "%llu blocks are missing in %llu holes; the scan took %lld ms",
			  (unsigned long long)scan->missing_count,
			  (unsigned long long)scan->hole_count,
			  (long long)(clock_now_ms() - scan->started_at_ms));
		return;
	}
	step = xcalloc(1, sizeof(*step));
	step->scan = scan;
	step->range = scan->todo.items[0];
	step->is_recording = scan->is_recording;
	job_init(&step->job, run_step, finish_step, "scan of blocks %u..%u", step->range.first,
		 step->range.last);
	executor_task(scan->shared->executor, &step->job);
}

struct scan *scan_new(struct shared *shared,
		      void (*found)(void *context, uint32_t first, uint32_t last), void *context)
{
	struct scan *scan = xcalloc(1, sizeof(*scan));

	scan->shared = shared;
	scan->found = found;
	scan->context = context;
	return scan;
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	range_set_release(&scan->todo);
	free(scan);
}

void scan_start(struct scan *scan, const struct range_set *ranges, bool record)
{
	range_set_copy(&scan->todo, ranges);
	scan->is_running = true;
	scan->is_recording = record;
	scan->block_count = range_count_blocks(ranges);
	scan->missing_count = 0;
	scan->hole_count = 0;
	scan->hole = (struct range){.first = 0};
	scan->started_at_ms = clock_now_ms();
	next_step(scan);
}

bool scan_is_running(const struct scan *scan)
{
	return scan->is_running;
}

void scan_stop(struct scan *scan)
{
	range_set_clear(&scan->todo);
}

uint64_t scan_done_count(const struct scan *scan)
{
	return scan->block_count - scan_left_count(scan);
}

uint64_t scan_left_count(const struct scan *scan)
{
	return range_count_blocks(&scan->todo);
}

uint64_t scan_missing_count(const struct scan *scan)
{
	return scan->missing_count;
}

uint64_t scan_hole_count(const struct scan *scan)
{
	return scan->hole_count;
}
