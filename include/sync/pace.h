/* SPDX-License-Identifier: MIT */
/*
 * When to ask for the next block at the tip.  Pure.
 *
 * A reader asks when the next block is due, and again after a fraction of the interval if
 * the block is late.  So it learns the chain's real pace; this takes about one and a half
 * requests for each block.
 */
#ifndef SYNC_PACE_H
#define SYNC_PACE_H

#include <stdint.h>

struct pace {
	int64_t ask_at_ms;
	/* when the newest request was sent; so the round trip does not count */
	int64_t asked_at_ms;
	int64_t interval_ms; /* between two blocks, as learnt */
	/* when a block had arrived and the next one did not exist yet; 0: never */
	int64_t caught_up_at_ms;
	uint32_t counted_blocks; /* how many blocks came since then */
	unsigned late_count;     /* how many requests brought nothing since then */
};

void pace_init(struct pace *pace, int64_t now_ms);
/* A request was sent. */
void pace_asked(struct pace *pace, int64_t now_ms);
/* `blocks` new blocks arrived; is_behind: the node has more of them already. */
void pace_advanced(struct pace *pace, int64_t now_ms, uint32_t blocks, int is_behind);
/* The answer had nothing new. */
void pace_late(struct pace *pace, int64_t now_ms);
/* There was no answer. */
void pace_failed(struct pace *pace, int64_t now_ms);

#endif
