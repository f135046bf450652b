/* SPDX-License-Identifier: MIT */
#include "store/reader_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/sql.h"

#define IDENTITY(identity) db_text((identity)->name), db_text((identity)->session)

int reader_rows_register(struct db *db, const struct reader_identity *identity,
			 const char *program_version, struct error *err)
{
	if (db_begin(db, err) == 0 &&
	    db_exec(db, sql_upsert_reader,
		    DB_VALUES(IDENTITY(identity), db_text(program_version),
			      db_text(identity->session), db_text(program_version)),
		    NULL, err) == 0 &&
	    db_exec(db, sql_delete_reader_claims, DB_VALUES(db_text(identity->name)), NULL, err) ==
		    0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int reader_rows_look(struct db *db, const struct reader_identity *identity, uint32_t filter_id,
		     uint32_t *ret_reader_id, uint32_t *ret_open_first, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result =
		db_query_row(db, sql_select_reader, DB_VALUES(db_text(identity->name)), &rows, err);

	if (result < 0)
		return -1;
	if (result == 0)
		return error_set_code(
			err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_FORGOTTEN,
			"reader %s has no row any more: it was removed with --forget, "
			"or the table `readers` was lost; a new start makes it again",
			identity->name);
	if (strcmp(db_row_text(rows, SELECT_READER_SESSION, NULL), READERS_REWOUND) == 0)
		return error_set_code(
			err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_FORGOTTEN,
			"--rewind took the row of reader %s, which had no heartbeat; a new start takes it back",
			identity->name);
	if (strcmp(db_row_text(rows, SELECT_READER_SESSION, NULL), identity->session) != 0)
		return error_set_code(
			err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_SUPERSEDED,
			"a newer process took the name %s over; give each reader a name "
			"of its own (reader.name)",
			identity->name);
	if (filter_id != 0 && db_row_is_null(rows, SELECT_READER_FILTER_ID))
		return error_set_code(
			err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_NO_FILTER,
			"no filter rules are active in the database any more: the table `filters` was "
			"lost; a new start activates those of the configuration");
	if (filter_id != 0 && db_row_u64(rows, SELECT_READER_FILTER_ID) != filter_id)
		return error_set_code(
			err, ERROR_CONFIG, ERROR_CLASS_READER, READER_OVER_FILTER_CHANGED,
			"other filter rules (or virtual_operations) were activated in the database; put them into "
			"the configuration, or activate these with --activate-filter");
	*ret_reader_id = (uint32_t)db_row_u64(rows, SELECT_READER_ID);
	if (ret_open_first)
		*ret_open_first = (uint32_t)db_row_u64(rows, SELECT_READER_OPEN_FIRST);
	return 0;
}

static int update_heartbeat(struct db *db, const struct reader_identity *identity,
			    const struct reader_report *report, const char *node,
			    uint64_t *ret_found, struct error *err)
{
	return db_exec(db, sql_update_reader_heartbeat,
		       DB_VALUES(db_text(report->state), db_text(node), db_u64(report->head_block),
				 db_u64(report->irreversible_block), db_u64(report->node_failures),
				 db_u64(report->commit_retries), db_u64(report->false_blocks),
				 db_u64(report->false_claims), db_u64(report->unproved_blocks),
				 IDENTITY(identity)),
		       ret_found, err);
}

int reader_rows_heartbeat(struct db *db, const struct reader_identity *identity,
			  const struct reader_report *report, struct error *err)
{
	uint64_t found;
	uint32_t id;

	/* If the table refuses the node's name, the heartbeat is written without it. */
	if (update_heartbeat(db, identity, report, report->node, &found, err) < 0 &&
	    (err->kind != ERROR_DATA ||
	     update_heartbeat(db, identity, report, NULL, &found, err) < 0))
		return -1;
	if (found > 0)
		return 0;
	if (reader_rows_look(db, identity, 0, &id, NULL, err) < 0)
		return -1;
	return error_set(err, ERROR_RETRY, "the row of reader %s could not be found for a moment",
			 identity->name);
}

int reader_rows_sign_off(struct db *db, const struct reader_identity *identity, struct error *err)
{
	if (db_begin(db, err) == 0 &&
	    db_exec(db, sql_update_reader_stopped, DB_VALUES(IDENTITY(identity)), NULL, err) == 0 &&
	    db_exec(db, sql_delete_session_claims, DB_VALUES(IDENTITY(identity)), NULL, err) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int reader_rows_remove(struct db *db, const struct reader_identity *identity, struct error *err)
{
	if (db_begin(db, err) == 0 &&
	    db_exec(db, sql_update_irreversible_kept, DB_VALUES(db_text(identity->name)), NULL,
		    err) == 0 &&
	    db_exec(db, sql_delete_reader, DB_VALUES(IDENTITY(identity)), NULL, err) == 0 &&
	    db_exec(db, sql_delete_session_claims, DB_VALUES(IDENTITY(identity)), NULL, err) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int reader_rows_pulse(struct db *db, const char *name, struct reader_pulse *ret_pulse,
		      struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result;

	*ret_pulse = (struct reader_pulse){.is_found = false};
	result =
		db_query_row(db, sql_select_reader_heartbeat, DB_VALUES(db_text(name)), &rows, err);
	if (result > 0)
		*ret_pulse = (struct reader_pulse){
			.is_found = true,
			.is_stopped = db_row_u64(rows, SELECT_READER_HEARTBEAT_IS_STOPPED) != 0,
			.heartbeat_us = db_row_u64(rows, SELECT_READER_HEARTBEAT_HEARTBEAT_US)};
	return result < 0 ? -1 : 0;
}

int reader_rows_forget(struct db *db, const char *name, uint64_t heartbeat_us, bool *ret_alive,
		       struct error *err)
{
	uint64_t removed = 0;

	*ret_alive = false;
	if (db_begin(db, err) < 0 ||
	    db_exec(db, sql_update_irreversible_kept, DB_VALUES(db_text(name)), NULL, err) < 0 ||
	    db_exec(db, sql_delete_dead_reader, DB_VALUES(db_text(name), db_u64(heartbeat_us)),
		    &removed, err) < 0 ||
	    (removed > 0 &&
	     db_exec(db, sql_delete_reader_claims, DB_VALUES(db_text(name)), NULL, err) < 0) ||
	    db_commit(db, err) < 0) {
		db_rollback(db);
		return -1;
	}
	*ret_alive = removed == 0;
	return 0;
}

int reader_rows_irreversible(struct db *db, uint32_t *ret_block, struct error *err)
{
	uint64_t block;
	int result = db_query_u64(db, sql_select_irreversible, DB_NO_VALUES, &block, err);

	*ret_block = (uint32_t)block;
	return result;
}

int reader_rows_list(struct db *db, void (*row)(void *context, const struct reader_status_row *row),
		     void *context, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_reader_status, DB_NO_VALUES, err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		const char *age = db_row_text(rows, SELECT_READER_STATUS_HEARTBEAT_AGE_S, NULL);
		struct reader_status_row status = {
			.name = db_row_text(rows, SELECT_READER_STATUS_NAME, NULL),
			.state = db_row_text(rows, SELECT_READER_STATUS_STATE, NULL),
			.node = db_row_text(rows, SELECT_READER_STATUS_NODE, NULL),
			.is_alive = db_row_u64(rows, SELECT_READER_STATUS_ALIVE) != 0,
			.last_block = (uint32_t)db_row_u64(rows, SELECT_READER_STATUS_LAST_BLOCK),
			.irreversible_block =
				(uint32_t)db_row_u64(rows, SELECT_READER_STATUS_IRREVERSIBLE_BLOCK),
			.lag_blocks = db_row_u64(rows, SELECT_READER_STATUS_LAG_BLOCKS),
			.lag_s = (double)db_row_u64(rows, SELECT_READER_STATUS_LAG_S),
			.heartbeat_age_s = age ? strtod(age, NULL) : -1,
			.has_lag_s = !db_row_is_null(rows, SELECT_READER_STATUS_LAG_S),
		};

		row(context, &status);
	}
	return result;
}
