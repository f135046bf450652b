/* SPDX-License-Identifier: MIT */
/* Sends the result of a delivery to the database. */
#include "base/clock.h"
#include "base/log.h"
#include "sync/executor.h"
#include "worker/arguments.h"
#include "worker/slot_impl.h"

void slot_clear(struct slot *slot)
{
	ending_release(&slot->ending);
	slot->state = SLOT_FREE;
	slot->stop_reason = STOP_NONE;
}

static void tell_result(struct slot *slot)
{
	struct worker *worker = slot->worker;
	unsigned long long id = slot->delivery_id;
	long long took_ms = clock_now_ms() - slot->began_at_ms;
	const char *why = slot->ending.error;

	switch (slot->ending.result) {
	case DELIVERY_DONE:
		worker->done_count++;
		log_debug("delivery_done", "%llu: done after %lld ms%s", id, took_ms,
			  slot->ending.reply        ? ", its reply is in the outbox"
			  : slot->ending.operations ? ", its action is in the outbox"
						    : "");
		break;
	case DELIVERY_RETRY:
		worker->retry_count++;
		log_info("delivery_retried", "%llu: %s; to be tried again (attempt %u)", id, why,
			 slot->attempt);
		break;
	case DELIVERY_FAIL:
		worker->fail_count++;
		log_warning("delivery_failed",
			    "%llu: %s; it has failed, CALL queue_requeue(%llu) brings it back", id,
			    why, id);
		break;
	case DELIVERY_RELEASE:
		log_info("delivery_released", "%llu: %s; given back, the attempt does not count",
			 id, why);
		break;
	}
}

void slot_fail_worker(struct slot *slot, const struct error *err)
{
	if (slot->worker->fault.kind == ERROR_NONE)
		slot->worker->fault = *err;
}

static void result_lost(struct slot *slot, bool was_tried)
{
	bool is_repeatable =
		slot->ending.result == DELIVERY_DONE || slot->ending.result == DELIVERY_FAIL;

	/* The first try was committed and removed the token; only its answer was lost. */
	if (was_tried && !is_repeatable)
		tell_result(slot);
	else
		log_warning(
			"lease_lost",
			"%llu: its result came too late and was refused; another worker has the "
			"delivery, or it comes back",
			(unsigned long long)slot->delivery_id);
	slot_clear(slot);
}

static void result_refused(struct slot *slot, const struct error *err)
{
	/* A failure with a clean text cannot be refused, so this does not repeat for ever. */
	if (slot->ending.result == DELIVERY_FAIL) {
		slot_fail_worker(slot, err);
		slot_clear(slot);
		return;
	}
	ending_set(&slot->ending, DELIVERY_FAIL, NULL, 0, "%s", err->text);
	slot->send_at_ms = clock_now_ms();
}

static void result_answered(void *context, const struct error *err, bool was_tried)
{
	static struct log_limit limit = LOG_LIMIT_INIT(10000);
	struct slot *slot = context;
	int64_t delay_ms;

	slot->is_sent = false;
	if (err->kind == ERROR_NONE) {
		slot->worker->has_news = true;
		tell_result(slot);
		slot_clear(slot);
	} else if (deliveries_is_lost(err)) {
		result_lost(slot, was_tried);
	} else if (err->kind == ERROR_DATA) {
		result_refused(slot, err);
	} else if (err->kind != ERROR_RETRY ||
		   (!slot->worker->is_giving_up &&
		    executor_has_lost_database(slot->worker->executor))) {
		/* The executor gives up only if it was told to, with --drain. */
		slot_fail_worker(slot, err);
		slot->worker->left_count++;
		slot_clear(slot);
	} else if (slot->worker->is_giving_up) {
		slot->worker->left_count++;
		slot_clear(slot);
	} else {
		delay_ms = backoff_next_ms(&slot->again);
		slot->send_at_ms = clock_now_ms() + delay_ms;
		log_limited(&limit, LOG_LEVEL_WARNING, "result_delayed",
			    "%llu: %s; its result is kept, again in %lld ms",
			    (unsigned long long)slot->delivery_id, err->text, (long long)delay_ms);
	}
}

void slot_send_result(struct slot *slot)
{
	slot->is_sent = true;
	slot->send_at_ms = CLOCK_NEVER;
	task_end(slot->worker->executor, slot->delivery_id, slot->token, &slot->ending,
		 slot->worker->arguments->author, result_answered, slot);
}

void slot_end_delivery(struct slot *slot)
{
	const struct arguments *arguments = slot->worker->arguments;

	if (slot->ending.reply && !arguments->is_reply)
		ending_set(&slot->ending, DELIVERY_FAIL, NULL, 0,
			   "the command gave a reply, but the worker was started without --reply");
	if (slot->ending.operations && !arguments->is_act)
		ending_set(&slot->ending, DELIVERY_FAIL, NULL, 0,
			   "the command gave an action, but the worker was started without --act");
	ending_check_reply(&slot->ending);
	slot->state = SLOT_ENDING;
	slot->is_sent = false;
	backoff_reset(&slot->again);
	slot_send_result(slot);
}
