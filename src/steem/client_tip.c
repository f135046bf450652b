/* SPDX-License-Identifier: MIT */
/* The client's requests at the tip: the head and the newest blocks of one node. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"
#include "steem/decode_virtual.h"

/*
 * Once the head is known, a missing block is not a failure of the whole request: the sink sees
 * which block is missing and can want it from all nodes, which always ends with a report.
 */
static void finish_tip(struct tip *tip, unsigned node, const struct error *err)
{
	struct tip ended = *tip;

	tip->is_active = false;
	if (ended.has_head)
		ended.sink.done(ended.sink.context, node, &ended.head, NULL);
	else
		ended.sink.done(ended.sink.context, node, NULL, err);
}

static void tell_nobody(void *context, unsigned node, const struct chain_head *head,
			const struct error *err)
{
	(void)context;
	(void)node;
	(void)head;
	(void)err;
}

static void throw_away(void *context, struct block *block, unsigned node)
{
	(void)context;
	(void)node;
	block_free(block);
}

static void drop(struct tip *tip, const void *context)
{
	if (tip->sink.context != context)
		return;
	tip->sink.given = throw_away;
	tip->sink.done = tell_nobody;
	tip->sink.unproved = NULL;
}

void client_drop_tip(struct client *client, const void *context)
{
	drop(&client->irreversible_tip, context);
	drop(&client->reversible_tip, context);
	for (struct request *request = client->requests; request; request = request->next)
		if (request->slow_tip)
			drop(request->slow_tip, context);
}

void client_leave_tip(struct request *request)
{
	struct tip *tip = request->tip;
	struct error err = ERROR_INIT;

	(void)error_set(&err, ERROR_RETRY, "the node takes long to answer");
	request->slow_tip = xcalloc(1, sizeof(*request->slow_tip));
	*request->slow_tip = *tip;
	request->slow_tip->sink.done = tell_nobody;
	request->tip = request->slow_tip;
	finish_tip(tip, request->node, &err);
}

/* The highest block that the sink wants, limited by the node's own head. */
static uint32_t newest_wanted(const struct tip *tip)
{
	return tip->is_reversible ? tip->head.head_block : tip->head.irreversible_block;
}

/* Is an old block requested with its virtual operations? Then a witness is needed. */
static bool is_old(const struct tip *tip)
{
	return tip->sink.is_virtual && tip->first < DECODE_FIRST_REWARDED_BLOCK;
}

/* How many calls one block needs. */
static unsigned calls_each(const struct tip *tip)
{
	return tip->sink.is_virtual ? 2 : 1;
}

/* Send one call: first for the head, then for one block after the other. */
static void send_single(struct client *client, struct tip *tip, unsigned node)
{
	struct request *request = request_new(client, REQUEST_TIP, node, 1);
	struct rpc_call *call = &request->calls[request->call_count++];

	request->tip = tip;
	if (tip->has_head)
		*call = (struct rpc_call){.method = RPC_GET_BLOCK,
					  .block = tip->first + tip->given_count};
	else
		call->method = RPC_GET_DYNAMIC_GLOBAL_PROPERTIES;
	request_send(request);
}

static void send_batch(struct client *client, struct tip *tip, unsigned node)
{
	struct request *request =
		request_new(client, REQUEST_TIP, node, (size_t)tip->count * calls_each(tip) + 2);

	request->tip = tip;
	request->calls[request->call_count++].method = RPC_GET_DYNAMIC_GLOBAL_PROPERTIES;
	for (unsigned i = 0; i < tip->count; i++) {
		request->calls[request->call_count++] =
			(struct rpc_call){.method = RPC_GET_BLOCK, .block = tip->first + i};
		if (tip->sink.is_virtual)
			request->calls[request->call_count++] = (struct rpc_call){
				.method = RPC_GET_OPS_IN_BLOCK, .block = tip->first + i};
	}
	if (is_old(tip) && tip->count > 0)
		request_add_witness(request);
	request_send(request);
}

