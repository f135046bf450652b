/* SPDX-License-Identifier: MIT */
/* Operations are delivered with their block, once, whatever happens to the block later. */
#include "world.h"

#define OTHER_CHAIN 0xBB

static const char *const two_queues[] = {"ask", "all"};

/* The first operation of each block goes into both queues, the second one into "all". */
static void make_delivered_lot(struct lot *lot, uint32_t first, uint32_t last, uint8_t chain)
{
	make_lot(lot, first, last);
	lot->commit.queues = two_queues;
	for (size_t i = 0; i < lot->commit.count; i++) {
		make_block(&lot->made[i], first + (uint32_t)i, chain);
		lot->made[i].operations[0].queues = 3;
		lot->made[i].operations[1].queues = 2;
		block_count_stored(&lot->made[i].block);
	}
}

static void deliver(uint32_t first, uint32_t last, uint8_t chain, enum ledger_rewrite rewrite,
		    bool delivers_history)
{
	struct lot lot;

	make_delivered_lot(&lot, first, last, chain);
	lot.commit.rewrite = rewrite;
	lot.commit.outdated = LEDGER_OUTDATED_DELIVERY;
	lot.commit.delivers_history = delivers_history;
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
}

static uint64_t count_open(void)
{
	return number("SELECT COUNT(*) FROM deliveries_open");
}

static void open_at(uint32_t first)
{
	OK(wanted_ranges_open(db, first, UINT32_MAX, &err));
}

static void forget_blocks(void)
{
	run_sql("DELETE FROM blocks");
	run_sql("DELETE FROM blockchain");
}

static void each_operation_and_queue_once(void **state)
{
	(void)state;
	open_at(100);
	deliver(100, 104, 0xAA, LEDGER_KEEP, false);
	assert_int_equal(count_open(), 15);
	assert_int_equal(number("SELECT COUNT(*) FROM delivered d JOIN deliveries_open o "
				"USING (delivery_id, block, trx_in_block, op_in_trx, virtual_op, "
				"queue, block_crc)"),
			 15);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries WHERE queue = 'ask' AND "
				"state = 'ready' AND account = 'alice' AND trx_in_block = 0"),
			 5);
	/* Our CRC32 is the server's. */
	assert_int_equal(
		number("SELECT COUNT(*) FROM deliveries_open o JOIN blocks b USING (block) "
		       "WHERE CRC32(b.block_id) <> o.block_crc"),
		0);
	assert_int_equal(number("SELECT MIN(delivery_id) FROM deliveries_open"), UINT64_C(100)
											 << 20);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE is_delivered = 1"), 5);
}

/* Lost with their rows, torn by hand, done, purged: replayed blocks wake nobody twice. */
static void a_replay_delivers_only_what_never_was(void **state)
{
	(void)state;
	open_at(100);
	deliver(100, 101, 0xAA, LEDGER_KEEP, false);
	run_sql("DELETE FROM deliveries_open WHERE block = 100");             /* done, and purged */
	run_sql("DELETE FROM delivered WHERE block = 101 AND queue = 'ask'"); /* as if it had never been */
	run_sql("DELETE FROM deliveries_open WHERE block = 101 AND queue = 'ask'");
	forget_blocks();
	deliver(100, 102, 0xAA, LEDGER_KEEP, false);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries_open WHERE block = 100"), 0);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries_open WHERE block = 101"), 3);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries_open WHERE block = 102"), 3);
	/* Its number is one that nobody had. */
	assert_int_equal(number("SELECT delivery_id FROM delivered WHERE block = 101 AND "
				"queue = 'ask'"),
			 (UINT64_C(101) << 20) + 3);
}

/* Who removes a fact by hand finds its delivery in the way, not a commit that fails for ever. */
static void a_fact_that_is_gone_is_no_trap(void **state)
{
	(void)state;
	open_at(100);
	deliver(100, 100, 0xAA, LEDGER_KEEP, false);
	run_sql("DELETE FROM delivered");
	run_sql("INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, "
		"virtual_op, block_crc, state, attempts, created_at, finished_at) "
		"SELECT delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc, 'done', "
		"1, created_at, created_at FROM deliveries_open WHERE queue = 'ask'");
	run_sql("DELETE FROM deliveries_open WHERE queue = 'ask'");
	forget_blocks();
	deliver(100, 101, 0xAA, LEDGER_KEEP, false);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks"), 2);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries WHERE block = 100"), 3);
	assert_int_equal(count_open(), 5);
}

