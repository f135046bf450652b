/* SPDX-License-Identifier: MIT */
/*
 * The state of the shared tables in a few figures, for whoever watches over a reader.
 */
#ifndef STORE_OVERVIEW_H
#define STORE_OVERVIEW_H

#include <stdint.h>

#include "base/error.h"

struct db;

struct overview {
	uint32_t irreversible_block; /* the highest that any reader recorded */
	uint64_t gap_ranges;         /* of the view `gaps`, up to the newest stored block */
	uint64_t gap_blocks;
	uint32_t first_gap; /* its first block; 0: none */
	int64_t oldest_s;   /* since the oldest known gap was found; 0: none */
	unsigned alive;     /* readers with a heartbeat */
};

/* decided: up to here the asking reader has stored every block or made it a known gap; 0: unknown. */
int overview_load(struct db *db, uint32_t decided, struct overview *ret_overview,
		  struct error *err) MUST_CHECK;

#endif
