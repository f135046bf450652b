/* SPDX-License-Identifier: MIT */
/* sync/writer.h with fibers instead of threads: the same lanes, queues and retries. */
#include "sync/writer.h"

#include <stdlib.h>

#include "base/backoff.h"
#include "base/mem.h"
#include "sched.h"
#include "store/db.h"

#define RETRY_BASE_MS 20
#define RETRY_CAP_MS  5000
#define MAX_LANES     4
#define MAX_JOBS      512

struct jobs {
	struct job *items[MAX_JOBS];
	size_t first, count;
};

struct lane {
	struct writer *writer;
	struct jobs *jobs;
	struct db *db;
	struct fiber *fiber; /* NULL: it has returned */
};

struct writer {
	struct process *process;
	struct fiber *loop; /* waits in http_wait() */
	struct jobs commits, tasks, finished;
	int64_t patience_ms;
	int64_t give_up_at_ms;
	unsigned commit_lanes;
	unsigned pending, pending_commits;
	bool is_closing;
	uint64_t retry_count;
	struct lane lanes[MAX_LANES + 1];
};

static void put(struct jobs *jobs, struct job *job)
{
	if (jobs->count == MAX_JOBS)
		sim_fail("more than %d jobs at once (%s)", MAX_JOBS, job->what);
	jobs->items[(jobs->first + jobs->count++) % MAX_JOBS] = job;
}

static struct job *take(struct jobs *jobs)
{
	struct job *job;

	if (jobs->count == 0)
		return NULL;
	job = jobs->items[jobs->first];
	jobs->first = (jobs->first + 1) % MAX_JOBS;
	jobs->count--;
	return job;
}

/* The lanes. */

static bool wait_before_retry(struct writer *writer, int64_t delay_ms, int64_t deadline_ms)
{
	int64_t until_ms = sim_now_ms + delay_ms;

	while (sim_now_ms < until_ms && sim_now_ms < writer->give_up_at_ms &&
	       !writer->process->is_killed)
		fiber_sleep(until_ms < writer->give_up_at_ms ? until_ms : writer->give_up_at_ms);
	return sim_now_ms < writer->give_up_at_ms && sim_now_ms < deadline_ms &&
	       !writer->process->is_killed;
}

static void run_job(struct lane *lane, struct job *job)
{
	struct writer *writer = lane->writer;
	int64_t deadline_ms =
		writer->patience_ms > 0 ? sim_now_ms + writer->patience_ms : SIM_NEVER;
	struct backoff backoff;

	backoff_init(&backoff, RETRY_BASE_MS, RETRY_CAP_MS);
	for (;;) {
		struct error err = ERROR_INIT;

		if ((!db_is_lost(lane->db) || db_connect(lane->db, &err) == 0) &&
		    job->run(lane->db, job, &err) == 0) {
			job->err = ERROR_INIT;
			return;
		}
		db_rollback(lane->db);
		job->err = err;
		sim_trace("%s: %s", job->what, err.text);
		if (err.kind != ERROR_RETRY)
			return;
		job->retry_count++;
		writer->retry_count++;
		if (!wait_before_retry(writer, backoff_next_ms(&backoff), deadline_ms))
			return;
	}
}

static void run_lane(void *context)
{
	struct lane *lane = context;
	struct writer *writer = lane->writer;

	for (;;) {
		struct job *job = take(lane->jobs);

		if (job) {
			run_job(lane, job);
			put(&writer->finished, job);
			writer->process->has_event = true;
			fiber_wake(writer->loop);
		} else if (writer->is_closing) {
			break;
		} else {
			fiber_sleep(SIM_NEVER);
		}
	}
	db_disconnect(lane->db);
	lane->fiber = NULL;
	fiber_wake(writer->loop);
}

/* The loop's side. */

static void start_lane(struct writer *writer, struct lane *lane, struct jobs *jobs,
		       const struct db_config *database)
{
	lane->writer = writer;
	lane->jobs = jobs;
	lane->db = db_new(database);
	lane->fiber = fiber_start(writer->process, run_lane, lane);
}

struct writer *writer_new(const struct db_config *database, unsigned commit_threads,
			  int64_t patience_ms, struct error *err)
{
	struct writer *writer = xcalloc(1, sizeof(*writer));

	(void)err;
	writer->process = process_self();
	writer->loop = fiber_self();
	writer->commit_lanes = commit_threads < MAX_LANES ? commit_threads : MAX_LANES;
	writer->patience_ms = patience_ms;
	writer->give_up_at_ms = SIM_NEVER;
	for (unsigned i = 0; i < writer->commit_lanes; i++)
		start_lane(writer, &writer->lanes[i], &writer->commits, database);
	start_lane(writer, &writer->lanes[writer->commit_lanes], &writer->tasks, database);
	return writer;
}

int writer_fd(const struct writer *writer)
{
	(void)writer;
	return -1;
}

bool writer_has_room(const struct writer *writer)
{
	return writer->pending_commits < 2 * writer->commit_lanes;
}

static void give_job(struct writer *writer, struct jobs *jobs, struct job *job)
{
	job->err = ERROR_INIT;
	if (writer->is_closing) {
		(void)error_set(&job->err, ERROR_RETRY, "the reader is stopping");
		writer->pending_commits -= job->takes_room;
		job->done(job);
		return;
	}
	process_acts(writer->process, job->what);
	writer->pending++;
	put(jobs, job);
	for (unsigned i = 0; i <= writer->commit_lanes; i++)
		if (writer->lanes[i].jobs == jobs)
			fiber_wake(writer->lanes[i].fiber);
}

void writer_commit(struct writer *writer, struct job *job)
{
	if (!writer_has_room(writer))
		sim_fail("%s although there is no room for it", job->what);
	writer->pending_commits++;
	job->takes_room = true;
	give_job(writer, &writer->commits, job);
}

void writer_look_up(struct writer *writer, struct job *job)
{
	writer_commit(writer, job);
}

void writer_task(struct writer *writer, struct job *job)
{
	job->takes_room = false;
	give_job(writer, &writer->tasks, job);
}

void writer_collect(struct writer *writer)
{
	struct job *job;

	writer->process->has_event = false;
	while ((job = take(&writer->finished))) {
		writer->pending--;
		if (job->takes_room)
			writer->pending_commits--;
		job->done(job);
	}
}

unsigned writer_pending(const struct writer *writer)
{
	return writer->pending;
}

uint64_t writer_retry_count(const struct writer *writer)
{
	return writer->retry_count;
}

void writer_get_trouble(struct writer *writer, struct writer_trouble *ret_trouble)
{
	(void)writer;
	*ret_trouble = (struct writer_trouble){.since_ms = 0};
}

const struct metric_histogram *writer_commit_times(const struct writer *writer)
{
	(void)writer;
	return NULL;
}

bool writer_has_lost_database(const struct writer *writer)
{
	(void)writer;
	return false; /* a stop then waits its full time */
}

void writer_hurry(struct writer *writer, int64_t grace_ms)
{
	writer->give_up_at_ms = sim_now_ms + grace_ms;
	process_wake(writer->process);
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	writer->is_closing = true;
	writer_hurry(writer, 0);
	for (unsigned i = 0; i <= writer->commit_lanes; i++) {
		while (writer->lanes[i].fiber) {
			fiber_wake(writer->lanes[i].fiber);
			fiber_sleep(SIM_NEVER);
		}
	}
	writer_collect(writer);
	for (unsigned i = 0; i <= writer->commit_lanes; i++)
		db_free(writer->lanes[i].db);
	free(writer);
}
