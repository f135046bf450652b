/* SPDX-License-Identifier: MIT */
/*
 * The poster's side of the outbox: who sends for an account, what is to be signed next, what was
 * signed, and what is dead.
 *
 * The order is the promise: sender_sign() commits the signed bytes before anybody sends them, and
 * never signs a row while an earlier transaction of it may still take effect.  The surprise: the
 * lease in `senders` keeps only pace and order.  Two posters that both believe that they hold an
 * account cannot sign one row twice, because the row itself decides (sender_move()).
 *
 * Times are seconds since 1970; 0: none.
 */
#ifndef STORE_SENDER_H
#define STORE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

struct arena;
struct db;

#define SENDER_TOKEN_CHARS  32
#define SENDER_POSTER_CHARS 64
#define SENDER_ERROR_CHARS  1000
#define SENDER_ANSWER_CHARS 16
#define SENDER_TRX_CHARS    BLOCK_ID_HEX
#define SENDER_CURRENCIES   3 /* STEEM, SBD, VESTS */

/*
 * May this account of the database sign and note?  -1 with err, as the first signature would fail: it lacks
 * a right, or the server is read-only.
 */
int sender_check_rights(struct db *db, struct error *err) MUST_CHECK;

/* Leases. */

/* What an account has in the outbox. */
struct sender_rows {
	uint64_t held_count;
	/* The ages of the oldest row that is due and not signed, and of the oldest one that is signed
	 * and not confirmed; 0: there is none. */
	uint64_t pending_s, sent_s;
};
/* An account as this poster wants to serve it. */
struct sender_account {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	bool is_held; /* this poster has the lease */
	bool is_paused;
	bool is_resting;
	struct sender_rows rows; /* of sender_rows() */
};
/*
 * Renew the leases of this token, and take those that nobody holds; sets the flags of `accounts`,
 * which are sorted by name. lease_s: from now.
 */
int sender_lease(struct db *db, const char *token, const char *poster, unsigned lease_s,
		 struct sender_account *accounts, size_t count, struct error *err) MUST_CHECK;
/* Give all leases of this token back. */
int sender_release(struct db *db, const char *token, struct error *err) MUST_CHECK;

/* Rows that wait. */

/* The pace and the limits of an account, as of its last signature. */
struct sender_state {
	int64_t next_reply_s, next_post_s, next_edit_s, next_vote_s;
	int64_t custom_s; /* the head's time that custom_count is about */
	unsigned custom_count;
	int64_t day; /* days since 1970 that the next two are about */
	uint64_t count_today;
	uint64_t amounts_today[SENDER_CURRENCIES];
};
struct sender_waiting {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	struct sender_state state;
	bool has_actions;
	bool has_comments;
};
/* The accounts of this token that may sign and have rows; the caller frees *ret_waiting. */
int sender_waiting(struct db *db, const char *token, struct sender_waiting **ret_waiting,
		   size_t *ret_count, struct error *err) MUST_CHECK;
/* The newest irreversible block; num 0: there is none. */
int sender_reference(struct db *db, struct block_name *ret_block, int64_t *ret_time_s,
		     struct error *err) MUST_CHECK;

/* A row of the outbox. */
struct sender_row {
	uint64_t comment_id; /* or */
	uint64_t action_id;
	uint64_t place;    /* of an action: higher ones come first */
	unsigned attempts; /* so far */
	int64_t not_after_s;
	bool is_late; /* not_after is over */
	/* Of an action. */
	bool is_active; /* its operations need the active authority */
	const char *operations;
	size_t operations_len;
	/* Of a comment. */
	const char *permlink, *parent_author, *parent_permlink, *title, *body, *json_metadata;
	const char *options; /* NULL: none */
	bool has_zero;       /* a text has a zero byte, where it ends here */
};
/*
 * Lock the next rows of an account, which must run in a transaction; at most `limit` are added to
 * rows, and *count goes up. The arena owns their texts. no_votes, no_customs, no_replies, no_posts:
 * leave these out. If the last of rows is an action, sender_actions() goes on behind it.
 * A text that is longer than any transaction is cut, and still is.
 */
int sender_actions(struct db *db, const char *account, bool no_votes, bool no_customs, size_t limit,
		   struct arena *arena, struct sender_row *rows, size_t *count,
		   struct error *err) MUST_CHECK;
int sender_comments(struct db *db, const char *account, bool no_replies, bool no_posts,
		    size_t limit, struct arena *arena, struct sender_row *rows, size_t *count,
		    struct error *err) MUST_CHECK;
/* Is this comment of the outbox on the chain already? */
int sender_is_published(struct db *db, const char *author, const char *permlink, bool *ret_is,
			struct error *err) MUST_CHECK;

