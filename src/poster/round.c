/* SPDX-License-Identifier: MIT */
#include "poster/round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "poster/account_pace.h"
#include "poster/comment.h"
#include "poster/content.h"
#include "poster/limits.h"
#include "poster/route.h"
#include "store/db.h"

#define ACTIONS_LOOK   200 /* of one account; those that wait for their pace are among them */
#define ACTIONS_PAGE   20  /* neither votes nor custom operations */
#define ROWS_MAX       400 /* in one transaction, about */
#define LOOK_AGAIN_MS  500
#define ROUND_MS       200 /* what is signed waits so long at most, and locks are held */
#define LIFE_LEAST_S   6   /* two blocks */
#define LETTER_BYTES   ((size_t)512 * 1024)
#define PERMLINK_BYTES 260
#define SEALS_MAX      30
#define HEAD_STALE_MS  5000

void round_look_release(struct round_look *look)
{
	transaction_free(look->trx);
	sender_trx_release(&look->made);
	*look = (struct round_look){.trx = NULL};
}

void round_clear(struct round *round)
{
	for (size_t i = 0; i < round->trx_count; i++)
		sender_trx_release(&round->trxs[i]);
	free(round->trxs);
	free(round->events);
	free(round->ids);
	round->ids = NULL;
	round->id_count = round->id_capacity = 0;
	round->trxs = NULL;
	round->events = NULL;
	round->trx_count = round->trx_capacity = 0;
	round->event_count = round->event_capacity = 0;
	round->has_more = round->is_behind = false;
	round->waiting_count = 0;
}

/* One row. */

static void decide(struct round_look *look, enum round_outcome outcome, const char *why)
{
	look->outcome = outcome;
	text_format(look->why, sizeof(look->why), "%s", why);
}

static struct transaction *read_row(struct round *round, const struct signing_account *signer,
				    const struct sender_row *row, struct error *err)
{
	CLEANUP(buf_release) struct buf letter = BUF_INIT(LETTER_BYTES);
	const char *text = row->operations;
	size_t len = row->operations_len;
	struct transaction *trx;

	if (row->comment_id > 0) {
		if (comment_write(&letter, round->chain, signer->account, row, err) < 0)
			return NULL;
		text = letter.data;
		len = letter.len;
	}
	trx = transaction_read(round->maker, text ? text : "", len, err);
	/* What a node can only refuse is not signed, however it came into the table. */
	if (trx && transaction_check(trx, err) < 0) {
		transaction_free(trx);
		return NULL;
	}
	return trx;
}

/*
 * The key that may sign it; the active key of an account may do what posting may, too.  NULL: the look
 * says why.
 */
static struct signing_key *find_key(struct signing_account *signer, const struct transaction *trx,
				    struct round_look *look)
{
	struct signing_key *key = trx->authority == CODEC_POSTING && signer->posting.rules
					  ? &signer->posting
					  : &signer->active;

	if (trx->signer_count != 1 || strcmp(trx->signers[0].account, signer->account) != 0) {
		text_format(look->why, sizeof(look->why),
			    "it needs the signature of %s, but the row belongs to %s",
			    trx->signers[trx->signer_count > 1 &&
					 strcmp(trx->signers[0].account, signer->account) == 0]
				    .account,
			    signer->account);
		look->outcome = ROUND_FAILED;
		return NULL;
	}
	if (trx->authority == CODEC_OWNER) {
		decide(look, ROUND_FAILED,
		       "it needs the owner authority, which steem-poster never has");
		return NULL;
	}
	if (key->rules)
		return key;
	decide(look, ROUND_HELD,
	       trx->authority == CODEC_POSTING
		       ? "the poster has no posting key of this account"
		       : "it needs the active authority, and the poster has no active key of this account");
	return NULL;
}

/* Comments among the operations that are published already are edits, which have another pace. */
static int find_edits(struct db *db, const struct transaction *trx, const struct sender_row *row,
		      struct content *content, struct error *err)
{
	char author[BLOCK_ACCOUNT_BYTES + 1];
	char permlink[PERMLINK_BYTES];
	bool is_post = false;
	bool is_edit = false;

	for (size_t i = 0; i < trx->operation_count && row->action_id > 0; i++) {
		if (!content_comment(&trx->operations[i], author, permlink, sizeof(permlink),
				     &is_post))
			continue;
		if (sender_is_published(db, author, permlink, &is_edit, err) < 0)
			return -1;
		if (is_edit)
			content_edit(content, is_post);
	}
	return 0;
}

