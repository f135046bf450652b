/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "steem/pool.h"
#include "steem/rpc.h"

static const char *const urls[] = {"http://a", "http://b", "http://c"};

static struct pool *make_pool(void)
{
	return pool_new(urls, 3, 50, 0);
}

static void set_node(struct pool *pool, unsigned index, uint32_t irreversible, int64_t latency_us)
{
	const struct chain_head head = {.head_block = irreversible + 20,
					.irreversible_block = irreversible};

	node_set_head(pool_node(pool, index), &head, 1);
	pool_node(pool, index)->latency_us = latency_us;
}

static void the_node_that_answers_first_is_picked(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	set_node(pool, 0, 1000, 90);
	set_node(pool, 1, 1000, 40);
	set_node(pool, 2, 500, 10);
	assert_int_equal(pool_pick(pool, 10, 400, 0), 2);
	assert_int_equal(pool_pick(pool, 10, 501, 0), 1); /* c does not have it yet */
	assert_int_equal(pool_pick(pool, 10, 501, 1U << 1), 0);
	assert_int_equal(pool_pick(pool, 10, 501, 3), -1);
	assert_int_equal(pool_pick(pool, 10, 1001, 0), -1);
	assert_int_equal(pool_pick(pool, 10, 0, 0), 2);
	pool_node(pool, 2)->in_flight = 9; /* ten times its 10 us is more than 90 */
	assert_int_equal(pool_pick(pool, 10, 400, 1U << 1), 0);
	pool_free(pool);
}

static void load_is_spread_by_speed(void **state)
{
	struct pool *pool = make_pool();
	unsigned shares[3];

	(void)state;
	set_node(pool, 0, 1000, 100);
	set_node(pool, 1, 1000, 200);
	set_node(pool, 2, 1000, 400);
	for (int i = 0; i < 70; i++)
		pool_node(pool, (unsigned)pool_pick(pool, 10, 1, 0))->in_flight++;
	for (unsigned i = 0; i < 3; i++)
		shares[i] = pool_node(pool, i)->in_flight;
	assert_in_range(shares[0], 39, 41);
	assert_in_range(shares[1], 19, 21);
	assert_in_range(shares[2], 9, 11);
	pool_free(pool);
}

static void a_node_never_measured_gets_one_try(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	set_node(pool, 0, 1000, 100);
	set_node(pool, 1, 1000, 0);
	assert_int_equal(pool_pick(pool, 10, 1, 0), 1);
	pool_node(pool, 1)->in_flight = 1;
	assert_int_equal(pool_pick(pool, 10, 1, 0), 0);
	assert_int_equal(pool_pick(pool, 10, 1, 1), 1); /* there is no other */
	set_node(pool, 2, 1000, 100);
	set_node(pool, 0, 1000, 0);
	pool_node(pool, 0)->in_flight = 1;
	assert_int_equal(pool_pick(pool, 10, 1, 0), 2);
	pool_free(pool);
}

static void the_tip_is_asked_of_the_foremost(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	assert_int_equal(pool_pick_tip(pool, 10, 0), 0); /* nothing is known: any */
	set_node(pool, 0, 1000, 10);
	set_node(pool, 1, 1001, 500);
	set_node(pool, 2, 1001, 400);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 2);
	assert_int_equal(pool_pick_tip(pool, 10, 1U << 2), 1);
	assert_int_equal(pool_pick_tip(pool, 10, 7), -1);
	/* To be a block ahead is worth three seconds. */
	set_node(pool, 1, 1001, 3500000);
	set_node(pool, 2, 1001, 4000000);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 0);
	set_node(pool, 2, 1002, 4000000);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 2);
	pool_free(pool);
}

/* It is asked for what it really gave before; for what is above, others are. */
static void claims_in_vain_count_for_little(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	set_node(pool, 0, 1005, 10);
	set_node(pool, 1, 1000, 90);
	set_node(pool, 2, 900, 50);
	for (unsigned i = 0; i < 3; i++)
		node_gave(pool_node(pool, i), 999);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 0);
	node_claimed_in_vain(pool_node(pool, 0), 10);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 1);
	assert_int_equal(pool_pick(pool, 10, 999, 0), 0);
	assert_int_equal(pool_pick(pool, 10, 1000, 0), 1);
	assert_int_equal(pool_pick(pool, 10, 1003, 0), 0); /* nobody else claims it */
	assert_int_equal(pool_pick_tip(pool, 10, 1U << 1), 0);
	/* As far as it gave blocks since, it is believed. */
	node_gave(pool_node(pool, 0), 1001);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 0);
	node_claimed_in_vain(pool_node(pool, 0), 20);
	set_node(pool, 1, 1001, 90);
	assert_int_equal(pool_pick_tip(pool, 20, 0), 1);
	/* It is forgiven, later each time. */
	assert_int_equal(pool_pick_tip(pool, 20 + 5000, 0), 1);
	assert_int_equal(pool_pick_tip(pool, 20 + 10000, 0), 0);
	for (unsigned i = 0; i < 100; i++)
		node_claimed_in_vain(pool_node(pool, 0), 20);
	assert_int_equal(pool_pick_tip(pool, 20 + 80000, 0), 0);
	pool_free(pool);
}

