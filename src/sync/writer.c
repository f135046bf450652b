/* SPDX-License-Identifier: MIT */
#include "sync/writer.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/thread.h"
#include "store/db.h"

#define RETRY_BASE_MS      20
#define RETRY_CAP_MS       5000
#define TASKS_MAX          256
#define MAX_COMMIT_THREADS 32

struct executor {
	struct writer *writer;
	struct queue *jobs;
	struct db *db;
	struct thread *thread; /* NULL: not started */
	bool is_down;
	bool is_troubled; /* counted in troubled_threads */
	struct log_limit retry_limit;
};

struct writer {
	struct queue *commits;
	struct queue *tasks;
	struct queue *finished;
	struct bell *bell; /* a job has finished */
	int64_t patience_ms;
	unsigned commit_threads;
	unsigned pending; /* used by the loop thread only */
	unsigned pending_commits;
	bool is_closing;
	struct metric_histogram commit_times; /* used by the loop thread only */
	atomic_uint_least64_t retry_count;
	atomic_bool has_told_connection;
	atomic_bool has_worked; /* a job has succeeded: see db_set_patient() */
	atomic_uint down_count; /* threads that have lost the database */
	/*
	 * Guards the fields below, and wakes threads that wait between two tries when
	 * give_up_at_ms changes; retrying ends at that time.
	 */
	struct monitor *monitor;
	int64_t give_up_at_ms;
	unsigned troubled_threads;
	struct writer_trouble trouble;
	struct executor executors[MAX_COMMIT_THREADS + 1]; /* the last one in use is for tasks */
};

void job_init(struct job *job, int (*run)(struct db *db, struct job *job, struct error *err),
	      void (*done)(struct job *job), const char *fmt, ...)
{
	va_list args;

	job->run = run;
	job->done = done;
	va_start(args, fmt);
	vsnprintf(job->what, sizeof(job->what), fmt, args);
	va_end(args);
}

/* The threads. */

/* Sleep between two tries. False: it is time to give up. */
static bool wait_before_retry(struct writer *writer, int64_t delay_ms, int64_t job_deadline_ms)
{
	int64_t now_ms = clock_now_ms();
	int64_t until_ms = now_ms + delay_ms;
	bool go_on;

	monitor_lock(writer->monitor);
	while ((now_ms = clock_now_ms()) < until_ms && now_ms < writer->give_up_at_ms)
		monitor_wait(writer->monitor, sooner(until_ms, writer->give_up_at_ms));
	go_on = now_ms < writer->give_up_at_ms && now_ms < job_deadline_ms;
	monitor_unlock(writer->monitor);
	return go_on;
}

static void count_retry(struct writer_trouble *trouble, unsigned code)
{
	unsigned i = 0;

	while (i < WRITER_RETRY_CODES - 1 && trouble->retries[i].count > 0 &&
	       trouble->retries[i].code != code)
		i++;
	trouble->retries[i].code = i < WRITER_RETRY_CODES - 1 ? code : 0;
	trouble->retries[i].count++;
}

static void note_trouble(struct executor *executor, const struct error *err)
{
	struct writer *writer = executor->writer;
	struct writer_trouble *trouble = &writer->trouble;

	monitor_lock(writer->monitor);
	count_retry(trouble, db_error_number(err));
	if (!db_is_deadlock(err)) {
		if (!executor->is_troubled && writer->troubled_threads++ == 0)
			trouble->since_ms = clock_now_ms();
		executor->is_troubled = true;
		trouble->is_lost = db_is_lost(executor->db);
		snprintf(trouble->text, sizeof(trouble->text), "%.*s",
			 (int)sizeof(trouble->text) - 1, err->text);
	}
	monitor_unlock(writer->monitor);
}

static void end_trouble(struct executor *executor)
{
	struct writer *writer = executor->writer;

	if (!executor->is_troubled)
		return;
	monitor_lock(writer->monitor);
	executor->is_troubled = false;
	if (--writer->troubled_threads == 0) {
		writer->trouble.since_ms = 0;
		writer->trouble.is_lost = false;
	}
	monitor_unlock(writer->monitor);
}

