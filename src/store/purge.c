/* SPDX-License-Identifier: MIT */
/* --purge: all operations of old blocks, but for those that a delivery still needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/retention.h"
#include "store/sql.h"

#define STATEMENT_ROWS 2000 /* that one statement removes */
#define ENDED_ROWS     500
#define PLACES_BYTES   (1 << 20)
#define ID_BITS        20

#define ID_RANGE(range)                                                                            \
	db_u64((uint64_t)(range)->first << ID_BITS),                                               \
		db_u64((((uint64_t)(range)->last + 1) << ID_BITS) - 1)

struct blocks {
	uint32_t first;
	uint32_t last;
};

/* Operations that stay, in the order of the table. */
struct needed {
	uint32_t (*places)[4];
	size_t count;
	size_t capacity;
};

static void release_needed(struct needed *needed)
{
	free(needed->places);
	*needed = (struct needed){.count = 0};
}

static int load_needed(struct db *db, const struct blocks *range, struct needed *ret_needed,
		       struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_operations_needed,
			DB_VALUES(ID_RANGE(range), ID_RANGE(range)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		if (ret_needed->count == ret_needed->capacity) {
			ret_needed->capacity =
				ret_needed->capacity > 0 ? 2 * ret_needed->capacity : 64;
			ret_needed->places = xreallocarray(ret_needed->places, ret_needed->capacity,
							   sizeof(*ret_needed->places));
		}
		for (unsigned i = 0; i < 4; i++)
			ret_needed->places[ret_needed->count][i] = (uint32_t)db_row_u64(rows, i);
		ret_needed->count++;
	}
	return result;
}

/* The end of a step: about a thousand operations. */
static int find_end(struct db *db, const struct retention_purge *purge, struct blocks *ret_range,
		    struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result;

	ret_range->first = purge->next;
	ret_range->last = purge->before - 1;
	rows = db_query(db, sql_select_purge_end,
			DB_VALUES(db_u64(ret_range->first), db_u64(ret_range->last)), err);
	result = rows ? db_rows_next(rows, err) : -1;
	if (result > 0)
		ret_range->last = (uint32_t)db_row_u64(rows, 0);
	return result < 0 ? -1 : 0;
}

/* What a bot holds is passed over. *ret_more: there is more. */
static int remove_ended(struct db *db, const struct blocks *range, uint64_t *count, bool *ret_more,
			struct error *err)
{
	uint64_t *ids = xcalloc(ENDED_ROWS, sizeof(*ids));
	struct db_rows *rows = db_query(db, sql_lock_ended_between,
					DB_VALUES(ID_RANGE(range), db_u64(ENDED_ROWS)), err);
	size_t found = 0;
	int result = -1;

	while (rows && (result = db_rows_next(rows, err)) > 0)
		ids[found++] = db_row_u64(rows, 0);
	db_rows_free(rows);
	for (size_t i = 0; result == 0 && i < found; i++)
		result = db_exec(db, sql_delete_ended_delivery, DB_VALUES(db_u64(ids[i])), NULL,
				 err);
	*count += found;
	*ret_more = found == ENDED_ROWS;
	free(ids);
	return result;
}

static int remove_rows(struct db *db, const char *sql, uint32_t first, uint32_t last,
		       uint64_t *count, bool *more, struct error *err)
{
	uint64_t found = 0;

	if (first > last)
		return 0;
	if (db_exec(db, sql, DB_VALUES(db_u64(first), db_u64(last), db_u64(STATEMENT_ROWS)), &found,
		    err) < 0)
		return -1;
	*count += found;
	*more |= found == STATEMENT_ROWS;
	return 0;
}

