/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "sync/stall.h"

#define STALL_MS 1000

static struct stall stall;
static struct stall_facts facts;
static int64_t now_ms;

static int begin(void **state)
{
	(void)state;
	now_ms = 5000;
	stall_init(&stall, now_ms);
	facts = (struct stall_facts){.is_working = true, .stall_ms = STALL_MS};
	return 0;
}

/* The tail stands before block 101, of which nobody knows. */
static int begin_tail(void **state)
{
	begin(state);
	facts.is_tailing = true;
	facts.next_block = 101;
	facts.nodes_block = 100;
	facts.database_block = 100;
	facts.reached_block = 100;
	facts.told_at_ms = now_ms;
	assert_int_equal(stall_step(&stall, &facts, now_ms), STALL_NOTHING);
	return 0;
}

static enum stall_news after(int64_t ms)
{
	now_ms += ms;
	return stall_step(&stall, &facts, now_ms);
}

/* The same, while a node goes on telling its newest block. */
static enum stall_news told_after(int64_t ms)
{
	facts.told_at_ms = now_ms + ms;
	return after(ms);
}

static void commits_and_scans_are_progress_before_the_tail(void **state)
{
	(void)state;
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	facts.worked_at_ms = now_ms;
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	assert_int_equal(stall.progress_at_ms, facts.worked_at_ms);
	assert_int_equal(after(1), STALL_BEGAN);
	assert_int_equal(after(STALL_MS), STALL_NOTHING); /* said once */
	facts.worked_at_ms = now_ms + 1;
	assert_int_equal(after(1), STALL_ENDED);
}

static void who_waits_for_the_database_is_not_stalled(void **state)
{
	(void)state;
	facts.is_working = false;
	assert_int_equal(after(10 * STALL_MS), STALL_NOTHING);
	facts.is_working = true;
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	assert_int_equal(after(1), STALL_BEGAN);
}

static void nothing_new_is_progress_where_all_is_stored(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_not_equal(told_after(STALL_MS / 2), STALL_BEGAN);
	assert_int_equal(stall.progress_at_ms, now_ms);
	/* and nobody says anything any more */
	assert_int_equal(after(STALL_MS), STALL_BEGAN);
}

static void nothing_new_is_none_while_another_node_knows_more(void **state)
{
	(void)state;
	facts.nodes_block = 101;
	assert_int_equal(told_after(STALL_MS / 2), STALL_NOTHING);
	assert_int_equal(told_after(STALL_MS / 2), STALL_BEGAN);
	facts.next_block = 102;
	assert_int_equal(told_after(1), STALL_ENDED);
}

static void nothing_new_is_none_while_another_reader_knows_more(void **state)
{
	(void)state;
	facts.database_block = 150;
	assert_int_equal(told_after(STALL_MS / 2), STALL_NOTHING);
	assert_int_equal(told_after(STALL_MS / 2), STALL_BEGAN);
}

static void work_beside_a_tail_that_stands_is_no_progress(void **state)
{
	(void)state;
	facts.nodes_block = 101;
	facts.worked_at_ms = now_ms + STALL_MS / 2;
	assert_int_equal(told_after(STALL_MS / 2), STALL_NOTHING);
	facts.worked_at_ms = now_ms + STALL_MS / 2;
	assert_int_equal(told_after(STALL_MS / 2), STALL_BEGAN);
}

static void each_new_block_is_progress_but_not_the_same_again(void **state)
{
	(void)state;
	facts.nodes_block = 1000;
	facts.next_block = 102;
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	facts.next_block = 101; /* back, and forth */
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	facts.next_block = 102;
	assert_int_equal(after(1), STALL_BEGAN);
	facts.next_block = 103;
	assert_int_equal(after(1), STALL_ENDED);
}

static void a_tail_that_begins_is_progress(void **state)
{
	(void)state;
	facts.nodes_block = 1000;
	facts.is_tailing = false;
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	facts.is_tailing = true;
	facts.next_block = 50;
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	assert_int_equal(after(STALL_MS - 1), STALL_NOTHING);
	assert_int_equal(after(1), STALL_BEGAN);
}

