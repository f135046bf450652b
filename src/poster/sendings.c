/* SPDX-License-Identifier: MIT */
#include "poster/sendings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "poster/round.h"
#include "poster/verdict.h"
#include "steem/transaction.h"

#define BUCKETS       4096 /* by the first three digits of the id */
#define IN_FLIGHT_MAX 128
#define SCAN_LEAST_MS 50
#define NO_NODE_MS    500
#define ANSWER_BYTES  ((size_t)256 * 1024)
#define REQUEST_EXTRA 256
#define SETTLE_MS     3000 /* a member of a cluster may be so much behind another */

struct sending {
	struct sendings *sendings;
	struct sending *next; /* in its bucket, or among those that are gone */
	struct sender_trx trx;
	struct verdict_state state;
	int64_t added_at_ms;
	int64_t next_at_ms;
	uint64_t tried; /* the nodes of this turn */
	unsigned generation;
	bool was_sent;
	bool is_in_flight;
	bool is_stopped; /* nothing more is sent */
	bool is_gone;    /* it is settled, and only waits for its answer */
	/* Of the post under way. */
	unsigned node;
	uint32_t id;
};

struct sendings {
	struct routes *routes;
	struct http *http;
	struct sending *buckets[BUCKETS];
	struct sending *gone;
	struct chore_note *notes; /* NULL: none */
	struct sendings_facts facts;
	unsigned in_flight;
	unsigned generation;
	unsigned unsent_count; /* were never sent */
	uint32_t next_id;
	int64_t scan_at_ms;
	bool has_backlog; /* something is due, but too much is in flight */
};

static unsigned bucket_of(const char *trx_id)
{
	char digits[4] = {trx_id[0], trx_id[1], trx_id[2], '\0'};

	return (unsigned)strtoul(digits, NULL, 16) % BUCKETS;
}

static struct sending *find(const struct sendings *sendings, const char *trx_id)
{
	struct sending *sending = sendings->buckets[bucket_of(trx_id)];

	while (sending && strcmp(sending->trx.trx_id, trx_id) != 0)
		sending = sending->next;
	return sending;
}

struct sendings *sendings_new(struct routes *routes, struct http *http)
{
	struct sendings *sendings = xcalloc(1, sizeof(*sendings));

	sendings->routes = routes;
	sendings->http = http;
	sendings->scan_at_ms = CLOCK_NEVER;
	return sendings;
}

static void free_sending(struct sending *sending)
{
	sender_trx_release(&sending->trx);
	free(sending);
}

static void free_all(struct sending *sending)
{
	while (sending) {
		struct sending *next = sending->next;

		free_sending(sending);
		sending = next;
	}
}

void sendings_free(struct sendings *sendings)
{
	if (!sendings)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		free_all(sendings->buckets[i]);
	free_all(sendings->gone);
	if (sendings->notes)
		chore_note_free(sendings->notes);
	free(sendings);
}

/* Notes. */

static struct chore_note *notes_of(struct sendings *sendings)
{
	if (!sendings->notes)
		sendings->notes = xcalloc(1, sizeof(*sendings->notes));
	return sendings->notes;
}

struct chore_note *sendings_take_notes(struct sendings *sendings)
{
	struct chore_note *notes = sendings->notes;

	sendings->notes = NULL;
	return notes;
}

static void mark(struct sendings *sendings, const char *account, enum chore_mark_kind what,
		 const char *reason)
{
	struct chore_note *notes = notes_of(sendings);
	struct chore_mark *made;

	for (size_t i = 0; i < notes->mark_count; i++)
		if (notes->marks[i].what == what && strcmp(notes->marks[i].account, account) == 0)
			return;
	notes->marks = xgrow(notes->marks, notes->mark_count, &notes->mark_capacity,
			     sizeof(*notes->marks));
	made = &notes->marks[notes->mark_count++];
	*made = (struct chore_mark){.what = what};
	snprintf(made->account, sizeof(made->account), "%s", account);
	snprintf(made->reason, sizeof(made->reason), "%s", reason);
}

static void note(struct sendings *sendings, const struct sending *sending, const char *node,
		 const char *definite, const char *text)
{
	struct chore_note *notes = notes_of(sendings);
	struct sender_note *made;

	notes->notes = xgrow(notes->notes, notes->note_count, &notes->note_capacity,
			     sizeof(*notes->notes));
	made = &notes->notes[notes->note_count++];
	*made = (struct sender_note){.node = node, .answer = definite};
	memcpy(made->trx_id, sending->trx.trx_id, sizeof(made->trx_id));
	snprintf(made->error, sizeof(made->error), "%s", text);
}

/* Answers. */

/* Did the node itself fail, or is it no place to send to now? */
static bool is_nodes_fault(enum broadcast_answer answer)
{
	return answer == BROADCAST_UNKNOWN || answer == BROADCAST_NODE;
}

