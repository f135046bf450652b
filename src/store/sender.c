/* SPDX-License-Identifier: MIT */
#include "store/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"
#include "store/sql.h"

#define TIME_CHARS 21
#define NODE_CHARS 255 /* of the column; an URL may be longer */
/* An operation of this kind anywhere among the operations: inside of a text, a quote has a backslash. */
#define A_VOTE   "\\[\\s*\"vote\"\\s*,\\s*\\{"
#define A_CUSTOM "\\[\\s*\"custom(_json|_binary)?\"\\s*,\\s*\\{"

static void copy_text(char *to, size_t size, const struct db_rows *rows, unsigned column)
{
	const char *text = db_row_text(rows, column, NULL);

	snprintf(to, size, "%s", text ? text : "");
}

/* "2026-11-23 12:00:00", or NULL for 0. */
static struct db_value time_value(int64_t time_s, char text[TIME_CHARS])
{
	if (time_s == 0)
		return db_text(NULL);
	clock_format_utc(time_s, text, TIME_CHARS);
	text[10] = ' ';
	text[19] = '\0';
	return db_text(text);
}

/* A text that fits a column, or NULL for "". */
static struct db_value error_value(const char *text, char out[SENDER_ERROR_CHARS + 1])
{
	if (!text || text[0] == '\0')
		return db_text(NULL);
	text_clean(out, SENDER_ERROR_CHARS + 1, text, strlen(text));
	return db_text(out);
}

static struct db_value id_value(uint64_t id)
{
	return id > 0 ? db_u64(id) : db_text(NULL);
}

static int exec_found(struct db *db, const char *sql, const struct db_value *values, size_t count,
		      bool *ret_found, struct error *err)
{
	uint64_t found = 0;

	if (db_exec(db, sql, values, count, &found, err) < 0)
		return -1;
	*ret_found = found > 0;
	return 0;
}

/* Rights. */

int sender_check_rights(struct db *db, struct error *err)
{
	const char *const statements[] = {sql_update_no_action, sql_update_no_comment,
					  sql_update_no_signed_trx, sql_insert_no_signed_trx};

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (db_exec(db, statements[i], DB_NO_VALUES, NULL, err) < 0)
			return -1;
	return 0;
}

/* Leases. */

static int compare_accounts(const void *a, const void *b)
{
	return strcmp(((const struct sender_account *)a)->account,
		      ((const struct sender_account *)b)->account);
}

static struct sender_account *find_account(struct sender_account *accounts, size_t count,
					   const char *name)
{
	struct sender_account key;

	snprintf(key.account, sizeof(key.account), "%s", name);
	return bsearch(&key, accounts, count, sizeof(*accounts), compare_accounts);
}

static int take_lease(struct db *db, const char *token, const char *poster, unsigned lease_s,
		      unsigned respect_s, struct sender_account *account, struct error *err)
{
	return exec_found(db, sql_update_sender_lease,
			  DB_VALUES(db_text(token), db_text(poster), db_u64(lease_s),
				    db_text(account->account), db_u64(respect_s)),
			  &account->is_held, err);
}

/* The next step to hold an account. */
enum lease_need {
	NEEDS_ROW,
	NEEDS_LEASE,
	NEEDS_NOTHING,
};

static int read_senders(struct db *db, const char *token, unsigned respect_s,
			struct sender_account *accounts, size_t count, enum lease_need *needs,
			struct error *err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows = db_query(db, sql_select_senders, DB_VALUES(db_u64(respect_s)), err);
	int result = -1;

	while (rows && (result = db_rows_next(rows, err)) > 0) {
		const char *holder = db_row_text(rows, SELECT_SENDERS_TOKEN, NULL);
		struct sender_account *account = find_account(
			accounts, count, db_row_text(rows, SELECT_SENDERS_ACCOUNT, NULL));

		if (!account)
			continue;
		account->is_held = holder && strcmp(holder, token) == 0;
		account->is_paused = db_row_u64(rows, SELECT_SENDERS_IS_PAUSED) != 0;
		account->is_resting = db_row_u64(rows, SELECT_SENDERS_IS_RESTING) != 0;
		needs[account - accounts] =
			!account->is_held && db_row_u64(rows, SELECT_SENDERS_IS_FREE) != 0
				? NEEDS_LEASE
				: NEEDS_NOTHING;
	}
	return result;
}