static void a_chain_that_stands_is_said_and_is_no_stall(void **state)
{
	(void)state;
	assert_int_equal(told_after(STALL_MS - 1), STALL_NOTHING);
	assert_int_equal(told_after(1), STALL_CHAIN_STILL);
	assert_int_equal(told_after(STALL_MS - 1), STALL_NOTHING);
	assert_false(stall.is_stalled);
	facts.nodes_block = 101;
	assert_int_equal(told_after(1), STALL_CHAIN_MOVES);
}

static void a_node_that_went_back_does_not_make_the_chain_move(void **state)
{
	(void)state;
	facts.nodes_block = 90;
	assert_int_equal(told_after(STALL_MS - 1), STALL_NOTHING);
	facts.nodes_block = 95;
	assert_int_equal(told_after(1), STALL_CHAIN_STILL);
}

/* All nodes restarted: the newest block that they tell at this moment. */
static enum stall_news nodes_at(uint32_t block, int64_t ms)
{
	facts.nodes_block = facts.reached_block = block;
	return after(ms);
}

static void nodes_that_went_back_and_move_are_no_stall(void **state)
{
	(void)state;
	assert_int_equal(nodes_at(50, 1), STALL_NOTHING);
	for (uint32_t block = 51; block < 100; block++) {
		enum stall_news news = nodes_at(block, STALL_MS / 2);

		assert_int_equal(news, block == 51 ? STALL_BEHIND : STALL_NOTHING);
		assert_int_equal(stall.progress_at_ms, now_ms);
		assert_true(stall.is_behind);
	}
	facts.told_at_ms = now_ms + 1;
	assert_int_equal(nodes_at(100, 1), STALL_LEVEL);
	assert_false(stall.is_behind);
}

/* The reader leaves the tail for a scan: that brings no node further. */
static void leaving_the_tail_does_not_make_nodes_level(void **state)
{
	(void)state;
	assert_int_equal(nodes_at(50, 1), STALL_NOTHING);
	assert_int_equal(nodes_at(51, STALL_MS / 2), STALL_BEHIND);
	facts.is_tailing = false;
	facts.worked_at_ms = now_ms + 1;
	assert_int_equal(nodes_at(52, 1), STALL_NOTHING);
}

static void nodes_that_went_back_and_stand_are_a_stall(void **state)
{
	(void)state;
	assert_int_equal(nodes_at(50, 1), STALL_NOTHING);
	assert_int_equal(nodes_at(50, STALL_MS / 2), STALL_BEHIND);
	assert_int_equal(nodes_at(51, 1), STALL_NOTHING);
	assert_int_equal(nodes_at(51, STALL_MS - 1), STALL_NOTHING);
	assert_int_equal(nodes_at(51, 1), STALL_BEGAN);
	assert_int_equal(nodes_at(52, 1), STALL_ENDED);
}

static void nodes_that_go_back_again_and_move_are_no_stall(void **state)
{
	(void)state;
	for (uint32_t block = 50; block < 60; block++)
		nodes_at(block, STALL_MS / 4);
	for (uint32_t block = 20; block < 50; block++)
		assert_int_not_equal(nodes_at(block, STALL_MS / 4), STALL_BEGAN);
}

/* Both stand still. */
static void two_servers_in_turns_do_not_move(void **state)
{
	bool is_stalled = false;

	(void)state;
	for (int i = 0; i < 20; i++)
		is_stalled |= nodes_at(i % 2 ? 90 : 80, STALL_MS / 8) == STALL_BEGAN;
	assert_true(is_stalled);
}

static void one_node_behind_while_the_other_is_gone_is_no_stall(void **state)
{
	(void)state;
	facts.nodes_block = 120; /* of the one that is gone */
	for (facts.reached_block = 80; facts.reached_block < 100; facts.reached_block++)
		assert_int_not_equal(after(STALL_MS / 2), STALL_BEGAN);
}

