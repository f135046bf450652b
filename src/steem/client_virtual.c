/* SPDX-License-Identifier: MIT */
/*
 * The virtual operations of wanted blocks: a second call for each block, to the node that
 * gives the block itself.  Then other nodes are asked for their lists alone, see
 * client_vote.c.
 */
#include <stdbool.h>

#include "base/clock.h"
#include "steem/client_impl.h"
#include "steem/decode_virtual.h"

/*
 * Within this many blocks of the tip, a list that is wrongly empty means that the node does not
 * have it yet; below them it means that the node leaves something out.
 */
#define TIP_BLOCKS 20
/*
 * After this many answers in a row without the proof, the node is not asked for such blocks for
 * a while.
 */
#define UNPROVEN_LIMIT 10
/* After this many, new connections are used: a kept one may lead to the same server each time. */
#define UNPROVEN_RENEW 3

/*
 * The witness of an account history.  A server that did not import its history answers [] for
 * every block.  Below DECODE_FIRST_REWARDED_BLOCK this is also the right answer for a block
 * without virtual operations.  So an empty list of such a block is believed only if the same
 * answer has the list of a block that must have some: the first block from which on all have a
 * producer_reward or, on a shorter chain, block 1, where a test network has its hardforks.  It
 * must be the same answer, because one name may stand for several servers: a proof by one of
 * them says nothing about another.  Such a request is repeated, because another server may send
 * the next answer.
 */

uint64_t client_without_virtual(const struct client *client, bool is_old)
{
	int64_t now_ms = clock_now_ms();
	uint64_t set = 0;

	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		const struct node *node = pool_node(client->pool, i);

		if (node->virtual_again_at_ms > now_ms ||
		    (is_old && node->history_again_at_ms > now_ms))
			set |= UINT64_C(1) << i;
	}
	return set;
}

bool want_is_old(const struct want *want)
{
	return want->is_virtual && want->num < DECODE_FIRST_REWARDED_BLOCK;
}

uint64_t want_without_virtual(const struct client *client, const struct want *want)
{
	if (!want->is_virtual)
		return 0;
	return want_is_old(want) ? client->without_history : client->without_virtual;
}

uint64_t want_not_from(const struct client *client, const struct want *want)
{
	if (want->half && !want->is_listed)
		return ~(UINT64_C(1) << want->half_source);
	return want->tried | want_without_virtual(client, want);
}

void want_drop_half(struct want *want)
{
	block_free(want->half);
	want->half = NULL;
	want->is_listed = false;
}

struct block *want_take_unverified(struct want *want)
{
	struct block *block = want->unverified;

	want->unverified = NULL;
	return block;
}

/* The node is as good as any other for all other requests. */
static void note_without_virtual(struct client *client, unsigned index, int64_t *again_at_ms,
				 const struct error *err)
{
	struct node *node = pool_node(client->pool, index);
	int64_t now_ms = clock_now_ms();
	bool is_known = *again_at_ms > now_ms;

	*again_at_ms = now_ms + NODE_NO_VIRTUAL_MS;
	if (!is_known && client->observer.virtual_missing)
		client->observer.virtual_missing(client->observer.context, node, err,
						 NODE_NO_VIRTUAL_MS);
}

uint32_t client_witness_block(const struct client *client, unsigned index)
{
	return pool_node(client->pool, index)->head.irreversible_block >=
			       DECODE_FIRST_REWARDED_BLOCK
		       ? DECODE_FIRST_REWARDED_BLOCK
		       : 1;
}

size_t client_block_calls(const struct request *request)
{
	return request->witness > 0 ? request->witness : request->call_count;
}

void client_read_witness(struct request *request, const struct rpc_answer *answers)
{
	const struct rpc_answer *answer = &answers[request->witness];
	uint32_t num = request->calls[request->witness].block;
	struct node *node = pool_node(request->client->pool, request->node);
	struct decode_witness witness = {.has_any = false};
	struct error *err = &request->unproven;

	*err = (struct error)ERROR_INIT;
	if (request->witness == 0) {
		(void)error_set(err, ERROR_NODE,
				"and it can only prove in a batch that it has its account history");
		return;
	}
	node->unproven_in_row++;
	if (answer->error.kind != ERROR_NONE) {
		*err = answer->error;
		(void)error_prefix(err,
				   "and get_ops_in_block of block %u, which proves that its "
				   "account history is imported, failed: ",
				   num);
	} else if (decode_virtual_witness(answer->result.data, answer->result.len, num, &witness,
					  err) == 0) {
		if (num < DECODE_FIRST_REWARDED_BLOCK ? witness.has_any : witness.has_reward) {
			node->unproven_in_row = 0;
			return;
		}
		(void)error_set_node(
			err, RPC_FAILURE_UNSUPPORTED,
			"and its account history is not imported, or not from the beginning: it "
			"gives no virtual operations of block %u, which must have some",
			num);
	}
}

