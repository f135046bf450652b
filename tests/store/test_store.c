/* SPDX-License-Identifier: MIT */
/* Connections, schema, rights, readers, filters, bulk. */
#include "world.h"

#include <mysql.h>
#include <pthread.h>

#include "base/buf.h"
#include "store/bulk.h"
#include "store/sql.h"

/* Rows are sent as bound arrays only where the library and the server are both MariaDB's. */
static bool has_arrays(void)
{
#ifdef MARIADB_PACKAGE_VERSION_ID
	return !world_is_mysql();
#else
	return false;
#endif
}

static void connects_to_the_first_host_that_answers(void **state)
{
	char *hosts[] = {(char[]){"/no/such/socket"}, world_hosts[0]};
	struct db_config config = world_config;
	struct db *other;

	(void)state;
	config.hosts = hosts;
	config.host_count = 2;
	other = db_new(&config);
	OK(db_connect(other, &err));
	assert_non_null(strstr(db_describe(other), world_is_mysql() ? "MySQL" : "MariaDB"));
	assert_non_null(
		strstr(db_describe(other), has_arrays() ? "array binding" : "bound groups"));
	config.host_count = 1;
	assert_int_equal(db_connect(other, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_non_null(strstr(err.text, "/no/such/socket"));
	db_free(other);
}

static void the_session_does_not_depend_on_the_server(void **state)
{
	struct db_rows *rows =
		db_query(db,
			 "SELECT @@session.time_zone, @@session.transaction_isolation, "
			 "@@session.character_set_client, @@session.sql_mode",
			 DB_NO_VALUES, &err);

	(void)state;
	if (!rows)
		rows = db_query(db,
				"SELECT @@session.time_zone, @@session.tx_isolation, "
				"@@session.character_set_client, @@session.sql_mode",
				DB_NO_VALUES, &err);
	err = ERROR_INIT;
	assert_non_null(rows);
	assert_int_equal(db_rows_next(rows, &err), 1);
	assert_string_equal(db_row_text(rows, 0, NULL), "+00:00");
	assert_string_equal(db_row_text(rows, 1, NULL), "READ-COMMITTED");
	assert_string_equal(db_row_text(rows, 2, NULL), "utf8mb4");
	assert_non_null(strstr(db_row_text(rows, 3, NULL), "STRICT_ALL_TABLES"));
	db_rows_free(rows);
}

static char inherits[] = "inherits";
static char root_user[] = "root";

/*
 * A session begins as init_connect left it, for every account without SUPER. The text is one whose
 * last byte a server that takes it for GBK reads together with the backslash behind it.
 */
static void insert_as_inherited(const char *init_connect, bool force_text)
{
	static const enum bulk_type types[] = {BULK_U32, BULK_TEXT};
	static const char text[] = "\xE7\xB8\x97'), (7, 'ours') -- \xF0\x9F\x98\x80";
	struct bulk *bulk = bulk_new("INSERT INTO t (a, c) VALUES (?, ?)", types, 2);
	struct db *other;

	OK(db_exec(db, "SET GLOBAL init_connect = ?", DB_VALUES(db_text(init_connect)), NULL,
		   &err));
	world_config.user = inherits;
	world_config.force_text_bulk = force_text;
	other = db_new(&world_config);
	if (db_connect(other, &err) < 0)
		fail_msg("%s: %s", init_connect, err.text);
	for (uint32_t i = 0; i < 3; i++) {
		bulk_add_u64(bulk, i);
		bulk_add_bytes(bulk, text, strlen(text));
	}
	OK(bulk_insert(other, bulk, &err));
	OK(db_exec(other, "UPDATE t SET a = a + 10", DB_NO_VALUES, NULL, &err));
	db_free(other);
	world_config.user = root_user;
	world_config.force_text_bulk = false;
	if (number("SELECT COUNT(*) FROM t WHERE a >= 10 AND HEX(c) = "
		   "'E7B89727292C2028372C20276F7572732729202D2D20F09F9880'") != 3)
		fail_msg("%s, %s: %llu rows, %llu of them foreign", init_connect,
			 force_text ? "text" : "arrays",
			 (unsigned long long)number("SELECT COUNT(*) FROM t"),
			 (unsigned long long)number("SELECT COUNT(*) FROM t WHERE c = 'ours'"));
	run_sql("DELETE FROM t");
	bulk_free(bulk);
}

static void a_session_inherits_nothing(void **state)
{
	static const char *const inits[] = {
		"SET NAMES latin1",
		"SET NAMES gbk",
		"SET character_set_results = latin1, collation_connection = sjis_bin",
		"SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
		"SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
		"SET sql_safe_updates = 1, sql_select_limit = 0, max_join_size = 1",
		"SET autocommit = 0",
		"SET completion_type = 'RELEASE'",
		"SET completion_type = 'CHAIN', autocommit = 0",
		"SET SESSION TRANSACTION READ ONLY",
		"SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		"START TRANSACTION",
		"LOCK TABLES mysql.help_topic READ",
		"USE information_schema",
		"SET unique_checks = 0, foreign_key_checks = 0",
		"SET lock_wait_timeout = 1, wait_timeout = 1, sql_notes = 1, group_concat_max_len = 4",
	};
	static const char *const mariadb_inits[] = {
		"SET sql_mode = 'ORACLE,TIME_ROUND_FRACTIONAL'",
		"SET check_constraint_checks = 0, max_error_count = 0, max_statement_time = 0.001",
	};
	static const char *const mysql_inits[] = {
		"SET sql_mode = 'ALLOW_INVALID_DATES,NO_DIR_IN_CREATE,TIME_TRUNCATE_FRACTIONAL'",
		"SET max_execution_time = 1, default_collation_for_utf8mb4 = utf8mb4_general_ci",
	};
	const char *const *own = world_is_mysql() ? mysql_inits : mariadb_inits;

	(void)state;
	run_sql("USE steem");
	run_sql("DROP TABLE IF EXISTS t");
	run_sql("CREATE TABLE t (a INT UNSIGNED PRIMARY KEY, c MEDIUMTEXT CHARACTER SET utf8mb4 "
		"COLLATE utf8mb4_bin) ENGINE=InnoDB");
	make_user(inherits, "");
	run_sql("GRANT ALL ON steem.* TO inherits");
	run_sql("GRANT SELECT, LOCK TABLES ON mysql.* TO inherits");
	for (size_t i = 0; i < sizeof(inits) / sizeof(inits[0]); i++)
		for (unsigned force_text = 0; force_text < 2; force_text++)
			insert_as_inherited(inits[i], force_text);
	for (size_t i = 0; i < sizeof(mysql_inits) / sizeof(mysql_inits[0]); i++)
		insert_as_inherited(own[i], false);
	run_sql("SET GLOBAL init_connect = ''");
	run_sql("DROP USER inherits");
}

static void a_session_s_clock_goes(void **state)
{
	struct db *other;
	struct db_rows *rows;

	(void)state;
	make_user(inherits, "");
	run_sql("GRANT ALL ON steem.* TO inherits");
	run_sql("SET GLOBAL init_connect = 'SET timestamp = 1000000000'");
	world_config.user = inherits;
	other = world_connect();
	world_config.user = root_user;
	rows = db_query(other, "SELECT UTC_TIMESTAMP() > '2020-01-01'", DB_NO_VALUES, &err);
	assert_non_null(rows);
	assert_int_equal(db_rows_next(rows, &err), 1);
	assert_int_equal(db_row_u64(rows, 0), 1);
	db_rows_free(rows);
	db_free(other);
	run_sql("SET GLOBAL init_connect = ''");
	run_sql("DROP USER inherits");
}

/* As Connector/C 3.3.19 does it: whoever binds again loses what was just read. */
/* my_bool, or bool in MySQL's library. */
typedef __typeof__(mysql_stmt_bind_result(NULL, NULL)) bind_result;
bind_result __real_mysql_stmt_bind_result(MYSQL_STMT *statement, MYSQL_BIND *binds);
bind_result __wrap_mysql_stmt_bind_result(MYSQL_STMT *statement, MYSQL_BIND *binds);
bind_result __wrap_mysql_stmt_bind_result(MYSQL_STMT *statement, MYSQL_BIND *binds)
{
	for (unsigned i = 0; i < mysql_stmt_field_count(statement); i++)
		if (binds[i].length)
			*binds[i].length = 0;
	return __real_mysql_stmt_bind_result(statement, binds);
}

static void long_values_come_back_whole(void **state)
{
	static const size_t lens[] = {10, 100000, 5, 200000};
	char *text = xmalloc(200001);
	struct db_rows *rows;
	size_t len;

	(void)state;
	memset(text, 'x', 200000);
	text[200000] = '\0';
	rows = db_query(
		db,
		"SELECT LEFT(?, n), n FROM (SELECT 10 AS n UNION ALL SELECT 100000 UNION ALL "
		"SELECT 5 UNION ALL SELECT 200000) t",
		DB_VALUES(db_text(text)), &err);
	if (!rows)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(db_rows_next(rows, &err), 1);
		assert_int_equal(strlen(db_row_text(rows, 0, &len)), lens[i]);
		assert_int_equal(len, lens[i]);
		assert_int_equal(db_row_u64(rows, 1), lens[i]);
		assert_memory_equal(db_row_text(rows, 0, NULL), text, lens[i]);
	}
	assert_int_equal(db_rows_next(rows, &err), 0);
	db_rows_free(rows);
	free(text);
}

static void migrations_run_twice_and_from_any_cut(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= sql_migrations[0].count; cut++) {
		struct db *other;

		run_sql("DROP DATABASE steem");
		run_sql("CREATE DATABASE steem");
		other = world_connect();
		for (size_t i = 0; i < cut; i++)
			OK(db_exec_text(other, sql_migrations[0].statements[i], &err));
		assert_int_equal(schema_check(other, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.text, "--migrate"));
		err = ERROR_INIT;
		OK(schema_migrate(other, NULL, &err));
		OK(schema_migrate(other, NULL, &err));
		OK(schema_check(other, &err));
		db_free(other);
	}
	assert_int_equal(number("SELECT COUNT(*) FROM bookkeeping"), 1);
	run_sql("USE steem");
	run_sql("INSERT INTO schema_version VALUES (99, 'newer', '9', UTC_TIMESTAMP(6))");
	assert_int_equal(schema_check(db, &err), -1);
	assert_non_null(strstr(err.text, "newer"));
	assert_int_equal(schema_migrate(db, NULL, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void *migrate(void *context)
{
	struct error *error = context;
	struct db *other = db_new(&world_config);

	if (schema_migrate(other, NULL, error) == 0 && schema_check(other, error) == 0)
		*error = ERROR_INIT;
	db_free(other);
	return NULL;
}

static void migrations_run_in_threads_at_once(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		pthread_t threads[4];
		struct error errors[4] = {{.kind = ERROR_NONE}};

		run_sql("DROP DATABASE steem");
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, migrate, &errors[i]), 0);
		for (unsigned i = 0; i < 4; i++) {
			pthread_join(threads[i], NULL);
			if (errors[i].kind != ERROR_NONE)
				fail_msg("%s", errors[i].text);
		}
	}
}

