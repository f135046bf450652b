/* SPDX-License-Identifier: MIT */
/* Reads the stored rows of the entries and their neighbours, and checks the links. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/sql.h"

#define STATEMENT_BLOCKS 100000 /* that one statement looks through for outdated ones */

static bool follows(const struct ledger_slice *slice, size_t i)
{
	return slice->entries[i].block->num == slice->entries[i - 1].block->num + 1;
}

/* The end (not included) of the run of consecutive numbers that begins at `from`. */
static size_t run_end(const struct ledger_slice *slice, size_t from)
{
	size_t to = from + 1;

	while (to < slice->count && follows(slice, to))
		to++;
	return to;
}

static struct ledger_entry *find_entry(struct ledger_slice *slice, size_t from, size_t to,
				       uint64_t num)
{
	uint32_t first = slice->entries[from].block->num;

	return num >= first && num - first < to - from ? &slice->entries[from + (num - first)]
						       : NULL;
}

static bool same_id(const struct db_rows *rows, unsigned column, const uint8_t id[BLOCK_ID_BYTES])
{
	size_t len;
	const char *stored = db_row_text(rows, column, &len);

	return stored && len == BLOCK_ID_BYTES && memcmp(stored, id, BLOCK_ID_BYTES) == 0;
}

static struct ledger_step *step_of(struct ledger_slice *slice, const struct ledger_entry *entry)
{
	return &slice->steps[entry - slice->entries];
}

static bool is_irreversible(const struct db_rows *rows)
{
	return db_row_u64(rows, SELECT_BLOCKS_BETWEEN_IS_IRREVERSIBLE) != 0;
}

/* Does the block have better virtual operations than its row? */
static bool brings_virtual(const struct block *block, const struct db_rows *rows)
{
	enum block_virtual state =
		block_virtual_parse(db_row_text(rows, SELECT_BLOCKS_BETWEEN_VIRTUAL_STATE, NULL));

	return block->virtual_state > state ||
	       (block->virtual_state == state &&
		block->virtual_count > db_row_u64(rows, SELECT_BLOCKS_BETWEEN_VIRTUAL_OPERATIONS));
}

/* There is an irreversible row of the entry's id: must the entry be written over it? */
static bool must_rewrite(const struct ledger_slice *slice, const struct block *block,
			 const struct db_rows *rows)
{
	const struct ledger_commit *commit = slice->commit;

	if (commit->rewrite != LEDGER_REWRITE)
		return commit->rewrite == LEDGER_REPAIR;
	return range_contains(&slice->outdated, block->num) &&
	       (commit->outdated != LEDGER_OUTDATED_VIRTUAL || brings_virtual(block, rows));
}

/* What the stored row of the entry's own number means for the entry. */
static enum ledger_write choose_write(const struct ledger_slice *slice, struct ledger_entry *entry,
				      const struct db_rows *rows)
{
	const struct ledger_commit *commit = slice->commit;
	bool is_same = same_id(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, entry->block->id);
	bool is_final = commit->is_reversible || is_irreversible(rows);

	if (!is_final && is_same)
		return slice->has_leftovers || db_row_u64(rows, SELECT_BLOCKS_BETWEEN_FILTER_ID) !=
						       commit->filter_id
			       ? WRITE_AGAIN
			       : WRITE_CONFIRM;
	if (!is_final || (!is_same && commit->rewrite == LEDGER_REPAIR))
		return WRITE_INSTEAD;
	if (is_same && must_rewrite(slice, entry->block, rows))
		return WRITE_AGAIN;
	entry->outcome = is_same ? LEDGER_PRESENT : LEDGER_OTHER_ID;
	entry->is_irreversible = is_irreversible(rows);
	if (!is_same)
		db_row_bytes(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, entry->stored_id,
			     BLOCK_ID_BYTES);
	return WRITE_NOTHING;
}

