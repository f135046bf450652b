/* SPDX-License-Identifier: MIT */
/* The client against simulated nodes. Linked without steem/http.o: see fake_nodes.h. */
#include "test.h"

#include <inttypes.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "client_world.h"

static void wanted_blocks_come_once_from_all_nodes(void **state)
{
	(void)state;
	open_world(3);
	learn_heads();
	assert_int_equal(world.head_count, 3);
	client_want(world.client, CLIENT_REPLAY, 1, 2000, 0, &world.sink);
	assert_int_equal(client_wanted_count(world.client), 2000);
	run();
	assert_each_given_once(1, 2000);
	assert_int_equal(world.refused_count, 0);
	assert_int_equal(world.sources, 7);
	assert_int_equal(world.failed_count, 0);
	/* 40 full batches and three heads, never more than the connections. */
	assert_int_equal(fake.sims[0].request_count + fake.sims[1].request_count +
				 fake.sims[2].request_count,
			 43);
	assert_int_equal(fake.most, config.connections);
	assert_true(client_handle(world.client) == CLOCK_NEVER);
	close_world();
}

/* One node of two does everything wrong, for a while or for ever: the other one gives all. */
static void one_bad_node_stops_nobody(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_DOWN; fault <= FAULT_RANDOM; fault++) {
		for (int fault_count = -1; fault_count <= 3; fault_count += 4) {
			open_world(2);
			learn_heads();
			fake.sims[0].fault = fault;
			fake.sims[0].fault_count = fault_count;
			client_want(world.client, CLIENT_REPLAY, 1, 1000, 0, &world.sink);
			run();
			assert_each_given_once(1, 1000);
			if (world.refused_count > 0)
				fail_msg("fault %d: %s", (int)fault, world.reason);
			close_world();
		}
	}
}

/* The only node does it wrong three times: nothing is lost. */
static void the_only_node_recovers(void **state)
{
	static const enum fault faults[] = {
		FAULT_DOWN,    FAULT_TIMEOUT, FAULT_HTML, FAULT_CUT,      FAULT_GARBAGE,
		FAULT_TOO_FEW, FAULT_DOUBLED, FAULT_BUSY, FAULT_INTERNAL, FAULT_ONE_ERROR};

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		open_world(1);
		learn_heads();
		fake.sims[0].fault = faults[i];
		fake.sims[0].fault_count = 3;
		client_want(world.client, CLIENT_REPLAY, 1, 1000, 0, &world.sink);
		run();
		assert_each_given_once(1, 1000);
		assert_int_equal(world.refused_count, 0);
		if (faults[i] != FAULT_ONE_ERROR) {
			assert_true(world.failed_count > 0);
			assert_true(world.recovered_count > 0);
		}
		close_world();
	}
}

static void while_no_node_is_healthy_wants_wait(void **state)
{
	(void)state;
	open_world(2);
	learn_heads();
	fake.sims[0].fault = fake.sims[1].fault = FAULT_DOWN;
	fake.sims[0].fault_count = fake.sims[1].fault_count = 20;
	client_want(world.client, CLIENT_TAIL, 1, 10, 0, &world.sink);
	run();
	assert_each_given_once(1, 10);
	assert_int_equal(world.refused_count, 0);
	assert_true(world.failed_count >= 20);
	assert_true(now_ms > 10000); /* it did not hammer at them */
	close_world();
}

static void a_block_that_nobody_has_is_refused_with_the_reason(void **state)
{
	(void)state;
	open_world(2);
	learn_heads();
	fake.sims[0].lacks = fake.sims[1].lacks = 5;
	client_want(world.client, CLIENT_REPLAY, 1, 100, 0, &world.sink);
	run();
	assert_int_equal(world.given_count, 99);
	assert_int_equal(world.refused[5], 1);
	assert_int_equal(world.refused_count, 1);
	assert_string_equal(world.reason, "the node does not have block 5");
	assert_int_equal(world.block_refused_count, 2);
	assert_int_equal(world.failed_count, 0); /* null is no failure of a node */
	assert_int_equal(now_ms, 1000);
	close_world();
}

static void a_poison_block_does_not_stop_the_others(void **state)
{
	(void)state;
	for (unsigned nodes = 1; nodes <= 3; nodes++) {
		open_world(nodes);
		learn_heads();
		for (unsigned i = 0; i < nodes; i++)
			fake.sims[i].poison = 7;
		client_want(world.client, CLIENT_REPLAY, 1, 200, 0, &world.sink);
		run();
		assert_int_equal(world.given_count, 199);
		assert_int_equal(world.refused[7], 1);
		assert_int_equal(world.refused_count, 1);
		assert_string_equal(world.reason, "no whole answer in time");
		close_world();
	}
}

