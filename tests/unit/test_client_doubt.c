/* SPDX-License-Identifier: MIT */
/* Blocks that break every request they are in, and nodes that answer nothing. See fake_nodes.h. */
#include "test.h"

#include <string.h>

#include "client_world.h"

#define PATIENCE_MS 15000 /* of the client, for a block that some node did not give */

static const enum fault poisons[] = {
	FAULT_NONE /* no answer at all */,
	FAULT_STATUS_500,
	FAULT_STATUS_503,
	FAULT_RESET,
	FAULT_TOO_LARGE,
	FAULT_HTML,
	FAULT_ERROR_OBJECT,
	FAULT_CUT,
};

static void poison_all(unsigned nodes, uint32_t block, enum fault fault)
{
	for (unsigned i = 0; i < nodes; i++) {
		fake.sims[i].poison = block;
		fake.sims[i].poison_fault = fault;
	}
}

/* The rest of its batch comes, the block is given up in time, and no node rests because of it. */
static void one_block_is_isolated_in_bounded_time(void **state)
{
	(void)state;
	for (unsigned nodes = 1; nodes <= 3; nodes += 2) {
		for (size_t i = 0; i < COUNT(poisons); i++) {
			int64_t longest_ms = poisons[i] ? 0 : (nodes + 1) * config.timeout_ms;

			open_world(nodes);
			learn_heads();
			poison_all(nodes, 7, poisons[i]);
			client_want(world.client, CLIENT_TAIL, 1, 200, 0, &world.sink);
			run();
			assert_int_equal(world.given_count, 199);
			assert_int_equal(world.refused[7], 1);
			assert_int_equal(world.refused_count, 1);
			assert_int_equal(world.split_count, 1);
			if (world.failed_count > 0 || now_ms > 1000 + longest_ms)
				fail_msg("poison %zu, %u nodes: %u rests, %lld ms", i, nodes,
					 world.failed_count, (long long)now_ms - 1000);
			close_world();
		}
	}
}

/* With a time-out as long as the patience, the client does not wait for every node. */
static void the_number_of_nodes_does_not_matter(void **state)
{
	struct client_config patient = config;

	(void)state;
	patient.timeout_ms = 10000;
	open_world(3);
	client_set_config(world.client, &patient);
	learn_heads();
	poison_all(3, 7, FAULT_NONE);
	client_want(world.client, CLIENT_REPLAY, 1, 200, 0, &world.sink);
	run();
	assert_int_equal(world.given_count, 199);
	assert_int_equal(world.refused[7], 1);
	assert_in_range(now_ms - 1000, 20000, patient.timeout_ms + PATIENCE_MS);
	assert_non_null(strstr(world.reason, "no whole answer"));
	/* An answer to its request that is still under way has no sink. */
	assert_int_equal(client_wanted_count(world.client), 0);
	answer_all();
	assert_int_equal(world.refused[7], 1);
	close_world();
}

/* When a node does not answer, the other nodes are asked first for its blocks. */
static void a_block_that_only_one_node_withholds_comes_from_another(void **state)
{
	(void)state;
	open_world(2);
	learn_heads();
	fake.sims[0].poison = 7;
	client_want(world.client, CLIENT_REPLAY, 1, 300, 0, &world.sink);
	run();
	assert_each_given_once(1, 300);
	assert_int_equal(world.refused_count, 0);
	assert_true(now_ms <= 1000 + config.timeout_ms);
	close_world();
}

/*
 * "Too busy", "come later", "not offered": said of a request, but only of those with one block in them.
 * Each time the node rests a moment, as it asks for; then it is seen that it answers otherwise.
 */
static void what_a_node_says_of_one_block_is_not_believed_of_all(void **state)
{
	static const enum fault faults[] = {FAULT_STATUS_429, FAULT_RETRY_AFTER, FAULT_NOT_OFFERED};

	(void)state;
	for (unsigned nodes = 1; nodes <= 3; nodes += 2) {
		for (size_t i = 0; i < COUNT(faults); i++) {
			open_world(nodes);
			learn_heads();
			poison_all(nodes, 7, faults[i]);
			client_want(world.client, CLIENT_TAIL, 1, 200, 0, &world.sink);
			run();
			assert_int_equal(world.given_count, 199);
			assert_int_equal(world.refused[7], 1);
			assert_int_equal(world.refused_count, 1);
			if (now_ms > 1000 + 30000)
				fail_msg("fault %zu, %u nodes: %lld ms", i, nodes,
					 (long long)now_ms - 1000);
			close_world();
		}
	}
}

