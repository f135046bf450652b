/* SPDX-License-Identifier: MIT */
/*
 * The database's clock, as far as this reader believes it.
 *
 * All times in the tables come from that clock, and it may jump: a machine starts with a
 * wrong clock, or a virtual machine is paused and resumed.  With every heartbeat the
 * reader reads it and compares it with its own monotonic clock.  After a jump the new time
 * is doubted until it has lasted ten minutes; until then the earlier of the two times
 * counts.
 *
 * No I/O: the caller reads the clocks.
 */
#ifndef SYNC_DBCLOCK_H
#define SYNC_DBCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: not read yet. Times are monotonic. */
struct dbclock {
	bool is_known;
	bool is_doubted;
	int64_t ahead_ms;   /* how far it is believed to be ahead of the monotonic clock */
	int64_t doubted_ms; /* the same by the last reading, while is_doubted */
	int64_t doubted_since_ms;
	int64_t even_since_ms; /* the time of the first reading after the last jump */
	int64_t looked_at_ms;  /* the time of the last reading */
};

/*
 * Note a reading: the database's clock showed database_ms (since 1970) at the monotonic time
 * now_ms.
 */
void dbclock_look(struct dbclock *clock, int64_t now_ms, int64_t database_ms);
/* The database's time, in seconds since 1970; 0: it was never read. */
int64_t dbclock_now_s(const struct dbclock *clock, int64_t now_ms);

/* Other times with which the database's clock is compared, in seconds since 1970. */
struct dbclock_witness {
	int64_t host_s;         /* the calendar clock of this host */
	int64_t chain_s;        /* the time of the chain's newest block; 0: not known */
	int64_t chain_before_s; /* the same, chain_elapsed_ms earlier */
	int64_t chain_elapsed_ms;
};
/*
 * May rows be removed because of their age?  The clock must have run evenly between two readings
 * at least even_ms apart.  It must be within an hour of this host's calendar clock and, while
 * the chain is running, of the chain's time.  False: `why` names the clocks that differ, or is
 * "" if only more time has to pass.
 */
bool dbclock_is_sure(const struct dbclock *clock, int64_t now_ms, int64_t even_ms,
		     const struct dbclock_witness *witness, char *why, size_t why_size);

#endif