/* The operations of one block but for the needed ones from *at on, which is moved behind them. */
static int remove_others(struct db *db, const struct needed *needed, size_t *at, uint64_t *count,
			 bool *more, struct error *err)
{
	CLEANUP(buf_release) struct buf places = BUF_INIT(PLACES_BYTES);
	uint32_t block = needed->places[*at][0];
	uint64_t found = 0;

	for (; *at < needed->count && needed->places[*at][0] == block; (*at)++) {
		const uint32_t *place = needed->places[*at];

		(void)buf_addf(&places, "%s%u:%u:%u", places.len > 0 ? "," : "", place[1], place[2],
			       place[3]);
	}
	if (places.is_full) /* a list that was cut would remove what is needed */
		return 0;
	if (db_exec(db, sql_delete_operations_except,
		    DB_VALUES(db_u64(block), db_text(buf_text(&places)), db_u64(STATEMENT_ROWS)),
		    &found, err) < 0)
		return -1;
	*count += found;
	*more |= found == STATEMENT_ROWS;
	return 0;
}

static int remove_operations(struct db *db, const struct blocks *range, const struct needed *needed,
			     uint64_t *count, bool *more, struct error *err)
{
	uint32_t next = range->first;
	size_t at = 0;

	while (at < needed->count) {
		uint32_t block = needed->places[at][0];

		if (remove_rows(db, sql_delete_operations_between, next, block - 1, count, more,
				err) < 0 ||
		    remove_others(db, needed, &at, count, more, err) < 0)
			return -1;
		next = block + 1;
	}
	return remove_rows(db, sql_delete_operations_between, next, range->last, count, more, err);
}

/* Was a delivery of what is removed here committed meanwhile (a block that is read again)? */
static int check_needed(struct db *db, const struct blocks *range, const struct needed *before,
			struct error *err)
{
	CLEANUP(release_needed) struct needed now = {.count = 0};
	size_t at = 0;

	if (load_needed(db, range, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < now.count; i++) {
		while (at < before->count &&
		       memcmp(before->places[at], now.places[i], sizeof(now.places[i])) != 0)
			at++;
		if (at == before->count)
			return error_set(err, ERROR_RETRY,
					 "operations of blocks %u..%u were delivered just now",
					 range->first, range->last);
	}
	return 0;
}

static int remove_range(struct db *db, const struct blocks *range, struct retention_counts *removed,
			bool *ret_more, struct error *err)
{
	CLEANUP(release_needed) struct needed needed = {.count = 0};

	if (remove_ended(db, range, &removed->deliveries, ret_more, err) < 0)
		return -1;
	if (*ret_more)
		return 0;
	if (load_needed(db, range, &needed, err) < 0 ||
	    remove_operations(db, range, &needed, &removed->operations, ret_more, err) < 0 ||
	    remove_rows(db, sql_delete_orphans_between, range->first, range->last,
			&removed->orphans, ret_more, err) < 0)
		return -1;
	return check_needed(db, range, &needed, err);
}

int retention_purge_begin(struct db *db, uint32_t before, struct error *err)
{
	return db_exec(db, sql_upsert_purge, DB_VALUES(db_u64(before)), NULL, err);
}

int retention_purge_step(struct db *db, struct retention_purge *purge, struct error *err)
{
	struct retention_counts removed = purge->removed;
	struct blocks range;
	bool more = false;

	if (find_end(db, purge, &range, err) < 0)
		return -1;
	if (db_begin(db, err) < 0 || remove_range(db, &range, &removed, &more, err) < 0 ||
	    db_commit(db, err) < 0) {
		db_rollback(db);
		return -1;
	}
	purge->removed = removed;
	if (!more)
		purge->next = range.last + 1;
	return 0;
}

int retention_purge_end(struct db *db, uint32_t before, struct error *err)
{
	return db_exec(db, sql_update_purge_finished, DB_VALUES(db_u64(before)), NULL, err);
}

int retention_purge_count(struct db *db, uint32_t first, uint32_t last,
			  struct retention_counts *counts, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	const struct blocks range = {.first = first, .last = last};
	int result;

	rows = db_query(db, sql_count_purge,
			DB_VALUES(db_u64(first), db_u64(last), ID_RANGE(&range), db_u64(first),
				  db_u64(last), ID_RANGE(&range)),
			err);
	result = rows ? db_rows_next(rows, err) : -1;
	if (result > 0) {
		counts->operations += db_row_u64(rows, 0);
		counts->orphans += db_row_u64(rows, 1);
		counts->deliveries += db_row_u64(rows, 2);
	}
	return result < 0 ? -1 : 0;
}