static struct reader_status_row statuses[8];
static char names[8][80];
static unsigned status_count;

static void keep_status(void *context, const struct reader_status_row *row)
{
	(void)context;
	snprintf(names[status_count], sizeof(names[0]), "%s/%s", row->name, row->state);
	statuses[status_count++] = *row;
}

static void list_readers(unsigned expected)
{
	status_count = 0;
	OK(reader_rows_list(db, keep_status, NULL, &err));
	assert_int_equal(status_count, expected);
}

static void the_status_of_readers(void **state)
{
	struct reader_identity you = {.name = "two/once-1", .session = "t1"};
	const struct reader_report report = {
		.state = "tailing", .head_block = 130, .irreversible_block = 120};
	struct reader_pulse pulse;
	bool is_alive;
	uint32_t top;

	(void)state;
	list_readers(1);
	assert_true(statuses[0].is_alive);
	assert_false(statuses[0].has_lag_s);
	store(100, 110);
	OK(reader_rows_register(db, &you, "test", &err));
	OK(reader_rows_heartbeat(db, &you, &report, &err));
	list_readers(2);
	assert_string_equal(names[0], "one/starting");
	assert_int_equal(statuses[0].last_block, 110);
	assert_int_equal(statuses[0].lag_blocks, 10);
	assert_true(statuses[0].has_lag_s && statuses[0].lag_s > 29.9 && statuses[0].lag_s < 30.1);
	OK(reader_rows_pulse(db, you.name, &pulse, &err));
	assert_true(pulse.is_found && !pulse.is_stopped);
	OK(reader_rows_heartbeat(db, &you, &report, &err));
	OK(reader_rows_forget(db, you.name, pulse.heartbeat_us, &is_alive, &err));
	assert_true(is_alive);
	OK(reader_rows_remove(db, &you, &err));
	OK(reader_rows_irreversible(db, &top, &err));
	assert_int_equal(top, 120); /* what it knew stays */
	OK(reader_rows_sign_off(db, &me, &err));
	list_readers(1);
	assert_string_equal(names[0], "one/stopped");
	assert_false(statuses[0].is_alive);
	OK(reader_rows_forget(db, "one", 0, &is_alive, &err));
	assert_false(is_alive);
	OK(reader_rows_pulse(db, "one", &pulse, &err));
	assert_false(pulse.is_found);
	assert_int_equal(reader_rows_heartbeat(db, &me, &report, &err), -1);
	assert_true(error_is(&err, ERROR_CLASS_READER, READER_OVER_FORGOTTEN));
	err = ERROR_INIT;
	OK(reader_rows_register(db, &me, "test", &err));
	run_sql("UPDATE readers SET heartbeat_at = UTC_TIMESTAMP(6) - INTERVAL 31 SECOND");
	list_readers(1);
	assert_false(statuses[0].is_alive);
	assert_true(statuses[0].heartbeat_age_s > 30.9);
}

