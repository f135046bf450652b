/* SPDX-License-Identifier: MIT */
#include "store/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/sql.h"

enum attempt {
	ATTEMPT_FAILED = -1,
	ATTEMPT_DONE,
	ATTEMPT_LOST_RACE, /* another reader had inserted a block row first */
	ATTEMPT_LEFTOVERS, /* there are operation rows without a block row */
};

bool ledger_is_stored(enum ledger_outcome outcome)
{
	switch (outcome) {
	case LEDGER_STORED:
	case LEDGER_PRESENT:
	case LEDGER_NO_LINK_AFTER:
	case LEDGER_CONFIRMED:
	case LEDGER_REPLACED:
	case LEDGER_REWRITTEN:
		return true;
	case LEDGER_PENDING:
	case LEDGER_OTHER_ID:
	case LEDGER_NO_LINK:
	case LEDGER_UNSTORABLE:
		break;
	}
	return false;
}

static enum attempt duplicate_or_failed(struct error *err, enum attempt attempt)
{
	if (!db_is_duplicate(err))
		return ATTEMPT_FAILED;
	*err = ERROR_INIT;
	return attempt;
}

/* Change the stored row to what the entry says, if it is still the row that was read. */
static enum attempt take_row(struct ledger_slice *slice, size_t i, const char *time,
			     struct error *err)
{
	const struct block *block = slice->entries[i].block;
	const struct ledger_step *step = &slice->steps[i];
	uint64_t found;

	if (db_exec(slice->db, sql_update_block,
		    DB_VALUES(db_bytes(block->id, BLOCK_ID_BYTES),
			      db_bytes(block->previous, BLOCK_ID_BYTES), db_text(time),
			      db_u64(block->operation_count),
			      db_u64(block->stored_count - block->stored_virtual_count),
			      db_u64(block->virtual_count), db_u64(block->stored_virtual_count),
			      db_text(block_virtual_name(block->virtual_state)),
			      db_text(block_proof_name(block->proof)),
			      db_u64(step->is_delivered ? 1 : 0), db_u64(slice->commit->filter_id),
			      db_u64(slice->reader_id), db_u64(block->num),
			      db_bytes(step->row_id, BLOCK_ID_BYTES),
			      db_text(step->row_committed_at)),
		    &found, err) < 0)
		return ATTEMPT_FAILED;
	return found > 0 ? ATTEMPT_DONE : ATTEMPT_LOST_RACE;
}

/* Keep the operations of the block that this entry replaces, as orphans. */
static int keep_orphans(struct ledger_slice *slice, size_t i, struct error *err)
{
	const struct block *block = slice->entries[i].block;

	return db_exec(slice->db, sql_insert_orphans,
		       DB_VALUES(db_bytes(slice->steps[i].row_id, BLOCK_ID_BYTES),
				 db_bytes(block->id, BLOCK_ID_BYTES), db_u64(slice->reader_id),
				 db_u64(block->num)),
		       NULL, err);
}

/* Change rows that are already stored, and delete operations in the way of new ones. */
static enum attempt make_room(struct ledger_slice *slice, const struct ledger_rows *rows,
			      struct error *err)
{
	for (size_t i = 0; i < slice->count; i++) {
		enum ledger_write write = slice->steps[i].write;
		uint64_t removed = 0;

		if (write == WRITE_NOTHING || (write == WRITE_NEW && !slice->has_leftovers))
			continue;
		if (write != WRITE_NEW) {
			enum attempt attempt = take_row(slice, i, rows->times[i], err);

			if (attempt != ATTEMPT_DONE)
				return attempt;
		}
		if (write == WRITE_CONFIRM)
			continue;
		if (write == WRITE_INSTEAD && keep_orphans(slice, i, err) < 0)
			return ATTEMPT_FAILED;
		if (db_exec(slice->db, sql_delete_operations,
			    DB_VALUES(db_u64(slice->entries[i].block->num)), &removed, err) < 0)
			return ATTEMPT_FAILED;
		if (write == WRITE_NEW)
			slice->entries[i].leftovers_removed = removed > 0;
	}
	return ATTEMPT_DONE;
}

/* The last statement: it also proves that this session and its filter are still valid. */
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

		if (slice->steps[i].write == WRITE_NOTHING) {
			if (entry->outcome != LEDGER_PRESENT)
				continue;
			lost++;
		} else if (slice->steps[i].write != WRITE_CONFIRM) {
			stored++;
			operations += entry->block->stored_count;
		}
		if (!commit->is_reversible)
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
	if (reader_rows_look(slice->db, commit->identity, commit->filter_id, &id, NULL, err) < 0)
		return -1;
	return error_set(err, ERROR_RETRY, "the row of reader %s could not be found for a moment",
			 commit->identity->name);
}