static void a_block_that_nodes_are_too_busy_for_does_not_stop_the_others(void **state)
{
	(void)state;
	for (unsigned nodes = 1; nodes <= 3; nodes++) {
		open_world(nodes);
		learn_heads();
		for (unsigned i = 0; i < nodes; i++)
			fake.sims[i].locked = 7;
		client_want(world.client, CLIENT_REPLAY, 1, 200, 0, &world.sink);
		run();
		assert_int_equal(world.given_count, 199);
		assert_int_equal(world.refused[7], 1);
		assert_int_equal(world.refused_count, 1);
		assert_non_null(strstr(world.reason, "database lock"));
		assert_true(now_ms < 121000); /* three tries at each node, with its rests */
		close_world();
	}
}

static void smaller_batches_are_found_without_a_rest(void **state)
{
	static const unsigned limits[] = {1, 10, 49};

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		open_world(1);
		learn_heads();
		fake.sims[0].batch_max = limits[i];
		client_want(world.client, CLIENT_REPLAY, 1, 300, 0, &world.sink);
		run();
		assert_each_given_once(1, 300);
		assert_int_equal(world.failed_count, 0);
		assert_true(world.reduced_count > 0);
		assert_int_equal(now_ms, 1000);
		/* Several batches that were refused at once halve it once. */
		assert_true(limits[i] != 49 || pool_node(world.pool, 0)->batch_size >= 25);
		close_world();
	}
}

static void nothing_above_the_nodes_own_word_is_taken(void **state)
{
	(void)state;
	open_world(1);
	fake.sims[0].irreversible = 100;
	client_want(world.client, CLIENT_TAIL, 99, 102, 0, &world.sink);
	run(); /* the head is not known yet */
	assert_int_equal(world.given_count, 0);
	learn_heads();
	run();
	assert_each_given_once(99, 100);
	assert_int_equal(fake.sims[0].largest_batch, 2); /* the others were not even asked for */
	assert_int_equal(world.refused_count, 0);
	assert_int_equal(client_wanted_count(world.client), 2);
	fake.sims[0].irreversible = 101;
	learn_heads();
	run();
	assert_each_given_once(99, 101);
	/* The node says less between request and answer. */
	fake.sims[0].irreversible = 102;
	learn_heads();
	client_handle(world.client);
	assert_int_equal(http_in_flight(&fake), 1);
	pool_node(world.pool, 0)->head.irreversible_block = 90;
	answer_all();
	run();
	assert_each_given_once(99, 101);
	assert_int_equal(client_wanted_count(world.client), 1);
	close_world();
}

static void a_node_that_is_behind_is_not_asked(void **state)
{
	(void)state;
	open_world(2);
	fake.sims[0].irreversible = 50;
	learn_heads();
	client_want(world.client, CLIENT_REPLAY, 1, 100, 0, &world.sink);
	run();
	assert_each_given_once(1, 100);
	/* The other one lacks a block: the one behind does not keep it waiting. */
	fake.sims[1].lacks = 120;
	client_want(world.client, CLIENT_REPLAY, 120, 120, 0, &world.sink);
	run();
	assert_int_equal(world.refused[120], 1);
	close_world();
}

static void excluded_nodes_are_not_asked(void **state)
{
	(void)state;
	open_world(3);
	learn_heads();
	client_want(world.client, CLIENT_REPLAY, 1, 100, 5, &world.sink);
	run();
	assert_int_equal(world.sources, 2);
	assert_each_given_once(1, 100);
	client_want(world.client, CLIENT_REPLAY, 101, 101, 7, &world.sink);
	run();
	assert_int_equal(world.refused[101], 1);
	assert_string_equal(world.reason, "there is no other node to ask");
	close_world();
}

static void take_compared(void *context, struct block *block, unsigned node)
{
	assert_int_equal(block->num, 700);
	*(unsigned *)context = node;
	block_free(block);
}

/* Also a batch that is made for it takes nothing else with it. */
static void a_node_on_trial_is_asked_for_one_block(void **state)
{
	unsigned source = 9;
	const struct client_sink compared = {.context = &source, .given = take_compared};

	(void)state;
	open_world(2);
	learn_heads();
	pool_node(world.pool, 1)->is_on_trial = true;
	client_want(world.client, CLIENT_TAIL, 700, 700, ~(UINT64_C(1) << 1), &compared);
	client_want(world.client, CLIENT_TAIL, 1, 500, 0, &world.sink);
	run();
	assert_int_equal(source, 1);
	assert_int_equal(world.sources, 1U << 0);
	assert_each_given_once(1, 500);
	close_world();
}

