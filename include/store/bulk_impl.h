/* SPDX-License-Identifier: MIT */
/* The inside of a bulk: for bulk.c and bulk_rows.c only. */
#ifndef STORE_BULK_IMPL_H
#define STORE_BULK_IMPL_H

#include <stddef.h>

#include "store/bulk.h"

struct bulk {
	const char *sql;
	size_t column_count;
	struct bulk_column *columns;
	size_t *row_bytes;
	size_t row_count;
	size_t capacity;
	size_t next_column; /* that the next value goes to */
};

#endif