/* Its head as well: then it is the node that is busy, and no block is to blame. */
static void a_node_that_is_busy_for_everything_is_waited_for(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	open_world(1);
	learn_heads();
	fake.sims[0].fault = FAULT_BUSY;
	client_want(world.client, CLIENT_REPLAY, 1, 200, 0, &world.sink);
	while (now_ms < 120000) {
		client_handle(world.client);
		while (http_in_flight(&fake) > 0)
			assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
		now_ms += 100;
	}
	assert_int_equal(world.given_count + world.refused_count, 0);
	fake.sims[0].fault = FAULT_NONE;
	run();
	assert_each_given_once(1, 200);
	close_world();
}

/* A single time says nothing; but it does so each time. */
static void a_block_that_kills_its_node_is_isolated(void **state)
{
	(void)state;
	for (unsigned nodes = 1; nodes <= 3; nodes++) {
		open_world(nodes);
		learn_heads();
		poison_all(nodes, 7, FAULT_KILL);
		client_want(world.client, CLIENT_REPLAY, 1, 200, 0, &world.sink);
		run();
		assert_int_equal(world.given_count, 199);
		assert_int_equal(world.refused[7], 1);
		assert_int_equal(world.refused_count, 1);
		if (now_ms > 1000 + 60000)
			fail_msg("%u nodes: %lld ms", nodes, (long long)now_ms - 1000);
		close_world();
	}
}

/* It was not the blocks: all that was asked for is given when the node is there again. */
static void a_node_that_dies_now_and_then_costs_no_block(void **state)
{
	(void)state;
	open_world(1);
	learn_heads();
	for (uint32_t first = 1; first < 1000; first += 100) {
		client_want(world.client, CLIENT_REPLAY, first, first + 99, 0, &world.sink);
		poison_all(1, first + 30, FAULT_KILL);
		client_handle(world.client);
		answer_all();
		poison_all(1, 0, FAULT_NONE);
		run();
	}
	assert_each_given_once(1, 1000);
	assert_int_equal(world.refused_count, 0);
	close_world();
}

static void several_blocks_are_isolated_together(void **state)
{
	(void)state;
	open_world(3);
	learn_heads();
	for (unsigned i = 0; i < 3; i++)
		fake.sims[i].poison = 7 + 40 * i; /* each node has another one */
	client_want(world.client, CLIENT_REPLAY, 1, 300, 0, &world.sink);
	run();
	assert_each_given_once(1, 300);
	assert_true(now_ms <= 1000 + 3 * config.timeout_ms);
	close_world();
}

static void the_virtual_operations_of_one_block_stop_nobody(void **state)
{
	struct client_sink sink;

	(void)state;
	open_world(1);
	learn_heads();
	sink = world.sink;
	sink.is_virtual = true;
	for (unsigned limit = 1; limit <= 50; limit += 49) {
		while (limit == 1 && node_shrink_batch(pool_node(world.pool, 0)))
			;
		poison_all(1, 14000, FAULT_NONE);
		client_want(world.client, CLIENT_REPLAY, 14000, 14000, 0, &sink);
		run();
		assert_int_equal(world.refused[14000], limit == 1 ? 1 : 2);
	}
	assert_int_equal(world.failed_count, 0);
	close_world();
}

/* Half of the connections hang at it: no batch was too large, and it is not asked for blocks. */
static void a_frozen_node_rests_and_keeps_its_batches(void **state)
{
	unsigned posted, heads;

	(void)state;
	open_world(2);
	learn_heads();
	fake.sims[0].fault = FAULT_TIMEOUT;
	client_want(world.client, CLIENT_REPLAY, 1, 1000, 0, &world.sink);
	run();
	assert_each_given_once(1, 1000);
	assert_true(now_ms <=
		    1000 + 2 * config.timeout_ms); /* with the question whether it lives */
	assert_int_equal(world.reduced_count, 0);
	assert_int_equal(pool_node(world.pool, 0)->batch_size, config.batch_size);
	assert_true(pool_node(world.pool, 0)->is_away);
	assert_int_equal(world.split_count + world.block_refused_count, 0);
	assert_int_equal(world.refused_count, 0);
	/* From now on it is asked for its head, now and then, and for nothing else. */
	posted = fake.sims[0].block_posts;
	heads = fake.sims[0].posted_count;
	client_want(world.client, CLIENT_TAIL, 15001, 15001, 0,
		    &world.sink); /* nobody has it yet */
	for (int64_t end_ms = now_ms + 600000; now_ms < end_ms;) {
		client_handle(world.client);
		answer_all();
		now_ms += 500;
	}
	assert_int_equal(fake.sims[0].block_posts, posted);
	assert_in_range(fake.sims[0].posted_count - heads, 60, 400);
	close_world();
}

