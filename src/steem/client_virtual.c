/* SPDX-License-Identifier: MIT */
/*
 * The virtual operations of wanted blocks: a second call for each block, to the node that
 * gives the block itself.
 */
#include <stdbool.h>

#include "base/clock.h"
#include "steem/client_impl.h"
#include "steem/decode_virtual.h"

/*
 * A list that is empty though it should not be says at the tip that the node is not so far
 * yet; a minute below it, that the node leaves something out.
 */
#define SETTLED_BLOCKS 20
/* After this many failed REQUEST_WITNESS in a row, the node counts as one without a history. */
#define WITNESS_TRIES 3

/*
 * The witness of an account history.  A node that did not import its history answers [] for every
 * block.  Below DECODE_FIRST_REWARDED_BLOCK this is also the right answer for a block without virtual
 * operations.  So before such an answer is believed, the node must give those of a block that must
 * have some: the first block from which on all have a producer_reward or, on a shorter chain, block 1,
 * where a test network has its hardforks.  A history is imported from some block on upwards, so
 * virtual operations that the node gave for a lower block are a witness too.
 */

uint64_t client_without_virtual(const struct client *client)
{
	int64_t now_ms = clock_now_ms();
	uint64_t set = 0;

	for (unsigned i = 0; i < pool_count(client->pool); i++)
		if (pool_node(client->pool, i)->virtual_again_at_ms > now_ms)
			set |= UINT64_C(1) << i;
	return set | client->witnesses_asked;
}

uint64_t want_not_from(const struct client *client, const struct want *want)
{
	if (want->half)
		return ~(UINT64_C(1) << want->half_giver);
	return want->is_virtual ? want->tried | client->without_virtual : want->tried;
}

void want_drop_half(struct want *want)
{
	block_free(want->half);
	want->half = NULL;
}

struct block *want_take_unverified(struct want *want)
{
	struct block *block = want->unverified;

	want->unverified = NULL;
	return block;
}

/* It says that it does not offer the call: it is as good as any for everything else. */
static void note_without_virtual(struct client *client, unsigned index, const struct error *err)
{
	struct node *node = pool_node(client->pool, index);
	int64_t now_ms = clock_now_ms();
	bool is_known = node->virtual_again_at_ms > now_ms;

	node->virtual_again_at_ms = now_ms + NODE_NO_VIRTUAL_MS;
	if (!is_known && client->observer.virtual_missing)
		client->observer.virtual_missing(client->observer.context, node, err,
						 NODE_NO_VIRTUAL_MS);
}

static uint32_t witness_block(const struct node *node)
{
	return node->head.irreversible_block >= DECODE_FIRST_REWARDED_BLOCK
		       ? DECODE_FIRST_REWARDED_BLOCK
		       : 1;
}

/* A node that rests is not asked: the empty list may be a late answer, from before it failed. */
static void ask_for_witness(struct client *client, unsigned index)
{
	const struct node *node = pool_node(client->pool, index);
	int64_t now_ms = clock_now_ms();
	struct request *request;

	if ((client->witnesses_asked >> index & 1) || !node_is_rested(node, now_ms) ||
	    node->virtual_again_at_ms > now_ms)
		return;
	client->witnesses_asked |= UINT64_C(1) << index;
	request = request_new(client, REQUEST_WITNESS, index, 1);
	request->calls[request->call_count++] =
		(struct rpc_call){.method = RPC_GET_OPS_IN_BLOCK, .block = witness_block(node)};
	request_send(request);
}

static bool gave_lately(const struct node_history *history)
{
	return history->first_given > 0 && clock_now_ms() - history->given_at_ms < NODE_HISTORY_MS;
}

static bool is_known(const struct node_history *history)
{
	return clock_now_ms() < history->until_ms;
}

static void keep_history(struct node_history *history, bool is_proven)
{
	history->until_ms = clock_now_ms() + NODE_HISTORY_MS;
	history->is_proven = is_proven;
	history->failures = 0;
}

/* It gave virtual operations of this block. */
static void note_given(struct node_history *history, uint32_t num)
{
	if (gave_lately(history) && num >= history->first_given)
		return;
	history->first_given = num;
	history->given_at_ms = clock_now_ms();
}

