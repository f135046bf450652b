/* SPDX-License-Identifier: MIT */
/* Prepared statements, their values and their rows. */
#include <mysql.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/db_impl.h"

/* MySQL 8 removed my_bool; MariaDB's library kept it. */
#if defined(MARIADB_PACKAGE_VERSION_ID) || MYSQL_VERSION_ID < 80000
#define LIBRARY_BOOL my_bool
#else
#define LIBRARY_BOOL bool
#endif

#define MAX_PARAMETERS 32
#define CELL_BYTES     64 /* enough for most values; longer ones are fetched separately */
/* a cell that has grown beyond this is shrunk when its rows are freed */
#define KEPT_BYTES 65536

/* Memory for one column of a row, filled by the library. */
struct cell {
	uint64_t number;
	char *text; /* `capacity` bytes, followed by NUL */
	size_t capacity;
	unsigned long len;
	LIBRARY_BOOL is_null;
	LIBRARY_BOOL is_cut;
	bool is_number;
};

/* Statements. */

static void free_cells(struct statement *statement)
{
	for (unsigned i = 0; i < statement->cell_count; i++)
		free(statement->cells[i].text);
	free(statement->cells);
	free(statement->binds);
}

static void close_statement(struct statement *statement)
{
	/* First the library's own part, because it has the addresses of the cells. */
	mysql_stmt_close(statement->handle);
	free_cells(statement);
	free(statement);
}

void db_close_statements(struct db *db)
{
	for (size_t i = 0; i < db->statement_count; i++)
		close_statement(db->statements[i]);
	db->statement_count = 0;
}

static struct statement *prepare(struct db *db, const char *sql, const char *text,
				 struct error *err)
{
	MYSQL_STMT *handle = mysql_stmt_init(db->mysql);
	struct statement *statement;

	if (!handle) {
		(void)error_set(err, ERROR_FATAL, "out of memory");
		return NULL;
	}
	if (mysql_stmt_prepare(handle, text, strlen(text)) != 0) {
		(void)db_fail(db, handle, err);
		mysql_stmt_close(handle);
		return NULL;
	}
	statement = xcalloc(1, sizeof(*statement));
	*statement = (struct statement){.sql = sql, .handle = handle};
	return statement;
}

struct statement *db_find_statement(struct db *db, const char *sql, const char *text,
				    struct error *err)
{
	struct statement *found = NULL;
	struct statement *fresh;

	if (db_is_lost(db)) {
		(void)error_set(err, ERROR_RETRY, "the connection to the database is not open");
		return NULL;
	}
	for (size_t i = 0; i < db->statement_count && !found; i++)
		if (db->statements[i]->sql == sql)
			found = db->statements[i];
	if (found && !found->is_busy) {
		found->is_busy = true;
		return found;
	}
	fresh = prepare(db, sql, text, err);
	if (fresh && !found && db->statement_count < DB_MAX_STATEMENTS) {
		db->statements[db->statement_count++] = fresh;
		fresh->is_kept = true;
		fresh->is_busy = true;
	}
	return fresh;
}

void db_release_statement(struct statement *statement)
{
	if (statement->is_kept)
		statement->is_busy = false;
	else
		close_statement(statement);
}

static int execute(struct db *db, MYSQL_STMT *handle, const struct db_value *values, size_t count,
		   struct error *err)
{
	MYSQL_BIND binds[MAX_PARAMETERS];

