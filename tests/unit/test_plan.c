/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/backoff.h"
#include "base/mem.h"
#include "store/wanted_ranges.h"
#include "sync/plan.h"

struct decision {
	struct plan_facts facts;
	enum plan_step step;
};

static void decides_by_goal_and_distance(void **state)
{
	static const struct decision decisions[] = {
		/* a daemon: replay, come near, tail */
		{{READER_RUN, 1000, 1000, true, false}, PLAN_WAIT},
		{{READER_RUN, 1000, 1000, false, false}, PLAN_TAIL},
		{{READER_RUN, 1020, 1000, false, false}, PLAN_TAIL},
		{{READER_RUN, 1021, 1000, false, false}, PLAN_SCAN},
		{{READER_RUN, 900, 1000, false, false}, PLAN_TAIL}, /* the node went back */
		{{READER_RUN, 0, 1000, false, false}, PLAN_TAIL},
		{{READER_RUN, 1000, 1000, false, true}, PLAN_TAIL}, /* others' cells are theirs */
		/* a command waits for others too */
		{{READER_ONCE, 1000, 1000, true, false}, PLAN_WAIT},
		{{READER_ONCE, 1000, 1000, false, true}, PLAN_WAIT},
		{{READER_ONCE, 1021, 1000, false, true}, PLAN_WAIT},
		{{READER_ONCE, 1021, 1000, false, false}, PLAN_SCAN},
		{{READER_ONCE, 1001, 1000, false, false}, PLAN_SCAN},
		{{READER_ONCE, 1000, 1000, false, false}, PLAN_END},
		{{READER_ONCE, 900, 1000, false, false}, PLAN_END},
		{{READER_BACKFILL, 5000, 0, false, true}, PLAN_WAIT},
		{{READER_BACKFILL, 5000, 0, false, false}, PLAN_END},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
		if (plan_after_scan(&decisions[i].facts) != decisions[i].step)
			fail_msg("decision %zu: %d instead of %d", i,
				 (int)plan_after_scan(&decisions[i].facts), (int)decisions[i].step);
	}
}

static void assert_set(const struct range_set *set, const char *expected)
{
	char text[200];

	assert_string_equal(range_format(set, text, sizeof(text)), expected);
}

static void scans_closed_ranges_and_the_open_one(void **state)
{
	CLEANUP(range_set_release) struct range_set set = RANGE_SET_INIT;
	struct wanted_ranges ranges = {.has_open = true, .open_first = 100};

	(void)state;
	range_add(&ranges.closed, 5, 10);
	range_add(&ranges.closed, 20, 30);
	plan_scan_all(&ranges, 200, &set);
	assert_set(&set, "5-10,20-30,100-200");
	plan_scan_all(&ranges, 99, &set); /* the open range lies in the future */
	assert_set(&set, "5-10,20-30");
	ranges.has_open = false;
	plan_scan_all(&ranges, 200, &set);
	assert_set(&set, "5-10,20-30");
	range_set_release(&ranges.closed);
}

static void replays_only_what_is_near_before_the_tail(void **state)
{
	CLEANUP(range_set_release) struct range_set set = RANGE_SET_INIT;
	struct wanted_ranges ranges = {.has_open = true, .open_first = 100};

	(void)state;
	plan_before_tail(&ranges, 1000, 300, &set);
	assert_set(&set, "700-4294967295");
	plan_before_tail(&ranges, 1000, 950, &set);
	assert_set(&set, "100-4294967295");
	plan_before_tail(&ranges, 1000, 0, &set); /* everything first */
	assert_set(&set, "100-4294967295");
	plan_before_tail(&ranges, 50, 201600, &set); /* near genesis */
	assert_set(&set, "100-4294967295");
	ranges.has_open = false;
	plan_before_tail(&ranges, 1000, 300, &set);
	assert_set(&set, "");
}

/*
 * A daemon against a model of the world: the chain grows, holes appear and are filled
 * between two decisions; it must reach the tail, and only when nothing but the last
 * blocks lies above what was scanned.
 */
static void reaches_the_tail_whatever_happens(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 2000; seed++) {
		struct plan_facts facts = {.goal = READER_RUN, .irreversible = 100000};
		uint64_t missing = 50000;
		unsigned steps = 0;
		enum plan_step step;

		random_seed(seed);
		do {
			facts.irreversible += (uint32_t)random_below(15);
			missing -= missing < 3000 ? missing : random_below(3000);
			facts.is_replaying = missing > 0;
			facts.others_replay = random_below(2);
			step = plan_after_scan(&facts);
			assert_true(step != PLAN_END);
			if (step == PLAN_SCAN) {
				missing += facts.irreversible - facts.scanned_to;
				facts.scanned_to = facts.irreversible;
			}
			assert_true(++steps < 10000);
		} while (step != PLAN_TAIL);
		assert_true(missing == 0);
		assert_true(facts.irreversible - facts.scanned_to <= PLAN_TAIL_BLOCKS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_by_goal_and_distance),
		cmocka_unit_test(scans_closed_ranges_and_the_open_one),
		cmocka_unit_test(replays_only_what_is_near_before_the_tail),
		cmocka_unit_test(reaches_the_tail_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
