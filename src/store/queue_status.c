/* SPDX-License-Identifier: MIT */
#include "store/queue_status.h"

#include <stdio.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/sql.h"

static void copy_text(char *to, size_t size, const struct db_rows *rows, unsigned column)
{
	const char *text = db_row_text(rows, column, NULL);

	snprintf(to, size, "%s", text ? text : "");
}

static int load_queues(struct db *db, struct queue_status *status, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_queues, DB_VALUES(db_u64(QUEUE_STATUS_QUEUES)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct queue_status_queue *queue = &status->queues[status->queue_count++];

		copy_text(queue->queue, sizeof(queue->queue), rows, SELECT_QUEUES_QUEUE);
		copy_text(queue->order_by, sizeof(queue->order_by), rows, SELECT_QUEUES_ORDER_BY);
		queue->is_paused = db_row_u64(rows, SELECT_QUEUES_PAUSED) != 0;
	}
	return result;
}

static int count_queue(struct db *db, struct queue_status_queue *queue, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	struct db_value name = db_text(queue->queue);
	int result = db_query_row(db, sql_select_queue_counts,
				  DB_VALUES(name, name, name, name, name, name), &rows, err);

	if (result <= 0)
		return result;
	queue->ready = db_row_u64(rows, SELECT_QUEUE_COUNTS_READY);
	queue->claimed = db_row_u64(rows, SELECT_QUEUE_COUNTS_CLAIMED);
	queue->waiting = db_row_u64(rows, SELECT_QUEUE_COUNTS_WAITING_OR_CLAIMED) - queue->claimed;
	queue->failed = db_row_u64(rows, SELECT_QUEUE_COUNTS_FAILED);
	queue->has_oldest = !db_row_is_null(rows, SELECT_QUEUE_COUNTS_OLDEST_AGE_S);
	queue->oldest_age_s =
		queue->has_oldest ? db_row_u64(rows, SELECT_QUEUE_COUNTS_OLDEST_AGE_S) : 0;
	queue->rate = (double)db_row_u64(rows, SELECT_QUEUE_COUNTS_DONE_IN_A_MINUTE) / 60;
	return 0;
}

static int load_authors(struct db *db, struct queue_status *status, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_outbox_status, DB_VALUES(db_u64(QUEUE_STATUS_AUTHORS)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct queue_status_author *author = &status->authors[status->author_count++];

		copy_text(author->author, sizeof(author->author), rows,
			  SELECT_OUTBOX_STATUS_AUTHOR);
		author->pending = db_row_u64(rows, SELECT_OUTBOX_STATUS_PENDING);
		author->sent = db_row_u64(rows, SELECT_OUTBOX_STATUS_SENT);
		author->confirmed = db_row_u64(rows, SELECT_OUTBOX_STATUS_CONFIRMED);
		author->failed = db_row_u64(rows, SELECT_OUTBOX_STATUS_FAILED);
		author->held = db_row_u64(rows, SELECT_OUTBOX_STATUS_HELD);
		author->has_oldest = !db_row_is_null(rows, SELECT_OUTBOX_STATUS_OLDEST_AGE_S);
		author->oldest_age_s = author->has_oldest
					       ? db_row_u64(rows, SELECT_OUTBOX_STATUS_OLDEST_AGE_S)
					       : 0;
	}
	return result;
}

int queue_status_load(struct db *db, struct queue_status *ret_status, struct error *err)
{
	ret_status->queue_count = 0;
	ret_status->author_count = 0;
	if (load_queues(db, ret_status, err) < 0)
		return -1;
	for (size_t i = 0; i < ret_status->queue_count; i++)
		if (count_queue(db, &ret_status->queues[i], err) < 0)
			return -1;
	return load_authors(db, ret_status, err);
}
