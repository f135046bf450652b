/* SPDX-License-Identifier: MIT */
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/place.h"
#include "store/sql.h"

#define WINDOW_BLOCKS 1000

const char *audit_kind_name(enum audit_kind kind)
{
	static const char *const names[AUDIT_KIND_COUNT] = {
		[AUDIT_NOTHING] = "right",   [AUDIT_MISSING] = "missing",
		[AUDIT_PARTIAL] = "partial", [AUDIT_ORPHANED] = "orphaned",
		[AUDIT_ALTERED] = "altered", [AUDIT_EXTRA] = "extra",
	};

	return names[kind];
}

/* Loading. */

static void take_row(struct audit_row *row, const struct db_rows *rows)
{
	row->num = (uint32_t)db_row_u64(rows, SELECT_BLOCKS_COUNTED_BLOCK);
	db_row_bytes(rows, SELECT_BLOCKS_COUNTED_BLOCK_ID, row->id, BLOCK_ID_BYTES);
	db_row_bytes(rows, SELECT_BLOCKS_COUNTED_PREVIOUS, row->previous, BLOCK_ID_BYTES);
	row->timestamp_s = (int64_t)db_row_u64(rows, SELECT_BLOCKS_COUNTED_TIMESTAMP_S);
	row->operations = db_row_u64(rows, SELECT_BLOCKS_COUNTED_OPERATIONS);
	row->stored_operations = db_row_u64(rows, SELECT_BLOCKS_COUNTED_STORED_OPERATIONS);
	row->virtual_operations = db_row_u64(rows, SELECT_BLOCKS_COUNTED_VIRTUAL_OPERATIONS);
	row->stored_virtual_operations =
		db_row_u64(rows, SELECT_BLOCKS_COUNTED_STORED_VIRTUAL_OPERATIONS);
	row->virtual_state =
		block_virtual_parse(db_row_text(rows, SELECT_BLOCKS_COUNTED_VIRTUAL_STATE, NULL));
	row->is_irreversible = db_row_u64(rows, SELECT_BLOCKS_COUNTED_IS_IRREVERSIBLE) != 0;
	row->filter_id = (uint32_t)db_row_u64(rows, SELECT_BLOCKS_COUNTED_FILTER_ID);
	row->real_rows = db_row_u64(rows, SELECT_BLOCKS_COUNTED_REAL_ROWS);
	row->virtual_rows = db_row_u64(rows, SELECT_BLOCKS_COUNTED_VIRTUAL_ROWS);
	row->is_purged = db_row_u64(rows, SELECT_BLOCKS_COUNTED_IS_PURGED) != 0;
	row->real_removed = db_row_u64(rows, SELECT_BLOCKS_COUNTED_REAL_REMOVED);
	row->virtual_removed = db_row_u64(rows, SELECT_BLOCKS_COUNTED_VIRTUAL_REMOVED);
}