static bool ask(struct client *client, struct tip *tip, uint64_t not_from,
		const struct tip *question)
{
	unsigned count = question->count;
	unsigned others = is_old(question) ? 2 : 1; /* calls for the head and for the witness */
	unsigned limit;
	int node;

	if (tip->is_active)
		return false;
	if (question->sink.is_virtual)
		node = pool_pick_tip(client->pool, clock_now_ms(),
				     not_from | client_without_virtual(client, is_old(question)));
	else
		node = pool_pick_tip(client->pool, clock_now_ms(), not_from);
	if (node < 0 && question->sink.is_virtual) {
		node = pool_pick_tip(client->pool, clock_now_ms(), not_from);
		count = 0; /* it can still tell its head */
	}
	if (node < 0)
		return false;
	limit = pool_node(client->pool, (unsigned)node)->batch_size;
	if (limit > client->config.batch_size)
		limit = client->config.batch_size;
	*tip = *question;
	tip->is_active = true;
	tip->is_single = limit <= 1;
	tip->count = count;
	if (limit > 1 && tip->count > (limit - others) / calls_each(tip))
		tip->count = (limit - others) / calls_each(tip);
	if (tip->is_single && tip->sink.is_virtual)
		tip->count = 0; /* the sink sees that the block was not given, and wants it */
	if (tip->count > UINT32_MAX - tip->first)
		tip->count = UINT32_MAX - tip->first;
	if (tip->is_single)
		send_single(client, tip, (unsigned)node);
	else
		send_batch(client, tip, (unsigned)node);
	return true;
}

bool client_ask_tip(struct client *client, uint32_t first, unsigned count,
		    const struct client_tip_sink *sink)
{
	const struct tip question = {.sink = *sink, .first = first, .count = count};

	return ask(client, &client->irreversible_tip, 0, &question);
}

bool client_ask_reversible(struct client *client, uint64_t not_from, uint32_t first, unsigned count,
			   const struct client_tip_sink *sink)
{
	const struct tip question = {
		.is_reversible = true, .sink = *sink, .first = first, .count = count};

	return ask(client, &client->reversible_tip, not_from, &question);
}

/*
 * Handle a block that the node has according to its own head: give it, or report what is wrong
 * with it. 0, or -1 with err; *ret_is_fault: the node is to blame (not for `null`).  1: other
 * nodes must give the same block, so the sink must want it from all of them.  The answer with
 * its virtual operations follows, if they were requested.
 */
static int take_tip_block(struct client *client, struct request *request, uint32_t num,
			  const struct rpc_answer *answer, bool *ret_is_fault, struct error *err)
{
	const struct tip *tip = request->tip;
	struct node *node = pool_node(client->pool, request->node);
	bool is_irreversible = num <= tip->head.irreversible_block;
	struct block *block = NULL;

	*ret_is_fault = true;
	if (answer->error.kind != ERROR_NONE) {
		*err = answer->error;
	} else {
		*ret_is_fault = answer->result.len != 4 || memcmp(answer->result.data, "null", 4);
		block = decode_block(answer->result.data, answer->result.len, num,
				     client->config.proof, err);
	}
	if (block && client_check_proof(client, block, request->node, err) != 0) {
		*ret_is_fault = false;
		block_free(block);
		if (tip->sink.unproved)
			tip->sink.unproved(tip->sink.context, num);
		return 1;
	}
	if (block && tip->sink.is_virtual &&
	    client_add_virtual(request, block, &answer[1], ret_is_fault, err) != 0) {
		block_free(block);
		block = NULL;
	}
	if (block) {
		*ret_is_fault = false;
		if (is_irreversible)
			node_gave(node, num);
		client_tell_correction(client, request->node, block);
		tip->sink.given(tip->sink.context, block, request->node);
		return 0;
	}
	/* A block at the head may disappear with its fork a moment later. */
	if (client->observer.block_refused && (is_irreversible || *ret_is_fault))
		client->observer.block_refused(client->observer.context, node, num, err);
	return -1;
}