static void take_own(struct ledger_slice *slice, struct ledger_entry *entry,
		     const struct db_rows *rows)
{
	struct ledger_step *step = step_of(slice, entry);
	const char *committed_at = db_row_text(rows, SELECT_BLOCKS_BETWEEN_COMMITTED_AT, NULL);

	step->write = choose_write(slice, entry, rows);
	step->was_reversible = !is_irreversible(rows);
	db_row_bytes(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, step->row_id, BLOCK_ID_BYTES);
	snprintf(step->row_committed_at, sizeof(step->row_committed_at), "%s",
		 committed_at ? committed_at : "");
}

static void refuse(struct ledger_slice *slice, struct ledger_entry *entry, uint32_t neighbour,
		   const struct db_rows *rows, enum ledger_outcome outcome)
{
	entry->outcome = outcome;
	entry->neighbour = neighbour;
	db_row_bytes(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, entry->stored_id, BLOCK_ID_BYTES);
	if (outcome == LEDGER_NO_LINK)
		step_of(slice, entry)->write = WRITE_NOTHING;
}

static bool is_stored(const struct ledger_entry *entry)
{
	return entry->outcome == LEDGER_STORED || entry->outcome == LEDGER_PRESENT ||
	       entry->outcome == LEDGER_CONFIRMED || entry->outcome == LEDGER_REPLACED;
}

/* False for an entry that has an irreversible row and is only written again. */
static bool is_newcomer(const struct ledger_step *step)
{
	return step->write != WRITE_AGAIN || step->was_reversible;
}

/*
 * Does the entry repair an irreversible row? Then the row above, which may be just as wrong, is
 * repaired next.  If there is no row above, or a reversible one, the link upwards is checked as
 * always.
 */
static bool is_repaired(const struct ledger_slice *slice, const struct ledger_step *step)
{
	return slice->commit->rewrite == LEDGER_REPAIR && !step->was_reversible &&
	       (step->write == WRITE_INSTEAD || step->write == WRITE_AGAIN);
}

/* Does the entry link to the stored row beside it? If not, it gets `outcome`. */
static void check_beside(struct ledger_slice *slice, struct ledger_entry *entry,
			 const struct db_rows *rows, bool is_above, enum ledger_outcome outcome)
{
	bool links;

	if (!entry || !is_newcomer(step_of(slice, entry)) ||
	    (outcome == LEDGER_NO_LINK ? entry->outcome != LEDGER_PENDING : !is_stored(entry)))
		return;
	if (is_above) /* the stored row is below the entry */
		links = same_id(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, entry->block->previous);
	else
		links = same_id(rows, SELECT_BLOCKS_BETWEEN_PREVIOUS, entry->block->id);
	if (links || (!is_above && is_repaired(slice, step_of(slice, entry))))
		return;
	if (is_irreversible(rows)) {
		refuse(slice, entry, (uint32_t)db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK), rows,
		       outcome);
	} else if (slice->commit->is_reversible) {
		entry->has_forked = true; /* it will turn out which of them is an orphan */
		entry->neighbour = (uint32_t)db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK);
		db_row_bytes(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, entry->stored_id,
			     BLOCK_ID_BYTES);
	}
}

/* Is this the row of a block that an entry replaces? */
static bool is_going(struct ledger_slice *slice, struct ledger_entry *entry)
{
	return entry && step_of(slice, entry)->write == WRITE_INSTEAD;
}

static struct db_rows *query_around(struct ledger_slice *slice, size_t from, size_t to,
				    struct error *err)
{
	uint32_t first = slice->entries[from].block->num;
	uint32_t last = slice->entries[to - 1].block->num;

	return db_query(slice->db, sql_select_blocks_between,
			DB_VALUES(db_u64(first > 0 ? first - 1 : 0), db_u64((uint64_t)last + 1)),
			err);
}

static int look_at_own(struct ledger_slice *slice, size_t from, size_t to, struct db_rows *rows,
		       bool *ret_any, struct error *err)
{
	int result;

	while ((result = db_rows_next(rows, err)) > 0) {
		struct ledger_entry *entry =
			find_entry(slice, from, to, db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK));

		*ret_any = true;
		if (entry && step_of(slice, entry)->write != WRITE_NOTHING)
			take_own(slice, entry, rows);
	}
	return result;
}

