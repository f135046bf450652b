/* SPDX-License-Identifier: MIT */
#include "store/wanted_ranges.h"

#include "base/mem.h"
#include "store/db.h"
#include "store/gap_rows.h"
#include "store/sql.h"

void wanted_ranges_release(struct wanted_ranges *ranges)
{
	range_set_release(&ranges->closed);
	ranges->has_open = false;
}

int wanted_ranges_load(struct db *db, struct wanted_ranges *ret_ranges, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	*ret_ranges = (struct wanted_ranges){.has_open = false};
	rows = db_query(db, sql_select_ranges, DB_NO_VALUES, err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		uint32_t first = (uint32_t)db_row_u64(rows, SELECT_RANGES_FIRST_BLOCK);

		if (!db_row_is_null(rows, SELECT_RANGES_LAST_BLOCK)) {
			range_add(&ret_ranges->closed, first,
				  (uint32_t)db_row_u64(rows, SELECT_RANGES_LAST_BLOCK));
			continue;
		}
		ret_ranges->has_open = true;
		ret_ranges->open_first = first;
		ret_ranges->scanned_to =
			db_row_is_null(rows, SELECT_RANGES_SCANNED_TO)
				? first - 1
				: (uint32_t)db_row_u64(rows, SELECT_RANGES_SCANNED_TO);
	}
	if (result < 0)
		wanted_ranges_release(ret_ranges);
	return result;
}

/* New wanted blocks are known gaps until a scan says otherwise. */
static int want(struct db *db, const struct range_set *blocks, struct error *err)
{
	for (size_t i = 0; i < blocks->count; i++) {
		struct range range = blocks->items[i];

		if (gap_rows_put(db, range.first, range.last, blocks, err) < 0)
			return -1;
	}
	return 0;
}

static int insert_range(struct db *db, uint32_t first, struct db_value last,
			struct db_value scanned_to, struct error *err)
{
	return db_exec(db, sql_insert_range, DB_VALUES(db_u64(first), last, scanned_to), NULL, err);
}

/* Closed ranges may only have blocks below the open one. */
static int shorten_closed(struct db *db, uint32_t open_first, struct error *err)
{
	if (db_exec(db, sql_delete_ranges_covered, DB_VALUES(db_u64(open_first)), NULL, err) < 0)
		return -1;
	return db_exec(db, sql_update_ranges_shortened,
		       DB_VALUES(db_u64(open_first), db_u64(open_first)), NULL, err);
}

static int open_range(struct db *db, uint32_t first, uint32_t irreversible, struct error *err)
{
	CLEANUP(wanted_ranges_release) struct wanted_ranges ranges = {.has_open = false};
	CLEANUP(range_set_release) struct range_set added = RANGE_SET_INIT;
	uint32_t scanned_to = UINT32_MAX;
	uint32_t last;

	if (gap_rows_lock(db, err) < 0 || wanted_ranges_load(db, &ranges, err) < 0)
		return -1;
	if (ranges.has_open && ranges.open_first <= first)
		return 0;
	if (shorten_closed(db, first, err) < 0)
		return -1;
	if (!ranges.has_open)
		return insert_range(db, first, db_text(NULL), db_u64(first - 1), err);
	/*
	 * A block that does not exist yet is not a gap, and was not scanned: it comes with the
	 * blocks above it.
	 */
	if (ranges.open_first > irreversible) {
		last = irreversible;
		scanned_to = first > irreversible ? first - 1 : irreversible;
	} else {
		last = ranges.open_first - 1;
	}
	range_add(&added, first, last);
	range_remove_set(&added, &ranges.closed);
	if (want(db, &added, err) < 0)
		return -1;
	return db_exec(db, sql_update_open_first, DB_VALUES(db_u64(first), db_u64(scanned_to)),
		       NULL, err);
}

int wanted_ranges_open(struct db *db, uint32_t first, uint32_t irreversible, struct error *err)
{
	if (first == 0)
		first = 1;
	if (db_begin(db, err) == 0 && open_range(db, first, irreversible, err) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

static int add_closed(struct db *db, const struct range_set *wanted, struct range_set *added,
		      struct error *err)
{
	CLEANUP(wanted_ranges_release) struct wanted_ranges ranges = {.has_open = false};

	if (gap_rows_lock(db, err) < 0 || wanted_ranges_load(db, &ranges, err) < 0)
		return -1;
	range_set_copy(added, wanted);
	range_remove_set(added, &ranges.closed);
	if (ranges.has_open)
		range_remove(added, ranges.open_first, UINT32_MAX);
	for (size_t i = 0; i < added->count; i++)
		if (insert_range(db, added->items[i].first, db_u64(added->items[i].last),
				 db_text(NULL), err) < 0)
			return -1;
	return want(db, added, err);
}

int wanted_ranges_add_closed(struct db *db, const struct range_set *wanted,
			     struct range_set *ret_added, struct error *err)
{
	CLEANUP(range_set_release) struct range_set added = RANGE_SET_INIT;

	if (db_begin(db, err) < 0 || add_closed(db, wanted, &added, err) < 0 ||
	    db_commit(db, err) < 0) {
		db_rollback(db);
		return -1;
	}
	if (ret_added)
		range_set_copy(ret_added, &added);
	return 0;
}
