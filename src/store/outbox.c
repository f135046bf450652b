/* SPDX-License-Identifier: MIT */
#include "store/outbox.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/sql.h"

#define FEW_AUTHORS 64
#define A_DAY_S     86400

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

/* Which transactions did posters sign? */

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

/* Is this block written by the slice? Asked in the order of the chain; *at: how far that is. */
static bool is_written(const struct ledger_slice *slice, size_t *at, uint32_t block)
{
	while (*at < slice->count && slice->entries[*at].block->num < block)
		(*at)++;
	return *at < slice->count && slice->entries[*at].block->num == block &&
	       slice->steps[*at].write != WRITE_NOTHING;
}

int outbox_see_comments(struct ledger_slice *slice, struct error *err)
{
	struct ledger_commit *commit = slice->commit;
	size_t at = 0;

	for (size_t i = 0; i < commit->comment_count && !commit->is_reversible; i++) {
		const struct ledger_comment *comment = &commit->comments[i];
		uint64_t found = 0;

		if (!is_written(slice, &at, comment->block))
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

int outbox_see_trxs(struct ledger_slice *slice, struct error *err)
{
	struct ledger_commit *commit = slice->commit;
	size_t at = 0;

	for (size_t i = 0; i < commit->trx_count && !commit->is_reversible; i++) {
		const struct ledger_trx *trx = &commit->trxs[i];

		if (!is_written(slice, &at, trx->block))
			continue;
		if (db_exec(slice->db, sql_insert_trx_seen,
			    DB_VALUES(db_text(trx->trx_id), db_u64(trx->block)), NULL, err) < 0)
			return -1;
		commit->seen_count++;
	}
	return 0;
}
