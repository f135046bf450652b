/* SPDX-License-Identifier: MIT */
/* Statements on blocks and operations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sched.h"
#include "statements_impl.h"
#include "store/db_error.h"
#include "store/sql.h"

/* The columns of blocks, by name, because each statement has its own order. */

enum block_column {
	BLOCK_NUM,
	BLOCK_ID,
	BLOCK_PREVIOUS,
	BLOCK_TIMESTAMP,
	BLOCK_OPERATIONS,
	BLOCK_STORED,
	BLOCK_VIRTUAL,
	BLOCK_STORED_VIRTUAL,
	BLOCK_VIRTUAL_STATE,
	BLOCK_PROOF,
	BLOCK_IRREVERSIBLE,
	BLOCK_DELIVERED,
	BLOCK_FILTER,
	BLOCK_READER,
	BLOCK_COMMITTED,
	BLOCK_COLUMNS
};

static const char *const block_columns[] = {"block",
					    "block_id",
					    "previous",
					    "timestamp",
					    "operations",
					    "stored_operations",
					    "virtual_operations",
					    "stored_virtual_operations",
					    "virtual_state",
					    "proof",
					    "is_irreversible",
					    "is_delivered",
					    "filter_id",
					    "reader_id",
					    "committed_at"};

/* Parse the column names at the beginning of `text`, up to the first other word. */
static size_t parse_columns(const char *text, enum block_column *ret_columns)
{
	size_t count = 0;

	for (;;) {
		size_t len, column = 0;

		text += strspn(text, " ,\n\t");
		len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
		while (column < BLOCK_COLUMNS && (strlen(block_columns[column]) != len ||
						  strncmp(block_columns[column], text, len) != 0))
			column++;
		if (column == BLOCK_COLUMNS)
			return count;
		ret_columns[count++] = (enum block_column)column;
		text += len;
	}
}

static const char *behind(const char *sql, const char *words)
{
	const char *at = strstr(sql, words);

	if (!at)
		sim_fail("\"%s\" is looked for in: %s", words, sql);
	return at + strlen(words);
}

static void give_column(struct call *call, const struct block_row *row, enum block_column column)
{
	char *text;

	switch (column) {
	case BLOCK_NUM:
		give_u64(call, row->num);
		break;
	case BLOCK_ID:
		give_bytes(call, row->id, BLOCK_ID_BYTES);
		break;
	case BLOCK_PREVIOUS:
		give_bytes(call, row->previous, BLOCK_ID_BYTES);
		break;
	case BLOCK_TIMESTAMP:
		give_text(call, row->timestamp);
		break;
	case BLOCK_OPERATIONS:
		give_u64(call, row->operations);
		break;
	case BLOCK_STORED:
		give_u64(call, row->stored_operations);
		break;
	case BLOCK_VIRTUAL:
		give_u64(call, row->virtual_operations);
		break;
	case BLOCK_STORED_VIRTUAL:
		give_u64(call, row->stored_virtual_operations);
		break;
	case BLOCK_VIRTUAL_STATE:
		give_text(call, row->virtual_state);
		break;
	case BLOCK_PROOF:
		give_text(call, row->proof);
		break;
	case BLOCK_IRREVERSIBLE:
		give_u64(call, row->is_irreversible);
		break;
	case BLOCK_DELIVERED:
		give_u64(call, row->is_delivered);
		break;
	case BLOCK_FILTER:
		give_u64(call, row->filter_id);
		break;
	case BLOCK_READER:
		give_u64(call, row->reader_id);
		break;
	case BLOCK_COMMITTED:
		text = row_new(24);
		snprintf(text, 24, "%llu", (unsigned long long)row->committed_us);
		give_text(call, text);
		break;
	case BLOCK_COLUMNS:
		break;
	}
}

/* Selects from blocks: only the text says whether the statement wants irreversible rows only. */

struct block_select {
	enum block_column columns[BLOCK_COLUMNS];
	size_t column_count;
	bool only_irreversible;
};

static void open_select(struct call *call, struct block_select *ret)
{
	ret->column_count = parse_columns(behind(call->sql, "SELECT "), ret->columns);
	ret->only_irreversible = strstr(call->sql, "is_irreversible = 1") != NULL;
	call->rows->column_count = (unsigned)ret->column_count;
}

static void give_block(struct call *call, const struct block_select *select,
		       const struct block_row *row)
{
	for (size_t i = 0; i < select->column_count; i++)
		give_column(call, row, select->columns[i]);
}

/* The values of select_outdated behind the first two, but for its limit. There are no purges. */
static bool is_outdated(const struct call *call, const struct block_row *row)
{
	return (take_u64(call, 2) != 0 && row->filter_id != take_u64(call, 3)) ||
	       (take_u64(call, 4) != 0 && (strcmp(row->virtual_state, "complete") != 0 ||
					   (row->num < 864000 && row->virtual_operations == 0))) ||
	       (take_u64(call, 5) != 0 && !row->is_delivered &&
		(take_u64(call, 6) == 0 || take_u64(call, 6) == row->filter_id));
}

