/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a reader share: its configuration, its identity, the nodes, the
 * writers, and what is known of the chain.  Only the loop thread touches it.
 */
#ifndef SYNC_WORK_H
#define SYNC_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/range.h"
#include "steem/block.h"
#include "store/ledger.h"
#include "store/readers.h"
#include "sync/dbclock.h"

struct client;
struct db;
struct filter;
struct lineage;
struct node;
struct pool;
struct proof;
struct writer;

enum reader_goal {
	READER_RUN,      /* scan, replay, catch up, tail, until told to stop */
	READER_ONCE,     /* scan, replay, catch up, end */
	READER_BACKFILL, /* fill some ranges, end */
	READER_VERIFY,   /* compare some ranges with the chain, end */
};

struct audit_finding;

/* What READER_VERIFY compares. */
struct reader_verify {
	const struct range_set *ranges;
	bool deep;   /* every operation row */
	bool repair; /* mend what is found */
	/* Called for each finding, in ascending order of windows; reason: why it was not mended, or "". */
	void (*found)(void *context, const struct audit_finding *finding, bool is_mended,
		      const char *reason);
	void *context;
};

enum reader_follow { /* in the order of the option's texts */
		     READER_FOLLOW_IRREVERSIBLE,
		     READER_FOLLOW_HEAD, /* reversible blocks too, while tailing */
};

enum reader_proof {                       /* in the order of the option's texts */
		    READER_PROOF_OFF,     /* a block is what a node says */
		    READER_PROOF_CONTENT, /* the hashes of its operations lead to its block id */
		    READER_PROOF_SIGNED,  /* and at the tip its witness signed it */
};

struct reader_config {
	enum reader_goal goal;
	enum reader_follow follow;
	enum reader_proof proof;
	const struct chain *chain;
	struct block_name pin; /* the chain must hold this block; num 0: any chain will do */
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
	bool unverified_virtual; /* blocks may be stored with virtual operations that some are missing of */
	size_t max_memory_bytes; /* this and the two before change with reader_reload() */
	const struct filter *filter;
	const struct range_set *backfill;
	enum ledger_rewrite rewrite; /* of a backfill: what stands there already */
	bool delivers_history;       /* of a backfill: it wakes bots too */
	unsigned keep_days;          /* deliveries that ended, and their operations; 0: for ever */
	unsigned max_age_s;          /* what is read later than that wakes none; 0: no limit */
	struct reader_verify verify;
	FILE *dry_run; /* write what would be done there, and do nothing; NULL: do it */
};

struct work {
	struct reader_config config;
	struct reader_identity identity;
	struct client *client;
	struct proof *
		proof; /* NULL: blocks are not proved, and keys that stand only as bytes not read */
	struct pool *pool;
	unsigned
		pool_epoch; /* one more each time the nodes were read again: old indexes mean nothing then */
	struct writer *writer;
	/* NULL: what most nodes claim is irreversible, whoever built on it. */
	struct lineage *lineage;
	struct dbclock database_clock;
	uint32_t filter_id;
	size_t held_bytes;          /* decoded blocks that are not freed yet */
	size_t average_block_bytes; /* of those lately; 0: none yet */
	int64_t progress_at_ms;
	int64_t given_at_ms; /* when a node last gave a block */
	uint64_t stored_blocks;
	uint64_t false_blocks; /* refused: they contradict their own hashes */
	uint64_t false_claims; /* of nodes: what more than half of them deny, or what cannot be */
	uint64_t unproved_blocks; /* of the stored ones: their JSON does not show what was signed */
	uint64_t stored_operations;
	uint64_t present_blocks; /* stood there already */
	uint64_t node_failures;
	uint64_t seen_comments;   /* of the outbox, read from the chain and not looked after yet */
	uint64_t replaced_blocks; /* took the place of orphans */
	uint32_t committed_block; /* the highest irreversible one of all commits; 0: none yet */
	uint32_t newest_block;    /* the same, with those that are not irreversible yet */
	int64_t newest_time_s;    /* of its header */
	/* The newest irreversible block known to be stored, and its time: no node can be far ahead of it. */
	uint32_t clock_block;
	int64_t clock_time_s;
	bool is_stopping;
	bool is_over; /* with over_error: this reader must end */
	struct error over_error;
};

/* This reader cannot go on: remember why (the first reason stays). */
void work_end(struct work *work, const struct error *err);
/* Something moved: a commit, a scan step, an answer that nothing is new. */
void work_progress(struct work *work);
/* A reading of the database's clock: taken in the writer's thread, then handed to the loop thread. */
struct work_look {
	int64_t now_ms; /* by the monotonic clock: halfway between query and answer */
	int64_t database_ms;
};
int work_look_at_clock(struct db *db, struct work_look *ret_look, struct error *err) MUST_CHECK;
void work_note_look(struct work *work, const struct work_look *look);
/* This irreversible block is stored. */
void work_note_stored(struct work *work, uint32_t num, int64_t timestamp_s);
/* Tell the pool up to which block the chain can have come by now, by the database's clock. */
void work_set_ceiling(struct work *work);
/* How many more blocks may be asked for now without passing the memory limit? */
size_t work_room_blocks(const struct work *work);

/*
 * The highest irreversible block of the nodes that told their heads lately.  No node gives blocks
 * above it now, even if they are irreversible: the node that gave them is gone, or went back when it
 * was restarted.  0: no node told its head lately.
 */
uint32_t work_reachable_block(const struct work *work);

/* A decoded block in the hands of replay or tail. */
struct held {
	struct block *block;
	unsigned giver; /* index of the node that gave it, in the pool of pool_epoch */
	unsigned pool_epoch;
	uint64_t doubted; /* mask of nodes whose version of it was found wanting */
	int64_t since_ms;
};
/* Take a block in: filter it and count its memory. */
struct held work_hold(struct work *work, struct block *block, unsigned giver);
/* The node that gave it, or NULL when the nodes were read again since. */
struct node *work_giver(const struct work *work, const struct held *held);
/* Its label, for messages. */
const char *work_giver_label(const struct work *work, const struct held *held);
/* Free it and give the memory back. */
void work_let_go(struct work *work, struct held *held);

#endif
