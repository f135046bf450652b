/* SPDX-License-Identifier: MIT */
#include "worker/loop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/signals.h"
#include "sync/executor.h"
#include "worker/arguments.h"
#include "worker/slot.h"
#include "worker/task.h"

#define DRAIN_PATIENCE_MS 30000
/* how long to wait for results when the commands have ended and the database does not answer */
#define LAST_WORDS_MS    5000
#define CLAIM_CAP_MS     5000
#define NO_QUEUE_TELL_MS 600000

_Static_assert(2 * CONCURRENCY_MAX <= GUARD_SESSIONS_MAX, "each slot may have two sessions");

struct loop {
	const struct arguments *arguments;
	const struct config *config;
	struct worker worker;
	struct slot *slots;
	struct pollfd *fds;
	int signal_fd;
	int child_fd;
	/* Claims. */
	bool is_claiming;
	bool is_idle_claim; /* no delivery was in work when the claim was sent */
	bool is_drained;
	bool is_ready; /* a claim was answered */
	int64_t claim_at_ms;
	struct backoff claim_again;
	struct log_limit claim_limit;
	/* since when the queue is missing; 0: it exists, as far as known */
	int64_t no_queue_since_ms;
	struct log_limit no_queue_limit;
	bool is_renewing;
	/* Stopping. */
	int64_t commands_end_at_ms;
	int64_t give_up_at_ms;
	struct notify_times notify;
	int64_t due_ms; /* when the next turn is due */
};

static size_t count_ready(const struct loop *loop)
{
	size_t count = 0;

	for (unsigned i = 0; i < loop->arguments->concurrency; i++)
		count += slot_is_ready(&loop->slots[i]);
	return count;
}

static unsigned count_at_work(const struct loop *loop)
{
	unsigned count = 0;

	for (unsigned i = 0; i < loop->arguments->concurrency; i++)
		count += loop->slots[i].state != SLOT_FREE;
	return count;
}

/* Stopping. */

static void begin_stop(struct loop *loop, int64_t patience_ms)
{
	if (loop->worker.is_stopping)
		return;
	loop->worker.is_stopping = true;
	loop->commands_end_at_ms = clock_now_ms() + patience_ms;
	notify_stopping();
}

static void fail(struct loop *loop, const struct error *err)
{
	if (loop->worker.fault.kind == ERROR_NONE)
		loop->worker.fault = *err;
}

/* Stop whatever is still running; waiting records are released. */
static int64_t keep_stopping(struct loop *loop, int64_t now_ms)
{
	bool is_quiet = true;

	if (!loop->worker.is_stopping)
		return CLOCK_NEVER;
	for (unsigned i = 0; i < loop->arguments->concurrency; i++) {
		struct slot *slot = &loop->slots[i];

		/* A persistent command without a delivery has nothing to finish. */
		if (now_ms >= loop->commands_end_at_ms || slot->state != SLOT_BUSY)
			slot_stop(slot);
		is_quiet = is_quiet && slot->child.pid == 0;
	}
	if (is_quiet && loop->give_up_at_ms == CLOCK_NEVER) {
		executor_hurry(loop->worker.executor, LAST_WORDS_MS);
		loop->worker.is_giving_up = true;
		loop->give_up_at_ms = now_ms + LAST_WORDS_MS + 1000;
	}
	return now_ms < loop->commands_end_at_ms ? loop->commands_end_at_ms : loop->give_up_at_ms;
}

static bool is_over(const struct loop *loop, int64_t now_ms)
{
	if (!loop->worker.is_stopping)
		return false;
	for (unsigned i = 0; i < loop->arguments->concurrency; i++)
		if (loop->slots[i].child.pid > 0)
			return false;
	if (now_ms >= loop->give_up_at_ms)
		return true;
	return count_at_work(loop) == 0 && executor_pending(loop->worker.executor) == 0;
}

/* Claims. */

/*
 * The first reader whose filter names the queue creates it.  At boot a worker may start before
 * that reader, so it waits; it logs that, because the name may be wrong.
 */
