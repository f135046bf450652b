/* SPDX-License-Identifier: MIT */
#include "sync/executor.h"

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

struct db_thread {
	struct executor *executor;
	struct queue *jobs;
	struct db *db;
	struct thread *thread; /* NULL: not started */
	bool is_down;
	bool is_troubled; /* counted in troubled_threads */
	struct log_limit retry_limit;
};

struct executor {
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
	struct executor_trouble trouble;
	struct db_thread db_threads[MAX_COMMIT_THREADS + 1]; /* the last one in use is for tasks */
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
static bool wait_before_retry(struct executor *executor, int64_t delay_ms, int64_t job_deadline_ms)
{
	int64_t now_ms = clock_now_ms();
	int64_t until_ms = now_ms + delay_ms;
	bool go_on;

	monitor_lock(executor->monitor);
	while ((now_ms = clock_now_ms()) < until_ms && now_ms < executor->give_up_at_ms)
		monitor_wait(executor->monitor, sooner(until_ms, executor->give_up_at_ms));
	go_on = now_ms < executor->give_up_at_ms && now_ms < job_deadline_ms;
	monitor_unlock(executor->monitor);
	return go_on;
}

static void count_retry(struct executor_trouble *trouble, unsigned code)
{
	unsigned i = 0;

	while (i < EXECUTOR_RETRY_CODES - 1 && trouble->retries[i].count > 0 &&
	       trouble->retries[i].code != code)
		i++;
	trouble->retries[i].code = i < EXECUTOR_RETRY_CODES - 1 ? code : 0;
	trouble->retries[i].count++;
}

static void note_trouble(struct db_thread *db_thread, const struct error *err)
{
	struct executor *executor = db_thread->executor;
	struct executor_trouble *trouble = &executor->trouble;

	monitor_lock(executor->monitor);
	count_retry(trouble, db_error_number(err));
	if (!db_is_deadlock(err)) {
		if (!db_thread->is_troubled && executor->troubled_threads++ == 0)
			trouble->since_ms = clock_now_ms();
		db_thread->is_troubled = true;
		trouble->is_lost = db_is_lost(db_thread->db);
		snprintf(trouble->text, sizeof(trouble->text), "%.*s",
			 (int)sizeof(trouble->text) - 1, err->text);
	}
	monitor_unlock(executor->monitor);
}

static void end_trouble(struct db_thread *db_thread)
{
	struct executor *executor = db_thread->executor;

	if (!db_thread->is_troubled)
		return;
	monitor_lock(executor->monitor);
	db_thread->is_troubled = false;
	if (--executor->troubled_threads == 0) {
		executor->trouble.since_ms = 0;
		executor->trouble.is_lost = false;
	}
	monitor_unlock(executor->monitor);
}

static void tell_retry(struct db_thread *db_thread, const struct job *job, const struct error *err,
		       int64_t delay_ms)
{
	atomic_fetch_add(&db_thread->executor->retry_count, 1);
	note_trouble(db_thread, err);
	if (db_is_deadlock(err)) { /* normal among those who wait for one another */
		log_debug("commit_retry", "%s: %s; again in %lld ms", job->what, err->text,
			  (long long)delay_ms);
		return;
	}
	if (db_is_lost(db_thread->db) && !db_thread->is_down) {
		db_thread->is_down = true;
		atomic_fetch_add(&db_thread->executor->down_count, 1);
		log_warning(
			"database_lost",
			"%s: %s; nothing is lost, trying again in %lld ms and then until it answers",
			job->what, err->text, (long long)delay_ms);
		return;
	}
	log_limited(&db_thread->retry_limit, LOG_LEVEL_WARNING, "commit_retry",
		    "%s: %s; rolled back, again in %lld ms", job->what, err->text,
		    (long long)delay_ms);
}

static int connect_if_lost(struct db_thread *db_thread, const struct job *job, struct error *err)
{
	db_set_patient(db_thread->db,
		       atomic_load(&db_thread->executor->has_worked) && !job->is_side_work);
	if (!db_is_lost(db_thread->db))
		return 0;
	if (db_connect(db_thread->db, err) < 0)
		return -1;
	/* Log once for all threads which server it is and how rows are sent. */
	if (!atomic_exchange(&db_thread->executor->has_told_connection, true))
		log_info("database_connected", "%s", db_describe(db_thread->db));
	else
		log_debug("database_connected", "%s", db_describe(db_thread->db));
	return 0;
}

/* Not before a job has succeeded: a read-only server accepts the login and nothing else. */
static void note_done(struct db_thread *db_thread)
{
	if (db_thread->is_down) {
		log_info("database_back", "connected to %s", db_describe(db_thread->db));
		atomic_fetch_sub(&db_thread->executor->down_count, 1);
	}
	db_thread->is_down = false;
	end_trouble(db_thread);
}

static void run_job(struct db_thread *db_thread, struct job *job)
{
	struct backoff backoff;
	int64_t began_at_ms = clock_now_ms();
	int64_t deadline_ms = db_thread->executor->patience_ms > 0
				      ? clock_now_ms() + db_thread->executor->patience_ms
				      : CLOCK_NEVER;

	backoff_init(&backoff, RETRY_BASE_MS, RETRY_CAP_MS);
	for (;;) {
		struct error err = ERROR_INIT;
		bool is_connected = connect_if_lost(db_thread, job, &err) == 0;
		int64_t try_at_ms = clock_now_ms();
		int64_t delay_ms;

		if (is_connected && job->run(db_thread->db, job, &err) == 0) {
			job->err = ERROR_INIT;
			job->took_ms = clock_now_ms() - began_at_ms;
			job->last_try_ms = clock_now_ms() - try_at_ms;
			atomic_store(&db_thread->executor->has_worked, true);
			note_done(db_thread);
			return;
		}
		db_rollback(db_thread->db);
		job->err = err;
		if (err.kind != ERROR_RETRY)
			return;
		job->retry_count++;
		delay_ms = backoff_next_ms(&backoff);
		tell_retry(db_thread, job, &err, delay_ms);
		if (!wait_before_retry(db_thread->executor, delay_ms, deadline_ms))
			return;
	}
}

static void run_jobs(void *context)
{
	struct db_thread *db_thread = context;
	struct executor *executor = db_thread->executor;
	struct job *job;

	while ((job = queue_pop(db_thread->jobs))) {
		run_job(db_thread, job);
		if (!queue_try_push(executor->finished, job)) {
			log_error("bug", "a finished job could not be handed back");
			abort();
		}
		bell_ring(executor->bell);
	}
	db_disconnect(db_thread->db);
}

/* Functions of the loop thread. */

static int start_thread(struct executor *executor, struct db_thread *db_thread, struct queue *jobs,
			const struct db_config *database, struct error *err)
{
	db_thread->executor = executor;
	db_thread->jobs = jobs;
	db_thread->db = db_new(database);
	db_thread->retry_limit = (struct log_limit)LOG_LIMIT_INIT(10000);
	db_thread->thread = thread_start(run_jobs, db_thread, err);
	return db_thread->thread ? 0 : -1;
}

static int start_threads(struct executor *executor, const struct db_config *database,
			 struct error *err)
{
	for (unsigned i = 0; i < executor->commit_threads; i++)
		if (start_thread(executor, &executor->db_threads[i], executor->commits, database,
				 err) < 0)
			return -1;
	return start_thread(executor, &executor->db_threads[executor->commit_threads],
			    executor->tasks, database, err);
}

struct executor *executor_new(const struct db_config *database, unsigned commit_threads,
			      int64_t patience_ms, struct error *err)
{
	struct executor *executor = xcalloc(1, sizeof(*executor));

	if (commit_threads > MAX_COMMIT_THREADS)
		commit_threads = MAX_COMMIT_THREADS;
	executor->commit_threads = commit_threads;
	executor->patience_ms = patience_ms;
	executor->give_up_at_ms = CLOCK_NEVER;
	executor->commits = queue_new(2 * (size_t)commit_threads);
	executor->tasks = queue_new(TASKS_MAX);
	executor->finished = queue_new(TASKS_MAX + 4 * (size_t)commit_threads);
	executor->monitor = monitor_new();
	executor->bell = bell_new(err);
	if (executor->bell && start_threads(executor, database, err) == 0)
		return executor;
	executor_free(executor);
	return NULL;
}

int executor_fd(const struct executor *executor)
{
	return bell_fd(executor->bell);
}

bool executor_has_room(const struct executor *executor)
{
	return executor->pending_commits < 2 * executor->commit_threads;
}

static void give_job(struct executor *executor, struct queue *queue, struct job *job)
{
	job->err = ERROR_INIT;
	if (executor->is_closing) {
		(void)error_set(&job->err, ERROR_RETRY, "the reader is stopping");
		executor->pending_commits -= job->takes_room;
		job->done(job);
		return;
	}
	executor->pending++;
	if (!queue_try_push(queue, job)) {
		log_error("bug", "more than %d jobs for the database at once (%s)", TASKS_MAX,
			  job->what);
		abort();
	}
}

static void give_to_commit_threads(struct executor *executor, struct job *job, bool is_timed)
{
	executor->pending_commits++;
	job->takes_room = true;
	job->is_timed = is_timed;
	give_job(executor, executor->commits, job);
}

void executor_commit(struct executor *executor, struct job *job)
{
	give_to_commit_threads(executor, job, true);
}

void executor_look_up(struct executor *executor, struct job *job)
{
	give_to_commit_threads(executor, job, false);
}

void executor_task(struct executor *executor, struct job *job)
{
	job->takes_room = job->is_timed = false;
	give_job(executor, executor->tasks, job);
}

void executor_collect(struct executor *executor)
{
	struct job *job;

	bell_silence(executor->bell);
	while ((job = queue_try_pop(executor->finished))) {
		executor->pending--;
		if (job->takes_room)
			executor->pending_commits--;
		if (job->is_timed && job->err.kind == ERROR_NONE)
			metric_observe(&executor->commit_times, job->took_ms * 1000);
		job->done(job);
	}
}

unsigned executor_pending(const struct executor *executor)
{
	return executor->pending;
}

uint64_t executor_retry_count(const struct executor *executor)
{
	return atomic_load(&executor->retry_count);
}

void executor_get_trouble(struct executor *executor, struct executor_trouble *ret_trouble)
{
	monitor_lock(executor->monitor);
	*ret_trouble = executor->trouble;
	monitor_unlock(executor->monitor);
}

const struct metric_histogram *executor_commit_times(const struct executor *executor)
{
	return &executor->commit_times;
}

bool executor_has_lost_database(const struct executor *executor)
{
	return atomic_load(&executor->down_count) > 0;
}

void executor_hurry(struct executor *executor, int64_t grace_ms)
{
	monitor_lock(executor->monitor);
	executor->give_up_at_ms = clock_now_ms() + grace_ms;
	monitor_announce(executor->monitor);
	monitor_unlock(executor->monitor);
}

void executor_free(struct executor *executor)
{
	if (!executor)
		return;
	executor->is_closing = true;
	queue_close(executor->commits);
	queue_close(executor->tasks);
	executor_hurry(executor, 0);
	for (unsigned i = 0; i <= executor->commit_threads; i++)
		thread_join(executor->db_threads[i].thread);
	if (executor->bell)
		executor_collect(executor);
	for (unsigned i = 0; i <= executor->commit_threads; i++)
		db_free(executor->db_threads[i].db);
	queue_free(executor->commits, NULL);
	queue_free(executor->tasks, NULL);
	queue_free(executor->finished, NULL);
	monitor_free(executor->monitor);
	bell_free(executor->bell);
	free(executor);
}
