/* SPDX-License-Identifier: MIT */
/* Transactions that posters signed: when a reader sees them, and what that changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/outbox.h"
#include "store/outbox_impl.h"
#include "store/sql.h"

#define A_DAY_S 86400

/* Finding. */

int outbox_has_open_trx(struct db *db, int64_t until_s, bool *ret_any, struct error *err)
{
	return db_query_any(db, sql_select_open_trx, DB_VALUES(db_u64((uint64_t)until_s + A_DAY_S)),
			    ret_any, err);
}

int outbox_find_trxs(struct db *db, const char *const *ids, size_t count, bool *ret_found,
		     struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	struct db_value values[OUTBOX_TRXS];
	int result = -1;

	for (size_t i = 0; i < OUTBOX_TRXS; i++)
		values[i] = db_text(i < count ? ids[i] : "");
	memset(ret_found, 0, count * sizeof(*ret_found));
	rows = db_query(db, sql_select_signed_trxs, values, OUTBOX_TRXS, err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		const char *id = db_row_text(rows, SELECT_SIGNED_TRXS_TRX_ID, NULL);

		for (size_t i = 0; i < count; i++)
			ret_found[i] |= strcmp(ids[i], id) == 0;
	}
	return result;
}

/* Seeing. */

int outbox_see_trxs(struct ledger_slice *slice, struct error *err)
{
	struct ledger_commit *commit = slice->commit;
	size_t at = 0;

	for (size_t i = 0; i < commit->trx_count && !commit->is_reversible; i++) {
		const struct ledger_trx *trx = &commit->trxs[i];

		while (at < slice->count && slice->entries[at].block->num < trx->block)
			at++;
		if (at == slice->count)
			break;
		if (slice->entries[at].block->num != trx->block ||
		    slice->steps[at].write == WRITE_NOTHING)
			continue;
		if (db_exec(slice->db, sql_insert_trx_seen,
			    DB_VALUES(db_text(trx->trx_id), db_u64(trx->block)), NULL, err) < 0)
			return -1;
		commit->seen_count++;
	}
	return 0;
}

/* Confirming. */

struct seen_trx {
	char trx_id[BLOCK_ID_HEX + 1];
	bool is_signed;
	uint64_t block;
	uint64_t comment_id, action_id; /* 0: it carries none */
};

static int load_seen(struct db *db, const struct outbox_step *step, struct seen_trx *ret_seen,
		     size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	*ret_count = 0;
	rows = db_query(db, sql_select_trxs_seen,
			DB_VALUES(db_text(step->trx_id), db_u64(OUTBOX_STEP_ROWS)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct seen_trx *seen = &ret_seen[(*ret_count)++];

		snprintf(seen->trx_id, sizeof(seen->trx_id), "%s",
			 db_row_text(rows, SELECT_TRXS_SEEN_TRX_ID, NULL));
		seen->block = db_row_u64(rows, SELECT_TRXS_SEEN_BLOCK);
		seen->is_signed = db_row_u64(rows, SELECT_TRXS_SEEN_IS_SIGNED) != 0;
		seen->comment_id = db_row_u64(rows, SELECT_TRXS_SEEN_COMMENT_ID);
		seen->action_id = db_row_u64(rows, SELECT_TRXS_SEEN_ACTION_ID);
	}
	return result;
}

/* Lock the transaction and the row that it carries, if nobody else has locked one of them. */
static int lock_all(struct db *db, const struct seen_trx *seen, bool *ret_locked, struct error *err)
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

static int confirm_row(struct db *db, const char *sql, const struct seen_trx *seen, uint64_t row,
		       struct error *err)
{
	return row == 0
		       ? 0
		       : db_exec(db, sql,
				 DB_VALUES(db_u64(seen->block), db_text(seen->trx_id), db_u64(row)),
				 NULL, err);
}

static int confirm_one(struct db *db, struct outbox_step *step, const struct seen_trx *seen,
		       struct error *err)
{
	bool is_locked;
	uint64_t found = 0;

	if (lock_all(db, seen, &is_locked, err) < 0)
		return -1;
	if (!is_locked) {
		step->locked_count++;
		return 0;
	}
	if (db_exec(db, sql_update_trx_confirmed, DB_VALUES(db_text(seen->trx_id)), &found, err) <
		    0 ||
	    confirm_row(db, sql_update_comment_confirmed, seen, seen->comment_id, err) < 0 ||
	    confirm_row(db, sql_update_action_confirmed, seen, seen->action_id, err) < 0)
		return -1;
	step->trx_count += found > 0;
	return db_exec(db, sql_delete_trx_seen, DB_VALUES(db_text(seen->trx_id)), NULL, err);
}

static int confirm_all(struct db *db, struct outbox_step *step, const struct seen_trx *seen,
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

int outbox_confirm_trxs(struct db *db, struct outbox_step *step, struct error *err)
{
	struct seen_trx *seen = xcalloc(OUTBOX_STEP_ROWS, sizeof(*seen));
	size_t count;
	int result = -1;

	if (load_seen(db, step, seen, &count, err) == 0 &&
	    confirm_all(db, step, seen, count, err) == 0) {
		step->is_last = count < OUTBOX_STEP_ROWS;
		if (count > 0)
			memcpy(step->trx_id, seen[count - 1].trx_id, sizeof(step->trx_id));
		result = 0;
	} else {
		db_rollback(db);
	}
	free(seen);
	return result;
}