static void queue_missing(struct loop *loop, int64_t delay_ms)
{
	int64_t now_ms = clock_now_ms();
	struct error err = ERROR_INIT;

	if (loop->no_queue_since_ms == 0)
		loop->no_queue_since_ms = now_ms;
	if (loop->arguments->is_drain && now_ms - loop->no_queue_since_ms >= DRAIN_PATIENCE_MS) {
		(void)error_set(&err, ERROR_RETRY,
				"there is no queue %s, and no reader created it within %d s",
				loop->arguments->queue, DRAIN_PATIENCE_MS / 1000);
		fail(loop, &err);
		return;
	}
	loop->claim_at_ms = now_ms + delay_ms;
	log_limited(&loop->no_queue_limit, LOG_LEVEL_WARNING, "queue_missing",
		    "there is no queue %s yet; waiting until a reader whose filter has a rule with "
		    "queue = \"%s\" creates it",
		    loop->arguments->queue, loop->arguments->queue);
}

static void claim_failed(struct loop *loop, const struct error *err)
{
	int64_t delay_ms = backoff_next_ms(&loop->claim_again);

	if (loop->worker.is_stopping)
		return;
	if (deliveries_has_no_queue(err)) {
		queue_missing(loop, delay_ms);
		return;
	}
	if (err->kind != ERROR_RETRY || executor_has_lost_database(loop->worker.executor)) {
		fail(loop, err);
		return;
	}
	loop->claim_at_ms = clock_now_ms() + delay_ms;
	log_limited(&loop->claim_limit, LOG_LEVEL_WARNING, "claim_failed",
		    "%s; nothing is claimed, again in %lld ms", err->text, (long long)delay_ms);
}

static void tell_ready(struct loop *loop)
{
	const struct arguments *arguments = loop->arguments;

	if (loop->is_ready)
		return;
	loop->is_ready = true;
	log_info("queue_opened", "%s claims from queue %s for %u commands at once, leases of %u s",
		 arguments->worker, arguments->queue, arguments->concurrency, arguments->lease_s);
	notify_ready();
}

static void claim_answered(void *context, struct claimed *claimed)
{
	struct loop *loop = context;
	int64_t poll_ms = loop->arguments->poll_ms;
	size_t taken = 0;

	loop->is_claiming = false;
	if (claimed->err.kind != ERROR_NONE) {
		claim_failed(loop, &claimed->err);
		return;
	}
	backoff_reset(&loop->claim_again);
	loop->no_queue_since_ms = 0;
	tell_ready(loop);
	for (unsigned i = 0; i < loop->arguments->concurrency && taken < claimed->count; i++)
		if (slot_is_ready(&loop->slots[i]))
			slot_take(&loop->slots[i], &claimed->deliveries[taken++],
				  claimed->asked_at_ms);
	/* If a persistent command has died meanwhile, its slot releases the delivery. */
	for (unsigned i = 0; i < loop->arguments->concurrency && taken < claimed->count; i++)
		if (loop->slots[i].state == SLOT_FREE)
			slot_take(&loop->slots[i], &claimed->deliveries[taken++],
				  claimed->asked_at_ms);
	/* So that workers that were started together do not ask at the same time. */
	loop->claim_at_ms = clock_now_ms();
	if (claimed->count < claimed->limit)
		loop->claim_at_ms += poll_ms * 3 / 4 + (int64_t)random_below((uint64_t)poll_ms / 2);
	loop->is_drained = claimed->count == 0 && loop->is_idle_claim;
}

static int64_t claim_in_time(struct loop *loop, int64_t now_ms)
{
	int64_t at_ms = loop->worker.pause_until_ms;

	if (loop->worker.is_stopping || loop->is_claiming || count_ready(loop) == 0)
		return CLOCK_NEVER;
	if (!loop->worker.has_news)
		at_ms = max_i64(at_ms, loop->claim_at_ms);
	if (now_ms < at_ms)
		return at_ms;
	loop->is_claiming = true;
	loop->worker.has_news = false;
	loop->is_idle_claim = count_at_work(loop) == 0;
	task_claim(loop->worker.executor, loop->arguments, count_ready(loop), claim_answered, loop);
	return CLOCK_NEVER;
}

/* Renewals. */

static void renewals_answered(void *context, const struct renewal *renewals, size_t count)
{
	struct loop *loop = context;

	loop->is_renewing = false;
	for (size_t i = 0; i < count; i++)
		for (unsigned k = 0; k < loop->arguments->concurrency; k++)
			slot_renewed(&loop->slots[k], &renewals[i]);
}

