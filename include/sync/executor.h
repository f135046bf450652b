/* SPDX-License-Identifier: MIT */
/*
 * The threads that own the database connections, and every retry of database work.
 *
 * The loop thread hands jobs over and gets them back, finished, from executor_collect().
 * Commits go to `commit_threads` threads.  Tasks (heartbeats, claims, steps of a scan)
 * go to one more thread, so that a long commit never delays a heartbeat.  A look-up that a
 * commit waits for goes to the commit threads, so that a long task does not delay it.
 *
 * A job that fails with ERROR_RETRY is rolled back and run again from its beginning, with
 * back-off; if the connection is gone, on the next host.  Any other failure is final.
 * Once a job has succeeded, failures that only the operator can cure (login, rights,
 * missing tables) are retried too: they may pass, and otherwise all readers would end and
 * stay down.
 */
#ifndef SYNC_EXECUTOR_H
#define SYNC_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/metric.h"

struct db;
struct db_config;

/* Embed it as the first member of a structure with the job's data. */
struct job {
	/*
	 * Runs in a database thread, perhaps several times. All its effects must be in one or more
	 * transactions.
	 */
	int (*run)(struct db *db, struct job *job, struct error *err);
	/*
	 * Called in the loop thread, once; it owns the job from then on. job->err tells how the
	 * job ended.
	 */
	void (*done)(struct job *job);
	char what[64];    /* "commit of 5..104", for log lines */
	struct error err; /* ERROR_NONE: the job succeeded */
	unsigned retry_count;
	int64_t took_ms;     /* from the first try to the end */
	int64_t last_try_ms; /* how long the successful try took: its cost for the database */
	bool is_side_work;   /* the reader can do without it: only ERROR_RETRY itself is retried */
	/* Private to the executor. */
	bool takes_room;
	bool is_timed;
};

/* Set what a job does, and what it is called in log lines. */
void job_init(struct job *job, int (*run)(struct db *db, struct job *job, struct error *err),
	      void (*done)(struct job *job), const char *fmt, ...) PRINTF_LIKE(4, 5);

struct executor;

/*
 * patience_ms: how long a job may be retried before it fails for good; 0: for ever.  Each thread
 * connects when its first job arrives.  `database` must outlive the executor.  NULL with err: a
 * thread cannot be started.
 */
struct executor *executor_new(const struct db_config *database, unsigned commit_threads,
			      int64_t patience_ms, struct error *err) MUST_CHECK;
/* A file descriptor that becomes readable when a job has finished. */
int executor_fd(const struct executor *executor);
/* Can it accept a commit or a look-up now? */
bool executor_has_room(const struct executor *executor);
/* Takes the job. Call it only while executor_has_room(). */
void executor_commit(struct executor *executor, struct job *job);
/*
 * Takes the job, like executor_commit(). For data that a commit needs; executor_commit_times() does
 * not count it.
 */
void executor_look_up(struct executor *executor, struct job *job);
/* Takes the job. There is no limit: each caller sends only few tasks at a time. */
void executor_task(struct executor *executor, struct job *job);
/* Call `done` for every finished job. */
void executor_collect(struct executor *executor);
/* How many jobs were handed over and are not collected yet. */
unsigned executor_pending(const struct executor *executor);
/* How many times jobs were retried since the start. */
uint64_t executor_retry_count(const struct executor *executor);
/*
 * The trouble that holds jobs up now, and all retries so far. Deadlocks between readers do not
 * count as trouble.
 */
#define EXECUTOR_RETRY_CODES 16
struct executor_trouble {
	int64_t since_ms; /* 0: nothing */
	bool is_lost;     /* the connection itself is lost */
	char text[200];   /* the newest error */
	struct {
		unsigned
			code; /* the database's error number; the last place is for all without one */
		uint64_t count;
	} retries[EXECUTOR_RETRY_CODES]; /* since the start; a count of 0 ends the list */
};
void executor_get_trouble(struct executor *executor, struct executor_trouble *ret_trouble);
/* How long successful commits took, with all their tries. */
const struct metric_histogram *executor_commit_times(const struct executor *executor);
/* Is a connection lost and not restored yet? */
bool executor_has_lost_database(const struct executor *executor);
/*
 * From now on a job is retried for at most grace_ms more, then it fails. Used when stopping:
 * jobs under way are finished if the database allows it.
 */
void executor_hurry(struct executor *executor, int64_t grace_ms);
/* Waits for the threads, and collects the jobs that are left. NULL is allowed. */
void executor_free(struct executor *executor);

#endif
