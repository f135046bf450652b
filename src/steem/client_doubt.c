/* SPDX-License-Identifier: MIT */
/*
 * Requests that failed as a whole, and nodes that answer nothing.
 *
 * When a request for blocks ends without a usable answer, either the node is at fault (it
 * is dead, or frozen) or one of the blocks (each node that is asked for it hangs, or
 * breaks).  So the node is asked for its head.  If it does not answer, it is away, and
 * other nodes are asked for the blocks.  If it answers, it stays in use, and each block is
 * requested alone: then the next failure shows which block it is. If a node goes away
 * again and again after a request for the same block, the block is to blame. "Too busy"
 * and similar answers are believed a few times first.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"

/* A living node tells its head within this time. */
#define PROBE_MS 3000
/*
 * How long the client waits for a block after the first living node failed to give it, however many
 * nodes there are.
 */
#define PATIENCE_MS 15000
/*
 * The same for a vote, while the nodes that have not voted only rest: without them another block
 * could win.
 */
#define VOTE_PATIENCE_MS 60000
/*
 * A node whose Retry-After is this long or longer is asked for its head all the same: one block
 * must not make the tail wait for a minute.
 */
#define RETRY_LONG_MS 5000
/*
 * How often in a row a node goes away after a request for a block until the block is requested
 * alone, and until it is given up.
 */
#define LOST_ALONE 2
#define LOST_LIMIT 3
/*
 * A refused batch and an answer beyond its limit are both BATCH failures; a refusal is shorter
 * than this.
 */
#define REFUSAL_BYTES 65536

int64_t client_longest_ms(const struct client *client)
{
	return 2 * (client->config.timeout_ms + CLIENT_REPEAT_MS + PROBE_MS) +
	       (pool_count(client->pool) > 1 ? VOTE_PATIENCE_MS : PATIENCE_MS);
}

/* Ask the node for its head, to see whether it is away. */
static void ask_head(struct client *client, unsigned index, int64_t timeout_ms)
{
	struct request *request = request_new(client, REQUEST_HEAD, index, 1);

	pool_node(client->pool, index)->is_probed = true;
	request->is_probe = true;
	request->timeout_ms = timeout_ms;
	request->calls[request->call_count++].method = RPC_GET_DYNAMIC_GLOBAL_PROPERTIES;
	request_send(request);
}

int64_t client_ask_away(struct client *client, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;

	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		int64_t at_ms = node_head_due_ms(pool_node(client->pool, i));

		if (now_ms >= at_ms)
			ask_head(client, i, client->config.timeout_ms);
		else
			due_ms = sooner(due_ms, at_ms);
	}
	return due_ms;
}

bool client_offers_blocks(const struct client *client, unsigned index)
{
	return pool_node(client->pool, index)->proven_block > 0;
}

/* Was this said so often about each of these blocks that one of them may be the cause? */
static bool is_said_again(const struct request *request)
{
	bool is_again = request->wants != NULL;

	for (size_t i = 0; request->wants && i < request->call_count; i++)
		if (request->wants[i] && ++request->wants[i]->busy_count <= CLIENT_BUSY_LIMIT)
			is_again = false;
	return is_again;
}

/* Does the answer itself say what to do: ask later, ask for less, or do not ask for this? */
static bool is_plain(const struct request *request, const struct error *err,
		     const struct http_answer *answer)
{
	enum rpc_failure failure = client_failure(err);

	if (failure == RPC_FAILURE_BATCH && request->call_count > 1 && answer->len < REFUSAL_BYTES)
		return true;
	if (failure == RPC_FAILURE_UNSUPPORTED &&
	    !client_offers_blocks(request->client, request->node))
		return true;
	return (failure == RPC_FAILURE_WAIT || failure == RPC_FAILURE_UNSUPPORTED ||
		answer->retry_after_ms > 0) &&
	       answer->retry_after_ms < RETRY_LONG_MS && !is_said_again(request);
}