static int64_t renew_in_time(struct loop *loop, int64_t now_ms)
{
	int64_t at_ms = CLOCK_NEVER;
	struct renewal *renewals;
	size_t count = 0;

	for (unsigned i = 0; i < loop->arguments->concurrency && !loop->is_renewing; i++)
		if (slot_wants_renewal(&loop->slots[i]))
			at_ms = sooner(at_ms, loop->slots[i].lease.renew_ms);
	if (now_ms < at_ms)
		return at_ms;
	renewals = xcalloc(loop->arguments->concurrency, sizeof(*renewals));
	for (unsigned i = 0; i < loop->arguments->concurrency; i++) {
		const struct slot *slot = &loop->slots[i];

		if (!slot_wants_renewal(slot) || !lease_is_due(&slot->lease, now_ms))
			continue;
		renewals[count].delivery_id = slot->delivery_id;
		memcpy(renewals[count++].token, slot->token, sizeof(slot->token));
	}
	loop->is_renewing = true;
	task_renew(loop->worker.executor, renewals, count, loop->arguments->lease_s,
		   renewals_answered, loop);
	return CLOCK_NEVER;
}

/* Signals. */

static void stop(struct loop *loop)
{
	if (loop->worker.is_stopping) {
		for (unsigned i = 0; i < loop->arguments->concurrency; i++)
			slot_kill(&loop->slots[i]);
		log_warning(
			"stopped_at_once",
			"second signal; each record in work comes back when its lease runs out");
		_exit(EXIT_SECOND_SIGNAL);
	}
	log_info(
		"stopping",
		"nothing more is claimed; %u records in work may take %u s, then they are given back",
		count_at_work(loop), loop->arguments->stop_s);
	begin_stop(loop, (int64_t)loop->arguments->stop_s * 1000);
}

static void take_signals(struct loop *loop)
{
	enum signal_event event;

	while ((event = signals_read(loop->signal_fd)) != SIGNAL_NOTHING) {
		if (event == SIGNAL_RELOAD)
			command_line_reload_log_level(&loop->arguments->line);
		else
			stop(loop);
	}
}

static int64_t tell_systemd(struct loop *loop, int64_t now_ms)
{
	const struct worker *worker = &loop->worker;

	if (notify_is_status_due(&loop->notify, now_ms)) {
		notify_status("%s%s: %u of %u commands at work; %llu done, %llu to be tried again, "
			      "%llu failed",
			      loop->arguments->queue,
			      executor_has_lost_database(worker->executor)
				      ? " (the database is lost)"
			      : loop->no_queue_since_ms > 0 ? " (there is no such queue yet)"
							    : "",
			      count_at_work(loop), loop->arguments->concurrency,
			      (unsigned long long)worker->done_count,
			      (unsigned long long)worker->retry_count,
			      (unsigned long long)worker->fail_count);
		if (!loop->is_ready || worker->is_stopping)
			notify_extend_timeout(4 * NOTIFY_STATUS_MS);
	}
	(void)notify_feed(&loop->notify, now_ms);
	return notify_next_ms(&loop->notify);
}

/* Turns of the loop. */

static bool is_own(void *context, pid_t pid)
{
	const struct loop *loop = context;

	for (unsigned i = 0; i < loop->arguments->concurrency; i++)
		if (loop->slots[i].child.pid == pid)
			return true;
	return loop->worker.guard.pid == pid;
}

static int timeout_ms(const struct loop *loop)
{
	int64_t wait_ms = loop->due_ms - clock_now_ms();

	return wait_ms > 0 ? (int)wait_ms : 0;
}

static void turn(struct loop *loop)
{
	unsigned count = loop->arguments->concurrency;
	struct pollfd *fds = loop->fds;
	int64_t now_ms;

	fds[0] = (struct pollfd){.fd = loop->signal_fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = loop->child_fd, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = executor_fd(loop->worker.executor), .events = POLLIN};
	for (unsigned i = 0; i < count; i++)
		slot_fill_fds(&loop->slots[i], &fds[3 + i * CHILD_FDS]);
	if (poll(fds, 3 + (nfds_t)count * CHILD_FDS, timeout_ms(loop)) < 0)
		memset(fds, 0, (3 + (size_t)count * CHILD_FDS) * sizeof(*fds));
	if (fds[1].revents) {
		struct error err = ERROR_INIT;

		children_clear(loop->child_fd);
		if (guard_check(&loop->worker.guard, &err) < 0)
			fail(loop, &err);
	}
	now_ms = clock_now_ms();
	for (unsigned i = 0; i < count; i++)
		(void)slot_step(&loop->slots[i], &fds[3 + i * CHILD_FDS], now_ms);
	if (fds[1].revents)
		children_reap_others(is_own, loop);
	executor_collect(loop->worker.executor);
	take_signals(loop);
	if (loop->worker.fault.kind != ERROR_NONE)
		begin_stop(loop, 0);
	if (loop->arguments->is_drain && loop->is_drained)
		begin_stop(loop, 0);
	loop->due_ms = keep_stopping(loop, now_ms);
	loop->due_ms = sooner(loop->due_ms, claim_in_time(loop, now_ms));
	loop->due_ms = sooner(loop->due_ms, renew_in_time(loop, now_ms));
	loop->due_ms = sooner(loop->due_ms, tell_systemd(loop, now_ms));
	/* Answers and signals may have changed the slots. */
	for (unsigned i = 0; i < count; i++)
		loop->due_ms = sooner(loop->due_ms, slot_step(&loop->slots[i], NULL, now_ms));
	if (loop->worker.fault.kind != ERROR_NONE && !loop->worker.is_stopping)
		loop->due_ms = now_ms;
}

