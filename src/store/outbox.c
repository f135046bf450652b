/* SPDX-License-Identifier: MIT */
#include "store/outbox.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/outbox_impl.h"
#include "store/sql.h"

#define FEW_AUTHORS 64

/* Authors. */

/* Load the next authors after the last one known; *ret_any: there was one. */
static int load_behind(struct db *db, const char *sql, struct outbox_authors *authors,
		       bool *ret_any, struct error *err)
{
	const char *last = authors->count > 0 ? authors->names[authors->count - 1] : "";
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows = db_query(db, sql, DB_VALUES(db_text(last)), err);
	int result = -1;

	*ret_any = false;
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		authors->names = xgrow(authors->names, authors->count, &authors->capacity,
				       sizeof(*authors->names));
		snprintf(authors->names[authors->count++], sizeof(*authors->names), "%s",
			 db_row_text(rows, SELECT_OUTBOX_AUTHORS_AUTHOR, NULL));
		*ret_any = true;
	}
	return result;
}

/*
 * One by one while there are few: this is always fast, even if the server knows nothing about the
 * table.
 */
int outbox_authors_load(struct db *db, struct outbox_authors *ret_authors, struct error *err)
{
	bool any = true;

	while (any && ret_authors->count < FEW_AUTHORS)
		if (load_behind(db, sql_select_next_author, ret_authors, &any, err) < 0)
			return -1;
	return any ? load_behind(db, sql_select_outbox_authors, ret_authors, &any, err) : 0;
}

void outbox_authors_release(struct outbox_authors *authors)
{
	free(authors->names);
	*authors = (struct outbox_authors){.count = 0};
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool outbox_authors_has(const struct outbox_authors *authors, const char *name)
{
	return authors->count > 0 && bsearch(name, authors->names, authors->count,
					     sizeof(*authors->names), compare_names) != NULL;
}

/* Seeing. */

int outbox_see_comments(struct ledger_slice *slice, struct error *err)
{
	struct ledger_commit *commit = slice->commit;
	size_t at = 0;

	for (size_t i = 0; i < commit->comment_count && !commit->is_reversible; i++) {
		const struct ledger_comment *comment = &commit->comments[i];
		uint64_t found = 0;

		while (at < slice->count && slice->entries[at].block->num < comment->block)
			at++;
		if (at == slice->count)
			break;
		if (slice->entries[at].block->num != comment->block ||
		    slice->steps[at].write == WRITE_NOTHING)
			continue;
		if (db_exec(slice->db, sql_insert_comment_seen,
			    DB_VALUES(db_u64(comment->block), db_text(comment->trx_id),
				      db_text(comment->author), db_text(comment->permlink)),
			    &found, err) < 0)
			return -1;
		commit->seen_count += found > 0;
	}
	return 0;
}

/* Confirming. */

struct seen_comment {
	char author[BLOCK_ACCOUNT_BYTES + 1];
	char permlink[4 * OUTBOX_PERMLINK_BYTES + 1];
	char trx_id[BLOCK_ID_HEX + 1]; /* "": none */
	uint64_t block;
	uint64_t comment_id; /* 0: it no longer waits */
};

static void copy_text(char *to, size_t size, const struct db_rows *rows, unsigned column)
{
	const char *text = db_row_text(rows, column, NULL);

	snprintf(to, size, "%s", text ? text : "");
}

static int load_seen(struct db *db, const struct outbox_step *step, struct seen_comment *ret_seen,
		     size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	*ret_count = 0;
	rows = db_query(db, sql_select_comments_seen,
			DB_VALUES(db_text(step->author), db_text(step->author),
				  db_text(step->permlink), db_u64(OUTBOX_STEP_ROWS)),
			err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct seen_comment *seen = &ret_seen[(*ret_count)++];

		copy_text(seen->author, sizeof(seen->author), rows, SELECT_COMMENTS_SEEN_AUTHOR);
		copy_text(seen->permlink, sizeof(seen->permlink), rows,
			  SELECT_COMMENTS_SEEN_PERMLINK);
		seen->block = db_row_u64(rows, SELECT_COMMENTS_SEEN_BLOCK);
		copy_text(seen->trx_id, sizeof(seen->trx_id), rows, SELECT_COMMENTS_SEEN_TRX_ID);
		seen->comment_id = db_row_u64(rows, SELECT_COMMENTS_SEEN_COMMENT_ID);
	}
	return result;
}

/* *ret_locked: the transaction has locked it until its end. */
static int lock_comment(struct db *db, uint64_t comment_id, bool *ret_locked, struct error *err)
{
	return db_query_any(db, sql_lock_comment, DB_VALUES(db_u64(comment_id)), ret_locked, err);
}

static int confirm_one(struct db *db, struct outbox_step *step, const struct seen_comment *seen,
		       struct error *err)
{
	bool is_locked = false;
	uint64_t found = 0;

	if (seen->comment_id > 0) {
		if (lock_comment(db, seen->comment_id, &is_locked, err) < 0)
			return -1;
		if (!is_locked) {
			step->locked_count++;
			return 0;
		}
		if (db_exec(db, sql_update_comment_confirmed,
			    DB_VALUES(db_u64(seen->block),
				      db_text(seen->trx_id[0] ? seen->trx_id : NULL),
				      db_u64(seen->comment_id)),
			    &found, err) < 0)
			return -1;
		step->confirmed_count += found > 0;
	}
	return db_exec(db, sql_delete_comment_seen,
		       DB_VALUES(db_text(seen->author), db_text(seen->permlink)), NULL, err);
}

static int confirm_all(struct db *db, struct outbox_step *step, const struct seen_comment *seen,
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

static int confirm_comments(struct db *db, struct outbox_step *step, struct error *err)
{
	struct seen_comment *seen = xcalloc(OUTBOX_STEP_ROWS, sizeof(*seen));
	size_t count;
	int result = -1;

	if (load_seen(db, step, seen, &count, err) == 0 &&
	    confirm_all(db, step, seen, count, err) == 0) {
		step->has_comments = count < OUTBOX_STEP_ROWS;
		if (count > 0) {
			memcpy(step->author, seen[count - 1].author, sizeof(step->author));
			memcpy(step->permlink, seen[count - 1].permlink, sizeof(step->permlink));
		}
		result = 0;
	} else {
		db_rollback(db);
	}
	free(seen);
	return result;
}

int outbox_confirm(struct db *db, struct outbox_step *step, struct error *err)
{
	step->confirmed_count = 0;
	step->trx_count = 0;
	step->locked_count = 0;
	if (!step->has_comments && confirm_comments(db, step, err) < 0)
		return -1;
	return step->has_comments ? outbox_confirm_trxs(db, step, err) : 0;
}