static void resting_and_excluded_nodes_are_left_out(void **state)
{
	struct pool *pool = make_pool();
	int64_t delay_ms;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		set_node(pool, i, 1000 + i, 100 + i);
	assert_int_equal(pool_healthy(pool, 10), 7);
	assert_true(pool_next_ready_ms(pool, 10) == INT64_MAX);
	delay_ms = node_failed(pool_node(pool, 0), 10, RPC_FAILURE_OTHER_NODE, 0);
	node_exclude(pool_node(pool, 2), "another chain");
	assert_int_equal(pool_healthy(pool, 10), 2);
	assert_int_equal(pool_usable(pool), 3);
	assert_int_equal(pool_pick(pool, 10, 1, 0), 1);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 1);
	assert_int_equal(pool_next_ready_ms(pool, 10), 10 + delay_ms);
	assert_int_equal(pool_healthy(pool, 10 + delay_ms), 3);
	assert_int_equal(pool_pick(pool, 10 + delay_ms, 1, 0), 0);
	/* The excluded one's word does not count, and of two nodes both must have a block. */
	assert_int_equal(pool_irreversible(pool), 1000);
	assert_int_equal(pool_head(pool), 1020);
	pool_free(pool);
}

static const struct claims {
	uint32_t claims[4]; /* 0: no node */
	uint32_t irreversible;
	uint64_t electors;
} claims[] = {
	{{1000}, 1000, 1},
	{{1000, 1000}, 1000, 3},
	{{1001, 1000}, 1000, 3},
	{{1000, 1029}, 1000, 3},
	{{1000, 1030}, 1030, 2}, /* the other one lags */
	{{1000, 1001, 1002}, 1001, 7},
	{{1000, 1000, UINT32_MAX}, 1000, 7},
	{{1000, 5000, 5000}, 5000, 7},
	{{10, 20, 5000}, 20, 7}, /* most of them lag: that is no lag */
	{{1000, 1001, 1002, 1003}, 1001, 15},
	{{1000, 1001, 1102, 1103}, 1102, 12},
	{{1000, 1101, 1102, 1103}, 1101, 15},
};

static void more_than_half_must_claim_it(void **state)
{
	static const char *const four[] = {"http://a", "http://b", "http://c", "http://d"};

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		unsigned count = 0;
		struct pool *pool;

		while (count < 4 && claims[i].claims[count] > 0)
			count++;
		pool = pool_new(four, count, 50, 0);
		for (unsigned j = 0; j < count; j++)
			set_node(pool, j, claims[i].claims[j], 100);
		print_message("case %zu\n", i);
		assert_int_equal(pool_irreversible(pool), claims[i].irreversible);
		assert_true(pool_electors(pool) == claims[i].electors);
		pool_free(pool);
	}
}

static void who_does_not_answer_holds_nobody_up(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	set_node(pool, 0, 1000, 100);
	set_node(pool, 1, 1005, 100);
	assert_int_equal(pool_irreversible(pool), 1000);
	assert_true(pool_electors(pool) == 7); /* the third one has not answered yet */
	pool_node(pool, 0)->is_silent = true;
	assert_int_equal(pool_irreversible(pool), 1005);
	assert_true(pool_electors(pool) == 7);
	(void)node_lost(pool_node(pool, 0), 10);
	assert_true(pool_electors(pool) == 6);
	/* What was claimed does not end with those who claimed it. */
	(void)node_lost(pool_node(pool, 1), 10);
	assert_int_equal(pool_irreversible(pool), 1000);
	pool_free(pool);
}