	if (count > MAX_PARAMETERS)
		return error_set(err, ERROR_FATAL, "a statement takes at most %d values, not %zu",
				 MAX_PARAMETERS, count);
	if (count != mysql_stmt_param_count(handle))
		return db_mangled(
			db, err,
			"a statement was prepared for %zu values, but the server says that it takes %lu",
			count, mysql_stmt_param_count(handle));
	memset(binds, 0, sizeof(binds));
	for (size_t i = 0; i < count; i++) {
		/* The library only reads it, but its struct has no const. */
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

/*
 * After the rows of a CALL the server sends its final status: read all of it from the
 * connection.
 */
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
	struct statement *statement = db_find_statement(db, sql, sql, err);
	int result;

	if (!statement)
		return -1;
	result = execute(db, statement->handle, values, count, err);
	if (result == 0 && ret_found)
		*ret_found = mysql_stmt_affected_rows(statement->handle);
	if (result == 0)
		result = read_rest(db, statement->handle, err);
	db_release_statement(statement);
	return result;
}

/* Rows. */

struct db_rows {
	struct db *db;
	struct statement *statement;
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

static void make_cells(struct statement *statement, unsigned count)
{
	free_cells(statement);
	statement->cells = xcalloc(count, sizeof(*statement->cells));
	statement->binds = xcalloc(count, sizeof(MYSQL_BIND));
	statement->cell_count = count;
	for (unsigned i = 0; i < count; i++) {
		statement->cells[i].capacity = CELL_BYTES;
		statement->cells[i].text = xmalloc(CELL_BYTES + 1);
	}
}

static void describe_cell(struct cell *cell, const MYSQL_FIELD *field, MYSQL_BIND *ret_bind)
{
	cell->is_number = is_integer(field);
	*ret_bind = (MYSQL_BIND){
		.buffer_type = cell->is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING,
		.is_unsigned = (field->flags & UNSIGNED_FLAG) != 0,
		.buffer = cell->is_number ? (void *)&cell->number : cell->text,
		.buffer_length = cell->is_number ? sizeof(cell->number) : cell->capacity,
		.length = &cell->len,
		.is_null = &cell->is_null,
		.error = &cell->is_cut,
	};
}

static int bind_columns(struct db_rows *rows, struct error *err)
{
	struct statement *statement = rows->statement;
	MYSQL_RES *fields = mysql_stmt_result_metadata(statement->handle);
	MYSQL_BIND *binds;

	if (!fields)
		return db_mangled(rows->db, err, "the server says that a query gives no rows");
	/* The number changes only if a view was created anew meanwhile. */
	if (mysql_num_fields(fields) != statement->cell_count)
		make_cells(statement, mysql_num_fields(fields));
	binds = statement->binds;
	for (unsigned i = 0; i < statement->cell_count; i++)
		describe_cell(&statement->cells[i], mysql_fetch_field_direct(fields, i), &binds[i]);
	mysql_free_result(fields);
	statement->is_unbound = false;
	if (mysql_stmt_bind_result(statement->handle, binds) != 0)
		return db_fail(rows->db, statement->handle, err);
	return 0;
}

static struct db_rows *open_rows(struct db *db, const char *sql, const struct db_value *values,
				 size_t count, bool is_stream, struct error *err)
{
	struct statement *statement = db_find_statement(db, sql, sql, err);
	struct db_rows *rows;

	if (!statement)
		return NULL;
	rows = xcalloc(1, sizeof(*rows));
	*rows = (struct db_rows){.db = db, .statement = statement};
	if (execute(db, statement->handle, values, count, err) < 0 || bind_columns(rows, err) < 0) {
		db_rows_free(rows);
		return NULL;
	}
	if (!is_stream && mysql_stmt_store_result(statement->handle) != 0) {
		(void)db_fail(db, statement->handle, err);
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

/* If a value is longer than its cell, enlarge the cell and fetch it again. 1: this was done. */
static int fetch_rest(struct db_rows *rows, unsigned column, struct error *err)
{
	struct statement *statement = rows->statement;
	struct cell *cell = &statement->cells[column];
	MYSQL_BIND *bind = (MYSQL_BIND *)statement->binds + column;

	if (cell->is_number || cell->is_null || cell->len <= cell->capacity)
		return 0;
	cell->capacity = cell->len;
	cell->text = xrealloc(cell->text, cell->capacity + 1);
	bind->buffer = cell->text;
	bind->buffer_length = cell->capacity;
	if (mysql_stmt_fetch_column(statement->handle, bind, column, 0) != 0)
		return db_fail(rows->db, statement->handle, err);
	return 1;
}

int db_rows_next(struct db_rows *rows, struct error *err)
{
	struct statement *statement = rows->statement;
	int result;

	/* Not before the row was read: Connector/C 3.3.19 sets all lengths to 0 when it binds. */
	if (statement->is_unbound &&
	    mysql_stmt_bind_result(statement->handle, statement->binds) != 0)
		return db_fail(rows->db, statement->handle, err);
	statement->is_unbound = false;
	result = mysql_stmt_fetch(statement->handle);
	if (result == MYSQL_NO_DATA)
		return read_rest(rows->db, statement->handle, err);
	if (result != 0 && result != MYSQL_DATA_TRUNCATED)
		return db_fail(rows->db, statement->handle, err);
	for (unsigned i = 0; result == MYSQL_DATA_TRUNCATED && i < statement->cell_count; i++) {
		int rest = fetch_rest(rows, i, err);

		if (rest < 0)
			return -1;
		statement->is_unbound |= rest > 0;
	}
	for (unsigned i = 0; i < statement->cell_count; i++)
		if (!statement->cells[i].is_number && !statement->cells[i].is_null)
			statement->cells[i].text[statement->cells[i].len] = '\0';
	return 1;
}

bool db_row_is_null(const struct db_rows *rows, unsigned column)
{
	return rows->statement->cells[column].is_null;
}

uint64_t db_row_u64(const struct db_rows *rows, unsigned column)
{
	const struct cell *cell = &rows->statement->cells[column];

	if (cell->is_null)
		return 0;
	return cell->is_number ? cell->number : strtoull(cell->text, NULL, 10);
}

const char *db_row_text(const struct db_rows *rows, unsigned column, size_t *ret_len)
{
	const struct cell *cell = &rows->statement->cells[column];

	if (ret_len)
		*ret_len = cell->is_null ? 0 : cell->len;
	return cell->is_null ? NULL : cell->text;
}

/* One long text must not take memory for as long as the connection lives. */
static void shrink_cells(struct statement *statement)
{
	for (unsigned i = 0; i < statement->cell_count; i++) {
		struct cell *cell = &statement->cells[i];

		if (cell->capacity <= KEPT_BYTES)
			continue;
		free(cell->text);
		cell->capacity = CELL_BYTES;
		cell->text = xmalloc(CELL_BYTES + 1);
	}
}

void db_rows_free(struct db_rows *rows)
{
	struct error ignored = ERROR_INIT;

	if (!rows)
		return;
	if (read_rest(rows->db, rows->statement->handle, &ignored) < 0)
		rows->db->is_lost = true;
	/* This also reads the rows that a stream has not delivered. */
	mysql_stmt_free_result(rows->statement->handle);
	shrink_cells(rows->statement);
	db_release_statement(rows->statement);
	free(rows);
}

void db_rows_free_pointer(struct db_rows **rows)
{
	db_rows_free(*rows);
}
