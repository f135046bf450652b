/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/backoff.h"

static void delays_stay_in_bounds_and_grow(void **state)
{
	struct backoff backoff;
	int64_t most_ms = 0;

	(void)state;
	random_seed(1);
	backoff_init(&backoff, 100, 5000);
	for (int i = 0; i < 10000; i++) {
		int64_t before_ms = backoff.last_ms;
		int64_t delay_ms = backoff_next_ms(&backoff);

		assert_in_range(delay_ms, 100, 5000);
		if (before_ms > 0)
			assert_true(delay_ms <= before_ms * 3);
		else
			assert_true(delay_ms <= 300);
		if (delay_ms > most_ms)
			most_ms = delay_ms;
	}
	assert_true(most_ms > 4500);
	backoff_reset(&backoff);
	assert_int_equal(backoff.last_ms, 0);
	assert_in_range(backoff_next_ms(&backoff), 100, 300);
}

static void readers_part(void **state)
{
	struct backoff a;
	struct backoff b;
	unsigned same_count = 0;

	(void)state;
	random_seed(7);
	backoff_init(&a, 100, 60000);
	backoff_init(&b, 100, 60000);
	for (int i = 0; i < 100; i++)
		same_count += backoff_next_ms(&a) == backoff_next_ms(&b);
	assert_true(same_count < 10);
}

static void odd_bounds_are_borne(void **state)
{
	struct backoff backoff;

	(void)state;
	backoff_init(&backoff, 500, 100);
	for (int i = 0; i < 10; i++)
		assert_int_equal(backoff_next_ms(&backoff), 500);
	backoff_init(&backoff, 1, INT64_MAX);
	for (int i = 0; i < 1000; i++)
		assert_true(backoff_next_ms(&backoff) >= 1);
}

static void seeds_repeat(void **state)
{
	uint64_t first[8];

	(void)state;
	random_seed(99);
	for (size_t i = 0; i < 8; i++)
		first[i] = random_below(1000000);
	random_seed(99);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(random_below(1000000), first[i]);
	assert_int_equal(random_below(0), 0);
	assert_int_equal(random_below(1), 0);
}

static void hexadecimal_digits_differ(void **state)
{
	char a[41];
	char b[41];

	(void)state;
	random_hex(a, 40);
	random_hex(b, 40);
	assert_int_equal(strspn(a, "0123456789abcdef"), 40);
	assert_int_equal(strlen(a), 40);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_stay_in_bounds_and_grow), cmocka_unit_test(readers_part),
		cmocka_unit_test(odd_bounds_are_borne),           cmocka_unit_test(seeds_repeat),
		cmocka_unit_test(hexadecimal_digits_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
