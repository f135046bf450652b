/* SPDX-License-Identifier: MIT */
/*
 * Which comments of a commit might wait in the outbox, whatever the filter keeps of them.
 *
 * Nearly all comments are dropped by their author alone; where no bot has an outbox, a commit
 * pays one short query for it.
 */
#ifndef SYNC_SEEN_H
#define SYNC_SEEN_H

#include <stddef.h>

#include "base/error.h"
#include "store/ledger.h"

struct arena;
struct db;

struct seen {
	struct ledger_comment *comments; /* ascending by block; their texts live in the arena */
	size_t count;
	size_t capacity;
	struct arena *arena;
};

/* Look through the commit's entries, and hand the list to it; seen must outlive the commit. */
int seen_find(struct db *db, struct ledger_commit *commit, struct seen *seen,
	      struct error *err) MUST_CHECK;
void seen_release(struct seen *seen);

#endif
