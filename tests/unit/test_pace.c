/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/backoff.h"
#include "sync/pace.h"

/* A chain that makes a block every interval_ms, give or take; how many requests, how late? */
struct outcome {
	double requests_per_block;
	int64_t worst_delay_ms;
};

static struct outcome follow(int64_t interval_ms, unsigned blocks)
{
	struct pace pace;
	int64_t due_ms = 1000;
	int64_t now_ms = 1000;
	unsigned seen = 0;
	unsigned requests = 0;
	struct outcome outcome = {0, 0};

	pace_init(&pace, now_ms);
	while (seen < blocks) {
		assert_true(pace.ask_at_ms >= now_ms);
		now_ms = pace.ask_at_ms;
		pace_asked(&pace, true, 1, 1, now_ms);
		requests++;
		if (now_ms >= due_ms) {
			if (seen > blocks / 4 && now_ms - due_ms > outcome.worst_delay_ms)
				outcome.worst_delay_ms = now_ms - due_ms;
			seen++;
			due_ms += interval_ms * 9 / 10 +
				  (int64_t)random_below((uint64_t)interval_ms / 5 + 1);
			pace.got_count = 1;
			assert_true(pace_answered(&pace, now_ms >= due_ms, now_ms));
		} else {
			assert_false(pace_answered(&pace, false, now_ms));
			pace_late(&pace, now_ms);
		}
	}
	outcome.requests_per_block = (double)requests / blocks;
	return outcome;
}

static void asks_when_the_block_is_due(void **state)
{
	struct outcome outcome;

	(void)state;
	random_seed(1);
	outcome = follow(3000, 500);
	assert_true(outcome.requests_per_block <= 2.5);
	assert_true(outcome.worst_delay_ms <= 900);
}

static void follows_a_faster_chain(void **state)
{
	struct outcome outcome;

	(void)state;
	random_seed(2);
	outcome = follow(60, 2000);
	assert_true(outcome.requests_per_block <= 4);
	assert_true(outcome.worst_delay_ms <= 200);
}

static void asks_ever_less_often_while_nothing_comes(void **state)
{
	struct pace pace;
	int64_t now_ms = 0;
	unsigned requests = 0;

	(void)state;
	pace_init(&pace, now_ms);
	pace.got_count = 1;
	assert_true(pace_answered(&pace, false, now_ms));
	assert_true(pace.ask_at_ms > 2000 && pace.ask_at_ms <= 3000);
	while (now_ms < 3600 * 1000) { /* the chain stands still for an hour */
		now_ms = pace.ask_at_ms;
		pace_late(&pace, now_ms);
		requests++;
	}
	assert_true(requests < 3700);
}

static void asks_at_once_when_behind_and_soon_after_a_failure(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 100);
	assert_int_equal(pace.ask_at_ms, 100);
	pace.got_count = 50;
	assert_true(pace_answered(&pace, true, 200));
	assert_int_equal(pace.ask_at_ms, 200);
	assert_true(pace_failed(&pace, false, 300));
	assert_true(pace.ask_at_ms > 300 && pace.ask_at_ms <= 500);
	pace_asked(&pace, false, 1, 1, 1000); /* no node was ready */
	assert_true(pace.ask_at_ms > 1000 && pace.ask_at_ms <= 1200);
}

static void asks_for_what_the_nodes_have_within_the_limit(void **state)
{
	(void)state;
	assert_int_equal(pace_count(10, 9, 50), 1); /* the next block may exist by now */
	assert_int_equal(pace_count(10, 10, 50), 1);
	assert_int_equal(pace_count(10, 14, 50), 5);
	assert_int_equal(pace_count(10, 100, 50), 50);
}

static void each_block_of_a_failed_request_is_asked_for_alone(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 0);
	assert_false(pace_is_alone(&pace, 1));
	pace_asked(&pace, true, 1, 5, 0);
	assert_true(pace_failed(&pace, false, 0));
	assert_true(pace_is_alone(&pace, 5));
	assert_false(pace_is_alone(&pace, 6));
	pace_asked(&pace, true, 1, 1, 0);
	assert_true(pace_failed(&pace, false, 0));
	assert_true(pace_is_alone(&pace, 5));
}

static void a_busy_node_says_nothing_about_the_blocks_at_first(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 0);
	pace_asked(&pace, true, 1, 5, 0);
	assert_false(pace_failed(&pace, true, 0));
	assert_false(pace_failed(&pace, true, 0));
	assert_false(pace_answered(&pace, false, 0));
	assert_false(pace_failed(&pace, true, 0));
	assert_false(pace_failed(&pace, true, 0));
	assert_false(pace_is_alone(&pace, 1));
	assert_true(pace_failed(&pace, true, 0));
	assert_true(pace_is_alone(&pace, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_when_the_block_is_due),
		cmocka_unit_test(follows_a_faster_chain),
		cmocka_unit_test(asks_ever_less_often_while_nothing_comes),
		cmocka_unit_test(asks_at_once_when_behind_and_soon_after_a_failure),
		cmocka_unit_test(asks_for_what_the_nodes_have_within_the_limit),
		cmocka_unit_test(each_block_of_a_failed_request_is_asked_for_alone),
		cmocka_unit_test(a_busy_node_says_nothing_about_the_blocks_at_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
