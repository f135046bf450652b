/* SPDX-License-Identifier: MIT */
/*
 * The state of the shared tables in a few figures, for monitoring.
 */
#ifndef STORE_OVERVIEW_H
#define STORE_OVERVIEW_H

#include <stdint.h>

#include "base/error.h"

struct db;

struct overview {
	uint32_t irreversible_block; /* the highest that any reader recorded */
	uint64_t gap_ranges;         /* in the view `gaps`, up to the newest stored block */
	uint64_t gap_blocks;
	uint32_t first_gap; /* its first block; 0: none */
	int64_t oldest_s;   /* age of the oldest known gap in seconds; 0: none */
	unsigned alive;     /* readers with a recent heartbeat */
};

/*
 * decided: the asking reader has stored every block up to here or made it a known gap; 0:
 * unknown.
 */
int overview_load(struct db *db, uint32_t decided, struct overview *ret_overview,
		  struct error *err) MUST_CHECK;

#endif
