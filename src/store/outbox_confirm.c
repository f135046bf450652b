/* SPDX-License-Identifier: MIT */
/* What readers saw in blocks is applied to the outbox. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/outbox.h"
#include "store/sql.h"

#define STEP_ROWS 100

/* A row of comments_seen or of trxs_seen, and the rows that it confirms. */
struct seen {
	char author[BLOCK_ACCOUNT_BYTES + 1]; /* the key in comments_seen */
	char permlink[4 * OUTBOX_PERMLINK_BYTES + 1];
	char trx_id[BLOCK_ID_HEX + 1]; /* the key in trxs_seen; "": of a comment, none is known */
	bool is_signed;                /* the transaction is in signed_trxs */
	uint64_t block;
	uint64_t comment_id, action_id; /* 0: none, or it no longer waits */
};

/* Loading. */

static void copy_text(char *to, size_t size, const struct db_rows *rows, unsigned column)
{
	const char *text = db_row_text(rows, column, NULL);

	snprintf(to, size, "%s", text ? text : "");
}

static int load_comments(struct db *db, const struct outbox_step *step, struct seen *ret_seen,
			 size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_comments_seen,
			DB_VALUES(db_text(step->author), db_text(step->author),
				  db_text(step->permlink), db_u64(STEP_ROWS)),
			err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct seen *seen = &ret_seen[(*ret_count)++];

		copy_text(seen->author, sizeof(seen->author), rows, SELECT_COMMENTS_SEEN_AUTHOR);
		copy_text(seen->permlink, sizeof(seen->permlink), rows,
			  SELECT_COMMENTS_SEEN_PERMLINK);
		seen->block = db_row_u64(rows, SELECT_COMMENTS_SEEN_BLOCK);
		copy_text(seen->trx_id, sizeof(seen->trx_id), rows, SELECT_COMMENTS_SEEN_TRX_ID);
		seen->comment_id = db_row_u64(rows, SELECT_COMMENTS_SEEN_COMMENT_ID);
	}
	return result;
}

static int load_trxs(struct db *db, const struct outbox_step *step, struct seen *ret_seen,
		     size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_trxs_seen,
			DB_VALUES(db_text(step->trx_id), db_u64(STEP_ROWS)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct seen *seen = &ret_seen[(*ret_count)++];

		copy_text(seen->trx_id, sizeof(seen->trx_id), rows, SELECT_TRXS_SEEN_TRX_ID);
		seen->block = db_row_u64(rows, SELECT_TRXS_SEEN_BLOCK);
		seen->is_signed = db_row_u64(rows, SELECT_TRXS_SEEN_IS_SIGNED) != 0;
		seen->comment_id = db_row_u64(rows, SELECT_TRXS_SEEN_COMMENT_ID);
		seen->action_id = db_row_u64(rows, SELECT_TRXS_SEEN_ACTION_ID);
	}
	return result;
}

/* Confirming. */

/* Lock the rows that will be confirmed. *ret_locked is false if another session has locked one of them. */
static int lock_all(struct db *db, const struct seen *seen, bool *ret_locked, struct error *err)
{
	*ret_locked = true;
	if (seen->is_signed && db_query_any(db, sql_lock_signed_trx,
					    DB_VALUES(db_text(seen->trx_id)), ret_locked, err) < 0)
		return -1;
	if (*ret_locked && seen->comment_id > 0 &&
	    db_query_any(db, sql_lock_comment, DB_VALUES(db_u64(seen->comment_id)), ret_locked,
			 err) < 0)
		return -1;
	if (*ret_locked && seen->action_id > 0 &&
	    db_query_any(db, sql_lock_action, DB_VALUES(db_u64(seen->action_id)), ret_locked, err) <
		    0)
		return -1;
	return 0;
}

static int confirm_row(struct db *db, const char *sql, const struct seen *seen, uint64_t row,
		       uint64_t *ret_found, struct error *err)
{
	const char *trx_id = seen->trx_id[0] ? seen->trx_id : NULL;

	*ret_found = 0;
	if (row == 0)
		return 0;
	return db_exec(db, sql, DB_VALUES(db_u64(seen->block), db_text(trx_id), db_u64(row)),
		       ret_found, err);
}

/* The comments come before the transactions. */
static int confirm_one(struct db *db, struct outbox_step *step, const struct seen *seen,
		       struct error *err)
{
	bool is_trx = step->has_comments, is_locked;
	uint64_t trxs = 0, comments, actions;

	if (lock_all(db, seen, &is_locked, err) < 0)
		return -1;
	if (!is_locked) {
		step->locked_count++;
		return 0;
	}
	if (is_trx &&
	    db_exec(db, sql_update_trx_confirmed, DB_VALUES(db_text(seen->trx_id)), &trxs, err) < 0)
		return -1;
	if (confirm_row(db, sql_update_comment_confirmed, seen, seen->comment_id, &comments, err) <
		    0 ||
	    confirm_row(db, sql_update_action_confirmed, seen, seen->action_id, &actions, err) < 0)
		return -1;
	step->trx_count += trxs > 0;
	step->confirmed_count += !is_trx && comments > 0;
	if (is_trx)
		return db_exec(db, sql_delete_trx_seen, DB_VALUES(db_text(seen->trx_id)), NULL,
			       err);
	return db_exec(db, sql_delete_comment_seen,
		       DB_VALUES(db_text(seen->author), db_text(seen->permlink)), NULL, err);
}

static int confirm_all(struct db *db, struct outbox_step *step, const struct seen *seen,
		       size_t count, struct error *err)
{
	if (count == 0)
		return 0;
	if (db_begin(db, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (confirm_one(db, step, &seen[i], err) < 0)
			return -1;
	return db_commit(db, err);
}

/* The next step begins behind the last row of this one. */
static void move_on(struct outbox_step *step, const struct seen *seen, size_t count)
{
	bool is_end = count < STEP_ROWS;

	if (step->has_comments) {
		if (count > 0)
			memcpy(step->trx_id, seen[count - 1].trx_id, sizeof(step->trx_id));
		step->is_last = is_end;
	} else {
		if (count > 0) {
			memcpy(step->author, seen[count - 1].author, sizeof(step->author));
			memcpy(step->permlink, seen[count - 1].permlink, sizeof(step->permlink));
		}
		step->has_comments = is_end;
	}
}

static int confirm_some(struct db *db, struct outbox_step *step, struct error *err)
{
	struct seen *seen = xcalloc(STEP_ROWS, sizeof(*seen));
	size_t count = 0;
	int result = step->has_comments ? load_trxs(db, step, seen, &count, err)
					: load_comments(db, step, seen, &count, err);

	if (result == 0)
		result = confirm_all(db, step, seen, count, err);
	if (result == 0)
		move_on(step, seen, count);
	else
		db_rollback(db);
	free(seen);
	return result;
}

int outbox_confirm(struct db *db, struct outbox_step *step, struct error *err)
{
	step->confirmed_count = 0;
	step->trx_count = 0;
	step->locked_count = 0;
	if (!step->has_comments && confirm_some(db, step, err) < 0)
		return -1;
	return step->has_comments ? confirm_some(db, step, err) : 0;
}
