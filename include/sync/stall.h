/* SPDX-License-Identifier: MIT */
/*
 * Does the reader make progress?  Pure: facts in, decision out.
 *
 * Before the tail, every commit and every step of a scan is progress.  While tailing, only
 * the tail counts, not a replay beside it: progress means that the next block was stored,
 * or that there is none.  Only a node that has all blocks that the reader has can tell that
 * there is none, and only while neither another node nor the database knows of more: a node
 * that stands still says "nothing new" for ever.  If the chain itself stands still, nothing
 * is wrong with the reader.
 *
 * The surprise: nodes go back.  After a restart a node's irreversible block is lower than
 * before, and perhaps lower than the newest stored block.  Then there is nothing to store
 * until the nodes have caught up; as long as they move, that counts as progress too.
 */
#ifndef SYNC_STALL_H
#define SYNC_STALL_H

#include <stdbool.h>
#include <stdint.h>

struct stall_facts {
	bool is_working; /* neither waiting for the database to be opened, nor leaving */
	bool is_tailing;
	uint32_t next_block;     /* of the tail */
	uint32_t nodes_block;    /* the highest block to be stored that a node says it has */
	uint32_t database_block; /* the highest that any reader has recorded */
	/* the highest irreversible block of the nodes that answer; 0: none answers */
	uint32_t reached_block;
	/* when a node that has all blocks below next_block last told its newest one; 0: never */
	int64_t told_at_ms;
	int64_t worked_at_ms; /* the last commit or step of a scan */
	int64_t stall_ms;     /* how long without progress is too long */
};

struct stall {
	int64_t progress_at_ms;
	int64_t level_at_ms; /* while tailing: when nothing was left to be stored */
	int64_t moved_at_ms; /* when the chain was last seen to move */
	uint32_t next_block;
	uint32_t chain_block; /* the highest block ever heard of */
	/* Every node that answers has fewer blocks than are stored. */
	bool is_behind;
	bool is_behind_told;
	int64_t behind_since_ms;
	uint32_t reached_block; /* as in stall_facts */
	uint32_t mark_block;    /* the nodes have moved when one of them passes this block */
	int64_t mark_at_ms;     /* when a node last had mark_block */
	bool was_tailing;
	bool is_stalled;
	bool is_chain_still;
};

enum stall_news {
	STALL_NOTHING,
	STALL_BEGAN,
	STALL_ENDED,       /* after that */
	STALL_CHAIN_STILL, /* no new block is known for stall_ms */
	STALL_CHAIN_MOVES, /* after that */
	STALL_BEHIND,      /* every node that answers has fewer blocks than are stored */
	STALL_LEVEL,       /* after that: a node has caught up */
};

void stall_init(struct stall *stall, int64_t now_ms);
enum stall_news stall_step(struct stall *stall, const struct stall_facts *facts, int64_t now_ms);

#endif