static void tell_refusal(const struct sending *sending, const char *node,
			 const struct broadcast_result *result)
{
	log_warning(
		"trx_refused",
		"%s of %s: %s says: %s; it is sent no more, and the row is decided when it is dead",
		sending->trx.trx_id, sending->trx.account, node, result->text);
}

static void take_answer(struct sendings *sendings, struct sending *sending, unsigned node,
			const struct broadcast_result *result, int64_t now_ms)
{
	struct routes *routes = sendings->routes;
	const char *label = routes->items[node].label;
	struct verdict verdict = verdict_of(
		&sending->state, result->answer, node,
		route_usable_count(routes->items, routes->count, now_ms, routes->stored_s));

	log_debug("trx_answered", "%s of %s: %s: %s%s%s", sending->trx.trx_id, sending->trx.account,
		  label, broadcast_answer_name(result->answer), result->text[0] ? ": " : "",
		  result->text);
	note(sendings, sending, label, verdict.definite, result->text);
	if (verdict.pauses)
		mark(sendings, sending->trx.account, CHORE_PAUSE, result->text);
	if (verdict.rests)
		mark(sendings, sending->trx.account, CHORE_REST, result->text);
	if (verdict.ends_rest)
		mark(sendings, sending->trx.account, CHORE_RESTED, "");
	if (verdict.is_given_up) {
		sending->is_stopped = true;
		tell_refusal(sending, label, result);
	}
	sending->next_at_ms = now_ms + verdict.again_ms;
}

static void forget_gone(struct sendings *sendings, struct sending *sending)
{
	struct sending **at = &sendings->gone;

	while (*at != sending)
		at = &(*at)->next;
	*at = sending->next;
	free_sending(sending);
}

static void answered(void *context, const struct http_answer *answer, const struct error *err)
{
	struct sending *sending = context;
	struct sendings *sendings = sending->sendings;
	struct route *route = &sendings->routes->items[sending->node];
	int64_t now_ms = clock_now_ms();
	struct broadcast_result result;

	if (err)
		broadcast_sort_error(err, &result);
	else
		broadcast_sort(answer->body, answer->len, sending->id, &result);
	sendings->in_flight--;
	sendings->facts.answers[result.answer]++;
	if (is_nodes_fault(result.answer))
		route_failed(route, now_ms);
	else
		route_answered(route, answer ? answer->took_us : 0);
	if (answer)
		metric_observe(&sendings->facts.answer_times, answer->took_us);
	sending->is_in_flight = false;
	if (sending->is_gone) {
		forget_gone(sendings, sending);
		return;
	}
	take_answer(sendings, sending, sending->node, &result, now_ms);
	sendings->scan_at_ms = sooner(sendings->scan_at_ms, sending->next_at_ms);
}

/* Sends. */

/* The next node that has not had it in this turn; -1: none can have it now. */
static int choose(struct sendings *sendings, struct sending *sending, int64_t now_ms)
{
	const struct routes *routes = sendings->routes;
	int node = route_choose(routes->items, routes->count, now_ms, routes->stored_s,
				sending->tried);

	if (node < 0 && sending->tried != 0) {
		sending->tried = 0;
		node = route_choose(routes->items, routes->count, now_ms, routes->stored_s, 0);
	}
	return node;
}

static void stop(struct sendings *sendings, struct sending *sending)
{
	if (!sending->was_sent)
		sendings->unsent_count--;
	sending->was_sent = sending->is_stopped = true;
}

static void post_to(struct sendings *sendings, struct sending *sending, unsigned node)
{
	struct buf body = BUF_INIT(TRANSACTION_JSON_BYTES_MAX + REQUEST_EXTRA);
	struct route *route = &sendings->routes->items[node];
	struct error err = ERROR_INIT;
	struct http_post post = {
		.url = route->url,
		.timeout_ms = ROUTES_TIMEOUT_MS,
		.max_answer_bytes = ANSWER_BYTES,
		.done = answered,
		.context = sending,
	};

	sending->node = node;
	sending->id = ++sendings->next_id;
	if (broadcast_encode(&body, sending->trx.signed_trx, sending->trx.signed_len, sending->id,
			     &err) < 0) {
		log_error("bug", "%s: %s", sending->trx.trx_id, err.text);
		stop(sendings, sending);
		buf_release(&body);
		return;
	}
	sending->tried |= UINT64_C(1) << node;
	sending->is_in_flight = true;
	sendings->in_flight++;
	route->sent_count++;
	if (!sending->was_sent) {
		sendings->facts.sent_count++;
		sendings->unsent_count--;
	}
	sending->was_sent = true;
	post.body = body.data;
	post.len = body.len;
	http_post(sendings->http, &post);
	buf_release(&body);
}

