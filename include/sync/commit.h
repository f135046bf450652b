/* SPDX-License-Identifier: MIT */
/*
 * One commit on its way through the writers: blocks go in, outcomes come back.
 */
#ifndef SYNC_COMMIT_H
#define SYNC_COMMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "store/ledger.h"
#include "sync/key_changes.h"
#include "sync/seen.h"
#include "sync/work.h"
#include "sync/writer.h"

struct commit {
	struct job job;
	struct work *work;
	struct ledger_commit ledger;
	struct seen seen;
	struct key_changes keys;
	struct held *held; /* held[i] belongs to ledger.entries[i] */
	size_t count;
	void *context;
	/*
	 * In the loop thread, after the outcomes are known.  Whoever wants to keep a block
	 * takes its held[i].block and leaves NULL; the rest is freed after the call.
	 * is_done false: the commit failed for good, nothing of it was stored.
	 */
	void (*done)(void *context, struct commit *commit, bool is_done);
};

/*
 * Give `count` blocks (ascending) to the writers; they are moved out of `held`.  Only
 * while writer_has_room().  A failure that ends the reader is passed to work_end().
 */
void commit_submit(struct work *work, const struct held *held, size_t count,
		   enum ledger_rewrite rewrite,
		   void (*done)(void *context, struct commit *commit, bool is_done), void *context);

/* The same for blocks that were read at the head. It is no progress: that is the tail's. */
void commit_submit_reversible(struct work *work, const struct held *held, size_t count,
			      void (*done)(void *context, struct commit *commit, bool is_done),
			      void *context);

/* What goes into one commit: blocks are added until rows or bytes reach the configured limits. */
struct commit_size {
	size_t rows;
	size_t payload_bytes;
};
bool commit_is_full(const struct work *work, const struct commit_size *size);
/* False when it is full without this block, which is not counted then. */
bool commit_add(const struct work *work, struct commit_size *size, const struct block *block);

#endif
