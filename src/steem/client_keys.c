/* SPDX-License-Identifier: MIT */
/*
 * Requests for the signing keys of witnesses: to one node, without retries other than the
 * caller's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"

static void ask(struct client *client, unsigned index, const char *const *witnesses, size_t count,
		const struct client_key_sink *sink)
{
	struct request *request = request_new(client, REQUEST_KEYS, index, count);

	request->key_sink = sink;
	request->names = xcalloc(count, sizeof(*request->names));
	for (size_t i = 0; i < count; i++) {
		snprintf(request->names[i], sizeof(request->names[i]), "%s", witnesses[i]);
		request->calls[request->call_count++] = (struct rpc_call){
			.method = RPC_GET_WITNESS_BY_ACCOUNT, .account = request->names[i]};
	}
	request_send(request);
}

bool client_ask_keys(struct client *client, unsigned index, const char *const *witnesses,
		     size_t count, const struct client_key_sink *sink)
{
	const struct node *node = pool_node(client->pool, index);
	size_t limit = node_batch_now(node);

	if (!node_is_rested(node, clock_now_ms()) || !node_may_be_asked(node, index, 0))
		return false;
	if (limit > client->config.batch_size)
		limit = client->config.batch_size;
	if (limit == 0)
		limit = 1;
	for (size_t from = 0; from < count; from += limit)
		ask(client, index, witnesses + from, count - from < limit ? count - from : limit,
		    sink);
	return true;
}

static void tell(const struct request *request, const struct rpc_answer *answers,
		 const struct error *whole)
{
	for (size_t i = 0; i < request->call_count; i++) {
		struct error err = whole ? *whole : answers[i].error;
		char key[DECODE_KEY_BYTES];
		bool is_told = err.kind == ERROR_NONE &&
			       decode_signing_key(answers[i].result.data, answers[i].result.len,
						  request->names[i], key, &err) == 0;

		request->key_sink->told(request->key_sink->context, request->node,
					request->names[i], is_told ? key : NULL, &err);
	}
}

/*
 * A node that does not offer this call may still be good for blocks.  Other requests find out
 * whether it is away.
 */
void client_keys_answer(struct request *request, const struct http_answer *answer,
			const struct error *err)
{
	struct client *client = request->client;
	struct error own_err = ERROR_INIT;
	CLEANUP(mem_free_pointer)
	struct rpc_answer *answers = xcalloc(request->call_count, sizeof(*answers));

	if (!err && rpc_decode(answer->body, answer->len, request->first_id, request->call_count,
			       answers, &own_err) == 0) {
		client_note_success(client, request->node, 0, answer);
		tell(request, answers, NULL);
		return;
	}
	if (!err)
		err = &own_err;
	if (client_failure(err) == RPC_FAILURE_WAIT || answer->retry_after_ms > 0 ||
	    (client_failure(err) == RPC_FAILURE_BATCH && request->call_count > 1))
		client_note_failure(client, request->node, request->call_count, err,
				    answer->retry_after_ms);
	tell(request, answers, err);
}