bool client_doubt(struct request *request, const struct error *err,
		  const struct http_answer *answer)
{
	struct client *client = request->client;
	struct node *node = pool_node(client->pool, request->node);

	if (is_plain(request, err, answer)) {
		client_note_failure(client, request->node, request->call_count, err,
				    answer->retry_after_ms);
		client_put_back(client, request);
		return false;
	}
	if (node->is_away) { /* the request was sent before the node was known to be away */
		client_put_back(client, request);
		return false;
	}
	request->is_waiting = true;
	request->failure = *err;
	request->received_bytes = answer->len;
	request_uncount(request);
	if (!node->is_probed)
		ask_head(client, request->node,
			 client->config.timeout_ms < PROBE_MS ? client->config.timeout_ms
							      : PROBE_MS);
	return true;
}

uint32_t client_only_block(const struct request *request)
{
	uint32_t only = 0;

	for (size_t i = 0; i < client_block_calls(request); i++) {
		uint32_t num = request->calls[i].block;

		if (num == 0 || num == only)
			continue;
		if (only != 0)
			return 0;
		only = num;
	}
	return only;
}

void client_look_again(struct client *client, int64_t at_ms)
{
	client->patience_at_ms = sooner(client->patience_at_ms, at_ms);
}

void want_set_doubted(struct client *client, struct want *want)
{
	if (want->doubted_at_ms == 0)
		want->doubted_at_ms = clock_now_ms();
	client_look_again(client, want->doubted_at_ms + PATIENCE_MS);
}

/*
 * Was the batch too large?  If no byte came, the node may have been stuck for a moment, so only
 * the second such batch in a row counts.
 */
static bool is_too_large(struct node *node, const struct request *request)
{
	enum rpc_failure failure = rpc_failure_of(&request->failure);

	if (request->call_count <= 1)
		return false;
	if (request->received_bytes == 0)
		return ++node->silent_batches >= 2;
	return failure == RPC_FAILURE_CUT || failure == RPC_FAILURE_BATCH;
}

static void blame_blocks(struct request *request)
{
	struct client *client = request->client;
	struct node *node = pool_node(client->pool, request->node);
	uint32_t only = client_only_block(request);
	bool is_busy = client_failure(&request->failure) == RPC_FAILURE_WAIT;

	for (size_t i = 0; request->wants && i < request->call_count; i++) {
		struct want *want = request->wants[i];

		if (!want)
			continue;
		want_set_doubted(client, want);
		want->is_alone = true;
		want->doubted_by |= UINT64_C(1) << request->node;
		if (is_busy)
			want->busy_by |= UINT64_C(1) << request->node;
		if (only && !(is_busy && want_has_open_list(want)))
			want_set_refused_by(want, request->node, &request->failure);
		else
			want->busy_count = 0; /* a request for this block alone is a new question */
	}
	if (only && client->observer.block_refused)
		client->observer.block_refused(client->observer.context, node, only,
					       &request->failure);
	if (!only && client->observer.request_split)
		client->observer.request_split(client->observer.context, node, &request->failure);
}

static uint32_t highest_block(const struct request *request)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < client_block_calls(request); i++)
		if (request->calls[i].block > highest)
			highest = request->calls[i].block;
	return highest;
}

/* This request failed, although its node is alive. */
static void fail_alive(struct request *request, bool may_shrink)
{
	struct client *client = request->client;
	struct node *node = pool_node(client->pool, request->node);

	blame_blocks(request);
	if (highest_block(request) > node->proven_block)
		node_claimed_in_vain(node, clock_now_ms());
	if (may_shrink && is_too_large(node, request) && node_shrink_batch(node) &&
	    client->observer.batch_reduced)
		client->observer.batch_reduced(client->observer.context, node, &request->failure);
	if (node_withheld(node, client_only_block(request)))
		client_rest(client, request->node, RPC_FAILURE_OTHER_NODE, &request->failure, 0);
}

/*
 * This request failed, and its node was away after it.  A single time says nothing about the
 * blocks; but one of them may kill or freeze the node each time it is requested.  A node that is
 * only too busy, for its head as well, says nothing about the blocks.
 */
static void fail_away(struct request *request, bool is_only)
{
	struct client *client = request->client;
	struct node *node = pool_node(client->pool, request->node);

	for (size_t i = 0; request->wants && i < request->call_count; i++) {
		struct want *want = request->wants[i];

		if (want)
			want->busy_count = 0;
		if (!want || !node->is_away)
			continue;
		if (is_only || want->lost_count < LOST_ALONE)
			want->lost_count++;
		if (want->lost_count < LOST_ALONE)
			continue;
		want->is_alone = true;
		want->doubted_by |= UINT64_C(1) << request->node;
		node->is_careful =
			true; /* one request at a time, because each crash loses all of them */
		if (want->lost_count < LOST_LIMIT)
			continue;
		want_set_refused_by(want, request->node, &request->failure);
		want_set_doubted(client, want);
		if (client->observer.block_refused)
			client->observer.block_refused(client->observer.context, node, want->num,
						       &request->failure);
	}
}