static enum attempt write_all(struct ledger_slice *slice, const struct ledger_rows *rows,
			      struct error *err)
{
	enum attempt attempt;

	if (bulk_insert(slice->db, rows->blocks, err) < 0)
		return duplicate_or_failed(err, ATTEMPT_LOST_RACE);
	attempt = make_room(slice, rows, err);
	if (attempt != ATTEMPT_DONE)
		return attempt;
	if (bulk_insert(slice->db, rows->operations, err) < 0)
		return duplicate_or_failed(err, ATTEMPT_LEFTOVERS);
	if (ledger_deliveries_insert(slice->db, &rows->deliveries, err) < 0)
		return duplicate_or_failed(err, ATTEMPT_LOST_RACE);
	if (outbox_see_comments(slice, err) < 0 || outbox_see_trxs(slice, err) < 0 ||
	    ledger_learn_keys(slice, err) < 0)
		return ATTEMPT_FAILED;
	return record_progress(slice, err) < 0 ? ATTEMPT_FAILED : ATTEMPT_DONE;
}

/* One transaction. The rows are ready before it begins, so nothing slow happens inside. */
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

static void set_outcome(struct ledger_entry *entry, const struct ledger_step *step)
{
	switch (step->write) {
	case WRITE_NOTHING:
		break;
	case WRITE_NEW:
		entry->outcome = LEDGER_STORED;
		break;
	case WRITE_CONFIRM:
		entry->outcome = LEDGER_CONFIRMED;
		break;
	case WRITE_AGAIN:
		entry->outcome = step->was_reversible ? LEDGER_CONFIRMED : LEDGER_REWRITTEN;
		break;
	case WRITE_INSTEAD:
		entry->outcome = LEDGER_REPLACED;
		memcpy(entry->stored_id, step->row_id, BLOCK_ID_BYTES);
		break;
	}
}

static int end_stored(struct ledger_slice *slice, struct error *err)
{
	for (size_t i = 0; i < slice->count; i++)
		set_outcome(&slice->entries[i], &slice->steps[i]);
	return ledger_look_after(slice, err);
}

/*
 * How much is left to write.  Each lost race must make it smaller, because the row of the winner
 * is in the table then.  If it does not, the loop ends.
 */
static size_t work_left(const struct ledger_slice *slice)
{
	size_t left = 0;

	for (size_t i = 0; i < slice->count; i++)
		if (slice->steps[i].write != WRITE_NOTHING)
			left += slice->steps[i].write == WRITE_NEW ? 2 : 1;
	return left;
}

/*
 * Leftovers are removed once.  If a row is in the way even then, the block itself has two
 * operations with one place.
 */
static int store_rounds(struct ledger_slice *slice, struct error *err)
{
	size_t left = SIZE_MAX;

	for (;;) {
		if (ledger_look(slice, err) < 0 || ledger_facts_load(slice, err) < 0)
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

/*
 * Store `count` entries from `from` on, in one transaction. Those that were refused stay refused.
 */
static int store_part(struct ledger_slice *whole, size_t from, size_t count, struct error *err)
{
	struct ledger_slice part = *whole;
	int result;

	part.entries = whole->entries + from;
	part.count = count;
	part.has_leftovers = false;
	part.steps = xcalloc(count, sizeof(*part.steps));
	for (size_t i = 0; i < count; i++)
		part.steps[i].write = whole->steps ? whole->steps[from + i].write : WRITE_NEW;
	part.facts = NULL;
	range_set_init(&part.outdated);
	result = store_slice(&part, err);
	ledger_facts_free(part.facts);
	range_set_release(&part.outdated);
	free(part.steps);
	return result;
}

/*
 * If the table cannot hold a value: halve the slice until its block is found, and store the
 * others.
 */
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
	/* A statement that is too long for the server also costs the connection. */
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

	commit->seen_count = 0;
	for (size_t i = 0; i < commit->count; i++) {
		commit->entries[i].outcome = LEDGER_PENDING;
		commit->entries[i].leftovers_removed = false;
		commit->entries[i].has_forked = false;
		commit->entries[i].is_irreversible = false;
		if (i > 0 && commit->entries[i].block->num <= commit->entries[i - 1].block->num)
			return error_set(err, ERROR_FATAL, "blocks of a commit are not ascending");
	}
	if (reader_rows_look(db, commit->identity, commit->filter_id, &whole.reader_id,
			     &whole.open_first, err) < 0)
		return -1;
	return store_part(&whole, 0, commit->count, err);
}
