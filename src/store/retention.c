/* SPDX-License-Identifier: MIT */
#include "store/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/delivery_id.h"
#include "store/gap_rows.h"
#include "store/place.h"
#include "store/sql.h"

#define STEP_ROWS 100

/* A delivery that ended long ago. */
struct expired {
	uint64_t delivery_id;
	struct op_place place;
	uint64_t block_crc;
};

static const char *const states[] = {"done", "failed", "orphaned"};
#define STATES (sizeof(states) / sizeof(states[0]))

static int load_expired(struct db *db, int64_t before_s, const struct retention_pass *pass,
			struct expired *ret_expired, size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	*ret_count = 0;
	rows = db_query(db, sql_lock_deliveries_expired,
			DB_VALUES(db_text(pass->queue), db_text(states[pass->state]),
				  db_u64((uint64_t)before_s), db_u64((uint64_t)before_s),
				  db_u64(STEP_ROWS)),
			err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct expired *delivery = &ret_expired[(*ret_count)++];

		delivery->delivery_id = db_row_u64(rows, LOCK_DELIVERIES_EXPIRED_DELIVERY_ID);
		delivery->place = place_read(rows, LOCK_DELIVERIES_EXPIRED_BLOCK);
		delivery->block_crc = db_row_u64(rows, LOCK_DELIVERIES_EXPIRED_BLOCK_CRC);
	}
	return result;
}

static int is_needed(struct db *db, const struct expired *delivery, bool *ret_needed,
		     struct error *err)
{
	uint32_t block = delivery->place.block;

	return db_query_any(db, sql_select_operation_needed,
			    DB_VALUES(DELIVERY_ID_RANGE(block, block),
				      PLACE_IN_BLOCK(delivery->place), db_u64(delivery->block_crc),
				      DELIVERY_ID_RANGE(block, block),
				      PLACE_IN_BLOCK(delivery->place), db_u64(delivery->block_crc),
				      db_u64(delivery->delivery_id), db_u64(block),
				      db_u64(delivery->block_crc)),
			    ret_needed, err);
}

/* Does the statement find the operation? */
static int find_operation(struct db *db, const char *sql, const struct expired *delivery,
			  bool *ret_found, struct error *err)
{
	return db_query_any(db, sql, DB_VALUES(PLACE(delivery->place)), ret_found, err);
}

/* *ret_held: somebody has locked the operation, so it and its delivery stay. */
static int remove_operation(struct db *db, const struct expired *delivery,
			    struct retention_pass *pass, bool *ret_held, struct error *err)
{
	uint64_t found = 0;
	bool is_ours;

	*ret_held = false;
	if (find_operation(db, sql_lock_operation, delivery, &is_ours, err) < 0)
		return -1;
	if (!is_ours)
		return find_operation(db, sql_select_operation_place, delivery, ret_held, err);
	if (db_exec(db, sql_delete_operation, DB_VALUES(PLACE(delivery->place)), &found, err) < 0)
		return -1;
	pass->operations += found;
	return 0;
}

static int remove_expired(struct db *db, const struct expired *delivery,
			  struct retention_pass *pass, struct error *err)
{
	bool is_held = false;
	bool needed;

	if (is_needed(db, delivery, &needed, err) < 0 ||
	    (!needed && remove_operation(db, delivery, pass, &is_held, err) < 0))
		return -1;
	if (is_held)
		return 0;
	pass->deliveries++;
	return db_exec(db, sql_delete_ended_delivery, DB_VALUES(db_u64(delivery->delivery_id)),
		       NULL, err);
}

static int remove_some(struct db *db, int64_t before_s, struct retention_pass *pass,
		       size_t *ret_count, struct error *err)
{
	struct expired *deliveries = xcalloc(STEP_ROWS, sizeof(*deliveries));
	int result = -1;

	if (db_begin(db, err) < 0 ||
	    load_expired(db, before_s, pass, deliveries, ret_count, err) < 0)
		goto out;
	/*
	 * One reader at a time.  Otherwise two readers could remove the last two deliveries of an
	 * operation, and both would leave the operation, because of the other's delivery.
	 */
	if (*ret_count > 0 && gap_rows_lock(db, err) < 0)
		goto out;
	for (size_t i = 0; i < *ret_count; i++)
		if (remove_expired(db, &deliveries[i], pass, err) < 0)
			goto out;
	result = db_commit(db, err);
out:
	if (result < 0)
		db_rollback(db);
	free(deliveries);
	return result;
}

static int next_queue(struct db *db, struct retention_pass *pass, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql_select_ended_queue, DB_VALUES(db_text(pass->queue)),
				  &rows, err);

	pass->state = 0;
	pass->is_over = result == 0;
	if (result > 0)
		snprintf(pass->queue, sizeof(pass->queue), "%s",
			 db_row_text(rows, SELECT_ENDED_QUEUE_QUEUE, NULL));
	return result < 0 ? -1 : 0;
}

int retention_step(struct db *db, int64_t before_s, struct retention_pass *pass, struct error *err)
{
	struct retention_pass next = *pass;
	size_t count = 0;

	if (next.queue[0] == '\0' && next_queue(db, &next, err) < 0)
		return -1;
	while (!next.is_over && count == 0) {
		uint64_t before = next.deliveries;

		if (remove_some(db, before_s, &next, &count, err) < 0)
			return -1;
		if (next.deliveries - before == STEP_ROWS)
			break; /* there may be more */
		if (++next.state == STATES && next_queue(db, &next, err) < 0)
			return -1;
	}
	*pass = next;
	return 0;
}
