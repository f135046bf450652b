/* SPDX-License-Identifier: MIT */
/*
 * Inserts many rows into one table with few round trips.
 *
 * If client library and server are MariaDB's, the rows are sent as bound arrays. Otherwise
 * a server on this machine gets them by a prepared INSERT of BULK_GROUP_ROWS rows; the
 * rest of a bulk is sent as a text INSERT of many rows, and so are all rows for a distant
 * server, where the round trips would take longer than they save.  A statement stays near
 * 1 MiB. Collect the rows before a transaction begins, and insert them inside it.
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
/*
 * More rows make MySQL slower: its data for the statement then no longer fit into the
 * processor's cache.
 */
#define BULK_GROUP_ROWS 32

enum bulk_type {
	BULK_U32,
	BULK_U64,
	BULK_TEXT,  /* utf8mb4 */
	BULK_ASCII, /* other bytes make bulk_insert() fail: the server might not notice them */
	BULK_BYTES,
};

struct bulk;

/*
 * sql is an INSERT of one row that ends in VALUES (...), with a `?` for each column; sql and
 * types must outlive the bulk.
 */
struct bulk *bulk_new(const char *sql, const enum bulk_type *types, size_t column_count);
void bulk_free(struct bulk *bulk);
/* Add the next value: column by column, row by row. */
void bulk_add_u64(struct bulk *bulk, uint64_t number);
/* data NULL adds NULL. */
void bulk_add_bytes(struct bulk *bulk, const void *data, size_t len);
void bulk_add_null(struct bulk *bulk);
size_t bulk_row_count(const struct bulk *bulk);

/*
 * Insert all rows.  After an error some statements may have been executed: roll back.  A warning
 * of the server is an error (ERROR_DATA), because a value might have been changed.
 */
int bulk_insert(struct db *db, const struct bulk *bulk, struct error *err) MUST_CHECK;

/* For bulk.c and its tests: how many rows from `from` on go into one statement; at least one. */
size_t bulk_count_rows(const struct bulk *bulk, size_t from, size_t limit_bytes);
/*
 * Write the text INSERT of `count` rows from `from` on. Fails if it exceeds the limit of the
 * buffer.
 */
int bulk_write_text(const struct bulk *bulk, size_t from, size_t count, struct buf *ret_sql,
		    struct error *err) MUST_CHECK;
/* Write the INSERT of `count` rows with a `?` for each value. */
int bulk_write_marks(const struct bulk *bulk, size_t count, struct buf *ret_sql,
		     struct error *err) MUST_CHECK;
/* The values of a column, as arrays over all rows. */
struct bulk_column {
	enum bulk_type type;
	uint64_t *u64;
	uint32_t *u32;
	const char **data;
	unsigned long *lens;
	char *nulls; /* 1: the value is NULL */
};
/* The values of one column; valid until the next value is added. */
const struct bulk_column *bulk_column(const struct bulk *bulk, size_t column);

#endif
