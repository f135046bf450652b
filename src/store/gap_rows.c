/* SPDX-License-Identifier: MIT */
#include "store/gap_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "store/bulk.h"
#include "store/db.h"
#include "store/sql.h"

#define RETRY_BASE_US UINT64_C(10000000)
#define RETRY_CAP_US  UINT64_C(600000000)
#define RETRY_TOP_US  UINT64_C(660000000) /* a retry time further ahead than this is not believed */

#define REASON_CHARACTERS 255 /* of known_gaps.reason */

static void free_pointer(struct bulk **bulk)
{
	bulk_free(*bulk);
}

void gap_rows_release(struct gap_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->items[i].reason);
	free(rows->items);
	*rows = (struct gap_rows){.count = 0};
}

int gap_rows_lock(struct db *db, struct error *err)
{
	uint64_t found;

	if (db_exec(db, sql_lock_bookkeeping, DB_NO_VALUES, &found, err) < 0)
		return -1;
	if (found != 1)
		return error_set(err, ERROR_CONFIG,
				 "the row of the table bookkeeping is missing; bring it back with: "
				 "INSERT INTO bookkeeping (id) VALUES (1)");
	return 0;
}

int gap_rows_now(struct db *db, uint64_t *ret_now_us, struct error *err)
{
	return db_query_u64(db, sql_select_now, DB_NO_VALUES, ret_now_us, err);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_gap(const struct gap *a, const struct gap *b)
{
	return a->first == b->first && a->last == b->last && same_text(a->reason, b->reason) &&
	       a->attempts == b->attempts && a->tried_us == b->tried_us &&
	       a->retry_us == b->retry_us && a->found_us == b->found_us;
}

/*
 * Append to a list, which is built from left to right.  Neighbours are joined only if they were
 * tried at the same time, or never.  Otherwise the joined row would keep the earlier time, and
 * be due at once, each time a reader tries one half of it.
 */
static void append(struct gap_rows *rows, const struct gap *like, uint32_t first, uint32_t last)
{
	struct gap *before = rows->count > 0 ? &rows->items[rows->count - 1] : NULL;

	if (before && before->last == first - 1 && before->tried_us == like->tried_us &&
	    same_text(before->reason, like->reason)) {
		before->last = last;
		if (like->attempts > before->attempts)
			before->attempts = like->attempts;
		before->retry_us = min_u64(before->retry_us, like->retry_us);
		before->found_us = min_u64(before->found_us, like->found_us);
		return;
	}
	rows->items = xgrow(rows->items, rows->count, &rows->capacity, sizeof(*rows->items));
	rows->items[rows->count] = *like;
	rows->items[rows->count].first = first;
	rows->items[rows->count].last = last;
	rows->items[rows->count].reason = like->reason ? xstrdup(like->reason) : NULL;
	rows->count++;
}

static uint64_t time_or_never(const struct db_rows *rows, unsigned column)
{
	return db_row_is_null(rows, column) ? GAP_NEVER : db_row_u64(rows, column);
}

/*
 * The first block to read: that of the row below the window, if it reaches or touches the window.
 */
static int find_start(struct db *db, uint32_t first, uint32_t *ret_start, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result;

	*ret_start = first;
	result = db_query_row(db, sql_select_gap_below, DB_VALUES(db_u64(first)), &rows, err);
	if (result > 0 && db_row_u64(rows, SELECT_GAP_BELOW_LAST_BLOCK) + 1 >= first)
		*ret_start = (uint32_t)db_row_u64(rows, SELECT_GAP_BELOW_FIRST_BLOCK);
	return result < 0 ? -1 : 0;
}

int gap_rows_load(struct db *db, uint32_t first, uint32_t last, struct gap_rows *ret_rows,
		  struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	uint64_t end = last < UINT32_MAX ? (uint64_t)last + 1 : last;
	uint32_t start;
	int result = -1;

	if (find_start(db, first, &start, err) < 0)
		return -1;
	rows = db_query(db, sql_select_known_gaps, DB_VALUES(db_u64(start), db_u64(end)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct gap gap = {
			.attempts = db_row_u64(rows, SELECT_KNOWN_GAPS_ATTEMPTS),
			.tried_us = time_or_never(rows, SELECT_KNOWN_GAPS_TRIED_US),
			.retry_us = time_or_never(rows, SELECT_KNOWN_GAPS_RETRY_US),
			.found_us = db_row_u64(rows, SELECT_KNOWN_GAPS_FOUND_US),
		};

		ret_rows->items = xgrow(ret_rows->items, ret_rows->count, &ret_rows->capacity,
					sizeof(*ret_rows->items));
		gap.first = (uint32_t)db_row_u64(rows, SELECT_KNOWN_GAPS_FIRST_BLOCK);
		gap.last = (uint32_t)db_row_u64(rows, SELECT_KNOWN_GAPS_LAST_BLOCK);
		if (!db_row_is_null(rows, SELECT_KNOWN_GAPS_REASON))
			gap.reason = xstrdup(db_row_text(rows, SELECT_KNOWN_GAPS_REASON, NULL));
		ret_rows->items[ret_rows->count++] = gap;
	}
	return result;
}

/*
 * A gap cannot have been found or tried in the future: the clock was ahead when such a time was
 * written.
 */
static struct gap put_right(const struct gap *gap, uint64_t now_us)
{
	struct gap right = *gap;

	right.found_us = min_u64(gap->found_us, now_us);
	if (gap->tried_us != GAP_NEVER)
		right.tried_us = min_u64(gap->tried_us, now_us);
	if (gap->retry_us != GAP_NEVER && gap->retry_us > now_us + RETRY_TOP_US)
		right.retry_us = now_us; /* due, as in the statement select_gaps_due */
	return right;
}

/* Append one hole: the parts that old rows have keep their attributes, the rest is new. */
static void append_hole(struct gap_rows *rows, const struct gap_rows *old, size_t *at,
			uint32_t first, uint32_t last, uint64_t now_us)
{
	const struct gap fresh = {.tried_us = GAP_NEVER, .retry_us = GAP_NEVER, .found_us = now_us};
	uint64_t next = first;

	while (next <= last) {
		const struct gap *gap;
		struct gap right;
		uint32_t end = last;

		while (*at < old->count && old->items[*at].last < next)
			(*at)++;
		gap = *at < old->count && old->items[*at].first <= last ? &old->items[*at] : NULL;
		if (gap && gap->first > next) {
			append(rows, &fresh, (uint32_t)next, gap->first - 1);
			next = gap->first;
			continue;
		}
		if (gap && gap->last < end)
			end = gap->last;
		right = gap ? put_right(gap, now_us) : fresh;
		append(rows, &right, (uint32_t)next, end);
		next = (uint64_t)end + 1;
	}
}

void gap_rows_replace(const struct gap_rows *old, uint32_t first, uint32_t last,
		      const struct range_set *holes, uint64_t now_us, struct gap_rows *ret_rows)
{
	size_t at = 0;

	for (size_t i = 0; i < old->count && old->items[i].first < first; i++) {
		const struct gap *gap = &old->items[i];

		append(ret_rows, gap, gap->first, min_u32(gap->last, first - 1));
	}
	for (size_t i = 0; i < holes->count; i++) {
		struct range hole = holes->items[i];

		if (hole.last < first || hole.first > last)
			continue;
		append_hole(ret_rows, old, &at, max_u32(hole.first, first),
			    min_u32(hole.last, last), now_us);
	}
	for (size_t i = 0; i < old->count; i++) {
		const struct gap *gap = &old->items[i];

		if (gap->last > last)
			append(ret_rows, gap, max_u32(gap->first, last + 1), gap->last);
	}
}

/* Half of the delay is random, so that readers do not all come back at once. */
static uint64_t retry_delay_us(uint64_t attempts)
{
	uint64_t delay = attempts > 7 ? RETRY_CAP_US : RETRY_BASE_US << (attempts - 1);

	if (delay > RETRY_CAP_US)
		delay = RETRY_CAP_US;
	return delay / 2 + random_below(delay / 2 + 1);
}

/* Make the reason fit the column; an earlier buffer may have cut a character in two. */
static char *column_text(const char *reason)
{
	char text[4 * REASON_CHARACTERS + 1];

	text_clean(text, sizeof(text), reason, strlen(reason));
	text_cut(text, REASON_CHARACTERS);
	return xstrdup(text);
}

void gap_rows_fail(const struct gap_rows *old, uint32_t first, uint32_t last, const char *reason,
		   uint64_t now_us, struct gap_rows *ret_rows)
{
	for (size_t i = 0; i < old->count; i++) {
		const struct gap *gap = &old->items[i];
		struct gap failed = *gap;
		uint32_t from = max_u32(gap->first, first);
		uint32_t to = min_u32(gap->last, last);
		CLEANUP(mem_free_pointer) char *copy = NULL;

		if (from > to) {
			append(ret_rows, gap, gap->first, gap->last);
			continue;
		}
		copy = reason ? column_text(reason) : NULL;
		failed.reason = copy;
		failed.attempts++;
		failed.tried_us = now_us;
		failed.retry_us = now_us + retry_delay_us(failed.attempts);
		if (gap->first < from)
			append(ret_rows, gap, gap->first, from - 1);
		append(ret_rows, &failed, from, to);
		if (gap->last > to)
			append(ret_rows, gap, to + 1, gap->last);
	}
}

static void add_time(struct bulk *bulk, uint64_t time_us)
{
	if (time_us == GAP_NEVER)
		bulk_add_null(bulk);
	else
		bulk_add_u64(bulk, time_us);
}

static void add_row(struct bulk *bulk, const struct gap *gap)
{
	bulk_add_u64(bulk, gap->first);
	bulk_add_u64(bulk, gap->last);
	bulk_add_bytes(bulk, gap->reason, gap->reason ? strlen(gap->reason) : 0);
	bulk_add_u64(bulk, gap->attempts);
	add_time(bulk, gap->tried_us);
	add_time(bulk, gap->retry_us);
	add_time(bulk, gap->found_us);
}

/* Rows that stay the same are not touched; the others are deleted in runs. */
int gap_rows_save(struct db *db, const struct gap_rows *old, const struct gap_rows *rows,
		  struct error *err)
{
	static const enum bulk_type types[] = {BULK_U32, BULK_U32, BULK_TEXT, BULK_U32,
					       BULK_U64, BULK_U64, BULK_U64};
	CLEANUP(free_pointer)
	struct bulk *bulk =
		bulk_new(sql_insert_known_gaps, types, sizeof(types) / sizeof(types[0]));
	const struct gap *doomed = NULL; /* the first of a run of old rows to be deleted */
	size_t at = 0;

	for (size_t i = 0; i < old->count; i++) {
		const struct gap *gap = &old->items[i];

		while (at < rows->count && rows->items[at].first < gap->first)
			add_row(bulk, &rows->items[at++]);
		if (at == rows->count || !same_gap(gap, &rows->items[at])) {
			if (!doomed)
				doomed = gap;
			continue;
		}
		at++;
		if (doomed && db_exec(db, sql_delete_known_gaps,
				      DB_VALUES(db_u64(doomed->first), db_u64(gap->first - 1)),
				      NULL, err) < 0)
			return -1;
		doomed = NULL;
	}
	while (at < rows->count)
		add_row(bulk, &rows->items[at++]);
	if (doomed &&
	    db_exec(db, sql_delete_known_gaps,
		    DB_VALUES(db_u64(doomed->first), db_u64(old->items[old->count - 1].first)),
		    NULL, err) < 0)
		return -1;
	return bulk_insert(db, bulk, err);
}

int gap_rows_put(struct db *db, uint32_t first, uint32_t last, const struct range_set *holes,
		 struct error *err)
{
	CLEANUP(gap_rows_release) struct gap_rows old = {.count = 0};
	CLEANUP(gap_rows_release) struct gap_rows rows = {.count = 0};
	uint64_t now_us;

	if (gap_rows_now(db, &now_us, err) < 0 || gap_rows_load(db, first, last, &old, err) < 0)
		return -1;
	gap_rows_replace(&old, first, last, holes, now_us, &rows);
	return gap_rows_save(db, &old, &rows, err);
}
