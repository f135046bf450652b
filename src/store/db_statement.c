/* SPDX-License-Identifier: MIT */
/* Prepared statements, their values and their rows. */
#include <mysql.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/db_impl.h"

/* MySQL 8 took my_bool away; MariaDB's library kept it. */
#if defined(MARIADB_PACKAGE_VERSION_ID) || MYSQL_VERSION_ID < 80000
#define LIBRARY_BOOL my_bool
#else
#define LIBRARY_BOOL bool
#endif

#define MAX_PARAMETERS 32
#define CELL_BYTES     64 /* what most values need; longer ones are fetched by themselves */

void db_close_statements(struct db *db)
{
	for (size_t i = 0; i < db->statement_count; i++)
		mysql_stmt_close(db->statements[i].handle);
	db->statement_count = 0;
}

static MYSQL_STMT *prepare(struct db *db, const char *sql, struct error *err)
{
	MYSQL_STMT *handle = mysql_stmt_init(db->mysql);

	if (!handle) {
		(void)error_set(err, ERROR_FATAL, "out of memory");
		return NULL;
	}
	if (mysql_stmt_prepare(handle, sql, strlen(sql)) != 0) {
		(void)db_fail(db, handle, err);
		mysql_stmt_close(handle);
		return NULL;
	}
	return handle;
}

void *db_find_statement(struct db *db, const char *sql, struct statement **ret_kept,
			struct error *err)
{
	struct statement *found = NULL;
	MYSQL_STMT *handle;

	*ret_kept = NULL;
	if (db_is_lost(db)) {
		(void)error_set(err, ERROR_RETRY, "the connection to the database is not open");
		return NULL;
	}
	for (size_t i = 0; i < db->statement_count && !found; i++)
		if (db->statements[i].sql == sql)
			found = &db->statements[i];
	if (found && !found->is_busy) {
		*ret_kept = found;
		return found->handle;
	}
	handle = prepare(db, sql, err);
	if (handle && !found && db->statement_count < DB_MAX_STATEMENTS) {
		*ret_kept = &db->statements[db->statement_count++];
		**ret_kept = (struct statement){.sql = sql, .handle = handle};
	}
	return handle;
}

static int execute(struct db *db, MYSQL_STMT *handle, const struct db_value *values, size_t count,
		   struct error *err)
{
	MYSQL_BIND binds[MAX_PARAMETERS];

	if (count > MAX_PARAMETERS)
		return error_set(err, ERROR_FATAL, "a statement takes at most %d values, not %zu",
				 MAX_PARAMETERS, count);
	if (count != mysql_stmt_param_count(handle))
		return db_mangled(db, err, "a statement of %zu values is said to take %lu", count,
				  mysql_stmt_param_count(handle));
	memset(binds, 0, sizeof(binds));
	for (size_t i = 0; i < count; i++) {
		/* The library only reads it, but its struct says otherwise. */
		union {
			const void *in;
			void *out;
		} data = {.in = values[i].type == DB_U64 ? (const void *)&values[i].number
							 : values[i].data};

		binds[i].buffer = data.out;
		binds[i].buffer_type = values[i].type == DB_U64     ? MYSQL_TYPE_LONGLONG
				       : values[i].type == DB_TEXT  ? MYSQL_TYPE_STRING
				       : values[i].type == DB_BYTES ? MYSQL_TYPE_BLOB
								    : MYSQL_TYPE_NULL;
		binds[i].is_unsigned = 1;
		binds[i].buffer_length = values[i].len;
	}
	if (count > 0 && mysql_stmt_bind_param(handle, binds) != 0)
		return db_fail(db, handle, err);
	if (mysql_stmt_execute(handle) != 0)
		return db_fail(db, handle, err);
	db->used_at_ms = clock_now_ms();
	return 0;
}

/* Behind the rows of a CALL the server tells how it ended: nothing of it may be left on the line. */
static int read_rest(struct db *db, MYSQL_STMT *handle, struct error *err)
{
	while (!db_is_lost(db) && mysql_more_results(db->mysql))
		if (mysql_stmt_next_result(handle) > 0)
			return db_fail(db, handle, err);
	return 0;
}

int db_exec(struct db *db, const char *sql, const struct db_value *values, size_t count,
	    uint64_t *ret_found, struct error *err)
{
	struct statement *kept;
	MYSQL_STMT *handle = db_find_statement(db, sql, &kept, err);
	int result;

	if (!handle)
		return -1;
	result = execute(db, handle, values, count, err);
	if (result == 0 && ret_found)
		*ret_found = mysql_stmt_affected_rows(handle);
	if (result == 0)
		result = read_rest(db, handle, err);
	if (!kept)
		mysql_stmt_close(handle);
	return result;
}

/* Rows. */

struct cell {
	uint64_t number;
	char *text; /* `capacity` bytes */
	size_t capacity;
	unsigned long len;
	LIBRARY_BOOL is_null;
	LIBRARY_BOOL is_cut;
	bool is_number;
};

struct db_rows {
	struct db *db;
	struct statement *kept; /* NULL: the handle is our own */
	MYSQL_STMT *handle;
	MYSQL_BIND *binds;
	struct cell *cells;
	unsigned column_count;
	bool is_unbound; /* a cell has grown since the columns were bound */
};

static bool is_integer(const MYSQL_FIELD *field)
{
	switch (field->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
		return true;
	default:
		return false;
	}
}

