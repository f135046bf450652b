/* SPDX-License-Identifier: MIT */
/* What the store refuses completely, with a message, instead of doing it in part. */
#include "world.h"

#include "store/bulk.h"
#include "store/db_error.h"
#include "store/sql.h"

#define FAILS(call, expected_kind, text_part)                                                      \
	do {                                                                                       \
		err = ERROR_INIT;                                                                  \
		assert_int_equal((call), -1);                                                      \
		assert_int_equal(err.kind, expected_kind);                                         \
		if (!strstr(err.text, text_part))                                                  \
			fail_msg("%s: %s", #call, err.text);                                       \
		err = ERROR_INIT;                                                                  \
	} while (0)

static void on_a_lost_connection_nothing_seems_to_work(void **state)
{
	static const enum bulk_type types[] = {BULK_U32};
	struct bulk *bulk = bulk_new("INSERT INTO t (a) VALUES (?)", types, 1);
	uint64_t found = 7;

	(void)state;
	bulk_add_u64(bulk, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct db *other;

		world_config.force_text_bulk = i == 1;
		other = world_connect();
		db_disconnect(other);
		FAILS(bulk_insert(other, bulk, &err), ERROR_RETRY, "not open");
		db_free(other);
	}
	world_config.force_text_bulk = false;
	db_disconnect(db);
	FAILS(db_begin(db, &err), ERROR_RETRY, "not open");
	FAILS(db_commit(db, &err), ERROR_RETRY, "not open");
	FAILS(db_exec_text(db, "SELECT 1", &err), ERROR_RETRY, "not open");
	FAILS(db_exec(db, sql_select_now, DB_NO_VALUES, &found, &err), ERROR_RETRY, "not open");
	assert_null(db_query(db, sql_select_now, DB_NO_VALUES, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	bulk_free(bulk);
}

static void no_transaction_inside_another(void **state)
{
	(void)state;
	OK(db_begin(db, &err));
	FAILS(db_begin(db, &err), ERROR_FATAL, "inside a transaction");
	db_rollback(db);
	OK(db_begin(db, &err));
	OK(db_commit(db, &err));
}

static void a_statement_gets_its_values_and_a_query_gives_rows(void **state)
{
	(void)state;
	FAILS(db_exec(db, "DELETE FROM steem.blocks WHERE block = ?", DB_NO_VALUES, NULL, &err),
	      ERROR_RETRY,
	      "a statement was prepared for 0 values, but the server says that it takes 1");
	OK(db_connect(db, &err));
	assert_null(db_query(db, "DELETE FROM steem.blocks", DB_NO_VALUES, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_true(db_is_lost(db));
}

static const char *password;

static int give_password(const char *path, char **ret_password, struct error *why)
{
	(void)why;
	assert_string_equal(path, "a path");
	*ret_password = xstrdup(password);
	return 0;
}

/* Fatal for a process that has not worked yet; for one that has, a reason to connect anew. */
static void what_the_operator_can_cure_may_pass(void **state)
{
	static char user[] = "patient";
	struct db_config config = world_config;
	struct db *other;

	(void)state;
	make_user(user, "one");
	run_sql("GRANT SELECT ON steem.ranges TO patient");
	config.user = user;
	config.read_password = give_password;
	config.password_path = "a path";
	password = "one";
	other = db_new(&config);
	OK(db_connect(other, &err));
	FAILS(db_exec(other, "DELETE FROM ranges", DB_NO_VALUES, NULL, &err), ERROR_CONFIG,
	      "(1142)");
	assert_false(db_is_lost(other));
	db_set_patient(other, true);
	FAILS(db_exec(other, "DELETE FROM ranges", DB_NO_VALUES, NULL, &err), ERROR_RETRY,
	      "sql/grants.sql");
	assert_true(db_is_lost(other));
	run_sql("ALTER USER patient IDENTIFIED BY 'two'");
	FAILS(db_connect(other, &err), ERROR_RETRY, "(1045)");
	password = "two";
	OK(db_connect(other, &err));
	FAILS(db_exec(other, "CALL no_such_procedure()", DB_NO_VALUES, NULL, &err), ERROR_RETRY,
	      "database");
	run_sql("ALTER USER patient ACCOUNT LOCK");
	FAILS(db_connect(other, &err), ERROR_RETRY, world_is_mysql() ? "(3118)" : "(4151)");
	db_set_patient(other, false);
	FAILS(db_connect(other, &err), ERROR_CONFIG, world_is_mysql() ? "(3118)" : "(4151)");
	db_free(other);
	run_sql("DROP USER patient");
}

static void without_a_host_there_is_no_connection(void **state)
{
	struct db_config config = world_config;
	struct db *other;

	(void)state;
	config.host_count = 0;
	other = db_new(&config);
	FAILS(db_connect(other, &err), ERROR_CONFIG, "names no host");
	assert_true(db_is_lost(other));
	db_free(other);
}

/* A server's limit of 1 MiB; given back by the caller. */
static struct db *connect_with_small_packets(bool force_text)
{
	run_sql("SET GLOBAL max_allowed_packet = 1048576");
	world_config.force_text_bulk = force_text;
	return world_connect();
}

static void back_to_large_packets(struct db *other)
{
	world_config.force_text_bulk = false;
	db_free(other);
	run_sql("SET GLOBAL max_allowed_packet = 16777216");
}

/* One payload that no statement can carry: it alone is not stored, and its entry says why. */
static void a_row_too_long_leaves_the_others_in_peace(bool force_text)
{
	struct db *other = connect_with_small_packets(force_text);
	char *payload = xmalloc(1100001);
	struct lot lot;

	memset(payload, 'x', 1100000);
	payload[1100000] = '\0';
	make_lot(&lot, 100, 106);
	lot.made[3].operations[1].payload = payload;
	lot.made[3].operations[1].payload_bytes = 1100000;
	OK(ledger_commit(other, &lot.commit, &err));
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(lot.commit.entries[i].outcome,
				 i == 3 ? LEDGER_UNSTORABLE : LEDGER_STORED);
	assert_non_null(strstr(lot.commit.entries[3].problem, "block 103 cannot be stored"));
	assert_non_null(strstr(lot.commit.entries[3].problem, "max_allowed_packet"));
	assert_int_equal(number("SELECT COUNT(*) FROM blocks"), 6);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain"), 12);
	/* With room for it, the next attempt brings it in. */
	back_to_large_packets(other);
	other = world_connect();
	OK(ledger_commit(other, &lot.commit, &err));
	assert_int_equal(lot.commit.entries[3].outcome, LEDGER_STORED);
	assert_int_equal(number("SELECT COUNT(*) FROM blockchain WHERE LENGTH(payload) = 1100000"),
			 1);
	db_free(other);
	free_lot(&lot);
	free(payload);
}

static void a_row_too_long_in_arrays(void **state)
{
	(void)state;
	a_row_too_long_leaves_the_others_in_peace(false);
}

static void a_row_too_long_in_text(void **state)
{
	(void)state;
	a_row_too_long_leaves_the_others_in_peace(true);
}

/* The server's own count of rows is held against what was given. */
static void rows_are_counted(bool force_text)
{
	static const enum bulk_type types[] = {BULK_U32, BULK_U32};
	struct bulk *bulk = bulk_new("REPLACE INTO t (a, b) VALUES (?, ?)", types, 2);
	struct db *other;

	run_sql("USE steem");
	run_sql("CREATE TABLE t (a INT UNSIGNED PRIMARY KEY, b INT UNSIGNED) ENGINE=InnoDB");
	run_sql("INSERT INTO t VALUES (2, 0)");
	world_config.force_text_bulk = force_text;
	other = world_connect();
	for (uint32_t i = 1; i <= 3; i++) {
		bulk_add_u64(bulk, i);
		bulk_add_u64(bulk, i);
	}
	/* Replacing a row counts twice. */
	FAILS(bulk_insert(other, bulk, &err), ERROR_RETRY,
	      "3 rows were sent, but the server says that it inserted 4");
	OK(db_connect(other, &err));
	bulk_add_u64(bulk, 4);
	FAILS(bulk_insert(other, bulk, &err), ERROR_FATAL, "not complete");
	world_config.force_text_bulk = false;
	db_free(other);
	bulk_free(bulk);
}

static void rows_are_counted_in_arrays(void **state)
{
	(void)state;
	rows_are_counted(false);
}

static void rows_are_counted_in_text(void **state)
{
	(void)state;
	rows_are_counted(true);
}

static void a_commit_is_in_order_and_linked(void **state)
{
	struct lot lot;

	(void)state;
	make_lot(&lot, 100, 104);
	lot.made[2].block.num = 101;
	FAILS(ledger_commit(db, &lot.commit, &err), ERROR_FATAL, "not ascending");
	free_lot(&lot);
	/* A fork in the middle of one commit: what follows the break is not stored on its word. */
	make_lot(&lot, 100, 104);
	make_block(&lot.made[3], 103, 0xBB);
	OK(ledger_commit(db, &lot.commit, &err));
	assert_int_equal(lot.commit.entries[3].outcome, LEDGER_NO_LINK);
	assert_int_equal(lot.commit.entries[3].neighbour, 102);
	assert_int_equal(number("SELECT COUNT(*) FROM blocks WHERE block = 103"), 0);
	assert_int_equal(
		number("SELECT COUNT(*) FROM blocks a JOIN blocks b ON b.block = a.block + "
		       "1 WHERE b.previous <> a.block_id"),
		0);
	assert_int_equal(number("SELECT 2 * (SELECT COUNT(*) FROM blocks) = (SELECT COUNT(*) FROM "
				"blockchain)"),
			 1);
	free_lot(&lot);
}

/* known_gaps says that a hundred cells lack blocks; others have stored them meanwhile. */
static void gaps_that_others_filled_are_put_right_in_turns(void **state)
{
	struct range_set within = RANGE_SET_INIT;
	struct claim_search search;
	unsigned turns = 0;

	(void)state;
	OK(wanted_ranges_open(db, 1000, UINT32_MAX, &err));
	make_numbers(100000);
	run_sql("INSERT INTO blocks (block, block_id, previous, timestamp, operations, "
		"stored_operations, filter_id, reader_id, committed_at) SELECT seq + 999, REPEAT(CHAR(1), "
		"20), REPEAT(CHAR(1), 20), '2020-01-01', 0, 0, 1, 1, UTC_TIMESTAMP(6) FROM "
		"numbers");
	run_sql("DELETE FROM blocks WHERE block = 90500");
	range_add(&within, 1000, 100999);
	OK(gaps_record(db, 1000, 100999, &within, true, &err));
	assert_int_equal(number("SELECT SUM(last_block - first_block + 1) FROM known_gaps"),
			 100000);
	do {
		OK(claims_take_next(db, &me, &within, NULL, &search, &err));
		assert_true(search.has_claim || (search.waits && search.next_try_ms == 0));
		assert_true(++turns < 5);
	} while (!search.has_claim);
	assert_int_equal(turns, 2); /* a call ends in time, and says that there is more */
	assert_int_equal(range_count_blocks(&search.claim.missing), 1);
	assert_true(range_contains(&search.claim.missing, 90500));
	claim_release(&search.claim);
	range_set_release(&within);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(on_a_lost_connection_nothing_seems_to_work),
		TEST(no_transaction_inside_another),
		TEST(a_statement_gets_its_values_and_a_query_gives_rows),
		TEST(what_the_operator_can_cure_may_pass),
		TEST(without_a_host_there_is_no_connection),
		TEST(a_row_too_long_in_arrays),
		TEST(a_row_too_long_in_text),
		TEST(rows_are_counted_in_arrays),
		TEST(rows_are_counted_in_text),
		TEST(a_commit_is_in_order_and_linked),
		TEST(gaps_that_others_filled_are_put_right_in_turns),
	};

	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