static void take_batch(struct request *request, const struct rpc_answer *answers,
		       const struct http_answer *answer)
{
	struct client *client = request->client;
	struct tip *tip = request->tip;
	struct error err = ERROR_INIT, fault = ERROR_INIT;
	size_t good_count = 0;
	bool is_vain = false;

	int result = client_take_head(client, request->node, &answers[0], &tip->head, &err);

	tip->has_head = result >= 0;
	if (result != 0) { /* a claim that is not proved yet brings no blocks */
		if (result < 0)
			client_note_no_head(request, &err, answer->retry_after_ms);
		finish_tip(tip, request->node, &err);
		return;
	}
	client_note_success(client, request->node, request->call_count - 1, answer);
	for (size_t i = 1; i < client_block_calls(request); i += calls_each(tip)) {
		uint32_t num = request->calls[i].block;
		bool is_fault;

		if (num > newest_wanted(tip))
			break;
		if (take_tip_block(client, request, num, &answers[i], &is_fault, &err) >= 0) {
			good_count++;
			continue;
		}
		is_vain = is_vain || num <= tip->head.irreversible_block;
		if (is_fault)
			fault = err;
	}
	if (fault.kind != ERROR_NONE)
		client_note_fault(client, request->node, client_only_block(request), good_count,
				  &fault, answer->retry_after_ms);
	if (is_vain)
		node_claimed_in_vain(pool_node(client->pool, request->node), clock_now_ms());
	finish_tip(tip, request->node, &err);
}

static void take_single(struct request *request, const struct rpc_answer *reply,
			const struct http_answer *answer)
{
	struct client *client = request->client;
	struct tip *tip = request->tip;
	struct error err = ERROR_INIT;
	bool is_block = tip->has_head, is_fault = true;
	int failed;

	if (is_block) {
		failed = take_tip_block(client, request, request->calls[0].block, reply, &is_fault,
					&err);
		tip->given_count++;
	} else {
		failed = client_take_head(client, request->node, reply, &tip->head, &err);
		tip->has_head = failed >= 0;
		is_fault = failed < 0;
	}
	if (failed < 0 && is_block && request->calls[0].block <= tip->head.irreversible_block)
		node_claimed_in_vain(pool_node(client->pool, request->node), clock_now_ms());
	if (failed && is_fault && is_block)
		client_note_fault(client, request->node, request->calls[0].block, 0, &err,
				  answer->retry_after_ms);
	else if (failed && is_fault)
		client_note_no_head(request, &err, answer->retry_after_ms);
	else if (is_block || !failed)
		client_note_success(client, request->node, is_block ? 1 : 0, answer);
	if (!failed && !request->slow_tip && tip->given_count < tip->count &&
	    tip->first + tip->given_count <= newest_wanted(tip))
		send_single(client, tip, request->node);
	else
		finish_tip(tip, request->node, &err);
}

/*
 * Did it request only the head? If that fails, the node is away, and no further question is
 * needed.
 */
static bool is_head_alone(const struct request *request)
{
	return request->call_count == 1 &&
	       request->calls[0].method == RPC_GET_DYNAMIC_GLOBAL_PROPERTIES;
}

/* True: the request is kept, see client_doubt(). */
static bool fail_tip(struct request *request, const struct http_answer *answer,
		     const struct error *err)
{
	struct tip *tip = request->tip;
	unsigned node = request->node;
	bool is_kept = false;

	if (is_head_alone(request))
		client_note_no_head(request, err, answer->retry_after_ms);
	else
		is_kept = client_doubt(request, err, answer);
	finish_tip(tip, node, err);
	return is_kept;
}

bool client_tip_answer(struct request *request, const struct http_answer *answer,
		       const struct error *err)
{
	CLEANUP(mem_free_pointer) struct rpc_answer *answers = NULL;
	struct error own_err = ERROR_INIT;

	if (request->is_orphan) {
		error_set(&own_err, ERROR_RETRY, "the nodes were replaced meanwhile");
		/* the index has no meaning in the new pool */
		finish_tip(request->tip, 0, &own_err);
		return false;
	}
	answers = xcalloc(request->call_count, sizeof(*answers));
	if (!err && rpc_decode(answer->body, answer->len, request->first_id, request->call_count,
			       answers, &own_err) != 0)
		err = &own_err;
	if (err)
		return fail_tip(request, answer, err);
	client_read_witness(request, answers);
	if (request->tip->is_single)
		take_single(request, answers, answer);
	else
		take_batch(request, answers, answer);
	return false;
}
