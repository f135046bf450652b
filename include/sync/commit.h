/* SPDX-License-Identifier: MIT */
/*
 * One commit on its way through the database threads: blocks go in, outcomes come back.
 */
#ifndef SYNC_COMMIT_H
#define SYNC_COMMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "store/ledger.h"
#include "sync/executor.h"
#include "sync/fetched.h"
#include "sync/key_changes.h"
#include "sync/seen.h"
#include "sync/shared.h"

struct commit {
	struct job job;
	struct shared *shared;
	struct ledger_commit ledger;
	struct seen seen;
	struct witness_key_list keys;
	struct fetched *held; /* held[i] belongs to ledger.entries[i] */
	size_t count;
	void *context;
	/*
	 * Called in the loop thread when the outcomes are known.  To keep a block, take
	 * held[i].block and set it to NULL; the others are freed after the call.  is_done false:
	 * the commit failed for good, and nothing of it was stored.
	 */
	void (*done)(void *context, struct commit *commit, bool is_done);
};

/*
 * Pass `count` blocks (ascending) to the executor; they are moved out of `held`.  Call it only
 * while executor_has_room().  A failure that ends the reader goes to shared_end().
 */
void commit_submit(struct shared *shared, const struct fetched *held, size_t count,
		   enum ledger_rewrite rewrite,
		   void (*done)(void *context, struct commit *commit, bool is_done), void *context);

/*
 * The same for blocks that were read at the head. They do not count as progress; only the tail
 * makes progress.
 */
void commit_submit_reversible(struct shared *shared, const struct fetched *held, size_t count,
			      void (*done)(void *context, struct commit *commit, bool is_done),
			      void *context);

/* The size of a commit: blocks are added until rows or bytes reach the configured limits. */
struct commit_size {
	size_t rows;
	size_t payload_bytes;
};
bool commit_is_full(const struct shared *shared, const struct commit_size *size);
/* Add a block to the commit. False: the commit is full without this block, which is not counted. */
bool commit_add(const struct shared *shared, struct commit_size *size, const struct block *block);

#endif
