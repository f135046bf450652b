/* SPDX-License-Identifier: MIT */
/* Sending the rows. */
#include "store/bulk.h"

#include <mysql.h>
#include <string.h>

#include "base/mem.h"
#include "store/bulk_impl.h"
#include "store/db_error.h"
#include "store/db_impl.h"

#define MAX_COLUMNS 16
#define MAX_TEXT_BYTES                                                                             \
	((size_t)64 << 20) /* accepts one row that is longer than a statement should be */

/*
 * Report the first warning. A server in strict mode gives none; if there is one, something is
 * wrong.
 */
static int fail_for_warning(struct db *db, struct error *err)
{
	MYSQL_RES *result = NULL;
	MYSQL_ROW row = NULL;

	if (mysql_query(db->mysql, "SHOW WARNINGS") == 0 &&
	    (result = mysql_store_result(db->mysql)))
		row = mysql_fetch_row(result);
	(void)error_set(
		err, ERROR_DATA,
		"database %s: %s (a warning at INSERT: the values would not be stored as they are)",
		db->config->hosts[db->host], row && row[2] ? row[2] : "unknown warning");
	mysql_free_result(result);
	return -1;
}

static int check_result(struct db *db, uint64_t inserted, size_t count, struct error *err)
{
	if (mysql_warning_count(db->mysql) > 0)
		return fail_for_warning(db, err);
	if (inserted != count)
		return db_mangled(db, err,
				  "%zu rows were sent, but the server says that it inserted %llu",
				  count, (unsigned long long)inserted);
	return 0;
}

/* A new connection may accept it: the server's limit is read when a connection begins. */
static int fail_for_length(struct db *db, size_t bytes, struct error *err)
{
	db->is_lost = true;
	return error_set_code(
		err, ERROR_DATA, ERROR_CLASS_DATABASE, DB_PACKET_TOO_LARGE,
		"database %s: a row makes a statement of %zu bytes, max_allowed_packet "
		"of the server is %zu; raise it",
		db->config->hosts[db->host], bytes, db->max_packet_bytes);
}

static int insert_text(struct db *db, const struct bulk *bulk, size_t from, size_t count,
		       struct error *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT(MAX_TEXT_BYTES);

	if (bulk_write_text(bulk, from, count, &sql, err) < 0)
		return -1;
	if (sql.len >= db->max_packet_bytes)
		return fail_for_length(db, sql.len, err);
	if (mysql_real_query(db->mysql, sql.data, sql.len) != 0)
		return db_fail(db, NULL, err);
	return check_result(db, mysql_affected_rows(db->mysql), count, err);
}

static void bind_value(const struct bulk_column *column, size_t row, MYSQL_BIND *bind)
{
	/* The library only reads the values, but its struct has no const. */
	union {
		const void *in;
		void *out;
	} data;

	bind->is_unsigned = 1;
	bind->is_null = (void *)(column->nulls + row);
	switch (column->type) {
	case BULK_U32:
		bind->buffer_type = MYSQL_TYPE_LONG;
		bind->buffer = column->u32 + row;
		break;
	case BULK_U64:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = column->u64 + row;
		break;
	case BULK_TEXT:
	case BULK_ASCII:
	case BULK_BYTES:
		/* As bytes, for the reason given in bind_column(). */
		data.in = column->data[row];
		bind->buffer_type = MYSQL_TYPE_BLOB;
		bind->buffer = data.out;
		bind->buffer_length = column->lens[row];
		break;
	}
}

static int insert_group(struct db *db, MYSQL_STMT *statement, const struct bulk *bulk, size_t from,
			struct error *err)
{
	MYSQL_BIND binds[BULK_GROUP_ROWS * MAX_COLUMNS];
	MYSQL_BIND *bind = binds;

	memset(binds, 0, sizeof(binds));
	for (size_t row = from; row < from + BULK_GROUP_ROWS; row++)
		for (size_t i = 0; i < bulk->column_count; i++)
			bind_value(&bulk->columns[i], row, bind++);
	if (mysql_stmt_param_count(statement) != (unsigned long)(bind - binds))
		return db_mangled(
			db, err,
			"a statement was prepared for %td values, but the server says that it takes %lu",
			bind - binds, mysql_stmt_param_count(statement));
	if (mysql_stmt_bind_param(statement, binds) != 0 || mysql_stmt_execute(statement) != 0)
		return db_fail(db, statement, err);
	return check_result(db, mysql_stmt_affected_rows(statement), BULK_GROUP_ROWS, err);
}