static void one_filter_is_active(void **state)
{
	uint32_t id;
	uint32_t other;
	bool flag;
	char *text;

	(void)state;
	OK(filter_rows_enlist(db, "rule a", &id, &flag, &text, &err));
	assert_false(flag);
	assert_string_equal(text, "");
	free(text);
	OK(filter_rows_activate(db, "rule a", &other, &flag, &err));
	assert_true(flag && other == id);
	OK(filter_rows_activate(db, "rule a", &other, &flag, &err));
	assert_false(flag);
	OK(filter_rows_enlist(db, "rule a", &id, &flag, NULL, &err));
	assert_true(flag);
	assert_int_equal(number("SELECT COUNT(*) FROM filters WHERE is_active = 1"), 1);
	assert_int_equal(number("SELECT COUNT(*) FROM filters"), 2);
}

/* What the server's own client makes of a file, as root. */
static void run_file(const char *name)
{
	CLEANUP(mem_free_pointer)
	char *command =
		xasprintf("PATH=$PATH:/usr/sbin mariadb --no-defaults -S '%s' -u root < '%s/%s'",
			  world_hosts[0], getenv("STORE_TEST_SQL"), name);

	assert_int_equal(system(command), 0);
}

static void refused(struct db *account, const char *sql)
{
	struct error why = ERROR_INIT;

	if (db_exec_text(account, sql, &why) == 0)
		fail_msg("allowed: %s", sql);
	assert_int_equal(why.kind, ERROR_CONFIG);
}

