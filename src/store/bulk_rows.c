/* SPDX-License-Identifier: MIT */
/* Collects rows, and writes them as the text of an INSERT. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/bulk.h"
#include "store/bulk_impl.h"

#define MAX_ROWS    10000 /* in one statement */
#define VALUE_BYTES 12    /* the most that a number takes, or a text besides its bytes */

struct bulk *bulk_new(const char *sql, const enum bulk_type *types, size_t column_count)
{
	struct bulk *bulk = xcalloc(1, sizeof(*bulk));

	bulk->sql = sql;
	bulk->column_count = column_count;
	bulk->columns = xcalloc(column_count, sizeof(*bulk->columns));
	for (size_t i = 0; i < column_count; i++)
		bulk->columns[i].type = types[i];
	return bulk;
}

void bulk_free(struct bulk *bulk)
{
	if (!bulk)
		return;
	for (size_t i = 0; i < bulk->column_count; i++) {
		free(bulk->columns[i].u64);
		free(bulk->columns[i].u32);
		free(bulk->columns[i].data);
		free(bulk->columns[i].lens);
		free(bulk->columns[i].nulls);
	}
	free(bulk->columns);
	free(bulk->row_bytes);
	free(bulk);
}

static void grow(struct bulk *bulk)
{
	size_t capacity = bulk->capacity > 0 ? bulk->capacity * 2 : 64;

	for (size_t i = 0; i < bulk->column_count; i++) {
		struct bulk_column *column = &bulk->columns[i];

		column->nulls = xreallocarray(column->nulls, capacity, 1);
		if (column->type == BULK_U32) {
			column->u32 = xreallocarray(column->u32, capacity, sizeof(*column->u32));
		} else if (column->type == BULK_U64) {
			column->u64 = xreallocarray(column->u64, capacity, sizeof(*column->u64));
		} else {
			column->data = xreallocarray(column->data, capacity, sizeof(*column->data));
			column->lens = xreallocarray(column->lens, capacity, sizeof(*column->lens));
		}
	}
	bulk->row_bytes = xreallocarray(bulk->row_bytes, capacity, sizeof(*bulk->row_bytes));
	bulk->capacity = capacity;
}

/* The column for the next value, which goes to index bulk->row_count. */
static struct bulk_column *next_value(struct bulk *bulk, size_t len)
{
	if (bulk->next_column == 0) {
		if (bulk->row_count == bulk->capacity)
			grow(bulk);
		bulk->row_bytes[bulk->row_count] = 0;
	}
	bulk->row_bytes[bulk->row_count] += len + VALUE_BYTES;
	return &bulk->columns[bulk->next_column];
}

static void end_value(struct bulk *bulk)
{
	if (++bulk->next_column == bulk->column_count) {
		bulk->next_column = 0;
		bulk->row_count++;
	}
}

void bulk_add_u64(struct bulk *bulk, uint64_t number)
{
	struct bulk_column *column = next_value(bulk, 0);

	column->nulls[bulk->row_count] = 0;
	if (column->type == BULK_U32)
		column->u32[bulk->row_count] = (uint32_t)number;
	else
		column->u64[bulk->row_count] = number;
	end_value(bulk);
}

/* Eight bytes at a time, because every short text of every row is checked. */
static bool is_ascii(const char *data, size_t len)
{
	uint64_t any = 0, word;
	size_t i;

	for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		any |= word;
	}
	for (; i < len; i++)
		any |= (unsigned char)data[i];
	return (any & UINT64_C(0x8080808080808080)) == 0;
}

void bulk_add_bytes(struct bulk *bulk, const void *data, size_t len)
{
	struct bulk_column *column = next_value(bulk, len);

	if (column->type == BULK_ASCII && data && !is_ascii(data, len))
		bulk->is_foreign = true;

	column->nulls[bulk->row_count] = data == NULL;
	column->data[bulk->row_count] = data ? data : "";
	column->lens[bulk->row_count] = data ? len : 0;
	end_value(bulk);
}

void bulk_add_null(struct bulk *bulk)
{
	struct bulk_column *column = &bulk->columns[bulk->next_column];

	if (column->type != BULK_U32 && column->type != BULK_U64) {
		bulk_add_bytes(bulk, NULL, 0);
		return;
	}
	column = next_value(bulk, 0);
	column->nulls[bulk->row_count] = 1;
	if (column->type == BULK_U32)
		column->u32[bulk->row_count] = 0;
	else
		column->u64[bulk->row_count] = 0;
	end_value(bulk);
}

