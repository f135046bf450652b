/* SPDX-License-Identifier: MIT */
/*
 * The worker's database requests, as jobs for its one database thread.
 *
 * The loop never waits for the database: it hands over a task, and gets the answer by a
 * callback.  The executor repeats a task only if the connection was lost; every other
 * error is returned at once, so that one delivery with a locked row does not delay the
 * renewals of the others.
 */
#ifndef WORKER_TASK_H
#define WORKER_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/deliveries.h"
#include "worker/ending.h"

struct arguments;
struct executor;

struct claimed {
	struct error err;
	struct delivery *deliveries; /* the callee takes each delivery, but not the array */
	size_t count;
	size_t limit;
	int64_t asked_at_ms; /* just before the claim was sent */
};
void task_claim(struct executor *executor, const struct arguments *arguments, size_t limit,
		void (*done)(void *context, struct claimed *claimed), void *context);

struct renewal {
	uint64_t delivery_id;
	char token[DELIVERY_TOKEN_BYTES + 1];
	struct error err;
	int64_t asked_at_ms;
	bool is_answered; /* private to the task */
};
/* Takes the renewals; done gets them with their results. */
void task_renew(struct executor *executor, struct renewal *renewals, size_t count, unsigned lease_s,
		void (*done)(void *context, const struct renewal *renewals, size_t count),
		void *context);

/*
 * ending and author must live until done is called; author NULL: no reply and no action. was_tried: an
 * earlier try may have been committed, with its answer lost.
 */
void task_end(struct executor *executor, uint64_t delivery_id, const char *token,
	      const struct ending *ending, const char *author,
	      void (*done)(void *context, const struct error *err, bool was_tried), void *context);

#endif
