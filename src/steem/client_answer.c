/* SPDX-License-Identifier: MIT */
/* The receiving half of the client: what an answer means for its wants and its node. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/client_impl.h"

enum rpc_failure client_failure(const struct error *err)
{
	enum rpc_failure failure = rpc_failure_of(err);

	return failure == RPC_FAILURE_NONE ? RPC_FAILURE_OTHER_NODE : failure;
}

void client_rest(struct client *client, unsigned index, enum rpc_failure failure,
		 const struct error *err, int64_t retry_after_ms)
{
	struct node *node = pool_node(client->pool, index);
	unsigned batch_size = node->batch_size;
	int64_t delay_ms = node_failed(node, clock_now_ms(), (int)failure, retry_after_ms);

	if (client->observer.node_failed)
		client->observer.node_failed(client->observer.context, node, err, delay_ms);
	if (node->batch_size < batch_size && client->observer.batch_reduced)
		client->observer.batch_reduced(client->observer.context, node, err);
}

void client_note_failure(struct client *client, unsigned index, size_t call_count,
			 const struct error *err, int64_t retry_after_ms)
{
	struct node *node = pool_node(client->pool, index);
	enum rpc_failure failure = client_failure(err);
	unsigned batch_size = node->batch_size;

	if (failure != RPC_FAILURE_BATCH || call_count <= 1) {
		if (failure == RPC_FAILURE_BATCH)
			failure = RPC_FAILURE_OTHER_NODE; /* the batch cannot be halved any more */
		client_rest(client, index, failure, err, retry_after_ms);
		return;
	}
	if (call_count == 2)
		node->refuses_batches = true;
	/* Several batches of one size may be refused at once; the size is then halved only once. */
	while (node->batch_size > 1 && node->batch_size > call_count / 2)
		node_shrink_batch(node);
	if (node->batch_size < batch_size && client->observer.batch_reduced)
		client->observer.batch_reduced(client->observer.context, node, err);
}

void client_note_fault(struct client *client, unsigned index, uint32_t block, size_t good_count,
		       const struct error *err, int64_t retry_after_ms)
{
	enum rpc_failure failure = client_failure(err);

	if (failure == RPC_FAILURE_BATCH || failure == RPC_FAILURE_CUT)
		failure = RPC_FAILURE_OTHER_NODE;
	if ((failure == RPC_FAILURE_OTHER_NODE || failure == RPC_FAILURE_CALL) &&
	    retry_after_ms == 0 &&
	    (good_count > 0 || !node_withheld(pool_node(client->pool, index), block)))
		return;
	client_rest(client, index, failure, err, retry_after_ms);
}

void client_note_success(struct client *client, unsigned index, size_t call_count,
			 const struct http_answer *answer)
{
	struct node *node = pool_node(client->pool, index);
	bool was_failing = node->failures_in_row > 0;

	node_succeeded(node, clock_now_ms(), answer->took_us, call_count, answer->len);
	if (was_failing && node->failures_in_row == 0 && client->observer.node_recovered)
		client->observer.node_recovered(client->observer.context, node);
}

/* The behaviour of a node, as the answers of one request show it. */
struct summary {
	size_t good_count;
	struct error fault; /* the last fault of the node, if any */
	/* it claimed a block above the highest that it ever gave, and did not give it */
	bool is_vain;
};

static void give(struct client *client, struct request *request, size_t i, struct block *block)
{
	struct want *want = request->wants[i];
	const struct client_sink *sink = want->sink;
	unsigned source = want->is_listed ? want->half_source : request->node;

	if (!want->is_reversible)
		node_gave(pool_node(client->pool, request->node), block->num);
	request->wants[i] = NULL;
	want_free(want);
	if (!sink) {
		block_free(block);
		return;
	}
	client->wanted_count--;
	sink->given(sink->context, block, source);
}

static bool is_null(const struct json_slice *result)
{
	return result->len == 4 && memcmp(result->data, "null", 4) == 0;
}

/* The node did not give the block. A want that stays in the request is unsent again afterwards. */
static void refuse(struct request *request, size_t i, const struct error *err, bool is_fault,
		   struct summary *summary)
{
	struct client *client = request->client;
	struct want *want = request->wants[i];

