/* SPDX-License-Identifier: MIT */
#include "poster/open_trxs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "poster/reaction.h"
#include "poster/round.h"
#include "steem/transaction.h"

#define BUCKETS       4096 /* by the first three digits of the id */
#define IN_FLIGHT_MAX 128
#define SCAN_LEAST_MS 50
#define NO_NODE_MS    500
#define ANSWER_BYTES  ((size_t)256 * 1024)
#define REQUEST_EXTRA 256
#define SETTLE_MS     3000 /* a member of a cluster may be so much behind another */

struct open_trx {
	struct open_trxs *set;
	struct open_trx *next; /* in its bucket, or among those that are gone */
	struct sender_trx made;
	struct refusals state;
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

struct open_trxs {
	struct routes *routes;
	struct http *http;
	struct open_trx *buckets[BUCKETS];
	struct open_trx *gone;
	struct poster_task_note *notes; /* NULL: none */
	struct open_trxs_facts facts;
	unsigned in_flight;
	unsigned generation;
	unsigned unsent_count; /* were never sent */
	uint32_t next_id;
	int64_t scan_at_ms;
	bool has_backlog;   /* something is due, but too much is in flight */
	unsigned scan_from; /* the bucket where that was noticed */
};

static unsigned bucket_of(const char *trx_id)
{
	char digits[4] = {trx_id[0], trx_id[1], trx_id[2], '\0'};

	return (unsigned)strtoul(digits, NULL, 16) % BUCKETS;
}

static struct open_trx *find(const struct open_trxs *set, const char *trx_id)
{
	struct open_trx *trx = set->buckets[bucket_of(trx_id)];

	while (trx && strcmp(trx->made.trx_id, trx_id) != 0)
		trx = trx->next;
	return trx;
}

struct open_trxs *open_trxs_new(struct routes *routes, struct http *http)
{
	struct open_trxs *set = xcalloc(1, sizeof(*set));

	set->routes = routes;
	set->http = http;
	set->scan_at_ms = CLOCK_NEVER;
	return set;
}

static void free_trx(struct open_trx *trx)
{
	sender_trx_release(&trx->made);
	free(trx);
}

static void free_all(struct open_trx *trx)
{
	while (trx) {
		struct open_trx *next = trx->next;

		free_trx(trx);
		trx = next;
	}
}

void open_trxs_free(struct open_trxs *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		free_all(set->buckets[i]);
	free_all(set->gone);
	if (set->notes)
		poster_task_note_free(set->notes);
	free(set);
}

/* Notes. */

static struct poster_task_note *notes_of(struct open_trxs *set)
{
	if (!set->notes)
		set->notes = xcalloc(1, sizeof(*set->notes));
	return set->notes;
}

struct poster_task_note *open_trxs_take_notes(struct open_trxs *set)
{
	struct poster_task_note *notes = set->notes;

