/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <pthread.h>

static void expect_counts(uint64_t blocks, uint64_t operations)
{
	assert_int_equal(number("SELECT COUNT(*) FROM blocks"), blocks);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), operations);
}

static void stores_blocks_and_operations_as_they_are(void **state)
{
	struct lot lot;

	(void)state;
	make_lot(&lot, 100, 104);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "SSSSS");
	expect_counts(5, 10);
	assert_int_equal(
		number("SELECT COUNT(*) FROM blockchain WHERE payload = "
		       "CONCAT('{\"n\":', block, ',\"s\":\"it''s ', CHAR(92), CHAR(92), ' ', "
		       "_utf8mb4 X'F09F9880', '\"}') AND trx_id = "
		       "'00112233445566778899aabbccddeeff00112233' AND operation = 'comment' AND "
		       "account <=> IF(trx_in_block = 0, 'alice', NULL)"),
		10);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE block_id = "
				"CONCAT(UNHEX(LPAD(HEX(block), 8, '0')), REPEAT(X'AA', 16)) AND "
				"timestamp = '2016-03-24 16:05:00' + INTERVAL 3 * block SECOND AND "
				"operations = 2 AND stored_operations = 2 AND committed_at > "
				"UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE"),
			 5);
	assert_int_equal(number("SELECT last_block FROM readers"), 104);
	assert_int_equal(number("SELECT irreversible_block FROM readers"), 104);
	assert_int_equal(number("SELECT operations_stored FROM readers"), 10);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "PPPPP");
	expect_counts(5, 10);
	assert_int_equal(number("SELECT blocks_lost FROM readers"), 5);
	free_lot(&lot);
}

static void a_part_that_stands_there_is_left_out(void **state)
{
	struct lot lot;

	(void)state;
	store(102, 102);
	make_lot(&lot, 100, 104);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "SSPSS");
	expect_counts(5, 10);
	free_lot(&lot);
}

static void another_block_under_the_number_refuses_what_follows_it(void **state)
{
	struct lot lot;

	(void)state;
	store(102, 102);
	make_lot(&lot, 100, 106);
	for (size_t i = 0; i < lot.commit.count; i++)
		make_block(&lot.made[i], 100 + (uint32_t)i, 0xBB);
	OK(ledger_commit(db, &lot.commit, &err));
	/* 101 is not what 102 follows; 103 does not follow 102. */
	expect_outcomes(&lot, "?LOL???");
	assert_int_equal(lot.commit.entries[1].neighbour, 102);
	assert_int_equal(lot.commit.entries[3].neighbour, 102);
	assert_int_equal(lot.commit.entries[2].stored_id[19], 0xAA);
	expect_counts(1, 2);
	free_lot(&lot);
}

static void links_to_both_neighbours_are_checked_before(void **state)
{
	struct lot lot;

	(void)state;
	store(99, 99);
	store(103, 103);
	make_lot(&lot, 100, 102);
	fill_id(lot.made[0].block.previous, 99, 0xCC);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "L??");
	assert_int_equal(lot.commit.entries[0].neighbour, 99);
	expect_counts(2, 4);
	make_block(&lot.made[0], 100, 0xAA);
	fill_id(lot.made[2].block.id, 102, 0xCC);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "??L");
	assert_int_equal(lot.commit.entries[2].neighbour, 103);
	expect_counts(2, 4);
	/* Without the one that is refused the others are stored. */
	lot.commit.count = 2;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "SS");
	free_lot(&lot);
}

static void leftovers_are_removed_once(void **state)
{
	struct lot lot;

	(void)state;
	store(100, 104);
	run_sql("DELETE FROM blocks WHERE block IN (101, 103)");
	run_sql("UPDATE blockchain SET payload = 'old' WHERE block IN (101, 103)");
	make_lot(&lot, 100, 104);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "PSPSP");
	assert_true(lot.commit.entries[1].leftovers_removed);
	assert_false(lot.commit.entries[2].leftovers_removed);
	assert_true(lot.commit.entries[3].leftovers_removed);
	expect_counts(5, 10);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain WHERE payload = 'old'"), 0);
	free_lot(&lot);
}

static void one_place_for_two_operations_is_no_endless_loop(void **state)
{
	struct lot lot;

	(void)state;
	make_lot(&lot, 100, 102);
	lot.made[1].operations[1].trx_in_block = 0;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "SUS");
	assert_non_null(strstr(lot.commit.entries[1].problem, "101"));
	expect_counts(2, 4);
	free_lot(&lot);
}

