/* SPDX-License-Identifier: MIT */
#include "store/claims.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/gap_rows.h"
#include "store/gaps.h"
#include "store/sql.h"

#define MAX_STALE 64 /* cells corrected in one call */

#define IDENTITY(identity) db_text((identity)->name), db_text((identity)->session)

/* The state of one search, from the reader's question to the claim. */
struct search {
	struct db *db;
	const struct reader_identity *identity;
	const struct range_set *within;
	const struct range_set *working;
	struct range_set forgotten; /* cells that this session holds but does not work on */
	struct range_set taken;     /* cells that are claimed, or were checked in this search */
	struct claim_search *ret;
	unsigned stale_count;
};

void claim_release(struct claim *claim)
{
	range_set_release(&claim->missing);
	free(claim->named);
	claim->named = NULL;
	claim->named_count = 0;
}

const uint8_t *claim_named_id(const struct claim *claim, uint32_t num)
{
	for (size_t i = 0; i < claim->named_count; i++)
		if (claim->named[i].num == num)
			return claim->named[i].id;
	return NULL;
}

static uint32_t cell_first(uint32_t block)
{
	return block - block % CLAIM_CELL_BLOCKS;
}

static uint32_t cell_last(uint32_t block)
{
	uint32_t first = cell_first(block);

	return first > UINT32_MAX - (CLAIM_CELL_BLOCKS - 1) ? UINT32_MAX
							    : first + CLAIM_CELL_BLOCKS - 1;
}

/* The first cell begins at 0, which is not a block. */
static uint32_t lowest_block(uint32_t first)
{
	return first > 0 ? first : 1;
}

static bool overlaps(const struct range_set *set, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].first <= last && set->items[i].last >= first)
			return true;
	return false;
}

/* Skip the cells of this session's own claims, even if the clock says that a claim has expired. */
static void leave_out_own_work(struct search *search)
{
	for (size_t i = 0; search->working && i < search->working->count; i++)
		range_add(&search->taken, lowest_block(cell_first(search->working->items[i].first)),
			  cell_last(search->working->items[i].last));
}