/* (first, last); select_outdated has more. */
bool model_select_blocks(struct call *call)
{
	bool wants_outdated = call->sql == sql_select_outdated;
	uint64_t left = wants_outdated ? take_u64(call, 7) : UINT64_MAX;
	uint64_t last = take_u64(call, 1);
	const struct block_row *row;
	struct block_select select;
	uint64_t key;

	open_select(call, &select);
	for (EACH_ROW(call->tx, TABLE_BLOCKS, take_u64(call, 0), last, key, row)) {
		if ((select.only_irreversible && !row->is_irreversible) ||
		    (wants_outdated && !is_outdated(call, row)))
			continue;
		if (left-- == 0)
			break;
		give_block(call, &select, row);
	}
	return true;
}

/* Seconds since 1970 for a time in the table's form. */
static int64_t seconds_of(const char *timestamp)
{
	struct tm time = {.tm_year = 0};

	if (!strptime(timestamp, "%Y-%m-%d %H:%M:%S", &time))
		sim_fail("%s is no time", timestamp);
	return timegm(&time);
}

bool model_select_edge_block(struct call *call)
{
	bool is_newest = call->sql == sql_select_newest_block;
	uint64_t first = 0, last = is_newest ? take_u64(call, 0) : UINT32_MAX;
	const struct block_row *row;
	struct block_select select;
	uint64_t key;

	open_select(call, &select);
	call->rows->column_count++; /* timestamp_s */
	do {
		row = is_newest ? row_last(call->tx, TABLE_BLOCKS, first, last, &key)
				: row_first(call->tx, TABLE_BLOCKS, first, last, &key);
		if (is_newest)
			last = key - 1;
		else
			first = key + 1;
	} while (row && select.only_irreversible && !row->is_irreversible);
	if (!row)
		return true;
	give_block(call, &select, row);
	give_u64(call, (uint64_t)seconds_of(row->timestamp));
	return true;
}

static void set_column(struct call *call, struct block_row *row, enum block_column column,
		       size_t at, size_t of)
{
	const char *text = NULL;
	uint64_t number = 0;

	if (bulk_column(call->bulk, at)->type >= BULK_TEXT)
		text = bulk_text(call, at, of);
	else
		number = bulk_u64(call, at, of);
	if (column == BLOCK_NUM)
		row->num = (uint32_t)number;
	else if (column == BLOCK_ID)
		memcpy(row->id, text, BLOCK_ID_BYTES);
	else if (column == BLOCK_PREVIOUS)
		memcpy(row->previous, text, BLOCK_ID_BYTES);
	else if (column == BLOCK_TIMESTAMP)
		snprintf(row->timestamp, sizeof(row->timestamp), "%s", text);
	else if (column == BLOCK_OPERATIONS)
		row->operations = number;
	else if (column == BLOCK_STORED)
		row->stored_operations = number;
	else if (column == BLOCK_VIRTUAL)
		row->virtual_operations = number;
	else if (column == BLOCK_STORED_VIRTUAL)
		row->stored_virtual_operations = number;
	else if (column == BLOCK_VIRTUAL_STATE)
		snprintf(row->virtual_state, sizeof(row->virtual_state), "%s", text);
	else if (column == BLOCK_PROOF)
		snprintf(row->proof, sizeof(row->proof), "%s", text);
	else if (column == BLOCK_IRREVERSIBLE)
		row->is_irreversible = number != 0;
	else if (column == BLOCK_DELIVERED)
		row->is_delivered = number != 0;
	else if (column == BLOCK_FILTER)
		row->filter_id = number;
	else if (column == BLOCK_READER)
		row->reader_id = number;
}

bool model_insert_blocks(struct call *call)
{
	enum block_column columns[BLOCK_COLUMNS];
	size_t count = parse_columns(behind(call->sql, "INTO blocks ("), columns);

	for (size_t i = 0; i < bulk_row_count(call->bulk); i++) {
		struct block_row *row = row_new(sizeof(*row));

		row->is_irreversible = true;
		row->committed_us = call->now_us;
		for (size_t at = 0; at < count; at++)
			if (columns[at] != BLOCK_COMMITTED)
				set_column(call, row, columns[at], at, i);
		/*
		 * A row that another transaction has just written must be waited for, not
		 * ignored.
		 */
		if (!row_write(call->tx, TABLE_BLOCKS, row->num, row))
			return false;
		tx_undo_to(call->tx, call->tx->write_count - 1);
		if (row_read(call->tx, TABLE_BLOCKS, row->num)) {
			call->error = DB_DUPLICATE_KEY;
			return true;
		}
		if (!row_write(call->tx, TABLE_BLOCKS, row->num, row))
			return false;
	}
	return true;
}

