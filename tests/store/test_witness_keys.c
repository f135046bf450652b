/* SPDX-License-Identifier: MIT */
/*
 * Keys of witnesses: learnt with their blocks or from nodes; and changes that may have gone
 * unseen.
 */
#include "world.h"

#include "store/witness_keys.h"

#define OTHER_CHAIN 0xBB

/* Store a block of a chain that sets this key of dan. */
static void put(uint32_t num, uint8_t chain, const char *key_text, bool is_reversible, char letter)
{
	struct witness_key key = {.witness = "dan", .since_block = num};
	const char letters[] = {letter, '\0'};
	struct lot lot;

	snprintf(key.key, sizeof(key.key), "%s", key_text);
	make_lot(&lot, num, num);
	make_block(&lot.made[0], num, chain);
	lot.commit.is_reversible = is_reversible;
	lot.commit.keys = &key;
	lot.commit.key_count = 1;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, letters);
	free_lot(&lot);
}

static void tell(uint32_t since, const char *text)
{
	struct witness_key key = {.witness = "dan",
				  .since_block = since,
				  .is_of_nodes = true,
				  .last_signed = since + 1};

	snprintf(key.key, sizeof(key.key), "%s", text);
	OK(witness_keys_add(db, &key, &err));
}

/* The key of dan at a block; "": there is none. */
static void expect_key(uint32_t block, const char *text, uint32_t since, bool is_of_nodes)
{
	struct witness_key key = {.key = ""};
	bool is_found;

	OK(witness_keys_find(db, "dan", block, &key, &is_found, &err));
	assert_int_equal(is_found, text[0] != '\0');
	assert_string_equal(key.key, text);
	if (!is_found)
		return;
	assert_string_equal(key.witness, "dan");
	assert_int_equal(key.since_block, since);
	assert_int_equal(key.is_of_nodes, is_of_nodes);
}

static void the_key_at_a_block_is_the_newest_below_it(void **state)
{
	struct witness_key key;
	bool is_found;

	(void)state;
	tell(99, "STM1");
	put(104, 0xAA, "STM2", false, 'S');
	put(105, 0xAA, "STM3", false, 'S');
	expect_key(99, "", 0, false);
	expect_key(100, "STM1", 99, true);
	expect_key(104, "STM1", 99, true);
	expect_key(105, "STM2", 104, false);
	expect_key(UINT32_MAX, "STM3", 105, false);
	OK(witness_keys_find(db, "erin", 200, &key, &is_found, &err));
	assert_false(is_found);
}

static void a_row_stays_whatever_nodes_say_and_the_chain_goes_first(void **state)
{
	(void)state;
	tell(99, "STM1");
	tell(99, "STM2");
	expect_key(100, "STM1", 99, true);
	put(99, 0xAA, "STM3", false, 'S');
	expect_key(100, "STM3", 99, false);
	tell(99, "STM4");
	expect_key(100, "STM3", 99, false);
	put(99, 0xAA, "STM3", false, 'P'); /* another reader was first */
	assert_int_equal(number("SELECT COUNT(*) FROM witness_keys"), 1);
	run_sql("DELETE FROM witness_keys"); /* that one was older, and did not look */
	put(99, 0xAA, "STM3", false, 'P');
	expect_key(100, "STM3", 99, false);
	put(99, OTHER_CHAIN, "STM5", false, 'O');
	expect_key(100, "STM3", 99, false);
}

/* A block that is set aside takes along what it set. */
static void a_key_goes_with_its_block(void **state)
{
	(void)state;
	put(105, OTHER_CHAIN, "STM1", true, 'S');
	expect_key(106, "", 0, false); /* it may be taken back */
	put(105, 0xAA, "STM2", false, 'R');
	expect_key(106, "STM2", 105, false);
}

/* --repair puts another block in the place of block 105. */
static void replace_105(void)
{
	struct lot lot;

	make_lot(&lot, 105, 105);
	lot.made[0].block.id[BLOCK_ID_BYTES - 1] = 1;
	lot.commit.rewrite = LEDGER_REPAIR;
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, "R");
	free_lot(&lot);
}

