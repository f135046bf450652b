/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/backoff.h"
#include "steem/node.h"
#include "steem/rpc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void labels_hold_no_secrets(void **state)
{
	static const char *const rows[][2] = {
		{"https://api.steemit.com", "https://api.steemit.com"},
		{"http://127.0.0.1:8090/rpc/x", "http://127.0.0.1:8090/rpc/x"},
		{"https://user:pass@node.example/x?key=secret#f", "https://node.example/x"},
		{"https://user:p@ss@node.example?key=a@b", "https://node.example"},
		{"https://node.example/a@b", "https://node.example/a@b"},
		{"user:pass@node.example", "node.example"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct node node;

		node_init(&node, rows[i][0], 50, 0);
		assert_string_equal(node.url, rows[i][0]);
		assert_string_equal(node.label, rows[i][1]);
		node_release(&node);
	}
}

static void failures_make_it_rest_longer_and_success_ends_it(void **state)
{
	struct node node;
	int64_t now_ms = 1000, delay_ms = 0, longest_ms = 0;

	(void)state;
	random_seed(1);
	node_init(&node, "http://a", 50, 0);
	assert_true(node_is_ready(&node, now_ms));
	assert_true(node_is_healthy(&node, now_ms));
	for (int i = 0; i < 60; i++) {
		delay_ms = node_failed(&node, now_ms, RPC_FAILURE_OTHER_NODE, 0);
		assert_in_range(delay_ms, 500, 60000);
		assert_false(node_is_ready(&node, now_ms + delay_ms - 1));
		assert_false(node_is_healthy(&node, now_ms + delay_ms - 1));
		assert_true(node_is_ready(&node, now_ms + delay_ms));
		now_ms += delay_ms;
		if (longest_ms < delay_ms)
			longest_ms = delay_ms;
	}
	assert_true(longest_ms > 10000);
	assert_int_equal(node.failures_in_row, 60);
	assert_int_equal(node.batch_size, 50);
	node_succeeded(&node, now_ms, 1000, 1, 100);
	assert_int_equal(node.failures_in_row, 0);
	assert_true(node_is_ready(&node, now_ms));
	assert_in_range(node_failed(&node, now_ms, RPC_FAILURE_OTHER_NODE, 0), 500, 1500);
	node_release(&node);
}

/* Eight requests that break together are one trouble. */
static void failures_at_once_count_once(void **state)
{
	struct node node;

	(void)state;
	node_init(&node, "http://a", 48, 0);
	for (int i = 0; i < 8; i++)
		assert_in_range(node_failed(&node, 1000, RPC_FAILURE_CUT, 0), 500, 1500);
	assert_int_equal(node.batch_size, 48); /* that says nothing of the size */
	node_release(&node);
}

/* An answer to a request from before the failure does not end the rest. */
static void an_old_success_does_not_end_the_rest(void **state)
{
	struct node node;

	(void)state;
	node_init(&node, "http://a", 48, 0);
	assert_int_equal(node_failed(&node, 1000, RPC_FAILURE_WAIT, 30000), 30000);
	node_succeeded(&node, 1001, 1000, 1, 100);
	assert_false(node_is_ready(&node, 30999));
	assert_false(node_is_healthy(&node, 30999));
	assert_true(node_is_ready(&node, 31000));
	node_release(&node);
}

static void what_the_node_asks_for_is_honoured(void **state)
{
	static const struct {
		int failure;
		int64_t retry_after_ms, least_ms, most_ms;
	} rows[] = {
		{RPC_FAILURE_OTHER_NODE, 0, 500, 1500},
		{RPC_FAILURE_WAIT, 0, 1000, 1500},
		{RPC_FAILURE_WAIT, 7000, 7000, 7000},
		{RPC_FAILURE_OTHER_NODE, 7000, 7000, 7000},
		{RPC_FAILURE_WAIT, 86400000, NODE_RETRY_AFTER_MAX_MS, NODE_RETRY_AFTER_MAX_MS},
		{RPC_FAILURE_CALL, 0, 500, 1500},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct node node;

		node_init(&node, "http://a", 50, 0);
		assert_in_range(node_failed(&node, 1000, rows[i].failure, rows[i].retry_after_ms),
				rows[i].least_ms, rows[i].most_ms);
		assert_int_equal(node.batch_size, 50);
		node_release(&node);
	}
}

static void a_refused_batch_halves_without_a_rest(void **state)
{
	static const unsigned sizes[] = {25, 12, 6, 3, 1};
	struct node node;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_int_equal(node_failed(&node, 1000, RPC_FAILURE_BATCH, 0), 0);
		assert_int_equal(node.batch_size, sizes[i]);
		assert_true(node_is_ready(&node, 1000));
		assert_int_equal(node.failures_in_row, 0);
	}
	assert_false(node_shrink_batch(&node));
	assert_true(node_failed(&node, 1000, RPC_FAILURE_BATCH, 0) >= 500);
	node_release(&node);
}

static unsigned successes_until_growth(struct node *node)
{
	unsigned size = node->batch_size, count = 0;

	while (node->batch_size == size && count < 100000) {
		node_succeeded(node, 1000, 1000, node->batch_size, 100);
		count++;
	}
	return count;
}

