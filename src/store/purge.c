/* SPDX-License-Identifier: MIT */
#include "store/purge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/delivery_id.h"
#include "store/place.h"
#include "store/sql.h"

#define STATEMENT_ROWS 2000 /* rows that one statement removes */
#define ENDED_ROWS     500

#define ID_RANGE(range) DELIVERY_ID_RANGE((range)->first, (range)->last)

/*
 * How a step treats rows that are locked.  If a step fails, the locks may be its own, from
 * a connection that the server does not yet know to be dead: so the second try waits for them.
 * If that fails as well, locked rows are skipped and stay.
 */
enum lock_mode {
	LOCK_MODE_FAST,
	LOCK_MODE_WAIT,
	LOCK_MODE_SKIP,
};

struct blocks {
	uint32_t first;
	uint32_t last;
};

/* Keys of operations, in the order of the table. */
struct places {
	struct op_place *items;
	size_t count;
	size_t capacity;
};

static void release_places(struct places *places)
{
	free(places->items);
	*places = (struct places){.count = 0};
}

static int load_places(struct db *db, const char *sql, const struct db_value *values, size_t count,
		       struct places *ret_places, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = db_query(db, sql, values, count, err);
	int result = -1;

	while (rows && (result = db_rows_next(rows, err)) > 0) {
		ret_places->items = xgrow(ret_places->items, ret_places->count,
					  &ret_places->capacity, sizeof(*ret_places->items));
		ret_places->items[ret_places->count++] = place_read(rows, 0);
	}
	return result;
}

/* Operations that stay. */
static int load_needed(struct db *db, const struct blocks *range, struct places *ret_needed,
		       struct error *err)
{
	return load_places(db, sql_select_operations_needed,
			   DB_VALUES(ID_RANGE(range), ID_RANGE(range)), ret_needed, err);
}

/* Find the end of a step: about a thousand operations. */
static int find_end(struct db *db, const struct purge_pass *purge, struct blocks *ret_range,
		    struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result;

	ret_range->first = purge->next;
	ret_range->last = purge->before - 1;
	result = db_query_row(db, sql_select_purge_end,
			      DB_VALUES(db_u64(ret_range->first), db_u64(ret_range->last)), &rows,
			      err);
	if (result > 0)
		ret_range->last = (uint32_t)db_row_u64(rows, SELECT_PURGE_END_BLOCK);
	return result < 0 ? -1 : 0;
}

/* Rows that a bot has locked are skipped. *ret_more: there are more rows. */
static int remove_ended_free(struct db *db, const struct blocks *range, uint64_t *count,
			     bool *ret_more, struct error *err)
{
	uint64_t *ids = xcalloc(ENDED_ROWS, sizeof(*ids));
	struct db_rows *rows = db_query(db, sql_lock_ended_between,
					DB_VALUES(ID_RANGE(range), db_u64(ENDED_ROWS)), err);
	size_t found = 0;
	int result = -1;

	while (rows && (result = db_rows_next(rows, err)) > 0)
		ids[found++] = db_row_u64(rows, LOCK_ENDED_BETWEEN_DELIVERY_ID);
	db_rows_free(rows);
	for (size_t i = 0; result == 0 && i < found; i++)
		result = db_exec(db, sql_delete_ended_delivery, DB_VALUES(db_u64(ids[i])), NULL,
				 err);
	*count += found;
	*ret_more = found == ENDED_ROWS;
	free(ids);
	return result;
}

static int remove_ended(struct db *db, const struct blocks *range, enum lock_mode mode,
			uint64_t *count, bool *ret_more, struct error *err)
{
	uint64_t found = 0;

	if (mode != LOCK_MODE_WAIT)
		return remove_ended_free(db, range, count, ret_more, err);
	if (db_exec(db, sql_delete_ended_between, DB_VALUES(ID_RANGE(range), db_u64(ENDED_ROWS)),
		    &found, err) < 0)
		return -1;
	*count += found;
	*ret_more = found == ENDED_ROWS;
	return 0;
}

static int remove_rows(struct db *db, const char *sql, const struct blocks *range, uint64_t *count,
		       bool *more, struct error *err)
{
	uint64_t found = 0;

	if (db_exec(db, sql,
		    DB_VALUES(db_u64(range->first), db_u64(range->last), db_u64(STATEMENT_ROWS)),
		    &found, err) < 0)
		return -1;
	*count += found;
	*more |= found == STATEMENT_ROWS;
	return 0;
}

/*
 * Remove them one by one, except those that are needed or locked.  A statement for a whole range
 * would wait for locked rows, and even for the row after the range.
 */
