/* SPDX-License-Identifier: MIT */
#include "worker/slot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/arguments.h"
#include "worker/record.h"
#include "worker/slot_impl.h"

#define RETRY_BASE_MS 100
#define RETRY_CAP_MS  5000 /* pause between tries of a result that the database does not accept */
#define START_CAP_MS  30000
#define END_INPUT_MS  2000
#define IDLE_ENDS_MAX 5 /* then --drain gives up, because nothing would ever be done */

void slot_init(struct slot *slot, struct worker *worker)
{
	*slot = (struct slot){.worker = worker};
	child_init(&slot->child, &worker->guard);
	ending_release(&slot->ending);
	backoff_init(&slot->again, RETRY_BASE_MS, RETRY_CAP_MS);
	backoff_init(&slot->restart, RETRY_BASE_MS, START_CAP_MS);
}

void slot_release(struct slot *slot)
{
	child_release(&slot->child);
	ending_release(&slot->ending);
}

static bool is_persistent(const struct slot *slot)
{
	return slot->worker->arguments->is_persistent;
}

bool slot_is_ready(const struct slot *slot)
{
	return slot->state == SLOT_FREE && !child_is_ending(&slot->child) &&
	       is_persistent(slot) == (slot->child.pid > 0);
}

/* Starting a delivery. */

static void cannot_start(struct slot *slot, const struct error *err)
{
	struct worker *worker = slot->worker;
	int64_t now_ms = clock_now_ms();
	int64_t delay_ms;

	if (err->kind == ERROR_FATAL)
		slot_fail_worker(slot, err);
	if (now_ms < worker->pause_until_ms)
		return;
	delay_ms = backoff_next_ms(&worker->pause);
	worker->pause_until_ms = now_ms + delay_ms;
	log_limited(&worker->pause_limit, LOG_LEVEL_ERROR, "command_unstartable",
		    "%s; nothing is claimed for %lld ms, then again", err->text,
		    (long long)delay_ms);
}

/* A persistent command runs as long as the worker does. */
static int64_t keep_running(struct slot *slot, int64_t now_ms)
{
	struct worker *worker = slot->worker;
	struct error err = ERROR_INIT;

	if (!is_persistent(slot) || worker->is_stopping || slot->child.pid > 0 ||
	    slot->state == SLOT_BUSY)
		return CLOCK_NEVER;
	if (now_ms < slot->start_at_ms)
		return slot->start_at_ms;
	snprintf(slot->child.label, sizeof(slot->child.label), "command");
	if (child_start(&slot->child, worker->path, worker->arguments->command, true, &err) == 0)
		return now_ms; /* now the slot can accept a delivery */
	slot->start_at_ms = now_ms + backoff_next_ms(&slot->restart);
	cannot_start(slot, &err);
	return slot->start_at_ms;
}

static void limit_child(struct slot *slot, int64_t kill_at_ms)
{
	struct error err = ERROR_INIT;

	if (child_limit(&slot->child, kill_at_ms, &err) < 0)
		slot_fail_worker(slot, &err);
}

/*
 * A bot must not answer itself: each answer could become the next record, for ever. A reply is a
 * comment; an action can be any operation.
 */
static bool is_own(const struct slot *slot, const struct delivery *delivery)
{
	const struct arguments *arguments = slot->worker->arguments;

	return arguments->author && !arguments->answers_own && delivery->account &&
	       (arguments->is_act || strcmp(delivery->operation, "comment") == 0) &&
	       strcmp(delivery->account, arguments->author) == 0;
}