/* One that makes up blocks waits for the moment in which both others fail. */
static void one_of_three_does_not_decide_at_once(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		set_node(pool, i, i == 2 ? 1020 : 1000, 100);
	(void)node_lost(pool_node(pool, 0), 1000);
	assert_true(pool_electors(pool) == 6);
	assert_int_equal(pool_irreversible(pool), 1000);
	(void)node_lost(pool_node(pool, 1), 1000);
	assert_true(pool_electors(pool) == 7);
	assert_int_equal(pool_irreversible(pool), 1000);
	for (unsigned i = 0; i < 2; i++)
		(void)node_lost(pool_node(pool, i), 31000);
	assert_true(pool_electors(pool) == 4);
	assert_int_equal(pool_irreversible(pool), 1020);
	node_succeeded(pool_node(pool, 0), 32000, 100, 0, 100);
	assert_true(pool_electors(pool) == 5);
	pool_free(pool);
}

static void a_stuck_half_holds_nobody_up(void **state)
{
	struct pool *pool = make_pool();
	struct chain_head head = {.irreversible_block = 1000};

	(void)state;
	node_exclude(pool_node(pool, 2), "it is not wanted here");
	for (unsigned i = 0; i < 2; i++)
		node_set_head(pool_node(pool, i), &head, 1000);
	node_set_head(pool_node(pool, 0), &head, 30000);
	head.irreversible_block = 1010;
	node_set_head(pool_node(pool, 1), &head, 31000);
	assert_int_equal(pool_irreversible(pool), 1000);
	head.irreversible_block = 1000;
	node_set_head(pool_node(pool, 0), &head, 31000);
	assert_int_equal(pool_irreversible(pool), 1010);
	assert_true(pool_electors(pool) == 2);
	head.irreversible_block = 1001; /* it moves again */
	node_set_head(pool_node(pool, 0), &head, 32000);
	assert_int_equal(pool_irreversible(pool), 1001);
	pool_free(pool);
}

/* Who claims more than there is would else be the only one who votes. */
static void a_node_with_a_new_head_does_not_lag(void **state)
{
	struct pool *pool = make_pool();
	struct chain_head head = {.irreversible_block = 1000, .head_time_s = 5000};

	(void)state;
	node_exclude(pool_node(pool, 2), "it is not wanted here");
	node_set_head(pool_node(pool, 0), &head, 1000);
	head.irreversible_block = 1035;
	node_set_head(pool_node(pool, 1), &head, 1000);
	pool_set_time(pool, 5100);
	assert_int_equal(pool_irreversible(pool), 1000);
	assert_true(pool_electors(pool) == 3);
	pool_set_time(pool, 5121); /* it has an old one */
	assert_int_equal(pool_irreversible(pool), 1035);
	assert_true(pool_electors(pool) == 2);
	pool_set_time(pool, 0); /* nobody knows */
	assert_int_equal(pool_irreversible(pool), 1035);
	pool_free(pool);
}

static void what_cannot_be_is_no_claim(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		set_node(pool, i, 1000 + i, 100);
	pool_set_ceiling(pool, 1001);
	assert_int_equal(pool_irreversible(pool), 1000); /* of two that are left */
	pool_set_ceiling(pool, 999);
	assert_int_equal(pool_irreversible(pool), 0);
	pool_set_ceiling(pool, UINT32_MAX);
	assert_int_equal(pool_irreversible(pool), 1001);
	assert_true(pool_claims(pool, 1002, 1010) && !pool_claims(pool, 1003, 1010));
	pool_free(pool);
}

/* Its irreversible block is a usual one, and its head is not. */
static void a_node_alone_does_not_tell_the_head(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	for (unsigned liar = 0; liar < 3; liar++) {
		for (unsigned i = 0; i < 3; i++) {
			set_node(pool, i, 1000, 100);
			pool_node(pool, i)->head.head_time_s = 5000;
		}
		pool_node(pool, liar)->head.head_block = UINT32_MAX;
		pool_node(pool, liar)->head.head_time_s = INT64_MAX;
		assert_int_equal(pool_irreversible(pool), 1000);
		assert_int_equal(pool_head(pool), 1020);
		assert_int_equal(pool_head_time_s(pool), 5000);
		pool_node(pool, liar)->head.head_block = 1000;
		pool_node(pool, liar)->head.head_time_s = 0;
		assert_int_equal(pool_head(pool), 1020);
		assert_int_equal(pool_head_time_s(pool), 5000);
	}
	pool_set_ceiling(pool, 1010);
	assert_int_equal(pool_head(pool), 1010);
	pool_free(pool);
}