static int remove_others(struct db *db, const struct blocks *range, enum lock_mode mode,
			 const struct places *needed, uint64_t *count, bool *more,
			 struct error *err)
{
	CLEANUP(release_places) struct places there = {.count = 0};
	unsigned removed = 0;
	size_t at = 0;

	if (load_places(db,
			mode == LOCK_MODE_WAIT ? sql_select_operation_places
					       : sql_lock_operations_between,
			DB_VALUES(db_u64(range->first), db_u64(range->last)), &there, err) < 0)
		return -1;
	for (size_t i = 0; i < there.count && removed < STATEMENT_ROWS; i++) {
		struct op_place place = there.items[i];

		while (at < needed->count && op_place_compare(needed->items[at], place) < 0)
			at++;
		if (at < needed->count && op_place_compare(needed->items[at], place) == 0)
			continue;
		if (db_exec(db, sql_delete_operation, DB_VALUES(PLACE(place)), NULL, err) < 0)
			return -1;
		removed++;
	}
	*count += removed;
	*more |= removed == STATEMENT_ROWS;
	return 0;
}

/* Was a delivery of the removed operations committed meanwhile (because a block was read again)? */
static int check_needed(struct db *db, const struct blocks *range, const struct places *before,
			struct error *err)
{
	CLEANUP(release_places) struct places now = {.count = 0};
	size_t at = 0;

	if (load_needed(db, range, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < now.count; i++) {
		while (at < before->count && op_place_compare(before->items[at], now.items[i]) < 0)
			at++;
		if (at == before->count || op_place_compare(before->items[at], now.items[i]) != 0)
			return error_set(err, ERROR_RETRY,
					 "operations of blocks %u..%u were delivered just now",
					 range->first, range->last);
	}
	return 0;
}

static int remove_range(struct db *db, const struct blocks *range, enum lock_mode mode,
			struct purge_counts *removed, bool *ret_more, struct error *err)
{
	CLEANUP(release_places) struct places needed = {.count = 0};
	int result;

	if (remove_ended(db, range, mode, &removed->deliveries, ret_more, err) < 0)
		return -1;
	if (*ret_more)
		return 0;
	if (load_needed(db, range, &needed, err) < 0)
		return -1;
	if (mode == LOCK_MODE_SKIP || needed.count > 0)
		result = remove_others(db, range, mode, &needed, &removed->operations, ret_more,
				       err);
	else
		result = remove_rows(db, sql_delete_operations_between, range, &removed->operations,
				     ret_more, err);
	if (result < 0 || remove_rows(db, sql_delete_orphans_between, range, &removed->orphans,
				      ret_more, err) < 0)
		return -1;
	return check_needed(db, range, &needed, err);
}

int purge_begin(struct db *db, uint32_t before, struct error *err)
{
	return db_exec(db, sql_upsert_purge, DB_VALUES(db_u64(before)), NULL, err);
}

int purge_step(struct db *db, struct purge_pass *purge, struct error *err)
{
	struct purge_counts removed = purge->removed;
	struct blocks range;
	bool more = false;

	if (find_end(db, purge, &range, err) < 0)
		return -1;
	if (db_begin(db, err) < 0 ||
	    remove_range(db, &range,
			 purge->failures < 2 ? (enum lock_mode)purge->failures : LOCK_MODE_SKIP,
			 &removed, &more, err) < 0 ||
	    db_commit(db, err) < 0) {
		db_rollback(db);
		purge->failures++;
		return -1;
	}
	purge->failures = 0;
	purge->removed = removed;
	if (!more)
		purge->next = range.last + 1;
	return 0;
}

int purge_end(struct db *db, uint32_t before, struct error *err)
{
	return db_exec(db, sql_update_purge_finished, DB_VALUES(db_u64(before)), NULL, err);
}

int purge_count(struct db *db, uint32_t first, uint32_t last, struct purge_counts *counts,
		struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	const struct blocks range = {.first = first, .last = last};
	int result = db_query_row(db, sql_count_purge,
				  DB_VALUES(db_u64(first), db_u64(last), ID_RANGE(&range),
					    db_u64(first), db_u64(last), ID_RANGE(&range)),
				  &rows, err);

	if (result > 0) {
		counts->operations += db_row_u64(rows, COUNT_PURGE_OPERATIONS);
		counts->orphans += db_row_u64(rows, COUNT_PURGE_ORPHANS);
		counts->deliveries += db_row_u64(rows, COUNT_PURGE_DELIVERIES);
	}
	return result < 0 ? -1 : 0;
}
