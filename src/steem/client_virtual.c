/* SPDX-License-Identifier: MIT */
/*
 * The virtual operations of wanted blocks: a second call for each block, to the node that
 * gives the block itself.
 */
#include "base/clock.h"
#include "steem/client_impl.h"
#include "steem/decode_virtual.h"

/*
 * A list that is empty though it should not be says at the tip that the node is not so far
 * yet; a minute below it, that the node leaves something out.
 */
#define SETTLED_BLOCKS 20

uint64_t client_without_virtual(const struct client *client)
{
	int64_t now_ms = clock_now_ms();
	uint64_t set = 0;

	for (unsigned i = 0; i < pool_count(client->pool); i++)
		if (pool_node(client->pool, i)->virtual_again_at_ms > now_ms)
			set |= UINT64_C(1) << i;
	return set;
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
	if (block->virtual_state == BLOCK_VIRTUAL_COMPLETE)
		return 0;
	*ret_is_fault = false;
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
	if (want->unverified && want->unverified->virtual_count >= block->virtual_count)
		return false;
	block_free(want->unverified);
	want->unverified = block;
	want->unverified_giver = index;
	return true;
}
