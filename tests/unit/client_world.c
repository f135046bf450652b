/* SPDX-License-Identifier: MIT */
#include "client_world.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "steem/rpc.h"

#define ROUNDS_MAX 200000

struct world world;

const struct client_config config = {
	.connections = 4, .batch_size = 50, .timeout_ms = 1000, .max_answer_bytes = 1 << 24};

static void take_given(void *context, struct block *block, unsigned node)
{
	struct world *w = context;

	assert_true(block->num < BLOCKS_MAX);
	assert_int_equal(block_id_num(block->id), block->num);
	assert_true(block->num <= pool_node(w->pool, node)->head.irreversible_block);
	w->given[block->num]++;
	w->given_count++;
	w->sources |= 1U << node;
	w->last_given = block->num;
	block_free(block);
}

void take_refused(void *context, uint32_t num, const char *reason)
{
	struct world *w = context;

	w->refused[num]++;
	w->refused_count++;
	snprintf(w->reason, sizeof(w->reason), "%s", reason);
	if (w->wants_again)
		client_want(w->client, CLIENT_REPLAY, num, num, 0, &w->sink);
}

static void see_failed(void *context, const struct node *node, const struct error *err,
		       int64_t delay_ms)
{
	struct world *w = context;

	assert_non_null(node->label);
	assert_int_equal(err->kind, ERROR_NODE);
	assert_true(delay_ms > 0);
	w->failed_count++;
}

static void see_recovered(void *context, const struct node *node)
{
	assert_int_equal(node->failures_in_row, 0);
	((struct world *)context)->recovered_count++;
}

static void see_reduced(void *context, const struct node *node, const struct error *err)
{
	assert_true(node->batch_size < node->batch_limit);
	assert_int_equal(err->kind, ERROR_NODE);
	((struct world *)context)->reduced_count++;
}

static void see_block_refused(void *context, const struct node *node, uint32_t num,
			      const struct error *err)
{
	(void)node;
	(void)num;
	assert_int_equal(err->kind, ERROR_NODE);
	((struct world *)context)->false_count += rpc_failure_of(err) == RPC_FAILURE_FALSE;
	((struct world *)context)->block_refused_count++;
}

static void see_split(void *context, const struct node *node, const struct error *err)
{
	assert_non_null(node->label);
	assert_int_equal(err->kind, ERROR_NODE);
	((struct world *)context)->split_count++;
}

static void see_virtual_missing(void *context, const struct node *node, const struct error *err,
				int64_t delay_ms)
{
	assert_non_null(node->label);
	assert_int_equal(err->kind, ERROR_NODE);
	assert_int_equal(delay_ms, NODE_NO_VIRTUAL_MS);
	((struct world *)context)->virtual_missing_count++;
}

static void see_claim_false(void *context, const struct node *node, const struct error *err)
{
	struct world *w = context;

	assert_int_equal(err->kind, ERROR_NODE);
	w->claim_false_count++;
	w->claim_false_of |= 1U << (node->label[strlen("http://")] - 'a');
}

static void see_lists_differ(void *context, uint32_t num, const char *reason)
{
	(void)num;
	assert_non_null(reason);
	((struct world *)context)->differ_count++;
}

static void see_head(void *context, const struct node *node)
{
	assert_true(node->head_at_ms > 0);
	((struct world *)context)->head_count++;
}

void take_tip_done(void *context, unsigned node, const struct chain_head *head,
		   const struct error *err)
{
	struct world *w = context;

	(void)node;
	w->tip_done_count++;
	w->tip_had_head = head != NULL;
	w->tip_err = err ? *err : ERROR_INIT;
	if (w->tip_asks_again) {
		w->tip_asks_again = false;
		assert_true(client_ask_tip(w->client, 1, 0, &w->tip_sink));
	}
}

void open_world(unsigned nodes)
{
	static const char *const urls[] = {"http://a", "http://b", "http://c"};
	const struct client_observer observer = {.context = &world,
						 .node_failed = see_failed,
						 .node_recovered = see_recovered,
						 .batch_reduced = see_reduced,
						 .block_refused = see_block_refused,
						 .request_split = see_split,
						 .virtual_missing = see_virtual_missing,
						 .claim_false = see_claim_false,
						 .lists_differ = see_lists_differ,
						 .head_seen = see_head};

	memset(&world, 0, sizeof(world));
	memset(&fake, 0, sizeof(fake));
	now_ms = 1000;
	random_seed(42);
	clock_set_source(fake_clock, NULL);
	for (unsigned i = 0; i < NODES_MAX; i++)
		fake.sims[i] =
			(struct sim){.head = 15020, .irreversible = 15000, .fault_count = -1};
	world.pool = pool_new(urls, nodes, config.batch_size, 0);
	for (unsigned i = 0; i < nodes; i++) /* no proof is wanted of them */
		node_gave(pool_node(world.pool, i), 15000);
	world.client = client_new(&fake, world.pool, &config, &observer);
	world.sink = (struct client_sink){.context = &world,
					  .given = take_given,
					  .refused = take_refused,
					  .is_virtual = false};
	world.tip_sink = (struct client_tip_sink){
		.context = &world, .given = take_given, .done = take_tip_done};
}

void answer_all(void)
{
	struct error err = ERROR_INIT;

	while (http_in_flight(&fake) > 0)
		assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
}

void learn_heads(void)
{
	client_poll_heads(world.client, 0);
	answer_all();
	assert_int_equal(client_heads_pending(world.client), 0);
}

void close_world(void)
{
	client_free(world.client);
	for (unsigned i = 0; i < fake.count; i++)
		free(fake.posts[i].body);
	pool_free(world.pool);
	clock_set_source(NULL, NULL);
}

void run(void)
{
	struct error err = ERROR_INIT;

	for (int round = 0; round < ROUNDS_MAX && client_wanted_count(world.client) > 0; round++) {
		int64_t due_ms = client_handle(world.client);

		if (client_wanted_count(world.client) == 0)
			return;
		if (http_in_flight(&fake) > 0 && due_ms >= fake_next_due_ms()) {
			assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
			continue;
		}
		if (due_ms == CLOCK_NEVER)
			return;
		now_ms = due_ms;
	}
}

void assert_each_given_once(uint32_t first, uint32_t last)
{
	for (uint32_t num = 0; num < BLOCKS_MAX; num++)
		if (world.given[num] != (num >= first && num <= last))
			fail_msg("block %u was given %u times", num, world.given[num]);
}
