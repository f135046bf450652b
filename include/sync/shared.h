/* SPDX-License-Identifier: MIT */
/*
 * Shared by all parts of a reader: its configuration, its identity, the nodes, the database
 * threads, and the state of the chain as far as it is known.  Only the loop thread uses it.
 */
#ifndef SYNC_SHARED_H
#define SYNC_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/range.h"
#include "steem/block.h"
#include "store/ledger.h"
#include "store/reader_rows.h"
#include "sync/dbclock.h"

struct client;
struct db;
struct filter;
struct lineage;
struct pool;
struct proof;
struct executor;

enum reader_goal {
	READER_RUN,      /* scan, replay, catch up, tail, until told to stop */
	READER_ONCE,     /* scan, replay, catch up, end */
	READER_BACKFILL, /* fill some ranges, end */
	READER_VERIFY,   /* compare some ranges with the chain, end */
};

struct audit_finding;

/* The task of a READER_VERIFY. */
struct reader_verify {
	const struct range_set *ranges;
	bool deep;   /* every operation row */
	bool repair; /* repair what is found */
	/*
	 * Called for each finding, window by window upwards; reason: why it was not repaired, or
	 * "".
	 */
	void (*found)(void *context, const struct audit_finding *finding, bool is_mended,
		      const char *reason);
	void *context;
};

/* The values have the order of the option's texts. */
enum reader_follow {
	READER_FOLLOW_IRREVERSIBLE,
	READER_FOLLOW_HEAD, /* reversible blocks too, while tailing */
};

/* The values have the order of the option's texts. */
enum reader_proof {
	READER_PROOF_OFF, /* a block is what a node says */
	/* the hashes of a block's operations lead to its block id */
	READER_PROOF_CONTENT,
	READER_PROOF_SIGNED, /* and its witness signed it, checked at the tip */
};

struct reader_config {
	enum reader_goal goal;
	enum reader_follow follow;
	enum reader_proof proof;
	const struct chain *chain;
	struct block_name pin; /* the chain must contain this block; num 0: any chain is accepted */
	const char *name;
	const char *version; /* of the program */
	uint32_t start_block;
	unsigned stall_s;
	uint32_t before_tail;
	unsigned scan_interval_s;
	unsigned full_scan_h;
	size_t batch_rows;
	size_t batch_bytes;
	unsigned write_connections; /* to the database, for commits */
	unsigned connections;       /* to the nodes */
	unsigned batch_size;
	/* store blocks even if some of their virtual operations may be missing */
	bool unverified_virtual;
	size_t max_memory_bytes; /* reader_reload() changes this and the two before */
	const struct filter *filter;
	const struct range_set *backfill;
	/* of a backfill: which stored blocks are read again; a mask of enum ledger_outdated */
	unsigned outdated;
	bool delivers_history; /* of a backfill: it wakes bots too */
	unsigned keep_days;    /* for ended deliveries and their operations; 0: for ever */
	/* operations that are older when they are read wake no bot; 0: no limit */
	unsigned max_age_s;
	struct reader_verify verify;
	FILE *dry_run; /* print there what would be done, and do nothing; NULL: do it */
};

struct shared {
	struct reader_config config;
	struct reader_identity identity;
	struct client *client;
	struct proof
		*proof; /* NULL: blocks are not proved, and keys given only as bytes are not read */
	struct pool *pool;
	/*
	 * grows each time the nodes are read again; node indexes of older epochs mean
	 * nothing
	 */
	unsigned pool_epoch;
	struct executor *executor;
	/* NULL: a block that most nodes claim is irreversible, whichever witnesses built on it. */
	struct lineage *lineage;
	struct dbclock database_clock;
	uint32_t filter_id;
	size_t held_bytes;          /* decoded blocks that are not freed yet */
	size_t average_block_bytes; /* moving average; 0: no block yet */
	int64_t progress_at_ms;
	int64_t given_at_ms; /* when a node last gave a block */
	uint64_t stored_blocks;
	uint64_t false_blocks; /* refused: they contradict their own hashes */
	/* of nodes: more than half of the nodes deny them, or they are impossible */
	uint64_t false_claims;
	/* of the stored ones: their JSON does not contain all signed bytes */
	uint64_t unproved_blocks;
	uint64_t stored_operations;
	uint64_t present_blocks; /* were already stored */
	uint64_t node_failures;
	/* comments of the outbox that were read from the chain and are not processed yet */
	uint64_t seen_comments;
	uint64_t replaced_blocks; /* blocks that replaced orphans */
	uint32_t committed_block; /* the highest irreversible block of all commits; 0: none yet */
	uint32_t newest_block;    /* the same, with reversible blocks */
	int64_t newest_time_s;    /* of its header */
	/*
	 * The newest irreversible block known to be stored, and its time; the nodes cannot be
	 * far ahead of it.
	 */
	uint32_t clock_block;
	int64_t clock_time_s;
	bool is_stopping;
	bool is_over; /* with over_error: this reader must end */
	struct error over_error;
};

/* The reader cannot continue: remember why. Only the first reason is kept. */
void shared_end(struct shared *shared, const struct error *err);
/*
 * A task failed, in spite of all retries: the reader cannot continue.  While it stops, retries are
 * cut short, and nothing depends on the task any more.
 */
void shared_task_failed(struct shared *shared, const struct error *err);
/* Note progress: a commit, a step of a scan, or an answer that there is nothing new. */
void shared_progress(struct shared *shared);
/* A reading of the database's clock, taken in a database thread and handed to the loop thread. */
struct clock_reading {
	int64_t now_ms; /* monotonic: halfway between query and answer */
	int64_t database_ms;
};
/* Read the database's clock, in a database thread. -1 with err: the query failed. */
int shared_read_clock(struct db *db, struct clock_reading *ret_reading,
		      struct error *err) MUST_CHECK;
/* Take over a reading, in the loop thread. */
void shared_note_clock(struct shared *shared, const struct clock_reading *reading);
/* How many blocks this reader's commits have found or put into the table since the start. */
uint64_t shared_done_blocks(const struct shared *shared);
/* This irreversible block is stored. */
void shared_note_stored(struct shared *shared, uint32_t num, int64_t timestamp_s);
/*
 * Tell the pool the highest block that the chain can have reached by now, by the database's
 * clock.
 */
void shared_set_ceiling(struct shared *shared);
/* How many more blocks can be requested now within the memory limit? */
size_t shared_room_blocks(const struct shared *shared);

/*
 * The highest irreversible block among the nodes that told their heads lately; 0: no node did.
 * No node gives blocks above it now, even if they are irreversible: the node that gave them is
 * gone, or restarted with fewer blocks.
 */
uint32_t shared_reachable_block(const struct shared *shared);

#endif
