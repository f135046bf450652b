/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/sql.h"

/* An invalid time is left to the server to refuse: then the error names the block. */
static void format_time(int64_t time_s, char text[static 20])
{
	time_t when = (time_t)time_s;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || strftime(text, 20, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(text, 20, "no time");
}

static void add_block(struct bulk *bulk, const struct ledger_slice *slice,
		      const struct block *block, bool is_delivered, const char *time)
{
	const char *virtual_state = block_virtual_name(block->virtual_state);
	const char *proof = block_proof_name(block->proof);

	bulk_add_u64(bulk, block->num);
	bulk_add_bytes(bulk, block->id, BLOCK_ID_BYTES);
	bulk_add_bytes(bulk, block->previous, BLOCK_ID_BYTES);
	bulk_add_bytes(bulk, time, strlen(time));
	bulk_add_u64(bulk, block->operation_count);
	bulk_add_u64(bulk, block->stored_count - block->stored_virtual_count);
	bulk_add_u64(bulk, block->virtual_count);
	bulk_add_u64(bulk, block->stored_virtual_count);
	bulk_add_bytes(bulk, virtual_state, strlen(virtual_state));
	bulk_add_bytes(bulk, proof, strlen(proof));
	bulk_add_u64(bulk, slice->commit->is_reversible ? 0 : 1);
	bulk_add_u64(bulk, is_delivered ? 1 : 0);
	bulk_add_u64(bulk, slice->commit->filter_id);
	bulk_add_u64(bulk, slice->reader_id);
}

static void add_operations(struct bulk *bulk, const struct block *block, size_t from,
			   const char *time)
{
	for (size_t i = from; i < block_total_count(block); i++) {
		const struct operation *op = &block->operations[i];

		if (!op->is_stored)
			continue;
		bulk_add_u64(bulk, block->num);
		bulk_add_u64(bulk, op->trx_in_block);
		bulk_add_u64(bulk, op->op_in_trx);
		bulk_add_u64(bulk, op->virtual_op);
		bulk_add_bytes(bulk, op->trx_id, op->trx_id ? strlen(op->trx_id) : 0);
		bulk_add_bytes(bulk, time, strlen(time));
		bulk_add_bytes(bulk, op->name, op->name_bytes);
		bulk_add_bytes(bulk, op->account, op->account_bytes);
		bulk_add_bytes(bulk, op->payload, op->payload_bytes);
	}
}

void ledger_rows_init(struct ledger_rows *rows, const struct ledger_slice *slice)
{
	static const enum bulk_type block_types[] = {
		BULK_U32, BULK_BYTES, BULK_BYTES, BULK_ASCII, BULK_U64, BULK_U64, BULK_U64,
		BULK_U64, BULK_ASCII, BULK_ASCII, BULK_U32,   BULK_U32, BULK_U32, BULK_U32};
	static const enum bulk_type operation_types[] = {BULK_U32,   BULK_U32,   BULK_U32,
							 BULK_U32,   BULK_ASCII, BULK_ASCII,
							 BULK_ASCII, BULK_ASCII, BULK_TEXT};

	rows->blocks = bulk_new(sql_insert_blocks, block_types,
				sizeof(block_types) / sizeof(block_types[0]));
	rows->operations = bulk_new(sql_insert_operations, operation_types,
				    sizeof(operation_types) / sizeof(operation_types[0]));
	rows->times = xcalloc(slice->count, sizeof(*rows->times));
	for (size_t i = 0; i < slice->count; i++) {
		const struct block *block = slice->entries[i].block;
		enum ledger_write write = slice->steps[i].write;

		if (write == WRITE_NOTHING)
			continue;
		format_time(block->timestamp_s, rows->times[i]);
		if (write == WRITE_NEW)
			add_block(rows->blocks, slice, block, slice->steps[i].is_delivered,
				  rows->times[i]);
		/* If a row is only confirmed, the virtual operations are added. */
		add_operations(rows->operations, block,
			       write == WRITE_CONFIRM ? block->operation_count : 0, rows->times[i]);
	}
	ledger_deliveries_init(&rows->deliveries, slice);
}

void ledger_rows_release(struct ledger_rows *rows)
{
	bulk_free(rows->blocks);
	bulk_free(rows->operations);
	ledger_deliveries_release(&rows->deliveries);
	free(rows->times);
}