/* Load which cells are claimed now. */
static int load_claims(struct search *search, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(search->db, sql_select_claims, DB_VALUES(IDENTITY(search->identity)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		uint32_t first = (uint32_t)db_row_u64(rows, SELECT_CLAIMS_FIRST_BLOCK);

		if (db_row_u64(rows, SELECT_CLAIMS_IS_OWN) != 0 &&
		    !(search->working && overlaps(search->working, first, cell_last(first)))) {
			range_add(&search->forgotten, lowest_block(first), cell_last(first));
			continue;
		}
		range_add(&search->taken, lowest_block(first), cell_last(first));
		if (db_row_u64(rows, SELECT_CLAIMS_IS_OWN) == 0 &&
		    db_row_u64(rows, SELECT_CLAIMS_HAS_GAP) != 0 &&
		    overlaps(search->within, first, cell_last(first)))
			search->ret->others_work = true;
	}
	return result;
}

static int sum_range(struct search *search, struct range range, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	struct claim_search *ret = search->ret;
	int64_t due_ms;

	if (db_query_row(search->db, sql_sum_gaps,
			 DB_VALUES(db_u64(range.last), db_u64(range.first),
				   IDENTITY(search->identity), db_u64(range.last),
				   db_u64(range.first)),
			 &rows, err) < 0)
		return -1;
	ret->missing_count += db_row_u64(rows, SUM_GAPS_MISSING);
	ret->failed_count += db_row_u64(rows, SUM_GAPS_TRIED);
	if (db_row_u64(rows, SUM_GAPS_WAITING) == 0)
		return 0;
	due_ms = (int64_t)(db_row_u64(rows, SUM_GAPS_WAIT_US) / 1000) + 1;
	if (!ret->waits || due_ms < ret->next_try_ms)
		ret->next_try_ms = due_ms;
	ret->waits = true;
	return 0;
}

/* Claim the cell if it is free. Two single statements, so no lock outlives them. */
static int try_claim(struct search *search, uint32_t first, bool *ret_is_ours, struct error *err)
{
	uint64_t found = 0;

	search->ret->is_taken_over = false;
	*ret_is_ours = range_contains(&search->forgotten, lowest_block(first));
	if (*ret_is_ours)
		return 0;
	if (db_exec(search->db, sql_insert_claim,
		    DB_VALUES(db_u64(first), IDENTITY(search->identity)), NULL, err) == 0) {
		*ret_is_ours = true;
		return 0;
	}
	if (!db_is_duplicate(err))
		return -1;
	*err = ERROR_INIT;
	if (db_exec(search->db, sql_update_claim_expired,
		    DB_VALUES(IDENTITY(search->identity), db_u64(first)), &found, err) < 0)
		return -1;
	*ret_is_ours = found > 0;
	search->ret->is_taken_over = *ret_is_ours;
	return 0;
}

/* Load the parts of first..last that are due according to known_gaps. */
static int load_due(struct search *search, struct range range, struct range_set *ret_due,
		    struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(
		search->db, sql_select_gaps_due,
		DB_VALUES(IDENTITY(search->identity), db_u64(range.last), db_u64(range.first)),
		err);
	while (rows && (result = db_rows_next(rows, err)) > 0)
		range_add(ret_due, (uint32_t)db_row_u64(rows, SELECT_GAPS_DUE_FIRST_BLOCK),
			  (uint32_t)db_row_u64(rows, SELECT_GAPS_DUE_LAST_BLOCK));
	range_clip(ret_due, range.first, range.last);
	return result;
}

/* Find which blocks of first..last are not stored, in as many steps as needed. */
static int find_holes(struct db *db, uint32_t first, uint32_t last, struct range_set *ret_holes,
		      struct error *err)
{
	uint32_t scanned_to = 0;

	do {
		if (gaps_scan_step(db, first, last, ret_holes, &scanned_to, err) < 0)
			return -1;
		first = scanned_to + 1;
	} while (scanned_to < last);
	return 0;
}

/* The cell is ours now: find which of its blocks are really missing. */
static int find_missing(struct search *search, struct claim *claim, struct error *err)
{
	const struct range cell = {.first = lowest_block(claim->first), .last = claim->last};
	CLEANUP(range_set_release) struct range_set holes = RANGE_SET_INIT;

	if (load_due(search, cell, &claim->missing, err) < 0 ||
	    find_holes(search->db, cell.first, cell.last, &holes, err) < 0)
		return -1;
	range_keep_set(&claim->missing, &holes);
	range_keep_set(&claim->missing, search->within);
	return 0;
}

/* Load the rows above the missing stretches. */
static int find_named(struct db *db, struct claim *claim, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	const struct range_set *missing = &claim->missing;
	uint32_t first = range_first(missing), last = range_last(missing);
	int result = -1;

	claim->named = xcalloc(missing->count, sizeof(*claim->named));
	rows = db_query(db, sql_select_blocks_between,
			DB_VALUES(db_u64((uint64_t)first + 1), db_u64((uint64_t)last + 1)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		uint32_t below = (uint32_t)db_row_u64(rows, SELECT_BLOCKS_BETWEEN_BLOCK) - 1;
		struct block_name *named = &claim->named[claim->named_count];

		/* A row inside a stretch is new: another reader has just stored it. */
		if (!range_contains(missing, below) || range_contains(missing, below + 1) ||
		    db_row_u64(rows, SELECT_BLOCKS_BETWEEN_IS_IRREVERSIBLE) == 0)
			continue;
		named->num = below;
		db_row_bytes(rows, SELECT_BLOCKS_BETWEEN_PREVIOUS, named->id, BLOCK_ID_BYTES);
		claim->named_count++;
	}
	return result;
}

/* *ret_ends: the search ends, with or without a claim. */
static int try_cell(struct search *search, uint32_t block, bool *ret_ends, struct error *err)
{
	struct claim claim = {.first = cell_first(block), .last = cell_last(block)};
	bool is_ours = false;
	int result;

	if (try_claim(search, claim.first, &is_ours, err) < 0)
		return -1;
	range_add(&search->taken, lowest_block(claim.first), claim.last);
	if (!is_ours) {
		search->ret->others_work = true;
		return 0;
	}
	result = find_missing(search, &claim, err);
	if (result == 0 && claim.missing.count > 0)
		result = find_named(search->db, &claim, err);
	if (result == 0 && claim.missing.count > 0) {
		search->ret->has_claim = true;
		search->ret->claim = claim;
		*ret_ends = true;
		return 0;
	}
	if (result == 0)
		result = claims_finish(search->db, search->identity, &claim, NULL, NULL, err);
	claim_release(&claim);
	if (++search->stale_count < MAX_STALE || result < 0)
		return result;
	/* Others have stored many blocks meanwhile: continue in the next call, at once. */
	search->ret->waits = true;
	search->ret->next_try_ms = 0;
	*ret_ends = true;
	return 0;
}

/* Search one wanted range: newest gap first, its oldest cell. */
static int search_range(struct search *search, struct range range, bool *ret_ends,
			struct error *err)
{
	CLEANUP(range_set_release) struct range_set due = RANGE_SET_INIT;
	struct range rest = range;

	while (!*ret_ends) {
		range_set_clear(&due);
		if (load_due(search, rest, &due, err) < 0)
			return -1;
		if (due.count == 0)
			return 0;
		rest.last = range_first(&due) - 1; /* where the next page of gaps ends */
		range_remove_set(&due, &search->taken);
		for (size_t i = due.count; i > 0 && !*ret_ends; i--) {
			struct range gap = due.items[i - 1];

			for (uint64_t block = gap.first; block <= gap.last && !*ret_ends;
			     block = (uint64_t)cell_last((uint32_t)block) + 1)
				if (!range_contains(&search->taken, (uint32_t)block) &&
				    try_cell(search, (uint32_t)block, ret_ends, err) < 0)
					return -1;
		}
		if (rest.last < rest.first)
			return 0;
	}
	return 0;
}

static int sum_all(struct search *search, struct error *err)
{
	for (size_t i = 0; i < search->within->count; i++)
		if (sum_range(search, search->within->items[i], err) < 0)
			return -1;
	return 0;
}

int claims_count_missing(struct db *db, const struct reader_identity *identity,
			 const struct range_set *within, uint64_t *ret_count, struct error *err)
{
	struct claim_search counted = {.has_claim = false};
	struct search search = {.db = db, .identity = identity, .within = within, .ret = &counted};
	int result = sum_all(&search, err);

	*ret_count = counted.missing_count;
	return result;
}

static int run_search(struct search *search, struct error *err)
{
	bool ends = false;

	leave_out_own_work(search);
	if (db_exec(search->db, sql_delete_claims_expired, DB_NO_VALUES, NULL, err) < 0 ||
	    load_claims(search, err) < 0)
		return -1;
	for (size_t i = search->within->count; i > 0 && !ends; i--)
		if (search_range(search, search->within->items[i - 1], &ends, err) < 0)
			return -1;
	return sum_all(search, err);
}

int claims_take_next(struct db *db, const struct reader_identity *identity,
		     const struct range_set *within, const struct range_set *working,
		     struct claim_search *ret, struct error *err)
{
	struct search search = {
		.db = db, .identity = identity, .within = within, .working = working, .ret = ret};
	int result;

	*ret = (struct claim_search){.has_claim = false};
	result = run_search(&search, err);
	if (result < 0) {
		claim_release(&ret->claim);
		*ret = (struct claim_search){.has_claim = false};
	}
	range_set_release(&search.taken);
	range_set_release(&search.forgotten);
	return result;
}

int claims_renew(struct db *db, const struct reader_identity *identity, struct error *err)
{
	return db_exec(db, sql_update_claims_renewed, DB_VALUES(IDENTITY(identity)), NULL, err);
}

/*
 * Record the missing blocks of the claim that are still not stored, with the reason of the
 * failed ones.
 */
static int record_rest(struct db *db, const struct claim *claim, const struct range_set *failed,
		       const char *reason, struct error *err)
{
	CLEANUP(gap_rows_release) struct gap_rows old = {.count = 0};
	CLEANUP(gap_rows_release) struct gap_rows rest = {.count = 0};
	CLEANUP(range_set_release) struct range_set missing = RANGE_SET_INIT;
	CLEANUP(range_set_release) struct range_set holes = RANGE_SET_INIT;
	uint32_t first = lowest_block(claim->first);
	uint64_t now_us;

	if (gap_rows_lock(db, err) < 0 || gap_rows_now(db, &now_us, err) < 0 ||
	    gap_rows_load(db, first, claim->last, &old, err) < 0 ||
	    find_holes(db, first, claim->last, &holes, err) < 0)
		return -1;
	for (size_t i = 0; i < old.count; i++)
		range_add(&missing, old.items[i].first, old.items[i].last);
	range_add_set(&missing, &claim->missing);
	range_keep_set(&missing, &holes);
	gap_rows_replace(&old, first, claim->last, &missing, now_us, &rest);
	for (size_t i = 0; failed && i < failed->count; i++) {
		struct gap_rows marked = {.count = 0};

		gap_rows_fail(&rest, failed->items[i].first, failed->items[i].last, reason, now_us,
			      &marked);
		gap_rows_release(&rest);
		rest = marked;
	}
	return gap_rows_save(db, &old, &rest, err);
}

static int try_finish(struct db *db, const struct reader_identity *identity,
		      const struct claim *claim, const struct range_set *failed, const char *reason,
		      struct error *err)
{
	if (db_begin(db, err) == 0 && record_rest(db, claim, failed, reason, err) == 0 &&
	    db_exec(db, sql_delete_claim, DB_VALUES(db_u64(claim->first), IDENTITY(identity)), NULL,
		    err) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int claims_finish(struct db *db, const struct reader_identity *identity, const struct claim *claim,
		  const struct range_set *failed, const char *reason, struct error *err)
{
	if (try_finish(db, identity, claim, failed, reason, err) == 0)
		return 0;
	if (err->kind != ERROR_DATA || !reason)
		return -1;
	return try_finish(db, identity, claim, failed, GAP_REASON_REFUSED, err);
}
