/* SPDX-License-Identifier: MIT */
/* The sending half of the client: which wants go into which request to which node? */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"

#define CALL_BYTES_MAX 128
#define ID_MAX         2000000000U /* steemd answers ids above 2^32 - 1 as strings */
/* How far ahead of a batch to look for wants that the same node may be asked for. */
#define LOOK_AHEAD_MAX 2000
/* During a vote, a node that claims a block and did not give it is asked again after this time. */
#define ASK_LATE_MS 500

struct request *request_new(struct client *client, enum request_kind kind, unsigned node,
			    size_t count)
{
	struct request *request = xcalloc(1, sizeof(*request));

	request->client = client;
	request->kind = kind;
	request->node = node;
	request->calls = xcalloc(count, sizeof(*request->calls));
	if (kind == REQUEST_BLOCKS) {
		request->wants = xcalloc(count, sizeof(struct want *));
		request->is_second = xcalloc(count, sizeof(*request->is_second));
		client->block_requests++;
	}
	request->next = client->requests;
	if (client->requests)
		client->requests->prev = request;
	client->requests = request;
	return request;
}

void request_uncount(struct request *request)
{
	if (request->kind == REQUEST_BLOCKS && !request->is_uncounted)
		request->client->block_requests--;
	request->is_uncounted = true;
}

void request_free(struct request *request)
{
	struct client *client = request->client;

	if (request->prev)
		request->prev->next = request->next;
	else
		client->requests = request->next;
	if (request->next)
		request->next->prev = request->prev;
	request_uncount(request);
	free(request->calls);
	free(request->names);
	free(request->wants);
	free(request->is_second);
	free(request->slow_tip);
	free(request);
}

void request_add_witness(struct request *request)
{
	request->witness = request->call_count;
	request->calls[request->call_count++] =
		(struct rpc_call){.method = RPC_GET_OPS_IN_BLOCK,
				  .block = client_witness_block(request->client, request->node)};
}

static void post_request(struct request *request)
{
	struct client *client = request->client;
	struct node *node = pool_node(client->pool, request->node);
	CLEANUP(buf_release)
	struct buf body = BUF_INIT((request->call_count + 1) * CALL_BYTES_MAX);
	struct error err = ERROR_INIT;
	struct http_post post;

	if (client->next_id > ID_MAX)
		client->next_id = 1;
	request->first_id = client->next_id;
	client->next_id += (uint32_t)request->call_count;
	if (rpc_encode(&body, request->calls, request->call_count, request->first_id, &err) != 0)
		abort(); /* CALL_BYTES_MAX is too small: a bug */
	post = (struct http_post){
		.url = node->url,
		.body = body.data,
		.len = body.len,
		.timeout_ms =
			request->timeout_ms > 0 ? request->timeout_ms : client->config.timeout_ms,
		.max_answer_bytes = client->config.max_answer_bytes,
		.done = client_answer,
		.context = request,
	};
	request->sent_at_ms = clock_now_ms();
	http_post(client->http, &post);
}

void request_send(struct request *request)
{
	struct node *node = pool_node(request->client->pool, request->node);
	int64_t now_ms = clock_now_ms();
	int64_t at_ms = node_sent(node, now_ms);

	if (at_ms > now_ms)
		request->due_ms = at_ms;
	else
		post_request(request);
}

int64_t client_send_due(struct client *client, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;
	struct request *next;

	for (struct request *request = client->requests; request; request = next) {
		next = request->next;
		if (request->due_ms == 0)
			continue;
		if (request->due_ms > now_ms && !request->is_orphan) {
			due_ms = sooner(due_ms, request->due_ms);
			continue;
		}
		request->due_ms = 0;
		if (request->is_orphan) { /* its pool was replaced, so the node no longer exists */
			const struct http_answer none = {.body = ""};
			struct error err = ERROR_INIT;

			(void)error_set(&err, ERROR_RETRY,
					"the nodes were replaced before it was asked");
			client_answer(request, &none, &err);
		} else {
			post_request(request);
		}
	}
	return due_ms;
}

static bool has_connection(const struct client *client, enum client_priority priority)
{
	return client->block_requests <
	       client->config.connections + (priority == CLIENT_TAIL ? 1 : 0);
}

/*
 * No node can be asked for this want now.  Can one be asked soon? The want does not wait for a
 * node that rests.  It waits for a node whose head is not known yet or was just requested: it
 * may have the block by then.
 */
static bool is_refused(const struct client *client, const struct want *want, uint64_t healthy)
{
	uint64_t not_from = want_not_from(client, want);
	uint64_t untried = healthy & ~not_from;

	if (want_has_open_vote(client, want) || want_waits_for_late(client, want))
		return false;
	if (untried & client->heads_asked)
		return false;
	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		const struct node *node = pool_node(client->pool, i);

		/* We will know in a moment whether it is alive. */
		if (node->is_probed && !node->is_away && !(not_from >> i & 1))
			return false;
		/* A node that has it is only busy, or has used up its rate for the moment. */
		if ((untried >> i & 1) && (node->head_at_ms == 0 || want_is_claimed(want, node)))
			return false;
	}
	/*
	 * The remaining nodes do not have it yet. If no node refused it, it is too early for all
	 * of them.
	 */
	return (healthy & not_from) != 0;
}

