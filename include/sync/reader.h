/* SPDX-License-Identifier: MIT */
/*
 * One reader, from start to end: open the database, ask the nodes, compare the chains,
 * load the ranges, scan, replay, catch up, tail.
 *
 * Calling sequence: reader_new(); reader_turn() until reader_is_over(); reader_free().
 * Call reader_stop() and reader_reload() only between two turns.  Everything runs on one
 * thread, which waits only in reader_turn().
 */
#ifndef SYNC_READER_H
#define SYNC_READER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sync/shared.h"
#include "sync/verify.h"

struct db_config;
struct reader;

struct reader_nodes {
	const char *const *urls;
	size_t count;
	unsigned connections;
	unsigned batch_size;
	unsigned rate_limit; /* requests a second to one node; 0: no limit */
	int64_t timeout_ms;
	size_t max_memory_bytes; /* for blocks on their way from the nodes to the database */
};

enum reader_end {
	READER_END_DONE,    /* the task is done */
	READER_END_MISSING, /* done, but some blocks are still missing */
	READER_END_DIFFERS, /* stored blocks differ from the chain */
	READER_END_STOPPED, /* by reader_stop() */
	READER_END_ERROR,
};

/*
 * config and database must outlive the reader, nodes only this call.  NULL with err: a library
 * cannot be used, or a thread cannot be started.
 */
struct reader *reader_new(const struct reader_config *config, const struct reader_nodes *nodes,
			  const struct db_config *database, struct error *err) MUST_CHECK;
/* NULL is allowed. Waits for the database threads. */
void reader_free(struct reader *reader);
/*
 * Wait until something happens, for at most a second and at most max_ms (-1: no such limit),
 * then do all work that is due.  fds: more file descriptors to wait for.  -1 with err: waiting
 * failed.
 */
int reader_turn(struct reader *reader, struct pollfd *fds, unsigned fd_count, int64_t max_ms,
		struct error *err) MUST_CHECK;
/* Finish what is under way, release all claims, and end. */
void reader_stop(struct reader *reader);
/* Use these nodes and limits from now on. */
void reader_reload(struct reader *reader, const struct reader_nodes *nodes);
bool reader_is_over(const struct reader *reader);
/* The reader is over, but the database has not answered yet: reader_free() would wait for it. */
bool reader_is_stuck(const struct reader *reader);
/* Call it once the reader is over; err is filled for READER_END_ERROR. */
enum reader_end reader_how_ended(const struct reader *reader, struct error *err);

/* The counts of a READER_VERIFY. */
void reader_get_verified(const struct reader *reader, struct verify_counts *ret_counts);

/* Is the database open, with schema, filter and this reader's row in order? */
bool reader_is_ready(const struct reader *reader);
/* When the reader last made progress, by clock_now_ms(). */
int64_t reader_progress_at_ms(const struct reader *reader);
/* Write a line like "tailing block 70000000, 0 behind" into text. Returns text. */
char *reader_describe(const struct reader *reader, char *text, size_t size);

#endif
