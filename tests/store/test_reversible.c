/* SPDX-License-Identifier: MIT */
/* Rows that were read at the head are confirmed, replaced or repaired, and never in the way. */
#include "world.h"

#include <pthread.h>

#define OTHER_CHAIN 0xBB

static void make_lot_of(struct lot *lot, uint32_t first, uint32_t last, uint8_t chain)
{
	make_lot(lot, first, last);
	for (size_t i = 0; i < lot->commit.count; i++)
		make_block(&lot->made[i], first + (uint32_t)i, chain);
}

/* Store first..last of a chain, as read at the head or as irreversible. */
static void put(uint32_t first, uint32_t last, uint8_t chain, bool is_reversible,
		const char *letters)
{
	struct lot lot;

	make_lot_of(&lot, first, last, chain);
	lot.commit.is_reversible = is_reversible;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, letters);
	free_lot(&lot);
}

static uint64_t count_reversible(void)
{
	return number("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 0");
}

/* Every block has its two operations, and no operation is without its block. */
static void expect_whole(uint64_t blocks)
{
	assert_int_equal(number("SELECT COUNT(*) FROM blocks"), blocks);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), 2 * blocks);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks b WHERE stored_operations <> "
				"(SELECT COUNT(*) FROM blockchain c WHERE c.block = b.block)"),
			 0);
}

static void what_is_read_at_the_head_is_missing_until_it_is_confirmed(void **state)
{
	struct range_set holes = RANGE_SET_INIT;
	uint32_t scanned_to;

	(void)state;
	put(100, 104, 0xAA, false, "SSSSS");
	put(105, 109, 0xAA, true, "SSSSS");
	assert_int_equal(count_reversible(), 5);
	assert_int_equal(number("SELECT last_block FROM readers"), 104);
	OK(gaps_scan_step(db, 100, 109, &holes, &scanned_to, &err));
	assert_int_equal(range_count_blocks(&holes), 5);
	assert_true(range_contains(&holes, 105));
	put(105, 107, 0xAA, false, "CCC");
	assert_int_equal(count_reversible(), 2);
	assert_int_equal(number("SELECT last_block FROM readers"), 107);
	put(105, 107, 0xAA, false, "PPP");
	expect_whole(10);
	assert_int_equal(number("SELECT COUNT(*) FROM orphans"), 0);
	range_set_release(&holes);
}

static void an_orphan_is_replaced_and_its_operations_are_kept(void **state)
{
	(void)state;
	put(100, 104, 0xAA, false, "SSSSS");
	put(105, 107, OTHER_CHAIN, true, "L??"); /* 105 does not follow 104 */
	put(106, 107, OTHER_CHAIN, true, "SS");
	put(105, 105, 0xAA, true, "S");
	run_sql("UPDATE blockchain SET payload = CONCAT('orphan ', block) WHERE block > 105");
	put(105, 107, 0xAA, false, "CRR");
	expect_whole(8);
	assert_int_equal(count_reversible(), 0);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain WHERE payload LIKE 'orphan%'"), 0);
	assert_int_equal(number("SELECT COUNT(*) FROM orphans WHERE block IN (106, 107) AND "
				"payload = CONCAT('orphan ', block) AND HEX(block_id) LIKE '%BBBB' "
				"AND HEX(replaced_by) LIKE '%AAAA' AND operation = 'comment' AND "
				"orphaned_at > UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE"),
			 4);
	assert_int_equal(number("SELECT COUNT(*) FROM orphans"), 4);
}

static void what_is_irreversible_is_never_touched_by_the_head(void **state)
{
	struct lot lot;

	(void)state;
	put(100, 104, 0xAA, false, "SSSSS");
	put(102, 104, OTHER_CHAIN, true, "OOO");
	make_lot_of(&lot, 103, 103, OTHER_CHAIN);
	lot.commit.is_reversible = true;
	OK(ledger_commit(db, &lot.commit, &err));
	assert_true(lot.commit.entries[0].is_irreversible);
	free_lot(&lot);
	put(102, 104, 0xAA, true, "PPP");
	assert_int_equal(count_reversible(), 0);
	expect_whole(5);
}

