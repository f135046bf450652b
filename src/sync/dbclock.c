/* SPDX-License-Identifier: MIT */
#include "sync/dbclock.h"

#include <stdio.h>

#include "base/clock.h"

#define JUMP_MS      60000
#define DOUBT_MS     600000
#define WITNESS_S    3600 /* how far two clocks may differ if rows are to be removed */
#define CHAIN_LUMP_S 6    /* two blocks: the chain's time advances in steps */

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static void doubt(struct dbclock *clock, int64_t now_ms, int64_t ahead_ms)
{
	if (!clock->is_doubted || distance(ahead_ms, clock->doubted_ms) > JUMP_MS)
		clock->doubted_since_ms = now_ms;
	clock->is_doubted = true;
	clock->doubted_ms = ahead_ms;
	clock->even_since_ms = now_ms;
	if (now_ms - clock->doubted_since_ms < DOUBT_MS)
		return;
	clock->is_doubted = false;
	clock->ahead_ms = ahead_ms;
}

void dbclock_look(struct dbclock *clock, int64_t now_ms, int64_t database_ms)
{
	int64_t ahead_ms = database_ms - now_ms;

	clock->looked_at_ms = now_ms;
	if (clock->is_known && distance(ahead_ms, clock->ahead_ms) > JUMP_MS) {
		doubt(clock, now_ms, ahead_ms);
		return;
	}
	if (!clock->is_known || clock->is_doubted)
		clock->even_since_ms = now_ms;
	clock->is_known = true;
	clock->is_doubted = false;
	clock->ahead_ms = ahead_ms;
}

int64_t dbclock_now_s(const struct dbclock *clock, int64_t now_ms)
{
	int64_t ahead_ms = clock->ahead_ms;

	if (!clock->is_known)
		return 0;
	if (clock->is_doubted && clock->doubted_ms < ahead_ms)
		ahead_ms = clock->doubted_ms;
	return (now_ms + ahead_ms) / 1000;
}

/*
 * Does the chain's time advance as fast as the clock?  It does not while the chain stands still,
 * nor while the nodes themselves are catching up.
 */
static bool is_chain_running(const struct dbclock_witness *witness)
{
	int64_t moved_s = witness->chain_s - witness->chain_before_s;

	return witness->chain_before_s > 0 && moved_s > 0 &&
	       moved_s <= witness->chain_elapsed_ms / 1000 + CHAIN_LUMP_S;
}

static bool differs(int64_t database_s, const char *whose, int64_t other_s, char *why,
		    size_t why_size)
{
	char ours[32], other[32];

	if (distance(database_s, other_s) <= WITNESS_S)
		return false;
	snprintf(why, why_size, "the database's clock says %s, %s %s",
		 clock_format_utc(database_s, ours, sizeof(ours)), whose,
		 clock_format_utc(other_s, other, sizeof(other)));
	return true;
}

bool dbclock_is_sure(const struct dbclock *clock, int64_t now_ms, int64_t even_ms,
		     const struct dbclock_witness *witness, char *why, size_t why_size)
{
	int64_t database_s = dbclock_now_s(clock, now_ms);

	why[0] = '\0';
	if (clock->is_doubted) {
		snprintf(why, why_size, "the database's clock jumped by %lld s",
			 (long long)(clock->doubted_ms - clock->ahead_ms) / 1000);
		return false;
	}
	if (!clock->is_known || clock->looked_at_ms - clock->even_since_ms < even_ms)
		return false;
	return !differs(database_s, "this host's", witness->host_s, why, why_size) &&
	       !(is_chain_running(witness) && differs(database_s, "the newest block of the chain",
						      witness->chain_s, why, why_size));
}