/* In one transaction: to flush each to the disk would take longer than the lease of the first. */
static int take_leases(struct db *db, const char *token, const char *poster, unsigned lease_s,
		       unsigned respect_s, struct sender_account *accounts, size_t count,
		       const enum lease_need *needs, struct error *err)
{
	bool has_begun = false;

	for (size_t i = 0; i < count; i++) {
		if (needs[i] == NEEDS_NOTHING)
			continue;
		if (!has_begun && db_begin(db, err) < 0)
			return -1;
		has_begun = true;
		if (needs[i] == NEEDS_ROW &&
		    db_exec(db, sql_insert_sender, DB_VALUES(db_text(accounts[i].account)), NULL,
			    err) < 0)
			return -1;
		if (take_lease(db, token, poster, lease_s, respect_s, &accounts[i], err) < 0)
			return -1;
	}
	return has_begun ? db_commit(db, err) : 0;
}

int sender_lease(struct db *db, const char *token, const char *poster, unsigned lease_s,
		 struct sender_account *accounts, size_t count, struct error *err)
{
	CLEANUP(mem_free_pointer) enum lease_need *needs = xcalloc(count, sizeof(*needs));
	/* The clocks of the members of a cluster may differ. */
	unsigned respect_s = db_is_clustered(db) ? 5 : 0;

	for (size_t i = 0; i < count; i++)
		accounts[i].is_held = accounts[i].is_paused = accounts[i].is_resting = false;
	if (db_exec(db, sql_update_sender_leases, DB_VALUES(db_u64(lease_s), db_text(token)), NULL,
		    err) < 0 ||
	    read_senders(db, token, respect_s, accounts, count, needs, err) < 0)
		return -1;
	return take_leases(db, token, poster, lease_s, respect_s, accounts, count, needs, err);
}

int sender_release(struct db *db, const char *token, struct error *err)
{
	return db_exec(db, sql_update_senders_released, DB_VALUES(db_text(token)), NULL, err);
}

/* Rows that wait. */

static struct sender_waiting read_waiting(const struct db_rows *rows)
{
	struct sender_waiting waiting = {
		.state =
			{
				.next_reply_s = (int64_t)db_row_u64(
					rows, SELECT_SENDERS_WAITING_NEXT_REPLY_S),
				.next_post_s = (int64_t)db_row_u64(
					rows, SELECT_SENDERS_WAITING_NEXT_POST_S),
				.next_edit_s = (int64_t)db_row_u64(
					rows, SELECT_SENDERS_WAITING_NEXT_EDIT_S),
				.next_vote_s = (int64_t)db_row_u64(
					rows, SELECT_SENDERS_WAITING_NEXT_VOTE_S),
				.custom_s =
					(int64_t)db_row_u64(rows, SELECT_SENDERS_WAITING_CUSTOM_S),
				.custom_count = (unsigned)db_row_u64(
					rows, SELECT_SENDERS_WAITING_CUSTOM_COUNT),
				.day = (int64_t)db_row_u64(rows, SELECT_SENDERS_WAITING_DAY),
				.count_today = db_row_u64(rows, SELECT_SENDERS_WAITING_COUNT_TODAY),
				.amounts_today =
					{db_row_u64(rows, SELECT_SENDERS_WAITING_STEEM_TODAY),
					 db_row_u64(rows, SELECT_SENDERS_WAITING_SBD_TODAY),
					 db_row_u64(rows, SELECT_SENDERS_WAITING_VESTS_TODAY)},
			},
		.has_actions = db_row_u64(rows, SELECT_SENDERS_WAITING_HAS_ACTIONS) != 0,
		.has_comments = db_row_u64(rows, SELECT_SENDERS_WAITING_HAS_COMMENTS) != 0,
	};

	copy_text(waiting.account, sizeof(waiting.account), rows, SELECT_SENDERS_WAITING_ACCOUNT);
	return waiting;
}

