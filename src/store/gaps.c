/* SPDX-License-Identifier: MIT */
#include "store/gaps.h"

#include "base/mem.h"
#include "store/db.h"
#include "store/gap_rows.h"
#include "store/sql.h"

#define STEP_ROWS  1000000 /* the LIMIT of select_stored_numbers */
#define STEP_HOLES 10000

int gaps_scan_step(struct db *db, uint32_t first, uint32_t last, struct range_set *ret_holes,
		   uint32_t *ret_scanned_to, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	uint64_t next = first; /* the lowest number not seen yet */
	size_t row_count = 0;
	size_t hole_count = 0;
	int result = -1;

	rows = db_stream(db, sql_select_stored_numbers, DB_VALUES(db_u64(first), db_u64(last)),
			 err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		uint32_t block = (uint32_t)db_row_u64(rows, SELECT_STORED_NUMBERS_BLOCK);

		row_count++;
		if (block > next) {
			range_add(ret_holes, (uint32_t)next, block - 1);
			hole_count++;
		}
		next = (uint64_t)block + 1;
		if (hole_count == STEP_HOLES)
			break;
	}
	if (result < 0)
		return -1;
	if (row_count == STEP_ROWS || hole_count == STEP_HOLES) {
		*ret_scanned_to = (uint32_t)(next - 1);
		return 0;
	}
	if (next <= last)
		range_add(ret_holes, (uint32_t)next, last);
	*ret_scanned_to = last;
	return 0;
}

static int record(struct db *db, uint32_t first, uint32_t last, const struct range_set *holes,
		  bool advance_scan, struct error *err)
{
	if (gap_rows_lock(db, err) < 0 || gap_rows_put(db, first, last, holes, err) < 0)
		return -1;
	if (!advance_scan)
		return 0;
	return db_exec(db, sql_update_scanned_to,
		       DB_VALUES(db_u64(last), db_u64(first), db_u64(last)), NULL, err);
}

int gaps_record(struct db *db, uint32_t first, uint32_t last, const struct range_set *holes,
		bool advance_scan, struct error *err)
{
	if (db_begin(db, err) == 0 && record(db, first, last, holes, advance_scan, err) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

static int fail_gaps(struct db *db, uint32_t first, uint32_t last, const char *reason,
		     struct error *err)
{
	CLEANUP(gap_rows_release) struct gap_rows old = {.count = 0};
	CLEANUP(gap_rows_release) struct gap_rows rows = {.count = 0};
	uint64_t now_us;

	if (gap_rows_lock(db, err) < 0 || gap_rows_now(db, &now_us, err) < 0 ||
	    gap_rows_load(db, first, last, &old, err) < 0)
		return -1;
	gap_rows_fail(&old, first, last, reason, now_us, &rows);
	return gap_rows_save(db, &old, &rows, err);
}

static int set_reason(struct db *db, uint32_t first, uint32_t last, const char *reason,
		      struct error *err)
{
	if (db_begin(db, err) == 0 && fail_gaps(db, first, last, reason, err) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int gaps_set_reason(struct db *db, uint32_t first, uint32_t last, const char *reason,
		    struct error *err)
{
	if (set_reason(db, first, last, reason, err) == 0)
		return 0;
	if (err->kind != ERROR_DATA)
		return -1;
	return set_reason(db, first, last, GAP_REASON_REFUSED, err);
}