	if (is_fault)
		summary->fault = *err;
	if (want->is_reversible) { /* the node need not have it yet */
		want_set_refused_by(want, request->node, err);
		return;
	}
	if (want->num > pool_node(client->pool, request->node)->proven_block)
		summary->is_vain = true;
	/*
	 * If a node is busy or does not offer the call, that says nothing about the block.  But
	 * if it says so again and again about one block, and gives others, it will not give this
	 * one.
	 */
	if (client_failure(err) == RPC_FAILURE_UNSUPPORTED &&
	    (!is_fault || !client_offers_blocks(client, request->node)))
		return;
	/* The vote waits for a node that is too busy, until its patience ends. */
	if (client_failure(err) == RPC_FAILURE_WAIT && want_has_open_list(want)) {
		want->busy_by |= UINT64_C(1) << request->node;
		return;
	}
	if ((client_failure(err) == RPC_FAILURE_UNSUPPORTED ||
	     client_failure(err) == RPC_FAILURE_WAIT) &&
	    ++want->busy_count < CLIENT_BUSY_LIMIT)
		return;
	want->busy_count = 0;
	if (client_failure(err) == RPC_FAILURE_WAIT)
		want->busy_by |= UINT64_C(1) << request->node;
	want_set_refused_by(want, request->node, err);
	want_set_doubted(client, want);
	if (client->observer.block_refused)
		client->observer.block_refused(client->observer.context,
					       pool_node(client->pool, request->node), want->num,
					       err);
}

/* The node gave the block, but other nodes must give the same: ask them. Returns NULL. */
static struct block *pass_on(struct request *request, size_t i, const struct error *err,
			     struct summary *summary)
{
	summary->good_count++;
	want_set_refused_by(request->wants[i], request->node, err);
	want_set_doubted(request->client, request->wants[i]);
	return NULL;
}

void client_tell_correction(const struct client *client, unsigned index, const struct block *block)
{
	if (block->correction && client->observer.block_corrected)
		client->observer.block_corrected(client->observer.context,
						 pool_node(client->pool, index), block);
}

/* The block of call i: as it was decoded, or the version that was kept; NULL: it was refused. */
static struct block *take_block(struct request *request, size_t i, const struct rpc_answer *answer,
				struct summary *summary)
{
	struct want *want = request->wants[i];
	struct error err = answer->error;
	struct block *block = answer->thing;

	if (request->calls[i].method == RPC_GET_OPS_IN_BLOCK) {
		block = want->half;
		want->half = NULL;
		return block;
	}
	if (err.kind == ERROR_NONE && !block)
		block = decode_block(answer->result.data, answer->result.len, want->num,
				     request->client->config.proof, &err);
	if (!block)
		refuse(request, i, &err,
		       answer->error.kind != ERROR_NONE || !is_null(&answer->result), summary);
	else if (want_check_vote(request->client, want, block, request->node, &err) != 0)
		return pass_on(request, i, &err, summary);
	else
		client_tell_correction(request->client, request->node, block);
	return block;
}

/* The block waits for the lists of other nodes, and only its list is requested now. */
static void wait_for_lists(struct request *request, size_t i, struct block *block,
			   const struct error *err, struct summary *summary)
{
	struct want *want = request->wants[i];
	unsigned source = want->is_listed ? want->half_source : request->node;

	node_gave(pool_node(request->client->pool, request->node), block->num);
	want->tried &= ~want->busy_by | want->barred; /* the vote waits for these nodes */
	(void)pass_on(request, i, err, summary);
	want->half = block;
	want->half_source = source;
	want->is_listed = true;
}

/*
 * Is it a list that cannot belong to the block?  An empty list does not count: the node may only
 * be late.
 */
static bool is_unfit(const struct block *block, const struct rpc_answer *answer, bool is_fault)
{
	if (answer->error.kind != ERROR_NONE)
		return false;
	return block->virtual_state == BLOCK_VIRTUAL_UNVERIFIED ? block->virtual_count > 0
								: is_fault;
}

/*
 * The list of one node does not fit the block of another one, which may have been made up.  So
 * the node is asked for both, once.
 */
