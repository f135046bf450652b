/* SPDX-License-Identifier: MIT */
/*
 * What a poster asks of the database besides signing: leases, which transactions are still open, which
 * are dead, and what nodes answered.  Each is one task for the executor.
 */
#ifndef POSTER_CHORES_H
#define POSTER_CHORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"
#include "store/sender.h"
#include "sync/executor.h"

#define CHORES_LEASE_S 15

/* Look after the accounts. */
struct chore_tend {
	struct job job;
	void *owner; /* the caller's, for done() */
	const char *token;
	const char *poster;
	bool is_lease_due;
	bool is_checked;                 /* the tables are those of this program */
	bool counts_left;                /* for --once */
	struct sender_account *accounts; /* the caller's; the flags are set with is_lease_due */
	size_t account_count;
	/* What came out; owned. */
	int64_t asked_at_ms;
	int64_t took_ms;
	struct block_name stored;
	int64_t stored_s;
	struct sender_open *open;
	size_t open_count;
	struct sender_dead *dead;
	size_t dead_count;
	uint64_t left_count;
};
int chore_tend_run(struct db *db, struct job *job, struct error *err);
void chore_tend_clear(struct chore_tend *tend);

/* Load open transactions that this process does not know. */
struct chore_load {
	struct job job;
	void *owner;                       /* the caller's, for done() */
	char (*ids)[SENDER_TRX_CHARS + 1]; /* owned */
	size_t id_count;
	struct sender_trx *trxs; /* owned; as many as ids at most */
	size_t trx_count;
};
int chore_load_run(struct db *db, struct job *job, struct error *err);
void chore_load_free(struct chore_load *load);

/* Note what nodes answered, and what that means for an account. */
enum chore_mark_kind {
	CHORE_PAUSE,
	CHORE_REST,
	CHORE_RESTED,
};
struct chore_mark {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	enum chore_mark_kind what;
	char reason[320];
	bool is_done; /* it was not so before */
};
struct chore_note {
	struct job job;
	void *owner;               /* the caller's, for done() */
	struct sender_note *notes; /* owned */
	size_t note_count, note_capacity;
	struct chore_mark *marks; /* owned */
	size_t mark_count, mark_capacity;
};
int chore_note_run(struct db *db, struct job *job, struct error *err);
void chore_note_free(struct chore_note *note);

/* Give the leases back. */
struct chore_release {
	struct job job;
	void *owner; /* the caller's, for done() */
	const char *token;
};
int chore_release_run(struct db *db, struct job *job, struct error *err);

#endif