static struct db *connect_as(struct db_config *config, char *user)
{
	struct db *account;

	*config = world_config;
	config->user = user;
	account = db_new(config);
	OK(db_connect(account, &err));
	return account;
}

static void do_all_of_a_readers_work(struct db *account)
{
	struct db *root = db;
	struct range_set all = RANGE_SET_INIT;
	struct claim_search search;
	struct lot lot;
	uint32_t id;
	bool flag;
	bool other;

	db = account;
	OK(schema_check(db, &err));
	OK(reader_rows_register(db, &me, "test", &err));
	OK(filter_rows_enlist(db, "", &filter_id, &flag, NULL, &err));
	OK(wanted_ranges_open(db, 100, UINT32_MAX, &err));
	OK(wanted_ranges_open(db, 50, UINT32_MAX, &err));
	range_add(&all, 1, 200);
	OK(wanted_ranges_add_closed(db, &all, NULL, &err));
	store(150, 160);
	run_sql("SELECT * FROM gaps LIMIT 0");
	OK(gaps_record(db, 50, 160, &all, true, &err));
	OK(claims_take_next(db, &me, &all, NULL, &search, &err));
	OK(claims_renew(db, &me, &err));
	OK(claims_finish(db, &me, &search.claim, &all, "why", &err));
	claim_release(&search.claim);
	OK(filter_rows_activate(db, "rules", &id, &flag, &err));
	make_lot(&lot, 149, 160);
	lot.commit.filter_id = id;
	lot.commit.rewrite = LEDGER_REWRITE;
	lot.commit.outdated = LEDGER_OUTDATED_FILTER;
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
	list_readers(1);
	OK(reader_rows_sign_off(db, &me, &err));
	OK(reader_rows_forget(db, "one", 0, &other, &err));
	db = root;
	range_set_release(&all);
}

