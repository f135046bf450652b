/* SPDX-License-Identifier: MIT */
#include "store/rewind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/delivery_id.h"
#include "store/gap_rows.h"
#include "store/sql.h"

#define STEP_BLOCKS     200
#define STEP_OPERATIONS 1000
#define STEP_DELIVERIES 500
#define STEP_ROWS       2000 /* small rows */

/* The block above; block numbers have 32 bits, and this one may need more. */
static uint64_t above(const struct rewind *rewind)
{
	return (uint64_t)rewind->block + 1;
}

/* Readers. */

int rewind_readers_load(struct db *db, struct rewind_readers *readers, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rewind_readers_release(readers);
	rows = db_query(db, sql_select_readers_running, DB_NO_VALUES, err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct rewind_reader *reader;

		readers->items = xgrow(readers->items, readers->count, &readers->capacity,
				       sizeof(*readers->items));
		reader = &readers->items[readers->count++];
		snprintf(reader->name, sizeof(reader->name), "%s",
			 db_row_text(rows, SELECT_READERS_RUNNING_NAME, NULL));
		snprintf(reader->session, sizeof(reader->session), "%s",
			 db_row_text(rows, SELECT_READERS_RUNNING_SESSION, NULL));
		reader->heartbeat_us = db_row_u64(rows, SELECT_READERS_RUNNING_HEARTBEAT_US);
	}
	return result;
}

void rewind_readers_release(struct rewind_readers *readers)
{
	free(readers->items);
	*readers = (struct rewind_readers){.count = 0};
}

static bool is_known(const struct rewind_readers *readers, const struct rewind_reader *reader)
{
	for (size_t i = 0; i < readers->count; i++)
		if (strcmp(readers->items[i].name, reader->name) == 0)
			return strcmp(readers->items[i].session, reader->session) == 0 &&
			       readers->items[i].heartbeat_us == reader->heartbeat_us;
	return false;
}

const char *rewind_readers_find_alive(const struct rewind_readers *before,
				      const struct rewind_readers *now)
{
	for (size_t i = 0; i < now->count; i++)
		if (!is_known(before, &now->items[i]))
			return now->items[i].name;
	return NULL;
}

/*
 * Scans and claims of readers wait for this lock, so no reader gets far before the next step
 * sees it.
 */
static int look_for_readers(struct db *db, struct rewind *rewind, struct error *err)
{
	CLEANUP(rewind_readers_release) struct rewind_readers now = {.count = 0};

	rewind->alive[0] = '\0';
	if (gap_rows_lock(db, err) < 0 || rewind_readers_load(db, &now, err) < 0)
		return -1;
	if (now.count > 0)
		snprintf(rewind->alive, sizeof(rewind->alive), "%s", now.items[0].name);
	return 0;
}

/*
 * If such a reader has sent a heartbeat after all, its row stays unchanged, and
 * look_for_readers() finds it.
 */
static int take_rows(struct db *db, const struct rewind_readers *dead, struct error *err)
{
	for (size_t i = 0; i < dead->count; i++)
		if (db_exec(db, sql_update_reader_taken,
			    DB_VALUES(db_text(dead->items[i].name), db_text(dead->items[i].session),
				      db_u64(dead->items[i].heartbeat_us)),
			    NULL, err) < 0)
			return -1;
	return 0;
}

/* Rights and first step. */

int rewind_check_rights(struct db *db, struct error *err)
{
	struct db_value no_block = db_u64((uint64_t)UINT32_MAX + 1);
	struct db_value no_delivery = db_u64(UINT64_MAX);

	if (db_exec(db, sql_delete_open_taken_back, DB_VALUES(no_delivery), NULL, err) < 0 ||
	    db_exec(db, sql_delete_facts_taken_back, DB_VALUES(no_delivery), NULL, err) < 0 ||
	    db_exec(db, sql_delete_purges_above, DB_VALUES(no_block), NULL, err) < 0)
		return -1;
	return db_exec(db, sql_delete_blocks_above, DB_VALUES(no_block), NULL, err);
}

