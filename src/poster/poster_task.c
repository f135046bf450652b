/* SPDX-License-Identifier: MIT */
#include "poster/poster_task.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "poster/reaction.h"
#include "steem/broadcast.h"
#include "store/db.h"
#include "store/schema.h"

#define DEAD_LIMIT 5000

/* Tending. */

void poster_task_tend_clear(struct poster_task_tend *tend)
{
	free(tend->open);
	free(tend->dead);
	tend->open = NULL;
	tend->dead = NULL;
	tend->open_count = tend->dead_count = 0;
	tend->left_count = 0;
}

/* A refused key pauses the account, also if the poster that saw the refusal died before it could. */
static int pause_for_key(struct db *db, const struct sender_dead *dead, struct error *err)
{
	bool is_done;

	if (strcmp(dead->answer, broadcast_answer_name(BROADCAST_KEY)) != 0)
		return 0;
	return sender_pause(db, dead->account, dead->error, &is_done, err);
}

static int bury(struct db *db, struct poster_task_tend *tend, struct error *err)
{
	if (tend->dead_count == 0)
		return 0;
	if (db_begin(db, err) < 0)
		return -1;
	for (size_t i = 0; i < tend->dead_count; i++) {
		struct sender_dead *dead = &tend->dead[i];

		dead->state = reaction_when_dead(dead->answer, dead->attempts);
		if (sender_bury(db, dead, &dead->is_done, err) < 0 ||
		    (dead->is_done && pause_for_key(db, dead, err) < 0))
			return -1;
	}
	return db_commit(db, err);
}

static int count_left(struct db *db, struct poster_task_tend *tend, struct error *err)
{
	for (size_t i = 0; i < tend->account_count && tend->counts_left; i++) {
		uint64_t count;

		if (sender_left(db, tend->accounts[i].account, &count, err) < 0)
			return -1;
		tend->left_count += count;
	}
	return 0;
}

int poster_task_tend_run(struct db *db, struct job *job, struct error *err)
{
	struct poster_task_tend *tend = (struct poster_task_tend *)job;

	poster_task_tend_clear(tend);
	tend->asked_at_ms = clock_now_ms();
	if (!tend->is_checked && (schema_check(db, err) < 0 || sender_check_rights(db, err) < 0))
		return -1;
	tend->is_checked = true;
	if (tend->is_lease_due && sender_lease(db, tend->token, tend->poster, POSTER_TASK_LEASE_S,
					       tend->accounts, tend->account_count, err) < 0)
		return -1;
	if (sender_reference(db, &tend->stored, &tend->stored_s, err) < 0 ||
	    sender_dead(db, tend->token, DEAD_LIMIT, &tend->dead, &tend->dead_count, err) < 0 ||
	    bury(db, tend, err) < 0 ||
	    sender_open(db, tend->token, &tend->open, &tend->open_count, err) < 0 ||
	    count_left(db, tend, err) < 0 ||
	    (tend->counts_rows &&
	     sender_rows(db, tend->token, tend->accounts, tend->account_count, err) < 0))
		return -1;
	tend->took_ms = clock_now_ms() - tend->asked_at_ms;
	return 0;
}

/* Loading. */

static void drop_loaded(struct poster_task_load *load)
{
	while (load->trx_count > 0)
		sender_trx_release(&load->trxs[--load->trx_count]);
}

int poster_task_load_run(struct db *db, struct job *job, struct error *err)
{
	struct poster_task_load *load = (struct poster_task_load *)job;

	drop_loaded(load);
	for (size_t i = 0; i < load->id_count; i++) {
		bool is_found;

		if (sender_load(db, load->ids[i], &load->trxs[load->trx_count], &is_found, err) < 0)
			return -1;
		load->trx_count += is_found;
	}
	return 0;
}

void poster_task_load_free(struct poster_task_load *load)
{
	drop_loaded(load);
	free(load->ids);
	free(load->trxs);
	free(load);
}

/* Notes. */

static int write_mark(struct db *db, struct poster_task_mark *mark, struct error *err)
{
	switch (mark->what) {
	case POSTER_TASK_PAUSE:
		return sender_pause(db, mark->account, mark->reason, &mark->is_done, err);
	case POSTER_TASK_REST:
		return sender_rest(db, mark->account, &mark->is_done, err);
	case POSTER_TASK_RESTED:
		return sender_rested(db, mark->account, err);
	}
	return 0;
}

int poster_task_note_run(struct db *db, struct job *job, struct error *err)
{
	struct poster_task_note *note = (struct poster_task_note *)job;

	if (db_begin(db, err) < 0)
		return -1;
	for (size_t i = 0; i < note->mark_count; i++)
		if (write_mark(db, &note->marks[i], err) < 0)
			return -1;
	for (size_t i = 0; i < note->note_count; i++)
		if (sender_note(db, &note->notes[i], err) < 0)
			return -1;
	return db_commit(db, err);
}

void poster_task_note_free(struct poster_task_note *note)
{
	free(note->notes);
	free(note->marks);
	free(note);
}

int poster_task_release_run(struct db *db, struct job *job, struct error *err)
{
	return sender_release(db, ((struct poster_task_release *)job)->token, err);
}
