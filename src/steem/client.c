/* SPDX-License-Identifier: MIT */
#include "steem/client.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"

/* The assumed size of a block until the node's answers were measured. */
#define BLOCK_BYTES_GUESS 8192

void want_list_append(struct want_list *list, struct want *want)
{
	want->next = NULL;
	want->prev = list->last;
	if (list->last)
		list->last->next = want;
	else
		list->first = want;
	list->last = want;
	list->count++;
}

void want_list_prepend(struct want_list *list, struct want *want)
{
	want->prev = NULL;
	want->next = list->first;
	if (list->first)
		list->first->prev = want;
	else
		list->last = want;
	list->first = want;
	list->count++;
}

void want_list_remove(struct want_list *list, struct want *want)
{
	if (want->prev)
		want->prev->next = want->next;
	else
		list->first = want->next;
	if (want->next)
		want->next->prev = want->prev;
	else
		list->last = want->prev;
	list->count--;
}

void want_free(struct want *want)
{
	want_drop_half(want);
	want_drop_versions(want);
	want_drop_lists(want);
	block_free(want->unverified);
	free(want->reason);
	free(want);
}

void want_set_refused_by(struct want *want, unsigned node, const struct error *err)
{
	want->tried |= UINT64_C(1) << node;
	want_drop_half(want);
	free(want->reason);
	want->reason = xstrdup(err->text);
}

bool want_is_claimed(const struct want *want, const struct node *node)
{
	return want->is_reversible || node->head.irreversible_block >= want->num;
}

void client_put_back(struct client *client, struct request *request)
{
	for (size_t i = request->wants ? request->call_count : 0; i-- > 0;) {
		struct want *want = request->wants[i];

		request->wants[i] = NULL;
		if (want && want->sink)
			want_list_prepend(&client->unsent[want->priority], want);
		else if (want)
			want_free(want);
	}
}

struct client *client_new(struct http *http, struct pool *pool, const struct client_config *config,
			  const struct client_observer *observer)
{
	struct client *client = xcalloc(1, sizeof(*client));

	client->http = http;
	client->pool = pool;
	client->config = *config;
	client->next_id = 1;
	client->patience_at_ms = CLOCK_NEVER;
	if (observer)
		client->observer = *observer;
	return client;
}

static void free_wants(struct want_list *list)
{
	while (list->first) {
		struct want *want = list->first;

		want_list_remove(list, want);
		want_free(want);
	}
}

void client_free(struct client *client)
{
	if (!client)
		return;
	while (client->requests) {
		struct request *request = client->requests;

		for (size_t i = 0; request->wants && i < request->call_count; i++)
			if (request->wants[i])
				want_free(request->wants[i]);
		request_free(request);
	}
	for (size_t i = 0; i < CLIENT_PRIORITIES; i++)
		free_wants(&client->unsent[i]);
	free_wants(&client->refused);
	free(client);
}

void client_set_config(struct client *client, const struct client_config *config)
{
	client->config = *config;
	client->has_news = true;
}

static void forget_nodes(struct want_list *list)
{
	for (struct want *want = list->first; want; want = want->next) {
		want->tried = want->doubted_by = want->busy_by = 0;
		want->barred = want->unfit_by = 0;
		want_drop_half(want);
		want_drop_versions(want);
		want_drop_lists(want);
		want->is_agreed = false;
		block_free(want->unverified);
		want->unverified = NULL;
	}
}

void client_set_pool(struct client *client, struct pool *pool)
{
	client_drop_waiting(client);
	for (struct request *request = client->requests; request; request = request->next) {
		if (request->kind == REQUEST_BLOCKS && !request->is_orphan)
			client_put_back(client, request);
		request->is_orphan = true;
	}
	for (size_t i = 0; i < CLIENT_PRIORITIES; i++)
		forget_nodes(&client->unsent[i]);
	client->heads_asked = 0;
	client->pool = pool;
	client->has_news = true;
}

