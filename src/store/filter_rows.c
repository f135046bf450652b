/* SPDX-License-Identifier: MIT */
#include "store/filter_rows.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/sql.h"

static int find_filter(struct db *db, const char *text, uint32_t *ret_id, struct error *err)
{
	uint64_t id;
	int result = db_query_u64(db, sql_select_filter, DB_VALUES(db_text(text)), &id, err);

	*ret_id = (uint32_t)id;
	return result;
}

static int find_active(struct db *db, uint32_t *ret_id, char **ret_text, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql_select_active_filter, DB_NO_VALUES, &rows, err);

	if (result < 0)
		return -1;
	*ret_id = result > 0 ? (uint32_t)db_row_u64(rows, SELECT_ACTIVE_FILTER_ID) : 0;
	if (ret_text)
		*ret_text = result > 0
				    ? xstrdup(db_row_text(rows, SELECT_ACTIVE_FILTER_RULES, NULL))
				    : NULL;
	return 0;
}

/* Each step is a transaction of its own; a duplicate key means that another reader was first. */
static int exec_first_wins(struct db *db, const char *sql, const struct db_value *values,
			   size_t count, struct error *err)
{
	if (db_exec(db, sql, values, count, NULL, err) == 0)
		return 0;
	if (!db_is_duplicate(err))
		return -1;
	*err = ERROR_INIT;
	return 0;
}

static int find_or_make(struct db *db, const char *text, uint32_t *ret_id, struct error *err)
{
	if (find_filter(db, text, ret_id, err) < 0)
		return -1;
	if (*ret_id != 0)
		return 0;
	if (exec_first_wins(db, sql_insert_filter, DB_VALUES(db_text(text), db_text(text)), err) <
		    0 ||
	    find_filter(db, text, ret_id, err) < 0)
		return -1;
	if (*ret_id == 0)
		return error_set(err, ERROR_RETRY,
				 "the filter's row was removed while it was being created");
	return 0;
}

int filter_rows_enlist(struct db *db, const char *text, uint32_t *ret_id, bool *ret_is_active,
		       char **ret_active_text, struct error *err)
{
	uint32_t active;

	if (ret_active_text)
		*ret_active_text = NULL;
	if (find_or_make(db, text, ret_id, err) < 0 || find_active(db, &active, NULL, err) < 0)
		return -1;
	if (active == 0 &&
	    exec_first_wins(db, sql_update_filter_active, DB_VALUES(db_u64(*ret_id)), err) < 0)
		return -1;
	if (find_active(db, &active, ret_active_text, err) < 0)
		return -1;
	*ret_is_active = active == *ret_id;
	return 0;
}

/*
 * Look first: an INSERT would wait for a bot that has locked the row, for example with
 * queue_pause().
 */
static int make_queue(struct db *db, const char *queue, struct error *err)
{
	bool is_there;

	if (db_query_any(db, sql_select_queue, DB_VALUES(db_text(queue)), &is_there, err) < 0)
		return -1;
	return is_there ? 0 : exec_first_wins(db, sql_insert_queue, DB_VALUES(db_text(queue)), err);
}

int filter_rows_make_queues(struct db *db, const char *const *queues, size_t count,
			    struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (make_queue(db, queues[i], err) < 0)
			return -1;
	return 0;
}

int filter_rows_activate(struct db *db, const char *text, uint32_t *ret_id, bool *ret_changed,
			 struct error *err)
{
	uint64_t found;
	uint32_t active;

	if (find_or_make(db, text, ret_id, err) < 0 || find_active(db, &active, NULL, err) < 0)
		return -1;
	*ret_changed = active != *ret_id;
	if (!*ret_changed)
		return 0;
	if (db_begin(db, err) < 0 ||
	    db_exec(db, sql_update_filters_inactive, DB_VALUES(db_u64(*ret_id)), &found, err) < 0 ||
	    db_exec(db, sql_update_filter_active, DB_VALUES(db_u64(*ret_id)), &found, err) < 0 ||
	    db_commit(db, err) < 0) {
		db_rollback(db);
		return -1;
	}
	return 0;
}
