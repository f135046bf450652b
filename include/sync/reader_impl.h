/* SPDX-License-Identifier: MIT */
/*
 * The parts of a reader. Private to reader.c (the parts and the turn of the loop),
 * reader_state.c (the states) and reader_facts.c.
 */
#ifndef SYNC_READER_IMPL_H
#define SYNC_READER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/nodelog.h"
#include "sync/progress.h"
#include "sync/reader.h"
#include "sync/shared.h"
#include "sync/stall.h"

enum state {
	STATE_OPENING,    /* the database: schema, filter, this reader's row */
	STATE_PROBING,    /* the nodes: which blocks do they have? */
	STATE_CHECKING,   /* is it the chain that the database holds? */
	STATE_LOADING,    /* the ranges of blocks that are wanted */
	STATE_VERIFYING,  /* only with --verify */
	STATE_SCANNING,   /* which blocks of the ranges are missing? */
	STATE_PREVIEWING, /* only in a dry run: which stored blocks would be written again? */
	STATE_REPLAYING,  /* fetching the missing blocks */
	STATE_POLLING,    /* asking the nodes again: how long has the chain become meanwhile? */
	STATE_TAILING,
	STATE_LEAVING, /* finishing what was begun */
	STATE_SIGNING_OFF,
	STATE_OVER,
};

struct reader {
	struct shared shared;
	struct http *http;
	struct nodelog nodelog;
	struct startup *startup;
	struct chain_check *chain_check;
	struct scan *scan;
	struct replay *replay;
	struct tail *tail;
	struct head *head;
	struct verify *verify;
	struct heartbeat *heartbeat;
	struct confirm *confirm;
	struct expiry *expiry;
	struct progress progress;
	enum state state; /* set in reader_state.c only */
	int64_t state_since_ms;
	bool is_task_done;      /* the database task that began with the state is finished */
	bool has_new_nodes;     /* the nodes were replaced since the state was entered */
	bool is_leaving;        /* reader_leave() was called; `end` says why */
	int64_t heads_asked_ms; /* when all nodes were last asked for their heads */
	int64_t trial_heads_at_ms;
	int64_t scan_at_ms;      /* while tailing: when to look for new holes next */
	int64_t full_scan_at_ms; /* when to scan everything next */
	int64_t healthy_at_ms;   /* when a node was last healthy */
	int64_t leave_by_ms;
	/*
	 * When the next turn must begin although nothing arrives: the earliest time that any part
	 * returned.  0: at once.
	 */
	int64_t due_ms;
	uint32_t scanning_to; /* the end of the scan under way */
	uint32_t scanned_to;  /* every hole up to here is in known_gaps */
	bool is_catching_up;  /* the blocks being replayed lie above all that were stored */
	bool is_ready;
	struct stall stall;
	/* when the connections to nodes were last renewed; 0: blocks are arriving */
	int64_t renewed_at_ms;
	int64_t node_up_at_ms; /* when a node was last up */
	uint64_t replay_base;  /* how many blocks were stored or present when the replay began */
	uint64_t replay_base_operations;
	enum reader_end end;
};

/* reader.c */

/* The work of a turn, after its wait. */
void reader_work(struct reader *reader);
/* Ask all nodes for their heads. */
void reader_ask_heads(struct reader *reader);

/* reader_state.c */

/* Enter the first state. */
void reader_begin(struct reader *reader);
/*
 * Do what the state asks for, and go to the next one if it is time.  Returns when to call it
 * again.
 */
int64_t reader_step(struct reader *reader, int64_t now_ms);
/* Go to the next state if it is time: one state at most. */
void reader_advance(struct reader *reader);
/*
 * A task of startup.h or the comparison of chain_check.h is finished: the one that began with the
 * state, or, while tailing, the loading of the ranges for a full scan.
 */
void reader_task_done(void *reader);
/* Finish what is under way, release all claims, then be over. */
void reader_leave(struct reader *reader, enum reader_end end);
/* The nodes were replaced. */
void reader_take_nodes(struct reader *reader);
/* The scan found a hole. */
void reader_tell_hole(void *reader, uint32_t first, uint32_t last);
/* The name of the state in the table `readers`. */
const char *reader_state_name(const struct reader *reader);

#endif
