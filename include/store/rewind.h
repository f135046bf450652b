/* SPDX-License-Identifier: MIT */
/*
 * Removes everything above a block: rows of blocks that the chain does not have, and what
 * the tables claim about them.
 *
 *     rewind_readers_load(), and once more READERS_SILENCE_S later: no heartbeat may have changed
 *     rewind_begin()   cuts the tables of readers, ranges and gaps, so that nothing in them is above the block
 *     rewind_step()    until phase is REWIND_OVER: removes rows in small commits, the highest first
 *
 * It can be interrupted anywhere and started again.  Operations go to `orphans`.  Open
 * deliveries end as orphaned and lose their row in `delivered`: nobody has processed them,
 * so if the very same block is read again, it is delivered again.  Deliveries that bots
 * have ended stay.
 *
 * No reader may run meanwhile: each commit checks for one first, and does nothing if there
 * is one.
 */
#ifndef STORE_REWIND_H
#define STORE_REWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/reader_rows.h"

struct db;

/* A reader that did not stop properly: it may be dead or alive. */
struct rewind_reader {
	char name[READER_NAME_BYTES + 1];
	char session[READER_SESSION_BYTES + 1];
	uint64_t heartbeat_us; /* since 1970, by the database's clock */
};

struct rewind_readers {
	struct rewind_reader *items;
	size_t count, capacity;
};

/* Replaces the list in *readers. */
int rewind_readers_load(struct db *db, struct rewind_readers *readers,
			struct error *err) MUST_CHECK;
void rewind_readers_release(struct rewind_readers *readers);
/* A reader that did something between the two looks, or appeared since the first; NULL: none. */
const char *rewind_readers_find_alive(const struct rewind_readers *before,
				      const struct rewind_readers *now);

struct rewind_counts {
	uint64_t blocks;
	uint64_t operations;
	uint64_t deliveries; /* open ones */
	uint64_t confirmed;  /* comments and actions */
};

/*
 * The things to remove, in this order.  A block goes before the comments and actions that it
 * confirmed: a kill between the two must not leave one waiting for the block that contains it.
 */
enum rewind_phase {
	REWIND_GAPS,
	REWIND_DELIVERIES,
	REWIND_BLOCKS,
	REWIND_LEFTOVERS, /* operations without a block row */
	REWIND_KEYS,
	REWIND_SEEN,
	REWIND_TRXS_SEEN,
	REWIND_EXPIRED, /* transactions that the blocks proved to be dead */
	REWIND_COMMENTS,
	REWIND_ACTIONS,
	REWIND_OVER,
};

struct rewind {
	uint32_t block; /* the last block that stays */
	enum rewind_phase phase;
	/* of REWIND_COMMENTS and REWIND_ACTIONS: finished up to here */
	uint64_t comment_id, action_id;
	/* rewind_count(): everything from here on was counted; 0: nothing yet */
	uint32_t counted;
	struct rewind_counts counts;
	/* not "": this reader is running, and nothing was done */
	char alive[READER_NAME_BYTES + 1];
};

/* Fails if the account lacks rights, before anything is changed. */
int rewind_check_rights(struct db *db, struct error *err) MUST_CHECK;
/*
 * One small transaction.  `dead`: the readers as first loaded; their rows are taken over, so
 * that a reader that was only frozen ends.
 */
int rewind_begin(struct db *db, struct rewind *rewind, const struct rewind_readers *dead,
		 struct error *err) MUST_CHECK;
/* One small transaction.  After an error call it again. */
int rewind_step(struct db *db, struct rewind *rewind, struct error *err) MUST_CHECK;
/* The same, but it only counts: it changes nothing, and readers may run. */
int rewind_count(struct db *db, struct rewind *rewind, struct error *err) MUST_CHECK;

#endif
