/* SPDX-License-Identifier: MIT */
/*
 * The heads of all nodes.  A node that claims an irreversible block far above any block
 * that it ever gave must give that block first: otherwise one wild answer would lead the
 * reader to a place from which there is no way back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"

/* A node that does not tell its head for this long is not waited for. */
#define SILENT_MS 2000

/* Request the block that the node claims to have. */
static void ask_for_proof(struct client *client, unsigned index, const struct chain_head *claim)
{
	struct request *request = request_new(client, REQUEST_PROOF, index, 1);

	client->heads_asked |= UINT64_C(1) << index;
	pool_node(client->pool, index)->head_asked_at_ms = clock_now_ms();
	request->claim = *claim;
	request->calls[request->call_count++] =
		(struct rpc_call){.method = RPC_GET_BLOCK, .block = claim->irreversible_block};
	request_send(request);
}

/* The node claims more blocks than can exist in the time since the newest stored block. */
static void tell_impossible(struct client *client, const struct node *node)
{
	struct error err = ERROR_INIT;

	if (node->head.irreversible_block <= pool_ceiling(client->pool) ||
	    !client->observer.claim_false)
		return;
	(void)error_set_node(
		&err, RPC_FAILURE_FALSE,
		"claims that block %u is irreversible, which is not possible before block %u by the clock of the database",
		node->head.irreversible_block, pool_ceiling(client->pool));
	client->observer.claim_false(client->observer.context, node, &err);
}

static void keep_head(struct client *client, unsigned index, const struct chain_head *head)
{
	struct node *node = pool_node(client->pool, index);

	node_set_head(node, head, clock_now_ms());
	tell_impossible(client, node);
	if (client->observer.head_seen)
		client->observer.head_seen(client->observer.context, node);
}

int client_take_head(struct client *client, unsigned index, const struct rpc_answer *answer,
		     struct chain_head *ret_head, struct error *err)
{
	struct node *node = pool_node(client->pool, index);

	if (answer->error.kind != ERROR_NONE) {
		*err = answer->error;
		return -1;
	}
	if (decode_head(answer->result.data, answer->result.len, ret_head, err) != 0)
		return -1;
	if (node_must_prove(node, ret_head)) {
		if (!(client->heads_asked >> index & 1))
			ask_for_proof(client, index, ret_head);
		*ret_head = node->head; /* the head that was believed until now */
		return 1;
	}
	keep_head(client, index, ret_head);
	return 0;
}

static void ask_head(struct client *client, unsigned index)
{
	int64_t now_ms = clock_now_ms();
	struct request *request;

	if ((client->heads_asked >> index & 1) ||
	    !node_is_rested(pool_node(client->pool, index), now_ms))
		return;
	client->heads_asked |= UINT64_C(1) << index;
	pool_node(client->pool, index)->head_asked_at_ms = now_ms;
	request = request_new(client, REQUEST_HEAD, index, 1);
	request->calls[request->call_count++].method = RPC_GET_DYNAMIC_GLOBAL_PROPERTIES;
	request_send(request);
}

void client_poll_heads(struct client *client, int64_t max_age_ms)
{
	int64_t now_ms = clock_now_ms();

	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		const struct node *node = pool_node(client->pool, i);

		if (node->head_at_ms == 0 || now_ms - node->head_at_ms >= max_age_ms)
			ask_head(client, i);
	}
}

void client_ask_heads_below(struct client *client, uint32_t block)
{
	for (unsigned i = 0; i < pool_count(client->pool); i++)
		if (pool_node(client->pool, i)->head.irreversible_block < block)
			ask_head(client, i);
}

int64_t client_note_silent(struct client *client, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;

	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		struct node *node = pool_node(client->pool, i);

		if (!(client->heads_asked >> i & 1) || node->is_silent)
			continue;
		if (now_ms < node->head_asked_at_ms + SILENT_MS) {
			due_ms = sooner(due_ms, node->head_asked_at_ms + SILENT_MS);
			continue;
		}
		node->is_silent = true;
		client->has_news = true;
	}
	return due_ms;
}

unsigned client_heads_pending(const struct client *client)
{
	return (unsigned)__builtin_popcountll(client->heads_asked);
}

/* Handle the block that should prove the claim. */
static int take_proof(struct request *request, const struct rpc_answer *answer, struct error *err)
{
	struct client *client = request->client;
	uint32_t num = request->claim.irreversible_block;
	struct error block_err = answer->error;
	struct block *block = NULL;

	if (block_err.kind == ERROR_NONE)
		block = decode_block(answer->result.data, answer->result.len, num,
				     client->config.proof, &block_err);
	if (!block)
		return error_set_node(
			err, RPC_FAILURE_OTHER_NODE,
			"claims that block %u is irreversible, but does not give it: %.200s", num,
			block_err.text);
	block_free(block);
	node_gave(pool_node(client->pool, request->node), num);
	keep_head(client, request->node, &request->claim);
	return 0;
}

/*
 * A node that does not tell its head is away.  A node that does not prove its head, or that sent
 * a Retry-After, only rests.
 */
void client_note_no_head(const struct request *request, const struct error *err,
			 int64_t retry_after_ms)
{
	enum rpc_failure failure = client_failure(err);

	if (request->kind == REQUEST_PROOF || failure == RPC_FAILURE_WAIT ||
	    failure == RPC_FAILURE_UNSUPPORTED || retry_after_ms > 0)
		client_note_failure(request->client, request->node, 1, err, retry_after_ms);
	else
		client_note_lost(request->client, request->node, err);
}

void client_head_answer(struct request *request, const struct http_answer *answer,
			const struct error *err)
{
	struct client *client = request->client;
	struct rpc_answer reply;
	struct chain_head head;
	struct error own_err = ERROR_INIT;
	int result = -1;

	if (!request->is_probe)
		client->heads_asked &= ~(UINT64_C(1) << request->node);
	if (!err &&
	    rpc_decode(answer->body, answer->len, request->first_id, 1, &reply, &own_err) == 0)
		result = request->kind == REQUEST_PROOF
				 ? take_proof(request, &reply, &own_err)
				 : client_take_head(client, request->node, &reply, &head, &own_err);
	if (result < 0)
		client_note_no_head(request, err ? err : &own_err, answer->retry_after_ms);
	else if (result == 0)
		client_note_success(client, request->node, 0, answer);
	if (request->is_probe) {
		if (result >= 0)
			pool_node(client->pool, request->node)->is_away = false;
		client_decide_waiting(client, request->node, result >= 0);
	}
}