/*
 * The same operations with the same reference and expiration are the same transaction, so another row
 * with them gets another expiration.  One of an earlier round makes the insertion fail; the table is asked
 * only when the round runs again for that, or before a command runs for nothing.
 */
static int seal_unlike_others(struct db *db, struct round *round, struct transaction *trx,
			      int64_t expiration_s, bool asks_table, bool *ret_done,
			      struct error *err)
{
	bool is_taken = true;

	for (int i = 0; i < SEALS_MAX && is_taken; i++) {
		transaction_seal(trx, &round->reference, (uint32_t)(expiration_s - i));
		is_taken = false;
		for (size_t k = 0; k < round->id_count && !is_taken; k++)
			is_taken = strcmp(round->ids[k], trx->id) == 0;
		if (!is_taken && (asks_table || round->job.retry_count > 0) &&
		    sender_is_signed(db, trx->id, &is_taken, err) < 0)
			return -1;
	}
	*ret_done = !is_taken;
	round->ids = xgrow(round->ids, round->id_count, &round->id_capacity, sizeof(*round->ids));
	memcpy(round->ids[round->id_count++], trx->id, sizeof(*round->ids));
	return 0;
}

static int make_trx(const struct signing_account *signer, const struct sender_row *row,
		    const struct transaction *trx, uint32_t ref_block,
		    const uint8_t signature[SIGNATURE_BYTES], struct sender_trx *ret_made,
		    struct error *err)
{
	struct buf text = BUF_INIT(TRANSACTION_JSON_BYTES_MAX);

	if (transaction_write(trx, signature, &text, err) < 0) {
		buf_release(&text);
		return -1;
	}
	*ret_made = (struct sender_trx){
		.comment_id = row->comment_id,
		.action_id = row->action_id,
		.signed_trx = text.data,
		.signed_len = text.len,
		.ref_block = ref_block,
		.expiration_s = trx->expiration,
	};
	snprintf(ret_made->trx_id, sizeof(ret_made->trx_id), "%s", trx->id);
	snprintf(ret_made->account, sizeof(ret_made->account), "%s", signer->account);
	return 0;
}

/* Commands. */

/* Leave a request; the row waits. */
static int ask_command(struct db *db, struct round *round, struct signing_key *key,
		       const struct sender_row *row, int64_t expiration_s, struct round_look *look,
		       struct error *err)
{
	struct transaction *trx = look->trx;
	bool is_sealed;

	if (key->request.state != SIGNATURE_NONE) {
		decide(look, ROUND_LATER, "its command signs");
		return 0;
	}
	if (clock_now_ms() < key->rests_until_ms) {
		decide(look, ROUND_LATER, "its command rests after a failure");
		return 0;
	}
	if (seal_unlike_others(db, round, trx, expiration_s - key->again_count, true, &is_sealed,
			       err) < 0)
		return -1;
	decide(look, ROUND_LATER, "its command signs");
	if (!is_sealed || trx->expiration < round->head.head_time_s + LIFE_LEAST_S)
		return 0;
	key->request = (struct signature_request){
		.state = SIGNATURE_WANTED,
		.comment_id = row->comment_id,
		.action_id = row->action_id,
		.reference = round->reference,
		.expiration = trx->expiration,
	};
	memcpy(key->request.digest, trx->digest, sizeof(key->request.digest));
	return 0;
}

/*
 * Is the answer for this row, as it is now?  It may have changed, or the answer may be too old.  Then the
 * transaction is sealed as the command has signed it.
 */
static bool fits(const struct round *round, const struct signature_request *request,
		 const struct sender_row *row, int64_t expiration_s, struct transaction *trx)
{
	if (request->expiration < round->head.head_time_s + LIFE_LEAST_S ||
	    (row->not_after_s > 0 && request->expiration > expiration_s))
		return false;
	transaction_seal(trx, &request->reference, request->expiration);
	return memcmp(trx->digest, request->digest, sizeof(request->digest)) == 0;
}

