/* SPDX-License-Identifier: MIT */
/*
 * When to ask for the next block at the tip.  Pure.
 *
 * A reader asks when the next block is due, learns the chain's real pace, and asks again
 * after a fraction of it where the block is late: about one and a half requests a block.
 */
#ifndef SYNC_PACE_H
#define SYNC_PACE_H

#include <stdint.h>

struct pace {
	int64_t ask_at_ms;
	int64_t asked_at_ms; /* the newest request went out: the way there and back does not count */
	int64_t interval_ms;     /* between two blocks, as learned */
	int64_t caught_up_at_ms; /* when a block was last there and the next was not yet; 0: never */
	uint32_t counted_blocks; /* that came since */
	unsigned late_count;     /* asked in vain since then */
};

void pace_init(struct pace *pace, int64_t now_ms);
/* A request goes out. */
void pace_asked(struct pace *pace, int64_t now_ms);
/* The tip moved by `blocks`; more are there already if `is_behind`. */
void pace_advanced(struct pace *pace, int64_t now_ms, uint32_t blocks, int is_behind);
/* The answer had nothing new. */
void pace_late(struct pace *pace, int64_t now_ms);
/* There was no answer. */
void pace_failed(struct pace *pace, int64_t now_ms);

#endif
