/* SPDX-License-Identifier: MIT */
/*
 * One reader, from its start to its end: open, ask, compare, want, scan, replay, catch
 * up, tail.
 *
 * Calling sequence: reader_new(); reader_turn() again and again until reader_is_over();
 * reader_free().  reader_stop() and reader_reload() between two turns.  All of it on one
 * thread, which waits only in reader_turn().
 */
#ifndef SYNC_READER_H
#define SYNC_READER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sync/verify.h"
#include "sync/work.h"

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
	READER_END_DONE,    /* what was asked for is done */
	READER_END_MISSING, /* the same, but something stayed missing */
	READER_END_DIFFERS, /* stored blocks are not as the chain has them */
	READER_END_STOPPED, /* reader_stop() */
	READER_END_ERROR,
};

/* config, nodes and database must outlive the reader (nodes only until reader_new() returns). */
struct reader *reader_new(const struct reader_config *config, const struct reader_nodes *nodes,
			  const struct db_config *database, struct error *err) MUST_CHECK;
void reader_free(struct reader *reader);
/*
 * Wait until something happens, at most a second and at most max_ms (-1: no matter), and do
 * what follows. fds: more to wait for.
 */
int reader_turn(struct reader *reader, struct pollfd *fds, unsigned fd_count, int64_t max_ms,
		struct error *err) MUST_CHECK;
/* Finish what is under way, give everything back, and end. */
void reader_stop(struct reader *reader);
/* Other nodes and limits from now on. */
void reader_reload(struct reader *reader, const struct reader_nodes *nodes);
bool reader_is_over(const struct reader *reader);
/* It is over, but the database still owes an answer: reader_free() would wait for it. */
bool reader_is_stuck(const struct reader *reader);
/* Once it is over; err is filled for READER_END_ERROR. */
enum reader_end reader_how_ended(const struct reader *reader, struct error *err);

/* What a READER_VERIFY found. */
void reader_get_verified(const struct reader *reader, struct verify_counts *ret_counts);

/* The database is open and everything in order there. */
bool reader_is_ready(const struct reader *reader);
/* When it last made progress, by clock_now_ms(). */
int64_t reader_progress_at_ms(const struct reader *reader);
/* "tailing block 70000000, 0 behind" into text. Returns text. */
char *reader_describe(const struct reader *reader, char *text, size_t size);

#endif
