/* SPDX-License-Identifier: MIT */
/*
 * One round: what waits is read, checked, signed and committed, in one transaction for all accounts
 * of this poster.  Nothing is sent here.
 *
 * It runs in a database thread, and uses keys, signers and the transaction maker alone: one round at a
 * time.  If its COMMIT is interrupted, the round runs again and finds other rows; what the first try
 * signed is then found as an open transaction (poster/poster_task.h).
 *
 * A key whose command signs takes two rounds: the first one leaves a request (poster/signing_account.h), and
 * a later one reads and checks the row again, as if for the first time, and uses the answer.
 */
#ifndef POSTER_ROUND_H
#define POSTER_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "poster/signing_account.h"
#include "steem/chain.h"
#include "steem/decode.h"
#include "steem/transaction.h"
#include "store/sender.h"
#include "sync/executor.h"

/* After the head; nodes take up to an hour. */
#define ROUND_LIFE_S    60
#define ROUND_WHY_BYTES 512

/* Something that the log tells when the round is committed. */
struct round_event {
	bool is_held;   /* else it failed, or */
	bool is_paused; /* its account pauses: a command signs with another key */
	char account[BLOCK_ACCOUNT_BYTES + 1];
	uint64_t comment_id, action_id;
	char why[ROUND_WHY_BYTES];
};

struct round {
	struct job job;
	void *owner; /* the caller's, for done() */
	struct signing_accounts *signers;
	struct transaction_maker *maker;
	const struct chain *chain;
	const char *token;
	bool is_dry_run;        /* no command is asked */
	struct chain_head head; /* to sign by */
	int64_t asked_at_ms;    /* when that was current */
	/* What came out. */
	struct block_name reference;
	int64_t reference_s;
	struct sender_trx *trxs; /* owned */
	size_t trx_count, trx_capacity;
	char (*ids)[SENDER_TRX_CHARS + 1]; /* owned; of all that this round signed */
	size_t id_count, id_capacity;
	struct round_event *events; /* owned */
	size_t event_count, event_capacity;
	bool has_more;        /* call again at once */
	bool is_behind;       /* the newest stored block is too old to refer to */
	size_t waiting_count; /* accounts that had something to sign */
};

/* The run() of the job. */
int round_run(struct db *db, struct job *job, struct error *err);
/* Free what came out. */
void round_clear(struct round *round);

/* For --dry-run: a row is read, checked and signed, and nothing is written. */
enum round_outcome {
	ROUND_SIGNED,
	ROUND_LATER,
	ROUND_HELD,
	ROUND_FAILED,
	ROUND_UNSIGNED, /* its command failed: it stays pending, with the reason */
};
struct round_look {
	enum round_outcome outcome;
	bool pauses; /* of ROUND_UNSIGNED: the account must pause */
	char why[ROUND_WHY_BYTES];
	struct transaction *trx; /* NULL, or owned: sealed */
	struct sender_trx made;  /* of ROUND_SIGNED; owned */
};
int round_consider(struct db *db, struct round *round, struct signing_account *signer,
		   struct sender_state *state, const struct sender_row *row,
		   struct round_look *ret_look, struct error *err) MUST_CHECK;
void round_look_release(struct round_look *look);

#endif
