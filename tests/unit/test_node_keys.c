/* SPDX-License-Identifier: MIT */
/* This file stands in the place of steem/client_keys.o, so each answer comes when the test says so. */
#include "test.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "sync/node_keys.h"

#define NODES 3

static struct shared shared;
static struct node_keys *keys;
static const struct client_key_sink *sink;
static int64_t now_ms;
static unsigned asked[NODES]; /* how many names each node was asked for, in all */
static uint64_t resting;      /* mask of nodes that may not be asked */

bool client_ask_keys(struct client *client, unsigned node, const char *const *witnesses,
		     size_t count, const struct client_key_sink *to)
{
	(void)client;
	(void)witnesses;
	sink = to;
	if (resting >> node & 1)
		return false;
	asked[node] += (unsigned)count;
	return true;
}

static int64_t read_clock(void *context)
{
	(void)context;
	return now_ms;
}

static int begin(void **state)
{
	static const char *const urls[NODES] = {"http://a", "http://b", "http://c"};
	static const struct chain_head head = {.head_block = 120, .irreversible_block = 100};

	(void)state;
	now_ms = 1000;
	clock_set_source(read_clock, NULL);
	shared = (struct shared){.pool = pool_new(urls, NODES, 50, 0)};
	for (unsigned i = 0; i < NODES; i++)
		node_set_head(pool_node(shared.pool, i), &head, now_ms);
	memset(asked, 0, sizeof(asked));
	resting = 0;
	keys = node_keys_new(&shared, true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	node_keys_free(keys);
	pool_free(shared.pool);
	clock_set_source(NULL, NULL);
	return 0;
}

static void step_after(int64_t ms)
{
	now_ms += ms;
	(void)node_keys_step(keys, now_ms);
}

static void answer(unsigned node, const char *witness, const char *key)
{
	sink->told(sink->context, node, witness, key, NULL);
}

static void refuse(unsigned node, const char *witness)
{
	struct error err = ERROR_INIT;

	(void)error_set(&err, ERROR_NODE, "busy");
	sink->told(sink->context, node, witness, NULL, &err);
}

static void assert_asked(unsigned a, unsigned b, unsigned c)
{
	assert_int_equal(asked[0], a);
	assert_int_equal(asked[1], b);
	assert_int_equal(asked[2], c);
}

static void more_than_half_must_tell_the_same(void **state)
{
	(void)state;
	node_keys_ask(keys, "alice", 7);
	step_after(0);
	assert_asked(1, 1, 1);
	answer(0, "alice", "K1");
	assert_null(node_keys_told(keys, "alice"));
	answer(1, "alice", "K2");
	assert_null(node_keys_told(keys, "alice"));
	answer(2, "alice", "K1");
	assert_string_equal(node_keys_told(keys, "alice"), "K1");
	assert_null(node_keys_told(keys, "bob"));
	assert_true(node_keys_step(keys, now_ms) == CLOCK_NEVER);
	node_keys_stop(keys, "alice");
	assert_null(node_keys_told(keys, "alice"));
}

static void nodes_that_told_none_are_asked_again(void **state)
{
	(void)state;
	node_keys_ask(keys, "alice", 7);
	step_after(0);
	answer(0, "alice", "K1");
	refuse(1, "alice");
	step_after(999);
	assert_asked(1, 1, 1);
	step_after(1);
	assert_asked(1, 2, 1); /* the third one has not answered yet */
	answer(1, "alice", "K1");
	assert_string_equal(node_keys_told(keys, "alice"), "K1");
}

static void a_node_that_rests_is_asked_after_its_rest(void **state)
{
	(void)state;
	resting = 1 << 1;
	node_keys_ask(keys, "alice", 7);
	step_after(0);
	assert_asked(1, 0, 1);
	resting = 0;
	step_after(10);
	assert_asked(1, 1, 1);
}

static void if_all_differ_all_are_asked_again(void **state)
{
	(void)state;
	node_keys_ask(keys, "alice", 7);
	step_after(0);
	answer(0, "alice", "K1");
	answer(1, "alice", "K2");
	answer(2, "alice", "K3");
	step_after(1000);
	assert_asked(2, 2, 2);
	answer(1, "alice", "K1");
	answer(2, "alice", "K1");
	assert_string_equal(node_keys_told(keys, "alice"), "K1");
}

/* Also where nothing is logged: reversible blocks would wait for these nodes for ever. */
static void silent_nodes_do_not_count_after_a_while(void **state)
{
	(void)state;
	node_keys_ask(keys, "alice", 7);
	step_after(0);
	answer(0, "alice", "K1");
	for (unsigned i = 0; i < 14; i++)
		step_after(1000);
	assert_null(node_keys_told(keys, "alice"));
	step_after(1000);
	assert_string_equal(node_keys_told(keys, "alice"), "K1");
}

/* One tells a false key, and one none: they are late, and the vote on the block decides. */
static void nodes_that_do_not_agree_are_late(void **state)
{
	(void)state;
	node_keys_ask(keys, "alice", 7);
	assert_false(node_keys_are_late(keys, "alice"));
	step_after(0);
	answer(0, "alice", "K1");
	answer(1, "alice", "K2");
	for (unsigned i = 0; i < 14; i++)
		step_after(1000);
	assert_false(node_keys_are_late(keys, "alice"));
	step_after(1000);
	assert_null(node_keys_told(keys, "alice"));
	assert_true(node_keys_are_late(keys, "alice"));
	answer(2, "alice", "K1");
	assert_false(node_keys_are_late(keys, "alice"));
	assert_string_equal(node_keys_told(keys, "alice"), "K1");
	assert_false(node_keys_are_late(keys, "bob"));
}

/* An answer that comes too late must not keep its node from being asked the next time. */
static void a_new_question_is_asked_of_all_nodes(void **state)
{
	(void)state;
	node_keys_ask(keys, "alice", 7);
	step_after(0);
	answer(0, "alice", "K1");
	answer(1, "alice", "K1");
	node_keys_stop(keys, "alice");
	answer(2, "alice", "K1");
	node_keys_ask(keys, "alice", 28);
	assert_null(node_keys_told(keys, "alice"));
	step_after(0);
	assert_asked(2, 2, 2);
}

static void other_nodes_are_asked_from_the_beginning(void **state)
{
	(void)state;
	node_keys_ask(keys, "alice", 7);
	step_after(0);
	answer(0, "alice", "K1");
	shared.pool_epoch++;
	step_after(0);
	assert_asked(2, 2, 2);
	answer(1, "alice", "K2");
	answer(2, "alice", "K2");
	assert_string_equal(node_keys_told(keys, "alice"), "K2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(more_than_half_must_tell_the_same, begin, end),
		cmocka_unit_test_setup_teardown(nodes_that_told_none_are_asked_again, begin, end),
		cmocka_unit_test_setup_teardown(a_node_that_rests_is_asked_after_its_rest, begin,
						end),
		cmocka_unit_test_setup_teardown(if_all_differ_all_are_asked_again, begin, end),
		cmocka_unit_test_setup_teardown(silent_nodes_do_not_count_after_a_while, begin,
						end),
		cmocka_unit_test_setup_teardown(nodes_that_do_not_agree_are_late, begin, end),
		cmocka_unit_test_setup_teardown(a_new_question_is_asked_of_all_nodes, begin, end),
		cmocka_unit_test_setup_teardown(other_nodes_are_asked_from_the_beginning, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