/* Add the next call to a request; the want is set only at its first call. */
static void add_call(struct request *request, enum rpc_method method, struct want *want)
{
	request->is_second[request->call_count] = method == RPC_GET_OPS_IN_BLOCK &&
						  request->call_count > 0 &&
						  request->wants[request->call_count - 1] == want;
	request->calls[request->call_count] =
		(struct rpc_call){.method = method, .block = want->num};
	request->wants[request->call_count] = request->is_second[request->call_count] ? NULL : want;
	request->call_count++;
}

/*
 * Both halves of a block go into one request if it has room for two calls at all; otherwise the
 * second half is requested when the first has arrived.  The witness follows the virtual
 * operations of old blocks, in the same request: *is_witnessed reserves a place for it.  False:
 * there is no room left.
 */
static bool add_want(struct request *request, unsigned limit, struct want *want, bool *is_witnessed)
{
	bool is_old = want_is_old(want);
	bool is_pair = want->is_virtual && !want->half && limit > (is_old ? 2 : 1);
	bool with_witness = *is_witnessed || (is_old && limit > 1 && (is_pair || want->half));

	if (request->call_count + (is_pair ? 2 : 1) + (with_witness ? 1 : 0) > limit)
		return false;
	*is_witnessed = with_witness;
	add_call(request, want->half ? RPC_GET_OPS_IN_BLOCK : RPC_GET_BLOCK, want);
	if (is_pair)
		add_call(request, RPC_GET_OPS_IN_BLOCK, want);
	return true;
}

/*
 * Send `want`, and the wants after it that the node may be asked for, in one request. Returns
 * the next unsent want to look at.
 */
static struct want *send_batch(struct client *client, struct want *want, unsigned index)
{
	struct want_list *list = &client->unsent[want->priority];
	const struct node *node = pool_node(client->pool, index);
	unsigned limit = node_batch_now(node);
	struct want *at = want, *next, *left = NULL;
	struct request *request;
	bool is_witnessed = false;

	if (limit > client->config.batch_size)
		limit = client->config.batch_size;
	if (limit == 0)
		limit = 1;
	if (limit == 1 && want->half && want_is_old(want) && !node->refuses_batches)
		limit = 2; /* otherwise nothing could prove that an empty list is right */
	if (want->is_alone && limit > 3)
		limit = 3; /* both halves, and the witness */
	request = request_new(client, REQUEST_BLOCKS, index, limit);
	for (unsigned seen = 0; at && request->call_count < limit && seen < LOOK_AHEAD_MAX;
	     seen++) {
		next = at->next;
		if ((at == want || (!want->is_alone && !at->is_alone)) &&
		    node_may_be_asked(node, index, want_not_from(client, at)) &&
		    want_is_claimed(at, node)) {
			if (!add_want(request, limit, at, &is_witnessed))
				break;
			want_list_remove(list, at);
		} else if (!left) {
			left = at;
		}
		at = next;
	}
	if (is_witnessed)
		request_add_witness(request);
	request_send(request);
	return left ? left : at;
}

/* The first list must come from the node that gave the block: can it? */
static bool may_complete(const struct client *client, const struct want *want, uint64_t healthy)
{
	const struct node *node = pool_node(client->pool, want->half_source);

	return (healthy >> want->half_source & 1) && want_is_claimed(want, node);
}

/* Is a node that may have the block by now being asked for its head? */
static bool may_come(const struct client *client, uint64_t not_these)
{
	for (unsigned i = 0; i < pool_count(client->pool); i++)
		if ((client->heads_asked & ~not_these) >> i & 1 &&
		    !pool_node(client->pool, i)->is_silent)
			return true;
	return false;
}

static void send_unsent(struct client *client, enum client_priority priority, int64_t now_ms)
{
	struct want_list *list = &client->unsent[priority];
	struct want *want = list->first;
	uint64_t healthy = pool_healthy(client->pool, now_ms);

	/* While no node is healthy, wants simply wait. */
	while (want && healthy && has_connection(client, priority)) {
		struct want *next = want->next;
		uint32_t block;
		uint64_t last; /* nodes to be asked only if no other can be */
		int index;

		if (want->half && !want->is_listed && !may_complete(client, want, healthy))
			want_drop_half(want);
		last = want->doubted_by |
		       (priority == CLIENT_TAIL ? pool_slow(client->pool, now_ms) : 0);
		block = want->is_reversible ? 0 : want->num;
		index = pool_pick(client->pool, now_ms, block, want_not_from(client, want) | last);
		if (index < 0 && last && !may_come(client, want_not_from(client, want) | last))
			index = pool_pick(client->pool, now_ms, block, want_not_from(client, want));
		if (index >= 0) {
			next = send_batch(client, want, (unsigned)index);
		} else if (is_refused(client, want, healthy)) {
			want_list_remove(list, want);
			want_list_append(&client->refused, want);
		} else if (want_waits_for_late(client, want)) {
			client_look_again(client, now_ms + ASK_LATE_MS);
		}
		want = next;
	}
}

int64_t client_send_wants(struct client *client, int64_t now_ms)
{
	client->without_virtual = client_without_virtual(client, false);
	client->without_history = client_without_virtual(client, true);
	send_unsent(client, CLIENT_TAIL, now_ms);
	send_unsent(client, CLIENT_REPLAY, now_ms);
	if (client->unsent[CLIENT_TAIL].count + client->unsent[CLIENT_REPLAY].count == 0)
		return CLOCK_NEVER;
	return pool_next_ready_ms(client->pool, now_ms);
}
