/* SPDX-License-Identifier: MIT */
/*
 * The outbox: comments and actions that bots want on the chain, and when readers see them there.
 *
 * A commit notes in `comments_seen` which comments of its blocks are in the outbox
 * (ledger_commit(), by its list of comments), and in `trxs_seen` which transactions of its
 * blocks a poster signed; outbox_confirm() applies that to `comments`, `actions` and
 * `signed_trxs` later.  So no commit ever waits for a bot that has locked a row of the
 * outbox, and nothing is lost in between.
 *
 * No signed transaction may be missed: the poster signs an action again when the readers
 * have read past its expiration without seeing it.  A poster commits before it sends, so a
 * look that begins after the block was read sees the row; on a Galera cluster wsrep_sync_wait,
 * which all sessions of a reader have, makes this true on every member.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

struct db;

/* The longest permlink on the chain. */
#define OUTBOX_PERMLINK_BYTES 256

/* The authors that have an outbox: few, however large the table is. */
struct outbox_authors {
	char (*names)[BLOCK_ACCOUNT_BYTES + 1]; /* ascending */
	size_t count, capacity;
};
/*
 * Load the authors into ret_authors, which must be empty. The caller releases it, also after a
 * failure.
 */
int outbox_authors_load(struct db *db, struct outbox_authors *ret_authors,
			struct error *err) MUST_CHECK;
void outbox_authors_release(struct outbox_authors *authors);
bool outbox_authors_has(const struct outbox_authors *authors, const char *name);

/*
 * Could a signed transaction that is not confirmed be in a block up to this time? One short
 * look, so that a catch-up need not look for each of its transactions.
 */
int outbox_has_open_trx(struct db *db, int64_t until_s, bool *ret_any,
			struct error *err) MUST_CHECK;
/* Find those of these transactions (at most OUTBOX_TRXS) that a poster signed and that are not confirmed. */
#define OUTBOX_TRXS 32
int outbox_find_trxs(struct db *db, const char *const *ids, size_t count, bool *ret_found,
		     struct error *err) MUST_CHECK;

/* The state of a pass through `comments_seen` and `trxs_seen`; {0} starts a new one. */
struct outbox_step {
	char author[BLOCK_ACCOUNT_BYTES + 1];
	char permlink[4 * OUTBOX_PERMLINK_BYTES + 1]; /* the position: where the last step ended */
	bool has_comments;             /* all comments are done: now the transactions */
	char trx_id[BLOCK_ID_HEX + 1]; /* the position among them */
	bool is_last;                  /* nothing follows */
	unsigned confirmed_count;      /* comments in this step */
	unsigned trx_count;            /* transactions in this step */
	unsigned locked_count; /* rows that a bot has locked: try again from the beginning */
};
/*
 * Confirm what was seen, in short transactions that never wait for a lock.  After an error call it
 * again with the same step.
 */
int outbox_confirm(struct db *db, struct outbox_step *step, struct error *err) MUST_CHECK;

#endif