static void each_account_can_do_its_work_and_no_more(void **state)
{
	struct db_config config;
	struct db *account;

	(void)state;
	run_sql("DELETE FROM readers");
	run_file("grants.sql");
	run_file("grants.sql");
	run_sql("ALTER USER steem_reader IDENTIFIED BY '' ACCOUNT UNLOCK");
	run_sql("ALTER USER steem_consumer IDENTIFIED BY '' ACCOUNT UNLOCK");
	run_sql("ALTER USER steem_monitor IDENTIFIED BY '' ACCOUNT UNLOCK");
	account = connect_as(&config, (char[]){"steem_reader"});
	do_all_of_a_readers_work(account);
	refused(account, "DELETE FROM blocks");
	refused(account, "UPDATE blockchain SET payload = ''");
	refused(account, "DELETE FROM filters");
	refused(account, "INSERT INTO schema_version VALUES (2, 'x', 'x', NOW(6))");
	refused(account, "DROP TABLE blocks");
	refused(account, "CREATE TABLE t (a INT)");
	refused(account, "ALTER TABLE blocks ADD x INT");
	refused(account, "SELECT * FROM mysql.user");
	refused(account, "DELETE FROM bookkeeping");
	db_free(account);
	account = connect_as(&config, (char[]){"steem_consumer"});
	OK(db_exec_text(account, "SELECT * FROM blockchain JOIN blocks USING (block) LIMIT 0",
			&err));
	OK(db_exec_text(account, "SELECT * FROM gaps LIMIT 0", &err));
	OK(db_exec_text(account, "SELECT * FROM reader_status LIMIT 0", &err));
	refused(account, "DELETE FROM blockchain");
	refused(account, "INSERT INTO ranges (first_block) VALUES (1)");
	refused(account, "SELECT * FROM filters");
	db_free(account);
	account = connect_as(&config, (char[]){"steem_monitor"});
	OK(db_exec_text(account, "SELECT * FROM gaps LIMIT 0", &err));
	OK(db_exec_text(account, "SELECT * FROM reader_status LIMIT 0", &err));
	refused(account, "SELECT * FROM blockchain");
	refused(account, "UPDATE readers SET state = ''");
	db_free(account);
	run_sql("DROP USER steem_reader@'%', steem_consumer@'%', steem_operator@'%', "
		"steem_monitor@'%'");
}

