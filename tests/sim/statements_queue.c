/* SPDX-License-Identifier: MIT */
/*
 * Statements on deliveries. Bots are not simulated, so open and ended deliveries are not
 * distinguished.
 */
#include <stdio.h>
#include <string.h>

#include "sched.h"
#include "statements_impl.h"
#include "store/db_error.h"
#include "store/sql.h"

#define ID_BITS 20

/* There is no queue before the first reader has asked. */
bool model_select_queue(struct call *call)
{
	call->rows->column_count = 1;
	return true;
}

/* It is created, or another reader created it meanwhile. */
bool model_insert_queue(struct call *call)
{
	call->found = 1;
	return true;
}

/* (first, last) blocks, then the same as ids of deliveries. */
bool model_select_delivered(struct call *call)
{
	const struct delivered_row *row;
	uint64_t key;

	call->rows->column_count = 7;
	for (EACH_ROW(call->tx, TABLE_DELIVERED, take_u64(call, 0) << ID_BITS,
		      ((take_u64(call, 1) + 1) << ID_BITS) - 1, key, row)) {
		for (unsigned i = 0; i < 4; i++)
			give_u64(call, row->place[i]);
		give_text(call, row->queue);
		give_u64(call, row->block_crc);
		give_u64(call, key);
	}
	return true;
}

static bool is_same(const struct delivered_row *a, const struct delivered_row *b)
{
	return memcmp(a->place, b->place, sizeof(a->place)) == 0 && a->block_crc == b->block_crc &&
	       strcmp(a->queue, b->queue) == 0;
}

/* Two unique keys: the place and the id. */
static bool is_duplicate(struct call *call, const struct delivered_row *row, uint64_t id)
{
	const struct delivered_row *other;
	uint64_t key;

	for (EACH_ROW(call->tx, TABLE_DELIVERED, (uint64_t)row->place[0] << ID_BITS,
		      (((uint64_t)row->place[0] + 1) << ID_BITS) - 1, key, other))
		if (key == id || is_same(row, other))
			return true;
	return false;
}

bool model_insert_delivered(struct call *call)
{
	for (size_t i = 0; i < bulk_row_count(call->bulk); i++) {
		struct delivered_row *row = row_new(sizeof(*row));
		uint64_t id = bulk_u64(call, 6, i);

		for (unsigned j = 0; j < 4; j++)
			row->place[j] = (uint32_t)bulk_u64(call, j, i);
		snprintf(row->queue, sizeof(row->queue), "%s", bulk_text(call, 4, i));
		row->block_crc = (uint32_t)bulk_u64(call, 5, i);
		if (is_duplicate(call, row, id)) {
			call->error = DB_DUPLICATE_KEY;
			return true;
		}
		if (!row_write(call->tx, TABLE_DELIVERED, id, row))
			return false;
	}
	return true;
}

/* A delivery must have a row of `delivered`, which stands for it in the model. */
bool model_insert_deliveries(struct call *call)
{
	for (size_t i = 0; i < bulk_row_count(call->bulk); i++)
		if (!row_read(call->tx, TABLE_DELIVERED, bulk_u64(call, 0, i)))
			sim_fail("a delivery of block %llu without its fact",
				 (unsigned long long)bulk_u64(call, 2, i));
	return true;
}