/* Use the answer of the command if there is one for this row, or else ask it. */
static int sign_by_command(struct db *db, struct round *round, const struct signing_account *signer,
			   struct signing_key *key, const struct sender_row *row,
			   int64_t expiration_s, struct round_look *look, struct error *err)
{
	const struct signature_request *request = &key->request;
	bool is_ours =
		request->comment_id == row->comment_id && request->action_id == row->action_id;

	if (request->state == SIGNATURE_FAILED && is_ours) {
		decide(look, ROUND_UNSIGNED, request->why);
		look->pauses = request->pauses;
		return 0;
	}
	if (request->state != SIGNATURE_MADE || !is_ours ||
	    !fits(round, request, row, expiration_s, look->trx))
		return ask_command(db, round, key, row, expiration_s, look, err);
	if (make_trx(signer, row, look->trx, request->reference.num, request->signature,
		     &look->made, err) < 0)
		return -1;
	look->outcome = ROUND_SIGNED;
	return 0;
}

/* An answer is used by the round that gets it, or never.  Was there one? */
static bool drop_answer(struct signing_key *key)
{
	if (key->request.state != SIGNATURE_MADE && key->request.state != SIGNATURE_FAILED)
		return false;
	key->request.state = SIGNATURE_NONE;
	return true;
}

static int sign_by_key(struct db *db, struct round *round, const struct signing_account *signer,
		       const struct signing_key *key, const struct sender_row *row,
		       int64_t expiration_s, struct round_look *look, struct error *err)
{
	uint8_t signature[SIGNATURE_BYTES];
	bool is_sealed;

	if (seal_unlike_others(db, round, look->trx, expiration_s, false, &is_sealed, err) < 0)
		return -1;
	if (!is_sealed || look->trx->expiration < round->head.head_time_s + LIFE_LEAST_S) {
		decide(look, ROUND_LATER, "many rows have the same operations");
		return 0;
	}
	look->outcome = ROUND_SIGNED;
	if (!key->key)
		return 0; /* a dry run asks no command */
	if (sign_digest(look->trx->digest, key->key, signature, err) < 0)
		return -1;
	return make_trx(signer, row, look->trx, round->reference.num, signature, &look->made, err);
}

/* It may be signed now: do it, and count it in the state. */
static int seal_and_sign(struct db *db, struct round *round, const struct signing_account *signer,
			 struct signing_key *key, struct sender_state *state,
			 const struct sender_row *row, const struct content *content,
			 struct round_look *look, struct error *err)
{
	int64_t head_s = round->head.head_time_s;
	int64_t expiration_s = head_s + ROUND_LIFE_S;
	bool asks = !key->key && !round->is_dry_run;

	if (row->not_after_s > 0 && row->not_after_s < expiration_s)
		expiration_s = row->not_after_s;
	if (expiration_s < head_s + LIFE_LEAST_S) {
		decide(look, ROUND_FAILED, "its time (not_after) is over");
		return 0;
	}
	if ((asks ? sign_by_command(db, round, signer, key, row, expiration_s, look, err)
		  : sign_by_key(db, round, signer, key, row, expiration_s, look, err)) < 0)
		return -1;
	if (look->outcome != ROUND_SIGNED)
		return 0;
	account_pace_take(state, content, head_s);
	limits_take(key->rules, state, content, head_s, row->attempts > 0);
	return 0;
}

int round_consider(struct db *db, struct round *round, struct signing_account *signer,
		   struct sender_state *state, const struct sender_row *row,
		   struct round_look *ret_look, struct error *err)
{
	struct error fault = ERROR_INIT;
	struct signing_key *key;
	struct content content;
	int64_t at_s;

	*ret_look = (struct round_look){.outcome = ROUND_FAILED};
	if (row->is_late) {
		decide(ret_look, ROUND_FAILED, "its time (not_after) is over");
		return 0;
	}
	ret_look->trx = read_row(round, signer, row, &fault);
	if (!ret_look->trx) {
		decide(ret_look, ROUND_FAILED, fault.text);
		return 0;
	}
	key = find_key(signer, ret_look->trx, ret_look);
	if (!key)
		return 0;
	content_read(round->maker, ret_look->trx, &content);
	if (find_edits(db, ret_look->trx, row, &content, err) < 0)
		return -1;
	if (!limits_allow(key->rules, round->chain, ret_look->trx, &content, state,
			  round->head.head_time_s, row->attempts > 0, ret_look->why)) {
		ret_look->outcome = ROUND_HELD;
		return 0;
	}
	at_s = account_pace_at(state, &content, round->head.head_time_s);
	if (at_s == ACCOUNT_PACE_NEVER) {
		decide(ret_look, ROUND_FAILED,
		       "the chain takes at most one vote, one comment and five custom operations of "
		       "an account in one block");
		return 0;
	}
	if (at_s > round->head.head_time_s) {
		decide(ret_look, ROUND_LATER, "the chain's pace");
		return 0;
	}
	return seal_and_sign(db, round, signer, key, state, row, &content, ret_look, err);
}