/* Pass the record to the command. False: it cannot be started, and the ending is set. */
static bool begin(struct slot *slot, const struct delivery *delivery, int64_t now_ms)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(CHILD_INPUT_BYTES);
	const struct arguments *arguments = slot->worker->arguments;
	struct ending *ending = &slot->ending;
	struct error err = ERROR_INIT;

	if (slot->worker->is_stopping)
		ending_set(ending, DELIVERY_RELEASE, NULL, 0, "the worker was stopped");
	else if (is_persistent(slot) && (slot->child.pid == 0 || child_is_ending(&slot->child)))
		ending_set(ending, DELIVERY_RELEASE, NULL, 0, "the command is not running");
	else if (!lease_is_worth_starting(&slot->lease, now_ms))
		ending_set(ending, DELIVERY_RELEASE, NULL, 0,
			   "the claim took %lld ms of a lease of %u s",
			   (long long)(now_ms - slot->lease.from_ms), arguments->lease_s);
	else if (is_own(slot, delivery)) {
		slot->worker->own_count++;
		log_info("own_comment",
			 "%llu: %s itself wrote this %s; done without running the command "
			 "(--answer-own would run it)",
			 (unsigned long long)delivery->delivery_id, arguments->author,
			 delivery->operation);
		ending_set(ending, DELIVERY_DONE, NULL, 0, "%s", "");
	} else if (record_write(delivery, &text, &err) < 0)
		ending_set(ending, DELIVERY_FAIL, NULL, 0, "%s", err.text);
	else if (!is_persistent(slot) &&
		 child_start(&slot->child, slot->worker->path, arguments->command,
			     arguments->author != NULL, &err) < 0) {
		cannot_start(slot, &err);
		ending_set(ending, DELIVERY_RELEASE, NULL, 0, "%s", err.text);
	} else {
		snprintf(slot->child.label, sizeof(slot->child.label), "%llu",
			 (unsigned long long)delivery->delivery_id);
		slot->child.tail_len = 0;
		limit_child(slot, lease_guard_at_ms(&slot->lease));
		child_give(&slot->child, text.data, text.len, !is_persistent(slot));
		return true;
	}
	return false;
}

void slot_take(struct slot *slot, struct delivery *delivery, int64_t asked_at_ms)
{
	int64_t now_ms = clock_now_ms();

	slot->delivery_id = delivery->delivery_id;
	memcpy(slot->token, delivery->token, sizeof(slot->token));
	slot->attempt = delivery->attempt;
	slot->began_at_ms = now_ms;
	slot->timeout_at_ms = now_ms + (int64_t)slot->worker->arguments->timeout_s * 1000;
	slot->stop_reason = STOP_NONE;
	lease_start(&slot->lease, slot->worker->arguments->lease_s, asked_at_ms);
	ending_release(&slot->ending);
	slot->state = SLOT_BUSY;
	if (!begin(slot, delivery, now_ms))
		slot_end_delivery(slot);
	delivery_free(delivery);
}

/* End of the command. */

static void end_as_stopped(struct slot *slot)
{
	struct child *child = &slot->child;
	struct ending *ending = &slot->ending;
	const char *tail = child->tail;
	size_t len = child->tail_len;

	switch (slot->stop_reason) {
	case STOP_TIMEOUT:
		ending_set(ending, DELIVERY_RETRY, tail, len,
			   "the command took more than %u s and was ended",
			   slot->worker->arguments->timeout_s);
		break;
	case STOP_LEASE_EXPIRES:
		ending_set(ending, DELIVERY_RELEASE, NULL, 0,
			   "the command was ended because its lease could not be renewed in time");
		break;
	case STOP_WORKER:
		ending_set(ending, DELIVERY_RELEASE, NULL, 0,
			   "the command was ended because the worker was stopped");
		break;
	case STOP_TOO_MUCH:
		ending_set(ending, DELIVERY_FAIL, tail, len,
			   "the command wrote more than %zu bytes to its standard output",
			   CHILD_OUTPUT_BYTES);
		break;
	case STOP_BAD_ANSWER:
		ending_set(ending, DELIVERY_RETRY, tail, len, "the command was ended: %s",
			   slot->bad_answer.text);
		break;
	case STOP_LEASE_LOST:
	case STOP_NONE:
		break;
	}
}

static void end_as_exited(struct slot *slot)
{
	struct child *child = &slot->child;
	struct ending exit = {.result = DELIVERY_RETRY};

	if (!is_persistent(slot)) {
		ending_of_exit(&slot->ending, child->wait_status, child->tail, child->tail_len,
			       buf_text(&child->out), child->out.len);
		if (slot->worker->arguments->is_act)
			ending_take_operations(&slot->ending);
		return;
	}
	ending_of_exit(&exit, child->wait_status, NULL, 0, NULL, 0);
	/*
	 * The command was already ending when it got the record, so this does not count as an
	 * attempt.
	 */
	if (child->is_unread)
		ending_set(&slot->ending, DELIVERY_RELEASE, NULL, 0,
			   "the command ended before it read the record");
	else
		ending_set(&slot->ending, DELIVERY_RETRY, child->tail, child->tail_len,
			   "the command ended before it answered (%s)",
			   exit.error[0] != '\0' ? exit.error : "exit code 0");
	ending_release(&exit);
}