/* The list of an old block is empty: 0 if this is believed, else -1 with err. */
static int judge_empty(const struct request *request, uint32_t num, bool *ret_is_fault,
		       struct error *err)
{
	bool may_pass = rpc_failure_of(&request->unproven) == RPC_FAILURE_UNSUPPORTED;

	if (request->unproven.kind == ERROR_NONE)
		return 0;
	*err = request->unproven;
	/*
	 * If unverified lists are accepted, there is no need to wait for another server's
	 * answer.
	 */
	if (may_pass && request->client->config.takes_unverified)
		rpc_set_failure(err, RPC_FAILURE_NONE);
	*ret_is_fault = request->witness > 0 && !may_pass;
	return error_prefix(err, "block %u: the node gives no virtual operations for it, ", num);
}

void client_note_unproven(struct request *request, size_t i, struct block *block,
			  const struct error *err)
{
	struct client *client = request->client;
	struct node *node = pool_node(client->pool, request->node);
	struct want *want = request->wants[i];

	if (client->observer.block_refused)
		client->observer.block_refused(client->observer.context, node, block->num, err);
	if (node->unproven_in_row >= UNPROVEN_RENEW)
		http_renew_connections(client->http);
	if (node->unproven_in_row >= UNPROVEN_LIMIT) {
		node->unproven_in_row = 0;
		note_without_virtual(client, request->node, &node->history_again_at_ms, err);
	}
	request->wants[i] = NULL;
	want->half = block;
	if (!want->is_listed)
		want->half_source = request->node;
	/*
	 * Only the second of two requests is repeated: otherwise two servers that answer in turn
	 * would get the same one of the two each time.
	 */
	if (request->calls[i].method != RPC_GET_OPS_IN_BLOCK ||
	    node->history_again_at_ms > clock_now_ms())
		want_drop_half(want);
	/* Append it, for the same reason: several requests under way alternate as well. */
	if (want->sink)
		want_list_append(&client->unsent[want->priority], want);
	else
		want_free(want);
}

int client_add_virtual(struct request *request, struct block *block,
		       const struct rpc_answer *answer, bool *ret_is_fault, struct error *err)
{
	*ret_is_fault = true;
	if (answer->error.kind != ERROR_NONE) {
		*err = answer->error;
		(void)error_prefix(err, "get_ops_in_block, virtual operations: ");
		if (client_failure(err) == RPC_FAILURE_UNSUPPORTED) {
			*ret_is_fault = false;
			note_without_virtual(request->client, request->node,
					     &pool_node(request->client->pool, request->node)
						      ->virtual_again_at_ms,
					     err);
		}
		return -1;
	}
	if (decode_virtual(answer->result.data, answer->result.len, block, err) != 0)
		return -1;
	if (block->virtual_state == BLOCK_VIRTUAL_COMPLETE)
		return 0;
	*ret_is_fault = false;
	if (block->num < DECODE_FIRST_REWARDED_BLOCK) {
		if (judge_empty(request, block->num, ret_is_fault, err) != 0)
			return -1;
		block->virtual_state = BLOCK_VIRTUAL_COMPLETE;
		return 0;
	}
	return error_set(err, ERROR_NODE,
			 "block %u: the node does not have all of its virtual operations: there is "
			 "no producer_reward among %zu",
			 block->num, block->virtual_count);
}

bool want_keep_unverified(struct client *client, struct want *want, struct block *block,
			  unsigned index)
{
	const struct node *node = pool_node(client->pool, index);

	if (!client->config.takes_unverified || block->virtual_state != BLOCK_VIRTUAL_UNVERIFIED)
		return false;
	if (block->virtual_count == 0 &&
	    block->num + (uint64_t)TIP_BLOCKS > node->head.irreversible_block)
		return false;
	if (want->unverified && want->unverified->virtual_count >= block->virtual_count)
		return false;
	block_free(want->unverified);
	want->unverified = block;
	want->unverified_source = index;
	return true;
}