static void nodes_that_have_not_answered_are_waited_for(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	set_node(pool, 0, 70000000, 10);
	assert_false(pool_half_answers(pool));
	set_node(pool, 1, 1000, 10);
	assert_true(pool_half_answers(pool));
	pool_node(pool, 1)->is_silent = true;
	assert_false(pool_half_answers(pool));
	(void)node_lost(pool_node(pool, 1), 10);
	(void)node_lost(pool_node(pool, 2), 10);
	assert_false(pool_half_answers(pool));
	for (unsigned i = 1; i < 3; i++)
		(void)node_lost(pool_node(pool, i), 30010);
	assert_true(pool_half_answers(pool)); /* they are gone */
	pool_free(pool);
}

static void a_node_on_trial_is_for_those_who_want_no_other(void **state)
{
	struct pool *pool = make_pool();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		set_node(pool, i, i == 1 ? 5000 : 1000, 10);
	pool_node(pool, 1)->is_on_trial = true;
	assert_int_equal(pool_on_trial(pool), 1U << 1);
	assert_int_equal(pool_pick(pool, 10, 2000, 0), -1);
	assert_int_equal(pool_pick(pool, 10, 2000, (1U << 0) | (1U << 2)), -1);
	assert_int_equal(pool_pick(pool, 10, 2000, ~(UINT64_C(1) << 1)), 1);
	assert_int_equal(pool_pick_tip(pool, 10, 0), 0);
	assert_int_equal(pool_irreversible(pool), 1000); /* its own word is not believed */
	assert_int_equal(pool_head(pool), 1020);
	node_exclude(pool_node(pool, 1), "it failed");
	assert_int_equal(pool_on_trial(pool), 0);
	assert_int_equal(pool_pick(pool, 10, 2000, ~(UINT64_C(1) << 1)), -1);
	pool_free(pool);
}

static void a_new_pool_keeps_the_rates_of_nodes_it_knows(void **state)
{
	static const char *const more[] = {"http://new", "http://b"};
	struct pool *old = pool_new(urls, 3, 50, 1);
	struct pool *pool = pool_new(more, 2, 50, 1);

	(void)state;
	assert_string_equal(urls[1], more[1]);
	(void)node_sent(pool_node(old, 1), 1000);
	pool_keep_rates(pool, old);
	pool_free(old);
	assert_true(node_is_ready(pool_node(pool, 0), 1500));
	assert_false(node_is_ready(pool_node(pool, 1), 1500));
	assert_true(node_is_ready(pool_node(pool, 1), 2100));
	pool_free(pool);
}

static void there_may_be_no_node_or_too_many(void **state)
{
	const char *many[POOL_MAX_NODES + 1];
	struct pool *pool = pool_new(urls, 0, 50, 0);

	(void)state;
	assert_int_equal(pool_count(pool), 0);
	assert_int_equal(pool_pick(pool, 10, 0, 0), -1);
	assert_int_equal(pool_healthy(pool, 10), 0);
	assert_int_equal(pool_irreversible(pool), 0);
	pool_free(pool);
	for (unsigned i = 0; i <= POOL_MAX_NODES; i++)
		many[i] = "http://a";
	pool = pool_new(many, POOL_MAX_NODES + 1, 50, 0);
	assert_int_equal(pool_count(pool), POOL_MAX_NODES);
	assert_true(pool_healthy(pool, 10) == UINT64_MAX);
	assert_int_equal(pool_pick(pool, 10, 0, UINT64_MAX >> 1), POOL_MAX_NODES - 1);
	pool_free(pool);
	pool_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_node_that_answers_first_is_picked),
		cmocka_unit_test(load_is_spread_by_speed),
		cmocka_unit_test(a_node_never_measured_gets_one_try),
		cmocka_unit_test(the_tip_is_asked_of_the_foremost),
		cmocka_unit_test(claims_in_vain_count_for_little),
		cmocka_unit_test(resting_and_excluded_nodes_are_left_out),
		cmocka_unit_test(a_node_alone_does_not_tell_the_head),
		cmocka_unit_test(nodes_that_have_not_answered_are_waited_for),
		cmocka_unit_test(a_node_on_trial_is_for_those_who_want_no_other),
		cmocka_unit_test(more_than_half_must_claim_it),
		cmocka_unit_test(who_does_not_answer_holds_nobody_up),
		cmocka_unit_test(one_of_three_does_not_decide_at_once),
		cmocka_unit_test(a_stuck_half_holds_nobody_up),
		cmocka_unit_test(a_node_with_a_new_head_does_not_lag),
		cmocka_unit_test(what_cannot_be_is_no_claim),
		cmocka_unit_test(a_new_pool_keeps_the_rates_of_nodes_it_knows),
		cmocka_unit_test(there_may_be_no_node_or_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
