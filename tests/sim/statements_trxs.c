/* SPDX-License-Identifier: MIT */
/*
 * Statements on signed transactions.  A poster signs the first transaction of a block before that
 * block exists, so the number of the block names the transaction. It carries no row of the outbox.
 */
#include <stdio.h>
#include <string.h>

#include "chain.h"
#include "database.h"
#include "sched.h"
#include "statements_impl.h"

/* (time): the last block whose transactions count. */
bool model_select_open_trx(struct call *call)
{
	const struct signed_row *row;
	uint64_t key;

	call->rows->column_count = 1;
	for (EACH_ROW(call->tx, TABLE_SIGNED, 0, UINT64_MAX, key, row)) {
		if (row->is_confirmed || row->expiration_s > take_u64(call, 0))
			continue;
		give_text(call, row->trx_id);
		break;
	}
	return true;
}

static bool is_asked(const struct call *call, const char *trx_id)
{
	for (size_t i = 0; i < call->value_count; i++)
		if (strcmp(take_text(call, i), trx_id) == 0)
			return true;
	return false;
}

/* (trx_id, 32 times) */
bool model_select_signed_trxs(struct call *call)
{
	const struct signed_row *row;
	uint64_t key;

	call->rows->column_count = 1;
	for (EACH_ROW(call->tx, TABLE_SIGNED, 0, UINT64_MAX, key, row))
		if (!row->is_confirmed && is_asked(call, row->trx_id))
			give_text(call, row->trx_id);
	return true;
}

static uint64_t key_of(const struct call *call, size_t at)
{
	const struct signed_row *row;
	uint64_t key;

	for (EACH_ROW(call->tx, TABLE_SIGNED, 0, UINT64_MAX, key, row))
		if (strcmp(row->trx_id, take_text(call, at)) == 0)
			return key;
	sim_fail("nobody signed the trx %s", take_text(call, at));
}

/* (trx_id, block) */
bool model_insert_trx_seen(struct call *call)
{
	struct seen_row *row = row_new(sizeof(*row));

	row->block = (uint32_t)take_u64(call, 1);
	snprintf(row->trx_id, sizeof(row->trx_id), "%s", take_text(call, 0));
	call->found = 1;
	return row_write(call->tx, TABLE_TRXS_SEEN, key_of(call, 0), row);
}

static int compare_seen(const struct seen_row *a, const struct seen_row *b)
{
	return strcmp(a->trx_id, b->trx_id);
}

/* The first seen trx behind an id, in the order of the ids; NULL: none. */
static const struct seen_row *next_seen(const struct call *call, const struct seen_row *behind)
{
	const struct seen_row *first = NULL;
	const struct seen_row *row;
	uint64_t key;

	for (EACH_ROW(call->tx, TABLE_TRXS_SEEN, 0, UINT64_MAX, key, row))
		if (compare_seen(row, behind) > 0 && (!first || compare_seen(row, first) < 0))
			first = row;
	return first;
}

/* (trx_id, limit): the rows behind that place. */
bool model_select_trxs_seen(struct call *call)
{
	struct seen_row begin = {.block = 0};
	const struct seen_row *row = &begin;

	snprintf(begin.trx_id, sizeof(begin.trx_id), "%s", take_text(call, 0));
	call->rows->column_count = 5;
	for (uint64_t left = take_u64(call, 1); left > 0; left--) {
		row = next_seen(call, row);
		if (!row)
			break;
		give_text(call, row->trx_id);
		give_u64(call, row->block);
		give_u64(call, 1);
		give_u64(call, 0);
		give_u64(call, 0);
	}
	return true;
}

/* (trx_id): a row that another transaction has written is skipped. */
bool model_lock_signed_trx(struct call *call)
{
	uint64_t key = key_of(call, 0);
	const struct signed_row *row = row_read(call->tx, TABLE_SIGNED, key);

	call->rows->column_count = 1;
	if (row_write(call->tx, TABLE_SIGNED, key, row))
		give_text(call, row->trx_id);
	else
		database_end_idle(call->tx->blocker);
	return true;
}

/* (trx_id) */
bool model_update_trx_confirmed(struct call *call)
{
	uint64_t key = key_of(call, 0);
	const struct signed_row *old = row_read(call->tx, TABLE_SIGNED, key);
	struct signed_row *row = row_new(sizeof(*row));

	*row = *old;
	row->is_confirmed = true;
	call->found = old->is_confirmed ? 0 : 1;
	return row_write(call->tx, TABLE_SIGNED, key, row);
}

/* (trx_id) */
bool model_delete_trx_seen(struct call *call)
{
	uint64_t key = key_of(call, 0);

	call->found = row_read(call->tx, TABLE_TRXS_SEEN, key) != NULL;
	return call->found == 0 || row_write(call->tx, TABLE_TRXS_SEEN, key, NULL);
}
