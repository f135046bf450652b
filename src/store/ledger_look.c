/* SPDX-License-Identifier: MIT */
/* Reads the stored rows of the entries and their neighbours, and checks the links. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/sql.h"

/* Entries from..to - 1 of a slice, whose block numbers are consecutive. */
struct run {
	struct ledger_slice *slice;
	size_t from, to;
};

/* The run that begins at entry `from`. */
static struct run run_at(struct ledger_slice *slice, size_t from)
{
	struct run run = {.slice = slice, .from = from, .to = from + 1};

	while (run.to < slice->count &&
	       slice->entries[run.to].block->num == slice->entries[run.to - 1].block->num + 1)
		run.to++;
	return run;
}

static uint32_t run_first(const struct run *run)
{
	return run->slice->entries[run->from].block->num;
}

static uint32_t run_last(const struct run *run)
{
	return run->slice->entries[run->to - 1].block->num;
}

/* The entry of this block; NULL: the run has none. */
static struct ledger_entry *find_entry(const struct run *run, uint64_t num)
{
	if (num < run_first(run) || num > run_last(run))
		return NULL;
	return &run->slice->entries[run->from + (num - run_first(run))];
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

/* How is the entry to be written, given the stored row of its number? */
static enum ledger_write choose_write(const struct ledger_slice *slice, struct ledger_entry *entry,
				      const struct db_rows *rows)
{
	const struct ledger_commit *commit = slice->commit;
	bool is_same = same_id(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, entry->block->id);
	bool is_same_filter =
		db_row_u64(rows, SELECT_BLOCKS_BETWEEN_FILTER_ID) == commit->filter_id;

	if (!commit->is_reversible && !is_irreversible(rows)) {
		if (!is_same)
			return WRITE_INSTEAD;
		return is_same_filter && !slice->has_leftovers ? WRITE_CONFIRM : WRITE_AGAIN;
	}
	if (!is_same && commit->rewrite == LEDGER_REPAIR)
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

/* This is the stored row of the entry's number. */
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

/* Must the entry be compared with the rows beside it, if a contradiction means `outcome`? */
static bool is_to_check(struct ledger_slice *slice, const struct ledger_entry *entry,
			enum ledger_outcome outcome)
{
	if (!entry || !is_newcomer(step_of(slice, entry)))
		return false;
	if (outcome == LEDGER_NO_LINK)
		return entry->outcome == LEDGER_PENDING;
	return ledger_is_stored(entry->outcome) && entry->outcome != LEDGER_NO_LINK_AFTER;
}

/* The stored row beside the entry does not link to it. */
static void note_contradiction(struct ledger_slice *slice, struct ledger_entry *entry,
			       const struct db_rows *rows, enum ledger_outcome outcome)
{
	if (is_irreversible(rows))
		entry->outcome = outcome;
	else if (slice->commit->is_reversible)
		entry->has_forked = true; /* it will turn out which of them is an orphan */
	else
		return;
	entry->neighbour = (uint32_t)db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK);
	db_row_bytes(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, entry->stored_id, BLOCK_ID_BYTES);
	if (entry->outcome == LEDGER_NO_LINK)
		step_of(slice, entry)->write = WRITE_NOTHING;
}

/* Do the entries above and below this stored row link to it? If not, they get `outcome`. */
static void check_neighbours(const struct run *run, const struct db_rows *rows,
			     enum ledger_outcome outcome)
{
	struct ledger_slice *slice = run->slice;
	uint64_t num = db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK);
	struct ledger_entry *above = find_entry(run, num + 1), *below = find_entry(run, num - 1);

	if (is_to_check(slice, above, outcome) &&
	    !same_id(rows, SELECT_BLOCKS_BETWEEN_BLOCK_ID, above->block->previous))
		note_contradiction(slice, above, rows, outcome);
	if (is_to_check(slice, below, outcome) && !is_repaired(slice, step_of(slice, below)) &&
	    !same_id(rows, SELECT_BLOCKS_BETWEEN_PREVIOUS, below->block->id))
		note_contradiction(slice, below, rows, outcome);
}

/* Will the stored row of this number be replaced? */
static bool is_going(const struct run *run, uint64_t num)
{
	const struct ledger_entry *entry = find_entry(run, num);

	return entry && step_of(run->slice, entry)->write == WRITE_INSTEAD;
}

/* The rows of the run's blocks, and those beside it. */
static struct db_rows *query_around(const struct run *run, struct error *err)
{
	return db_query(run->slice->db, sql_select_blocks_between,
			DB_VALUES(db_u64(run_first(run) - 1), db_u64((uint64_t)run_last(run) + 1)),
			err);
}

static int look_at_own(const struct run *run, struct db_rows *rows, bool *ret_any,
		       struct error *err)
{
	struct ledger_slice *slice = run->slice;
	int result;

	while ((result = db_rows_next(rows, err)) > 0) {
		struct ledger_entry *entry =
			find_entry(run, db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK));

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
static void suspend_chains(const struct run *run)
{
	struct ledger_slice *slice = run->slice;

	for (size_t i = run->from, end; i < run->to; i = end) {
		bool is_refused = false;

		for (end = i; end < run->to && is_undecided(slice, end); end++) {
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
static void check_inside(const struct run *run)
{
	struct ledger_slice *slice = run->slice;

	for (size_t i = run->from + 1; i < run->to; i++) {
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
static int load_outdated(const struct run *run, struct error *err)
{
	struct ledger_slice *slice = run->slice;
	const struct ledger_commit *commit = slice->commit;
	struct range range = {.first = run_first(run), .last = run_last(run)};

	range_set_clear(&slice->outdated);
	if (commit->rewrite != LEDGER_REWRITE)
		return 0;
	return ledger_find_outdated(slice->db, commit->outdated, commit->filter_id,
				    &(struct range_set){.items = &range, .count = 1}, UINT32_MAX,
				    &slice->outdated, err);
}

/* Links are checked in a second pass over the rows: by then it is known which of them will go. */
static int look_at_run(const struct run *run, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *own = query_around(run, err);
	CLEANUP(db_rows_free_pointer) struct db_rows *around = NULL;
	bool any = false;
	int result = 0;

	if (!own || load_outdated(run, err) < 0 || look_at_own(run, own, &any, err) < 0)
		return -1;
	check_inside(run);
	if (any)
		around = query_around(run, err);
	while (any && (result = around ? db_rows_next(around, err) : -1) > 0)
		if (!is_going(run, db_row_u64(around, SELECT_BLOCKS_BETWEEN_BLOCK)))
			check_neighbours(run, around, LEDGER_NO_LINK);
	if (result == 0)
		suspend_chains(run);
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
		struct run run = run_at(slice, from);

		for (size_t i = run.from; i < run.to; i++)
			begin_step(slice, i);
		if (look_at_run(&run, err) < 0)
			return -1;
		from = run.to;
	}
	return 0;
}

/* Two readers may have stored neighbours at the same moment, when neither saw the other's row. */
int ledger_look_after(struct ledger_slice *slice, struct error *err)
{
	for (size_t from = 0; from < slice->count;) {
		struct run run = run_at(slice, from);
		CLEANUP(db_rows_free_pointer) struct db_rows *rows = query_around(&run, err);
		int result;

		while ((result = rows ? db_rows_next(rows, err) : -1) > 0)
			check_neighbours(&run, rows, LEDGER_NO_LINK_AFTER);
		if (result < 0)
			return -1;
		from = run.to;
	}
	return 0;
}