int sender_waiting(struct db *db, const char *token, struct sender_waiting **ret_waiting,
		   size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows =
		db_query(db, sql_select_senders_waiting, DB_VALUES(db_text(token)), err);
	struct sender_waiting *waiting = NULL;
	size_t capacity = 0;
	size_t count = 0;
	int result = -1;

	while (rows && (result = db_rows_next(rows, err)) > 0) {
		waiting = xgrow(waiting, count, &capacity, sizeof(*waiting));
		waiting[count++] = read_waiting(rows);
	}
	if (result < 0) {
		free(waiting);
		return -1;
	}
	*ret_waiting = waiting;
	*ret_count = count;
	return 0;
}

int sender_reference(struct db *db, struct block_name *ret_block, int64_t *ret_time_s,
		     struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int found = db_query_row(db, sql_select_reference_block, DB_NO_VALUES, &rows, err);

	*ret_block = (struct block_name){.num = 0};
	*ret_time_s = 0;
	if (found <= 0)
		return found;
	ret_block->num = (uint32_t)db_row_u64(rows, SELECT_REFERENCE_BLOCK_BLOCK);
	db_row_bytes(rows, SELECT_REFERENCE_BLOCK_BLOCK_ID, ret_block->id, sizeof(ret_block->id));
	*ret_time_s = (int64_t)db_row_u64(rows, SELECT_REFERENCE_BLOCK_BLOCK_S);
	return 0;
}

static const char *keep(struct arena *arena, const struct db_rows *rows, unsigned column,
			size_t *ret_len)
{
	size_t len = 0;
	const char *text = db_row_text(rows, column, &len);

	if (ret_len)
		*ret_len = len;
	return text ? arena_strndup(arena, text, len) : NULL;
}

/* The same, of a text that must have no zero byte. */
static const char *keep_whole(struct arena *arena, const struct db_rows *rows, unsigned column,
			      struct sender_row *row)
{
	size_t len;
	const char *text = keep(arena, rows, column, &len);

	row->has_zero |= text && strlen(text) != len;
	return text;
}

int sender_actions(struct db *db, const char *account, bool no_votes, bool no_customs, size_t limit,
		   struct arena *arena, struct sender_row *rows, size_t *count, struct error *err)
{
	const struct sender_row *last = *count > 0 ? &rows[*count - 1] : NULL;
	uint64_t behind = last ? last->action_id : 0;
	uint64_t place = behind > 0 ? last->place : 0;
	CLEANUP(db_rows_free_pointer)
	struct db_rows *found =
		db_query(db, sql_select_actions_next,
			 DB_VALUES(db_text(account), db_u64(no_votes), db_text(A_VOTE),
				   db_u64(no_customs), db_text(A_CUSTOM), db_u64(behind),
				   db_u64(place), db_u64(place), db_u64(behind), db_u64(limit)),
			 err);
	int result = -1;

	while (found && (result = db_rows_next(found, err)) > 0) {
		struct sender_row *row = &rows[(*count)++];
		const char *authority = db_row_text(found, SELECT_ACTIONS_NEXT_AUTHORITY, NULL);

		*row = (struct sender_row){
			.action_id = db_row_u64(found, SELECT_ACTIONS_NEXT_ACTION_ID),
			.place = db_row_u64(found, SELECT_ACTIONS_NEXT_PLACE),
			.attempts = (unsigned)db_row_u64(found, SELECT_ACTIONS_NEXT_ATTEMPTS),
			.not_after_s = (int64_t)db_row_u64(found, SELECT_ACTIONS_NEXT_NOT_AFTER_S),
			.is_late = db_row_u64(found, SELECT_ACTIONS_NEXT_IS_LATE) != 0,
			.is_active = authority && strcmp(authority, "active") == 0,
		};
		row->operations =
			keep(arena, found, SELECT_ACTIONS_NEXT_OPERATIONS, &row->operations_len);
	}
	return result;
}

