/* SPDX-License-Identifier: MIT */
/* The table of all statements; their parameters and results. */
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sched.h"
#include "statements_impl.h"
#include "store/db_error.h"
#include "store/sql.h"

/* Results. */

static struct cell *new_cell(struct call *call)
{
	struct result_rows *rows = call->rows;

	if (rows->cell_count == rows->cell_capacity) {
		rows->cell_capacity = rows->cell_capacity ? 2 * rows->cell_capacity : 32;
		rows->cells = xreallocarray(rows->cells, rows->cell_capacity, sizeof(*rows->cells));
	}
	return &rows->cells[rows->cell_count++];
}

void give_u64(struct call *call, uint64_t number)
{
	*new_cell(call) = (struct cell){.number = number};
}

void give_null(struct call *call)
{
	*new_cell(call) = (struct cell){.is_null = true};
}

void give_bytes(struct call *call, const void *data, size_t len)
{
	*new_cell(call) = (struct cell){.data = data, .len = len};
}

void give_text(struct call *call, const char *text)
{
	give_bytes(call, text, strlen(text));
}

/* Parameters. */

uint64_t take_u64(const struct call *call, size_t at)
{
	return call->values[at].number;
}

const char *take_text(const struct call *call, size_t at)
{
	return call->values[at].type == DB_NULL ? NULL : call->values[at].data;
}

uint64_t bulk_u64(const struct call *call, size_t column, size_t row)
{
	const struct bulk_column *values = bulk_column(call->bulk, column);

	return values->type == BULK_U32 ? values->u32[row] : values->u64[row];
}

uint64_t bulk_u64_or(const struct call *call, size_t column, size_t row, uint64_t null)
{
	return bulk_column(call->bulk, column)->nulls[row] ? null : bulk_u64(call, column, row);
}

const char *bulk_text(const struct call *call, size_t column, size_t row)
{
	const struct bulk_column *values = bulk_column(call->bulk, column);
	char *copy;

	if (values->nulls[row])
		return NULL;
	copy = row_new(values->lens[row] + 1);
	memcpy(copy, values->data[row], values->lens[row]);
	return copy;
}

static const struct {
	const char *sql;
	bool (*run)(struct call *call);
} statements[] = {
	{sql_delete_claim, model_delete_claim},
	{sql_delete_claims_expired, model_delete_claims},
	{sql_delete_comment_seen, model_delete_comment_seen},
	{sql_delete_known_gaps, model_delete_gaps},
	{sql_delete_operations, model_delete_operations},
	{sql_delete_ranges_covered, model_change_ranges},
	{sql_delete_reader, model_delete_reader},
	{sql_delete_reader_claims, model_delete_claims},
	{sql_delete_session_claims, model_delete_claims},
	{sql_delete_trx_seen, model_delete_trx_seen},
	{sql_delete_witness_keys, model_delete_witness_keys},
	{sql_delete_signer_key, model_delete_witness_keys},
	{sql_insert_blocks, model_insert_blocks},
	{sql_insert_claim, model_insert_claim},
	{sql_insert_comment_seen, model_insert_comment_seen},
	{sql_insert_delivered, model_insert_delivered},
	{sql_insert_filter, model_insert_filter},
	{sql_insert_known_gaps, model_insert_gaps},
	{sql_insert_late_deliveries, model_insert_deliveries},
	{sql_insert_open_deliveries, model_insert_deliveries},
	{sql_insert_operations, model_insert_operations},
	{sql_insert_orphans, model_insert_orphans},
	{sql_insert_queue, model_insert_queue},
	{sql_insert_range, model_insert_range},
	{sql_insert_trx_seen, model_insert_trx_seen},
	{sql_insert_witness_key, model_insert_witness_key},
	{sql_lock_bookkeeping, model_lock_bookkeeping},
	{sql_lock_comment, model_lock_comment},
	{sql_lock_signed_trx, model_lock_signed_trx},
	{sql_select_active_filter, model_select_active_filter},
	{sql_select_blocks_between, model_select_blocks},
	{sql_select_claims, model_select_claims},
	{sql_select_comments_seen, model_select_comments_seen},
	{sql_select_delivered, model_select_delivered},
	{sql_select_filter, model_select_filter},
	{sql_select_gap_below, model_select_gap_below},
	{sql_select_gaps_due, model_select_gaps_due},
	{sql_select_irreversible, model_select_irreversible},
	{sql_select_keys_lately, model_select_keys_lately},
	{sql_select_keys_whole, model_select_keys_whole},
	{sql_select_known_gaps, model_select_gaps},
	{sql_select_newest_block, model_select_edge_block},
	{sql_select_next_author, model_select_outbox_authors},
	{sql_select_now, model_select_now},
	{sql_select_oldest_block, model_select_edge_block},
	{sql_select_open_trx, model_select_open_trx},
	{sql_select_outdated, model_select_blocks},
	{sql_select_outbox_authors, model_select_outbox_authors},
	{sql_select_queue, model_select_queue},
	{sql_select_ranges, model_select_ranges},
	{sql_select_reader, model_select_reader},
	{sql_select_schema_version, model_select_schema_version},
	{sql_select_signed_trxs, model_select_signed_trxs},
	{sql_select_stored_numbers, model_select_blocks},
	{sql_select_trxs_seen, model_select_trxs_seen},
	{sql_select_witness_key, model_select_witness_key},
	{sql_sum_gaps, model_sum_gaps},
	{sql_update_block, model_update_block},
	{sql_update_claim_expired, model_update_claim_expired},
	{sql_update_claims_renewed, model_renew_claims},
	{sql_update_comment_confirmed, model_confirm_comment},
	{sql_update_filter_active, model_activate_filter},
	{sql_update_irreversible_kept, model_keep_irreversible},
	{sql_update_open_first, model_change_ranges},
	{sql_update_ranges_shortened, model_change_ranges},
	{sql_update_key_signed, model_update_key_signed},
	{sql_update_reader_heartbeat, model_update_reader},
	{sql_update_reader_progress, model_update_reader},
	{sql_update_reader_stopped, model_update_reader},
	{sql_update_scanned_to, model_change_ranges},
	{sql_update_trx_confirmed, model_update_trx_confirmed},
	{sql_upsert_reader, model_upsert_reader},
	{sql_upsert_witness_key, model_insert_witness_key},
};

bool statement_run(struct call *call)
{
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (statements[i].sql == call->sql)
			return statements[i].run(call);
	sim_fail("this statement has no model in tests/sim yet: %s", call->sql);
}