static bool is_undecided(const struct ledger_slice *slice, size_t i)
{
	enum ledger_outcome outcome = slice->entries[i].outcome;

	return is_newcomer(&slice->steps[i]) &&
	       (outcome == LEDGER_PENDING || outcome == LEDGER_NO_LINK);
}

/* New entries that link to each other are right or wrong together. */
static void suspend_chains(struct ledger_slice *slice, size_t from, size_t to)
{
	for (size_t i = from, end; i < to; i = end) {
		bool is_refused = false;

		for (end = i; end < to && is_undecided(slice, end); end++) {
			if (end > i && !block_id_equal(slice->entries[end].block->previous,
						       slice->entries[end - 1].block->id))
				break;
			is_refused |= slice->entries[end].outcome == LEDGER_NO_LINK;
		}
		for (size_t j = i; is_refused && j < end; j++)
			slice->steps[j].write = WRITE_NOTHING;
		if (end == i)
			end++;
	}
}

/* New entries must link to each other in the same way as to stored rows. */
static void check_inside(struct ledger_slice *slice, size_t from, size_t to)
{
	for (size_t i = from + 1; i < to; i++) {
		struct ledger_entry *entry = &slice->entries[i];
		const struct block *below = slice->entries[i - 1].block;

		if (!is_undecided(slice, i) || !is_undecided(slice, i - 1) ||
		    block_id_equal(entry->block->previous, below->id))
			continue;
		entry->outcome = LEDGER_NO_LINK;
		entry->neighbour = below->num;
		memcpy(entry->stored_id, below->id, BLOCK_ID_BYTES);
		slice->steps[i].write = WRITE_NOTHING;
	}
}

/*
 * Asked after the rows were read: if another reader writes one of them again before the answer, it
 * is not outdated any more; if later, the commit finds that the row has changed.
 */
static int load_outdated(struct ledger_slice *slice, size_t from, size_t to, struct error *err)
{
	const struct ledger_commit *commit = slice->commit;
	struct range range = {.first = slice->entries[from].block->num,
			      .last = slice->entries[to - 1].block->num};

	range_set_clear(&slice->outdated);
	if (commit->rewrite != LEDGER_REWRITE)
		return 0;
	return ledger_find_outdated(slice->db, commit->outdated, commit->filter_id,
				    &(struct range_set){.items = &range, .count = 1}, UINT32_MAX,
				    &slice->outdated, err);
}

static int look_at_run(struct ledger_slice *slice, size_t from, size_t to, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *own = query_around(slice, from, to, err);
	CLEANUP(db_rows_free_pointer) struct db_rows *around = NULL;
	bool any = false;
	int result = 0;

	if (!own || load_outdated(slice, from, to, err) < 0 ||
	    look_at_own(slice, from, to, own, &any, err) < 0)
		return -1;
	check_inside(slice, from, to);
	if (any)
		around = query_around(slice, from, to, err);
	while (any && (result = around ? db_rows_next(around, err) : -1) > 0) {
		uint64_t num = db_row_u64(around, SELECT_BLOCKS_BETWEEN_BLOCK);

		if (is_going(slice, find_entry(slice, from, to, num)))
			continue;
		check_beside(slice, find_entry(slice, from, to, num + 1), around, true,
			     LEDGER_NO_LINK);
		if (num > 0)
			check_beside(slice, find_entry(slice, from, to, num - 1), around, false,
				     LEDGER_NO_LINK);
	}
	if (result == 0)
		suspend_chains(slice, from, to);
	return result;
}

static void begin_step(struct ledger_slice *slice, size_t i)
{
	uint32_t num = slice->entries[i].block->num;

	if (slice->steps[i].write != WRITE_NOTHING)
		slice->steps[i].write = WRITE_NEW;
	slice->steps[i].is_delivered = slice->commit->delivers_history ||
				       (slice->open_first > 0 && num >= slice->open_first);
}

