/* SPDX-License-Identifier: MIT */
/*
 * When to ask for the next blocks at the tip, and how many at once.  Pure.
 *
 * A reader asks when the next block is due, and again after a fraction of the interval if
 * the block is late.  So it learns the chain's real pace; this takes about one and a half
 * requests for each block.
 *
 * If a request for several blocks fails, one of them may be the cause.  So each of them is
 * requested alone after that.
 */
#ifndef SYNC_PACE_H
#define SYNC_PACE_H

#include <stdbool.h>
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
	uint32_t asked_to;       /* the last block of the newest request */
	unsigned got_count;      /* how many blocks it brought; the caller counts them */
	uint32_t alone_to;       /* up to this block, each is requested alone */
	unsigned busy_count;     /* how often in a row the node was too busy */
};

void pace_init(struct pace *pace, int64_t now_ms);
/*
 * How many blocks to request from `next` on, if the nodes have blocks up to `newest`: at least one,
 * and at most `most`.
 */
unsigned pace_count(uint32_t next, uint32_t newest, uint32_t most);
/* Must this block be requested alone? */
bool pace_is_alone(const struct pace *pace, uint32_t num);
/* A request for `count` blocks was sent; is_sent false: no node was ready for it. */
void pace_asked(struct pace *pace, bool is_sent, uint32_t first, unsigned count, int64_t now_ms);
/*
 * It was answered; is_behind: the node has more blocks already.  False: it brought no block, so
 * pace_late() may follow.
 */
bool pace_answered(struct pace *pace, bool is_behind, int64_t now_ms);
/* There was no new block to bring. */
void pace_late(struct pace *pace, int64_t now_ms);
/*
 * It failed.  False: the node was only too busy, and not often in a row, so it need not be because
 * of a block.
 */
bool pace_failed(struct pace *pace, bool is_busy, int64_t now_ms);

#endif