/* However long they were away. */
static void nodes_that_come_back_are_asked_soon(void **state)
{
	static const enum fault faults[] = {FAULT_DOWN, FAULT_TIMEOUT, FAULT_HTML};

	(void)state;
	for (unsigned nodes = 1; nodes <= 2; nodes++) {
		for (size_t i = 0; i < COUNT(faults); i++) {
			int64_t back_ms = 900000;

			open_world(nodes);
			learn_heads();
			for (unsigned node = 0; node < nodes; node++)
				fake.sims[node].fault = faults[i];
			client_want(world.client, CLIENT_TAIL, 1, 10, 0, &world.sink);
			while (now_ms < back_ms) {
				client_handle(world.client);
				answer_all();
				now_ms += 100;
			}
			assert_int_equal(world.given_count + world.refused_count, 0);
			for (unsigned node = 0; node < nodes; node++)
				fake.sims[node].fault = FAULT_NONE;
			run();
			assert_each_given_once(1, 10);
			assert_int_equal(world.recovered_count,
					 nodes == 1 ? 1 : world.recovered_count);
			assert_true(now_ms <= back_ms + config.timeout_ms + NODE_AWAY_MAX_MS + 100);
			close_world();
		}
	}
}

/* That it tells its head does not make it a good node: it is asked less and less. */
static void a_node_that_tells_its_head_and_gives_no_block_rests(void **state)
{
	(void)state;
	open_world(2);
	learn_heads();
	fake.sims[0].hangs_for_blocks = true;
	for (uint32_t first = 1; first < 14000; first += 100) {
		client_want(world.client, CLIENT_REPLAY, first, first + 99, 0, &world.sink);
		run();
		now_ms += 3000;
		learn_heads();
	}
	assert_each_given_once(1, 14000);
	assert_int_equal(world.sources, 1U << 1);
	assert_true(world.failed_count > 0);
	assert_in_range(fake.sims[0].block_posts, 3, 60);
	assert_true(pool_node(world.pool, 0)->failures_in_row > 0);
	close_world();
}

/* A batch without a byte of answer may have met a node that stood still for a moment. */
static void the_second_silent_batch_makes_batches_smaller(void **state)
{
	(void)state;
	open_world(1);
	learn_heads();
	for (unsigned i = 1; i <= 2; i++) {
		client_want(world.client, CLIENT_REPLAY, 100 * i, 100 * i + 20, 0, &world.sink);
		fake.sims[0].poison = 100 * i;
		client_handle(world.client);
		answer_all();
		fake.sims[0].poison = 0;
		run();
		assert_int_equal(world.reduced_count, i - 1);
	}
	assert_int_equal(world.given_count, 42);
	assert_int_equal(world.failed_count, 0);
	close_world();
}

static void take_whatever(void *context, uint32_t num, const char *reason)
{
	(void)context;
	(void)num;
	(void)reason;
}

/* A request that waits until its node has told its head can be dropped, moved to new nodes, freed. */
static void what_waits_for_a_verdict_is_lost_nowhere(void **state)
{
	static const char *const urls[] = {"http://c"};
	struct client_sink other;
	struct pool *old;

	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		struct error err = ERROR_INIT;

		open_world(1);
		learn_heads();
		other = world.sink;
		other.refused = take_whatever;
		fake.sims[0].fault = FAULT_TIMEOUT;
		client_want(world.client, CLIENT_REPLAY, 1, 20, 0, &world.sink);
		client_want(world.client, CLIENT_REPLAY, 31, 40, 0, &other);
		client_handle(world.client);
		assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
		assert_int_equal(http_in_flight(&fake), 1); /* the question for its head */
		assert_int_equal(client_wanted_count(world.client), 30);
		assert_int_equal(client_expected_bytes(world.client), 0);
		if (how == 0) {
			client_drop(world.client, &other);
			fake.sims[0].fault = FAULT_NONE;
			run();
			assert_each_given_once(1, 20);
		} else if (how == 1) {
			old = world.pool;
			world.pool = pool_new(urls, 1, 50, 0);
			node_gave(pool_node(world.pool, 0), 15000);
			client_set_pool(world.client, world.pool);
			pool_free(old);
			learn_heads();
			run();
			assert_int_equal(world.given_count, 30);
		}
		close_world();
	}
}

