/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "steem/pool.h"
#include "sync/stretch.h"

#define NODES 3

/* What the owner was told last. */
static struct {
	unsigned calls;
	uint32_t first, last;
	const char *reason;
} told;

static void take_unlinked(void *context, uint32_t first, uint32_t last, const char *reason)
{
	(void)context;
	told.calls++;
	told.first = first;
	told.last = last;
	told.reason = reason;
}

static const struct stretch_owner owner = {.unlinked = take_unlinked};
static struct shared shared;
static struct stretch stretch;

static int begin(void **state)
{
	static const char *const urls[NODES] = {"http://a", "http://b", "http://c"};

	(void)state;
	memset(&told, 0, sizeof(told));
	shared = (struct shared){.pool = pool_new(urls, NODES, 50, 0)};
	stretch_init(&stretch, &shared, &owner, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	stretch_release(&stretch);
	assert_int_equal(shared.held_bytes, 0);
	pool_free(shared.pool);
	return 0;
}

static void put_id(uint8_t id[BLOCK_ID_BYTES], uint32_t num, uint8_t branch)
{
	memset(id, 0, BLOCK_ID_BYTES);
	memcpy(id, &num, sizeof(num));
	id[BLOCK_ID_BYTES - 1] = branch;
}

/* Hold block `num` of a branch, which links to a block of the branch `below`. */
static void hold_linked(uint32_t num, uint8_t branch, uint8_t below, unsigned node)
{
	struct fetched held = {.block = block_new(), .source = node};

	held.block->num = num;
	put_id(held.block->id, num, branch);
	put_id(held.block->previous, num - 1, below);
	shared.held_bytes += block_bytes(held.block);
	stretch_hold(&stretch, &held);
}

static void hold(uint32_t num, unsigned node)
{
	hold_linked(num, 0, 0, node);
}

static void vouch(uint32_t num)
{
	range_add(&stretch.vouched, num, num);
}

static void blocks_are_held_in_chain_order(void **state)
{
	(void)state;
	hold(7, 0);
	hold(5, 1);
	hold(6, 2);
	hold_linked(6, 1, 0, 0); /* another version replaces it */
	assert_int_equal(stretch.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(stretch_num(&stretch, i), 5 + i);
	assert_int_equal(stretch_find(&stretch, 6)->block->id[BLOCK_ID_BYTES - 1], 1);
	assert_null(stretch_find(&stretch, 8));
	assert_int_equal(stretch_last(&stretch), 7);
}

static void a_block_that_is_to_come_holds_up_those_above(void **state)
{
	(void)state;
	hold(5, 0);
	hold(6, 0);
	hold(8, 0);
	assert_int_equal(stretch_eligible(&stretch), 3);
	range_add(&stretch.undecided, 7, 7);
	assert_int_equal(stretch_eligible(&stretch), 2);
	range_add(&stretch.undecided, 3, 3);
	assert_int_equal(stretch_eligible(&stretch), 0);
}

static void blocks_are_bound_up_to_the_highest_that_is_vouched_for(void **state)
{
	(void)state;
	for (uint32_t num = 5; num <= 9; num++)
		hold(num, 0);
	assert_int_equal(stretch_bound(&stretch), 0);
	vouch(7);
	assert_int_equal(stretch_bound(&stretch), 3);
	vouch(9);
	assert_int_equal(stretch_bound(&stretch), 5);
	range_add(&stretch.undecided, 8, 8);
	assert_int_equal(stretch_bound(&stretch), 3);
	stretch.rewrite = LEDGER_REPAIR; /* stored blocks need no vote */
	assert_int_equal(stretch_bound(&stretch), 3);
	range_set_clear(&stretch.vouched);
	assert_int_equal(stretch_bound(&stretch), 3);
}

static void good_links_stay(void **state)
{
	(void)state;
	hold(5, 0);
	hold(6, 1);
	hold(8, 1); /* it does not follow: nothing is said about 6 */
	vouch(8);
	assert_true(stretch_check_links(&stretch));
	assert_int_equal(stretch.count, 3);
	assert_int_equal(told.calls, 0);
}

static void the_node_of_the_lower_block_is_wrong_and_its_run_goes(void **state)
{
	(void)state;
	hold(4, 1);
	hold_linked(5, 1, 1, 2); /* another branch, of node 2 */
	hold_linked(6, 1, 1, 2);
	hold_linked(7, 1, 1, 2);
	hold(8, 0);
	vouch(8);
	assert_false(stretch_check_links(&stretch));
	assert_int_equal(told.first, 5);
	assert_int_equal(told.last, 7);
	assert_null(told.reason);
	assert_int_equal(stretch.count, 2);
	assert_int_equal(stretch_num(&stretch, 0), 4);
	assert_int_equal(stretch_num(&stretch, 1), 8);
	assert_int_equal(stretch_not_from(&stretch, 7), 1u << 2);
	assert_int_equal(stretch_not_from(&stretch, 5), 1u << 2);
	assert_int_equal(stretch_not_from(&stretch, 4), 0);
	assert_int_equal(stretch_not_from(&stretch, 8), 0);
}

static void a_run_ends_at_a_block_that_is_vouched_for(void **state)
{
	(void)state;
	hold(5, 2);
	hold(6, 2);
	hold_linked(7, 1, 0, 2);
	hold(8, 0);
	vouch(6);
	vouch(8);
	assert_false(stretch_check_links(&stretch));
	assert_int_equal(told.first, 7);
	assert_int_equal(told.last, 7);
	assert_int_equal(stretch.count, 3);
}

static void a_third_wrong_version_is_the_last_and_then_all_may_be_asked(void **state)
{
	(void)state;
	for (unsigned node = 0; node < NODES; node++) {
		hold_linked(7, 1, 0, node);
		hold(8, 0);
		vouch(8);
		assert_false(stretch_check_links(&stretch));
		assert_int_equal(told.reason != NULL, node == 2);
	}
	/* no healthy node is left: every one may be asked */
	assert_int_equal(stretch_not_from(&stretch, 7), 0);
	shared.pool_epoch++; /* the nodes were read again: the masks mean other nodes */
	assert_int_equal(stretch_not_from(&stretch, 7), 0);
	stretch_clear(&stretch);
	hold_linked(7, 1, 0, 0);
	hold(8, 0);
	vouch(8);
	assert_false(stretch_check_links(&stretch));
	assert_null(told.reason);
}

static void what_is_dropped_is_vouched_for_no_more(void **state)
{
	(void)state;
	for (uint32_t num = 5; num <= 9; num++)
		hold(num, 0);
	range_add(&stretch.vouched, 4, 9);
	stretch.signed_num = 6;
	stretch_drop_from(&stretch, 7);
	assert_int_equal(stretch.count, 2);
	assert_int_equal(stretch_last(&stretch), 6);
	assert_false(range_contains(&stretch.vouched, 7));
	assert_true(range_contains(&stretch.vouched, 6));
	assert_int_equal(stretch.signed_num, 6);
	stretch_drop_from(&stretch, 6);
	assert_int_equal(stretch.signed_num, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(blocks_are_held_in_chain_order, begin, end),
		cmocka_unit_test_setup_teardown(a_block_that_is_to_come_holds_up_those_above, begin,
						end),
		cmocka_unit_test_setup_teardown(
			blocks_are_bound_up_to_the_highest_that_is_vouched_for, begin, end),
		cmocka_unit_test_setup_teardown(good_links_stay, begin, end),
		cmocka_unit_test_setup_teardown(
			the_node_of_the_lower_block_is_wrong_and_its_run_goes, begin, end),
		cmocka_unit_test_setup_teardown(a_run_ends_at_a_block_that_is_vouched_for, begin,
						end),
		cmocka_unit_test_setup_teardown(
			a_third_wrong_version_is_the_last_and_then_all_may_be_asked, begin, end),
		cmocka_unit_test_setup_teardown(what_is_dropped_is_vouched_for_no_more, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