/* Signing: in the same transaction. */

/* Note pace and limits. *ret_held false: the lease is lost, or the account was paused. */
int sender_pace(struct db *db, const char *account, const char *token,
		const struct sender_state *state, bool *ret_held, struct error *err) MUST_CHECK;
struct sender_trx {
	char trx_id[SENDER_TRX_CHARS + 1];
	char account[BLOCK_ACCOUNT_BYTES + 1];
	uint64_t comment_id; /* the row that it carries; or */
	uint64_t action_id;
	char *signed_trx; /* owned */
	size_t signed_len;
	uint32_t ref_block;
	int64_t expiration_s;
	char answer[SENDER_ANSWER_CHARS + 1]; /* "": none yet */
};
void sender_trx_release(struct sender_trx *trx);
/* Was a transaction with this id signed before? Then the same operations need another expiration. */
int sender_is_signed(struct db *db, const char *trx_id, bool *ret_is, struct error *err) MUST_CHECK;
/*
 * Move the row from pending to sent and keep the bytes. *ret_moved false: nothing was done, because
 * the row is not pending any more, or an earlier transaction of it may still take effect.
 */
int sender_move(struct db *db, const struct sender_trx *trx, bool *ret_moved,
		struct error *err) MUST_CHECK;
/* The row will not be sent: `state` is "failed" or "held". */
int sender_refuse(struct db *db, const struct sender_row *row, const char *state, const char *why,
		  struct error *err) MUST_CHECK;

/* Sending. */

struct sender_note {
	char trx_id[SENDER_TRX_CHARS + 1];
	const char *node;                   /* a text of the caller's */
	const char *answer;                 /* the class of a definite answer; NULL: it was none */
	char error[SENDER_ERROR_CHARS + 1]; /* "": none */
};
/*
 * Note that it was sent once, and what was answered.  No definite answer, and "node", replace no answer
 * about the transaction itself.
 */
int sender_note(struct db *db, const struct sender_note *note, struct error *err) MUST_CHECK;
/* *ret_done: it was not paused (resting) before. */
int sender_pause(struct db *db, const char *account, const char *reason, bool *ret_done,
		 struct error *err) MUST_CHECK;
/* Is it paused, and why? reason: "" if nobody said; unchanged if it is not paused. */
int sender_why_paused(struct db *db, const char *account, bool *ret_is_paused,
		      char reason[SENDER_ERROR_CHARS + 1], struct error *err) MUST_CHECK;
int sender_rest(struct db *db, const char *account, bool *ret_done, struct error *err) MUST_CHECK;
int sender_rested(struct db *db, const char *account, struct error *err) MUST_CHECK;

/* Open transactions. */

struct sender_open {
	char trx_id[SENDER_TRX_CHARS + 1];
	bool is_over; /* its row waits for it no longer */
};
/* All open transactions of this token's accounts, by id; the caller frees *ret_open. */
int sender_open(struct db *db, const char *token, struct sender_open **ret_open, size_t *ret_count,
		struct error *err) MUST_CHECK;
/* Load one of them. *ret_found false: it is not open any more. */
int sender_load(struct db *db, const char *trx_id, struct sender_trx *ret_trx, bool *ret_found,
		struct error *err) MUST_CHECK;

struct sender_dead {
	char trx_id[SENDER_TRX_CHARS + 1];
	char account[BLOCK_ACCOUNT_BYTES + 1];
	uint64_t comment_id, action_id;
	unsigned attempts; /* without those that only came too soon */
	char answer[SENDER_ANSWER_CHARS + 1];
	char error[SENDER_ERROR_CHARS + 1];
	const char *state; /* what becomes of the row: of sender_bury() */
	bool is_done;
};
/* Transactions of this token's accounts that can never take effect any more. */
int sender_dead(struct db *db, const char *token, size_t limit, struct sender_dead **ret_dead,
		size_t *ret_count, struct error *err) MUST_CHECK;
/*
 * End such a transaction; its row becomes dead->state. In a transaction of the caller's.
 * *ret_done false: somebody else did it.
 */
int sender_bury(struct db *db, const struct sender_dead *dead, bool *ret_done,
		struct error *err) MUST_CHECK;
/* Count the rows of the accounts that this token holds; those of the others become 0. */
int sender_rows(struct db *db, const char *token, struct sender_account *accounts, size_t count,
		struct error *err) MUST_CHECK;
/* How many rows of an account are pending or sent, and not for later. */
int sender_left(struct db *db, const char *account, uint64_t *ret_count,
		struct error *err) MUST_CHECK;

#endif