static void the_tail_goes_first_and_has_a_connection(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	open_world(1);
	learn_heads();
	client_want(world.client, CLIENT_REPLAY, 1, 1000, 0, &world.sink);
	client_handle(world.client);
	assert_int_equal(http_in_flight(&fake), config.connections);
	assert_true(client_expected_bytes(world.client) >= 200);
	client_want(world.client, CLIENT_TAIL, 2000, 2000, 0, &world.sink);
	client_handle(world.client);
	assert_int_equal(http_in_flight(&fake), config.connections + 1);
	client_want(world.client, CLIENT_TAIL, 2001, 2001, 0, &world.sink);
	assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
	client_handle(world.client);
	assert_non_null(strstr(fake.posts[fake.count - 1].body, "[2001]"));
	run();
	assert_int_equal(world.given_count, 1002);
	assert_int_equal(client_expected_bytes(world.client), 0);
	close_world();
}

static void what_was_dropped_is_thrown_away(void **state)
{
	struct client_sink other;

	(void)state;
	open_world(1);
	learn_heads();
	other = world.sink;
	client_want(world.client, CLIENT_REPLAY, 1, 1000, 0, &world.sink);
	client_want(world.client, CLIENT_REPLAY, 2001, 2010, 0, &other);
	client_handle(world.client);
	assert_int_equal(http_in_flight(&fake), config.connections);
	client_drop(world.client, &world.sink);
	assert_int_equal(client_wanted_count(world.client), 10);
	fake.sims[0].fault = FAULT_CUT; /* dropped ones are not put back either */
	fake.sims[0].fault_count = 2;
	answer_all();
	run();
	assert_each_given_once(2001, 2010);
	close_world();
}

static void with_other_nodes_all_is_asked_again(void **state)
{
	static const char *const urls[] = {"http://c"};
	struct pool *old;

	(void)state;
	open_world(2);
	learn_heads();
	client_want(world.client, CLIENT_REPLAY, 1, 300, 1, &world.sink);
	assert_true(client_ask_tip(world.client, 500, 2, &world.tip_sink));
	client_handle(world.client);
	client_poll_heads(world.client, 0);
	assert_int_equal(http_in_flight(&fake), config.connections + 3);
	old = world.pool;
	world.pool = pool_new(urls, 1, 50, 0);
	client_set_pool(world.client, world.pool);
	pool_free(old);
	answer_all();
	assert_int_equal(world.given_count, 0);
	assert_int_equal(world.tip_done_count, 1);
	assert_int_equal(world.tip_err.kind, ERROR_RETRY);
	assert_false(world.tip_had_head);
	learn_heads();
	run();
	assert_each_given_once(1, 300);
	close_world();
}

static void chaos_loses_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		open_world(3);
		learn_heads();
		random_seed(seed);
		world.wants_again = true;
		for (unsigned i = 0; i < 3; i++) {
			fake.sims[i].fault = FAULT_RANDOM;
			fake.sims[i].batch_max = i * 20;
		}
		fake.sims[1].irreversible = 5000;
		learn_heads();
		for (unsigned i = 0; i < 3 && pool_irreversible(world.pool) == 0; i++)
			learn_heads();
		client_want(world.client, CLIENT_REPLAY, 1, 10000, 0, &world.sink);
		client_want(world.client, CLIENT_TAIL, 14000, 14010, 0, &world.sink);
		run();
		assert_int_equal(client_wanted_count(world.client), 0);
		for (uint32_t num = 1; num <= 14010; num++)
			if (world.given[num] != (num <= 10000 || num >= 14000))
				fail_msg("seed %" PRIu64 ": block %u was given %u times", seed, num,
					 world.given[num]);
		assert_true(fake.most <= config.connections + 1 + 3);
		close_world();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted_blocks_come_once_from_all_nodes),
		cmocka_unit_test(one_bad_node_stops_nobody),
		cmocka_unit_test(the_only_node_recovers),
		cmocka_unit_test(while_no_node_is_healthy_wants_wait),
		cmocka_unit_test(a_block_that_nobody_has_is_refused_with_the_reason),
		cmocka_unit_test(a_poison_block_does_not_stop_the_others),
		cmocka_unit_test(a_block_that_nodes_are_too_busy_for_does_not_stop_the_others),
		cmocka_unit_test(smaller_batches_are_found_without_a_rest),
		cmocka_unit_test(nothing_above_the_nodes_own_word_is_taken),
		cmocka_unit_test(a_node_that_is_behind_is_not_asked),
		cmocka_unit_test(excluded_nodes_are_not_asked),
		cmocka_unit_test(a_node_on_trial_is_asked_for_one_block),
		cmocka_unit_test(the_tail_goes_first_and_has_a_connection),
		cmocka_unit_test(what_was_dropped_is_thrown_away),
		cmocka_unit_test(with_other_nodes_all_is_asked_again),
		cmocka_unit_test(chaos_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