static void a_value_that_does_not_fit_names_its_block(void **state)
{
	static char long_name[66];
	struct lot lot;

	(void)state;
	memset(long_name, 'x', 65);
	make_lot(&lot, 100, 109);
	lot.made[3].operations[0].name = long_name;
	lot.made[3].operations[0].name_bytes = 65;
	lot.made[7].operations[1].account = "seventeen-letters";
	lot.made[7].operations[1].account_bytes = 17;
	lot.made[8].operations[0].payload = "\xFF\xFE";
	lot.made[8].operations[0].payload_bytes = 2;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "SSSUSSSUUS");
	assert_non_null(strstr(lot.commit.entries[3].problem, "block 103"));
	assert_non_null(strstr(lot.commit.entries[3].problem, "operation"));
	assert_non_null(strstr(lot.commit.entries[7].problem, "account"));
	assert_non_null(strstr(lot.commit.entries[8].problem, "payload"));
	expect_counts(7, 14);
	assert_int_equal(number("SELECT blocks_stored FROM readers"), 7);
	free_lot(&lot);
}

static void the_session_is_over_when(enum reader_code code)
{
	struct lot lot;

	make_lot(&lot, 100, 101);
	assert_int_equal(ledger_commit(db, &lot.commit, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_true(error_is(&err, ERROR_CLASS_READER, (int)code));
	expect_counts(0, 0);
	free_lot(&lot);
}

static void a_newer_session_ends_an_older_one(void **state)
{
	struct reader_identity newer = {.name = "one", .session = "s2"};

	(void)state;
	OK(reader_rows_register(db, &newer, "test", &err));
	the_session_is_over_when(READER_OVER_SUPERSEDED);
}

static void other_rules_end_a_session(void **state)
{
	uint32_t id;
	bool is_changed;

	(void)state;
	OK(filter_rows_activate(db, "other rules", &id, &is_changed, &err));
	assert_true(is_changed);
	the_session_is_over_when(READER_OVER_FILTER_CHANGED);
}

static void a_forgotten_reader_is_told(void **state)
{
	(void)state;
	run_sql("DELETE FROM readers");
	the_session_is_over_when(READER_OVER_FORGOTTEN);
}

static void a_reader_without_active_rules_is_told(void **state)
{
	(void)state;
	run_sql("UPDATE filters SET is_active = NULL");
	the_session_is_over_when(READER_OVER_NO_FILTER);
}

static void refilter_replaces_the_operations(void **state)
{
	uint32_t id;
	bool is_changed;
	struct range_set within = RANGE_SET_INIT;
	struct range_set ranges = RANGE_SET_INIT;
	struct lot lot;

	(void)state;
	store(100, 104);
	OK(filter_rows_activate(db, "narrow", &id, &is_changed, &err));
	range_add(&within, 1, 1000);
	OK(ledger_find_outdated(db, LEDGER_OUTDATED_FILTER, id, &within, 5, &ranges, &err));
	assert_int_equal(range_count_blocks(&ranges), 5);
	make_lot(&lot, 99, 106);
	lot.commit.filter_id = id;
	for (size_t i = 0; i < lot.commit.count; i++) {
		lot.made[i].operations[1].is_stored = false;
		lot.made[i].block.stored_count = 1;
	}
	lot.commit.rewrite = LEDGER_REWRITE;
	lot.commit.outdated = LEDGER_OUTDATED_FILTER;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "SWWWWWSS");
	expect_counts(8, 8);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE stored_operations = 1"), 8);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "PPPPPPPP");
	free_lot(&lot);
	range_set_release(&within);
	range_set_release(&ranges);
}

struct racer {
	pthread_t thread;
	struct db *db;
	struct lot lot;
	struct reader_identity identity;
	unsigned stored_count;
	unsigned odd_count;
	struct error err;
};

static void *race(void *context)
{
	struct racer *racer = context;

	racer->lot.commit.identity = &racer->identity;
	while (ledger_commit(racer->db, &racer->lot.commit, &racer->err) < 0) {
		if (racer->err.kind != ERROR_RETRY)
			return NULL;
		racer->err = ERROR_INIT;
	}
	for (size_t i = 0; i < racer->lot.commit.count; i++) {
		racer->stored_count += racer->lot.commit.entries[i].outcome == LEDGER_STORED;
		racer->odd_count += racer->lot.commit.entries[i].outcome != LEDGER_STORED &&
				    racer->lot.commit.entries[i].outcome != LEDGER_PRESENT;
	}
	return NULL;
}

static void four_racing_writers_store_each_block_once(void **state)
{
	struct racer racers[4] = {{.stored_count = 0}};

	(void)state;
	for (uint32_t round = 0; round < 20; round++) {
		unsigned stored = 0;

		for (unsigned i = 0; i < 4; i++) {
			racers[i] = (struct racer){.db = world_connect()};
			snprintf(racers[i].identity.name, sizeof(racers[i].identity.name), "r%u",
				 i);
			snprintf(racers[i].identity.session, 3, "s%u", i);
			OK(reader_rows_register(db, &racers[i].identity, "test", &err));
			/* Some begin earlier, so that they overlap in part. */
			make_lot(&racers[i].lot, round * 100 + 1 + i % 2, round * 100 + 50);
		}
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]),
					 0);
		for (unsigned i = 0; i < 4; i++) {
			pthread_join(racers[i].thread, NULL);
			if (racers[i].err.kind != ERROR_NONE)
				fail_msg("%s", racers[i].err.text);
			stored += racers[i].stored_count;
			assert_int_equal(racers[i].odd_count, 0);
			free_lot(&racers[i].lot);
			db_free(racers[i].db);
		}
		assert_int_equal(stored, 50);
	}
	expect_counts(1000, 2000);
	assert_int_equal(number("SELECT SUM(blocks_stored) FROM readers"), 50);
}