static bool may_give_both(struct want *want, unsigned node, bool is_fault)
{
	uint64_t itself = UINT64_C(1) << node;
	bool is_first = !(want->unfit_by & itself);

	want->unfit_by |= itself;
	return is_first && want->is_listed && is_fault;
}

/*
 * Add the virtual operations of `answer`. False: the list cannot be used yet, and the block is
 * taken.
 */
static bool complete(struct request *request, size_t i, struct block *block,
		     const struct rpc_answer *answer, struct summary *summary)
{
	struct client *client = request->client;
	struct want *want = request->wants[i];
	struct error err = ERROR_INIT;
	bool is_fault;

	if (client_add_virtual(request, block, answer, &is_fault, &err) == 0) {
		if (want_check_list(client, want, block, request->node, &err) == 0)
			return true;
		wait_for_lists(request, i, block, &err, summary);
		return false;
	}
	if (answer->error.kind == ERROR_NONE && !is_fault &&
	    client_failure(&err) == RPC_FAILURE_UNSUPPORTED) {
		client_note_unproven(request, i, block, &err);
		return false;
	}
	if (is_unfit(block, answer, is_fault) && may_give_both(want, request->node, is_fault))
		want_drop_half(want);
	else if (!want->is_listed && want_keep_unverified(client, want, block, request->node))
		want_set_refused_by(want, request->node, &err);
	else
		refuse(request, i, &err, is_fault, summary);
	if (want->is_listed) /* the node said nothing about the block */
		want->half = block;
	else if (want->unverified != block)
		block_free(block);
	return false;
}

/* Handle the answer to call i, and the one to its second half, which follows it. */
static void take_answer(struct request *request, size_t i, const struct rpc_answer *answers,
			struct summary *summary)
{
	struct client *client = request->client;
	struct node *node = pool_node(client->pool, request->node);
	struct want *want = request->wants[i];
	const struct rpc_answer *second = NULL;
	struct block *block = take_block(request, i, &answers[i], summary);

	if (!block)
		return;
	if (!want_is_claimed(want, node)) {
		block_free(block); /* the node's irreversible block went back meanwhile */
		want_drop_half(want);
		return;
	}
	if (request->calls[i].method == RPC_GET_OPS_IN_BLOCK)
		second = &answers[i];
	else if (i + 1 < request->call_count && request->is_second[i + 1])
		second = &answers[i + 1];
	if (want->is_virtual && !second) {
		want->is_listed = false;
		want->half = block;
		want->half_source = request->node;
		summary->good_count++;
	} else if (!second || complete(request, i, block, second, summary)) {
		summary->good_count++;
		give(client, request, i, block);
	}
}

/* If all answers are errors, the node has a problem, not the blocks. */
static bool is_all_errors(const struct rpc_answer *answers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (answers[i].error.kind == ERROR_NONE)
			return false;
	return true;
}

/*
 * The node does not offer virtual operations, and was asked for nothing else: this is not a
 * failure.
 */
static bool is_without_lists(const struct request *request, const struct rpc_answer *answers)
{
	for (size_t i = 0; i < client_block_calls(request); i++)
		if (request->calls[i].method != RPC_GET_OPS_IN_BLOCK ||
		    client_failure(&answers[i].error) != RPC_FAILURE_UNSUPPORTED)
			return false;
	return true;
}

/*
 * Pairs of calls may have left one place of a batch unused: count the batch as full all the
 * same.
 */
static size_t calls_taken(const struct request *request)
{
	const struct node *node = pool_node(request->client->pool, request->node);
	bool is_full = request->is_second[client_block_calls(request) - 1] &&
		       request->call_count + 1 == node->batch_size;

	return request->call_count + (is_full ? 1 : 0);
}