static void a_repaired_block_sets_what_it_says(void **state)
{
	(void)state;
	store(100, 104);
	put(105, 0xAA, "STM1", false, 'S');
	tell(105, "STM9");
	replace_105();
	expect_key(106, "", 0, false);
}

/* The block was made up by nodes that had told the key of its signer, too. */
static void the_key_of_its_signer_goes_with_a_repaired_block(void **state)
{
	(void)state;
	store(100, 106);
	tell(103, "STM1");
	tell(104, "STM2"); /* signed block 105 */
	tell(105, "STM3");
	replace_105();
	expect_key(105, "STM1", 103, true);
	expect_key(106, "STM3", 105, true);
}

/* The key was just learnt because it signed the block that now replaces a reversible one. */
static void a_fork_takes_no_key(void **state)
{
	(void)state;
	put(105, OTHER_CHAIN, "STM1", true, 'S');
	tell(104, "STM2");
	put(105, 0xAA, "STM3", false, 'R');
	expect_key(105, "STM2", 104, true);
	expect_key(106, "STM3", 105, false);
}

static void a_confirmed_block_sets_its_key(void **state)
{
	(void)state;
	store(100, 104);
	put(105, 0xAA, "STM1", true, 'S');
	expect_key(106, "", 0, false);
	put(105, 0xAA, "STM1", false, 'C');
	expect_key(106, "STM1", 105, false);
}

/* The block that the newest key of dan signed last; 0: NULL, or no key. */
static uint32_t last_signed(void)
{
	struct witness_key key = {.last_signed = 0};
	bool is_found;

	OK(witness_keys_find(db, "dan", UINT32_MAX, &key, &is_found, &err));
	return is_found ? key.last_signed : 0;
}

static void note(uint32_t since, uint32_t block)
{
	struct witness_key key = {.witness = "dan", .since_block = since, .last_signed = block};

	OK(witness_keys_note(db, &key, &err));
}

static void what_a_key_signed_last_is_noted(void **state)
{
	(void)state;
	note(99, 105); /* there is no row, and none is made */
	assert_int_equal(number("SELECT COUNT(*) FROM witness_keys"), 0);
	tell(99, "STM1");
	assert_int_equal(last_signed(), 100);
	note(99, 105);
	note(99, 103); /* of a slower reader */
	assert_int_equal(last_signed(), 105);
	put(104, 0xAA, "STM2", false, 'S');
	assert_int_equal(last_signed(), 0);
	note(104, 107);
	put(104, 0xAA, "STM2", false, 'P');
	assert_int_equal(last_signed(), 107);
	run_sql("DELETE FROM blocks");
	put(104, 0xAA, "STM3", false, 'S'); /* another key was never seen to sign */
	assert_int_equal(last_signed(), 0);
}

/* How many keys are loaded. */
static size_t loaded(uint32_t from, uint32_t last)
{
	struct witness_key_list list = {.count = 0};
	size_t count;

	OK(witness_keys_load(db, from, last, &list, &err));
	count = list.count;
	for (size_t i = 0; i < count; i++)
		assert_string_equal(list.items[i].witness, "dan");
	witness_key_list_release(&list);
	return count;
}

static void keys_that_signed_or_were_set_lately_are_loaded(void **state)
{
	(void)state;
	tell(10, "STM1");
	put(104, 0xAA, "STM2", false, 'S');
	assert_int_equal(loaded(1, 200), 2);
	assert_int_equal(loaded(12, 200), 1); /* the first one signed block 11 last */
	assert_int_equal(loaded(105, 200), 0);
	assert_int_equal(loaded(1, 104), 1); /* the second one is not in force yet */
	note(10, 104);
	assert_int_equal(loaded(104, 200), 2);
	assert_int_equal(loaded(104, 105), 2);
}

static void a_migration_knows_what_nodes_told(void **state)
{
	(void)state;
	tell(99, "STM1");
	run_sql("ALTER TABLE witness_keys DROP COLUMN last_signed");
	run_sql("DELETE FROM schema_version WHERE version >= 8");
	OK(schema_migrate(db, NULL, &err));
	assert_int_equal(last_signed(), 100);
	assert_int_equal(number("SELECT COUNT(*) FROM information_schema.statistics WHERE "
				"table_schema = DATABASE() AND "
				"index_name = 'witness_keys_signed'"),
			 1);
	run_sql("ALTER TABLE witness_keys DROP KEY witness_keys_signed"); /* it is missed */
	OK(schema_migrate(db, NULL, &err));
	assert_int_equal(number("SELECT COUNT(*) FROM information_schema.statistics WHERE "
				"table_schema = DATABASE() AND "
				"index_name = 'witness_keys_signed'"),
			 1);
}

