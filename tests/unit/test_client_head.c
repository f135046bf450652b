/* SPDX-License-Identifier: MIT */
/* Heads and the tip, against simulated nodes. Linked without steem/http.o: see fake_nodes.h. */
#include "test.h"

#include "client_world.h"

static void heads_are_asked_once_at_a_time(void **state)
{
	(void)state;
	open_world(3);
	fake.sims[1].fault = FAULT_UNSUPPORTED;
	client_poll_heads(world.client, 0);
	client_poll_heads(world.client, 0);
	assert_int_equal(client_heads_pending(world.client), 3);
	assert_int_equal(http_in_flight(&fake), 3);
	answer_all();
	assert_int_equal(client_heads_pending(world.client), 0);
	assert_int_equal(world.head_count, 2);
	assert_int_equal(world.failed_count, 1);
	client_poll_heads(world.client, 0); /* the second node rests */
	assert_int_equal(client_heads_pending(world.client), 2);
	close_world();
}

static void a_wild_claim_must_be_proven(void **state)
{
	(void)state;
	open_world(2);
	pool_node(world.pool, 0)->proven_block = 0; /* it must give the block that it claims */
	learn_heads();
	assert_int_equal(pool_node(world.pool, 0)->head.irreversible_block, 15000);
	assert_int_equal(fake.sims[0].request_count, 2);
	fake.sims[0].head = 1015020;
	fake.sims[0].irreversible = 1015000;
	fake.sims[0].lacks = 1015000;
	for (unsigned i = 0; i < 5; i++) {
		now_ms += 60000;
		learn_heads();
		assert_int_equal(pool_irreversible(world.pool), 15000);
		assert_int_equal(pool_node(world.pool, 0)->failures_in_row, i + 1);
	}
	now_ms += 60000;
	fake.sims[0].lacks = 0;
	learn_heads();
	assert_int_equal(pool_irreversible(world.pool), 1015000);
	close_world();
}

static void a_wild_claim_at_the_tip_is_not_believed(void **state)
{
	(void)state;
	open_world(1);
	learn_heads();
	fake.sims[0].head = 1015020;
	fake.sims[0].irreversible = 1015000;
	fake.sims[0].lacks = 1015000;
	assert_true(client_ask_tip(world.client, 15001, 3, &world.tip_sink));
	answer_all();
	assert_true(world.tip_had_head);
	assert_int_equal(world.given_count, 0);
	assert_int_equal(pool_irreversible(world.pool), 15000);
	close_world();
}

static void ask_tip(uint32_t first, unsigned count)
{
	assert_true(client_ask_tip(world.client, first, count, &world.tip_sink));
	assert_false(client_ask_tip(world.client, first, count, &world.tip_sink));
	answer_all();
	assert_int_equal(world.tip_done_count, 1);
}

static void the_tip_is_one_request_or_several(void **state)
{
	(void)state;
	for (int is_single = 0; is_single < 2; is_single++) {
		open_world(1);
		fake.sims[0].irreversible = 102;
		if (is_single)
			while (node_shrink_batch(pool_node(world.pool, 0)))
				;
		ask_tip(100, 5);
		assert_each_given_once(100, 102);
		assert_int_equal(world.last_given, 102);
		assert_true(world.tip_had_head);
		assert_int_equal(world.tip_err.kind, ERROR_NONE);
		assert_int_equal(fake.sims[0].request_count, is_single ? 4 : 1);
		assert_int_equal(world.head_count, 1);
		assert_int_equal(world.failed_count, 0);
		assert_int_equal(client_wanted_count(world.client), 0);
		close_world();
	}
}

/* The tail can then want the missing block from all nodes, and give it up. */
static void a_poison_block_at_the_tip_leaves_the_head(void **state)
{
	(void)state;
	open_world(1);
	fake.sims[0].poison = 102;
	for (unsigned i = 0; !world.tip_had_head && i < 20; i++) {
		if (client_ask_tip(world.client, 100, 5, &world.tip_sink))
			answer_all();
		now_ms += 60000;
	}
	assert_true(world.tip_had_head);
	assert_int_equal(world.tip_err.kind, ERROR_NONE);
	assert_each_given_once(100, 101);
	close_world();
}

static void the_tip_of_a_bad_node_ends_with_an_error(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_DOWN; fault <= FAULT_UNSUPPORTED; fault++) {
		for (int is_single = 0; is_single < 2; is_single++) {
			open_world(1);
			fake.sims[0].fault = fault;
			if (is_single)
				while (node_shrink_batch(pool_node(world.pool, 0)))
					;
			ask_tip(100, 5);
			if (fault == FAULT_REORDERED)
				assert_each_given_once(100, 104);
			else
				assert_true(world.given_count == 0 ||
					    (is_single && fault == FAULT_DOUBLED));
			if (fault == FAULT_NULL)
				assert_int_equal(world.failed_count, 0);
			close_world();
		}
	}
}

