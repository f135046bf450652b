/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "steem/reuse.h"

#define NOW 5000

/* A server that has just lost two kept connections in a row. */
static struct reuse_record closing(void)
{
	struct reuse_record record = {.loss_count = 0};

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(reuse_choose(&record, NOW), REUSE_YES);
		reuse_learn(&record, REUSE_YES, true, false, NOW);
	}
	return record;
}

static void a_single_loss_is_forgotten_with_the_next_answer(void **state)
{
	struct reuse_record record = {.loss_count = 0};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		reuse_learn(&record, REUSE_YES, true, false, NOW);
		assert_int_equal(reuse_choose(&record, NOW), REUSE_YES);
		reuse_learn(&record, REUSE_YES, false, true, NOW);
	}
}

static void two_losses_in_a_row_end_the_reuse(void **state)
{
	struct reuse_record record = closing();

	(void)state;
	assert_int_equal(reuse_choose(&record, NOW), REUSE_NO);
	assert_int_equal(reuse_choose(&record, NOW + 999), REUSE_NO);
}

static void a_trial_has_two_attempts_and_can_end_it(void **state)
{
	struct reuse_record record = closing();

	(void)state;
	assert_int_equal(reuse_choose(&record, NOW + 1000), REUSE_TRIAL_FIRST);
	assert_int_equal(reuse_choose(&record, NOW + 1000), REUSE_NO);
	reuse_learn(&record, REUSE_TRIAL_FIRST, false, false, NOW + 1100);
	assert_int_equal(reuse_choose(&record, NOW + 1100), REUSE_TRIAL_SECOND);
	assert_int_equal(reuse_choose(&record, NOW + 1100), REUSE_NO);
	reuse_learn(&record, REUSE_TRIAL_SECOND, false, true, NOW + 1200);
	assert_int_equal(reuse_choose(&record, NOW + 1200), REUSE_YES);
}

static void each_failed_trial_doubles_the_pause(void **state)
{
	struct reuse_record record = closing();
	int64_t now_ms = NOW, pause_ms = 1000;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		assert_int_equal(reuse_choose(&record, now_ms + pause_ms - 1), REUSE_NO);
		now_ms += pause_ms;
		assert_int_equal(reuse_choose(&record, now_ms), REUSE_TRIAL_FIRST);
		reuse_learn(&record, REUSE_TRIAL_FIRST, false, false, now_ms);
		assert_int_equal(reuse_choose(&record, now_ms), REUSE_TRIAL_SECOND);
		reuse_learn(&record, REUSE_TRIAL_SECOND, true, false, now_ms);
		pause_ms = pause_ms * 2 < 600000 ? pause_ms * 2 : 600000;
	}
	assert_int_equal(pause_ms, 600000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_loss_is_forgotten_with_the_next_answer),
		cmocka_unit_test(two_losses_in_a_row_end_the_reuse),
		cmocka_unit_test(a_trial_has_two_attempts_and_can_end_it),
		cmocka_unit_test(each_failed_trial_doubles_the_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
