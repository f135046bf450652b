/* SPDX-License-Identifier: MIT */
#include "store/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/sql.h"

enum attempt {
	ATTEMPT_FAILED = -1,
	ATTEMPT_DONE,
	ATTEMPT_LOST_RACE, /* a block row was there before ours */
	ATTEMPT_LEFTOVERS, /* operation rows stand there without a block row */
};

static enum attempt duplicate_or_failed(struct error *err, enum attempt attempt)
{
	if (!db_is_duplicate(err))
		return ATTEMPT_FAILED;
	*err = ERROR_INIT;
	return attempt;
}

/* Rows that already stand there under other rules: the guard makes one reader replace them. */
static enum attempt change_filter(struct ledger_slice *slice, const struct block *block,
				  struct error *err)
{
	uint64_t found;

	if (db_exec(slice->db, sql_update_block_filter,
		    DB_VALUES(db_u64(block->stored_count), db_u64(slice->commit->filter_id),
			      db_u64(slice->reader_id), db_u64(block->num),
			      db_bytes(block->id, BLOCK_ID_BYTES),
			      db_u64(slice->commit->filter_id)),
		    &found, err) < 0)
		return ATTEMPT_FAILED;
	return found > 0 ? ATTEMPT_DONE : ATTEMPT_LOST_RACE;
}

/* The operations of blocks whose row is ours by now, where any may stand there. */
static enum attempt clear_operations(struct ledger_slice *slice, struct error *err)
{
	for (size_t i = 0; i < slice->count; i++) {
		const struct block *block = slice->entries[i].block;
		uint64_t removed = 0;

		if (!slice->is_live[i] || !(slice->is_refilter[i] || slice->has_leftovers))
			continue;
		if (slice->is_refilter[i]) {
			enum attempt attempt = change_filter(slice, block, err);

			if (attempt != ATTEMPT_DONE)
				return attempt;
		}
		if (db_exec(slice->db, sql_delete_operations, DB_VALUES(db_u64(block->num)),
			    &removed, err) < 0)
			return ATTEMPT_FAILED;
		if (!slice->is_refilter[i])
			slice->entries[i].leftovers_removed = removed > 0;
	}
	return ATTEMPT_DONE;
}

/* The last statement: it also proves that this session and its filter still hold. */
static int record_progress(struct ledger_slice *slice, struct error *err)
{
	const struct ledger_commit *commit = slice->commit;
	uint64_t last = 0;
	uint64_t stored = 0;
	uint64_t operations = 0;
	uint64_t lost = 0;
	uint64_t found;
	uint32_t id;

	for (size_t i = 0; i < slice->count; i++) {
		const struct ledger_entry *entry = &slice->entries[i];

		if (slice->is_live[i]) {
			stored++;
			operations += entry->block->stored_count;
		} else if (entry->outcome == LEDGER_PRESENT) {
			lost++;
		} else {
			continue;
		}
		last = entry->block->num;
	}
	if (db_exec(slice->db, sql_update_reader_progress,
		    DB_VALUES(db_u64(last), db_u64(commit->head_block),
			      db_u64(commit->irreversible_block), db_u64(stored),
			      db_u64(operations), db_u64(lost), db_text(commit->identity->name),
			      db_text(commit->identity->session), db_u64(commit->filter_id)),
		    &found, err) < 0)
		return -1;
	if (found > 0)
		return 0;
	if (readers_look(slice->db, commit->identity, commit->filter_id, &id, err) < 0)
		return -1;
	return error_set(err, ERROR_RETRY, "the row of reader %s was not to be found for a moment",
			 commit->identity->name);
}

static enum attempt write_all(struct ledger_slice *slice, const struct ledger_rows *rows,
			      struct error *err)
{
	enum attempt attempt;

	if (bulk_insert(slice->db, rows->blocks, err) < 0)
		return duplicate_or_failed(err, ATTEMPT_LOST_RACE);
	attempt = clear_operations(slice, err);
	if (attempt != ATTEMPT_DONE)
		return attempt;
	if (bulk_insert(slice->db, rows->operations, err) < 0)
		return duplicate_or_failed(err, ATTEMPT_LEFTOVERS);
	return record_progress(slice, err) < 0 ? ATTEMPT_FAILED : ATTEMPT_DONE;
}

/* One transaction. The rows are ready before it begins: nothing slow happens inside. */
static enum attempt try_transaction(struct ledger_slice *slice, struct error *err)
{
	struct ledger_rows rows;
	enum attempt attempt = ATTEMPT_FAILED;

