/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "sync/dbclock.h"

#define NOW_S   INT64_C(1800000000) /* when the monotonic clock is at 0 */
#define DAY_S   86400
#define EVEN_MS 60000
#define BEAT_MS 5000

static char why[200];

/* Read the clock with every heartbeat, from one time to another, while it is wrong by this much. */
static void look(struct dbclock *clock, int64_t from_ms, int64_t to_ms, int64_t off_s)
{
	for (int64_t now_ms = from_ms; now_ms <= to_ms; now_ms += BEAT_MS)
		dbclock_look(clock, now_ms, (NOW_S + off_s) * 1000 + now_ms);
}

/* host and chain: how wrong they are; the chain moved as fast as time. */
static bool is_sure(const struct dbclock *clock, int64_t now_ms, int64_t host_s, int64_t chain_s)
{
	const struct dbclock_witness witness = {
		.host_s = NOW_S + now_ms / 1000 + host_s,
		.chain_s = NOW_S + now_ms / 1000 + chain_s,
		.chain_before_s = NOW_S + now_ms / 1000 + chain_s - 60,
		.chain_elapsed_ms = 60000,
	};

	return dbclock_is_sure(clock, now_ms, EVEN_MS, &witness, why, sizeof(why));
}

static void what_it_says_is_the_databases_time(void **state)
{
	struct dbclock clock = {.is_known = false};

	(void)state;
	assert_int_equal(dbclock_now_s(&clock, 1000), 0);
	look(&clock, 0, 10000, 30 * DAY_S);
	assert_int_equal(dbclock_now_s(&clock, 12000), NOW_S + 30 * DAY_S + 12);
	/* A clock that is set by seconds is followed. */
	look(&clock, 15000, 20000, 30 * DAY_S + 40);
	assert_int_equal(dbclock_now_s(&clock, 20000), NOW_S + 30 * DAY_S + 60);
}

static void a_jump_is_doubted_until_it_has_lasted(void **state)
{
	struct dbclock clock = {.is_known = false};

	(void)state;
	look(&clock, 0, 60000, 0);
	look(&clock, 65000, 77000, 400 * DAY_S);
	assert_int_equal(dbclock_now_s(&clock, 77000), NOW_S + 77);
	look(&clock, 80000, 90000, 0);
	assert_int_equal(dbclock_now_s(&clock, 90000), NOW_S + 90);
	look(&clock, 100000, 690000, DAY_S);
	assert_int_equal(dbclock_now_s(&clock, 690000), NOW_S + 690);
	look(&clock, 695000, 705000, DAY_S);
	assert_int_equal(dbclock_now_s(&clock, 705000), NOW_S + DAY_S + 705);
}

/* Ages are by the earlier of the two times. */
static void a_clock_that_went_back_counts_at_once(void **state)
{
	struct dbclock clock = {.is_known = false};

	(void)state;
	look(&clock, 0, 10000, 400 * DAY_S);
	look(&clock, 15000, 15000, 0);
	assert_int_equal(dbclock_now_s(&clock, 15000), NOW_S + 15);
}

static void a_jump_that_moves_on_is_doubted_anew(void **state)
{
	struct dbclock clock = {.is_known = false};

	(void)state;
	look(&clock, 0, 10000, 0);
	look(&clock, 15000, 400000, DAY_S);
	look(&clock, 405000, 700000, 2 * DAY_S);
	assert_int_equal(dbclock_now_s(&clock, 700000), NOW_S + 700);
}

static void one_look_removes_nothing(void **state)
{
	struct dbclock clock = {.is_known = false};

	(void)state;
	assert_false(is_sure(&clock, 0, 0, 0));
	look(&clock, 0, 0, 0);
	assert_false(is_sure(&clock, 100000, 0, 0)); /* however long ago */
	look(&clock, 5000, 55000, 0);
	assert_false(is_sure(&clock, 59000, 0, 0));
	assert_string_equal(why, "");
	look(&clock, 60000, 60000, 0);
	assert_true(is_sure(&clock, 60000, 0, 0));
}

static void after_a_jump_and_back_it_runs_evenly_first(void **state)
{
	struct dbclock clock = {.is_known = false};

	(void)state;
	look(&clock, 0, 100000, 0);
	assert_true(is_sure(&clock, 100000, 0, 0));
	look(&clock, 105000, 115000, 400 * DAY_S);
	assert_false(is_sure(&clock, 115000, 0, 0));
	assert_non_null(strstr(why, "jumped by 34560000 s"));
	look(&clock, 120000, 175000, 0);
	assert_false(is_sure(&clock, 175000, 0, 0));
	look(&clock, 180000, 180000, 0);
	assert_true(is_sure(&clock, 180000, 0, 0));
}

/* The reader was started while the clock was ahead: it runs evenly. */
static void others_must_agree(void **state)
{
	struct dbclock clock = {.is_known = false};

	(void)state;
	look(&clock, 0, 600000, 400 * DAY_S);
	assert_false(is_sure(&clock, 600000, 0, 0));
	assert_non_null(strstr(why, "this host's"));
	/* Database and host share one clock: only the chain shows that it is wrong. */
	assert_false(is_sure(&clock, 600000, 400 * DAY_S, 0));
	assert_non_null(strstr(why, "the newest block of the chain"));
	assert_true(is_sure(&clock, 600000, 400 * DAY_S, 400 * DAY_S - 60));
	assert_false(is_sure(&clock, 600000, 400 * DAY_S - 3700, 400 * DAY_S));
}

/* A chain that stands still, or that the nodes are still catching up with, is no clock. */
static void a_chain_counts_while_it_runs(void **state)
{
	struct dbclock clock = {.is_known = false};
	struct dbclock_witness witness = {.host_s = NOW_S + 60, .chain_elapsed_ms = 60000};

	(void)state;
	look(&clock, 0, 60000, 0);
	witness.chain_s = witness.chain_before_s = NOW_S - 900 * DAY_S;
	assert_true(dbclock_is_sure(&clock, 60000, EVEN_MS, &witness, why, sizeof(why)));
	witness.chain_s = witness.chain_before_s + 1800;
	assert_true(dbclock_is_sure(&clock, 60000, EVEN_MS, &witness, why, sizeof(why)));
	witness.chain_s = witness.chain_before_s + 57;
	assert_false(dbclock_is_sure(&clock, 60000, EVEN_MS, &witness, why, sizeof(why)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_is_the_databases_time),
		cmocka_unit_test(a_jump_is_doubted_until_it_has_lasted),
		cmocka_unit_test(a_clock_that_went_back_counts_at_once),
		cmocka_unit_test(a_jump_that_moves_on_is_doubted_anew),
		cmocka_unit_test(one_look_removes_nothing),
		cmocka_unit_test(after_a_jump_and_back_it_runs_evenly_first),
		cmocka_unit_test(others_must_agree),
		cmocka_unit_test(a_chain_counts_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