	set->notes = NULL;
	return notes;
}

static void mark(struct open_trxs *set, const char *account, enum poster_task_mark_kind what,
		 const char *reason)
{
	struct poster_task_note *notes = notes_of(set);
	struct poster_task_mark *made;

	for (size_t i = 0; i < notes->mark_count; i++)
		if (notes->marks[i].what == what && strcmp(notes->marks[i].account, account) == 0)
			return;
	notes->marks = xgrow(notes->marks, notes->mark_count, &notes->mark_capacity,
			     sizeof(*notes->marks));
	made = &notes->marks[notes->mark_count++];
	*made = (struct poster_task_mark){.what = what};
	snprintf(made->account, sizeof(made->account), "%s", account);
	snprintf(made->reason, sizeof(made->reason), "%s", reason);
}

static void note(struct open_trxs *set, const struct open_trx *trx, const char *node,
		 const char *definite, const char *text)
{
	struct poster_task_note *notes = notes_of(set);
	struct sender_note *made;

	notes->notes = xgrow(notes->notes, notes->note_count, &notes->note_capacity,
			     sizeof(*notes->notes));
	made = &notes->notes[notes->note_count++];
	*made = (struct sender_note){.node = node, .answer = definite};
	memcpy(made->trx_id, trx->made.trx_id, sizeof(made->trx_id));
	snprintf(made->error, sizeof(made->error), "%s", text);
}

/* Answers. */

/* Did the node itself fail, or is it no place to send to now? */
static bool is_nodes_fault(enum broadcast_answer answer)
{
	return answer == BROADCAST_UNKNOWN || answer == BROADCAST_NODE;
}

static void tell_refusal(const struct open_trx *trx, const char *node,
			 const struct broadcast_result *result)
{
	log_warning(
		"trx_refused",
		"%s of %s: %s says: %s; it is sent no more, and the row is decided when it is dead",
		trx->made.trx_id, trx->made.account, node, result->text);
}

static void take_answer(struct open_trxs *set, struct open_trx *trx, unsigned node,
			const struct broadcast_result *result, int64_t now_ms)
{
	struct routes *routes = set->routes;
	const char *label = routes->items[node].label;
	struct reaction reaction = reaction_to(
		&trx->state, result->answer, node,
		route_usable_count(routes->items, routes->count, now_ms, routes->stored_s));

	log_debug("trx_answered", "%s of %s: %s: %s%s%s", trx->made.trx_id, trx->made.account,
		  label, broadcast_answer_name(result->answer), result->text[0] ? ": " : "",
		  result->text);
	note(set, trx, label, reaction.definite, result->text);
	if (reaction.pauses)
		mark(set, trx->made.account, POSTER_TASK_PAUSE, result->text);
	if (reaction.rests)
		mark(set, trx->made.account, POSTER_TASK_REST, result->text);
	if (reaction.ends_rest)
		mark(set, trx->made.account, POSTER_TASK_RESTED, "");
	if (reaction.is_given_up) {
		trx->is_stopped = true;
		tell_refusal(trx, label, result);
	}
	trx->next_at_ms = now_ms + reaction.again_ms;
}

static void forget_gone(struct open_trxs *set, struct open_trx *trx)
{
	struct open_trx **at = &set->gone;

	while (*at != trx)
		at = &(*at)->next;
	*at = trx->next;
	free_trx(trx);
}

static void answered(void *context, const struct http_answer *answer, const struct error *err)
{
	struct open_trx *trx = context;
	struct open_trxs *set = trx->set;
	struct route *route = &set->routes->items[trx->node];
	int64_t now_ms = clock_now_ms();
	struct broadcast_result result;

	if (err)
		broadcast_sort_error(err, &result);
	else
		broadcast_sort(answer->body, answer->len, trx->id, &result);
	set->in_flight--;
	set->facts.answers[result.answer]++;
	if (is_nodes_fault(result.answer))
		route_failed(route, now_ms);
	else
		route_answered(route, answer ? answer->took_us : 0);
	if (answer)
		metric_observe(&set->facts.answer_times, answer->took_us);
	trx->is_in_flight = false;
	if (trx->is_gone) {
		forget_gone(set, trx);
		return;
	}
	take_answer(set, trx, trx->node, &result, now_ms);
	set->scan_at_ms = sooner(set->scan_at_ms, trx->next_at_ms);
}

/* Sends. */

/* The next node that has not had it in this turn; -1: none can have it now. */
static int choose(struct open_trxs *set, struct open_trx *trx, int64_t now_ms)
{
	const struct routes *routes = set->routes;
	int node = route_choose(routes->items, routes->count, now_ms, routes->stored_s, trx->tried);

	if (node < 0 && trx->tried != 0) {
		trx->tried = 0;
		node = route_choose(routes->items, routes->count, now_ms, routes->stored_s, 0);
	}
	return node;
}

static void stop(struct open_trxs *set, struct open_trx *trx)
{
	if (!trx->was_sent)
		set->unsent_count--;
	trx->was_sent = trx->is_stopped = true;
}

static void post_to(struct open_trxs *set, struct open_trx *trx, unsigned node)
{
	struct buf body = BUF_INIT(TRANSACTION_JSON_BYTES_MAX + REQUEST_EXTRA);
	struct route *route = &set->routes->items[node];
	struct error err = ERROR_INIT;
	struct http_post post = {
		.url = route->url,
		.timeout_ms = ROUTES_TIMEOUT_MS,
		.max_answer_bytes = ANSWER_BYTES,
		.done = answered,
		.context = trx,
	};

	trx->node = node;
	trx->id = ++set->next_id;
	if (broadcast_encode(&body, trx->made.signed_trx, trx->made.signed_len, trx->id, &err) <
	    0) {
		log_error("bug", "%s: %s", trx->made.trx_id, err.text);
		stop(set, trx);
		buf_release(&body);
		return;
	}
	trx->tried |= UINT64_C(1) << node;
	trx->is_in_flight = true;
	set->in_flight++;
	route->sent_count++;
	if (!trx->was_sent) {
		set->facts.sent_count++;
		set->unsent_count--;
	}
	trx->was_sent = true;
	post.body = body.data;
	post.len = body.len;
	http_post(set->http, &post);
	buf_release(&body);
}

static bool is_expired(const struct open_trxs *set, const struct open_trx *trx, int64_t now_ms)
{
	const struct routes *routes = set->routes;
	struct chain_head head;

	return route_head(routes->items, routes->count, now_ms, routes->stored_s, &head) &&
	       head.head_time_s >= trx->made.expiration_s;
}

static void send_if_due(struct open_trxs *set, struct open_trx *trx, int64_t now_ms)
{
	int node;

	if (trx->is_in_flight || trx->is_stopped || now_ms < trx->next_at_ms)
		return;
	if (set->in_flight >= IN_FLIGHT_MAX) {
		set->has_backlog = true;
		return;
	}
	if (is_expired(set, trx, now_ms)) {
		stop(set, trx);
		return;
	}
	node = choose(set, trx, now_ms);
	if (node >= 0)
		post_to(set, trx, (unsigned)node);
	else
		trx->next_at_ms = now_ms + NO_NODE_MS;
}

void open_trxs_add(struct open_trxs *set, struct sender_trx *made, size_t count, int64_t now_ms)
{
	for (size_t i = 0; i < count; i++) {
		unsigned bucket = bucket_of(made[i].trx_id);
		struct open_trx *trx;

		if (find(set, made[i].trx_id)) {
			sender_trx_release(&made[i]);
			continue;
		}
		trx = xcalloc(1, sizeof(*trx));
		trx->set = set;
		trx->made = made[i];
		trx->added_at_ms = trx->next_at_ms = now_ms;
		trx->next = set->buckets[bucket];
		set->buckets[bucket] = trx;
		set->facts.open_count++;
		set->unsent_count++;
		made[i] = (struct sender_trx){.signed_trx = NULL};
		send_if_due(set, trx, now_ms);
		if (!trx->is_in_flight && !trx->is_stopped)
			set->scan_at_ms = sooner(set->scan_at_ms, trx->next_at_ms);
	}
}

int64_t open_trxs_step(struct open_trxs *set, int64_t now_ms)
{
	int64_t next_ms = CLOCK_NEVER;
	bool has_room = set->has_backlog && set->in_flight < IN_FLIGHT_MAX;

	if (now_ms < set->scan_at_ms && !has_room)
		return set->scan_at_ms;
	set->has_backlog = false;
	/* With much in flight it goes on later where it is now: each answer would begin it anew. */
	for (size_t i = 0; i < BUCKETS && !set->has_backlog; i++) {
		for (struct open_trx *trx = set->buckets[set->scan_from]; trx; trx = trx->next) {
			send_if_due(set, trx, now_ms);
			if (!trx->is_in_flight && !trx->is_stopped)
				next_ms = sooner(next_ms, trx->next_at_ms);
		}
		if (!set->has_backlog)
			set->scan_from = (set->scan_from + 1) % BUCKETS;
	}
	if (next_ms < now_ms + SCAN_LEAST_MS)
		next_ms = now_ms + SCAN_LEAST_MS;
	set->scan_at_ms = next_ms;
	return next_ms;
}

/* Settling. */

static void drop(struct open_trxs *set, struct open_trx *trx)
{
	stop(set, trx);
	set->facts.open_count--;
	set->facts.settled_count++;
	log_debug("trx_settled", "%s of %s: in a block, or dead", trx->made.trx_id,
		  trx->made.account);
	if (!trx->is_in_flight) {
		free_trx(trx);
		return;
	}
	trx->is_gone = true;
	trx->next = set->gone;
	set->gone = trx;
}

char (*open_trxs_settle(struct open_trxs *set, const struct sender_open *open, size_t count,
			int64_t asked_at_ms, size_t max, size_t *ret_count))[SENDER_TRX_CHARS + 1]
{
	char(*ids)[SENDER_TRX_CHARS + 1] = NULL;
	unsigned generation = ++set->generation;

	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct open_trx *trx = find(set, open[i].trx_id);

		if (trx) {
			trx->generation = generation;
			if (open[i].is_over)
				stop(set, trx);
		} else if (*ret_count < max && !open[i].is_over) {
			if (!ids)
				ids = xcalloc(max, sizeof(*ids));
			memcpy(ids[(*ret_count)++], open[i].trx_id, sizeof(*ids));
		}
	}
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct open_trx **at = &set->buckets[i]; *at;) {
			struct open_trx *trx = *at;

			if (trx->generation == generation ||
			    trx->added_at_ms + SETTLE_MS >= asked_at_ms) {
				at = &trx->next;
				continue;
			}
			*at = trx->next;
			drop(set, trx);
		}
	return ids;
}

size_t open_trxs_unanswered(const struct open_trxs *set)
{
	return set->in_flight + set->unsent_count;
}

const struct open_trxs_facts *open_trxs_get_facts(const struct open_trxs *set)
{
	return &set->facts;
}