bool model_update_block(struct call *call)
{
	uint64_t num = take_u64(call, 12);
	const struct block_row *old = row_read(call->tx, TABLE_BLOCKS, num);
	struct block_row *row;

	if (!old || memcmp(old->id, take_text(call, 13), BLOCK_ID_BYTES) != 0 ||
	    strtoull(take_text(call, 14), NULL, 10) != old->committed_us) {
		/* The row may be about to match: an UPDATE waits for the lock before it checks. */
		if (old && !row_write(call->tx, TABLE_BLOCKS, num, old))
			return false;
		if (old)
			tx_undo_to(call->tx, call->tx->write_count - 1);
		return true;
	}
	row = row_new(sizeof(*row));
	*row = *old;
	memcpy(row->id, take_text(call, 0), BLOCK_ID_BYTES);
	memcpy(row->previous, take_text(call, 1), BLOCK_ID_BYTES);
	snprintf(row->timestamp, sizeof(row->timestamp), "%s", take_text(call, 2));
	row->operations = take_u64(call, 3);
	row->stored_operations = take_u64(call, 4);
	row->virtual_operations = take_u64(call, 5);
	row->stored_virtual_operations = take_u64(call, 6);
	snprintf(row->virtual_state, sizeof(row->virtual_state), "%s", take_text(call, 7));
	snprintf(row->proof, sizeof(row->proof), "%s", take_text(call, 8));
	row->is_irreversible = true;
	row->is_delivered = take_u64(call, 9) != 0;
	row->filter_id = take_u64(call, 10);
	row->reader_id = take_u64(call, 11);
	row->committed_us = call->now_us;
	call->found = 1;
	return row_write(call->tx, TABLE_BLOCKS, num, row);
}

/* Operations: one row here has all operations of a block. */

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (const char *at = text ? text : "\1"; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
	return (hash ^ 0xff) * UINT64_C(1099511628211);
}

uint64_t op_hash(const char *trx_id, const char *timestamp, const char *name, const char *payload)
{
	uint64_t hash = hash_text(UINT64_C(14695981039346656037), trx_id);

	hash = hash_text(hash, timestamp);
	hash = hash_text(hash, name);
	return hash_text(hash, payload);
}

static int compare_ops(const void *a, const void *b)
{
	const struct op *left = a, *right = b;

	if (left->trx_in_block != right->trx_in_block)
		return left->trx_in_block < right->trx_in_block ? -1 : 1;
	if (left->op_in_trx != right->op_in_trx)
		return left->op_in_trx < right->op_in_trx ? -1 : 1;
	if (left->virtual_op != right->virtual_op)
		return left->virtual_op < right->virtual_op ? -1 : 1;
	return 0;
}

/* The rows from..to of the bulk belong to one block. */
static bool insert_block_ops(struct call *call, uint64_t num, size_t from, size_t to)
{
	const struct op_rows *old = row_read(call->tx, TABLE_OPERATIONS, num);
	size_t old_count = old ? old->count : 0;
	size_t count = old_count + to - from;
	struct op_rows *rows = row_new(sizeof(*rows) + count * sizeof(rows->items[0]));

	if (old)
		memcpy(rows->items, old->items, old->count * sizeof(rows->items[0]));
	for (size_t i = from; i < to; i++)
		rows->items[old_count + i - from] = (struct op){
			.trx_in_block = (uint32_t)bulk_u64(call, 1, i),
			.op_in_trx = (uint32_t)bulk_u64(call, 2, i),
			.virtual_op = (uint32_t)bulk_u64(call, 3, i),
			.hash = op_hash(bulk_text(call, 4, i), bulk_text(call, 5, i),
					bulk_text(call, 6, i), bulk_text(call, 8, i)),
		};
	rows->count = count;
	qsort(rows->items, count, sizeof(rows->items[0]), compare_ops);
	if (!row_write(call->tx, TABLE_OPERATIONS, num, rows))
		return false;
	for (size_t i = 1; i < count; i++)
		if (compare_ops(&rows->items[i - 1], &rows->items[i]) == 0)
			call->error = DB_DUPLICATE_KEY;
	return true;
}

bool model_insert_operations(struct call *call)
{
	size_t count = bulk_row_count(call->bulk);

	for (size_t from = 0, to; from < count && call->error == 0; from = to) {
		uint64_t num = bulk_u64(call, 0, from);

		for (to = from + 1; to < count && bulk_u64(call, 0, to) == num;)
			to++;
		if (!insert_block_ops(call, num, from, to))
			return false;
	}
	return true;
}

bool model_delete_operations(struct call *call)
{
	const struct op_rows *rows = row_read(call->tx, TABLE_OPERATIONS, take_u64(call, 0));

	if (!rows)
		return true;
	call->found = rows->count;
	return row_write(call->tx, TABLE_OPERATIONS, take_u64(call, 0), NULL);
}

/* (id, replaced_by, reader, block) */
bool model_insert_orphans(struct call *call)
{
	const struct op_rows *operations = row_read(call->tx, TABLE_OPERATIONS, take_u64(call, 3));
	struct orphan_row *row = row_new(sizeof(*row));
	uint64_t key;

	row->num = (uint32_t)take_u64(call, 3);
	memcpy(row->id, take_text(call, 0), BLOCK_ID_BYTES);
	memcpy(row->replaced_by, take_text(call, 1), BLOCK_ID_BYTES);
	row->operations = operations;
	memcpy(&key, row->id + 8, sizeof(key));
	call->found = operations ? operations->count : 0;
	return !operations || row_write(call->tx, TABLE_ORPHANS, key, row);
}
