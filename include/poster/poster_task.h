/* SPDX-License-Identifier: MIT */
/*
 * What a poster asks of the database besides signing: leases, which transactions are still open, which
 * are dead, and what nodes answered.  Each is one task for the executor.
 */
#ifndef POSTER_POSTER_TASK_H
#define POSTER_POSTER_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"
#include "store/sender.h"
#include "sync/executor.h"

#define POSTER_TASK_LEASE_S 15

/* Look after the accounts. */
struct poster_task_tend {
	struct job job;
	void *owner; /* the caller's, for done() */
	const char *token;
	const char *poster;
	bool is_lease_due;
	bool is_checked;  /* the tables are those of this program, and it may write */
	bool counts_left; /* for --once */
	bool counts_rows; /* for metrics: accounts[].rows */
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
int poster_task_tend_run(struct db *db, struct job *job, struct error *err);
void poster_task_tend_clear(struct poster_task_tend *tend);

/* Load open transactions that this process does not know. */
struct poster_task_load {
	struct job job;
	void *owner;                       /* the caller's, for done() */
	char (*ids)[SENDER_TRX_CHARS + 1]; /* owned */
	size_t id_count;
	struct sender_trx *trxs; /* owned; as many as ids at most */
	size_t trx_count;
};
int poster_task_load_run(struct db *db, struct job *job, struct error *err);
void poster_task_load_free(struct poster_task_load *load);

/* Note what nodes answered, and what that means for an account. */
enum poster_task_mark_kind {
	POSTER_TASK_PAUSE,
	POSTER_TASK_REST,
	POSTER_TASK_RESTED,
};
struct poster_task_mark {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	enum poster_task_mark_kind what;
	char reason[320];
	bool is_done; /* it was not so before */
};
struct poster_task_note {
	struct job job;
	void *owner;               /* the caller's, for done() */
	struct sender_note *notes; /* owned */
	size_t note_count, note_capacity;
	struct poster_task_mark *marks; /* owned */
	size_t mark_count, mark_capacity;
};
int poster_task_note_run(struct db *db, struct job *job, struct error *err);
void poster_task_note_free(struct poster_task_note *note);

/* Give the leases back. */
struct poster_task_release {
	struct job job;
	void *owner; /* the caller's, for done() */
	const char *token;
};
int poster_task_release_run(struct db *db, struct job *job, struct error *err);

#endif