static void tell_retry(struct executor *executor, const struct job *job, const struct error *err,
		       int64_t delay_ms)
{
	atomic_fetch_add(&executor->writer->retry_count, 1);
	note_trouble(executor, err);
	if (db_is_deadlock(err)) { /* normal among those who wait for one another */
		log_debug("commit_retry", "%s: %s; again in %lld ms", job->what, err->text,
			  (long long)delay_ms);
		return;
	}
	if (db_is_lost(executor->db) && !executor->is_down) {
		executor->is_down = true;
		atomic_fetch_add(&executor->writer->down_count, 1);
		log_warning(
			"database_lost",
			"%s: %s; nothing is lost, trying again in %lld ms and then until it answers",
			job->what, err->text, (long long)delay_ms);
		return;
	}
	log_limited(&executor->retry_limit, LOG_LEVEL_WARNING, "commit_retry",
		    "%s: %s; rolled back, again in %lld ms", job->what, err->text,
		    (long long)delay_ms);
}

static int connect_executor(struct executor *executor, const struct job *job, struct error *err)
{
	db_set_patient(executor->db,
		       atomic_load(&executor->writer->has_worked) && !job->is_side_work);
	if (!db_is_lost(executor->db))
		return 0;
	if (db_connect(executor->db, err) < 0)
		return -1;
	/* Log once for all threads which server it is and how rows are sent. */
	if (!atomic_exchange(&executor->writer->has_told_connection, true))
		log_info("database_connected", "%s", db_describe(executor->db));
	else
		log_debug("database_connected", "%s", db_describe(executor->db));
	return 0;
}

/* Not before a job has succeeded: a read-only server accepts the login and nothing else. */
static void note_done(struct executor *executor)
{
	if (executor->is_down) {
		log_info("database_back", "connected to %s", db_describe(executor->db));
		atomic_fetch_sub(&executor->writer->down_count, 1);
	}
	executor->is_down = false;
	end_trouble(executor);
}

static void run_job(struct executor *executor, struct job *job)
{
	struct backoff backoff;
	int64_t began_at_ms = clock_now_ms();
	int64_t deadline_ms = executor->writer->patience_ms > 0
				      ? clock_now_ms() + executor->writer->patience_ms
				      : CLOCK_NEVER;

	backoff_init(&backoff, RETRY_BASE_MS, RETRY_CAP_MS);
	for (;;) {
		struct error err = ERROR_INIT;
		bool is_connected = connect_executor(executor, job, &err) == 0;
		int64_t try_at_ms = clock_now_ms();
		int64_t delay_ms;

		if (is_connected && job->run(executor->db, job, &err) == 0) {
			job->err = ERROR_INIT;
			job->took_ms = clock_now_ms() - began_at_ms;
			job->last_try_ms = clock_now_ms() - try_at_ms;
			atomic_store(&executor->writer->has_worked, true);
			note_done(executor);
			return;
		}
		db_rollback(executor->db);
		job->err = err;
		if (err.kind != ERROR_RETRY)
			return;
		job->retry_count++;
		delay_ms = backoff_next_ms(&backoff);
		tell_retry(executor, job, &err, delay_ms);
		if (!wait_before_retry(executor->writer, delay_ms, deadline_ms))
			return;
	}
}

static void run_jobs(void *context)
{
	struct executor *executor = context;
	struct writer *writer = executor->writer;
	struct job *job;

	while ((job = queue_pop(executor->jobs))) {
		run_job(executor, job);
		if (!queue_try_push(writer->finished, job)) {
			log_error("bug", "a finished job could not be handed back");
			abort();
		}
		bell_ring(writer->bell);
	}
	db_disconnect(executor->db);
}

/* Functions of the loop thread. */

static int start_executor(struct writer *writer, struct executor *executor, struct queue *jobs,
			  const struct db_config *database, struct error *err)
{
	executor->writer = writer;
	executor->jobs = jobs;
	executor->db = db_new(database);
	executor->retry_limit = (struct log_limit)LOG_LIMIT_INIT(10000);
	executor->thread = thread_start(run_jobs, executor, err);
	return executor->thread ? 0 : -1;
}

static int start_executors(struct writer *writer, const struct db_config *database,
			   struct error *err)
{
	for (unsigned i = 0; i < writer->commit_threads; i++)
		if (start_executor(writer, &writer->executors[i], writer->commits, database, err) <
		    0)
			return -1;
	return start_executor(writer, &writer->executors[writer->commit_threads], writer->tasks,
			      database, err);
}