int ledger_look(struct ledger_slice *slice, struct error *err)
{
	for (size_t from = 0; from < slice->count;) {
		size_t to = run_end(slice, from);

		for (size_t i = from; i < to; i++)
			begin_step(slice, i);
		if (look_at_run(slice, from, to, err) < 0)
			return -1;
		from = to;
	}
	return 0;
}

/* Two readers may have stored neighbours at the same moment, when neither saw the other's row. */
int ledger_look_after(struct ledger_slice *slice, struct error *err)
{
	for (size_t from = 0; from < slice->count;) {
		CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
		size_t to = run_end(slice, from);
		int result;

		rows = query_around(slice, from, to, err);
		while ((result = rows ? db_rows_next(rows, err) : -1) > 0) {
			uint64_t num = db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK);

			check_beside(slice, find_entry(slice, from, to, num + 1), rows, true,
				     LEDGER_NO_LINK_AFTER);
			if (num > 0)
				check_beside(slice, find_entry(slice, from, to, num - 1), rows,
					     false, LEDGER_NO_LINK_AFTER);
		}
		if (result < 0)
			return -1;
		from = to;
	}
	return 0;
}

static int read_block(struct db *db, const char *sql, const struct db_value *values, size_t count,
		      struct stored_block *ret_block, bool *ret_found, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql, values, count, &rows, err);

	*ret_found = result > 0;
	if (result <= 0)
		return result;
	ret_block->num = (uint32_t)db_row_u64(rows, SELECT_NEWEST_BLOCK_BLOCK);
	db_row_bytes(rows, SELECT_NEWEST_BLOCK_BLOCK_ID, ret_block->id, BLOCK_ID_BYTES);
	db_row_bytes(rows, SELECT_NEWEST_BLOCK_PREVIOUS, ret_block->previous, BLOCK_ID_BYTES);
	ret_block->timestamp_s = (int64_t)db_row_u64(rows, SELECT_NEWEST_BLOCK_TIMESTAMP_S);
	return 0;
}

int ledger_newest(struct db *db, uint32_t limit, struct stored_block *ret_block, bool *ret_found,
		  struct error *err)
{
	return read_block(db, sql_select_newest_block, DB_VALUES(db_u64(limit)), ret_block,
			  ret_found, err);
}

int ledger_oldest(struct db *db, struct stored_block *ret_block, bool *ret_found, struct error *err)
{
	return read_block(db, sql_select_oldest_block, DB_NO_VALUES, ret_block, ret_found, err);
}

/* Find at most *left outdated blocks of first..last, in one statement. */
static int find_outdated(struct db *db, unsigned outdated, uint32_t filter_id, uint64_t first,
			 uint64_t last, uint64_t *left, struct range_set *ret_blocks,
			 struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_stream(db, sql_select_outdated,
			 DB_VALUES(db_u64(first), db_u64(last),
				   db_u64(outdated & LEDGER_OUTDATED_FILTER), db_u64(filter_id),
				   db_u64(outdated & LEDGER_OUTDATED_VIRTUAL),
				   db_u64(outdated & LEDGER_OUTDATED_DELIVERY), db_u64(filter_id),
				   db_u64(*left)),
			 err);
	for (; rows && (result = db_rows_next(rows, err)) > 0; (*left)--) {
		uint32_t num = (uint32_t)db_row_u64(rows, SELECT_OUTDATED_BLOCK);

		range_add(ret_blocks, num, num);
	}
	return result;
}

int ledger_find_outdated(struct db *db, unsigned outdated, uint32_t filter_id,
			 const struct range_set *within, uint32_t max_blocks,
			 struct range_set *ret_blocks, struct error *err)
{
	uint64_t left = max_blocks;

	for (size_t i = 0; i < within->count; i++) {
		uint64_t first = within->items[i].first;
		uint64_t end = (uint64_t)within->items[i].last + 1;

		for (; first < end && left > 0; first += STATEMENT_BLOCKS) {
			uint64_t next = first + STATEMENT_BLOCKS;

			if (find_outdated(db, outdated, filter_id, first,
					  (next < end ? next : end) - 1, &left, ret_blocks,
					  err) < 0)
				return -1;
		}
	}
	return 0;
}
