/* SPDX-License-Identifier: MIT */
/* Statements on witness_keys. */
#include <stdio.h>
#include <string.h>

#include "sched.h"
#include "statements_impl.h"
#include "store/sql.h"
#include "witness.h"

uint64_t key_place(const char *witness, uint32_t since)
{
	int index = witness_find(witness);

	if (index < 0)
		sim_fail("the reader stored a key of %s, which is not a witness", witness);
	return (uint64_t)index << 32 | since;
}

/* (witness, since_block, signing_key), and last_signed from nodes, not from the chain. */
bool model_insert_witness_key(struct call *call)
{
	bool is_of_nodes = call->sql == sql_insert_witness_key;
	uint32_t since = (uint32_t)take_u64(call, 1);
	uint64_t key = key_place(take_text(call, 0), since);
	const struct key_row *old = row_read(call->tx, TABLE_KEYS, key);
	struct key_row *row = row_new(sizeof(*row));

	if (is_of_nodes && old)
		return true;
	row->since = since;
	row->is_of_nodes = is_of_nodes;
	snprintf(row->key, sizeof(row->key), "%s", take_text(call, 2));
	if (is_of_nodes)
		row->last_signed = take_u64(call, 3);
	else if (old && strcmp(old->key, row->key) == 0)
		row->last_signed = old->last_signed;
	call->found = 1;
	return row_write(call->tx, TABLE_KEYS, key, row);
}

/*
 * (since_block): the simulated chain changes no key, and no irreversible block is replaced, so there is
 * nothing to delete.
 */
bool model_delete_witness_keys(struct call *call)
{
	call->found = 0;
	return true;
}

/* (witness, block) */
bool model_select_witness_key(struct call *call)
{
	const char *witness = take_text(call, 0);
	uint64_t block = take_u64(call, 1), key;
	const struct key_row *row = row_last(call->tx, TABLE_KEYS, key_place(witness, 0),
					     key_place(witness, (uint32_t)block - 1), &key);

	call->rows->column_count = 4;
	if (!row)
		return true;
	give_text(call, row->key);
	give_u64(call, row->since);
	give_text(call, row->is_of_nodes ? "nodes" : "chain");
	give_u64(call, row->last_signed);
	return true;
}

/* (from, below, from, below) */
bool model_select_keys_lately(struct call *call)
{
	uint64_t from = take_u64(call, 0), below = take_u64(call, 1), key;
	const struct key_row *row;

	call->rows->column_count = 5;
	for (EACH_ROW(call->tx, TABLE_KEYS, 0, UINT64_MAX, key, row)) {
		if (row->since >= below || (row->last_signed < from && row->since < from))
			continue;
		give_text(call, witness_name((unsigned)(key >> 32)));
		give_u64(call, row->since);
		give_text(call, row->key);
		give_text(call, row->is_of_nodes ? "nodes" : "chain");
		give_u64(call, row->last_signed);
	}
	return true;
}

/* (last_signed, witness, since_block, last_signed) */
bool model_update_key_signed(struct call *call)
{
	uint64_t key = key_place(take_text(call, 1), (uint32_t)take_u64(call, 2));
	const struct key_row *old = row_read(call->tx, TABLE_KEYS, key);
	struct key_row *row;

	call->found = 0;
	if (!old || old->last_signed >= take_u64(call, 0))
		return true;
	row = row_new(sizeof(*row));
	*row = *old;
	row->last_signed = take_u64(call, 0);
	call->found = 1;
	return row_write(call->tx, TABLE_KEYS, key, row);
}

/* (since, since, since, block, since, block, block, since, since, block) */
bool model_select_keys_whole(struct call *call)
{
	uint64_t since = take_u64(call, 0), block = take_u64(call, 3), key, left;
	const struct range_row *open = find_open(call);
	const struct gap_row_model *gap;
	const struct block_row *row;

	call->rows->column_count = 1;
	if (!open || open->first > since + 1)
		return true;
	for (EACH_ROW(call->tx, TABLE_GAPS, 0, block - 1, key, gap))
		if (gap->last > since)
			return true;
	for (EACH_ROW(call->tx, TABLE_BLOCKS, since + 1, block - 1, key, row))
		if (strcmp(row->proof, "none") == 0)
			return true;
	if (open->scanned_to > since)
		since = open->scanned_to;
	left = block - 1 > since ? block - 1 - since : 0;
	for (EACH_ROW(call->tx, TABLE_BLOCKS, since + 1, block - 1, key, row))
		left -= row->is_irreversible;
	if (left == 0)
		give_u64(call, 1);
	return true;
}
