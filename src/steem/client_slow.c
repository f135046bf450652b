/* SPDX-License-Identifier: MIT */
/*
 * Nodes that are slow when the tail waits: for its tip request, or for a block that it
 * searches. Another node is asked if possible, and the late answer of the slow node is
 * used if it is still useful.  This happens once for each request: if all nodes are slow,
 * the second one is waited for.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "steem/client_impl.h"

#define SLOW_MS 2000
/* A vote costs little, and other nodes can vote instead. */
#define SLOW_VOTE_MS 700

/* After this time another node is asked. */
static int64_t slow_ms(const struct request *request)
{
	for (size_t i = 0; request->wants && i < request->call_count; i++)
		if (request->wants[i] &&
		    (request->wants[i]->needs_majority || request->wants[i]->is_listed))
			return SLOW_VOTE_MS;
	return SLOW_MS;
}

/* Mask of the nodes that have not answered an abandoned tip request yet. */
static uint64_t left_nodes(const struct client *client)
{
	uint64_t set = 0;

	for (const struct request *request = client->requests; request; request = request->next)
		if (request->slow_tip && !request->is_orphan)
			set |= UINT64_C(1) << request->node;
	return set;
}

static bool is_leavable_want(const struct want *want)
{
	return want && want->sink && want->priority == CLIENT_TAIL && !want->is_left;
}

/* Is it under way, and does the tail wait for some of it? */
static bool is_leavable(const struct request *request)
{
	if (request->is_orphan || request->is_waiting || request->due_ms != 0)
		return false;
	if (request->kind == REQUEST_TIP && !request->slow_tip)
		return true;
	for (size_t i = 0; request->wants && i < request->call_count; i++)
		if (is_leavable_want(request->wants[i]))
			return true;
	return false;
}

static bool may_leave_want(const struct request *request, const struct want *want)
{
	const struct client *client = request->client;

	return is_leavable_want(want) &&
	       pool_pick(client->pool, clock_now_ms(), want->is_reversible ? 0 : want->num,
			 want_not_from(client, want) | UINT64_C(1) << request->node) >= 0;
}

/* Could another node be asked for some of it now? */
static bool may_leave(const struct request *request)
{
	const struct client *client = request->client;

	if (request->kind == REQUEST_TIP)
		return pool_pick_tip(client->pool, clock_now_ms(),
				     left_nodes(client) | UINT64_C(1) << request->node) >= 0;
	for (size_t i = 0; i < request->call_count; i++)
		if (may_leave_want(request, request->wants[i]))
			return true;
	return false;
}

static bool is_wanted(const struct request *request)
{
	for (size_t i = 0; i < request->call_count; i++)
		if (request->wants[i] && request->wants[i]->sink)
			return true;
	return false;
}

/*
 * A node that leaves requests unanswered must not use up the connections for requests to other
 * nodes.
 */
static void leave_wants(struct request *request)
{
	struct client *client = request->client;

	for (size_t i = request->call_count; i-- > 0;) {
		struct want *other;

		if (!may_leave_want(request, request->wants[i]))
			continue;
		other = want_replace(request->wants[i]);
		other->is_left = true;
		other->doubted_by |= UINT64_C(1) << request->node;
		want_list_prepend(&client->unsent[other->priority], other);
	}
	if (!is_wanted(request))
		request_uncount(request);
}

int64_t client_leave_slow(struct client *client, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;
	struct request *next;

	for (struct request *request = client->requests; request; request = next) {
		int64_t slow_at_ms = request->sent_at_ms + slow_ms(request);

		next = request->next;
		if (!is_leavable(request))
			continue;
		if (now_ms < slow_at_ms) {
			due_ms = sooner(due_ms, slow_at_ms);
			continue;
		}
		if (!may_leave(request)) { /* until the rest of another node ends */
			due_ms = sooner(due_ms, pool_next_ready_ms(client->pool, now_ms));
			continue;
		}
		client->has_news = true;
		node_was_slow(pool_node(client->pool, request->node), now_ms);
		if (request->kind == REQUEST_TIP)
			client_leave_tip(request);
		else
			leave_wants(request);
	}
	return due_ms;
}