static void another_block_is_delivered_anew(void **state)
{
	struct lot lot;

	(void)state;
	open_at(100);
	make_delivered_lot(&lot, 100, 100, OTHER_CHAIN);
	lot.commit.is_reversible = true;
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
	assert_int_equal(count_open(), 3); /* a head-following bot does not wait */
	deliver(100, 100, 0xAA, LEDGER_KEEP, false);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries WHERE state = 'orphaned'"), 3);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries WHERE state = 'ready'"), 3);
	assert_int_equal(number("SELECT COUNT(DISTINCT delivery_id) FROM deliveries"), 6);
}

static void a_confirmation_delivers_nothing_more(void **state)
{
	struct lot lot;

	(void)state;
	open_at(100);
	make_delivered_lot(&lot, 100, 101, 0xAA);
	lot.commit.is_reversible = true;
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
	deliver(100, 101, 0xAA, LEDGER_KEEP, false);
	assert_int_equal(count_open(), 6);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1"), 2);
}

/* Below the open range is history: only --deliver delivers it, also afterwards. */
static void history_is_delivered_on_demand(void **state)
{
	struct range_set within = RANGE_SET_INIT;
	struct range_set ranges = RANGE_SET_INIT;

	(void)state;
	open_at(102);
	deliver(100, 103, 0xAA, LEDGER_KEEP, false);
	assert_int_equal(count_open(), 6);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE is_delivered = 0"), 2);
	range_add(&within, 1, 1000);
	OK(ledger_find_outdated(db, LEDGER_OUTDATED_DELIVERY, filter_id, &within, UINT32_MAX,
				&ranges, &err));
	assert_int_equal(range_count_blocks(&ranges), 2);
	assert_true(range_contains(&ranges, 100) && range_contains(&ranges, 101));
	deliver(100, 103, 0xAA, LEDGER_REWRITE, true);
	assert_int_equal(count_open(), 12);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE is_delivered = 0"), 0);
	deliver(100, 103, 0xAA, LEDGER_REWRITE, true);
	deliver(100, 103, 0xAA, LEDGER_REPAIR, true);
	assert_int_equal(count_open(), 12);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), 8);
	range_set_release(&within);
	range_set_release(&ranges);
}

/* The same blocks, with a virtual operation as their second one. */
static void make_whole_lot(struct lot *lot, uint32_t first, uint32_t last)
{
	make_delivered_lot(lot, first, last, 0xAA);
	for (size_t i = 0; i < lot->commit.count; i++) {
		struct block *block = &lot->made[i].block;

		lot->made[i].operations[1].virtual_op = 1;
		block->operation_count = 1;
		block->virtual_count = 1;
		block->virtual_state = BLOCK_VIRTUAL_COMPLETE;
		block_count_stored(block);
	}
}

/*
 * Blocks 100 to 105 are outdated in every way, in one way each (filter, virtual operations,
 * delivery), in none, and in the first two ways.
 */
static void make_outdated(uint32_t old_filter)
{
	char sql[200];
	struct lot lot;

	forget_blocks();
	run_sql("DELETE FROM delivered");
	run_sql("DELETE FROM deliveries_open");
	make_whole_lot(&lot, 100, 105);
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
	snprintf(sql, sizeof(sql),
		 "UPDATE blocks SET filter_id = %u WHERE block IN (100, 101, 105)", old_filter);
	run_sql(sql);
	run_sql("DELETE FROM blockchain WHERE virtual_op > 0 AND block IN (100, 102, 105)");
	run_sql("UPDATE blocks SET virtual_operations = 0, stored_virtual_operations = 0, "
		"virtual_state = 'none' WHERE block IN (100, 102, 105)");
	run_sql("UPDATE blocks SET is_delivered = block NOT IN (100, 103)");
}

