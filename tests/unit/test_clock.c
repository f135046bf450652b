/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/clock.h"

static int64_t fixed(void *context)
{
	return *(int64_t *)context;
}

static void time_can_be_replaced(void **state)
{
	int64_t now_ms = 42;
	int64_t real_ms = clock_now_ms();

	(void)state;
	clock_set_source(fixed, &now_ms);
	assert_int_equal(clock_now_ms(), 42);
	now_ms = 43;
	assert_int_equal(clock_now_ms(), 43);
	clock_set_source(NULL, NULL);
	assert_true(clock_now_ms() >= real_ms);
	assert_true(clock_wall_s() > 1700000000);
}

static void times_are_formatted(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(clock_format_utc(0, text, sizeof(text)), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_format_utc(1458835500, text, 21), "2016-03-24T16:05:00Z");
	assert_string_equal(clock_format_utc(1458835500, text, 20), "");
}

static void times_are_parsed(void **state)
{
	(void)state;
	assert_int_equal(clock_parse_utc("1970-01-01T00:00:00"), 0);
	assert_int_equal(clock_parse_utc("2016-03-24T16:05:00"), 1458835500);
	assert_int_equal(clock_parse_utc("2024-02-29T23:59:59"), 1709251199);
	assert_int_equal(clock_parse_utc("2106-02-07T06:28:15"), UINT32_MAX);
}

static void other_texts_are_no_time(void **state)
{
	static const char *const bad[] = {
		"",
		"2016-03-24",
		"2016-03-24T16:05:00Z",
		"2016-03-24 16:05:00",
		"2016-3-24T16:05:000",
		"2016-13-01T00:00:00",
		"2016-00-01T00:00:00",
		"2023-02-29T00:00:00",
		"2016-03-24T24:00:00",
		"2016-03-24T16:60:00",
		"2016-03-24T16:05:60",
		"1969-12-31T23:59:58",
		"2016-03-24T16:05:-1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(clock_parse_utc(bad[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_can_be_replaced),
		cmocka_unit_test(times_are_formatted),
		cmocka_unit_test(times_are_parsed),
		cmocka_unit_test(other_texts_are_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
