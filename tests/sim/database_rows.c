/* SPDX-License-Identifier: MIT */
/* The result rows of statements. */
#include <stdlib.h>

#include "base/mem.h"
#include "database.h"
#include "database_impl.h"
#include "sched.h"

struct db_rows {
	struct db *db;
	struct result_rows result;
	size_t next; /* the cell after the present row */
};

struct db_rows *db_query(struct db *db, const char *sql, const struct db_value *values,
			 size_t count, struct error *err)
{
	struct db_rows *rows = xcalloc(1, sizeof(*rows));
	struct call call = {
		.sql = sql, .values = values, .value_count = count, .rows = &rows->result};

	rows->db = db;
	if (database_run(db, &call, err) == 0)
		return rows;
	db_rows_free(rows);
	return NULL;
}

struct db_rows *db_stream(struct db *db, const char *sql, const struct db_value *values,
			  size_t count, struct error *err)
{
	return db_query(db, sql, values, count, err);
}

int db_rows_next(struct db_rows *rows, struct error *err)
{
	if (sim_db_faults_per_mille > 0 && sim_random(20000) < sim_db_faults_per_mille)
		return database_lose(rows->db, err);
	if (rows->next == rows->result.cell_count)
		return 0;
	rows->next += rows->result.column_count;
	return 1;
}

static const struct cell *cell_of(const struct db_rows *rows, unsigned column)
{
	return &rows->result.cells[rows->next - rows->result.column_count + column];
}

bool db_row_is_null(const struct db_rows *rows, unsigned column)
{
	return cell_of(rows, column)->is_null;
}

uint64_t db_row_u64(const struct db_rows *rows, unsigned column)
{
	const struct cell *cell = cell_of(rows, column);

	return cell->data ? strtoull(cell->data, NULL, 10) : cell->number;
}

const char *db_row_text(const struct db_rows *rows, unsigned column, size_t *ret_len)
{
	const struct cell *cell = cell_of(rows, column);

	if (ret_len)
		*ret_len = cell->len;
	return cell->data;
}

void db_rows_free(struct db_rows *rows)
{
	if (!rows)
		return;
	free(rows->result.cells);
	free(rows);
}

void db_rows_free_pointer(struct db_rows **rows)
{
	db_rows_free(*rows);
}