static void the_tip_can_be_asked_again_from_within(void **state)
{
	(void)state;
	open_world(2);
	node_exclude(pool_node(world.pool, 0), "test");
	world.tip_asks_again = true;
	assert_true(client_ask_tip(world.client, 1, 200, &world.tip_sink));
	answer_all();
	assert_int_equal(world.tip_done_count, 2);
	assert_each_given_once(1, 49); /* what fits in one batch with the head */
	node_exclude(pool_node(world.pool, 1), "test");
	assert_false(client_ask_tip(world.client, 1, 2, &world.tip_sink));
	close_world();
}

/* What comes at the head is counted without regard to the irreversible block. */
static void take_newest(void *context, struct block *block, unsigned node)
{
	struct world *w = context;

	assert_true(block->num <= pool_node(w->pool, node)->head.head_block);
	w->given[block->num]++;
	w->last_given = block->num;
	w->sources |= 1U << node;
	block_free(block);
}

static void blocks_up_to_the_head_come_beside_the_irreversible_ones(void **state)
{
	struct client_tip_sink newest;

	(void)state;
	for (int is_single = 0; is_single < 2; is_single++) {
		open_world(1);
		newest = (struct client_tip_sink){
			.context = &world, .given = take_newest, .done = take_tip_done};
		fake.sims[0].irreversible = 102;
		fake.sims[0].head = 110;
		if (is_single)
			while (node_shrink_batch(pool_node(world.pool, 0)))
				;
		assert_true(client_ask_tip(world.client, 100, 9, &world.tip_sink));
		assert_true(client_ask_reversible(world.client, 0, 103, 20, &newest));
		assert_false(client_ask_reversible(world.client, 0, 103, 20, &newest));
		answer_all();
		assert_int_equal(world.tip_done_count, 2);
		assert_each_given_once(100, 110);
		assert_int_equal(world.failed_count, 0);
		assert_int_equal(world.block_refused_count, 0);
		close_world();
	}
}

/* Else a node could prove a wild claim by blocks that nobody can check. */
static void a_reversible_block_proves_nothing(void **state)
{
	struct client_tip_sink newest;

	(void)state;
	open_world(1);
	newest = (struct client_tip_sink){
		.context = &world, .given = take_newest, .done = take_tip_done};
	learn_heads();
	fake.sims[0].head = 17000;
	assert_true(client_ask_reversible(world.client, 0, 16999, 2, &newest));
	answer_all();
	assert_int_equal(world.last_given, 17000);
	assert_int_equal(pool_node(world.pool, 0)->proven_block, 15000);
	assert_true(client_ask_reversible(world.client, 0, 14999, 2, &newest));
	answer_all();
	fake.sims[0].irreversible = 16201;
	fake.sims[0].lacks = 16201;
	assert_true(client_ask_reversible(world.client, 0, 16999, 2, &newest));
	answer_all();
	assert_int_equal(pool_irreversible(world.pool), 15000);
	close_world();
}

static void at_the_head_null_is_nobodys_fault_and_nonsense_is(void **state)
{
	struct client_tip_sink newest;

	(void)state;
	open_world(2);
	newest = (struct client_tip_sink){
		.context = &world, .given = take_newest, .done = take_tip_done};
	fake.sims[1].lacks = 15010;
	assert_true(client_ask_reversible(world.client, 1, 15010, 1, &newest));
	answer_all();
	assert_true(world.tip_had_head);
	assert_int_equal(world.last_given, 0);
	assert_int_equal(world.block_refused_count + world.failed_count, 0);
	fake.sims[0].fault = FAULT_INCOMPLETE;
	for (unsigned i = 0; i < 3; i++) { /* one block alone says nothing of its node */
		assert_int_equal(world.failed_count, 0);
		assert_true(client_ask_reversible(world.client, 2, 15010 + i, 1, &newest));
		answer_all();
	}
	assert_int_equal(world.failed_count, 1);
	assert_int_equal(world.block_refused_count, 3);
	assert_false(client_ask_reversible(world.client, 3, 15010, 1, &newest));
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_asked_once_at_a_time),
		cmocka_unit_test(a_wild_claim_must_be_proven),
		cmocka_unit_test(a_wild_claim_at_the_tip_is_not_believed),
		cmocka_unit_test(the_tip_is_one_request_or_several),
		cmocka_unit_test(a_poison_block_at_the_tip_leaves_the_head),
		cmocka_unit_test(the_tip_of_a_bad_node_ends_with_an_error),
		cmocka_unit_test(the_tip_can_be_asked_again_from_within),
		cmocka_unit_test(blocks_up_to_the_head_come_beside_the_irreversible_ones),
		cmocka_unit_test(a_reversible_block_proves_nothing),
		cmocka_unit_test(at_the_head_null_is_nobodys_fault_and_nonsense_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