	ledger_rows_init(&rows, slice);
	if (db_begin(slice->db, err) == 0) {
		attempt = write_all(slice, &rows, err);
		if (attempt == ATTEMPT_DONE && db_commit(slice->db, err) < 0)
			attempt = ATTEMPT_FAILED;
		if (attempt != ATTEMPT_DONE)
			db_rollback(slice->db);
	}
	ledger_rows_release(&rows);
	return attempt;
}

static int end_stored(struct ledger_slice *slice, struct error *err)
{
	for (size_t i = 0; i < slice->count; i++)
		if (slice->is_live[i])
			slice->entries[i].outcome = LEDGER_STORED;
	return ledger_look_after(slice, err);
}

/* Falls with each lost race, or the loop ends: what we lost against must show in the table. */
static size_t work_left(const struct ledger_slice *slice)
{
	size_t left = 0;

	for (size_t i = 0; i < slice->count; i++)
		if (slice->is_live[i])
			left += slice->is_refilter[i] ? 1 : 2;
	return left;
}

/* Leftovers are found once: what then still stands in the way is inside the block itself. */
static int store_rounds(struct ledger_slice *slice, struct error *err)
{
	size_t left = SIZE_MAX;

	for (;;) {
		if (ledger_look(slice, err) < 0)
			return -1;
		if (work_left(slice) >= left)
			return error_set(err, ERROR_RETRY,
					 "block rows came and went while they were to be stored");
		switch (try_transaction(slice, err)) {
		case ATTEMPT_DONE:
			return end_stored(slice, err);
		case ATTEMPT_FAILED:
			return -1;
		case ATTEMPT_LOST_RACE:
			left = work_left(slice);
			break;
		case ATTEMPT_LEFTOVERS:
			if (slice->has_leftovers)
				return error_set(err, ERROR_DATA,
						 "two operations have the same place in the block");
			slice->has_leftovers = true;
			left = SIZE_MAX;
			break;
		}
	}
}

static int store_slice(struct ledger_slice *slice, struct error *err);

/* Store `count` entries from `from` on, in a transaction of their own. */
static int store_part(struct ledger_slice *whole, size_t from, size_t count, struct error *err)
{
	struct ledger_slice part = *whole;
	int result;

	part.entries = whole->entries + from;
	part.count = count;
	part.has_leftovers = false;
	part.is_live = xcalloc(count, sizeof(*part.is_live));
	part.is_refilter = xcalloc(count, sizeof(*part.is_refilter));
	for (size_t i = 0; i < count; i++)
		part.is_live[i] = !whole->is_live || whole->is_live[from + i];
	result = store_slice(&part, err);
	free(part.is_live);
	free(part.is_refilter);
	return result;
}

/* A value that the table cannot hold: halve until its block is found, store the others. */
static int store_slice(struct ledger_slice *slice, struct error *err)
{
	struct ledger_entry *entry = slice->entries;
	size_t half = slice->count / 2;

	if (store_rounds(slice, err) == 0)
		return 0;
	if (err->kind != ERROR_DATA)
		return -1;
	if (slice->count == 1) {
		entry->outcome = LEDGER_UNSTORABLE;
		snprintf(entry->problem, sizeof(entry->problem),
			 "block %u cannot be stored: %.150s", entry->block->num, err->text);
	}
	*err = ERROR_INIT;
	/* A statement too long for the server costs the connection as well. */
	if (db_is_lost(slice->db) && db_connect(slice->db, err) < 0)
		return -1;
	if (slice->count == 1)
		return 0;
	if (store_part(slice, 0, half, err) < 0)
		return -1;
	return store_part(slice, half, slice->count - half, err);
}

int ledger_commit(struct db *db, struct ledger_commit *commit, struct error *err)
{
	struct ledger_slice whole = {.db = db, .commit = commit, .entries = commit->entries};

	for (size_t i = 0; i < commit->count; i++) {
		commit->entries[i].outcome = LEDGER_PENDING;
		commit->entries[i].leftovers_removed = false;
		if (i > 0 && commit->entries[i].block->num <= commit->entries[i - 1].block->num)
			return error_set(err, ERROR_FATAL, "blocks of a commit are not ascending");
	}
	if (readers_look(db, commit->identity, commit->filter_id, &whole.reader_id, err) < 0)
		return -1;
	return store_part(&whole, 0, commit->count, err);
}