/* An empty list of an old block: 0 if it is believed, else -1 with err. */
static int judge_empty(struct client *client, unsigned index, uint32_t num, struct error *err)
{
	const struct node_history *history = &pool_node(client->pool, index)->history;

	if ((gave_lately(history) && history->first_given <= num) ||
	    (is_known(history) && history->is_proven))
		return 0;
	if (is_known(history))
		return error_set(
			err, ERROR_NODE,
			"block %u: the node gives no virtual operations for it, and does not prove that it has the account history of that time",
			num);
	ask_for_witness(client, index);
	/* No refusal of the block: the node is only not to be asked for a while. */
	return error_set_code(err, ERROR_NODE, RPC_FAILURE_UNSUPPORTED,
			      "block %u: the node must first prove that it has its account history",
			      num);
}

/*
 * The witness block came without virtual operations.  A node that gave those of other blocks has a part
 * of the history; so may a node that leaves producer_reward out, where such nodes are allowed.
 */
static void refuse_history(struct client *client, unsigned index, uint32_t num)
{
	struct node_history *history = &pool_node(client->pool, index)->history;
	struct error err = ERROR_INIT;

	if (client->config.takes_unverified || gave_lately(history)) {
		keep_history(history, false);
		return;
	}
	history->failures = 0;
	(void)error_set(
		&err, ERROR_NODE,
		"its account history is not imported, or not from the beginning: it gives no "
		"virtual operations of block %u, which must have some",
		num);
	note_without_virtual(client, index, &err);
}

/* The request failed: the node is in trouble for a moment, or never answers this request. */
static void miss_witness(struct client *client, unsigned index, const struct error *err,
			 int64_t retry_after_ms)
{
	struct node_history *history = &pool_node(client->pool, index)->history;
	struct error told = *err;

	(void)error_prefix(&told,
			   "get_ops_in_block, to see whether its account history is imported: ");
	if (client_failure(err) != RPC_FAILURE_UNSUPPORTED && ++history->failures < WITNESS_TRIES) {
		client_note_failure(client, index, 1, &told, retry_after_ms);
		return;
	}
	history->failures = 0;
	note_without_virtual(client, index, &told);
}

void client_witness_answer(struct request *request, const struct http_answer *answer,
			   const struct error *err)
{
	struct client *client = request->client;
	unsigned index = request->node;
	struct node_history *history = &pool_node(client->pool, index)->history;
	uint32_t num = request->calls[0].block;
	struct decode_witness witness = {.has_any = false};
	struct error own_err = ERROR_INIT;
	struct rpc_answer reply = {.error = ERROR_INIT};

	client->witnesses_asked &= ~(UINT64_C(1) << index);
	if (!err &&
	    rpc_decode(answer->body, answer->len, request->first_id, 1, &reply, &own_err) != 0)
		err = &own_err;
	if (!err && reply.error.kind != ERROR_NONE)
		err = &reply.error;
	if (!err && decode_virtual_witness(reply.result.data, reply.result.len, num, &witness,
					   &own_err) != 0)
		err = &own_err;
	if (err) {
		miss_witness(client, index, err, answer->retry_after_ms);
		return;
	}
	client_note_success(client, index, 0, answer);
	if (witness.has_any)
		note_given(history, num);
	if (num < DECODE_FIRST_REWARDED_BLOCK ? witness.has_any : witness.has_reward)
		keep_history(history, true);
	else
		refuse_history(client, index, num);
}

int client_add_virtual(struct client *client, unsigned index, struct block *block,
		       const struct rpc_answer *answer, bool *ret_is_fault, struct error *err)
{
	*ret_is_fault = true;
	if (answer->error.kind != ERROR_NONE) {
		*err = answer->error;
		(void)error_prefix(err, "get_ops_in_block, virtual operations: ");
		if (client_failure(err) == RPC_FAILURE_UNSUPPORTED) {
			*ret_is_fault = false;
			note_without_virtual(client, index, err);
		}
		return -1;
	}
	if (decode_virtual(answer->result.data, answer->result.len, block, err) != 0)
		return -1;
	if (block->virtual_count > 0)
		note_given(&pool_node(client->pool, index)->history, block->num);
	if (block->virtual_state == BLOCK_VIRTUAL_COMPLETE)
		return 0;
	*ret_is_fault = false;
	if (block->num < DECODE_FIRST_REWARDED_BLOCK) {
		if (judge_empty(client, index, block->num, err) != 0)
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
	    block->num + (uint64_t)SETTLED_BLOCKS > node->head.irreversible_block)
		return false;
	if (block->num < DECODE_FIRST_REWARDED_BLOCK && !is_known(&node->history))
		return false; /* the node may still prove that the block has none */
	if (want->unverified && want->unverified->virtual_count >= block->virtual_count)
		return false;
	block_free(want->unverified);
	want->unverified = block;
	want->unverified_giver = index;
	return true;
}
