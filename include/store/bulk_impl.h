/* SPDX-License-Identifier: MIT */
/* The internals of a bulk, for bulk.c and bulk_rows.c only. */
#ifndef STORE_BULK_IMPL_H
#define STORE_BULK_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "store/bulk.h"

struct bulk {
	const char *sql;
	size_t column_count;
	struct bulk_column *columns;
	size_t *row_bytes;
	bool is_foreign; /* a BULK_ASCII value is not ASCII */
	size_t row_count;
	size_t capacity;
	size_t next_column; /* for the next value */
};

#endif