static void forks_are_noticed_among_reversible_rows(void **state)
{
	struct lot lot;

	(void)state;
	put(100, 101, 0xAA, true, "SS");
	make_lot_of(&lot, 102, 102, OTHER_CHAIN);
	lot.commit.is_reversible = true;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "S");
	assert_true(lot.commit.entries[0].has_forked);
	assert_int_equal(lot.commit.entries[0].neighbour, 101);
	assert_int_equal(lot.commit.entries[0].stored_id[BLOCK_ID_BYTES - 1], 0xAA);
	free_lot(&lot);
	/* Another one under its number is refused; which of them is the chain's is open. */
	make_lot_of(&lot, 102, 102, 0xAA);
	lot.commit.is_reversible = true;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "O");
	assert_false(lot.commit.entries[0].is_irreversible);
	free_lot(&lot);
	/* Irreversible blocks do not care what stands above them only for now. */
	put(100, 101, 0xAA, false, "CC");
	assert_int_equal(count_reversible(), 1);
	put(102, 102, 0xAA, false, "R");
	expect_whole(3);
}

static void a_reversible_row_is_not_confirmed_against_an_irreversible_neighbour(void **state)
{
	(void)state;
	put(101, 101, OTHER_CHAIN, true, "S");
	put(100, 100, 0xAA, false, "S");
	put(101, 101, OTHER_CHAIN, false, "L");
	assert_int_equal(count_reversible(), 1);
	put(101, 101, 0xAA, false, "R");
	assert_int_equal(count_reversible(), 0);
	expect_whole(2);
}

static void repair_replaces_and_writes_again(void **state)
{
	struct lot lot;

	(void)state;
	put(100, 101, 0xAA, false, "SS");
	run_sql("INSERT INTO blocks (block, block_id, previous, timestamp, operations, "
		"stored_operations, filter_id, reader_id, committed_at) "
		"SELECT 102, CONCAT(X'00000066', REPEAT(X'BB', 16)), "
		"CONCAT(X'00000065', REPEAT(X'BB', 16)), timestamp, 0, 0, filter_id, reader_id, committed_at "
		"FROM blocks WHERE block = 101");
	put(105, 106, 0xAA, true, "SS");
	put(103, 104, OTHER_CHAIN, false, "SS");
	run_sql("UPDATE blockchain SET payload = 'altered' WHERE block = 100");
	run_sql("DELETE FROM blockchain WHERE block = 101");
	make_lot_of(&lot, 100, 106, 0xAA);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "PAOOOL?");
	lot.commit.rewrite = LEDGER_REPAIR;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "WWRRRCC");
	expect_whole(7);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain WHERE payload = 'altered'"), 0);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE HEX(block_id) LIKE '%AAAA' "
				"AND is_irreversible = 1"),
			 7);
	assert_int_equal(number("SELECT COUNT(*) FROM orphans"), 4); /* 102 had none */
	free_lot(&lot);
}

static void repair_stops_at_a_neighbour_that_contradicts_it(void **state)
{
	struct lot lot;

	(void)state;
	put(100, 102, OTHER_CHAIN, false, "SSS");
	make_lot_of(&lot, 101, 102, 0xAA);
	lot.commit.rewrite = LEDGER_REPAIR;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "LL");
	assert_int_equal(lot.commit.entries[0].neighbour, 100);
	assert_int_equal(number("SELECT COUNT(*) FROM orphans"), 0);
	free_lot(&lot);
}

/* A false block with a right `previous` would end the chain at the next one that stands. */
static void what_repair_adds_must_link_upwards_too(void **state)
{
	struct lot lot;

	(void)state;
	put(100, 100, 0xAA, false, "S");
	put(103, 104, 0xAA, false, "SS");
	make_lot_of(&lot, 101, 102, 0xAA);
	fill_id(lot.made[1].block.id, 102, OTHER_CHAIN);
	lot.commit.rewrite = LEDGER_REPAIR;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "?L");
	assert_int_equal(lot.commit.entries[1].neighbour, 103);
	/* Nor does it take the place of a row that only was not confirmed yet. */
	put(101, 102, 0xAA, true, "SS");
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "?L");
	expect_whole(5);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE HEX(block_id) LIKE '%AAAA'"), 5);
	assert_int_equal(number("SELECT COUNT(*) FROM orphans"), 0);
	fill_id(lot.made[1].block.id, 102, 0xAA);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "CC");
	free_lot(&lot);
}

