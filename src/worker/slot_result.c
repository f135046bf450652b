/* SPDX-License-Identifier: MIT */
/* Sends the result of a delivery to the database. */
#include "base/clock.h"
#include "base/log.h"
#include "sync/writer.h"
#include "worker/arguments.h"
#include "worker/slot_impl.h"

void slot_clear(struct slot *slot)
{
	verdict_release(&slot->verdict);
	slot->state = SLOT_FREE;
	slot->fate = FATE_NONE;
}

static void tell_result(struct slot *slot)
{
	struct workshop *shop = slot->shop;
	unsigned long long id = slot->delivery_id;
	long long took_ms = clock_now_ms() - slot->began_at_ms;
	const char *why = slot->verdict.error;

	switch (slot->verdict.result) {
	case DELIVERY_DONE:
		shop->done_count++;
		log_debug("delivery_done", "%llu: done after %lld ms%s", id, took_ms,
			  slot->verdict.reply ? ", its reply is in the outbox" : "");
		break;
	case DELIVERY_RETRY:
		shop->retry_count++;
		log_info("delivery_retried", "%llu: %s; to be tried again (attempt %u)", id, why,
			 slot->attempt);
		break;
	case DELIVERY_FAIL:
		shop->fail_count++;
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
	if (slot->shop->fault.kind == ERROR_NONE)
		slot->shop->fault = *err;
}

static void result_lost(struct slot *slot, bool was_tried)
{
	bool is_repeatable =
		slot->verdict.result == DELIVERY_DONE || slot->verdict.result == DELIVERY_FAIL;

	/* The first try was committed and removed the token; only its answer was lost. */
	if (was_tried && !is_repeatable)
		tell_result(slot);
	else
		log_warning("lease_lost",
			    "%llu: its result came too late and is not taken; the delivery is with "
			    "another worker, or comes back",
			    (unsigned long long)slot->delivery_id);
	slot_clear(slot);
}

static void result_refused(struct slot *slot, const struct error *err)
{
	/* A failure with a clean text cannot be refused, so this does not repeat for ever. */
	if (slot->verdict.result == DELIVERY_FAIL) {
		slot_fail_worker(slot, err);
		slot_clear(slot);
		return;
	}
	verdict_set(&slot->verdict, DELIVERY_FAIL, NULL, 0, "%s", err->text);
	slot->send_at_ms = clock_now_ms();
}

static void result_answered(void *context, const struct error *err, bool was_tried)
{
	static struct log_limit limit = LOG_LIMIT_INIT(10000);
	struct slot *slot = context;
	int64_t delay_ms;

	slot->is_sent = false;
	if (err->kind == ERROR_NONE) {
		slot->shop->has_news = true;
		tell_result(slot);
		slot_clear(slot);
	} else if (deliveries_is_lost(err)) {
		result_lost(slot, was_tried);
	} else if (err->kind == ERROR_DATA) {
		result_refused(slot, err);
	} else if (err->kind != ERROR_RETRY ||
		   (!slot->shop->is_giving_up && writer_has_lost_database(slot->shop->writer))) {
		/* The writer gives up only if it was told to, with --drain. */
		slot_fail_worker(slot, err);
		slot->shop->left_count++;
		slot_clear(slot);
	} else if (slot->shop->is_giving_up) {
		slot->shop->left_count++;
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
	slot->send_at_ms = INT64_MAX;
	errand_end(slot->shop->writer, slot->delivery_id, slot->token, &slot->verdict,
		   slot->shop->arguments->author, result_answered, slot);
}

void slot_end_delivery(struct slot *slot)
{
	const struct arguments *arguments = slot->shop->arguments;

	if (slot->verdict.reply && !arguments->is_reply)
		verdict_set(&slot->verdict, DELIVERY_FAIL, NULL, 0,
			    "the command gave a reply, but the worker was started without --reply");
	verdict_check_reply(&slot->verdict);
	slot->state = SLOT_ENDING;
	slot->is_sent = false;
	backoff_reset(&slot->again);
	slot_send_result(slot);
}