static int cut_ranges(struct db *db, const struct rewind *rewind, struct error *err)
{
	struct db_value block = db_u64(rewind->block);
	struct db_value next = db_u64(above(rewind));

	if (db_exec(db, sql_delete_ranges_covered, DB_VALUES(next), NULL, err) < 0 ||
	    db_exec(db, sql_update_ranges_shortened, DB_VALUES(next, next), NULL, err) < 0 ||
	    db_exec(db, sql_update_open_rewound, DB_VALUES(next, block), NULL, err) < 0 ||
	    db_exec(db, sql_update_gap_cut, DB_VALUES(block, block, block), NULL, err) < 0)
		return -1;
	return db_exec(db, sql_delete_claims_above, DB_VALUES(block), NULL, err);
}

static int lower_claims(struct db *db, const struct rewind *rewind, struct error *err)
{
	struct db_value block = db_u64(rewind->block);
	struct db_value next = db_u64(above(rewind));

	if (db_exec(db, sql_update_readers_rewound, DB_VALUES(block, block, block), NULL, err) <
		    0 ||
	    db_exec(db, sql_update_irreversible_rewound, DB_VALUES(block), NULL, err) < 0 ||
	    cut_ranges(db, rewind, err) < 0 ||
	    db_exec(db, sql_insert_purge_rewound, DB_VALUES(next, next, next), NULL, err) < 0)
		return -1;
	return db_exec(db, sql_delete_purges_above, DB_VALUES(next), NULL, err);
}

int rewind_begin(struct db *db, struct rewind *rewind, const struct rewind_readers *dead,
		 struct error *err)
{
	if (db_begin(db, err) == 0 && take_rows(db, dead, err) == 0 &&
	    look_for_readers(db, rewind, err) == 0) {
		if (rewind->alive[0]) {
			db_rollback(db);
			return 0;
		}
		if (lower_claims(db, rewind, err) == 0 && db_commit(db, err) == 0)
			return 0;
	}
	db_rollback(db);
	return -1;
}

/* Steps. Each one moves on to the next phase if it finds nothing more. */

/* Remove some rows; *removed is increased. */
static int remove_some(struct db *db, struct rewind *rewind, const char *sql,
		       const struct db_value *values, size_t count, uint64_t *removed,
		       struct error *err)
{
	uint64_t found = 0;

	if (db_exec(db, sql, values, count, &found, err) < 0)
		return -1;
	if (found < STEP_ROWS)
		rewind->phase++;
	if (removed)
		*removed += found;
	return 0;
}

static int take_gaps(struct db *db, struct rewind *rewind, struct error *err)
{
	return remove_some(db, rewind, sql_delete_gaps_above,
			   DB_VALUES(db_u64(rewind->block), db_u64(STEP_ROWS)), NULL, err);
}