int sender_comments(struct db *db, const char *account, bool no_replies, bool no_posts,
		    size_t limit, struct arena *arena, struct sender_row *rows, size_t *count,
		    struct error *err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *found = db_query(
		db, sql_select_comments_next,
		DB_VALUES(db_text(account), db_u64(no_replies), db_u64(no_posts), db_u64(limit)),
		err);
	int result = -1;

	while (found && (result = db_rows_next(found, err)) > 0) {
		struct sender_row *row = &rows[(*count)++];

		*row = (struct sender_row){
			.comment_id = db_row_u64(found, SELECT_COMMENTS_NEXT_COMMENT_ID),
			.attempts = (unsigned)db_row_u64(found, SELECT_COMMENTS_NEXT_ATTEMPTS),
			.not_after_s = (int64_t)db_row_u64(found, SELECT_COMMENTS_NEXT_NOT_AFTER_S),
			.is_late = db_row_u64(found, SELECT_COMMENTS_NEXT_IS_LATE) != 0,
		};
		row->permlink = keep_whole(arena, found, SELECT_COMMENTS_NEXT_PERMLINK, row);
		row->parent_author =
			keep_whole(arena, found, SELECT_COMMENTS_NEXT_PARENT_AUTHOR, row);
		row->parent_permlink =
			keep_whole(arena, found, SELECT_COMMENTS_NEXT_PARENT_PERMLINK, row);
		row->title = keep_whole(arena, found, SELECT_COMMENTS_NEXT_TITLE, row);
		row->body = keep_whole(arena, found, SELECT_COMMENTS_NEXT_BODY, row);
		row->json_metadata =
			keep_whole(arena, found, SELECT_COMMENTS_NEXT_JSON_METADATA, row);
		row->options = keep_whole(arena, found, SELECT_COMMENTS_NEXT_OPTIONS, row);
	}
	return result;
}

int sender_is_published(struct db *db, const char *author, const char *permlink, bool *ret_is,
			struct error *err)
{
	return db_query_any(db, sql_select_comment_confirmed,
			    DB_VALUES(db_text(author), db_text(permlink)), ret_is, err);
}

/* Signing. */

int sender_pace(struct db *db, const char *account, const char *token,
		const struct sender_state *state, bool *ret_held, struct error *err)
{
	char reply[TIME_CHARS], post[TIME_CHARS], edit[TIME_CHARS], vote[TIME_CHARS];
	char custom[TIME_CHARS], day[TIME_CHARS];
	struct db_value day_value = time_value(state->day * 86400, day);

	if (state->day > 0)
		day_value.len = strlen("2026-11-23");
	return exec_found(
		db, sql_update_sender_pace,
		DB_VALUES(time_value(state->next_reply_s, reply),
			  time_value(state->next_post_s, post),
			  time_value(state->next_edit_s, edit),
			  time_value(state->next_vote_s, vote), time_value(state->custom_s, custom),
			  db_u64(state->custom_count), day_value, db_u64(state->count_today),
			  db_u64(state->amounts_today[0]), db_u64(state->amounts_today[1]),
			  db_u64(state->amounts_today[2]), db_text(account), db_text(token)),
		ret_held, err);
}

void sender_trx_release(struct sender_trx *trx)
{
	free(trx->signed_trx);
	*trx = (struct sender_trx){.signed_trx = NULL};
}

int sender_is_signed(struct db *db, const char *trx_id, bool *ret_is, struct error *err)
{
	return db_query_any(db, sql_select_signed_trx, DB_VALUES(db_text(trx_id)), ret_is, err);
}

int sender_move(struct db *db, const struct sender_trx *trx, bool *ret_moved, struct error *err)
{
	uint64_t id = trx->comment_id > 0 ? trx->comment_id : trx->action_id;
	char expiration[TIME_CHARS];

	if (exec_found(db, trx->comment_id > 0 ? sql_update_comment_sent : sql_update_action_sent,
		       DB_VALUES(db_text(trx->trx_id), db_u64(id), db_u64(id)), ret_moved, err) < 0)
		return -1;
	if (!*ret_moved)
		return 0;
	return db_exec(db, sql_insert_signed_trx,
		       DB_VALUES(db_text(trx->trx_id), db_text(trx->account),
				 id_value(trx->comment_id), id_value(trx->action_id),
				 ((struct db_value){.type = DB_TEXT,
						    .data = trx->signed_trx,
						    .len = trx->signed_len}),
				 db_u64(trx->ref_block), time_value(trx->expiration_s, expiration)),
		       NULL, err);
}

