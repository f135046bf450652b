/* SPDX-License-Identifier: MIT */
/*
 * From the text of a block to rows: whatever a node sends, nothing breaks, and what is
 * accepted holds to the contract of the tables.  Input: four bytes of block number, then JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "check.h"
#include "steem/accounts.h"
#include "steem/decode.h"
#include "steem/decode_virtual.h"
#include "steem/json.h"
#include "store/ledger_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

/* The canonical form of a canonical text is that text. */
static void check_payload(const struct operation *op)
{
	struct arena *arena = arena_new();
	struct json_cursor cursor;
	struct json_slice again;
	bool is_replaced = false;

	MUST(strlen(op->payload) == op->payload_bytes);
	json_open(&cursor, op->payload, op->payload_bytes);
	MUST(json_take_canonical(&cursor, arena, &again, &is_replaced));
	MUST(again.len == op->payload_bytes && memcmp(again.data, op->payload, again.len) == 0);
	MUST(!is_replaced);
	arena_free(arena);
}

static void check_block(const struct block *block, uint32_t num)
{
	MUST(block->num == num && block_id_num(block->id) == num);
	MUST(block_id_num(block->previous) == num - 1);
	for (size_t i = 0; i < block_total_count(block); i++) {
		const struct operation *op = &block->operations[i];

		MUST(op->account == NULL || op->account_bytes <= BLOCK_ACCOUNT_BYTES);
		MUST(op->name_bytes > 0 && strlen(op->name) == op->name_bytes);
		MUST(op->trx_id == NULL || strlen(op->trx_id) == BLOCK_ID_HEX);
		check_payload(op);
	}
}

/* Its rows as the text of an INSERT. */
static void write_rows(struct block *block)
{
	struct ledger_entry entry = {.block = block};
	struct ledger_step step = {.write = WRITE_NEW};
	struct ledger_commit commit = {.entries = &entry, .count = 1, .filter_id = 1};
	struct ledger_slice slice = {
		.commit = &commit, .entries = &entry, .count = 1, .steps = &step};
	struct ledger_rows rows;
	struct error err = ERROR_INIT;
	CLEANUP(buf_release) struct buf sql = BUF_INIT((size_t)1 << 26);

	ledger_rows_init(&rows, &slice);
	MUST(bulk_row_count(rows.operations) == block_total_count(block));
	(void)!bulk_write_text(rows.blocks, 0, 1, &sql, &err);
	buf_reset(&sql);
	if (bulk_row_count(rows.operations) > 0)
		(void)!bulk_write_text(rows.operations, 0, bulk_row_count(rows.operations), &sql,
				       &err);
	ledger_rows_release(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct block *block;
	uint32_t num;
	size_t len;
	char *text;

	text = take_numbered_text(data, size, &num, &len);
	if (!text)
		return 0;
	block = decode_block(text, len, num, NULL, &err);
	if (block) {
		check_block(block, num);
		write_rows(block);
		/* The same bytes as the answer about its virtual operations. */
		if (decode_virtual(text, len, block, &err) == 0)
			check_block(block, num);
	} else {
		MUST(err.kind == ERROR_NODE && err.text[0]);
	}
	block_free(block);
	free(text);
	return 0;
}