/* Enough rows for several statements; every kind of value; both ways. */
static void bulk_rows_arrive_as_given(bool force_text)
{
	static const enum bulk_type types[] = {BULK_U32, BULK_U64, BULK_TEXT, BULK_BYTES};
	static const char sql[] = "INSERT INTO t (a, b, c, d) VALUES (?, ? + 1, ?, ?)";
	static const char text[] = "a'b\\c\"\n\xF0\x9F\x98\x80";
	static const char bytes[] = {0, 1, '\'', '\\', (char)0xFF, '\n'};
	struct bulk *bulk = bulk_new(sql, types, 4);
	struct bulk *wrong = bulk_new(sql, types, 4);
	char *padding = xcalloc(1, 300001);
	struct db *other;

	run_sql("USE steem");
	run_sql("DROP TABLE IF EXISTS t");
	run_sql("CREATE TABLE t (a INT UNSIGNED PRIMARY KEY, b BIGINT UNSIGNED, c MEDIUMTEXT "
		"CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, d BLOB) ENGINE=InnoDB");
	world_config.force_text_bulk = force_text;
	other = world_connect();
	memset(padding, '\'', 300000);
	for (uint32_t i = 0; i < 20; i++) {
		bulk_add_u64(bulk, UINT32_MAX - i);
		bulk_add_u64(bulk, UINT64_MAX - 1);
		bulk_add_bytes(bulk, i < 10 ? text : padding, strlen(i < 10 ? text : padding));
		bulk_add_bytes(bulk, bytes, sizeof(bytes));
	}
	bulk_add_u64(bulk, 0);
	bulk_add_null(bulk);
	bulk_add_null(bulk);
	bulk_add_null(bulk);
	assert_int_equal(bulk_row_count(bulk), 21);
	OK(bulk_insert(other, bulk, &err));
	assert_int_equal(
		number("SELECT COUNT(*) FROM t WHERE b = 18446744073709551615 AND d = "
		       "X'0001275CFF0A' AND a > 4294967275 AND (c = CONCAT('a', CHAR(39), 'b', "
		       "CHAR(92), 'c', CHAR(34), CHAR(10), _utf8mb4 X'F09F9880') OR c = "
		       "REPEAT(CHAR(39), 300000))"),
		20);
	assert_int_equal(
		number("SELECT COUNT(*) FROM t WHERE b IS NULL AND c IS NULL AND d IS NULL"), 1);
	/* A duplicate in the middle undoes the whole statement. */
	for (uint32_t i = 5; i > 0; i--) {
		bulk_add_u64(wrong, i == 2 ? 0 : i);
		bulk_add_u64(wrong, i);
		bulk_add_null(wrong);
		bulk_add_null(wrong);
	}
	assert_int_equal(bulk_insert(other, wrong, &err), -1);
	assert_true(db_is_duplicate(&err));
	err = ERROR_INIT;
	assert_int_equal(number("SELECT COUNT(*) FROM t"), 21);
	/* A server that only warns is no reason to store something else. */
	OK(db_exec_text(other, "SET SESSION sql_mode = ''", &err));
	OK(db_exec_text(other, "ALTER TABLE t MODIFY c VARCHAR(3) CHARACTER SET utf8mb4", &err));
	OK(db_exec_text(other, "DELETE FROM t", &err));
	OK(db_begin(other, &err));
	assert_int_equal(bulk_insert(other, bulk, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	assert_non_null(strstr(err.text, "'c'"));
	err = ERROR_INIT;
	db_rollback(other);
	assert_int_equal(number("SELECT COUNT(*) FROM t"), 0);
	world_config.force_text_bulk = false;
	db_free(other);
	bulk_free(bulk);
	bulk_free(wrong);
	free(padding);
}

static void add_row(struct bulk *bulk, uint32_t i, const char *text)
{
	static const char bytes[] = {0, '\'', (char)0xFF};

	bulk_add_u64(bulk, i);
	if (i % 7 == 3) {
		for (unsigned column = 0; column < 3; column++)
			bulk_add_null(bulk);
		return;
	}
	bulk_add_u64(bulk, UINT64_MAX - i);
	bulk_add_bytes(bulk, text, strlen(text));
	bulk_add_bytes(bulk, bytes, sizeof(bytes));
}

/*
 * Groups and a rest, at each border; and what is wrong in the middle of a group is refused there as
 * elsewhere: what is not UTF-8, a duplicate, a value that would be stored with a warning.
 */
static void many_rows_arrive_as_given(bool force_text)
{
	static const enum bulk_type types[] = {BULK_U32, BULK_U64, BULK_TEXT, BULK_BYTES};
	static const char sql[] = "INSERT INTO t (a, b, c, d) VALUES (?, ?, ?, ?)";
	static const uint32_t counts[] = {BULK_GROUP_ROWS - 1, BULK_GROUP_ROWS, BULK_GROUP_ROWS + 1,
					  3 * BULK_GROUP_ROWS + 2};
	static const char *const wrong[] = {"a\xFFz", "good", "too long"};
	static const char good[] = "\xC3\xA4'\\";
	uint32_t count = 2 * BULK_GROUP_ROWS;
	struct db *other;

	run_sql("USE steem");
	run_sql("DROP TABLE IF EXISTS t");
	run_sql("CREATE TABLE t (a INT UNSIGNED PRIMARY KEY, b BIGINT UNSIGNED, c VARCHAR(5) "
		"CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, d BLOB) ENGINE=InnoDB");
	world_config.force_text_bulk = force_text;
	other = world_connect();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct bulk *bulk = bulk_new(sql, types, 4);

		for (uint32_t row = 0; row < counts[i]; row++)
			add_row(bulk, row, good);
		OK(bulk_insert(other, bulk, &err));
		assert_int_equal(
			number("SELECT COUNT(*) FROM t WHERE IF(a MOD 7 = 3, b IS NULL AND "
			       "c IS NULL AND d IS NULL, b = 18446744073709551615 - a AND "
			       "HEX(c) = 'C3A4275C' AND HEX(d) = '0027FF')"),
			counts[i]);
		run_sql("DELETE FROM steem.t");
		bulk_free(bulk);
	}
	/* "good" stands in a row whose key is there already. */
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct bulk *bulk = bulk_new(sql, types, 4);

		OK(db_exec_text(other, i == 2 ? "SET SESSION sql_mode = ''" : "DO 0", &err));
		for (uint32_t row = 0; row < count; row++)
			add_row(bulk, row == 11 && i == 1 ? 9 : row, row == 11 ? wrong[i] : good);
		OK(db_begin(other, &err));
		assert_int_equal(bulk_insert(other, bulk, &err), -1);
		assert_int_equal(db_is_duplicate(&err), i == 1);
		assert_true(i == 1 || err.kind == ERROR_DATA);
		err = ERROR_INIT;
		db_rollback(other);
		bulk_free(bulk);
	}
	assert_int_equal(number("SELECT COUNT(*) FROM t"), 0);
	world_config.force_text_bulk = false;
	db_free(other);
}