static void batches_grow_again_slowly(void **state)
{
	struct node node;
	unsigned first, second;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	node_shrink_batch(&node);
	first = successes_until_growth(&node);
	assert_in_range(first, 10, 1000);
	assert_true(node.batch_size > 25 && node.batch_size < 50);
	/* One that refuses again is tried less often. */
	node_shrink_batch(&node);
	second = successes_until_growth(&node);
	assert_true(second > first);
	for (int i = 0; i < 100000 && node.batch_size < 50; i++)
		node_succeeded(&node, 1000, 1000, node.batch_size, 100);
	assert_int_equal(node.batch_size, 50);
	/* Small requests say nothing of large ones. */
	node_shrink_batch(&node);
	for (int i = 0; i < 10000; i++)
		node_succeeded(&node, 1000, 1000, 1, 100);
	assert_int_equal(node.batch_size, 25);
	node_release(&node);
}

static void a_node_without_the_call_is_excluded(void **state)
{
	struct node node;
	int64_t now_ms = 1000;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	for (int i = 1; i < NODE_UNSUPPORTED_LIMIT; i++) {
		now_ms += node_failed(&node, now_ms, RPC_FAILURE_UNSUPPORTED, 0);
		assert_false(node.is_excluded);
	}
	node_succeeded(&node, now_ms, 1000, 1, 100); /* it was one bad server behind the name */
	for (int i = 0; i < NODE_UNSUPPORTED_LIMIT; i++) {
		assert_false(node.is_excluded);
		now_ms += node_failed(&node, now_ms, RPC_FAILURE_UNSUPPORTED, 0);
	}
	assert_true(node.is_excluded);
	assert_true(node.excluded_because[0] != '\0');
	assert_false(node_is_ready(&node, INT64_MAX));
	assert_false(node_is_healthy(&node, INT64_MAX));
	node_release(&node);
}

/* It is asked for its head alone, soon again, however long it is away. */
static void a_lost_node_is_asked_for_its_head_soon(void **state)
{
	struct node node;
	int64_t now_ms = 1000;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	assert_true(node_head_due_ms(&node) > now_ms);
	for (int i = 0; i < 200; i++) {
		int64_t delay_ms = node_lost(&node, now_ms);

		assert_in_range(delay_ms, 500, NODE_AWAY_MAX_MS);
		assert_true(node_head_due_ms(&node) > now_ms + delay_ms - 1);
		now_ms += delay_ms;
		assert_true(node_head_due_ms(&node) <= now_ms);
		assert_false(node_is_ready(&node, now_ms));
		assert_false(node_is_healthy(&node, now_ms));
	}
	assert_int_equal(node.batch_size, 50);
	node_succeeded(&node, now_ms, 1000, 0, 300); /* its head */
	/* Too many requests at once, perhaps: half as many from now on, however long it is away. */
	node.in_flight = 8;
	(void)node_lost(&node, now_ms);
	assert_int_equal(node.in_flight_limit, 4);
	node.in_flight = 2;
	(void)node_lost(&node, now_ms);
	assert_int_equal(node.in_flight_limit, 4);
	node.in_flight = 0;
	node_succeeded(&node, now_ms, 1000, 0, 300);
	assert_true(node_is_ready(&node, now_ms));
	assert_int_equal(node.failures_in_row, 0);
	/* What it asked for itself is honoured. */
	(void)node_failed(&node, now_ms, RPC_FAILURE_WAIT, 30000);
	(void)node_lost(&node, now_ms);
	assert_true(node_head_due_ms(&node) > now_ms + 29999);
	assert_true(node_head_due_ms(&node) <= now_ms + 30000);
	node_exclude(&node, "test");
	assert_true(node_head_due_ms(&node) > now_ms + 90000);
	node_release(&node);
}

static void several_blocks_that_it_withholds_are_its_fault(void **state)
{
	struct node node;
	int64_t rest_ms;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	for (int i = 0; i < 100; i++)
		assert_false(node_withheld(&node, 7)); /* one alone never */
	assert_false(node_withheld(&node, 8));
	node_gave(&node, 9);
	assert_false(node_withheld(&node, 10));
	assert_false(node_withheld(&node, 0)); /* one of several */
	assert_true(node_withheld(&node, 0));
	rest_ms = node_failed(&node, 1000, RPC_FAILURE_OTHER_NODE, 0);
	/* Its head says nothing of that, a block does. */
	node_succeeded(&node, 1000 + rest_ms, 1000, 0, 300);
	assert_int_equal(node.failures_in_row, 1);
	node_gave(&node, 11);
	node_succeeded(&node, 1000 + rest_ms, 1000, 1, 300);
	assert_int_equal(node.failures_in_row, 0);
	node_release(&node);
}