/* Find the lowest of the highest open deliveries (the next step's); 0: there is none. */
static int find_deliveries(struct db *db, const struct rewind *rewind, uint64_t *ret_lowest,
			   struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	*ret_lowest = 0;
	rows = db_query(
		db, sql_select_open_above,
		DB_VALUES(db_u64(delivery_id_first(above(rewind))), db_u64(STEP_DELIVERIES)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0)
		*ret_lowest = db_row_u64(rows, SELECT_OPEN_ABOVE_DELIVERY_ID);
	return result;
}

static int take_deliveries(struct db *db, struct rewind *rewind, struct error *err)
{
	uint64_t lowest;
	uint64_t found = 0;

	if (find_deliveries(db, rewind, &lowest, err) < 0)
		return -1;
	if (lowest == 0) {
		rewind->phase++;
		return 0;
	}
	if (db_exec(db, sql_insert_deliveries_taken_back, DB_VALUES(db_u64(lowest)), NULL, err) <
		    0 ||
	    db_exec(db, sql_delete_facts_taken_back, DB_VALUES(db_u64(lowest)), NULL, err) < 0 ||
	    db_exec(db, sql_delete_open_taken_back, DB_VALUES(db_u64(lowest)), &found, err) < 0)
		return -1;
	rewind->counts.deliveries += found;
	return 0;
}

/*
 * Find the lowest of the highest blocks (the next step's, limited by operations); 0: there is
 * none.
 */
static int find_blocks(struct db *db, const struct rewind *rewind, uint64_t *ret_lowest,
		       struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	uint64_t operations = 0;
	int result = -1;

	*ret_lowest = 0;
	rows = db_query(db, sql_select_blocks_above,
			DB_VALUES(db_u64(rewind->block), db_u64(STEP_BLOCKS)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		operations += db_row_u64(rows, SELECT_BLOCKS_ABOVE_OPERATIONS);
		if (*ret_lowest == 0 || operations <= STEP_OPERATIONS)
			*ret_lowest = db_row_u64(rows, SELECT_BLOCKS_ABOVE_BLOCK);
	}
	return result;
}

static int take_blocks(struct db *db, struct rewind *rewind, struct error *err)
{
	uint64_t blocks = 0;
	uint64_t operations = 0;
	uint64_t lowest;

	if (find_blocks(db, rewind, &lowest, err) < 0)
		return -1;
	if (lowest == 0) {
		rewind->phase++;
		return 0;
	}
	if (db_exec(db, sql_insert_orphans_above, DB_VALUES(db_u64(lowest)), NULL, err) < 0 ||
	    db_exec(db, sql_delete_operations_above, DB_VALUES(db_u64(lowest)), &operations, err) <
		    0 ||
	    db_exec(db, sql_delete_blocks_above, DB_VALUES(db_u64(lowest)), &blocks, err) < 0)
		return -1;
	rewind->counts.blocks += blocks;
	rewind->counts.operations += operations;
	return 0;
}

static int take_leftovers(struct db *db, struct rewind *rewind, struct error *err)
{
	return remove_some(db, rewind, sql_delete_operations_between,
			   DB_VALUES(db_u64(above(rewind)), db_u64(UINT32_MAX), db_u64(STEP_ROWS)),
			   &rewind->counts.operations, err);
}

static int take_keys(struct db *db, struct rewind *rewind, struct error *err)
{
	return remove_some(db, rewind, sql_delete_witness_keys_above,
			   DB_VALUES(db_u64(rewind->block), db_u64(STEP_ROWS)), NULL, err);
}

static int take_seen(struct db *db, struct rewind *rewind, struct error *err)
{
	return remove_some(db, rewind, sql_delete_comments_seen_above,
			   DB_VALUES(db_u64(rewind->block), db_u64(STEP_ROWS)), NULL, err);
}

static int take_trxs_seen(struct db *db, struct rewind *rewind, struct error *err)
{
	return remove_some(db, rewind, sql_delete_trxs_seen_above,
			   DB_VALUES(db_u64(rewind->block), db_u64(STEP_ROWS)), NULL, err);
}

static int take_expired(struct db *db, struct rewind *rewind, struct error *err)
{
	return remove_some(db, rewind, sql_update_trxs_unexpired,
			   DB_VALUES(db_u64(rewind->block), db_u64(STEP_ROWS)), NULL, err);
}

/* A table of the outbox; its rows are gone through by their ids, in small steps. */
struct outbox_table {
	const char *find_end;
	const char *open_trxs;
	const char *unconfirm;
	const char *count;
};

static const struct outbox_table comments_table = {
	.find_end = sql_select_comments_end,
	.open_trxs = sql_update_comment_trxs_open,
	.unconfirm = sql_update_comments_unconfirmed,
	.count = sql_count_comments_confirmed,
};

static const struct outbox_table actions_table = {
	.find_end = sql_select_actions_end,
	.open_trxs = sql_update_action_trxs_open,
	.unconfirm = sql_update_actions_unconfirmed,
	.count = sql_count_actions_confirmed,
};

#define OUTBOX_STEP(rewind, id, end) db_u64(id), db_u64(end), db_u64((rewind)->block)

static int take_confirmed(struct db *db, struct rewind *rewind, const struct outbox_table *table,
			  uint64_t *id, struct error *err)
{
	uint64_t found = 0;
	uint64_t end;

	if (db_query_u64(db, table->find_end, DB_VALUES(db_u64(*id)), &end, err) < 0)
		return -1;
	if (end == 0) {
		rewind->phase++;
		return 0;
	}
	if (db_exec(db, table->open_trxs, DB_VALUES(OUTBOX_STEP(rewind, *id, end)), NULL, err) <
		    0 ||
	    db_exec(db, table->unconfirm, DB_VALUES(OUTBOX_STEP(rewind, *id, end)), &found, err) <
		    0)
		return -1;
	rewind->counts.confirmed += found;
	*id = end;
	return 0;
}

static int take_comments(struct db *db, struct rewind *rewind, struct error *err)
{
	return take_confirmed(db, rewind, &comments_table, &rewind->comment_id, err);
}

static int take_actions(struct db *db, struct rewind *rewind, struct error *err)
{
	return take_confirmed(db, rewind, &actions_table, &rewind->action_id, err);
}

static int (*const phases[])(struct db *db, struct rewind *rewind, struct error *err) = {
	[REWIND_GAPS] = take_gaps,           [REWIND_DELIVERIES] = take_deliveries,
	[REWIND_BLOCKS] = take_blocks,       [REWIND_LEFTOVERS] = take_leftovers,
	[REWIND_KEYS] = take_keys,           [REWIND_SEEN] = take_seen,
	[REWIND_TRXS_SEEN] = take_trxs_seen, [REWIND_EXPIRED] = take_expired,
	[REWIND_COMMENTS] = take_comments,   [REWIND_ACTIONS] = take_actions,
};

int rewind_step(struct db *db, struct rewind *rewind, struct error *err)
{
	struct rewind next = *rewind;

	if (db_begin(db, err) < 0 || look_for_readers(db, &next, err) < 0 ||
	    (!next.alive[0] && phases[next.phase](db, &next, err) < 0) || db_commit(db, err) < 0) {
		db_rollback(db);
		return -1;
	}
	*rewind = next;
	return 0;
}

/* Counting. */

static int count_blocks(struct db *db, struct rewind *rewind, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	uint64_t last = rewind->counted > 0 ? rewind->counted - 1 : UINT32_MAX;
	uint64_t first;
	int result;

	if (db_query_u64(db, sql_select_rewind_end, DB_VALUES(db_u64(rewind->block), db_u64(last)),
			 &first, err) < 0)
		return -1;
	if (first == 0)
		first = above(rewind); /* no block row any more, but perhaps leftovers */
	result = db_query_row(db, sql_count_rewind,
			      DB_VALUES(db_u64(first), db_u64(last), db_u64(first), db_u64(last),
					DELIVERY_ID_RANGE(first, last)),
			      &rows, err);
	if (result < 0)
		return -1;
	rewind->counts.blocks += db_row_u64(rows, COUNT_REWIND_BLOCKS);
	rewind->counts.operations += db_row_u64(rows, COUNT_REWIND_OPERATIONS);
	rewind->counts.deliveries += db_row_u64(rows, COUNT_REWIND_DELIVERIES);
	rewind->counted = (uint32_t)first;
	if (first <= above(rewind))
		rewind->phase = REWIND_COMMENTS;
	return 0;
}

static int count_confirmed(struct db *db, struct rewind *rewind, const struct outbox_table *table,
			   uint64_t *id, struct error *err)
{
	uint64_t found;
	uint64_t end;

	if (db_query_u64(db, table->find_end, DB_VALUES(db_u64(*id)), &end, err) < 0 ||
	    (end > 0 && db_query_u64(db, table->count, DB_VALUES(OUTBOX_STEP(rewind, *id, end)),
				     &found, err) < 0))
		return -1;
	if (end == 0) {
		rewind->phase++;
		return 0;
	}
	rewind->counts.confirmed += found;
	*id = end;
	return 0;
}

int rewind_count(struct db *db, struct rewind *rewind, struct error *err)
{
	if (rewind->phase < REWIND_COMMENTS)
		return count_blocks(db, rewind, err);
	if (rewind->phase == REWIND_COMMENTS)
		return count_confirmed(db, rewind, &comments_table, &rewind->comment_id, err);
	return count_confirmed(db, rewind, &actions_table, &rewind->action_id, err);
}