/* The blocks of these tests have no proof, but those that were searched for keys have one. */
static void store_proved(uint32_t first, uint32_t last)
{
	store(first, last);
	run_sql("UPDATE blocks SET proof = 'content'");
}

static bool is_whole(uint32_t since, uint32_t block)
{
	bool result;

	OK(witness_keys_are_whole(db, since, block, &result, &err));
	return result;
}

static void what_is_not_stored_may_have_changed_a_key(void **state)
{
	(void)state;
	run_sql("INSERT INTO ranges (first_block, scanned_to) VALUES (100, 110)");
	store_proved(100, 115);
	assert_true(is_whole(100, 116));
	assert_true(is_whole(99, 116)); /* nothing of it is below the range */
	assert_false(is_whole(98, 116));
	assert_true(is_whole(115, 116));
	assert_false(is_whole(115, 117)); /* 116 is not stored */
	assert_true(is_whole(105, 108));
	run_sql("INSERT INTO known_gaps (first_block, last_block, found_at) VALUES "
		"(105, 106, UTC_TIMESTAMP(6))");
	assert_false(is_whole(100, 116));
	assert_false(is_whole(104, 106));
	assert_false(is_whole(105, 116));
	assert_true(is_whole(106, 116));
	assert_true(is_whole(100, 105));
	run_sql("DELETE FROM known_gaps");
	run_sql("DELETE FROM blocks WHERE block = 113"); /* nobody knows yet */
	assert_false(is_whole(100, 116));
	assert_true(is_whole(100, 113));
	assert_true(is_whole(113, 116));
	store_proved(113, 113);
	run_sql("UPDATE blocks SET is_irreversible = 0 WHERE block = 114");
	assert_false(is_whole(100, 116));
	run_sql("UPDATE blocks SET is_irreversible = 1");
	run_sql("UPDATE blocks SET proof = 'none' WHERE block = 103");
	assert_false(is_whole(100, 116)); /* perhaps its operations are not those of the chain */
	assert_true(is_whole(103, 116));
	assert_true(is_whole(100, 103));
	run_sql("UPDATE blocks SET proof = 'signed'");
	run_sql("UPDATE bookkeeping SET keys_from = 107"); /* an older program did not look */
	assert_false(is_whole(106, 116));
	assert_true(is_whole(107, 116));
}

static void no_scan_yet(void **state)
{
	(void)state;
	assert_false(is_whole(99, 103)); /* no range at all */
	run_sql("INSERT INTO ranges (first_block) VALUES (100)");
	store_proved(100, 102);
	assert_true(is_whole(99, 103));
	assert_false(is_whole(99, 104));
}

static void a_migration_knows_what_was_not_looked_through(void **state)
{
	(void)state;
	store(100, 104);
	tell(104, "STM1");
	run_sql("DROP TABLE witness_keys");
	OK(schema_migrate(db, NULL, &err));
	assert_int_equal(number("SELECT keys_from FROM bookkeeping"), 104);
	assert_int_equal(number("SELECT COUNT(*) FROM witness_keys"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_key_at_a_block_is_the_newest_below_it,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(
			a_row_stays_whatever_nodes_say_and_the_chain_goes_first, world_set_up,
			world_tear_down),
		cmocka_unit_test_setup_teardown(a_key_goes_with_its_block, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(a_repaired_block_sets_what_it_says, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(the_key_of_its_signer_goes_with_a_repaired_block,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(a_fork_takes_no_key, world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(a_confirmed_block_sets_its_key, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(what_a_key_signed_last_is_noted, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(keys_that_signed_or_were_set_lately_are_loaded,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(a_migration_knows_what_nodes_told, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_stored_may_have_changed_a_key,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(no_scan_yet, world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(a_migration_knows_what_was_not_looked_through,
						world_set_up, world_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
