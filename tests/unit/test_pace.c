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
		pace_asked(&pace, now_ms);
		requests++;
		if (now_ms >= due_ms) {
			if (seen > blocks / 4 && now_ms - due_ms > outcome.worst_delay_ms)
				outcome.worst_delay_ms = now_ms - due_ms;
			seen++;
			due_ms += interval_ms * 9 / 10 +
				  (int64_t)random_below((uint64_t)interval_ms / 5 + 1);
			pace_advanced(&pace, now_ms, 1, now_ms >= due_ms);
		} else {
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
	pace_advanced(&pace, now_ms, 1, 0);
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
	pace_advanced(&pace, 200, 50, 1);
	assert_int_equal(pace.ask_at_ms, 200);
	pace_failed(&pace, 300);
	assert_true(pace.ask_at_ms > 300 && pace.ask_at_ms <= 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_when_the_block_is_due),
		cmocka_unit_test(follows_a_faster_chain),
		cmocka_unit_test(asks_ever_less_often_while_nothing_comes),
		cmocka_unit_test(asks_at_once_when_behind_and_soon_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
