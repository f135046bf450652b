/* SPDX-License-Identifier: MIT */
/*
 * The database's clock, as far as this reader believes it.
 *
 * All ages and times of the tables are by that clock, and it may jump: a machine that starts with a
 * wrong clock, a virtual machine that goes on after a pause.  A reader looks at it with every
 * heartbeat and holds it against its own monotonic clock.  A jump is doubted until the new time has
 * lasted ten minutes; while it is doubted, the earlier of the two times counts.
 *
 * No I/O: the caller looks at the clocks.
 */
#ifndef SYNC_DBCLOCK_H
#define SYNC_DBCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: not looked at yet. */
struct dbclock {
	bool is_known;
	bool is_doubted;
	int64_t ahead_ms;   /* of the monotonic clock, as believed */
	int64_t doubted_ms; /* the same, as the last looks say */
	int64_t doubted_since_ms;
	int64_t even_since_ms; /* the first of the looks since which it has not jumped */
	int64_t looked_at_ms;  /* the last look; by the monotonic clock, as are the two before */
};

/* database_ms: since 1970, by the database's clock, at now_ms of the monotonic clock. */
void dbclock_look(struct dbclock *clock, int64_t now_ms, int64_t database_ms);
/* Seconds since 1970; 0: it was never looked at. */
int64_t dbclock_now_s(const struct dbclock *clock, int64_t now_ms);

/* The times that are held against each other before something is removed, in seconds since 1970. */
struct dbclock_witness {
	int64_t host_s;  /* this host's calendar */
	int64_t chain_s; /* of the chain's newest block; 0: not known */
	/* The same some time before, and how long that is ago. */
	int64_t chain_before_s;
	int64_t chain_elapsed_ms;
};
/*
 * May rows be removed for their age?  The
 * clock must have run evenly between two looks at least even_ms apart, and be within an hour of this
 * host's calendar, and of the chain's time where the chain is running.  False: why says what is
 * missing, or is "" where only time has to pass.
 */
bool dbclock_is_sure(const struct dbclock *clock, int64_t now_ms, int64_t even_ms,
		     const struct dbclock_witness *witness, char *why, size_t why_size);

#endif
