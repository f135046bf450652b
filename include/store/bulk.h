/* SPDX-License-Identifier: MIT */
/*
 * Many rows into one table in few round trips.
 *
 * Where the client library and the server are MariaDB's, the rows travel as bound arrays.
 * Elsewhere a server on this machine gets them by a prepared INSERT of BULK_GROUP_ROWS rows;
 * what is left of a bulk, and all rows for a distant server, to which round trips would take longer
 * than they save, as a text INSERT of many rows.  A statement stays near 1 MiB.
 * Rows are gathered before a transaction begins and sent inside it.
 *
 * The values are not copied: texts must live until bulk_insert() has returned.
 */
#ifndef STORE_BULK_H
#define STORE_BULK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct db;

#define BULK_STATEMENT_BYTES (1u << 20)
/* More rows make MySQL slower: what it keeps of a statement then leaves the processor's cache. */
#define BULK_GROUP_ROWS 32

enum bulk_type {
	BULK_U32,
	BULK_U64,
	BULK_TEXT,  /* utf8mb4 */
	BULK_ASCII, /* anything else makes bulk_insert() fail: the server might not see it */
	BULK_BYTES,
};

struct bulk;

/*
 * sql is an INSERT of one row that ends in VALUES (...), with a `?` for each column;
 * sql and types must outlive the bulk.
 */
struct bulk *bulk_new(const char *sql, const enum bulk_type *types, size_t column_count);
void bulk_free(struct bulk *bulk);
/* Add the next value; the columns of a row in their order, then those of the next row. */
void bulk_add_u64(struct bulk *bulk, uint64_t number);
/* NULL: NULL. */
void bulk_add_bytes(struct bulk *bulk, const void *data, size_t len);
void bulk_add_null(struct bulk *bulk);
size_t bulk_row_count(const struct bulk *bulk);

/*
 * Insert all rows.  After an error some statements may have been done: roll back.  A
 * warning of the server is an error (ERROR_DATA): nothing is stored otherwise than given.
 */
int bulk_insert(struct db *db, const struct bulk *bulk, struct error *err) MUST_CHECK;

/* For bulk.c and its tests: how many rows from `from` on make one statement; at least one. */
size_t bulk_count_rows(const struct bulk *bulk, size_t from, size_t limit_bytes);
/* The text INSERT of `count` rows from `from` on. Fails when it passes the limit of buf. */
int bulk_write_text(const struct bulk *bulk, size_t from, size_t count, struct buf *ret_sql,
		    struct error *err) MUST_CHECK;
/* The INSERT of `count` rows with a mark for each value. */
int bulk_write_marks(const struct bulk *bulk, size_t count, struct buf *ret_sql,
		     struct error *err) MUST_CHECK;
/* The values of a column, as arrays over all rows. */
struct bulk_column {
	enum bulk_type type;
	uint64_t *u64;
	uint32_t *u32;
	const char **data;
	unsigned long *lens;
	char *nulls; /* 1: NULL */
};
const struct bulk_column *bulk_column(const struct bulk *bulk, size_t column);

#endif