static void virtual_operations_come_with_the_confirmation(void **state)
{
	struct lot lot;
	struct operation operations[3];

	(void)state;
	put(100, 100, 0xAA, true, "S");
	make_lot_of(&lot, 100, 100, 0xAA);
	memcpy(operations, lot.made[0].operations, sizeof(lot.made[0].operations));
	operations[2] = operations[0];
	operations[2].trx_id = NULL;
	operations[2].virtual_op = 1;
	operations[2].trx_in_block = UINT32_MAX;
	lot.made[0].block.operations = operations;
	lot.made[0].block.virtual_count = 1;
	lot.made[0].block.virtual_state = BLOCK_VIRTUAL_UNVERIFIED;
	block_store_all(&lot.made[0].block);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "C");
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), 3);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE operations = 2 AND "
				"stored_operations = 2 AND virtual_operations = 1 AND "
				"stored_virtual_operations = 1 AND virtual_state = 'unverified'"),
			 1);
	lot.commit.rewrite = LEDGER_REWRITE;
	lot.commit.outdated = LEDGER_OUTDATED_VIRTUAL;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "P");
	lot.made[0].block.virtual_state = BLOCK_VIRTUAL_COMPLETE;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "W");
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), 3);
	OK(ledger_commit(db, &lot.commit, &err)); /* it is no better than it was */
	expect_outcomes(&lot, "P");
	/* Called complete, of a node that had none: what brings more is better. */
	run_sql("DELETE FROM blockchain WHERE virtual_op > 0");
	run_sql("UPDATE blocks SET virtual_operations = 0, stored_virtual_operations = 0");
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "W");
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), 3);
	free_lot(&lot);
}

/* Operations left behind under a reversible row are no obstacle. */
static void leftovers_do_not_hinder_a_confirmation(void **state)
{
	struct lot lot;

	(void)state;
	put(100, 100, 0xAA, true, "S");
	run_sql("UPDATE blockchain SET virtual_op = 1 WHERE trx_in_block = 1");
	make_lot_of(&lot, 100, 100, 0xAA);
	lot.made[0].operations[1].virtual_op = 1;
	lot.made[0].block.operation_count = 1;
	lot.made[0].block.virtual_count = 1;
	lot.made[0].block.virtual_state = BLOCK_VIRTUAL_COMPLETE;
	block_store_all(&lot.made[0].block);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "C");
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), 2);
	free_lot(&lot);
}

struct racer {
	pthread_t thread;
	struct db *db;
	struct lot lot;
	struct reader_identity identity;
	unsigned counts[LEDGER_REWRITTEN + 1];
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct error race_err = ERROR_INIT;

	for (unsigned tries = 0; tries < 100; tries++) {
		race_err = ERROR_INIT;
		if (ledger_commit(racer->db, &racer->lot.commit, &race_err) == 0)
			break;
		db_rollback(racer->db);
	}
	for (size_t i = 0; i < racer->lot.commit.count; i++)
		racer->counts[racer->lot.commit.entries[i].outcome]++;
	return NULL;
}

/* Even blocks are to be confirmed, odd ones replaced: of four readers one does each. */
static void racing_readers_confirm_and_replace_once(void **state)
{
	struct racer racers[4];
	unsigned confirmed = 0;
	unsigned replaced = 0;
	unsigned present = 0;

	(void)state;
	memset(racers, 0, sizeof(racers));
	for (uint32_t num = 100; num < 120; num++)
		put(num, num, num % 2 ? OTHER_CHAIN : 0xAA, true, "S");
	for (size_t i = 0; i < 4; i++) {
		racers[i].identity = (struct reader_identity){.name = "racer0", .session = "r"};
		racers[i].identity.name[5] = (char)('0' + i);
		racers[i].db = world_connect();
		OK(reader_rows_register(racers[i].db, &racers[i].identity, "test", &err));
		make_lot_of(&racers[i].lot, 100, 119, 0xAA);
		racers[i].lot.commit.identity = &racers[i].identity;
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(racers[i].thread, NULL);
		confirmed += racers[i].counts[LEDGER_CONFIRMED];
		replaced += racers[i].counts[LEDGER_REPLACED];
		present += racers[i].counts[LEDGER_PRESENT];
		db_free(racers[i].db);
		free_lot(&racers[i].lot);
	}
	assert_int_equal(confirmed, 10);
	assert_int_equal(replaced, 10);
	assert_int_equal(present, 60);
	expect_whole(20);
	assert_int_equal(number("SELECT COUNT(*) FROM orphans"), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_read_at_the_head_is_missing_until_it_is_confirmed, world_set_up,
			world_tear_down),
		cmocka_unit_test_setup_teardown(an_orphan_is_replaced_and_its_operations_are_kept,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(what_is_irreversible_is_never_touched_by_the_head,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(forks_are_noticed_among_reversible_rows,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(
			a_reversible_row_is_not_confirmed_against_an_irreversible_neighbour,
			world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(repair_replaces_and_writes_again, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(repair_stops_at_a_neighbour_that_contradicts_it,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(what_repair_adds_must_link_upwards_too,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(virtual_operations_come_with_the_confirmation,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(leftovers_do_not_hinder_a_confirmation,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(racing_readers_confirm_and_replace_once,
						world_set_up, world_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