static int bind_columns(struct db_rows *rows, struct error *err)
{
	MYSQL_RES *fields = mysql_stmt_result_metadata(rows->handle);

	if (!fields)
		return db_mangled(rows->db, err, "a query is said to give no rows");
	rows->column_count = mysql_num_fields(fields);
	rows->binds = xcalloc(rows->column_count, sizeof(*rows->binds));
	rows->cells = xcalloc(rows->column_count, sizeof(*rows->cells));
	for (unsigned i = 0; i < rows->column_count; i++) {
		const MYSQL_FIELD *field = mysql_fetch_field_direct(fields, i);
		struct cell *cell = &rows->cells[i];
		MYSQL_BIND *bind = &rows->binds[i];

		cell->is_number = is_integer(field);
		cell->capacity = CELL_BYTES;
		cell->text = xmalloc(cell->capacity + 1);
		bind->buffer_type = cell->is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
		bind->is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
		bind->buffer = cell->is_number ? (void *)&cell->number : cell->text;
		bind->buffer_length = cell->is_number ? sizeof(cell->number) : cell->capacity;
		bind->length = &cell->len;
		bind->is_null = &cell->is_null;
		bind->error = &cell->is_cut;
	}
	mysql_free_result(fields);
	if (mysql_stmt_bind_result(rows->handle, rows->binds) != 0)
		return db_fail(rows->db, rows->handle, err);
	return 0;
}

static struct db_rows *open_rows(struct db *db, const char *sql, const struct db_value *values,
				 size_t count, bool is_stream, struct error *err)
{
	struct statement *kept;
	MYSQL_STMT *handle = db_find_statement(db, sql, &kept, err);
	struct db_rows *rows;

	if (!handle)
		return NULL;
	rows = xcalloc(1, sizeof(*rows));
	rows->db = db;
	rows->handle = handle;
	rows->kept = kept;
	if (kept)
		kept->is_busy = true;
	if (execute(db, handle, values, count, err) < 0 || bind_columns(rows, err) < 0) {
		db_rows_free(rows);
		return NULL;
	}
	if (!is_stream && mysql_stmt_store_result(handle) != 0) {
		(void)db_fail(db, handle, err);
		db_rows_free(rows);
		return NULL;
	}
	return rows;
}

struct db_rows *db_query(struct db *db, const char *sql, const struct db_value *values,
			 size_t count, struct error *err)
{
	return open_rows(db, sql, values, count, false, err);
}

struct db_rows *db_stream(struct db *db, const char *sql, const struct db_value *values,
			  size_t count, struct error *err)
{
	return open_rows(db, sql, values, count, true, err);
}

/* A value longer than its cell: make the cell longer, once and for all, and get it again. */
static int fetch_rest(struct db_rows *rows, unsigned column, struct error *err)
{
	struct cell *cell = &rows->cells[column];
	MYSQL_BIND *bind = &rows->binds[column];

	if (cell->is_number || cell->is_null || cell->len <= cell->capacity)
		return 0;
	cell->capacity = cell->len;
	cell->text = xrealloc(cell->text, cell->capacity + 1);
	bind->buffer = cell->text;
	bind->buffer_length = cell->capacity;
	if (mysql_stmt_fetch_column(rows->handle, bind, column, 0) != 0)
		return db_fail(rows->db, rows->handle, err);
	return 1;
}

int db_rows_next(struct db_rows *rows, struct error *err)
{
	int result;

	/* Not before the row was read: Connector/C 3.3.19 sets all lengths to 0 when it binds. */
	if (rows->is_unbound && mysql_stmt_bind_result(rows->handle, rows->binds) != 0)
		return db_fail(rows->db, rows->handle, err);
	rows->is_unbound = false;
	result = mysql_stmt_fetch(rows->handle);
	if (result == MYSQL_NO_DATA)
		return read_rest(rows->db, rows->handle, err);
	if (result != 0 && result != MYSQL_DATA_TRUNCATED)
		return db_fail(rows->db, rows->handle, err);
	for (unsigned i = 0; result == MYSQL_DATA_TRUNCATED && i < rows->column_count; i++) {
		int rest = fetch_rest(rows, i, err);

		if (rest < 0)
			return -1;
		rows->is_unbound = rows->is_unbound || rest > 0;
	}
	for (unsigned i = 0; i < rows->column_count; i++)
		if (!rows->cells[i].is_number && !rows->cells[i].is_null)
			rows->cells[i].text[rows->cells[i].len] = '\0';
	return 1;
}

bool db_row_is_null(const struct db_rows *rows, unsigned column)
{
	return rows->cells[column].is_null;
}

uint64_t db_row_u64(const struct db_rows *rows, unsigned column)
{
	const struct cell *cell = &rows->cells[column];

	if (cell->is_null)
		return 0;
	return cell->is_number ? cell->number : strtoull(cell->text, NULL, 10);
}

const char *db_row_text(const struct db_rows *rows, unsigned column, size_t *ret_len)
{
	const struct cell *cell = &rows->cells[column];

	if (ret_len)
		*ret_len = cell->is_null ? 0 : cell->len;
	return cell->is_null ? NULL : cell->text;
}

void db_rows_free(struct db_rows *rows)
{
	struct error ignored = ERROR_INIT;

	if (!rows)
		return;
	if (read_rest(rows->db, rows->handle, &ignored) < 0)
		rows->db->is_lost = true;
	/* Also drains what a stream has not delivered. */
	mysql_stmt_free_result(rows->handle);
	for (unsigned i = 0; i < rows->column_count; i++)
		free(rows->cells[i].text);
	free(rows->cells);
	free(rows->binds);
	if (rows->kept)
		rows->kept->is_busy = false;
	else
		mysql_stmt_close(rows->handle);
	free(rows);
}

void db_rows_free_pointer(struct db_rows **rows)
{
	db_rows_free(*rows);
}
