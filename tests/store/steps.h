/* SPDX-License-Identifier: MIT */
/*
 * The steps of a reader: each is one job of the executor, as the reader's parts give them to it.
 * Scenarios are made of them; with the calls that fail between them (shim.h).
 */
#ifndef TESTS_STORE_STEPS_H
#define TESTS_STORE_STEPS_H

#include "world.h"

#include "shim.h"
#include "store/rewind.h"
#include "sync/executor.h"

/* One run of a scenario. */
struct run {
	struct executor *executor;
	struct range_set within;
	struct range_set holes;
	struct range_set failed;
	struct claim_search search;
	struct lot lot;
};
extern struct run run;

struct step {
	struct job job;
	int (*call)(struct db *db, struct error *err);
	bool is_done;
};

void task(int (*call)(struct db *db, struct error *err));
/* What run.lot holds, by one commit; all must be there after it. */
void commit_lot(void);
void commit(uint32_t first, uint32_t last);
int call_open(struct db *writer_db, struct error *ret_err);
int call_ranges_open(struct db *writer_db, struct error *ret_err);
int call_backfill(struct db *writer_db, struct error *ret_err);
int call_scan(struct db *writer_db, struct error *ret_err);
int call_search(struct db *writer_db, struct error *ret_err);
int call_beat(struct db *writer_db, struct error *ret_err);
int call_settle(struct db *writer_db, struct error *ret_err);
int call_missing(struct db *writer_db, struct error *ret_err);
int call_confirm(struct db *writer_db, struct error *ret_err);
int call_keys(struct db *writer_db, struct error *ret_err);
int call_retain(struct db *writer_db, struct error *ret_err);
int call_purge_begin(struct db *writer_db, struct error *ret_err);
int call_purge(struct db *writer_db, struct error *ret_err);
int call_purge_end(struct db *writer_db, struct error *ret_err);

/* All above block 6, beside a reader that died. */
extern struct rewind rewind_state;
extern struct rewind_readers rewind_dead;

int call_rewind_look(struct db *writer_db, struct error *ret_err);
int call_rewind_begin(struct db *writer_db, struct error *ret_err);
int call_rewind(struct db *writer_db, struct error *ret_err);
int call_sign_off(struct db *writer_db, struct error *ret_err);

#endif