/* While that goes on, the other node is asked for the tip, without a long wait. */
static void a_node_that_claims_blocks_in_vain_is_not_asked_at_the_tip(void **state)
{
	unsigned before;

	(void)state;
	open_world(2);
	fake.sims[0].irreversible = 15001;
	fake.sims[0].lacks = 15001;
	learn_heads();
	assert_true(client_ask_tip(world.client, 15001, 1, &world.tip_sink));
	answer_all();
	assert_int_equal(world.given_count, 0);
	assert_int_equal(world.failed_count, 0);
	before = fake.sims[0].request_count;
	for (uint32_t num = 15001; num <= 15003; num++) {
		fake.sims[0].irreversible = num + 1;
		fake.sims[1].irreversible = num;
		assert_true(client_ask_tip(world.client, num, 1, &world.tip_sink));
		answer_all();
	}
	assert_int_equal(fake.sims[0].request_count, before);
	assert_each_given_once(15001, 15003);
	/* It is forgiven after a while. */
	now_ms += 5001;
	fake.sims[0].irreversible = 15010;
	learn_heads();
	assert_int_equal(pool_pick_tip(world.pool, now_ms, 0), 0);
	close_world();
}

/* Turn the loop until the tip is done, or `until_ms`. */
static void wait_tip(unsigned done_count, int64_t until_ms)
{
	struct error err = ERROR_INIT;

	while (world.tip_done_count < done_count && now_ms < until_ms) {
		client_handle(world.client);
		if (http_in_flight(&fake) > 0 && fake_next_due_ms() <= now_ms)
			assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
		else
			now_ms += 50;
	}
	assert_int_equal(world.tip_done_count, done_count);
}

/* The foremost takes its time: the other one is asked, and what comes late is not lost. */
static void a_node_that_is_slow_at_the_tip_is_left_for_another(void **state)
{
	struct client_config patient = config;

	(void)state;
	patient.timeout_ms = 10000;
	open_world(2);
	client_set_config(world.client, &patient);
	fake.sims[0].irreversible = 15001;
	learn_heads();
	fake.sims[0].hangs_for_blocks = true;
	fake.sims[1].irreversible = 15001;
	assert_true(client_ask_tip(world.client, 15001, 1, &world.tip_sink));
	wait_tip(1, 1000 + 2100);
	assert_false(world.tip_had_head);
	assert_int_equal(world.tip_err.kind, ERROR_RETRY);
	assert_true(client_ask_tip(world.client, 15001, 1, &world.tip_sink));
	wait_tip(2, now_ms + 100);
	assert_each_given_once(15001, 15001);
	assert_int_equal(world.sources, 1U << 1);
	fake.sims[0].hangs_for_blocks = false;
	answer_all(); /* too late: the sink has the block already and discards it */
	assert_int_equal(world.tip_done_count, 2);
	assert_int_equal(world.given[15001], 2);
	assert_int_equal(world.failed_count, 0);
	close_world();
}

/* A block that the tail searches: the same. */
static void a_node_that_is_slow_to_give_a_block_is_left_for_another(void **state)
{
	struct client_config patient = config;

	(void)state;
	patient.timeout_ms = 10000;
	for (enum client_priority priority = CLIENT_TAIL; priority <= CLIENT_REPLAY; priority++) {
		open_world(2);
		client_set_config(world.client, &patient);
		learn_heads();
		fake.sims[0].hangs_for_blocks = true;
		client_want(world.client, priority, 14000, 14000, 0, &world.sink);
		run();
		assert_each_given_once(14000, 14000);
		assert_int_equal(world.sources, 1U << 1);
		assert_int_equal(now_ms - 1000, priority == CLIENT_TAIL ? 2000 : 10000);
		answer_all();
		assert_each_given_once(14000, 14000);
		close_world();
	}
}

