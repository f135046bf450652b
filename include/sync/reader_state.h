/* SPDX-License-Identifier: MIT */
/*
 * What a reader is made of; private to reader.c (the order of things) and reader_turn.c
 * (the machinery that keeps them turning).
 */
#ifndef SYNC_READER_STATE_H
#define SYNC_READER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/nodelog.h"
#include "sync/progress.h"
#include "sync/reader.h"
#include "sync/watch.h"
#include "sync/work.h"

/* How often all nodes are asked for their heads. */
#define HEADS_REPLAY_MS 10000
#define HEADS_TAIL_MS   15000
#define HEADS_TRIAL_MS  2000 /* those that are on trial */

enum phase {
	PHASE_OPENING,    /* the database: schema, filter, own row */
	PHASE_GREETING,   /* the nodes: what do they know? */
	PHASE_COMPARING,  /* is it the chain that the database holds? */
	PHASE_WANTING,    /* which ranges are wanted */
	PHASE_VERIFYING,  /* that is all that this reader does */
	PHASE_SCANNING,   /* what of them is missing */
	PHASE_REPLAYING,  /* fill it */
	PHASE_REFRESHING, /* how far has the chain come meanwhile? */
	PHASE_TAILING,
	PHASE_LEAVING, /* finish what is under way */
	PHASE_SIGNING_OFF,
	PHASE_OVER,
};

struct reader {
	struct work work;
	struct http *http;
	struct proof *proof; /* the same as the work's */
	struct nodelog nodelog;
	struct startup *startup;
	struct scan *scan;
	struct replay *replay;
	struct tail *tail;
	struct head *head;
	struct verify *verify;
	struct keeper *keeper;
	struct confirm *confirm;
	struct retain *retain;
	bool is_previewing;     /* a dry run looks for blocks that would be written again */
	uint64_t rewrite_count; /* stored blocks that a dry run would write again */
	struct progress progress;
	enum phase phase;
	int64_t phase_since_ms;
	int64_t heads_at_ms; /* when to ask all nodes for their heads next */
	int64_t trial_heads_at_ms;
	int64_t scan_at_ms;      /* while tailing: the next look for new holes */
	int64_t full_scan_at_ms; /* and the next full one */
	int64_t healthy_at_ms;   /* when a node was last healthy */
	int64_t leave_by_ms;
	uint32_t scanning_to; /* the end of the scan under way */
	uint32_t scanned_to;  /* every hole up to here stands in known_gaps */
	bool is_catching_up;  /* what is replayed lies above all that was stored */
	bool is_ready;
	struct watch watch;
	int64_t renewed_at_ms; /* when the nodes' connections were last renewed; 0: blocks come */
	int64_t node_up_at_ms; /* when a node was last one that answers */
	uint64_t replay_base;  /* blocks stored and present when the replay began */
	uint64_t replay_base_operations;
	enum reader_end end;
};

/* reader.c: go on from wherever the reader is; to be called in each turn. */
void reader_step(struct reader *reader);
/* reader.c: a step of the start-up is over. */
void reader_step_over(void *reader);
/* reader.c: the scan found a hole. */
void reader_tell_hole(void *reader, uint32_t first, uint32_t last);
/* reader.c: what the table `readers` says it is doing. */
const char *reader_state_name(const struct reader *reader);
/* reader_turn.c: ask all nodes for their heads, and note when to ask again. */
void reader_ask_heads(struct reader *reader);
/* reader_turn.c: finish what is under way, give everything back, then be over. */
void reader_leave(struct reader *reader, enum reader_end end);
/* reader_turn.c: a new phase. */
void reader_enter(struct reader *reader, enum phase phase);

#endif