int sender_refuse(struct db *db, const struct sender_row *row, const char *state, const char *why,
		  struct error *err)
{
	bool is_comment = row->comment_id > 0;
	char text[SENDER_ERROR_CHARS + 1];

	return db_exec(db, is_comment ? sql_update_comment_refused : sql_update_action_refused,
		       DB_VALUES(db_text(state), error_value(why, text),
				 db_u64(is_comment ? row->comment_id : row->action_id)),
		       NULL, err);
}

/* Sending. */

int sender_note(struct db *db, const struct sender_note *note, struct error *err)
{
	char text[SENDER_ERROR_CHARS + 1];
	char node[NODE_CHARS + 1];

	text_clean(node, sizeof(node), note->node, strlen(note->node));
	return db_exec(db, sql_update_signed_trx_sent,
		       DB_VALUES(db_text(node), db_u64(note->answer == NULL), db_text(note->answer),
				 error_value(note->error, text), db_text(note->answer),
				 db_text(note->answer), db_text(note->trx_id)),
		       NULL, err);
}

int sender_pause(struct db *db, const char *account, const char *reason, bool *ret_done,
		 struct error *err)
{
	char text[SENDER_ERROR_CHARS + 1];

	return exec_found(db, sql_update_sender_paused,
			  DB_VALUES(error_value(reason, text), db_text(account)), ret_done, err);
}

int sender_why_paused(struct db *db, const char *account, bool *ret_is_paused,
		      char reason[SENDER_ERROR_CHARS + 1], struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int found =
		db_query_row(db, sql_select_sender_paused, DB_VALUES(db_text(account)), &rows, err);

	*ret_is_paused = found > 0;
	if (found <= 0)
		return found;
	copy_text(reason, SENDER_ERROR_CHARS + 1, rows, SELECT_SENDER_PAUSED_PAUSE_REASON);
	return 0;
}

int sender_rest(struct db *db, const char *account, bool *ret_done, struct error *err)
{
	return exec_found(db, sql_update_sender_resting, DB_VALUES(db_text(account)), ret_done,
			  err);
}

int sender_rested(struct db *db, const char *account, struct error *err)
{
	return db_exec(db, sql_update_sender_rested, DB_VALUES(db_text(account)), NULL, err);
}

/* Open transactions. */

int sender_open(struct db *db, const char *token, struct sender_open **ret_open, size_t *ret_count,
		struct error *err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows = db_query(db, sql_select_sender_trxs, DB_VALUES(db_text(token)), err);
	struct sender_open *open = NULL;
	size_t capacity = 0;
	size_t count = 0;
	int result = -1;

	while (rows && (result = db_rows_next(rows, err)) > 0) {
		open = xgrow(open, count, &capacity, sizeof(*open));
		copy_text(open[count].trx_id, sizeof(open[count].trx_id), rows,
			  SELECT_SENDER_TRXS_TRX_ID);
		open[count++].is_over = db_row_u64(rows, SELECT_SENDER_TRXS_IS_OVER) != 0;
	}
	if (result < 0) {
		free(open);
		return -1;
	}
	*ret_open = open;
	*ret_count = count;
	return 0;
}

int sender_load(struct db *db, const char *trx_id, struct sender_trx *ret_trx, bool *ret_found,
		struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int found = db_query_row(db, sql_select_sender_trx, DB_VALUES(db_text(trx_id)), &rows, err);
	const char *text;

	*ret_found = found > 0;
	if (found <= 0)
		return found;
	*ret_trx = (struct sender_trx){
		.comment_id = db_row_u64(rows, SELECT_SENDER_TRX_COMMENT_ID),
		.action_id = db_row_u64(rows, SELECT_SENDER_TRX_ACTION_ID),
		.expiration_s = (int64_t)db_row_u64(rows, SELECT_SENDER_TRX_EXPIRATION_S),
	};
	snprintf(ret_trx->trx_id, sizeof(ret_trx->trx_id), "%s", trx_id);
	copy_text(ret_trx->account, sizeof(ret_trx->account), rows, SELECT_SENDER_TRX_ACCOUNT);
	copy_text(ret_trx->answer, sizeof(ret_trx->answer), rows, SELECT_SENDER_TRX_ANSWER);
	text = db_row_text(rows, SELECT_SENDER_TRX_SIGNED_TRX, &ret_trx->signed_len);
	ret_trx->signed_trx = xtextdup(text ? text : "", ret_trx->signed_len);
	return 0;
}