size_t bulk_row_count(const struct bulk *bulk)
{
	return bulk->row_count;
}

const struct bulk_column *bulk_column(const struct bulk *bulk, size_t column)
{
	return &bulk->columns[column];
}

size_t bulk_count_rows(const struct bulk *bulk, size_t from, size_t limit_bytes)
{
	size_t bytes = 0;
	size_t count = 0;

	while (from + count < bulk->row_count && count < MAX_ROWS &&
	       (count == 0 || bytes + bulk->row_bytes[from + count] <= limit_bytes))
		bytes += bulk->row_bytes[from + count++];
	return count;
}

static void write_hex(struct buf *sql, const char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char pair[2];

	(void)buf_add_text(sql, "X'");
	for (size_t i = 0; i < len; i++) {
		pair[0] = digits[(unsigned char)data[i] >> 4];
		pair[1] = digits[(unsigned char)data[i] & 15];
		(void)buf_add(sql, pair, 2);
	}
	(void)buf_add_char(sql, '\'');
}

/* In utf8mb4, no byte of a multi-byte character looks like one of these. */
static void write_quoted(struct buf *sql, const char *data, size_t len)
{
	size_t from = 0;

	(void)buf_add_char(sql, '\'');
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\'' && data[i] != '\\' && data[i] != '\0')
			continue;
		(void)buf_add(sql, data + from, i - from);
		(void)buf_add_char(sql, '\\');
		(void)buf_add_char(sql, data[i] == '\0' ? '0' : data[i]);
		from = i + 1;
	}
	(void)buf_add(sql, data + from, len - from);
	(void)buf_add_char(sql, '\'');
}

static void write_value(const struct bulk_column *column, size_t row, struct buf *sql)
{
	if (column->nulls[row])
		(void)buf_add_text(sql, "NULL");
	else if (column->type == BULK_U32)
		(void)buf_addf(sql, "%lu", (unsigned long)column->u32[row]);
	else if (column->type == BULK_U64)
		(void)buf_addf(sql, "%llu", (unsigned long long)column->u64[row]);
	else if (column->type == BULK_BYTES)
		write_hex(sql, column->data[row], column->lens[row]);
	else
		write_quoted(sql, column->data[row], column->lens[row]);
}

static void write_row(const struct bulk *bulk, const char *pattern, size_t row, struct buf *sql)
{
	size_t column = 0;

	for (const char *mark; (mark = strchr(pattern, '?')); pattern = mark + 1) {
		(void)buf_add(sql, pattern, (size_t)(mark - pattern));
		write_value(&bulk->columns[column++], row, sql);
	}
	(void)buf_add_text(sql, pattern);
}

/* Write the INSERT of `count` rows, with a `?` for each value, or with the values themselves. */
static int write_insert(const struct bulk *bulk, size_t from, size_t count, bool has_marks,
			struct buf *ret_sql, struct error *err)
{
	const char *pattern = strstr(bulk->sql, "VALUES");

	if (!pattern)
		return error_set(err, ERROR_FATAL, "a bulk statement without VALUES");
	pattern += strlen("VALUES");
	(void)buf_add(ret_sql, bulk->sql, (size_t)(pattern - bulk->sql));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			(void)buf_add_char(ret_sql, ',');
		if (has_marks)
			(void)buf_add_text(ret_sql, pattern);
		else
			write_row(bulk, pattern, from + i, ret_sql);
	}
	if (ret_sql->is_full)
		return error_set(err, ERROR_DATA,
				 "a statement passes the limit of %zu bytes: the row is too long",
				 ret_sql->limit_bytes);
	return 0;
}

int bulk_write_marks(const struct bulk *bulk, size_t count, struct buf *ret_sql, struct error *err)
{
	return write_insert(bulk, 0, count, true, ret_sql, err);
}

int bulk_write_text(const struct bulk *bulk, size_t from, size_t count, struct buf *ret_sql,
		    struct error *err)
{
	return write_insert(bulk, from, count, false, ret_sql, err);
}
