/* SPDX-License-Identifier: MIT */
/* Values for statements and out of rows, and single rows, as far as they need no client library. */
#include <string.h>

#include "base/mem.h"
#include "store/db.h"

struct db_value db_u64(uint64_t number)
{
	return (struct db_value){.type = DB_U64, .number = number};
}

struct db_value db_text(const char *text)
{
	if (!text)
		return (struct db_value){.type = DB_NULL};
	return (struct db_value){.type = DB_TEXT, .data = text, .len = strlen(text)};
}

struct db_value db_bytes(const void *data, size_t len)
{
	return (struct db_value){.type = DB_BYTES, .data = data, .len = len};
}

void db_row_bytes(const struct db_rows *rows, unsigned column, void *ret_data, size_t size)
{
	size_t len;
	const char *stored = db_row_text(rows, column, &len);

	memset(ret_data, 0, size);
	if (stored)
		memcpy(ret_data, stored, len < size ? len : size);
}

int db_query_row(struct db *db, const char *sql, const struct db_value *values, size_t count,
		 struct db_rows **ret_rows, struct error *err)
{
	*ret_rows = db_query(db, sql, values, count, err);
	return *ret_rows ? db_rows_next(*ret_rows, err) : -1;
}

int db_query_any(struct db *db, const char *sql, const struct db_value *values, size_t count,
		 bool *ret_any, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql, values, count, &rows, err);

	*ret_any = result > 0;
	return result < 0 ? -1 : 0;
}

int db_query_u64(struct db *db, const char *sql, const struct db_value *values, size_t count,
		 uint64_t *ret_number, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql, values, count, &rows, err);

	*ret_number = result > 0 ? db_row_u64(rows, 0) : 0;
	return result < 0 ? -1 : 0;
}
