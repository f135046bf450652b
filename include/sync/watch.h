/* SPDX-License-Identifier: MIT */
/*
 * Does the reader make progress?  Pure: facts in, decision out.
 *
 * Before the tail every commit and every step of a scan is progress.  In the tail only the
 * tail itself counts, not a replay beside it: the next block was stored, or there is none.
 * That there is none is believed only of a node that has all that the reader has, and only
 * while neither another node nor the database knows of more: a node that stands still says
 * "nothing new" for ever.  Where the chain itself stands, nothing is wrong with the reader.
 *
 * The surprise: nodes go back.  After a restart a node's irreversible block is lower than before, and
 * perhaps lower than the newest stored block.  Then there is nothing to store until the nodes have
 * caught up; as long as they move, that is progress too.
 */
#ifndef SYNC_WATCH_H
#define SYNC_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct watch_facts {
	bool is_working; /* neither waiting for the database to be opened nor leaving */
	bool is_tailing;
	uint32_t next_block;     /* of the tail */
	uint32_t nodes_block;    /* the highest that a node says to have, of those to be stored */
	uint32_t database_block; /* the same that any reader has recorded */
	uint32_t
		reached_block; /* the highest irreversible block of a node that answers; 0: none answers */
	int64_t told_at_ms; /* when a node that has all below next_block last told its newest one; 0: never */
	int64_t worked_at_ms; /* the last commit or step of a scan */
	int64_t stall_ms;     /* so long without progress is too long */
};

struct watch {
	int64_t progress_at_ms;
	int64_t level_at_ms; /* while tailing: when nothing was left to be stored */
	int64_t moved_at_ms; /* when the chain was last seen to move */
	uint32_t next_block;
	uint32_t chain_block; /* the highest that was ever heard of */
	/* Every node that answers has fewer blocks than are stored. */
	bool is_behind;
	bool is_behind_told;
	int64_t behind_since_ms;
	uint32_t reached_block; /* as in watch_facts */
	uint32_t mark_block;    /* the nodes have moved when one passes this block */
	int64_t mark_at_ms;     /* when a node last had mark_block */
	bool was_tailing;
	bool is_stalled;
	bool is_chain_still;
};

enum watch_news {
	WATCH_NOTHING,
	WATCH_STALLED,
	WATCH_GOES_ON,     /* after that */
	WATCH_CHAIN_STILL, /* nobody knows of a new block, for stall_ms */
	WATCH_CHAIN_MOVES, /* after that */
	WATCH_BEHIND,      /* every node that answers has fewer blocks than are stored */
	WATCH_LEVEL,       /* after that: a node has caught up */
};

void watch_init(struct watch *watch, int64_t now_ms);
enum watch_news watch_step(struct watch *watch, const struct watch_facts *facts, int64_t now_ms);
/* Is everything stored that is known of, by these facts? */
bool watch_is_level(const struct watch_facts *facts);

#endif