struct writer *writer_new(const struct db_config *database, unsigned commit_threads,
			  int64_t patience_ms, struct error *err)
{
	struct writer *writer = xcalloc(1, sizeof(*writer));

	if (commit_threads > MAX_COMMIT_THREADS)
		commit_threads = MAX_COMMIT_THREADS;
	writer->commit_threads = commit_threads;
	writer->patience_ms = patience_ms;
	writer->give_up_at_ms = CLOCK_NEVER;
	writer->commits = queue_new(2 * (size_t)commit_threads);
	writer->tasks = queue_new(TASKS_MAX);
	writer->finished = queue_new(TASKS_MAX + 4 * (size_t)commit_threads);
	writer->monitor = monitor_new();
	writer->bell = bell_new(err);
	if (writer->bell && start_executors(writer, database, err) == 0)
		return writer;
	writer_free(writer);
	return NULL;
}

int writer_fd(const struct writer *writer)
{
	return bell_fd(writer->bell);
}

bool writer_has_room(const struct writer *writer)
{
	return writer->pending_commits < 2 * writer->commit_threads;
}

static void give_job(struct writer *writer, struct queue *queue, struct job *job)
{
	job->err = ERROR_INIT;
	if (writer->is_closing) {
		(void)error_set(&job->err, ERROR_RETRY, "the reader is stopping");
		writer->pending_commits -= job->takes_room;
		job->done(job);
		return;
	}
	writer->pending++;
	if (!queue_try_push(queue, job)) {
		log_error("bug", "more than %d jobs for the database at once (%s)", TASKS_MAX,
			  job->what);
		abort();
	}
}

static void give_urgent(struct writer *writer, struct job *job, bool is_timed)
{
	writer->pending_commits++;
	job->takes_room = true;
	job->is_timed = is_timed;
	give_job(writer, writer->commits, job);
}

void writer_commit(struct writer *writer, struct job *job)
{
	give_urgent(writer, job, true);
}

void writer_look_up(struct writer *writer, struct job *job)
{
	give_urgent(writer, job, false);
}

void writer_task(struct writer *writer, struct job *job)
{
	job->takes_room = job->is_timed = false;
	give_job(writer, writer->tasks, job);
}

void writer_collect(struct writer *writer)
{
	struct job *job;

	bell_silence(writer->bell);
	while ((job = queue_try_pop(writer->finished))) {
		writer->pending--;
		if (job->takes_room)
			writer->pending_commits--;
		if (job->is_timed && job->err.kind == ERROR_NONE)
			metric_observe(&writer->commit_times, job->took_ms * 1000);
		job->done(job);
	}
}

unsigned writer_pending(const struct writer *writer)
{
	return writer->pending;
}

uint64_t writer_retry_count(const struct writer *writer)
{
	return atomic_load(&writer->retry_count);
}

void writer_get_trouble(struct writer *writer, struct writer_trouble *ret_trouble)
{
	monitor_lock(writer->monitor);
	*ret_trouble = writer->trouble;
	monitor_unlock(writer->monitor);
}

const struct metric_histogram *writer_commit_times(const struct writer *writer)
{
	return &writer->commit_times;
}

bool writer_has_lost_database(const struct writer *writer)
{
	return atomic_load(&writer->down_count) > 0;
}

void writer_hurry(struct writer *writer, int64_t grace_ms)
{
	monitor_lock(writer->monitor);
	writer->give_up_at_ms = clock_now_ms() + grace_ms;
	monitor_announce(writer->monitor);
	monitor_unlock(writer->monitor);
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	writer->is_closing = true;
	queue_close(writer->commits);
	queue_close(writer->tasks);
	writer_hurry(writer, 0);
	for (unsigned i = 0; i <= writer->commit_threads; i++)
		thread_join(writer->executors[i].thread);
	if (writer->bell)
		writer_collect(writer);
	for (unsigned i = 0; i <= writer->commit_threads; i++)
		db_free(writer->executors[i].db);
	queue_free(writer->commits, NULL);
	queue_free(writer->tasks, NULL);
	queue_free(writer->finished, NULL);
	monitor_free(writer->monitor);
	bell_free(writer->bell);
	free(writer);
}
