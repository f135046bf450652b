/* SPDX-License-Identifier: MIT */
#include "sync/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "store/db.h"

#define RETRY_BASE_MS      20
#define RETRY_CAP_MS       5000
#define TASKS_MAX          256
#define FOR_EVER           INT64_MAX
#define MAX_COMMIT_THREADS 32

struct thread {
	struct writer *writer;
	struct queue *jobs;
	struct db *db;
	pthread_t thread;
	bool is_started;
	bool is_down;
	bool is_troubled; /* counted in troubled_threads */
	struct log_limit retry_limit;
};

struct writer {
	struct queue *commits;
	struct queue *tasks;
	struct queue *finished;
	int event_fd;
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
	 * The condition wakes threads that wait between two tries when give_up_at_ms changes;
	 * retrying ends at that time. The mutex also guards the fields below.
	 */
	pthread_mutex_t mutex;
	pthread_cond_t hurry;
	int64_t give_up_at_ms;
	unsigned troubled_threads;
	struct writer_trouble trouble;
	struct thread threads[MAX_COMMIT_THREADS + 1]; /* the last one in use is for tasks */
};

/* The threads. */

/* Sleep between two tries. False: it is time to give up. */
static bool wait_before_retry(struct writer *writer, int64_t delay_ms, int64_t job_deadline_ms)
{
	int64_t now_ms = clock_now_ms();
	int64_t until_ms = now_ms + delay_ms;
	bool go_on;

	pthread_mutex_lock(&writer->mutex);
	while ((now_ms = clock_now_ms()) < until_ms && now_ms < writer->give_up_at_ms) {
		int64_t end_ms =
			until_ms < writer->give_up_at_ms ? until_ms : writer->give_up_at_ms;
		struct timespec end = {.tv_sec = (time_t)(end_ms / 1000),
				       .tv_nsec = (long)(end_ms % 1000) * 1000000};

		pthread_cond_timedwait(&writer->hurry, &writer->mutex, &end);
	}
	go_on = now_ms < writer->give_up_at_ms && now_ms < job_deadline_ms;
	pthread_mutex_unlock(&writer->mutex);
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

static void note_trouble(struct thread *thread, const struct error *err)
{
	struct writer *writer = thread->writer;
	struct writer_trouble *trouble = &writer->trouble;

	pthread_mutex_lock(&writer->mutex);
	count_retry(trouble, db_error_number(err));
	if (!db_is_deadlock(err)) {
		if (!thread->is_troubled && writer->troubled_threads++ == 0)
			trouble->since_ms = clock_now_ms();
		thread->is_troubled = true;
		trouble->is_lost = db_is_lost(thread->db);
		snprintf(trouble->text, sizeof(trouble->text), "%.*s",
			 (int)sizeof(trouble->text) - 1, err->text);
	}
	pthread_mutex_unlock(&writer->mutex);
}

static void end_trouble(struct thread *thread)
{
	struct writer *writer = thread->writer;

	if (!thread->is_troubled)
		return;
	pthread_mutex_lock(&writer->mutex);
	thread->is_troubled = false;
	if (--writer->troubled_threads == 0) {
		writer->trouble.since_ms = 0;
		writer->trouble.is_lost = false;
	}
	pthread_mutex_unlock(&writer->mutex);
}

static void tell_retry(struct thread *thread, const struct job *job, const struct error *err,
		       int64_t delay_ms)
{
	atomic_fetch_add(&thread->writer->retry_count, 1);
	note_trouble(thread, err);
	if (db_is_deadlock(err)) { /* normal among those who wait for one another */
		log_debug("commit_retry", "%s: %s; again in %lld ms", job->what, err->text,
			  (long long)delay_ms);
		return;
	}
	if (db_is_lost(thread->db) && !thread->is_down) {
		thread->is_down = true;
		atomic_fetch_add(&thread->writer->down_count, 1);
		log_warning(
			"database_lost",
			"%s: %s; nothing is lost, trying again in %lld ms and then until it answers",
			job->what, err->text, (long long)delay_ms);
		return;
	}
	log_limited(&thread->retry_limit, LOG_LEVEL_WARNING, "commit_retry",
		    "%s: %s; rolled back, again in %lld ms", job->what, err->text,
		    (long long)delay_ms);
}

static int connect_thread(struct thread *thread, const struct job *job, struct error *err)
{
	db_set_patient(thread->db, atomic_load(&thread->writer->has_worked) && !job->is_side_work);
	if (!db_is_lost(thread->db))
		return 0;
	if (db_connect(thread->db, err) < 0)
		return -1;
	/* Log once for all threads which server it is and how rows are sent. */
	if (!atomic_exchange(&thread->writer->has_told_connection, true))
		log_info("database_connected", "%s", db_describe(thread->db));
	else
		log_debug("database_connected", "%s", db_describe(thread->db));
	return 0;
}

/* Not before a job has succeeded: a read-only server accepts the login and nothing else. */
static void note_done(struct thread *thread)
{
	if (thread->is_down) {
		log_info("database_back", "connected to %s", db_describe(thread->db));
		atomic_fetch_sub(&thread->writer->down_count, 1);
	}
	thread->is_down = false;
	end_trouble(thread);
}

static void run_job(struct thread *thread, struct job *job)
{
	struct backoff backoff;
	int64_t began_at_ms = clock_now_ms();
	int64_t deadline_ms = thread->writer->patience_ms > 0
				      ? clock_now_ms() + thread->writer->patience_ms
				      : FOR_EVER;

	backoff_init(&backoff, RETRY_BASE_MS, RETRY_CAP_MS);
	for (;;) {
		struct error err = ERROR_INIT;
		bool is_connected = connect_thread(thread, job, &err) == 0;
		int64_t try_at_ms = clock_now_ms();
		int64_t delay_ms;

		if (is_connected && job->run(thread->db, job, &err) == 0) {
			job->err = ERROR_INIT;
			job->took_ms = clock_now_ms() - began_at_ms;
			job->last_try_ms = clock_now_ms() - try_at_ms;
			atomic_store(&thread->writer->has_worked, true);
			note_done(thread);
			return;
		}
		db_rollback(thread->db);
		job->err = err;
		if (err.kind != ERROR_RETRY)
			return;
		job->retry_count++;
		delay_ms = backoff_next_ms(&backoff);
		tell_retry(thread, job, &err, delay_ms);
		if (!wait_before_retry(thread->writer, delay_ms, deadline_ms))
			return;
	}
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	struct writer *writer = thread->writer;
	struct job *job;

	while ((job = queue_pop(thread->jobs))) {
		uint64_t one = 1;

		run_job(thread, job);
		if (!queue_try_push(writer->finished, job, 0) ||
		    write(writer->event_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
			log_error("bug", "a finished job could not be handed back");
			abort();
		}
	}
	db_disconnect(thread->db);
	return NULL;
}

/* Functions of the loop thread. */

static int start_thread(struct writer *writer, struct thread *thread, struct queue *jobs,
			const struct db_config *database, struct error *err)
{
	thread->writer = writer;
	thread->jobs = jobs;
	thread->db = db_new(database);
	thread->retry_limit = (struct log_limit)LOG_LIMIT_INIT(10000);
	if (pthread_create(&thread->thread, NULL, thread_main, thread) != 0)
		return error_set(err, ERROR_FATAL, "cannot start a thread for the database");
	thread->is_started = true;
	return 0;
}

struct writer *writer_new(const struct db_config *database, unsigned commit_threads,
			  int64_t patience_ms, struct error *err)
{
	struct writer *writer = xcalloc(1, sizeof(*writer));
	pthread_condattr_t attributes;

	if (commit_threads > MAX_COMMIT_THREADS)
		commit_threads = MAX_COMMIT_THREADS;
	writer->commit_threads = commit_threads;
	writer->patience_ms = patience_ms;
	writer->give_up_at_ms = FOR_EVER;
	writer->commits = queue_new(2 * (size_t)commit_threads, SIZE_MAX);
	writer->tasks = queue_new(TASKS_MAX, SIZE_MAX);
	writer->finished = queue_new(TASKS_MAX + 4 * (size_t)commit_threads, SIZE_MAX);
	pthread_mutex_init(&writer->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->hurry, &attributes);
	pthread_condattr_destroy(&attributes);
	writer->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (writer->event_fd < 0) {
		(void)error_set_errno(err, ERROR_FATAL, "cannot make an eventfd");
		goto fail;
	}
	for (unsigned i = 0; i < commit_threads; i++)
		if (start_thread(writer, &writer->threads[i], writer->commits, database, err) < 0)
			goto fail;
	if (start_thread(writer, &writer->threads[commit_threads], writer->tasks, database, err) <
	    0)
		goto fail;
	return writer;
fail:
	writer_free(writer);
	return NULL;
}

int writer_fd(const struct writer *writer)
{
	return writer->event_fd;
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
	if (!queue_try_push(queue, job, 0)) {
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
	uint64_t count;

	if (read(writer->event_fd, &count, sizeof(count)) < 0) {
		/*
		 * EAGAIN: nothing has finished since the last call; check the queue all the
		 * same.
		 */
	}
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
	pthread_mutex_lock(&writer->mutex);
	*ret_trouble = writer->trouble;
	pthread_mutex_unlock(&writer->mutex);
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
	pthread_mutex_lock(&writer->mutex);
	writer->give_up_at_ms = clock_now_ms() + grace_ms;
	pthread_cond_broadcast(&writer->hurry);
	pthread_mutex_unlock(&writer->mutex);
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
		if (writer->threads[i].is_started)
			pthread_join(writer->threads[i].thread, NULL);
	if (writer->event_fd >= 0)
		writer_collect(writer);
	for (unsigned i = 0; i <= writer->commit_threads; i++)
		db_free(writer->threads[i].db);
	queue_free(writer->commits, NULL);
	queue_free(writer->tasks, NULL);
	queue_free(writer->finished, NULL);
	pthread_cond_destroy(&writer->hurry);
	pthread_mutex_destroy(&writer->mutex);
	if (writer->event_fd >= 0)
		close(writer->event_fd);
	free(writer);
}
