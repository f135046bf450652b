/* SPDX-License-Identifier: MIT */
/* Statements on readers, filters, claims and ranges. */
#include <stdio.h>
#include <string.h>

#include "sched.h"
#include "statements_impl.h"
#include "store/claims.h"
#include "store/db_error.h"
#include "store/sql.h"

#define LEASE_US     (UINT64_C(1000000) * CLAIM_LEASE_S)
#define CLAIM_TOP_US (UINT64_C(1000000) * 90) /* no claim lasts longer */
#define OLD_CLAIM_US (UINT64_C(1000000) * 600)
#define ALL_KEYS     0, UINT64_MAX

#define EACH(call, table, key, row) EACH_ROW((call)->tx, table, 0, UINT64_MAX, key, row)

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* Readers. */

static const struct reader_row *find_reader(const struct call *call, const char *name)
{
	const struct reader_row *row;
	uint64_t key;

	for (EACH(call, TABLE_READERS, key, row))
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

const struct reader_row *find_session(const struct call *call, size_t at)
{
	const struct reader_row *row = find_reader(call, take_text(call, at));

	return row && strcmp(row->session, take_text(call, at + 1)) == 0 ? row : NULL;
}

/* The id follows from the name, so two inserts of one name collide. */
static uint32_t id_of_name(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return hash >> 1 | 1;
}

bool model_upsert_reader(struct call *call)
{
	const struct reader_row *old = find_reader(call, take_text(call, 0));
	struct reader_row *row = row_new(sizeof(*row));

	if (old)
		*row = *old;
	row->id = id_of_name(take_text(call, 0));
	copy_text(row->name, sizeof(row->name), take_text(call, 0));
	copy_text(row->session, sizeof(row->session), take_text(call, 1));
	copy_text(row->state, sizeof(row->state), "starting");
	row->started_us = call->now_us;
	row->heartbeat_us = call->now_us;
	call->found = 1;
	return row_write(call->tx, TABLE_READERS, row->id, row);
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static const struct filter_row *find_active(const struct call *call)
{
	const struct filter_row *row;
	uint64_t key;

	for (EACH(call, TABLE_FILTERS, key, row))
		if (row->is_active)
			return row;
	return NULL;
}

/* Heartbeat, progress, stop. */
bool model_update_reader(struct call *call)
{
	bool is_beat = call->sql == sql_update_reader_heartbeat;
	bool is_progress = call->sql == sql_update_reader_progress;
	const struct filter_row *active = find_active(call);
	const struct reader_row *old = find_session(call, is_beat ? 9 : is_progress ? 6 : 0);
	struct reader_row *row;

	if (!old || (is_progress && (!active || active->id != take_u64(call, 8))))
		return true;
	row = row_new(sizeof(*row));
	*row = *old;
	row->heartbeat_us = call->now_us;
	if ((is_beat || is_progress) && row->started_us > call->now_us)
		row->started_us = call->now_us;
	if (is_beat) {
		copy_text(row->state, sizeof(row->state), take_text(call, 0));
		row->head_block = greater(row->head_block, take_u64(call, 2));
		row->irreversible_block = greater(row->irreversible_block, take_u64(call, 3));
	} else if (is_progress) {
		row->last_block = greater(row->last_block, take_u64(call, 0));
		row->head_block = greater(row->head_block, take_u64(call, 1));
		row->irreversible_block = greater(row->irreversible_block, take_u64(call, 2));
	} else {
		copy_text(row->state, sizeof(row->state), "stopped");
	}
	call->found = 1;
	return row_write(call->tx, TABLE_READERS, row->id, row);
}

bool model_delete_reader(struct call *call)
{
	const struct reader_row *row = find_session(call, 0);

	call->found = row != NULL;
	return !row || row_write(call->tx, TABLE_READERS, row->id, NULL);
}

bool model_select_reader(struct call *call)
{
	const struct reader_row *row = find_reader(call, take_text(call, 0));
	const struct filter_row *active = find_active(call);
	const struct range_row *open = find_open(call);

	call->rows->column_count = 4;
	if (!row)
		return true;
	give_u64(call, row->id);
	give_text(call, row->session);
	if (active)
		give_u64(call, active->id);
	else
		give_null(call);
	if (open)
		give_u64(call, open->first);
	else
		give_null(call);
	return true;
}

/* Bookkeeping. */

static const struct bookkeeping_row *read_bookkeeping(const struct call *call)
{
	static const struct bookkeeping_row nothing;
	const struct bookkeeping_row *row = row_read(call->tx, TABLE_BOOKKEEPING, 1);

	return row ? row : &nothing;
}

static bool write_bookkeeping(struct call *call, uint64_t irreversible)
{
	const struct bookkeeping_row *old = read_bookkeeping(call);
	struct bookkeeping_row *row = row_new(sizeof(*row));

	row->changes = old->changes + 1;
	row->irreversible_block = greater(old->irreversible_block, irreversible);
	call->found = 1;
	return row_write(call->tx, TABLE_BOOKKEEPING, 1, row);
}

bool model_lock_bookkeeping(struct call *call)
{
	return write_bookkeeping(call, 0);
}

bool model_keep_irreversible(struct call *call)
{
	const struct reader_row *row = find_reader(call, take_text(call, 0));

	return write_bookkeeping(call, row ? row->irreversible_block : 0);
}

bool model_select_irreversible(struct call *call)
{
	const struct reader_row *row;
	uint64_t highest = read_bookkeeping(call)->irreversible_block;
	uint64_t key;

	for (EACH(call, TABLE_READERS, key, row))
		highest = greater(highest, row->irreversible_block);
	call->rows->column_count = 1;
	give_u64(call, highest);
	return true;
}

bool model_select_now(struct call *call)
{
	call->rows->column_count = 1;
	give_u64(call, call->now_us);
	return true;
}

bool model_select_schema_version(struct call *call)
{
	call->rows->column_count = 1;
	give_u64(call, sql_migration_count);
	return true;
}

/* Filters. */

bool model_select_active_filter(struct call *call)
{
	const struct filter_row *row = find_active(call);

	call->rows->column_count = 2;
	if (!row)
		return true;
	give_u64(call, row->id);
	give_text(call, row->rules);
	return true;
}

bool model_select_filter(struct call *call)
{
	const struct filter_row *row;
	uint64_t key;

	call->rows->column_count = 2;
	for (EACH(call, TABLE_FILTERS, key, row)) {
		if (strcmp(row->rules, take_text(call, 0)) != 0)
			continue;
		give_u64(call, row->id);
		give_u64(call, row->is_active);
	}
	return true;
}

bool model_insert_filter(struct call *call)
{
	struct filter_row *row = row_new(sizeof(*row));

	row->rules = row_text(take_text(call, 0));
	row->id = id_of_name(row->rules) & 0xffff;
	if (!row_write(call->tx, TABLE_FILTERS, row->id, row))
		return false;
	tx_undo_to(call->tx, call->tx->write_count - 1);
	if (row_read(call->tx, TABLE_FILTERS, row->id)) {
		call->error = DB_DUPLICATE_KEY;
		return true;
	}
	return row_write(call->tx, TABLE_FILTERS, row->id, row);
}

bool model_activate_filter(struct call *call)
{
	const struct filter_row *old = row_read(call->tx, TABLE_FILTERS, take_u64(call, 0));
	struct filter_row *row = row_new(sizeof(*row));

	if (!old)
		return true;
	if (find_active(call) && find_active(call) != old) {
		call->error = DB_DUPLICATE_KEY;
		return true;
	}
	*row = *old;
	row->is_active = true;
	call->found = 1;
	return row_write(call->tx, TABLE_FILTERS, row->id, row);
}

/* Claims. */

bool model_insert_claim(struct call *call)
{
	struct claim_row *row = row_new(sizeof(*row));

	row->first = (uint32_t)take_u64(call, 0);
	copy_text(row->reader, sizeof(row->reader), take_text(call, 1));
	copy_text(row->session, sizeof(row->session), take_text(call, 2));
	row->expires_us = call->now_us + LEASE_US;
	if (!row_write(call->tx, TABLE_CLAIMS, row->first, row))
		return false;
	tx_undo_to(call->tx, call->tx->write_count - 1);
	if (row_read(call->tx, TABLE_CLAIMS, row->first)) {
		call->error = DB_DUPLICATE_KEY;
		return true;
	}
	return row_write(call->tx, TABLE_CLAIMS, row->first, row);
}

static bool is_claim_of(const struct call *call, const struct claim_row *row, size_t at)
{
	return strcmp(row->reader, take_text(call, at)) == 0 &&
	       strcmp(row->session, take_text(call, at + 1)) == 0;
}

bool model_delete_claim(struct call *call)
{
	const struct claim_row *row = row_read(call->tx, TABLE_CLAIMS, take_u64(call, 0));

	if (!row || !is_claim_of(call, row, 1))
		return true;
	call->found = 1;
	return row_write(call->tx, TABLE_CLAIMS, row->first, NULL);
}

/* Deletes the claims of a reader, of a session, or those far from now. */
bool model_delete_claims(struct call *call)
{
	const struct claim_row *row;
	uint64_t key;

	for (EACH(call, TABLE_CLAIMS, key, row)) {
		bool goes;

		if (call->value_count == 0)
			goes = row->expires_us + OLD_CLAIM_US <= call->now_us ||
			       row->expires_us > call->now_us + OLD_CLAIM_US;
		else if (call->value_count == 1)
			goes = strcmp(row->reader, take_text(call, 0)) == 0;
		else
			goes = is_claim_of(call, row, 0);
		if (goes && !row_write(call->tx, TABLE_CLAIMS, key, NULL))
			return false;
		call->found += goes;
	}
	return true;
}

static bool write_claim(struct call *call, const struct claim_row *old, const char *reader,
			const char *session)
{
	struct claim_row *row = row_new(sizeof(*row));

	row->first = old->first;
	copy_text(row->reader, sizeof(row->reader), reader);
	copy_text(row->session, sizeof(row->session), session);
	row->expires_us = call->now_us + LEASE_US;
	call->found++;
	return row_write(call->tx, TABLE_CLAIMS, row->first, row);
}

bool model_renew_claims(struct call *call)
{
	const struct claim_row *row;
	uint64_t key;

	for (EACH(call, TABLE_CLAIMS, key, row))
		if (is_claim_of(call, row, 0) && !write_claim(call, row, row->reader, row->session))
			return false;
	return true;
}

/* A claim that lasts too long was written while the clock was ahead. */
static bool is_claimed(const struct call *call, const struct claim_row *row)
{
	return row->expires_us > call->now_us && row->expires_us <= call->now_us + CLAIM_TOP_US;
}

bool model_update_claim_expired(struct call *call)
{
	const struct claim_row *row = row_read(call->tx, TABLE_CLAIMS, take_u64(call, 2));

	if (!row || is_claimed(call, row))
		return true;
	return write_claim(call, row, take_text(call, 0), take_text(call, 1));
}

bool model_select_claims(struct call *call)
{
	const struct claim_row *row;
	uint64_t key, gap_key;

	call->rows->column_count = 3;
	for (EACH(call, TABLE_CLAIMS, key, row)) {
		const struct gap_row_model *gap;

		if (!is_claimed(call, row))
			continue;
		gap = row_last(call->tx, TABLE_GAPS, 0, row->first + CLAIM_CELL_BLOCKS - 1,
			       &gap_key);
		give_u64(call, row->first);
		give_u64(call, is_claim_of(call, row, 0));
		give_u64(call, gap && gap->last >= row->first);
	}
	return true;
}

/* Ranges. */

bool model_select_ranges(struct call *call)
{
	const struct range_row *row;
	uint64_t key;

	call->rows->column_count = 3;
	for (EACH(call, TABLE_RANGES, key, row)) {
		give_u64(call, row->first);
		if (row->last > 0) {
			give_u64(call, row->last);
			give_null(call);
		} else {
			give_null(call);
			give_u64(call, row->scanned_to);
		}
	}
	return true;
}

const struct range_row *find_open(const struct call *call)
{
	const struct range_row *row;
	uint64_t key;

	for (EACH(call, TABLE_RANGES, key, row))
		if (row->last == 0)
			return row;
	return NULL;
}

bool model_insert_range(struct call *call)
{
	struct range_row *row = row_new(sizeof(*row));

	row->first = (uint32_t)take_u64(call, 0);
	if (call->values[1].type != DB_NULL)
		row->last = (uint32_t)take_u64(call, 1);
	else
		row->scanned_to = (uint32_t)take_u64(call, 2);
	if (row_read(call->tx, TABLE_RANGES, row->first) || (row->last == 0 && find_open(call))) {
		call->error = DB_DUPLICATE_KEY;
		return true;
	}
	return row_write(call->tx, TABLE_RANGES, row->first, row);
}

static bool change_open(struct call *call)
{
	const struct range_row *old = find_open(call);
	struct range_row *row;

	if (!old)
		return true;
	row = row_new(sizeof(*row));
	*row = *old;
	if (call->sql == sql_update_open_first) {
		row->first = (uint32_t)take_u64(call, 0);
		if (row->scanned_to > take_u64(call, 1))
			row->scanned_to = (uint32_t)take_u64(call, 1);
		if (!row_write(call->tx, TABLE_RANGES, old->first, NULL))
			return false;
	} else if ((uint64_t)old->scanned_to + 1 >= take_u64(call, 1) &&
		   old->scanned_to < take_u64(call, 2)) {
		row->scanned_to = (uint32_t)take_u64(call, 0);
	} else {
		return true;
	}
	call->found = 1;
	return row_write(call->tx, TABLE_RANGES, row->first, row);
}

/* The open range begins elsewhere or is scanned further; closed ones are removed or shortened. */
bool model_change_ranges(struct call *call)
{
	const struct range_row *old;
	uint64_t key;

	if (call->sql == sql_update_open_first || call->sql == sql_update_scanned_to)
		return change_open(call);
	for (EACH(call, TABLE_RANGES, key, old)) {
		struct range_row *row = NULL;

		if (old->last == 0)
			continue;
		if (call->sql == sql_delete_ranges_covered && old->first < take_u64(call, 0))
			continue;
		if (call->sql == sql_update_ranges_shortened) {
			if (old->last < take_u64(call, 0))
				continue;
			row = row_new(sizeof(*row));
			*row = *old;
			row->last = (uint32_t)take_u64(call, 0) - 1;
		}
		call->found++;
		if (!row_write(call->tx, TABLE_RANGES, key, row))
			return false;
	}
	return true;
}