/* `count` must be a multiple of BULK_GROUP_ROWS. */
static int insert_groups(struct db *db, const struct bulk *bulk, size_t from, size_t count,
			 struct error *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT(MAX_TEXT_BYTES);
	struct statement *statement;
	int result = 0;

	if (bulk_write_marks(bulk, BULK_GROUP_ROWS, &sql, err) < 0)
		return -1;
	statement = db_find_statement(db, bulk->sql, sql.data, err);
	if (!statement)
		return -1;
	for (size_t i = 0; i < count && result == 0; i += BULK_GROUP_ROWS)
		result = insert_group(db, statement->handle, bulk, from + i, err);
	db_release_statement(statement);
	return result;
}

#ifdef MARIADB_PACKAGE_VERSION_ID
static void bind_column(const struct bulk_column *column, size_t from, MYSQL_BIND *bind)
{
	bind->is_unsigned = 1;
	bind->u.indicator = column->nulls + from; /* 1 is STMT_INDICATOR_NULL */
	switch (column->type) {
	case BULK_U32:
		bind->buffer_type = MYSQL_TYPE_LONG;
		bind->buffer = column->u32 + from;
		break;
	case BULK_U64:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = column->u64 + from;
		break;
	case BULK_TEXT:
	case BULK_ASCII:
	case BULK_BYTES:
		/*
		 * Send texts as bytes: converting them to each column's character set, character
		 * by character, costs the server a fifth of its time. It still refuses bytes
		 * that are not UTF-8.
		 */
		bind->buffer_type = MYSQL_TYPE_BLOB;
		bind->buffer = column->data + from;
		bind->length = column->lens + from;
		break;
	}
}

static int insert_array(struct db *db, const struct bulk *bulk, size_t from, size_t count,
			struct error *err)
{
	MYSQL_BIND binds[MAX_COLUMNS];
	unsigned int array_size = (unsigned int)count;
	struct statement *statement;
	size_t bytes = 0;
	int result = 0;

	for (size_t i = from; i < from + count; i++)
		bytes += bulk->row_bytes[i];
	if (bytes >= db->max_packet_bytes)
		return fail_for_length(db, bytes, err);
	statement = db_find_statement(db, bulk->sql, bulk->sql, err);
	if (!statement)
		return -1;
	memset(binds, 0, sizeof(binds));
	for (size_t i = 0; i < bulk->column_count; i++)
		bind_column(&bulk->columns[i], from, &binds[i]);
	if (mysql_stmt_attr_set(statement->handle, STMT_ATTR_ARRAY_SIZE, &array_size) != 0 ||
	    mysql_stmt_bind_param(statement->handle, binds) != 0 ||
	    mysql_stmt_execute(statement->handle) != 0)
		result = db_fail(db, statement->handle, err);
	else
		result = check_result(db, mysql_stmt_affected_rows(statement->handle), count, err);
	db_release_statement(statement);
	return result;
}
#else
static int insert_array(struct db *db, const struct bulk *bulk, size_t from, size_t count,
			struct error *err)
{
	return insert_text(db, bulk, from, count, err);
}
#endif

int bulk_insert(struct db *db, const struct bulk *bulk, struct error *err)
{
	size_t limit_bytes = BULK_STATEMENT_BYTES;

	if (db_is_lost(db))
		return error_set(err, ERROR_RETRY, "the connection to the database is not open");
	if (bulk->column_count > MAX_COLUMNS || bulk->next_column != 0)
		return error_set(err, ERROR_FATAL, "a bulk row is not complete");
	if (bulk->is_foreign)
		return error_set(err, ERROR_DATA, "a text that must be ASCII is not");
	/* As text, a row may take twice its bytes. */
	if (db->max_packet_bytes / 2 < limit_bytes)
		limit_bytes = db->max_packet_bytes / 2;
	for (size_t from = 0; from < bulk->row_count;) {
		size_t count = bulk_count_rows(bulk, from, limit_bytes);
		int result;

		if (db->has_groups && count >= BULK_GROUP_ROWS) {
			count -= count % BULK_GROUP_ROWS;
			result = insert_groups(db, bulk, from, count, err);
		} else if (db->has_arrays) {
			result = insert_array(db, bulk, from, count, err);
		} else {
			result = insert_text(db, bulk, from, count, err);
		}
		if (result < 0)
			return -1;
		from += count;
	}
	return 0;
}