static struct sender_dead read_dead(const struct db_rows *rows)
{
	struct sender_dead dead = {
		.comment_id = db_row_u64(rows, SELECT_DEAD_TRXS_COMMENT_ID),
		.action_id = db_row_u64(rows, SELECT_DEAD_TRXS_ACTION_ID),
		.attempts = (unsigned)db_row_u64(rows, SELECT_DEAD_TRXS_ATTEMPTS),
	};

	copy_text(dead.trx_id, sizeof(dead.trx_id), rows, SELECT_DEAD_TRXS_TRX_ID);
	copy_text(dead.account, sizeof(dead.account), rows, SELECT_DEAD_TRXS_ACCOUNT);
	copy_text(dead.answer, sizeof(dead.answer), rows, SELECT_DEAD_TRXS_ANSWER);
	copy_text(dead.error, sizeof(dead.error), rows, SELECT_DEAD_TRXS_ERROR);
	return dead;
}

int sender_dead(struct db *db, const char *token, size_t limit, struct sender_dead **ret_dead,
		size_t *ret_count, struct error *err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows =
		db_query(db, sql_select_dead_trxs, DB_VALUES(db_text(token), db_u64(limit)), err);
	struct sender_dead *dead = NULL;
	size_t capacity = 0;
	size_t count = 0;
	int result = -1;

	while (rows && (result = db_rows_next(rows, err)) > 0) {
		dead = xgrow(dead, count, &capacity, sizeof(*dead));
		dead[count++] = read_dead(rows);
	}
	if (result < 0) {
		free(dead);
		return -1;
	}
	*ret_dead = dead;
	*ret_count = count;
	return 0;
}

int sender_bury(struct db *db, const struct sender_dead *dead, bool *ret_done, struct error *err)
{
	bool is_comment = dead->comment_id > 0;
	char text[SENDER_ERROR_CHARS + 1];

	if (exec_found(db, sql_update_signed_trx_expired, DB_VALUES(db_text(dead->trx_id)),
		       ret_done, err) < 0)
		return -1;
	if (!*ret_done)
		return 0;
	return db_exec(db, is_comment ? sql_update_comment_dead : sql_update_action_dead,
		       DB_VALUES(db_text(dead->state), error_value(dead->error, text),
				 db_u64(is_comment ? dead->comment_id : dead->action_id),
				 db_text(dead->trx_id)),
		       NULL, err);
}

int sender_rows(struct db *db, const char *token, struct sender_account *accounts, size_t count,
		struct error *err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows =
		db_query(db, sql_select_senders_rows, DB_VALUES(db_text(token)), err);
	int result = -1;

	for (size_t i = 0; i < count; i++)
		accounts[i].rows = (struct sender_rows){.held_count = 0};
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		struct sender_account *account = find_account(
			accounts, count, db_row_text(rows, SELECT_SENDERS_ROWS_ACCOUNT, NULL));

		if (account)
			account->rows = (struct sender_rows){
				.held_count = db_row_u64(rows, SELECT_SENDERS_ROWS_HELD_COUNT),
				.pending_s = db_row_u64(rows, SELECT_SENDERS_ROWS_PENDING_S),
				.sent_s = db_row_u64(rows, SELECT_SENDERS_ROWS_SENT_S),
			};
	}
	return result;
}

int sender_left(struct db *db, const char *account, uint64_t *ret_count, struct error *err)
{
	return db_query_u64(db, sql_select_rows_left, DB_VALUES(db_text(account), db_text(account)),
			    ret_count, err);
}
