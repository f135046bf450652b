/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "poster/account_pace.h"

#define HEAD INT64_C(1500000000)

static const struct content vote = {.votes = 1};
static const struct content reply = {.replies = 1};
static const struct content post = {.posts = 1};
static const struct content edit = {.edits = 1};
static const struct content custom = {.customs = 1};

static void a_new_account_may_do_everything_at_once(void **unused)
{
	struct sender_state state = {.custom_count = 0};

	(void)unused;
	assert_int_equal(account_pace_at(&state, &vote, HEAD), HEAD);
	assert_int_equal(account_pace_at(&state, &reply, HEAD), HEAD);
	assert_int_equal(account_pace_at(&state, &post, HEAD), HEAD);
	assert_int_equal(account_pace_at(&state, &edit, HEAD), HEAD);
	assert_int_equal(account_pace_at(&state, &custom, HEAD), HEAD);
}

static void votes_replies_and_edits_are_three_seconds_apart(void **unused)
{
	const struct content *kinds[] = {&vote, &reply, &edit};

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		struct sender_state state = {.custom_count = 0};

		account_pace_take(&state, kinds[i], HEAD);
		assert_int_equal(account_pace_at(&state, kinds[i], HEAD), HEAD + 3);
		assert_true(account_pace_at(&state, kinds[i], HEAD + 2) > HEAD + 2);
		assert_int_equal(account_pace_at(&state, kinds[i], HEAD + 3), HEAD + 3);
		/* The others do not wait for it, but what is new counts as an edit, too. */
		for (size_t k = 0; k < 3; k++)
			if (k != i)
				assert_int_equal(account_pace_at(&state, kinds[k], HEAD),
						 kinds[i] == &reply && kinds[k] == &edit ? HEAD + 3
											 : HEAD);
		assert_int_equal(account_pace_at(&state, &custom, HEAD), HEAD);
	}
}

static void root_posts_are_more_than_five_minutes_apart(void **unused)
{
	struct sender_state state = {.custom_count = 0};

	(void)unused;
	account_pace_take(&state, &post, HEAD);
	assert_true(account_pace_at(&state, &post, HEAD + 300) > HEAD + 300);
	assert_int_equal(account_pace_at(&state, &post, HEAD + 303), HEAD + 303);
	/* A root post counts as a reply, but not the other way round. */
	assert_int_equal(account_pace_at(&state, &reply, HEAD), HEAD + 3);
	account_pace_take(&state, &reply, HEAD + 400);
	assert_int_equal(account_pace_at(&state, &post, HEAD + 400), HEAD + 400);
}

static void five_custom_operations_fit_into_a_block(void **unused)
{
	struct sender_state state = {.custom_count = 0};
	const struct content three = {.customs = 3};

	(void)unused;
	account_pace_take(&state, &three, HEAD);
	assert_int_equal(account_pace_customs_left(&state, HEAD), 2);
	assert_true(account_pace_at(&state, &three, HEAD) > HEAD);
	assert_int_equal(account_pace_at(&state, &custom, HEAD), HEAD);
	account_pace_take(&state, &custom, HEAD);
	account_pace_take(&state, &custom, HEAD);
	assert_int_equal(account_pace_customs_left(&state, HEAD), 0);
	assert_true(account_pace_at(&state, &custom, HEAD) > HEAD);
	assert_int_equal(account_pace_at(&state, &three, HEAD + 3), HEAD + 3);
	account_pace_take(&state, &three, HEAD + 3);
	assert_int_equal(account_pace_customs_left(&state, HEAD + 3), 2);
}

/* A node that is a block behind is asked next: its head is lower. */
static void a_head_that_goes_back_opens_nothing(void **unused)
{
	struct sender_state state = {.custom_count = 0};
	const struct content five = {.customs = 5};

	(void)unused;
	account_pace_take(&state, &five, HEAD);
	assert_true(account_pace_at(&state, &custom, HEAD - 3) > HEAD - 3);
	account_pace_take(&state, &vote, HEAD);
	assert_true(account_pace_at(&state, &vote, HEAD - 3) > HEAD);
}

static void what_no_block_accepts_is_never_signed(void **unused)
{
	struct sender_state state = {.custom_count = 0};
	const struct content wrong[] = {{.votes = 2},
					{.replies = 2},
					{.replies = 1, .posts = 1},
					{.edits = 2},
					{.customs = 6}};

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(account_pace_at(&state, &wrong[i], HEAD) == ACCOUNT_PACE_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_account_may_do_everything_at_once),
		cmocka_unit_test(votes_replies_and_edits_are_three_seconds_apart),
		cmocka_unit_test(root_posts_are_more_than_five_minutes_apart),
		cmocka_unit_test(five_custom_operations_fit_into_a_block),
		cmocka_unit_test(a_head_that_goes_back_opens_nothing),
		cmocka_unit_test(what_no_block_accepts_is_never_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
