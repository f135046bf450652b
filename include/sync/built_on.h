/* SPDX-License-Identifier: MIT */
/*
 * Have enough witnesses built on the blocks that the tail is about to store?
 *
 * Most nodes may call a block irreversible too early, so enough witnesses must have built on it
 * (sync/lineage.h).  But perhaps the nodes do not give the blocks above it, or nothing proves
 * those.  So after a minute the claims of the nodes are enough, until enough witnesses are seen
 * again.
 */
#ifndef SYNC_BUILT_ON_H
#define SYNC_BUILT_ON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/fetched.h"

struct lineage;

/* All zero: nothing is known yet. */
struct built_on {
	int64_t few_since_ms;   /* since when too few built on the lowest block; 0: none waits */
	bool claims_are_enough; /* too few for too long */
};

/*
 * How many of the `good` blocks may be stored?  They are in chain order.  *due_ms: when to call it
 * again, if nothing arrives.
 */
size_t built_on_count(struct built_on *built_on, const struct lineage *lineage,
		      const struct fetched *held, size_t good, int64_t now_ms, int64_t *due_ms);

#endif