static void a_neighbour_stored_at_the_same_moment_shows_after(void **state)
{
	struct lot lot;

	(void)state;
	/* The neighbour's row comes up between the look before and the look after. */
	run_sql("CREATE TRIGGER race AFTER INSERT ON blockchain FOR EACH ROW INSERT INTO blocks "
		"(block, block_id, previous, timestamp, operations, stored_operations, filter_id, "
		"reader_id, committed_at) "
		"VALUES (99, REPEAT('y', 20), REPEAT('x', 20), '2016-03-24 16:05:00', 0, 0, 1, 1, "
		"UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE block = 99");
	make_lot(&lot, 100, 101);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "AS");
	assert_int_equal(lot.commit.entries[0].neighbour, 99);
	assert_int_equal(lot.commit.entries[0].stored_id[0], 'y');
	expect_counts(3, 4);
	free_lot(&lot);
}

/* The server's number of the connection `db`. */
static uint64_t connection_id(void)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows = db_query(db, "SELECT CONNECTION_ID()", DB_NO_VALUES, &err);

	assert_non_null(rows);
	assert_int_equal(db_rows_next(rows, &err), 1);
	return db_row_u64(rows, 0);
}

static void a_lost_connection_is_found_out(void **state)
{
	char kill[64];
	struct db *other = world_connect();
	struct lot lot;

	(void)state;
	make_lot(&lot, 100, 104);
	OK(ledger_commit(db, &lot.commit, &err));
	snprintf(kill, sizeof(kill), "KILL %llu", (unsigned long long)connection_id());
	OK(db_exec_text(other, kill, &err));
	assert_int_equal(ledger_commit(db, &lot.commit, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_true(db_is_lost(db));
	err = ERROR_INIT;
	OK(db_connect(db, &err));
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "PPPPP");
	free_lot(&lot);
	db_free(other);
}

static void a_frozen_writer_freezes_nobody(void **state)
{
	struct db *frozen = world_connect();
	struct lot lot;

	(void)state;
	OK(db_begin(frozen, &err));
	OK(db_exec_text(
		frozen,
		"INSERT INTO blocks "
		"(block, block_id, previous, timestamp, operations, stored_operations, filter_id, "
		"reader_id, committed_at) "
		"SELECT 101, REPEAT('y', 20), REPEAT('x', 20), "
		"'2016-03-24 16:05:00', 0, 0, 1, 1, UTC_TIMESTAMP(6)",
		&err));
	make_lot(&lot, 100, 102);
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "SSS");
	assert_int_equal(db_commit(frozen, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	err = ERROR_INIT;
	expect_counts(3, 6);
	free_lot(&lot);
	db_free(frozen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stores_blocks_and_operations_as_they_are),
		TEST(a_part_that_stands_there_is_left_out),
		TEST(another_block_under_the_number_refuses_what_follows_it),
		TEST(links_to_both_neighbours_are_checked_before),
		TEST(leftovers_are_removed_once),
		TEST(one_place_for_two_operations_is_no_endless_loop),
		TEST(a_value_that_does_not_fit_names_its_block),
		TEST(a_newer_session_ends_an_older_one),
		TEST(other_rules_end_a_session),
		TEST(a_forgotten_reader_is_told),
		TEST(a_reader_without_active_rules_is_told),
		TEST(refilter_replaces_the_operations),
		TEST(four_racing_writers_store_each_block_once),
		TEST(a_neighbour_stored_at_the_same_moment_shows_after),
		TEST(a_lost_connection_is_found_out),
		TEST(a_frozen_writer_freezes_nobody),
	};
	int failed = cmocka_run_group_tests_name("ledger, arrays", tests, NULL, NULL);

	world_config.force_text_bulk = true;
	return failed + cmocka_run_group_tests_name("ledger, text", tests, NULL, NULL);
}
