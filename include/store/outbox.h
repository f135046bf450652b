/* SPDX-License-Identifier: MIT */
/*
 * The outbox: comments that bots want published, and what readers see of them on the chain.
 *
 * A commit notes in `comments_seen` what its blocks hold of the outbox (ledger_commit(), by
 * its list of comments); outbox_confirm() applies that to `comments` later.  So no commit ever
 * waits for a bot that holds a row of the outbox, and nothing is lost in between.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "steem/block.h"

struct db;

/* The bytes of a permlink on the chain at most. */
#define OUTBOX_PERMLINK_BYTES 256

/* Who has an outbox: few, whatever the size of the table. */
struct outbox_authors {
	char (*names)[BLOCK_ACCOUNT_BYTES + 1]; /* ascending */
	size_t count;
};
int outbox_authors_load(struct db *db, struct outbox_authors *ret_authors,
			struct error *err) MUST_CHECK;
void outbox_authors_release(struct outbox_authors *authors);
bool outbox_authors_has(const struct outbox_authors *authors, const char *name);

/* One step through `comments_seen`, from its place on; {0} begins anew. */
struct outbox_step {
	char author[BLOCK_ACCOUNT_BYTES + 1];
	char permlink[4 * OUTBOX_PERMLINK_BYTES + 1]; /* the place: what the last step ended with */
	bool is_last;                                 /* there is nothing behind it */
	unsigned confirmed_count;                     /* of this step */
	unsigned locked_count; /* a bot holds them: to be tried again from the beginning */
};
/*
 * Confirm what was seen, in one transaction, which waits for nobody.  After an error the same
 * step is made again.
 */
int outbox_confirm(struct db *db, struct outbox_step *step, struct error *err) MUST_CHECK;

#endif
