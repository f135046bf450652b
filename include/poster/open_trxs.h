/* SPDX-License-Identifier: MIT */
/*
 * The open transactions of this poster: sends the committed bytes to one node after the other until
 * a reader has seen them, or until they are dead.
 *
 * It decides nothing about a row: what nodes answer becomes notes for the database
 * (open_trxs_take_notes()), and which transactions are still open, the database says
 * (open_trxs_settle()).
 */
#ifndef POSTER_OPEN_TRXS_H
#define POSTER_OPEN_TRXS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metric.h"
#include "poster/poster_task.h"
#include "poster/routes.h"
#include "steem/broadcast.h"
#include "store/sender.h"

#define OPEN_TRXS_ANSWERS (BROADCAST_KEY + 1)

struct open_trxs_facts {
	size_t open_count;
	uint64_t settled_count;               /* they are not open any more */
	uint64_t sent_count;                  /* first sends */
	uint64_t answers[OPEN_TRXS_ANSWERS];  /* of all sends, by enum broadcast_answer */
	struct metric_histogram answer_times; /* of nodes that answered */
};

struct open_trxs;

struct open_trxs *open_trxs_new(struct routes *routes, struct http *http);
/* No post may be under way any more. */
void open_trxs_free(struct open_trxs *set);
/* Takes the transactions and sends them. Drops those that the set knows already. */
void open_trxs_add(struct open_trxs *set, struct sender_trx *made, size_t count, int64_t now_ms);
/* Send the transactions that are due. Returns when to call it again. */
int64_t open_trxs_step(struct open_trxs *set, int64_t now_ms);
/*
 * The database has these open transactions, as of asked_at_ms.  A transaction of this set
 * that is not among them is settled, and dropped.  Returns the ids that this set does not know
 * yet; the caller frees them. NULL: none.
 */
char (*open_trxs_settle(struct open_trxs *set, const struct sender_open *open, size_t count,
			int64_t asked_at_ms, size_t max, size_t *ret_count))[SENDER_TRX_CHARS + 1];
/* A task with all notes so far, which the caller owns; NULL: there are none. */
struct poster_task_note *open_trxs_take_notes(struct open_trxs *set);
/* How many sends wait for their answer, or have not happened at all? */
size_t open_trxs_unanswered(const struct open_trxs *set);
const struct open_trxs_facts *open_trxs_get_facts(const struct open_trxs *set);

#endif
