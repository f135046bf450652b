/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "poster/route.h"

#define NOW      INT64_C(1000000)
#define STORED_S INT64_C(1500000000)
#define HEAD_S   (STORED_S + 51)

static struct route route_at(int64_t head_s, int64_t latency_us)
{
	return (struct route){.head = {.head_block = 1000, .head_time_s = head_s},
			      .head_at_ms = NOW - 500,
			      .has_chain = true,
			      .latency_us = latency_us};
}

static void the_fastest_usable_node_is_chosen(void **unused)
{
	struct route routes[] = {route_at(HEAD_S, 300), route_at(HEAD_S, 100),
				 route_at(HEAD_S - 3, 200)};

	(void)unused;
	assert_int_equal(route_choose(routes, 3, NOW, STORED_S, 0), 1);
	assert_int_equal(route_choose(routes, 3, NOW, STORED_S, 1 << 1), 2);
	assert_int_equal(route_choose(routes, 3, NOW, STORED_S, 7), -1);
	route_failed(&routes[1], NOW);
	assert_int_equal(route_choose(routes, 3, NOW, STORED_S, 0), 2);
	/* If all others were tried, a resting one is better than none. */
	assert_int_equal(route_choose(routes, 3, NOW, STORED_S, 5), 1);
}

static void an_unproved_node_is_not_used(void **unused)
{
	struct route routes[] = {route_at(HEAD_S, 1), route_at(HEAD_S, 1), route_at(HEAD_S, 1),
				 route_at(HEAD_S, 9)};

	(void)unused;
	routes[0].has_chain = false;
	routes[1].is_other_chain = true;
	routes[2].head_at_ms = NOW - ROUTE_HEAD_MS - 1;
	assert_int_equal(route_choose(routes, 4, NOW, STORED_S, 0), 3);
	assert_int_equal(route_usable_count(routes, 4, NOW, STORED_S), 1);
	assert_int_equal(route_usable_count(routes, 4, NOW, 0), 0);
}

static void a_node_that_is_behind_is_not_used(void **unused)
{
	struct route routes[] = {route_at(HEAD_S, 100), route_at(HEAD_S - ROUTE_BEHIND_S - 1, 1)};
	struct route alone = route_at(STORED_S - 1, 1);

	(void)unused;
	assert_int_equal(route_choose(routes, 2, NOW, STORED_S, 0), 0);
	/* Behind the database, even when it is the only one. */
	assert_int_equal(route_choose(&alone, 1, NOW, STORED_S, 0), -1);
}

static void a_node_that_lies_about_its_head_shuts_out_nobody(void **unused)
{
	struct route far[] = {route_at(HEAD_S, 100), route_at(STORED_S + ROUTE_AHEAD_S + 1, 1)};
	struct route near[] = {route_at(HEAD_S, 100), route_at(HEAD_S, 100),
			       route_at(HEAD_S + 60, 1)};
	struct chain_head head;

	(void)unused;
	assert_int_equal(route_choose(far, 2, NOW, STORED_S, 0), 0);
	assert_int_equal(route_usable_count(near, 3, NOW, STORED_S), 2);
	assert_true(route_head(near, 3, NOW, STORED_S, &head));
	assert_int_equal(head.head_time_s, HEAD_S);
}

static void the_lowest_usable_head_is_signed_by(void **unused)
{
	struct route routes[] = {route_at(HEAD_S, 1), route_at(HEAD_S - 6, 100)};
	struct chain_head head;

	(void)unused;
	assert_true(route_head(routes, 2, NOW, STORED_S, &head));
	assert_int_equal(head.head_time_s, HEAD_S - 6);
	routes[0].is_other_chain = routes[1].is_other_chain = true;
	assert_false(route_head(routes, 2, NOW, STORED_S, &head));
}

static void a_failing_node_rests_longer_each_time(void **unused)
{
	struct route route = route_at(HEAD_S, 100);
	int64_t last_ms = 0;

	(void)unused;
	for (int i = 0; i < 12; i++) {
		route_failed(&route, NOW);
		assert_true(route.rests_until_ms >= last_ms);
		assert_true(route.rests_until_ms <= NOW + 30000);
		last_ms = route.rests_until_ms;
	}
	route_answered(&route, 100);
	assert_int_equal(route.rests_until_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fastest_usable_node_is_chosen),
		cmocka_unit_test(an_unproved_node_is_not_used),
		cmocka_unit_test(a_node_that_is_behind_is_not_used),
		cmocka_unit_test(a_node_that_lies_about_its_head_shuts_out_nobody),
		cmocka_unit_test(the_lowest_usable_head_is_signed_by),
		cmocka_unit_test(a_failing_node_rests_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