/* The same while another reader stored more, with the help of nodes that this one does not have. */
static void nodes_behind_another_reader_are_no_stall_while_they_move(void **state)
{
	(void)state;
	facts.database_block = 150;
	for (uint32_t block = 80; block < 100; block++)
		assert_int_not_equal(nodes_at(block, STALL_MS / 2), STALL_BEGAN);
	nodes_at(100, STALL_MS / 2);
	assert_int_equal(nodes_at(100, STALL_MS / 2), STALL_BEGAN);
}

static void a_node_that_is_behind_for_a_moment_is_no_news(void **state)
{
	(void)state;
	for (uint32_t block = 100; block < 110; block++) {
		facts.next_block = block + 1;
		assert_int_equal(nodes_at(block - 3, STALL_MS / 4), STALL_NOTHING);
		facts.told_at_ms = now_ms;
		assert_int_equal(nodes_at(block, STALL_MS / 8), STALL_NOTHING);
	}
}

static void nodes_that_are_behind_are_no_chain_that_stands(void **state)
{
	(void)state;
	for (uint32_t block = 50; block < 90; block++)
		assert_int_not_equal(nodes_at(block, STALL_MS / 2), STALL_CHAIN_STILL);
}

static void level_is_when_nothing_known_is_left(void **state)
{
	(void)state;
	assert_int_equal(stall.level_at_ms, now_ms);
	facts.nodes_block = 103;
	after(10);
	after(10);
	assert_int_equal(stall.level_at_ms, now_ms - 20);
	facts.next_block = 104;
	after(10);
	assert_int_equal(stall.level_at_ms, now_ms);
	facts.is_tailing = false;
	after(10);
	assert_int_equal(stall.level_at_ms, now_ms - 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(commits_and_scans_are_progress_before_the_tail, begin),
		cmocka_unit_test_setup(who_waits_for_the_database_is_not_stalled, begin),
		cmocka_unit_test_setup(nothing_new_is_progress_where_all_is_stored, begin_tail),
		cmocka_unit_test_setup(nothing_new_is_none_while_another_node_knows_more,
				       begin_tail),
		cmocka_unit_test_setup(nothing_new_is_none_while_another_reader_knows_more,
				       begin_tail),
		cmocka_unit_test_setup(work_beside_a_tail_that_stands_is_no_progress, begin_tail),
		cmocka_unit_test_setup(each_new_block_is_progress_but_not_the_same_again,
				       begin_tail),
		cmocka_unit_test_setup(a_tail_that_begins_is_progress, begin_tail),
		cmocka_unit_test_setup(a_chain_that_stands_is_said_and_is_no_stall, begin_tail),
		cmocka_unit_test_setup(a_node_that_went_back_does_not_make_the_chain_move,
				       begin_tail),
		cmocka_unit_test_setup(nodes_that_went_back_and_move_are_no_stall, begin_tail),
		cmocka_unit_test_setup(leaving_the_tail_does_not_make_nodes_level, begin_tail),
		cmocka_unit_test_setup(nodes_that_went_back_and_stand_are_a_stall, begin_tail),
		cmocka_unit_test_setup(nodes_that_go_back_again_and_move_are_no_stall, begin_tail),
		cmocka_unit_test_setup(two_servers_in_turns_do_not_move, begin_tail),
		cmocka_unit_test_setup(one_node_behind_while_the_other_is_gone_is_no_stall,
				       begin_tail),
		cmocka_unit_test_setup(nodes_behind_another_reader_are_no_stall_while_they_move,
				       begin_tail),
		cmocka_unit_test_setup(a_node_that_is_behind_for_a_moment_is_no_news, begin_tail),
		cmocka_unit_test_setup(nodes_that_are_behind_are_no_chain_that_stands, begin_tail),
		cmocka_unit_test_setup(level_is_when_nothing_known_is_left, begin_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