void client_want(struct client *client, enum client_priority priority, uint32_t first,
		 uint32_t last, uint64_t not_from, const struct client_sink *sink)
{
	for (uint64_t num = first; num <= last; num++) {
		struct want *want = xcalloc(1, sizeof(*want));

		want->sink = sink;
		want->priority = priority;
		want->num = (uint32_t)num;
		want->tried = want->barred = not_from;
		want->is_virtual = sink->is_virtual;
		want->needs_majority = sink->needs_majority;
		want->is_reversible = sink->is_reversible;
		want_list_append(&client->unsent[priority], want);
		client->wanted_count++;
	}
	client->has_news = true;
}

static void drop_from(struct client *client, struct want_list *list, const struct client_sink *sink)
{
	struct want *next;

	for (struct want *want = list->first; want; want = next) {
		next = want->next;
		if (want->sink != sink)
			continue;
		want_list_remove(list, want);
		want_free(want);
		client->wanted_count--;
	}
}

void client_drop(struct client *client, const struct client_sink *sink)
{
	for (size_t i = 0; i < CLIENT_PRIORITIES; i++)
		drop_from(client, &client->unsent[i], sink);
	drop_from(client, &client->refused, sink);
	for (struct request *request = client->requests; request; request = request->next) {
		for (size_t i = 0; request->wants && i < request->call_count; i++) {
			struct want *want = request->wants[i];

			if (!want || want->sink != sink)
				continue;
			want->sink = NULL; /* the answer, when it arrives, is thrown away */
			client->wanted_count--;
		}
	}
}

static const char *refusal(const struct client *client, const struct want *want)
{
	if (want->reason)
		return want->reason;
	if (want_without_virtual(client, want))
		return "no node offers virtual operations (condenser_api.get_ops_in_block with an imported account history)";
	return "there is no other node to ask";
}

static void tell_refusal(const struct client *client, const struct want *want,
			 const struct client_sink *sink)
{
	unsigned version_count = want_version_count(want);
	CLEANUP(mem_free_pointer) char *reason = NULL;

	if (want_lists_differ(client, want, &reason)) {
		if (client->observer.lists_differ)
			client->observer.lists_differ(client->observer.context, want->num, reason);
		sink->refused(sink->context, want->num, reason);
	} else if (sink->divided && version_count > 0 && !want->is_agreed)
		sink->divided(sink->context, want->num, version_count, refusal(client, want));
	else
		sink->refused(sink->context, want->num, refusal(client, want));
}

/* Report the wants that every healthy node refused. */
static void report_refused(struct client *client)
{
	struct want *want;

	while ((want = client->refused.first)) {
		const struct client_sink *sink = want->sink;
		struct block *unverified;

		client->has_news = true;
		want_list_remove(&client->refused, want);
		if (want_decide_vote(client, want)) {
			want_list_prepend(&client->unsent[want->priority], want);
			continue;
		}
		unverified = want->lists ? NULL : want_take_unverified(want);
		client->wanted_count--;
		if (unverified)
			sink->given(sink->context, unverified, want->unverified_source);
		else
			tell_refusal(client, want, sink);
		want_free(want);
	}
}

int64_t client_handle(struct client *client)
{
	int64_t now_ms = clock_now_ms();
	int64_t due_ms;

	client->has_news = false;
	due_ms = client_note_silent(client, now_ms);
	due_ms = sooner(due_ms, client_ask_away(client, now_ms));
	due_ms = sooner(due_ms, client_send_wants(client, now_ms));
	due_ms = sooner(due_ms, client_send_due(client, now_ms));
	due_ms = sooner(due_ms, client_leave_slow(client, now_ms));
	due_ms = sooner(due_ms, client_refuse_overdue(client, now_ms));
	report_refused(client);
	return client->has_news ? now_ms : due_ms;
}

size_t client_wanted_count(const struct client *client)
{
	return client->wanted_count;
}

size_t client_expected_bytes(const struct client *client)
{
	size_t bytes = 0;

	for (const struct request *request = client->requests; request; request = request->next) {
		const struct node *node;
		int64_t per_block_bytes = 0;

		if (request->kind == REQUEST_HEAD || request->kind == REQUEST_PROOF ||
		    request->kind == REQUEST_KEYS || request->is_orphan || request->is_waiting)
			continue;
		node = pool_node(client->pool, request->node);
		per_block_bytes = node->per_block_bytes;
		bytes += request->call_count *
			 (per_block_bytes > 0 ? (size_t)per_block_bytes : BLOCK_BYTES_GUESS);
	}
	return bytes;
}
