/* SPDX-License-Identifier: MIT */
/*
 * Which comments of a commit may have rows in the outbox, and which of its transactions did a
 * poster sign?  The filter does not matter here.
 *
 * Nearly all comments are ruled out by their author alone.  If no bot has an outbox, this
 * costs a commit one short query, and if no signed transaction can be in its blocks, one
 * more.
 */
#ifndef SYNC_SEEN_H
#define SYNC_SEEN_H

#include <stddef.h>

#include "base/error.h"
#include "store/ledger.h"

struct arena;
struct db;

struct seen {
	struct ledger_comment *comments; /* ascending by block; the arena owns their texts */
	size_t count;
	size_t capacity;
	struct arena *arena;
	struct ledger_trx *trxs; /* ascending by block; their texts belong to the blocks */
	size_t trx_count;
	size_t trx_capacity;
};

/*
 * Look through the commit's entries and set its lists of comments and transactions; `seen` must
 * outlive the commit.
 */
int seen_find(struct db *db, struct ledger_commit *commit, struct seen *seen,
	      struct error *err) MUST_CHECK;
void seen_release(struct seen *seen);

#endif
