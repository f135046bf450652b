/* SPDX-License-Identifier: MIT */
#include "store/overview.h"

#include "base/mem.h"
#include "store/db.h"
#include "store/sql.h"

int overview_load(struct db *db, uint32_t decided, struct overview *ret_overview, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql_select_overview, DB_VALUES(db_u64(decided)), &rows, err);

	if (result < 0)
		return -1;
	if (result == 0)
		return error_set(err, ERROR_FATAL, "the overview of the tables has no row");
	*ret_overview = (struct overview){
		.irreversible_block =
			(uint32_t)db_row_u64(rows, SELECT_OVERVIEW_IRREVERSIBLE_BLOCK),
		.gap_ranges = db_row_u64(rows, SELECT_OVERVIEW_GAP_RANGES),
		.gap_blocks = db_row_u64(rows, SELECT_OVERVIEW_GAP_BLOCKS),
		.first_gap = (uint32_t)db_row_u64(rows, SELECT_OVERVIEW_FIRST_GAP),
		.oldest_s = (int64_t)db_row_u64(rows, SELECT_OVERVIEW_OLDEST_S),
		.alive = (unsigned)db_row_u64(rows, SELECT_OVERVIEW_ALIVE),
	};
	return 0;
}