/* The rows of one account. */

struct account_work {
	struct round *round;
	struct signing_account *signer;
	struct sender_state state;
	struct arena *arena;
	struct sender_row rows[ACTIONS_LOOK];
	struct round_look looks[ACTIONS_LOOK];
	size_t count;
	bool is_changed;
	bool is_blocked; /* something waits for its pace */
};

/* Consider the rows from `first` on. */
static int consider_rows(struct db *db, struct account_work *work, size_t first, struct error *err)
{
	for (size_t i = first; i < work->count; i++) {
		struct round_look *look = &work->looks[i];

		if (round_consider(db, work->round, work->signer, &work->state, &work->rows[i],
				   look, err) < 0)
			return -1;
		work->is_changed |= look->outcome != ROUND_LATER;
		work->is_blocked |= look->outcome == ROUND_LATER;
	}
	return 0;
}

/* At most one reply and one root post can be signed now. */
static int serve_comments(struct db *db, struct account_work *work, struct error *err)
{
	int64_t head_s = work->round->head.head_time_s;
	bool no_replies = work->state.next_reply_s > head_s;
	bool no_posts = work->state.next_post_s > head_s;
	size_t limit = (size_t)!no_replies + (size_t)!no_posts;

	work->is_blocked |= no_replies || no_posts;
	if (limit > 0 && sender_comments(db, work->signer->account, no_replies, no_posts, limit,
					 work->arena, work->rows, &work->count, err) < 0)
		return -1;
	return consider_rows(db, work, 0, err);
}

/*
 * Read as many as can be signed now if they are votes and custom operations.  If there are more, go on
 * behind them, without the kinds whose pace is used up: so these hold up nothing else.
 */
static int serve_actions(struct db *db, struct account_work *work, struct error *err)
{
	int64_t head_s = work->round->head.head_time_s;
	size_t first, limit;

	do {
		bool no_votes = work->state.next_vote_s > head_s;
		unsigned customs = account_pace_customs_left(&work->state, head_s);

		first = work->count;
		limit = (size_t)customs + !no_votes;
		if (limit == 0)
			limit = ACTIONS_PAGE;
		if (limit > ACTIONS_LOOK - first)
			limit = ACTIONS_LOOK - first;
		work->is_blocked |= no_votes || customs == 0;
		if (sender_actions(db, work->signer->account, no_votes, customs == 0, limit,
				   work->arena, work->rows, &work->count, err) < 0 ||
		    consider_rows(db, work, first, err) < 0)
			return -1;
	} while (work->count - first == limit && work->count < ACTIONS_LOOK);
	return 0;
}

static void add_event(struct round *round, const struct signing_account *signer,
		      const struct sender_row *row, const struct round_look *look)
{
	struct round_event *event;

	round->events = xgrow(round->events, round->event_count, &round->event_capacity,
			      sizeof(*round->events));
	event = &round->events[round->event_count++];
	*event = (struct round_event){
		.is_held = look->outcome == ROUND_HELD,
		.is_paused = look->outcome == ROUND_UNSIGNED,
		.comment_id = row->comment_id,
		.action_id = row->action_id,
	};
	memcpy(event->account, signer->account, sizeof(event->account));
	memcpy(event->why, look->why, sizeof(event->why));
}

/* The row stays as it is, but says why; nothing of the account is signed if its command has the wrong key. */
static int write_unsigned(struct db *db, struct account_work *work, size_t i, struct error *err)
{
	const struct round_look *look = &work->looks[i];
	bool is_paused = false;

	if (sender_refuse(db, &work->rows[i], "pending", look->why, err) < 0 ||
	    (look->pauses &&
	     sender_pause(db, work->signer->account, look->why, &is_paused, err) < 0))
		return -1;
	if (is_paused)
		add_event(work->round, work->signer, &work->rows[i], look);
	return 0;
}

