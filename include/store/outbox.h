/* SPDX-License-Identifier: MIT */
/*
 * The outbox: comments that bots want to publish, and when readers see them on the chain.
 *
 * A commit notes in `comments_seen` which comments of its blocks are in the outbox
 * (ledger_commit(), by its list of comments); outbox_confirm() applies that to `comments`
 * later.  So no commit ever waits for a bot that has locked a row of the outbox, and
 * nothing is lost in between.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "steem/block.h"

struct db;

/* The longest permlink on the chain. */
#define OUTBOX_PERMLINK_BYTES 256

/* The authors that have an outbox: few, however large the table is. */
struct outbox_authors {
	char (*names)[BLOCK_ACCOUNT_BYTES + 1]; /* ascending */
	size_t count;
};
/*
 * Load the authors into ret_authors, which must be empty. The caller releases it, also after a
 * failure.
 */
int outbox_authors_load(struct db *db, struct outbox_authors *ret_authors,
			struct error *err) MUST_CHECK;
void outbox_authors_release(struct outbox_authors *authors);
bool outbox_authors_has(const struct outbox_authors *authors, const char *name);

/* The state of a pass through `comments_seen`; {0} starts a new one. */
struct outbox_step {
	char author[BLOCK_ACCOUNT_BYTES + 1];
	char permlink[4 * OUTBOX_PERMLINK_BYTES + 1]; /* the position: where the last step ended */
	bool is_last;                                 /* nothing follows */
	unsigned confirmed_count;                     /* in this step */
	unsigned locked_count; /* rows that a bot has locked: try again from the beginning */
};
/*
 * Confirm seen comments, in one transaction that never waits for a lock.  After an error call it
 * again with the same step.
 */
int outbox_confirm(struct db *db, struct outbox_step *step, struct error *err) MUST_CHECK;

#endif