int audit_load(struct db *db, uint32_t first, uint32_t last, struct audit_row **ret_rows,
	       size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	size_t capacity = 0;
	int result = -1;

	*ret_rows = NULL;
	*ret_count = 0;
	rows = db_query(db, sql_select_blocks_counted, DB_VALUES(db_u64(first), db_u64(last)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		*ret_rows = xgrow(*ret_rows, *ret_count, &capacity, sizeof(**ret_rows));
		take_row(&(*ret_rows)[(*ret_count)++], rows);
	}
	if (result < 0) {
		free(*ret_rows);
		*ret_rows = NULL;
	}
	return result;
}

int audit_load_extra(struct db *db, uint32_t first, uint32_t last, struct range_set *ret_blocks,
		     struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_extra_blocks, DB_VALUES(db_u64(first), db_u64(last)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0)
		range_add(ret_blocks, (uint32_t)db_row_u64(rows, SELECT_EXTRA_BLOCKS_BLOCK),
			  (uint32_t)db_row_u64(rows, SELECT_EXTRA_BLOCKS_BLOCK));
	return result;
}

/* Findings: the first fault of a block becomes its finding. */

#define FIND(finding, found_kind, ...)                                                             \
	do {                                                                                       \
		if ((finding)->kind != AUDIT_NOTHING)                                              \
			break;                                                                     \
		(finding)->kind = (found_kind);                                                    \
		snprintf((finding)->detail, sizeof((finding)->detail), __VA_ARGS__);               \
	} while (0)

static void begin_finding(struct audit_finding *finding, uint32_t block)
{
	*finding = (struct audit_finding){.block = block, .last_block = block};
}

/* Are there as many rows as were stored, minus those that may have been removed? */
static bool is_whole(const struct audit_row *row, uint64_t rows, uint64_t removed, uint64_t stored)
{
	return row->is_purged ? rows <= stored : rows + removed == stored;
}

void audit_check_row(const struct audit_row *row, struct audit_finding *finding)
{
	begin_finding(finding, row->num);
	if (!row->is_irreversible)
		FIND(finding, AUDIT_MISSING, "it was read at the head and is not confirmed yet");
	else if (block_id_num(row->id) != row->num)
		FIND(finding, AUDIT_ORPHANED, "its id is that of a block %u",
		     block_id_num(row->id));
	else if (!is_whole(row, row->real_rows, row->real_removed, row->stored_operations))
		FIND(finding, AUDIT_PARTIAL, "%llu of %llu stored operations are there",
		     (unsigned long long)row->real_rows,
		     (unsigned long long)row->stored_operations);
	else if (!is_whole(row, row->virtual_rows, row->virtual_removed,
			   row->stored_virtual_operations))
		FIND(finding, AUDIT_PARTIAL, "%llu of %llu stored virtual operations are there",
		     (unsigned long long)row->virtual_rows,
		     (unsigned long long)row->stored_virtual_operations);
}

/* Do both sides know their virtual operations? */
static bool compares_virtual(const struct audit_row *row, const struct block *block)
{
	return row->virtual_state != BLOCK_VIRTUAL_NONE &&
	       block->virtual_state != BLOCK_VIRTUAL_NONE;
}

static void check_header(const struct audit_row *row, const struct block *block, uint32_t filter_id,
			 struct audit_finding *finding)
{
	char stored[BLOCK_ID_HEX + 1];
	char given[BLOCK_ID_HEX + 1];
	size_t kept = block->stored_count - block->stored_virtual_count;

	if (!block_id_equal(row->id, block->id))
		FIND(finding, AUDIT_ORPHANED, "%s is stored, %s is in the chain",
		     block_id_format(row->id, stored), block_id_format(block->id, given));
	else if (!block_id_equal(row->previous, block->previous))
		FIND(finding, AUDIT_ORPHANED, "it follows %s in the table, %s in the chain",
		     block_id_format(row->previous, stored),
		     block_id_format(block->previous, given));
	else if (row->timestamp_s != block->timestamp_s)
		FIND(finding, AUDIT_ALTERED, "its timestamp is %lld s off",
		     (long long)(row->timestamp_s - block->timestamp_s));
	else if (row->operations != block->operation_count)
		FIND(finding, AUDIT_ALTERED, "operations is %llu, the block has %zu",
		     (unsigned long long)row->operations, block->operation_count);
	else if (row->filter_id == filter_id && row->stored_operations != kept)
		FIND(finding, AUDIT_PARTIAL, "stored_operations is %llu, the filter keeps %zu",
		     (unsigned long long)row->stored_operations, kept);
	else if (compares_virtual(row, block) && row->virtual_operations != block->virtual_count)
		FIND(finding, AUDIT_ALTERED, "virtual_operations is %llu, the block has %zu",
		     (unsigned long long)row->virtual_operations, block->virtual_count);
}

/* Comparing every operation row. */

static bool same_text(const struct db_rows *rows, unsigned column, const char *due, size_t due_len)
{
	size_t len;
	const char *is = db_row_text(rows, column, &len);

	if (!is || !due)
		return !is && !due;
	return len == due_len && memcmp(is, due, len) == 0;
}

/* The name of the first column with a wrong value; NULL: all are right. */
static const char *find_difference(const struct operation *op, int64_t timestamp_s,
				   const struct db_rows *rows)
{
	if (!same_text(rows, SELECT_OPERATIONS_TRX_ID, op->trx_id,
		       op->trx_id ? strlen(op->trx_id) : 0))
		return "trx_id";
	if ((int64_t)db_row_u64(rows, SELECT_OPERATIONS_TIMESTAMP_S) != timestamp_s)
		return "timestamp";
	if (!same_text(rows, SELECT_OPERATIONS_OPERATION, op->name, op->name_bytes))
		return "operation";
	if (!same_text(rows, SELECT_OPERATIONS_ACCOUNT, op->account, op->account_bytes))
		return "account";
	return same_text(rows, SELECT_OPERATIONS_PAYLOAD, op->payload, op->payload_bytes)
		       ? NULL
		       : "payload";
}

static int compare_by_place(const void *a, const void *b)
{
	const struct operation *x = *(const struct operation *const *)a;
	const struct operation *y = *(const struct operation *const *)b;

	return op_place_compare(op_place_of(0, x), op_place_of(0, y));
}

/* The operations to compare with, in the order of the table. */
static const struct operation **sort_operations(const struct block *block, bool with_virtual)
{
	size_t count = with_virtual ? block_total_count(block) : block->operation_count;
	const struct operation **sorted =
		xreallocarray(NULL, count + 1, sizeof(struct operation *));

	for (size_t i = 0; i < count; i++)
		sorted[i] = &block->operations[i];
	qsort(sorted, count, sizeof(struct operation *), compare_by_place);
	sorted[count] = NULL;
	return sorted;
}

/* Which operations of a block may be missing; loaded when the first one is missing. */
struct removed {
	struct db *db;
	uint32_t block;
	bool is_loaded;
	bool is_purged; /* all of them may be missing */
	struct op_place *places;
	size_t count, capacity;
};

static void release_removed(struct removed *removed)
{
	free(removed->places);
}

static int load_purged(struct removed *removed, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(removed->db, sql_select_purged, DB_NO_VALUES, &rows, err);

	removed->is_purged =
		result > 0 && removed->block < db_row_u64(rows, SELECT_PURGED_BEFORE_BLOCK);
	return result < 0 ? -1 : 0;
}

static int load_removed(struct removed *removed, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	removed->is_loaded = true;
	if (load_purged(removed, err) < 0)
		return -1;
	rows = db_query(removed->db, sql_select_operations_removed,
			DB_VALUES(db_u64(removed->block)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		removed->places = xgrow(removed->places, removed->count, &removed->capacity,
					sizeof(*removed->places));
		removed->places[removed->count++] =
			place_read(rows, SELECT_OPERATIONS_REMOVED_BLOCK);
	}
	return result;
}

static bool is_removed(const struct removed *removed, const struct operation *op)
{
	struct op_place place = op_place_of(removed->block, op);

	for (size_t i = 0; i < removed->count; i++)
		if (op_place_compare(removed->places[i], place) == 0)
			return true;
	return removed->is_purged;
}

/* The operation has no row. all_kept: it should have one, if the filter keeps it. */
static int check_absent(const struct operation *op, bool all_kept, struct removed *removed,
			struct audit_finding *finding, struct error *err)
{
	if (!all_kept || !op->is_stored || finding->kind != AUDIT_NOTHING)
		return 0;
	if (!removed->is_loaded && load_removed(removed, err) < 0)
		return -1;
	if (!is_removed(removed, op))
		FIND(finding, AUDIT_PARTIAL, "operation %u/%u/%u (%s) is not there",
		     op->trx_in_block, op->op_in_trx, op->virtual_op, op->name);
	return 0;
}

/* sorted ends with NULL. all_kept: each operation that the filter keeps must have a row. */
static int walk_operations(struct db_rows *rows, const struct block *block,
			   const struct operation **sorted, bool with_virtual, bool all_kept,
			   struct removed *removed, struct audit_finding *finding,
			   struct error *err)
{
	int result;

	while ((result = db_rows_next(rows, err)) > 0) {
		struct op_place place =
			place_read_in_block(rows, SELECT_OPERATIONS_TRX_IN_BLOCK, block->num);
		const char *column;

		if (!with_virtual && place.virtual_op > 0)
			continue;
		for (; *sorted && op_place_compare(op_place_of(block->num, *sorted), place) < 0;
		     sorted++)
			if (check_absent(*sorted, all_kept, removed, finding, err) < 0)
				return -1;
		if (!*sorted || op_place_compare(op_place_of(block->num, *sorted), place) != 0 ||
		    (all_kept && !(*sorted)->is_stored)) {
			FIND(finding, AUDIT_ALTERED, "operation %u/%u/%u is not the chain's",
			     place.trx_in_block, place.op_in_trx, place.virtual_op);
			continue;
		}
		column = find_difference(*sorted, block->timestamp_s, rows);
		if (column)
			FIND(finding, AUDIT_ALTERED, "%s of operation %u/%u/%u is not the chain's",
			     column, (*sorted)->trx_in_block, (*sorted)->op_in_trx,
			     (*sorted)->virtual_op);
		sorted++;
	}
	for (; *sorted && result == 0; sorted++)
		if (check_absent(*sorted, all_kept, removed, finding, err) < 0)
			return -1;
	return result;
}

static int check_operations(struct db *db, const struct audit_row *row, const struct block *block,
			    uint32_t filter_id, struct audit_finding *finding, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	bool with_virtual = compares_virtual(row, block);
	CLEANUP(release_removed) struct removed removed = {.db = db, .block = row->num};
	const struct operation **sorted;
	int result;

	rows = db_query(db, sql_select_operations, DB_VALUES(db_u64(block->num)), err);
	if (!rows)
		return -1;
	sorted = sort_operations(block, with_virtual);
	result = walk_operations(rows, block, sorted, with_virtual, row->filter_id == filter_id,
				 &removed, finding, err);
	free(sorted);
	return result;
}

int audit_check_block(struct db *db, const struct audit_row *row, const struct block *block,
		      uint32_t filter_id, bool deep, struct audit_finding *finding,
		      struct error *err)
{
	audit_check_row(row, finding);
	if (finding->kind == AUDIT_NOTHING || finding->kind == AUDIT_PARTIAL) {
		struct audit_finding header;

		begin_finding(&header, row->num);
		check_header(row, block, filter_id, &header);
		if (header.kind != AUDIT_NOTHING)
			*finding = header;
	}
	if (finding->kind != AUDIT_NOTHING || !deep)
		return 0;
	return check_operations(db, row, block, filter_id, finding, err);
}

/* Checking the tables alone. */

struct offline {
	struct db *db;
	void (*found)(void *context, const struct audit_finding *finding);
	void *context;
	struct audit_row below; /* the last row that was checked; num 0: none */
};

/* The blocks from `first` up to, but not including, `end` have no row. */
static void tell_missing(struct offline *offline, uint32_t first, uint32_t end,
			 const struct range_set *extra)
{
	struct audit_finding finding;

	for (uint32_t num = first; num < end; num = finding.last_block + 1) {
		begin_finding(&finding, num);
		if (range_contains(extra, num)) {
			FIND(&finding, AUDIT_EXTRA, "operation rows without a block row");
		} else {
			finding.kind = AUDIT_MISSING;
			while (finding.last_block + 1 < end &&
			       !range_contains(extra, finding.last_block + 1))
				finding.last_block++;
		}
		offline->found(offline->context, &finding);
	}
}

static void check_offline_row(struct offline *offline, const struct audit_row *row)
{
	struct audit_finding finding;
	char id[BLOCK_ID_HEX + 1];
	char due[BLOCK_ID_HEX + 1];

	audit_check_row(row, &finding);
	if (finding.kind == AUDIT_NOTHING && offline->below.num + 1 == row->num &&
	    offline->below.is_irreversible && !block_id_equal(row->previous, offline->below.id))
		FIND(&finding, AUDIT_ORPHANED,
		     "it follows %s, but block %u is %s: one of the two is wrong",
		     block_id_format(row->previous, due), offline->below.num,
		     block_id_format(offline->below.id, id));
	if (finding.kind != AUDIT_NOTHING)
		offline->found(offline->context, &finding);
	offline->below = *row;
}

static int check_window(struct offline *offline, uint32_t first, uint32_t last, struct error *err)
{
	CLEANUP(range_set_release) struct range_set extra = RANGE_SET_INIT;
	struct audit_row *rows;
	uint32_t next = first;
	size_t count;

	if (audit_load_extra(offline->db, first, last, &extra, err) < 0 ||
	    audit_load(offline->db, first, last, &rows, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		tell_missing(offline, next, rows[i].num, &extra);
		check_offline_row(offline, &rows[i]);
		next = rows[i].num + 1;
	}
	tell_missing(offline, next, last + 1, &extra);
	free(rows);
	return 0;
}

int audit_offline(struct db *db, uint32_t first, uint32_t last,
		  void (*found)(void *context, const struct audit_finding *finding), void *context,
		  struct error *err)
{
	struct offline offline = {.db = db, .found = found, .context = context};
	uint64_t at = first;

	for (; at <= last; at += WINDOW_BLOCKS) {
		uint32_t end = last - at < WINDOW_BLOCKS ? last : (uint32_t)at + WINDOW_BLOCKS - 1;

		if (check_window(&offline, (uint32_t)at, end, err) < 0)
			return -1;
	}
	return 0;
}