static int write_row(struct db *db, struct account_work *work, size_t i, struct error *err)
{
	struct round *round = work->round;
	struct round_look *look = &work->looks[i];
	const struct sender_row *row = &work->rows[i];
	bool is_moved;

	if (look->outcome == ROUND_LATER)
		return 0;
	if (look->outcome == ROUND_UNSIGNED)
		return write_unsigned(db, work, i, err);
	if (look->outcome != ROUND_SIGNED) {
		add_event(round, work->signer, row, look);
		return sender_refuse(db, row, look->outcome == ROUND_HELD ? "held" : "failed",
				     look->why, err);
	}
	if (sender_move(db, &look->made, &is_moved, err) < 0)
		return -1;
	if (!is_moved)
		return 0;
	round->trxs =
		xgrow(round->trxs, round->trx_count, &round->trx_capacity, sizeof(*round->trxs));
	round->trxs[round->trx_count++] = look->made;
	look->made = (struct sender_trx){.signed_trx = NULL};
	return 0;
}

static int write_rows(struct db *db, struct account_work *work, struct error *err)
{
	bool is_held;

	if (!work->is_changed)
		return 0;
	if (sender_pace(db, work->signer->account, work->round->token, &work->state, &is_held,
			err) < 0)
		return -1;
	for (size_t i = 0; i < work->count && is_held; i++)
		if (write_row(db, work, i, err) < 0)
			return -1;
	return 0;
}

static int serve_account(struct db *db, struct round *round, const struct sender_waiting *waiting,
			 struct signing_account *signer, struct error *err)
{
	struct account_work *work = xcalloc(1, sizeof(*work));
	bool is_freed = false; /* a command can have its next request */
	int result = 0;

	work->round = round;
	work->signer = signer;
	work->state = waiting->state;
	work->arena = arena_new();
	if (waiting->has_comments)
		result = serve_comments(db, work, err);
	if (result == 0 && waiting->has_actions)
		result = serve_actions(db, work, err);
	if (result == 0)
		result = write_rows(db, work, err);
	if (result == 0) {
		is_freed = drop_answer(&signer->posting);
		is_freed |= drop_answer(&signer->active);
	}
	round->has_more |= is_freed;
	signer->blocked_head_s = work->is_blocked && !is_freed ? round->head.head_time_s : 0;
	signer->look_at_ms = clock_now_ms() + LOOK_AGAIN_MS;
	for (size_t i = 0; i < work->count; i++)
		round_look_release(&work->looks[i]);
	arena_free(work->arena);
	free(work);
	return result;
}

/* Its rows waited for their pace, and the head is still the same. */
static bool is_waiting_for_head(const struct round *round, const struct signing_account *signer)
{
	return signer->blocked_head_s == round->head.head_time_s &&
	       clock_now_ms() < signer->look_at_ms;
}

static int serve_all(struct db *db, struct round *round, const struct sender_waiting *waiting,
		     size_t count, struct error *err)
{
	/* Each round begins with another account, so that none waits for the others. */
	size_t from = count > 0 ? (size_t)random_below(count) : 0;
	int64_t until_ms = clock_now_ms() + ROUND_MS;

	for (size_t i = 0; i < count; i++) {
		const struct sender_waiting *one = &waiting[(from + i) % count];
		struct signing_account *signer =
			signing_accounts_find(round->signers, one->account);

		if (!signer || is_waiting_for_head(round, signer))
			continue;
		if (round->trx_count + round->event_count >= ROWS_MAX ||
		    (round->trx_count > 0 && clock_now_ms() >= until_ms)) {
			round->has_more = true;
			return 0;
		}
		if (serve_account(db, round, one, signer, err) < 0)
			return -1;
	}
	return 0;
}

int round_run(struct db *db, struct job *job, struct error *err)
{
	struct round *round = (struct round *)job;
	CLEANUP(mem_free_pointer) struct sender_waiting *waiting = NULL;
	size_t count = 0;

	round_clear(round);
	if (sender_waiting(db, round->token, &waiting, &count, err) < 0)
		return -1;
	round->waiting_count = count;
	/* After a time without the database the head is too old; the next round has a new one. */
	if (count == 0 || clock_now_ms() - round->asked_at_ms > HEAD_STALE_MS)
		return 0;
	if (sender_reference(db, &round->reference, &round->reference_s, err) < 0)
		return -1;
	round->is_behind = round->reference.num == 0 ||
			   round->head.head_time_s > round->reference_s + ROUTE_AHEAD_S;
	if (round->is_behind || round->head.head_block < round->reference.num)
		return 0;
	if (db_begin(db, err) < 0 || serve_all(db, round, waiting, count, err) < 0)
		return -1;
	return db_commit(db, err);
}