/* Where all are slow, the second one is waited for. */
static void where_all_are_slow_the_tip_is_waited_for(void **state)
{
	struct client_config patient = config;

	(void)state;
	patient.timeout_ms = 10000;
	open_world(2);
	client_set_config(world.client, &patient);
	learn_heads();
	fake.sims[0].hangs_for_blocks = fake.sims[1].hangs_for_blocks = true;
	assert_true(client_ask_tip(world.client, 15000, 1, &world.tip_sink));
	wait_tip(1, now_ms + 2100);
	assert_true(client_ask_tip(world.client, 15000, 1, &world.tip_sink));
	fake.sims[0].hangs_for_blocks = fake.sims[1].hangs_for_blocks = false;
	wait_tip(2, now_ms + 10100);
	assert_true(world.given[15000] > 0);
	close_world();
}

static void the_only_node_is_asked_whatever_it_claimed(void **state)
{
	(void)state;
	open_world(1);
	fake.sims[0].lacks = 15000;
	learn_heads();
	for (unsigned i = 0; i < 20; i++) {
		assert_true(client_ask_tip(world.client, 15000, 1, &world.tip_sink));
		answer_all();
	}
	fake.sims[0].lacks = 0;
	assert_true(client_ask_tip(world.client, 15000, 1, &world.tip_sink));
	answer_all();
	assert_each_given_once(15000, 15000);
	close_world();
}

/* The request at the tip fails because of one block: the node stays in use, since it tells its head. */
static void a_block_at_the_tip_makes_no_node_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(poisons); i++) {
		open_world(1);
		learn_heads();
		poison_all(1, 14003, poisons[i]);
		assert_true(client_ask_tip(world.client, 14000, 10, &world.tip_sink));
		answer_all();
		assert_int_equal(world.tip_done_count, 1);
		assert_false(world.tip_had_head);
		assert_int_equal(world.failed_count, 0);
		assert_true(client_ask_tip(world.client, 14000, 0, &world.tip_sink));
		answer_all();
		assert_true(world.tip_had_head);
		close_world();
	}
}

/*
 * One name stands for two servers that answer in turns, and one of them is broken: it must not happen
 * that requests for the head always meet the good one, and requests for blocks the other one.
 */
static void one_of_two_servers_behind_a_name_is_broken(void **state)
{
	(void)state;
	for (unsigned at_once = 1; at_once <= 50; at_once += 49) {
		open_world(1);
		learn_heads();
		fake.sims[0].breaks_in_turns = true;
		for (uint32_t num = 1; num <= 200; num += at_once) {
			client_want(world.client, CLIENT_TAIL, num, num + at_once - 1, 0,
				    &world.sink);
			run();
		}
		assert_each_given_once(1, 200);
		assert_int_equal(world.refused_count, 0);
		assert_int_equal(world.failed_count, 0);
		assert_int_equal(now_ms, 1000);
		close_world();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_block_is_isolated_in_bounded_time),
		cmocka_unit_test(the_number_of_nodes_does_not_matter),
		cmocka_unit_test(a_block_that_only_one_node_withholds_comes_from_another),
		cmocka_unit_test(what_a_node_says_of_one_block_is_not_believed_of_all),
		cmocka_unit_test(a_node_that_is_busy_for_everything_is_waited_for),
		cmocka_unit_test(a_block_that_kills_its_node_is_isolated),
		cmocka_unit_test(a_node_that_dies_now_and_then_costs_no_block),
		cmocka_unit_test(several_blocks_are_isolated_together),
		cmocka_unit_test(the_virtual_operations_of_one_block_stop_nobody),
		cmocka_unit_test(a_frozen_node_rests_and_keeps_its_batches),
		cmocka_unit_test(nodes_that_come_back_are_asked_soon),
		cmocka_unit_test(a_node_that_tells_its_head_and_gives_no_block_rests),
		cmocka_unit_test(the_second_silent_batch_makes_batches_smaller),
		cmocka_unit_test(what_waits_for_a_verdict_is_lost_nowhere),
		cmocka_unit_test(a_node_that_claims_blocks_in_vain_is_not_asked_at_the_tip),
		cmocka_unit_test(a_node_that_is_slow_at_the_tip_is_left_for_another),
		cmocka_unit_test(a_node_that_is_slow_to_give_a_block_is_left_for_another),
		cmocka_unit_test(where_all_are_slow_the_tip_is_waited_for),
		cmocka_unit_test(the_only_node_is_asked_whatever_it_claimed),
		cmocka_unit_test(a_block_at_the_tip_makes_no_node_rest),
		cmocka_unit_test(one_of_two_servers_behind_a_name_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