static bool is_expired(const struct sendings *sendings, const struct sending *sending,
		       int64_t now_ms)
{
	const struct routes *routes = sendings->routes;
	struct chain_head head;

	return route_head(routes->items, routes->count, now_ms, routes->stored_s, &head) &&
	       head.head_time_s >= sending->trx.expiration_s;
}

static void send_if_due(struct sendings *sendings, struct sending *sending, int64_t now_ms)
{
	int node;

	if (sending->is_in_flight || sending->is_stopped || now_ms < sending->next_at_ms)
		return;
	if (sendings->in_flight >= IN_FLIGHT_MAX) {
		sendings->has_backlog = true;
		return;
	}
	if (is_expired(sendings, sending, now_ms)) {
		stop(sendings, sending);
		return;
	}
	node = choose(sendings, sending, now_ms);
	if (node >= 0)
		post_to(sendings, sending, (unsigned)node);
	else
		sending->next_at_ms = now_ms + NO_NODE_MS;
}

void sendings_add(struct sendings *sendings, struct sender_trx *trxs, size_t count, int64_t now_ms)
{
	for (size_t i = 0; i < count; i++) {
		unsigned bucket = bucket_of(trxs[i].trx_id);
		struct sending *sending;

		if (find(sendings, trxs[i].trx_id)) {
			sender_trx_release(&trxs[i]);
			continue;
		}
		sending = xcalloc(1, sizeof(*sending));
		sending->sendings = sendings;
		sending->trx = trxs[i];
		sending->added_at_ms = sending->next_at_ms = now_ms;
		sending->next = sendings->buckets[bucket];
		sendings->buckets[bucket] = sending;
		sendings->facts.open_count++;
		sendings->unsent_count++;
		trxs[i] = (struct sender_trx){.signed_trx = NULL};
		send_if_due(sendings, sending, now_ms);
		if (!sending->is_in_flight && !sending->is_stopped)
			sendings->scan_at_ms = sooner(sendings->scan_at_ms, sending->next_at_ms);
	}
}

int64_t sendings_step(struct sendings *sendings, int64_t now_ms)
{
	int64_t next_ms = CLOCK_NEVER;
	bool has_room = sendings->has_backlog && sendings->in_flight < IN_FLIGHT_MAX;

	if (now_ms < sendings->scan_at_ms && !has_room)
		return sendings->scan_at_ms;
	sendings->has_backlog = false;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct sending *sending = sendings->buckets[i]; sending;
		     sending = sending->next) {
			send_if_due(sendings, sending, now_ms);
			if (!sending->is_in_flight && !sending->is_stopped)
				next_ms = sooner(next_ms, sending->next_at_ms);
		}
	if (next_ms < now_ms + SCAN_LEAST_MS)
		next_ms = now_ms + SCAN_LEAST_MS;
	sendings->scan_at_ms = next_ms;
	return next_ms;
}

/* Settling. */

static void drop(struct sendings *sendings, struct sending *sending)
{
	stop(sendings, sending);
	sendings->facts.open_count--;
	sendings->facts.settled_count++;
	log_debug("trx_settled", "%s of %s: in a block, or dead", sending->trx.trx_id,
		  sending->trx.account);
	if (!sending->is_in_flight) {
		free_sending(sending);
		return;
	}
	sending->is_gone = true;
	sending->next = sendings->gone;
	sendings->gone = sending;
}

char (*sendings_settle(struct sendings *sendings, const struct sender_open *open, size_t count,
		       int64_t asked_at_ms, size_t max, size_t *ret_count))[SENDER_TRX_CHARS + 1]
{
	char(*ids)[SENDER_TRX_CHARS + 1] = NULL;
	unsigned generation = ++sendings->generation;

	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct sending *sending = find(sendings, open[i].trx_id);

		if (sending) {
			sending->generation = generation;
			if (open[i].is_over)
				stop(sendings, sending);
		} else if (*ret_count < max && !open[i].is_over) {
			if (!ids)
				ids = xcalloc(max, sizeof(*ids));
			memcpy(ids[(*ret_count)++], open[i].trx_id, sizeof(*ids));
		}
	}
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct sending **at = &sendings->buckets[i]; *at;) {
			struct sending *sending = *at;

			if (sending->generation == generation ||
			    sending->added_at_ms + SETTLE_MS >= asked_at_ms) {
				at = &sending->next;
				continue;
			}
			*at = sending->next;
			drop(sendings, sending);
		}
	return ids;
}

size_t sendings_unanswered(const struct sendings *sendings)
{
	return sendings->in_flight + sendings->unsent_count;
}

const struct sendings_facts *sendings_get_facts(const struct sendings *sendings)
{
	return &sendings->facts;
}
