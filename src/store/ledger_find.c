/* SPDX-License-Identifier: MIT */
/* Finds stored blocks: the newest, the oldest, and those that are outdated. */
#include "base/mem.h"
#include "base/number.h"
#include "store/db.h"
#include "store/ledger.h"
#include "store/sql.h"

#define STATEMENT_BLOCKS 100000 /* that one statement looks through for outdated ones */

static int read_block(struct db *db, const char *sql, const struct db_value *values, size_t count,
		      struct stored_block *ret_block, bool *ret_found, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql, values, count, &rows, err);

	*ret_found = result > 0;
	if (result <= 0)
		return result;
	ret_block->num = (uint32_t)db_row_u64(rows, SELECT_NEWEST_BLOCK_BLOCK);
	db_row_bytes(rows, SELECT_NEWEST_BLOCK_BLOCK_ID, ret_block->id, BLOCK_ID_BYTES);
	db_row_bytes(rows, SELECT_NEWEST_BLOCK_PREVIOUS, ret_block->previous, BLOCK_ID_BYTES);
	ret_block->timestamp_s = (int64_t)db_row_u64(rows, SELECT_NEWEST_BLOCK_TIMESTAMP_S);
	return 0;
}

int ledger_newest(struct db *db, uint32_t limit, struct stored_block *ret_block, bool *ret_found,
		  struct error *err)
{
	return read_block(db, sql_select_newest_block, DB_VALUES(db_u64(limit)), ret_block,
			  ret_found, err);
}

int ledger_oldest(struct db *db, struct stored_block *ret_block, bool *ret_found, struct error *err)
{
	return read_block(db, sql_select_oldest_block, DB_NO_VALUES, ret_block, ret_found, err);
}

/* Find at most *left outdated blocks of first..last, in one statement. */
static int find_outdated(struct db *db, unsigned outdated, uint32_t filter_id, uint64_t first,
			 uint64_t last, uint64_t *left, struct range_set *ret_blocks,
			 struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_stream(db, sql_select_outdated,
			 DB_VALUES(db_u64(first), db_u64(last),
				   db_u64(outdated & LEDGER_OUTDATED_FILTER), db_u64(filter_id),
				   db_u64(outdated & LEDGER_OUTDATED_VIRTUAL),
				   db_u64(outdated & LEDGER_OUTDATED_DELIVERY), db_u64(filter_id),
				   db_u64(*left)),
			 err);
	for (; rows && (result = db_rows_next(rows, err)) > 0; (*left)--) {
		uint32_t num = (uint32_t)db_row_u64(rows, SELECT_OUTDATED_BLOCK);

		range_add(ret_blocks, num, num);
	}
	return result;
}

int ledger_find_outdated(struct db *db, unsigned outdated, uint32_t filter_id,
			 const struct range_set *within, uint32_t max_blocks,
			 struct range_set *ret_blocks, struct error *err)
{
	uint64_t left = max_blocks;

	for (size_t i = 0; i < within->count; i++) {
		uint64_t first = within->items[i].first;
		uint64_t end = (uint64_t)within->items[i].last + 1;

		for (; first < end && left > 0; first += STATEMENT_BLOCKS) {
			uint64_t next = first + STATEMENT_BLOCKS;

			if (find_outdated(db, outdated, filter_id, first, min_u64(next, end) - 1,
					  &left, ret_blocks, err) < 0)
				return -1;
		}
	}
	return 0;
}
