/* SPDX-License-Identifier: MIT */
/*
 * Statements on the outbox: there is one author, whose comments are named by the number of their
 * block.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "database.h"
#include "sched.h"
#include "statements_impl.h"

static uint64_t key_of(const char *permlink)
{
	return strtoull(permlink + 1, NULL, 10);
}

static const char *permlink_of(uint64_t key)
{
	char text[16];

	snprintf(text, sizeof(text), CHAIN_PERMLINK, (uint32_t)key);
	return row_text(text);
}

/* (author): the next author. An author without comments has no outbox. */
bool model_select_outbox_authors(struct call *call)
{
	uint64_t key;

	call->rows->column_count = 1;
	if (strcmp(take_text(call, 0), CHAIN_AUTHOR) < 0 &&
	    row_first(call->tx, TABLE_COMMENTS, 0, UINT64_MAX, &key))
		give_text(call, CHAIN_AUTHOR);
	return true;
}

/* (block, trx_id, author, permlink) */
bool model_insert_comment_seen(struct call *call)
{
	uint64_t key = key_of(take_text(call, 3));
	const struct comment_row *comment = row_read(call->tx, TABLE_COMMENTS, key);
	const struct seen_row *old = row_read(call->tx, TABLE_SEEN, key);
	struct seen_row *row;

	if (strcmp(take_text(call, 2), CHAIN_AUTHOR) != 0)
		sim_fail("a comment of %s is looked for in the outbox", take_text(call, 2));
	if (!comment || comment->is_confirmed)
		return true;
	row = row_new(sizeof(*row));
	row->block = (uint32_t)take_u64(call, 0);
	snprintf(row->trx_id, sizeof(row->trx_id), "%s", take_text(call, 1));
	if (old && old->block <= row->block)
		*row = *old;
	call->found = 1;
	return row_write(call->tx, TABLE_SEEN, key, row);
}

/* (author, author, permlink, limit): the rows after that place. */
bool model_select_comments_seen(struct call *call)
{
	const char *behind = take_text(call, 2);
	uint64_t left = take_u64(call, 3);
	const struct seen_row *row;
	uint64_t key;

	call->rows->column_count = 5;
	for (EACH_ROW(call->tx, TABLE_SEEN, behind[0] ? key_of(behind) + 1 : 0, UINT64_MAX, key,
		      row)) {
		const struct comment_row *comment = row_read(call->tx, TABLE_COMMENTS, key);

		if (left-- == 0)
			break;
		give_text(call, CHAIN_AUTHOR);
		give_text(call, permlink_of(key));
		give_u64(call, row->block);
		give_text(call, row->trx_id);
		give_u64(call, comment && !comment->is_confirmed ? key : 0);
	}
	return true;
}

/* A row that another transaction has written is skipped. */
bool model_lock_comment(struct call *call)
{
	uint64_t key = take_u64(call, 0);
	const struct comment_row *row = row_read(call->tx, TABLE_COMMENTS, key);

	call->rows->column_count = 1;
	if (row && row_write(call->tx, TABLE_COMMENTS, key, row))
		give_u64(call, key);
	else if (row)
		database_end_idle(call->tx->blocker);
	return true;
}

/* (block, trx_id, comment_id) */
bool model_confirm_comment(struct call *call)
{
	uint64_t key = take_u64(call, 2);
	const struct comment_row *old = row_read(call->tx, TABLE_COMMENTS, key);
	struct comment_row *row = row_new(sizeof(*row));

	if (!old || old->is_confirmed)
		return true;
	row->is_confirmed = true;
	row->block = (uint32_t)take_u64(call, 0);
	snprintf(row->trx_id, sizeof(row->trx_id), "%s", take_text(call, 1));
	call->found = 1;
	return row_write(call->tx, TABLE_COMMENTS, key, row);
}

/* (author, permlink) */
bool model_delete_comment_seen(struct call *call)
{
	uint64_t key = key_of(take_text(call, 1));

	call->found = row_read(call->tx, TABLE_SEEN, key) != NULL;
	return call->found == 0 || row_write(call->tx, TABLE_SEEN, key, NULL);
}
