/* SPDX-License-Identifier: MIT */
/*
 * The open transactions of this poster: sends the committed bytes to one node after the other until
 * a reader has seen them, or until they are dead.
 *
 * It decides nothing about a row: what nodes answer becomes notes for the database
 * (sendings_take_notes()), and which transactions are still open, the database says
 * (sendings_settle()).
 */
#ifndef POSTER_SENDINGS_H
#define POSTER_SENDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metric.h"
#include "poster/chores.h"
#include "poster/routes.h"
#include "steem/broadcast.h"
#include "store/sender.h"

#define SENDINGS_ANSWERS (BROADCAST_KEY + 1)

struct sendings_facts {
	size_t open_count;
	uint64_t settled_count;               /* they are not open any more */
	uint64_t sent_count;                  /* first sends */
	uint64_t answers[SENDINGS_ANSWERS];   /* of all sends, by enum broadcast_answer */
	struct metric_histogram answer_times; /* of nodes that answered */
};

struct sendings;

struct sendings *sendings_new(struct routes *routes, struct http *http);
/* No post may be under way any more. */
void sendings_free(struct sendings *sendings);
/* Takes the bytes of all of them, and sends them. Those that are known already are dropped. */
void sendings_add(struct sendings *sendings, struct sender_trx *trxs, size_t count, int64_t now_ms);
/* Send what is due; returns when to call again. */
int64_t sendings_step(struct sendings *sendings, int64_t now_ms);
/*
 * The database has these open transactions, as of asked_at_ms.  What was known before and is not
 * among them is settled.  Returns the ids of those that are not known, which the caller frees;
 * NULL: none.
 */
char (*sendings_settle(struct sendings *sendings, const struct sender_open *open, size_t count,
		       int64_t asked_at_ms, size_t max, size_t *ret_count))[SENDER_TRX_CHARS + 1];
/* A task with all notes so far, which the caller owns; NULL: there are none. */
struct chore_note *sendings_take_notes(struct sendings *sendings);
/* How many sends wait for their answer, or have not happened at all? */
size_t sendings_unanswered(const struct sendings *sendings);
const struct sendings_facts *sendings_get_facts(const struct sendings *sendings);

#endif