static void many_rows_arrive_bound(void **state)
{
	(void)state;
	many_rows_arrive_as_given(false);
}

static void many_rows_arrive_in_text(void **state)
{
	(void)state;
	many_rows_arrive_as_given(true);
}

/* What a column's character set cannot hold is refused, however the text travels. */
static void bulk_refuses_a_foreign_text(bool force_text)
{
	static const enum bulk_type types[] = {BULK_TEXT, BULK_ASCII};
	static const char sql[] = "INSERT INTO t (u, a) VALUES (?, ?)";
	static const char *const bad[][2] = {
		{"a\xFFz", "good"}, {"\xC3", "good"}, {"good", "\xC3\xA4"}};
	struct db *other;

	run_sql("USE steem");
	run_sql("DROP TABLE IF EXISTS t");
	run_sql("CREATE TABLE t (u MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, "
		"a VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin) ENGINE=InnoDB");
	world_config.force_text_bulk = force_text;
	other = world_connect();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bulk *bulk = bulk_new(sql, types, 2);

		bulk_add_bytes(bulk, bad[i][0], strlen(bad[i][0]));
		bulk_add_bytes(bulk, bad[i][1], strlen(bad[i][1]));
		assert_int_equal(bulk_insert(other, bulk, &err), -1);
		assert_int_equal(err.kind, ERROR_DATA);
		err = ERROR_INIT;
		bulk_free(bulk);
	}
	assert_int_equal(number("SELECT COUNT(*) FROM t"), 0);
	world_config.force_text_bulk = false;
	db_free(other);
}

static void bulk_refuses_a_foreign_text_in_arrays(void **state)
{
	(void)state;
	bulk_refuses_a_foreign_text(false);
}

static void bulk_refuses_a_foreign_text_in_text(void **state)
{
	(void)state;
	bulk_refuses_a_foreign_text(true);
}

static void bulk_rows_as_arrays(void **state)
{
	(void)state;
	bulk_rows_arrive_as_given(false);
}

static void bulk_rows_as_text(void **state)
{
	(void)state;
	bulk_rows_arrive_as_given(true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connects_to_the_first_host_that_answers),
		TEST(the_session_does_not_depend_on_the_server),
		TEST(a_session_inherits_nothing),
		TEST(a_session_s_clock_goes),
		TEST(long_values_come_back_whole),
		TEST(many_rows_arrive_bound),
		TEST(many_rows_arrive_in_text),
		TEST(bulk_refuses_a_foreign_text_in_arrays),
		TEST(bulk_refuses_a_foreign_text_in_text),
		TEST(bulk_rows_as_arrays),
		TEST(bulk_rows_as_text),
		TEST(migrations_run_twice_and_from_any_cut),
		TEST(migrations_run_in_threads_at_once),
		TEST(the_status_of_readers),
		TEST(one_filter_is_active),
		TEST(each_account_can_do_its_work_and_no_more),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
