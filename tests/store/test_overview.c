/* SPDX-License-Identifier: MIT */
#include "world.h"

#include "store/overview.h"

static void irreversible_is(uint32_t block)
{
	const struct reader_report report = {
		.state = "tailing", .node = "n", .head_block = block, .irreversible_block = block};

	OK(reader_rows_heartbeat(db, &me, &report, &err));
}

static void expect_gaps(uint32_t decided, uint64_t ranges, uint64_t blocks, uint32_t first)
{
	struct overview overview;

	OK(overview_load(db, decided, &overview, &err));
	assert_int_equal(overview.gap_ranges, ranges);
	assert_int_equal(overview.gap_blocks, blocks);
	assert_int_equal(overview.first_gap, first);
}

static void an_empty_database_has_nothing_missing(void **state)
{
	struct overview overview;

	(void)state;
	OK(overview_load(db, 0, &overview, &err));
	assert_int_equal(overview.irreversible_block, 0);
	assert_int_equal(overview.oldest_s, 0);
	assert_int_equal(overview.alive, 1);
	expect_gaps(0, 0, 0, 0);
}

static void what_lies_above_is_lag(void **state)
{
	(void)state;
	OK(wanted_ranges_open(db, 100, UINT32_MAX, &err));
	irreversible_is(130);
	expect_gaps(0, 0, 0, 0);
	store(100, 104);
	store(108, 110);
	expect_gaps(0, 1, 3, 105);
	/* The tail went on behind blocks that it could not have. */
	expect_gaps(112, 2, 5, 105);
	expect_gaps(4000000000, 2, 23, 105);
	store(105, 107);
	expect_gaps(0, 0, 0, 0);
}

static void it_knows_the_whole(void **state)
{
	struct range_set holes = RANGE_SET_INIT;
	struct reader_identity other = {.name = "two", .session = "s2"};
	struct overview overview;

	(void)state;
	OK(wanted_ranges_open(db, 100, UINT32_MAX, &err));
	store(100, 101);
	store(110, 111);
	OK(range_parse(&holes, "102-109", &err));
	OK(gaps_record(db, 100, 111, &holes, true, &err));
	range_set_release(&holes);
	run_sql("UPDATE known_gaps SET found_at = UTC_TIMESTAMP(6) - INTERVAL 90 SECOND");
	OK(reader_rows_register(db, &other, "test", &err));
	OK(overview_load(db, 0, &overview, &err));
	assert_int_equal(overview.irreversible_block, 111);
	assert_in_range(overview.oldest_s, 90, 120);
	assert_int_equal(overview.alive, 2);
	expect_gaps(0, 1, 8, 102);
	/* A clock that stands ahead, and a reader that is gone. */
	run_sql("UPDATE known_gaps SET found_at = UTC_TIMESTAMP(6) + INTERVAL 90 SECOND");
	run_sql("UPDATE readers SET heartbeat_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR WHERE name = 'two'");
	OK(overview_load(db, 0, &overview, &err));
	assert_int_equal(overview.oldest_s, 0);
	assert_int_equal(overview.alive, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_database_has_nothing_missing),
		TEST(what_lies_above_is_lag),
		TEST(it_knows_the_whole),
	};

	return cmocka_run_group_tests_name("overview", tests, NULL, NULL);
}