void client_decide_waiting(struct client *client, unsigned index, bool is_alive)
{
	struct request *next;
	bool may_shrink = true; /* requests that failed together have one cause: shrink once */
	size_t count = 0;

	for (const struct request *request = client->requests; request; request = request->next)
		if (request->node == index && !request->is_orphan &&
		    (request->kind == REQUEST_BLOCKS || request->kind == REQUEST_TIP))
			count++;

	pool_node(client->pool, index)->is_probed = false;
	for (struct request *request = client->requests; request; request = next) {
		next = request->next;
		if (!request->is_waiting || request->node != index)
			continue;
		if (is_alive) {
			fail_alive(request, may_shrink);
			may_shrink = may_shrink && request->call_count <= 1;
		} else {
			fail_away(request, count == 1 && client_only_block(request) != 0);
		}
		client_put_back(client, request);
		request_free(request);
	}
}

void client_note_lost(struct client *client, unsigned index, const struct error *err)
{
	struct node *node = pool_node(client->pool, index);
	const struct error *first = err;
	int64_t delay_ms = node_lost(node, clock_now_ms());

	for (const struct request *request = client->requests; request; request = request->next)
		if (request->is_waiting && request->node == index)
			first = &request->failure;
	if (client->observer.node_failed)
		client->observer.node_failed(client->observer.context, node, first, delay_ms);
}

void client_drop_waiting(struct client *client)
{
	struct request *next;

	for (struct request *request = client->requests; request; request = next) {
		next = request->next;
		if (!request->is_waiting)
			continue;
		client_put_back(client, request);
		request_free(request);
	}
}

/* Wants that have been doubted for too long. */

static bool is_overdue(struct client *client, const struct want *want, int64_t now_ms)
{
	int64_t patience_ms = want_has_open_vote(client, want) ? VOTE_PATIENCE_MS : PATIENCE_MS;

	if (want->doubted_at_ms == 0)
		return false;
	if (want->reason && now_ms - want->doubted_at_ms >= patience_ms)
		return true;
	/* A block that was not requested alone yet is checked again after a second. */
	client_look_again(client, now_ms - want->doubted_at_ms >= PATIENCE_MS
					  ? now_ms + 1000
					  : want->doubted_at_ms + PATIENCE_MS);
	return false;
}

/* A want under way stays without a sink; the copy replaces it. */
struct want *want_replace(struct want *want)
{
	struct want *other = xcalloc(1, sizeof(*other));

	if (!want->is_listed)
		want_drop_half(want);
	*other = *want;
	want->reason = NULL;
	want->half = NULL;
	want->is_listed = false;
	want->unverified = NULL;
	want->versions = NULL;
	want->lists = want->agreed_list = NULL;
	want->sink = NULL;
	return other;
}

int64_t client_refuse_overdue(struct client *client, int64_t now_ms)
{
	struct want *next;

	if (client->wanted_count == 0)
		client->patience_at_ms = CLOCK_NEVER;
	if (now_ms < client->patience_at_ms)
		return client->patience_at_ms;
	client->patience_at_ms = CLOCK_NEVER;
	for (size_t priority = 0; priority < CLIENT_PRIORITIES; priority++) {
		for (struct want *want = client->unsent[priority].first; want; want = next) {
			next = want->next;
			if (!is_overdue(client, want, now_ms)) {
				if (want_waits_for_late(client, want))
					want_ask_late_again(client, want);
				continue;
			}
			want_list_remove(&client->unsent[priority], want);
			want_list_append(&client->refused, want);
		}
	}
	for (struct request *request = client->requests; request; request = request->next) {
		for (size_t i = 0; request->wants && i < request->call_count; i++) {
			struct want *want = request->wants[i];

			if (want && want->sink && is_overdue(client, want, now_ms))
				want_list_append(&client->refused, want_replace(want));
		}
	}
	return client->patience_at_ms;
}
