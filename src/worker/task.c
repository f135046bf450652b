/* SPDX-License-Identifier: MIT */
#include "worker/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/db.h"
#include "sync/executor.h"
#include "worker/arguments.h"

/*
 * Keep the error of one task for the loop, unless the executor must connect again, or the error
 * ends the worker.  So a task that succeeds proves that account, tables and procedures are
 * right.
 */
static int keep_error(struct db *db, struct error *kept, struct error *err)
{
	if ((db_is_lost(db) && err->kind == ERROR_RETRY) || err->kind == ERROR_CONFIG)
		return -1;
	*kept = *err;
	*err = ERROR_INIT;
	return 0;
}

/* Claims. */

struct claim_task {
	struct job job;
	const struct arguments *arguments;
	struct claimed claimed;
	void (*done)(void *context, struct claimed *claimed);
	void *context;
};

static int run_claim(struct db *db, struct job *job, struct error *err)
{
	struct claim_task *claim = (struct claim_task *)job;
	struct claimed *claimed = &claim->claimed;

	claimed->err = ERROR_INIT;
	claimed->asked_at_ms = clock_now_ms();
	if (deliveries_claim(db, claim->arguments->queue, claim->arguments->worker,
			     (unsigned)claimed->limit, claim->arguments->lease_s,
			     &claimed->deliveries, &claimed->count, err) == 0)
		return 0;
	return keep_error(db, &claimed->err, err);
}

static void end_claim(struct job *job)
{
	struct claim_task *claim = (struct claim_task *)job;

	if (job->err.kind != ERROR_NONE)
		claim->claimed.err = job->err;
	claim->done(claim->context, &claim->claimed);
	free(claim->claimed.deliveries);
	free(claim);
}

void task_claim(struct executor *executor, const struct arguments *arguments, size_t limit,
		void (*done)(void *context, struct claimed *claimed), void *context)
{
	struct claim_task *claim = xcalloc(1, sizeof(*claim));

	job_init(&claim->job, run_claim, end_claim, "claim from %s", arguments->queue);
	claim->arguments = arguments;
	claim->claimed.limit = limit;
	claim->done = done;
	claim->context = context;
	executor_task(executor, &claim->job);
}

/* Renewals. */

struct renew_task {
	struct job job;
	struct renewal *renewals;
	size_t count;
	unsigned lease_s;
	void (*done)(void *context, const struct renewal *renewals, size_t count);
	void *context;
};

static int run_renew(struct db *db, struct job *job, struct error *err)
{
	struct renew_task *renew = (struct renew_task *)job;

	for (size_t i = 0; i < renew->count; i++) {
		struct renewal *renewal = &renew->renewals[i];

		if (renewal->is_answered)
			continue;
		renewal->err = ERROR_INIT;
		renewal->asked_at_ms = clock_now_ms();
		if (deliveries_renew(db, renewal->delivery_id, renewal->token, renew->lease_s,
				     err) < 0 &&
		    keep_error(db, &renewal->err, err) < 0)
			return -1;
		renewal->is_answered = true;
	}
	return 0;
}

static void end_renew(struct job *job)
{
	struct renew_task *renew = (struct renew_task *)job;

	for (size_t i = 0; i < renew->count; i++)
		if (!renew->renewals[i].is_answered)
			renew->renewals[i].err = job->err;
	renew->done(renew->context, renew->renewals, renew->count);
	free(renew->renewals);
	free(renew);
}

void task_renew(struct executor *executor, struct renewal *renewals, size_t count, unsigned lease_s,
		void (*done)(void *context, const struct renewal *renewals, size_t count),
		void *context)
{
	struct renew_task *renew = xcalloc(1, sizeof(*renew));

	job_init(&renew->job, run_renew, end_renew, "renewal of %zu leases", count);
	renew->renewals = renewals;
	renew->count = count;
	renew->lease_s = lease_s;
	renew->done = done;
	renew->context = context;
	executor_task(executor, &renew->job);
}

/* Results. */

struct end {
	struct job job;
	uint64_t delivery_id;
	char token[DELIVERY_TOKEN_BYTES + 1];
	struct delivery_end end;
	struct error err;
	void (*done)(void *context, const struct error *err, bool was_tried);
	void *context;
};

static int run_end(struct db *db, struct job *job, struct error *err)
{
	struct end *end = (struct end *)job;

	end->err = ERROR_INIT;
	if (deliveries_end(db, end->delivery_id, end->token, &end->end, err) == 0)
		return 0;
	return keep_error(db, &end->err, err);
}

static void end_end(struct job *job)
{
	struct end *end = (struct end *)job;

	end->done(end->context, job->err.kind != ERROR_NONE ? &job->err : &end->err,
		  job->retry_count > 0);
	free(end);
}

void task_end(struct executor *executor, uint64_t delivery_id, const char *token,
	      const struct ending *ending, const char *author,
	      void (*done)(void *context, const struct error *err, bool was_tried), void *context)
{
	struct end *end = xcalloc(1, sizeof(*end));

	job_init(&end->job, run_end, end_end, "result of delivery %llu",
		 (unsigned long long)delivery_id);
	end->delivery_id = delivery_id;
	snprintf(end->token, sizeof(end->token), "%s", token);
	end->end = (struct delivery_end){
		.result = ending->result,
		.error = ending->error[0] != '\0' ? ending->error : NULL,
		.delay_s = ending->delay_s,
		.author = author,
		.body = ending->reply,
		.body_len = ending->reply_len,
		.operations = ending->operations,
		.operations_len = ending->operations_len,
	};
	end->done = done;
	end->context = context;
	executor_task(executor, &end->job);
}