static void averages_move(void **state)
{
	struct node node;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	node_succeeded(&node, 1000, 8000, 10, 5000);
	assert_int_equal(node.latency_us, 8000);
	assert_int_equal(node.per_block_bytes, 500);
	for (int i = 0; i < 200; i++)
		node_succeeded(&node, 1000, 80000, 10, 50000);
	assert_in_range(node.latency_us, 79000, 80000);
	assert_in_range(node.per_block_bytes, 4900, 5000);
	node_succeeded(&node, 1000, 80000, 0, 99999); /* a head: no block was measured */
	assert_in_range(node.per_block_bytes, 4900, 5000);
	node_release(&node);
}

static void the_head_is_kept_as_said(void **state)
{
	const struct chain_head high = {.head_block = 100, .irreversible_block = 80};
	const struct chain_head low = {.head_block = 90, .irreversible_block = 69};
	struct node node;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	assert_int_equal(node.head_at_ms, 0);
	node_set_head(&node, &high, 5);
	node_set_head(&node, &low, 9);
	assert_int_equal(node.head.irreversible_block, 69);
	assert_int_equal(node.head_at_ms, 9);
	node_release(&node);
}

static void a_rate_limit_spreads_requests(void **state)
{
	struct node node;
	int64_t sent_at_ms[400];
	unsigned sent_count = 0;

	(void)state;
	node_init(&node, "http://a", 50, 40);
	for (int64_t now_ms = 1000; now_ms < 11000; now_ms++)
		while (node_is_ready(&node, now_ms)) {
			assert_true(node_is_healthy(&node, now_ms));
			assert_int_equal(node_sent(&node, now_ms), now_ms);
			sent_at_ms[sent_count++] = now_ms;
		}
	assert_in_range(sent_count, 360, 390);
	/* The 41st after any comes more than a second later, by so much as may be lost on the way. */
	for (unsigned i = 40; i < sent_count; i++)
		assert_true(sent_at_ms[i] - sent_at_ms[i - 40] >= 1050);
	node_release(&node);
}

static void who_cannot_wait_gets_a_later_turn(void **state)
{
	struct node node;

	(void)state;
	node_init(&node, "http://a", 50, 5);
	assert_int_equal(node_sent(&node, 1000), 1000);
	assert_false(node_is_ready(&node, 1000));
	assert_true(node_is_rested(&node, 1000));
	assert_int_equal(node_sent(&node, 1000), 1210);
	assert_int_equal(node_sent(&node, 1100), 1420);
	assert_false(node_is_ready(&node, 1629));
	assert_true(node_is_ready(&node, 1630));
	assert_int_equal(node_sent(&node, 5000), 5000);
	node_exclude(&node, "test");
	assert_false(node_is_rested(&node, 9000));
	node_release(&node);
}

static void what_it_bears_at_once_is_learned(void **state)
{
	struct node node;
	int64_t now_ms = 1000;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(node_has_room(&node, now_ms));
		node_sent(&node, now_ms);
	}
	now_ms += node_failed(&node, now_ms, RPC_FAILURE_WAIT, 0);
	assert_int_equal(node.in_flight_limit, 4);
	node.in_flight = 4;
	assert_true(node_is_ready(&node, now_ms)); /* for the tip */
	assert_false(node_has_room(&node, now_ms));
	node.in_flight = 3;
	assert_true(node_has_room(&node, now_ms));
	for (unsigned i = 0; i < 4; i++)
		node_succeeded(&node, now_ms, 1000, 50, 1000);
	assert_int_equal(node.in_flight_limit, 5);
	for (unsigned i = 0; i < 10000; i++)
		node_succeeded(&node, now_ms, 1000, 50, 1000);
	assert_true(node.in_flight_limit >= 64);
	node_release(&node);
}

static void large_blocks_come_few_at_a_time(void **state)
{
	struct node node;

	(void)state;
	node_init(&node, "http://a", 50, 0);
	assert_int_equal(node_batch_now(&node), 50);
	node.per_block_bytes = 20000;
	assert_int_equal(node_batch_now(&node), 50);
	node.per_block_bytes = 400000;
	assert_int_equal(node_batch_now(&node), 10);
	node.per_block_bytes = 8 * 1024 * 1024;
	assert_int_equal(node_batch_now(&node), 1);
	node_release(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_hold_no_secrets),
		cmocka_unit_test(failures_make_it_rest_longer_and_success_ends_it),
		cmocka_unit_test(failures_at_once_count_once),
		cmocka_unit_test(an_old_success_does_not_end_the_rest),
		cmocka_unit_test(what_the_node_asks_for_is_honoured),
		cmocka_unit_test(a_refused_batch_halves_without_a_rest),
		cmocka_unit_test(batches_grow_again_slowly),
		cmocka_unit_test(a_node_without_the_call_is_excluded),
		cmocka_unit_test(a_lost_node_is_asked_for_its_head_soon),
		cmocka_unit_test(several_blocks_that_it_withholds_are_its_fault),
		cmocka_unit_test(averages_move),
		cmocka_unit_test(the_head_is_kept_as_said),
		cmocka_unit_test(a_rate_limit_spreads_requests),
		cmocka_unit_test(who_cannot_wait_gets_a_later_turn),
		cmocka_unit_test(what_it_bears_at_once_is_learned),
		cmocka_unit_test(large_blocks_come_few_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
