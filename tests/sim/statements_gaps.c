/* SPDX-License-Identifier: MIT */
/* Statements on known_gaps. */
#include <string.h>

#include "statements_impl.h"
#include "store/db_error.h"
#include "store/gap_rows.h"
#include "store/sql.h"

#define DUE_PAGE        500
#define LONGEST_WAIT_US (UINT64_C(1000000) * 660)

static void give_time(struct call *call, uint64_t time_us)
{
	if (time_us == GAP_NEVER)
		give_null(call);
	else
		give_u64(call, time_us);
}

bool model_select_gaps(struct call *call)
{
	const struct gap_row_model *row;
	uint64_t key;

	call->rows->column_count = 7;
	for (EACH_ROW(call->tx, TABLE_GAPS, take_u64(call, 0), take_u64(call, 1), key, row)) {
		give_u64(call, row->first);
		give_u64(call, row->last);
		if (row->reason)
			give_text(call, row->reason);
		else
			give_null(call);
		give_u64(call, row->attempts);
		give_time(call, row->tried_us);
		give_time(call, row->retry_us);
		give_u64(call, row->found_us);
	}
	return true;
}

bool model_select_gap_below(struct call *call)
{
	uint64_t key, below = take_u64(call, 0);
	const struct gap_row_model *row =
		below > 0 ? row_last(call->tx, TABLE_GAPS, 0, below - 1, &key) : NULL;

	call->rows->column_count = 2;
	if (!row)
		return true;
	give_u64(call, row->first);
	give_u64(call, row->last);
	return true;
}

bool model_delete_gaps(struct call *call)
{
	const struct gap_row_model *row;
	uint64_t key;

	for (EACH_ROW(call->tx, TABLE_GAPS, take_u64(call, 0), take_u64(call, 1), key, row)) {
		if (!row_write(call->tx, TABLE_GAPS, key, NULL))
			return false;
		call->found++;
	}
	return true;
}

bool model_insert_gaps(struct call *call)
{
	for (size_t i = 0; i < bulk_row_count(call->bulk); i++) {
		struct gap_row_model *row = row_new(sizeof(*row));

		row->first = (uint32_t)bulk_u64_or(call, 0, i, 0);
		row->last = (uint32_t)bulk_u64_or(call, 1, i, 0);
		row->reason = bulk_text(call, 2, i);
		row->attempts = bulk_u64_or(call, 3, i, 0);
		row->tried_us = bulk_u64_or(call, 4, i, GAP_NEVER);
		row->retry_us = bulk_u64_or(call, 5, i, GAP_NEVER);
		row->found_us = bulk_u64_or(call, 6, i, 0);
		if (row_read(call->tx, TABLE_GAPS, row->first)) {
			call->error = DB_DUPLICATE_KEY;
			return true;
		}
		if (!row_write(call->tx, TABLE_GAPS, row->first, row))
			return false;
	}
	return true;
}

/* A time too far in the future was written while the clock was ahead. */
static bool waits_still(const struct call *call, const struct gap_row_model *row)
{
	return row->retry_us == GAP_NEVER ||
	       (row->retry_us > call->now_us && row->retry_us <= call->now_us + LONGEST_WAIT_US);
}

/* (name, session, last, first) */
bool model_select_gaps_due(struct call *call)
{
	const struct reader_row *reader = find_session(call, 0);
	uint64_t last = take_u64(call, 2), first = take_u64(call, 3);
	const struct gap_row_model *row;
	uint64_t key = last + 1;

	call->rows->column_count = 2;
	for (unsigned count = 0; count < DUE_PAGE && key > 0;) {
		row = row_last(call->tx, TABLE_GAPS, 0, key - 1, &key);
		if (!row)
			break;
		if (row->last < first ||
		    (row->tried_us != GAP_NEVER && reader && row->tried_us >= reader->started_us &&
		     waits_still(call, row)))
			continue;
		give_u64(call, row->first);
		give_u64(call, row->last);
		count++;
	}
	return true;
}

/* (last, first, name, session, last, first) */
bool model_sum_gaps(struct call *call)
{
	const struct reader_row *reader = find_session(call, 2);
	uint64_t last = take_u64(call, 0), first = take_u64(call, 1);
	uint64_t missing = 0, failed = 0, waits = 0, next_us = GAP_NEVER;
	const struct gap_row_model *row;
	uint64_t key;

	for (EACH_ROW(call->tx, TABLE_GAPS, 0, last, key, row)) {
		uint64_t count;
		bool is_tried;

		if (row->last < first)
			continue;
		count = (row->last < last ? row->last : last) -
			(row->first > first ? row->first : first) + 1;
		is_tried =
			row->tried_us != GAP_NEVER && reader && row->tried_us >= reader->started_us;
		missing += count;
		failed += is_tried ? count : 0;
		if (!is_tried || row->retry_us == GAP_NEVER || !waits_still(call, row))
			continue;
		waits++;
		if (row->retry_us - call->now_us < next_us)
			next_us = row->retry_us - call->now_us;
	}
	call->rows->column_count = 4;
	give_u64(call, missing);
	give_u64(call, failed);
	give_u64(call, waits);
	give_time(call, next_us);
	return true;
}