static enum exit_code end(struct loop *loop)
{
	const struct worker *worker = &loop->worker;
	unsigned left = worker->left_count + count_at_work(loop);
	enum exit_code code = EXIT_OK;
	char own[64] = "";

	if (left > 0)
		log_warning("results_left",
			    "the database did not take %u results; these records come back when "
			    "their leases run out",
			    left);
	if (worker->own_count > 0)
		snprintf(own, sizeof(own), " (%llu of them our own comments)",
			 (unsigned long long)worker->own_count);
	if (worker->fault.kind != ERROR_NONE)
		code = failure_report("ended", &worker->fault);
	log_info("stopped", "exit code %d; %llu done%s, %llu to be tried again, %llu failed", code,
		 (unsigned long long)worker->done_count, own,
		 (unsigned long long)worker->retry_count, (unsigned long long)worker->fail_count);
	/* The thread that waits for the database cannot be joined. */
	if (executor_pending(worker->executor) > 0)
		_exit((int)process_end(code));
	return code;
}

static int open_all(struct loop *loop, struct error *err)
{
	int64_t patience_ms = loop->arguments->is_drain ? DRAIN_PATIENCE_MS : 0;

	if (guard_open(&loop->worker.guard, err) < 0)
		return -1;
	loop->signal_fd = signals_open(err);
	if (loop->signal_fd < 0)
		return -1;
	loop->child_fd = children_open(err);
	if (loop->child_fd < 0)
		return -1;
	loop->worker.executor = executor_new(&loop->config->database, 0, patience_ms, err);
	return loop->worker.executor ? 0 : -1;
}

static void close_all(struct loop *loop)
{
	executor_free(loop->worker.executor);
	for (unsigned i = 0; i < loop->arguments->concurrency; i++)
		slot_release(&loop->slots[i]);
	guard_close(&loop->worker.guard);
	free(loop->slots);
	free(loop->fds);
	if (loop->child_fd >= 0)
		close(loop->child_fd);
	signals_close(loop->signal_fd);
}

enum exit_code loop_run(const struct arguments *arguments, const struct config *config, char *path)
{
	struct loop loop = {
		.arguments = arguments,
		.config = config,
		.worker = {.arguments = arguments, .path = path, .guard = {.fd = -1}},
		.signal_fd = -1,
		.child_fd = -1,
		.claim_limit = LOG_LIMIT_INIT(10000),
		.no_queue_limit = LOG_LIMIT_INIT(NO_QUEUE_TELL_MS),
		.give_up_at_ms = CLOCK_NEVER,
	};
	struct error err = ERROR_INIT;
	enum exit_code code;

	loop.worker.pause_limit = (struct log_limit)LOG_LIMIT_INIT(10000);
	backoff_init(&loop.worker.pause, 500, 30000);
	backoff_init(&loop.claim_again, 100, CLAIM_CAP_MS);
	loop.slots = xcalloc(arguments->concurrency, sizeof(*loop.slots));
	loop.fds = xcalloc(3 + (size_t)arguments->concurrency * CHILD_FDS, sizeof(*loop.fds));
	for (unsigned i = 0; i < arguments->concurrency; i++)
		slot_init(&loop.slots[i], &loop.worker);
	if (open_all(&loop, &err) < 0) {
		code = failure_report("ended", &err);
	} else {
		log_info("started", "steem-worker %s, queue %s, command %s, database %s",
			 PACKAGE_VERSION, arguments->queue, path, config->database.name);
		while (!is_over(&loop, clock_now_ms()))
			turn(&loop);
		code = end(&loop);
	}
	close_all(&loop);
	return code;
}