/* Each option of a backfill takes the blocks that are outdated in its way, and makes them right. */
static void an_outdated_block_is_what_an_option_asks_for(void **state)
{
	enum {
		FILTER = LEDGER_OUTDATED_FILTER,
		VIRTUAL = LEDGER_OUTDATED_VIRTUAL,
		DELIVERY = LEDGER_OUTDATED_DELIVERY
	};
	static const struct {
		unsigned outdated;
		bool delivers;
		const char *found;
		const char *outcomes;
		unsigned filter, virtual,
			delivered; /* is block 100 right in this way afterwards? */
	} cases[] = {
		{FILTER, false, "100-101,105", "WWPPPW", 1, 1, 0},               /* --refilter */
		{VIRTUAL, false, "100,102,105", "WPWPPW", 1, 1, 0},              /* --virtual */
		{DELIVERY, true, "103", "PPPWPP", 0, 0, 0},                      /* --deliver */
		{FILTER | DELIVERY, true, "100-101,103,105", "WWPWPW", 1, 1, 1}, /* both */
		{VIRTUAL, true, "100,102,105", "WPWPPW", 1, 1, 1}, /* --virtual --deliver */
	};
	struct range_set within = RANGE_SET_INIT;
	struct range_set found = RANGE_SET_INIT;
	uint32_t old_filter = filter_id;
	bool is_changed;
	char text[100];

	(void)state;
	OK(filter_rows_activate(db, "new rules", &filter_id, &is_changed, &err));
	range_add(&within, 1, 102);
	range_add(&within, 103, 400000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lot lot;

		make_outdated(old_filter);
		range_set_clear(&found);
		OK(ledger_find_outdated(db, cases[i].outdated, filter_id, &within, UINT32_MAX,
					&found, &err));
		assert_string_equal(range_format(&found, text, sizeof(text)), cases[i].found);
		make_whole_lot(&lot, 100, 105);
		lot.commit.rewrite = LEDGER_REWRITE;
		lot.commit.outdated = cases[i].outdated;
		lot.commit.delivers_history = cases[i].delivers;
		OK(ledger_commit(db, &lot.commit, &err));
		expect_outcomes(&lot, cases[i].outcomes);
		snprintf(text, sizeof(text), "SELECT filter_id = %u FROM blocks WHERE block = 100",
			 filter_id);
		assert_int_equal(number(text), cases[i].filter);
		assert_int_equal(
			number("SELECT virtual_state = 'complete' AND virtual_operations = 1 "
			       "FROM blocks WHERE block = 100"),
			cases[i].virtual);
		assert_int_equal(number("SELECT COUNT(*) FROM blockchain WHERE block = 100"),
				 1 + cases[i].virtual);
		assert_int_equal(number("SELECT is_delivered FROM blocks WHERE block = 100"),
				 cases[i].delivered);
		assert_int_equal(number("SELECT COUNT(*) FROM deliveries_open WHERE block = 100"),
				 3 * cases[i].delivered);
		OK(ledger_commit(db, &lot.commit, &err)); /* as if another reader had been first */
		expect_outcomes(&lot, "PPPPPP");
		range_set_clear(&found);
		OK(ledger_find_outdated(db, cases[i].outdated, filter_id, &within, UINT32_MAX,
					&found, &err));
		assert_int_equal(found.count, 0);
		free_lot(&lot);
	}
	/* A dry run does not know the number of its filter. */
	make_outdated(old_filter);
	OK(ledger_find_outdated(db, DELIVERY, 0, &within, UINT32_MAX, &found, &err));
	assert_string_equal(range_format(&found, text, sizeof(text)), "100,103");
	range_set_clear(&found);
	OK(ledger_find_outdated(db, FILTER | VIRTUAL, filter_id, &within, 3, &found, &err));
	assert_string_equal(range_format(&found, text, sizeof(text)), "100-102");
	range_set_release(&within);
	range_set_release(&found);
}

static void what_is_late_wakes_nobody_and_is_seen(void **state)
{
	struct lot lot;

	(void)state;
	open_at(100);
	make_delivered_lot(&lot, 100, 103, 0xAA);
	lot.commit.late_before_s = lot.made[2].block.timestamp_s;
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
	assert_int_equal(count_open(), 6);
	assert_int_equal(number("SELECT COUNT(*) FROM deliveries WHERE state = 'failed' AND "
				"last_error LIKE '%max_age_s%' AND block < 102"),
			 6);
	run_sql("CALL queue_requeue((SELECT MIN(delivery_id) FROM deliveries_ended))");
	assert_int_equal(count_open(), 7);
}

static void a_value_too_long_takes_its_block_only(void **state)
{
	static const char *const queues[] = {"ask",
					     "a-name-of-a-queue-that-has-more-than-32-bytes"};
	struct lot lot;

	(void)state;
	open_at(100);
	make_delivered_lot(&lot, 100, 101, 0xAA);
	lot.commit.queues = queues;
	lot.made[1].operations[0].queues = 1;
	lot.made[1].operations[1].queues = 0;
	block_count_stored(&lot.made[1].block);
	OK(ledger_commit(db, &lot.commit, &err));
	assert_int_equal(lot.commit.entries[0].outcome, LEDGER_UNSTORABLE);
	assert_int_equal(lot.commit.entries[1].outcome, LEDGER_STORED);
	assert_int_equal(number("SELECT COUNT(*) FROM delivered"), 1);
	free_lot(&lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_operation_and_queue_once, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(a_replay_delivers_only_what_never_was, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(a_fact_that_is_gone_is_no_trap, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(another_block_is_delivered_anew, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(a_confirmation_delivers_nothing_more, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(history_is_delivered_on_demand, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(an_outdated_block_is_what_an_option_asks_for,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(what_is_late_wakes_nobody_and_is_seen, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(a_value_too_long_takes_its_block_only, world_set_up,
						world_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
