/* SPDX-License-Identifier: MIT */
#include "store/deliveries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/db_error.h"
#include "store/place.h"
#include "store/sql.h"

/* The columns of a claim, in order. */
enum column {
	DELIVERY_ID,
	TOKEN,
	ATTEMPTS,
	LEASE_UNTIL,
	QUEUE,
	BLOCK,
	TRX_IN_BLOCK,
	OP_IN_TRX,
	VIRTUAL_OP,
	TRX_ID,
	TIMESTAMP,
	OPERATION,
	ACCOUNT,
	PAYLOAD,
};

void delivery_free(struct delivery *delivery)
{
	if (delivery->arena)
		arena_free(delivery->arena);
	*delivery = (struct delivery){.arena = NULL};
}

bool deliveries_is_lost(const struct error *err)
{
	return db_is_error(err, DB_LEASE_LOST);
}

bool deliveries_has_no_queue(const struct error *err)
{
	return db_is_error(err, DB_NO_QUEUE);
}

static const char *copy(struct arena *arena, const struct db_rows *rows, enum column column,
			size_t *ret_len)
{
	size_t len;
	const char *text = db_row_text(rows, column, &len);

	if (ret_len)
		*ret_len = len;
	return text ? arena_strndup(arena, text, len) : NULL;
}

static struct delivery read_row(const struct db_rows *rows)
{
	struct arena *arena = arena_new();
	struct delivery delivery = {
		.arena = arena,
		.delivery_id = db_row_u64(rows, DELIVERY_ID),
		.attempt = (unsigned)db_row_u64(rows, ATTEMPTS),
		.place = place_read(rows, BLOCK),
		.lease_until = copy(arena, rows, LEASE_UNTIL, NULL),
		.queue = copy(arena, rows, QUEUE, NULL),
		.trx_id = copy(arena, rows, TRX_ID, NULL),
		.timestamp = copy(arena, rows, TIMESTAMP, NULL),
		.operation = copy(arena, rows, OPERATION, NULL),
		.account = copy(arena, rows, ACCOUNT, NULL),
	};
	const char *token = db_row_text(rows, TOKEN, NULL);

	delivery.payload = copy(arena, rows, PAYLOAD, &delivery.payload_len);
	snprintf(delivery.token, sizeof(delivery.token), "%s", token ? token : "");
	return delivery;
}

int deliveries_claim(struct db *db, const char *queue, const char *worker, unsigned limit,
		     unsigned lease_s, struct delivery **ret_deliveries, size_t *ret_count,
		     struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	struct delivery *deliveries = xcalloc(limit, sizeof(*deliveries));
	size_t count = 0;
	int result = -1;

	rows = db_query(db, sql_call_queue_claim,
			DB_VALUES(db_text(queue), db_text(worker), db_u64(limit), db_u64(lease_s)),
			err);
	while (rows && (result = db_rows_next(rows, err)) > 0 && count < limit)
		deliveries[count++] = read_row(rows);
	if (result < 0) {
		while (count > 0)
			delivery_free(&deliveries[--count]);
		free(deliveries);
		return -1;
	}
	*ret_deliveries = deliveries;
	*ret_count = count;
	return 0;
}

int deliveries_renew(struct db *db, uint64_t delivery_id, const char *token, unsigned lease_s,
		     struct error *err)
{
	return db_exec(db, sql_call_queue_renew,
		       DB_VALUES(db_u64(delivery_id), db_text(token), db_u64(lease_s)), NULL, err);
}

static int call_outbox(struct db *db, struct db_value id, struct db_value token,
		       const struct delivery_end *end, struct error *err)
{
	struct db_value author = db_text(end->author);
	struct db_value body = {.type = DB_TEXT, .data = end->body, .len = end->body_len};
	struct db_value operations = {
		.type = DB_TEXT, .data = end->operations, .len = end->operations_len};

	if (end->body && db_exec(db, sql_call_reply,
				 DB_VALUES(id, token, author, db_text(NULL), body, db_text(NULL)),
				 NULL, err) < 0)
		return -1;
	if (!end->operations)
		return 0;
	return db_exec(db, sql_call_act, DB_VALUES(id, token, author, operations), NULL, err);
}

/*
 * If an earlier try was committed and its answer lost, the delivery is no longer held, and
 * reply() and act() refuse.  queue_done() then finds out whether this happened: it knows the
 * token, and the comment and the action were committed with it.
 */
static int call_done(struct db *db, struct db_value id, struct db_value token,
		     const struct delivery_end *end, struct error *err)
{
	if (call_outbox(db, id, token, end, err) < 0) {
		if (!deliveries_is_lost(err))
			return -1;
		*err = ERROR_INIT;
	}
	return db_exec(db, sql_call_queue_done, DB_VALUES(id, token), NULL, err);
}

static int call_end(struct db *db, uint64_t delivery_id, const char *token,
		    const struct delivery_end *end, struct error *err)
{
	struct db_value id = db_u64(delivery_id);
	struct db_value by = db_text(token);
	struct db_value error = db_text(end->error);
	struct db_value delay = end->delay_s < 0 ? db_text(NULL) : db_u64((uint64_t)end->delay_s);

	switch (end->result) {
	case DELIVERY_DONE:
		return call_done(db, id, by, end, err);
	case DELIVERY_RETRY:
		return db_exec(db, sql_call_queue_retry, DB_VALUES(id, by, delay, error), NULL,
			       err);
	case DELIVERY_FAIL:
		return db_exec(db, sql_call_queue_fail, DB_VALUES(id, by, error), NULL, err);
	case DELIVERY_RELEASE:
		break;
	}
	return db_exec(db, sql_call_queue_release, DB_VALUES(id, by, error), NULL, err);
}

int deliveries_end(struct db *db, uint64_t delivery_id, const char *token,
		   const struct delivery_end *end, struct error *err)
{
	if (db_begin(db, err) == 0 && call_end(db, delivery_id, token, end, err) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}
