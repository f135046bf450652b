/* SPDX-License-Identifier: MIT */
/* Values of statements and rows: the part that needs no client library. */
#include <string.h>

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