/* True: the request is kept, see client_doubt(). */
static bool take_answers(struct request *request, struct rpc_answer *answers,
			 const struct http_answer *answer)
{
	struct client *client = request->client;
	size_t count = client_block_calls(request);
	struct summary summary = {.fault = ERROR_INIT};
	bool is_usual = request->wants[0] && !request->wants[0]->is_alone;

	if (count > 1 && is_all_errors(answers, count) && !is_without_lists(request, answers)) {
		if (client_failure(&answers[0].error) == RPC_FAILURE_OTHER_NODE)
			/* perhaps it was too much at once */
			rpc_set_failure(&answers[0].error, RPC_FAILURE_CUT);
		return client_doubt(request, &answers[0].error, answer);
	}
	client_read_witness(request, answers);
	for (size_t i = 0; i < count; i++)
		if (!request->is_second[i])
			take_answer(request, i, answers, &summary);
	if (summary.good_count > 0 || summary.fault.kind == ERROR_NONE)
		client_note_success(client, request->node, calls_taken(request), answer);
	if (summary.fault.kind != ERROR_NONE)
		client_note_fault(client, request->node, client_only_block(request),
				  summary.good_count, &summary.fault, answer->retry_after_ms);
	if (summary.is_vain)
		node_claimed_in_vain(pool_node(client->pool, request->node), clock_now_ms());
	if (is_usual && summary.good_count > 0)
		pool_node(client->pool, request->node)->is_careful = false;
	client_put_back(client, request);
	return false;
}

/* A call whose want was dropped meanwhile is decoded too; this is rare. */
static void *make_block(void *context, size_t i, struct json_cursor *cursor)
{
	const struct request *request = context;
	/* the text is decoded again later, and then the error is kept */
	struct error ignored = ERROR_INIT;

	if (request->calls[i].method != RPC_GET_BLOCK)
		return NULL; /* it needs its block, which may follow it */
	return decode_block_at(cursor, request->calls[i].block, request->client->config.proof,
			       &ignored);
}

static void drop_block(void *thing)
{
	block_free(thing);
}

static bool blocks_answer(struct request *request, const struct http_answer *answer,
			  const struct error *err)
{
	CLEANUP(mem_free_pointer) struct rpc_answer *answers = NULL;
	struct rpc_maker maker = {.context = request, .make = make_block, .drop = drop_block};
	struct error decode_err = ERROR_INIT;

	if (err)
		return client_doubt(request, err, answer);
	answers = xcalloc(request->call_count, sizeof(*answers));
	if (rpc_decode_making(answer->body, answer->len, request->first_id, request->call_count,
			      &maker, answers, &decode_err) != 0)
		return client_doubt(request, &decode_err, answer);
	return take_answers(request, answers, answer);
}

/*
 * One name may stand for several servers that answer in turn, one of which is broken.  So a
 * request that failed at once is repeated before the node is blamed.  Otherwise each request for
 * the head might reach the good server, and each request for blocks the broken one.
 */
static bool is_worth_repeating(const struct request *request, const struct http_answer *answer,
			       const struct error *err)
{
	int64_t half_ms = request->client->config.timeout_ms / 2;
	int64_t limit_ms = min_i64(half_ms, CLIENT_REPEAT_MS);

	return err && !request->is_repeat && !request->is_orphan &&
	       client_failure(err) == RPC_FAILURE_CUT && answer->retry_after_ms == 0 &&
	       clock_now_ms() - request->sent_at_ms < limit_ms;
}

void client_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct request *request = context;
	struct client *client = request->client;
	enum request_kind kind = request->kind;
	bool is_kept = false;

	client->has_news = true;
	if (!request->is_orphan)
		pool_node(client->pool, request->node)->in_flight--;
	if (is_worth_repeating(request, answer, err)) {
		request->is_repeat = true;
		request_send(request);
		return;
	}
	switch (kind) {
	case REQUEST_BLOCKS:
		if (!request->is_orphan)
			is_kept = blocks_answer(request, answer, err);
		break;
	case REQUEST_HEAD:
	case REQUEST_PROOF:
		if (!request->is_orphan)
			client_head_answer(request, answer, err);
		break;
	case REQUEST_KEYS:
		if (!request->is_orphan)
			client_keys_answer(request, answer, err);
		break;
	case REQUEST_TIP:
		is_kept = client_tip_answer(request, answer, err);
		break;
	}
	if (!is_kept)
		request_free(request);
	/*
	 * Several answers may have arrived at once: send now, so that no connection is idle
	 * until all of them are decoded.
	 */
	if (kind == REQUEST_BLOCKS)
		(void)client_send_wants(client, clock_now_ms());
}