/* The command ended without having done anything. If this repeats, --drain would never end. */
static void count_idle_end(struct slot *slot, const struct error *why)
{
	if (++slot->idle_end_count >= IDLE_ENDS_MAX && slot->worker->arguments->is_drain)
		slot_fail_worker(slot, why);
}

static void plan_restart(struct slot *slot)
{
	static struct log_limit limit = LOG_LIMIT_INIT(10000);
	struct error err = ERROR_INIT;
	int64_t delay_ms;

	if (slot->worker->is_stopping)
		return;
	if (slot->child.exec_errno == 0 && (slot->state != SLOT_BUSY || slot->child.is_unread)) {
		(void)error_set(&err, ERROR_CONFIG,
				"%s ended %d times before it was given a record; with --persistent "
				"it should wait for lines on its standard input",
				slot->worker->path, IDLE_ENDS_MAX);
		count_idle_end(slot, &err);
	}
	delay_ms = backoff_next_ms(&slot->restart);
	slot->start_at_ms = clock_now_ms() + delay_ms;
	log_limited(&limit, LOG_LEVEL_WARNING, "command_restarted",
		    "a persistent command has ended%s%s; another one starts in %lld ms",
		    slot->stop_reason == STOP_BAD_ANSWER ? ": " : "",
		    slot->stop_reason == STOP_BAD_ANSWER ? slot->bad_answer.text : "",
		    (long long)delay_ms);
}

static void child_ended(struct slot *slot)
{
	struct child *child = &slot->child;
	bool was_busy = slot->state == SLOT_BUSY;
	struct error err = ERROR_INIT;

	if (is_persistent(slot))
		plan_restart(slot);
	if (child->exec_errno != 0) {
		errno = child->exec_errno;
		(void)error_set_errno(&err, ERROR_CONFIG, "the command %s cannot be executed",
				      slot->worker->path);
		cannot_start(slot, &err);
		count_idle_end(slot, &err);
		ending_set(&slot->ending, DELIVERY_RELEASE, NULL, 0, "%s", err.text);
	} else {
		backoff_reset(&slot->worker->pause);
		if (!is_persistent(slot))
			slot->idle_end_count = 0;
		if (!was_busy)
			slot->stop_reason = STOP_NONE;
		else if (slot->stop_reason != STOP_NONE)
			end_as_stopped(slot);
		else if (child->wrote_too_much) {
			slot->stop_reason = STOP_TOO_MUCH;
			end_as_stopped(slot);
		} else
			end_as_exited(slot);
	}
	if (!was_busy)
		return;
	if (slot->stop_reason == STOP_LEASE_LOST)
		slot_clear(slot);
	else
		slot_end_delivery(slot);
}

/* Lines of a persistent command. */

static void end_for_bad_answer(struct slot *slot)
{
	slot->stop_reason = STOP_BAD_ANSWER;
	child_kill(&slot->child);
}

static void take_line(struct slot *slot)
{
	struct buf *out = &slot->child.out;
	const char *end;
	size_t len;

	/* An empty line is ignored. */
	while (out->len > 0 && (end = memchr(out->data, '\n', out->len)) &&
	       slot->stop_reason == STOP_NONE) {
		len = (size_t)(end - out->data);
		if (len > 0 && slot->state != SLOT_BUSY) {
			(void)error_set(&slot->bad_answer, ERROR_DATA,
					"it answers without a question: %.*s",
					(int)(len < 80 ? len : 80), out->data);
			end_for_bad_answer(slot);
		} else if (len > 0 && ending_of_line(&slot->ending, out->data, len,
						     slot->delivery_id, &slot->bad_answer) < 0) {
			end_for_bad_answer(slot);
		} else if (len > 0) {
			backoff_reset(&slot->restart);
			slot->idle_end_count = 0;
			limit_child(slot, GUARD_NEVER);
			slot_end_delivery(slot);
		}
		memmove(out->data, end + 1, out->len - len - 1);
		out->len -= len + 1;
	}
}

/* Deadlines. */

