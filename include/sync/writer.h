/* SPDX-License-Identifier: MIT */
/*
 * The threads that own database connections, and every retry that concerns the database.
 *
 * The loop thread gives jobs away and gets them back, finished, from writer_collect().
 * Commits go to `commit_threads` threads, errands (heartbeats, claims, scan steps) to one
 * thread of their own, so that a long commit never delays a heartbeat.  A look-up that a commit
 * waits for goes to the threads for commits, so that a long errand does not delay it.
 *
 * A job that fails with ERROR_RETRY is rolled back and run again from its beginning, with
 * back-off, on the next host if the connection is gone; any other failure is final. Once a job has
 * succeeded, failures that only the operator can cure (login, rights, missing tables) are retried
 * too: they may pass, and otherwise all readers would end and stay down.
 */
#ifndef SYNC_WRITER_H
#define SYNC_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/metric.h"

struct db;
struct db_config;

/* To be embedded as the first member of a structure with what the job needs. */
struct job {
	/* In a writer thread, perhaps several times: all of its effects in one or more transactions. */
	int (*run)(struct db *db, struct job *job, struct error *err);
	/* In the loop thread, once; owns the job from then on. job->err tells how it ended. */
	void (*done)(struct job *job);
	char what[64];    /* "commit of 5..104", for log lines */
	struct error err; /* ERROR_NONE: it was done */
	unsigned retry_count;
	int64_t took_ms;     /* from its first try to its end */
	int64_t last_try_ms; /* what the try that did it took: its cost for the database */
	bool is_side_work; /* the reader can do without it: only a true ERROR_RETRY is tried again */
	/* The writer's own. */
	bool takes_room;
	bool is_timed;
};

struct writer;

/*
 * patience_ms: how long a job may be retried before it fails for good; 0: for ever.
 * The threads connect when their first job comes.
 */
struct writer *writer_new(const struct db_config *database, unsigned commit_threads,
			  int64_t patience_ms, struct error *err) MUST_CHECK;
/* Readable when a job has finished. */
int writer_fd(const struct writer *writer);
/* Can a commit or a look-up be taken now? */
bool writer_has_room(const struct writer *writer);
/* Takes the job. Only while writer_has_room(). */
void writer_commit(struct writer *writer, struct job *job);
/* As writer_commit(), for what must be known before a commit; writer_commit_times() leaves it out. */
void writer_look_up(struct writer *writer, struct job *job);
/* Takes the job. Errands are few: their number is bounded by those who send them. */
void writer_errand(struct writer *writer, struct job *job);
/* Call `done` of every finished job. */
void writer_collect(struct writer *writer);
/* Jobs given and not yet collected. */
unsigned writer_pending(const struct writer *writer);
/* How often a job was run again, since the start. */
uint64_t writer_retry_count(const struct writer *writer);
/* What is in the way of the jobs now, and what was. A deadlock among readers is in nobody's way. */
#define WRITER_RETRY_CODES 16
struct writer_trouble {
	int64_t since_ms; /* 0: nothing */
	bool is_lost;     /* the connection itself */
	char text[200];   /* the newest */
	struct {
		unsigned
			code; /* the database's error number; the last place is for all without one */
		uint64_t count;
	} retries[WRITER_RETRY_CODES]; /* since the start; a count of 0 ends the list */
};
void writer_get_trouble(struct writer *writer, struct writer_trouble *ret_trouble);
/* How long commits took that were done, with all their tries. */
const struct metric_histogram *writer_commit_times(const struct writer *writer);
/* Has a connection been lost that is not back yet? */
bool writer_has_lost_database(const struct writer *writer);
/*
 * From now on a job is retried for at most grace_ms more; then it fails. Used when
 * stopping: what is under way is finished if the database lets it.
 */
void writer_hurry(struct writer *writer, int64_t grace_ms);
/* Waits for the threads; jobs not collected yet are collected first. */
void writer_free(struct writer *writer);

#endif
