/* SPDX-License-Identifier: MIT */
/*
 * The database's clock, as far as this reader believes it.
 *
 * All times in the tables are by that clock, and it may jump: a machine starts with a wrong clock, or
 * a virtual machine goes on after a pause.  With every heartbeat a reader reads it and compares it
 * with its own monotonic clock.  A jump is doubted until the new time has lasted ten minutes; until
 * then the earlier of the two times counts.
 *
 * No I/O: the caller reads the clocks.
 */
#ifndef SYNC_DBCLOCK_H
#define SYNC_DBCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: not read yet. Times are by the monotonic clock. */
struct dbclock {
	bool is_known;
	bool is_doubted;
	int64_t ahead_ms;   /* how far it is ahead of the monotonic clock, as believed */
	int64_t doubted_ms; /* the same by the last reading, while that is doubted */
	int64_t doubted_since_ms;
	int64_t even_since_ms; /* the first reading after the last jump */
	int64_t looked_at_ms;  /* the last reading */
};

/* A reading: database_ms (since 1970) by the database's clock, at now_ms of the monotonic clock. */
void dbclock_look(struct dbclock *clock, int64_t now_ms, int64_t database_ms);
/* The time of the database, in seconds since 1970; 0: it was never read. */
int64_t dbclock_now_s(const struct dbclock *clock, int64_t now_ms);

/* The times that the database's clock is compared with, in seconds since 1970. */
struct dbclock_witness {
	int64_t host_s;         /* this host's calendar */
	int64_t chain_s;        /* the time of the chain's newest block; 0: not known */
	int64_t chain_before_s; /* the same chain_elapsed_ms ago */
	int64_t chain_elapsed_ms;
};
/*
 * May rows be removed for their age?  The clock must have run evenly between two readings at least
 * even_ms apart.  It must be within an hour of this host's calendar and, while the chain is running, of
 * the chain's time.  False: `why` names the clocks that differ, or is "" if only time has to pass.
 */
bool dbclock_is_sure(const struct dbclock *clock, int64_t now_ms, int64_t even_ms,
		     const struct dbclock_witness *witness, char *why, size_t why_size);

#endif