static void end_before(struct slot *slot, enum stop_reason reason, int64_t kill_at_ms)
{
	if (slot->stop_reason == STOP_NONE)
		slot->stop_reason = reason;
	child_ask_to_end(&slot->child, kill_at_ms);
}

static int64_t keep_deadlines(struct slot *slot, int64_t now_ms)
{
	int64_t lease_ms = lease_term_at_ms(&slot->lease);

	if (slot->state != SLOT_BUSY)
		return CLOCK_NEVER;
	if (now_ms >= lease_ms) {
		if (slot->stop_reason == STOP_NONE)
			log_warning("lease_ending",
				    "%llu: its lease could not be renewed in time; the command is "
				    "ended before another worker gets the delivery",
				    (unsigned long long)slot->delivery_id);
		end_before(slot, STOP_LEASE_EXPIRES, lease_kill_at_ms(&slot->lease));
		return CLOCK_NEVER;
	}
	if (slot->stop_reason == STOP_NONE && now_ms >= slot->timeout_at_ms)
		end_before(slot, STOP_TIMEOUT, now_ms + CHILD_KILL_MS);
	return slot->stop_reason == STOP_NONE ? sooner(lease_ms, slot->timeout_at_ms) : lease_ms;
}

static int64_t send_in_time(struct slot *slot, int64_t now_ms)
{
	if (slot->state != SLOT_ENDING || slot->is_sent)
		return CLOCK_NEVER;
	if (now_ms < slot->send_at_ms)
		return slot->send_at_ms;
	slot_send_result(slot);
	return CLOCK_NEVER;
}

void slot_fill_fds(const struct slot *slot, struct pollfd *fds)
{
	child_fill_fds(&slot->child, fds);
}

int64_t slot_step(struct slot *slot, const struct pollfd *fds, int64_t now_ms)
{
	int64_t due_ms = keep_deadlines(slot, now_ms);

	due_ms = sooner(due_ms, child_step(&slot->child, fds, now_ms));
	if (slot->child.wrote_too_much && slot->child.pid > 0 && slot->stop_reason == STOP_NONE) {
		slot->stop_reason = STOP_TOO_MUCH;
		child_kill(&slot->child);
	}
	/* A command may answer and then exit, so its answer is read before its exit counts. */
	if (is_persistent(slot))
		take_line(slot);
	if (child_has_ended(&slot->child)) {
		if (is_persistent(slot))
			take_line(slot);
		child_ended(slot);
		due_ms = now_ms;
	}
	due_ms = sooner(due_ms, send_in_time(slot, now_ms));
	return sooner(due_ms, keep_running(slot, now_ms));
}

/* Leases. */

bool slot_wants_renewal(const struct slot *slot)
{
	return slot->state == SLOT_BUSY && slot->stop_reason != STOP_LEASE_LOST;
}

void slot_renewed(struct slot *slot, const struct renewal *renewal)
{
	if (slot->state != SLOT_BUSY || slot->delivery_id != renewal->delivery_id ||
	    strcmp(slot->token, renewal->token) != 0)
		return;
	if (renewal->err.kind == ERROR_NONE) {
		lease_renewed(&slot->lease, renewal->asked_at_ms);
		limit_child(slot, lease_guard_at_ms(&slot->lease));
	} else if (deliveries_is_lost(&renewal->err)) {
		log_warning(
			"lease_lost",
			"%llu: this worker no longer holds it (it was taken away, or the lease ran "
			"out); the command is killed, because its result would be refused",
			(unsigned long long)slot->delivery_id);
		slot->stop_reason = STOP_LEASE_LOST;
		child_kill(&slot->child);
	} else {
		lease_not_renewed(&slot->lease, clock_now_ms());
		if (renewal->err.kind != ERROR_RETRY)
			slot_fail_worker(slot, &renewal->err);
	}
}

/* Stopping the worker. */

void slot_stop(struct slot *slot)
{
	int64_t now_ms = clock_now_ms();

	if (slot->child.pid == 0 || child_is_ending(&slot->child))
		return;
	/* A persistent command without a delivery may exit by itself. */
	if (slot->state == SLOT_BUSY)
		end_before(slot, STOP_WORKER, now_ms + CHILD_KILL_MS);
	else
		child_end_input(&slot->child, now_ms + END_INPUT_MS);
}

void slot_kill(struct slot *slot)
{
	child_kill(&slot->child);
}
