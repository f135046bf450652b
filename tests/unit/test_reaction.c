/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "poster/reaction.h"

static void who_took_it_may_have_lost_it(void **unused)
{
	struct refusals state = {.node_count = 0};
	struct reaction accepted = reaction_to(&state, BROADCAST_ACCEPTED, 0, 2);
	struct reaction known = reaction_to(&state, BROADCAST_KNOWN, 1, 2);

	(void)unused;
	assert_true(accepted.again_ms > 0 && known.again_ms > accepted.again_ms);
	assert_false(accepted.is_given_up || known.is_given_up);
	assert_string_equal(accepted.definite, "accepted");
	assert_true(accepted.ends_rest);
}

static void silence_says_nothing(void **unused)
{
	struct refusals state = {.node_count = 0};
	struct reaction reaction = reaction_to(&state, BROADCAST_UNKNOWN, 0, 1);

	(void)unused;
	assert_null(reaction.definite);
	assert_false(reaction.is_given_up || reaction.pauses || reaction.rests);
}

static void a_refusal_counts_when_a_second_node_agrees(void **unused)
{
	const enum broadcast_answer refusals[] = {BROADCAST_FINAL, BROADCAST_KEY,
						  BROADCAST_RESOURCES};

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		struct refusals state = {.node_count = 0};
		struct reaction first = reaction_to(&state, refusals[i], 0, 3);
		struct reaction same = reaction_to(&state, refusals[i], 0, 3);
		struct reaction second = reaction_to(&state, refusals[i], 2, 3);

		assert_false(first.is_given_up || first.pauses || first.rests);
		assert_int_equal(first.again_ms, 0);
		assert_false(same.is_given_up || same.pauses || same.rests);
		assert_int_equal(second.is_given_up, refusals[i] != BROADCAST_RESOURCES);
		assert_int_equal(second.pauses, refusals[i] == BROADCAST_KEY);
		assert_int_equal(second.rests, refusals[i] == BROADCAST_RESOURCES);
	}
}

static void with_one_node_its_word_counts(void **unused)
{
	struct refusals state = {.node_count = 0};

	(void)unused;
	assert_true(reaction_to(&state, BROADCAST_FINAL, 0, 1).is_given_up);
}

/* One node alone decides nothing, also not what becomes of the row when the transaction is dead. */
static void a_refusal_is_noted_when_it_counts(void **unused)
{
	const enum broadcast_answer refusals[] = {BROADCAST_FINAL, BROADCAST_KEY};

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		struct refusals state = {.node_count = 0};

		assert_null(reaction_to(&state, refusals[i], 0, 3).definite);
		assert_null(reaction_to(&state, refusals[i], 0, 3).definite);
		assert_string_equal(reaction_to(&state, refusals[i], 1, 3).definite,
				    broadcast_answer_name(refusals[i]));
	}
}

/* The next slot, whoever says so and how often; it decides nothing else. */
static void too_soon_costs_nothing_but_the_wait(void **unused)
{
	struct refusals state = {.node_count = 0};

	(void)unused;
	for (unsigned i = 0; i < 6; i++) {
		struct reaction reaction = reaction_to(&state, BROADCAST_TOO_SOON, i % 3, 3);

		assert_int_equal(reaction.again_ms, 3000);
		assert_false(reaction.is_given_up || reaction.pauses || reaction.rests ||
			     reaction.ends_rest);
		assert_string_equal(reaction.definite, "too_soon");
	}
	assert_string_equal(reaction_when_dead("too_soon", 1), "pending");
	assert_string_equal(reaction_when_dead("too_soon", REACTION_ATTEMPTS_MAX), "pending");
	/* It is no refusal that the next node could confirm. */
	assert_false(reaction_to(&state, BROADCAST_FINAL, 0, 3).is_given_up);
}

static void an_acceptance_in_between_begins_again(void **unused)
{
	struct refusals state = {.node_count = 0};

	(void)unused;
	reaction_to(&state, BROADCAST_FINAL, 0, 3);
	reaction_to(&state, BROADCAST_ACCEPTED, 1, 3);
	assert_false(reaction_to(&state, BROADCAST_FINAL, 2, 3).is_given_up);
	assert_false(reaction_to(&state, BROADCAST_KEY, 0, 3).is_given_up);
}

static void a_dead_row_waits_again_unless_it_was_refused_for_good(void **unused)
{
	(void)unused;
	assert_string_equal(reaction_when_dead("", 1), "pending");
	assert_string_equal(reaction_when_dead("accepted", 9), "pending");
	assert_string_equal(reaction_when_dead("key", 1), "pending");
	assert_string_equal(reaction_when_dead("final", 1), "failed");
	assert_string_equal(reaction_when_dead("accepted", 10), "failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_took_it_may_have_lost_it),
		cmocka_unit_test(silence_says_nothing),
		cmocka_unit_test(a_refusal_counts_when_a_second_node_agrees),
		cmocka_unit_test(with_one_node_its_word_counts),
		cmocka_unit_test(a_refusal_is_noted_when_it_counts),
		cmocka_unit_test(too_soon_costs_nothing_but_the_wait),
		cmocka_unit_test(an_acceptance_in_between_begins_again),
		cmocka_unit_test(a_dead_row_waits_again_unless_it_was_refused_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
