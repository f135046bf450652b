/* SPDX-License-Identifier: MIT */
/*
 * Every call to the database fails once: with each error that may pass, before and after
 * it took effect, in a tail, a replay and a fork repair, with the executor's own retries.
 * Afterwards the tables must be those of an undisturbed run: complete, and everything
 * once.
 */
#include "steps.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/log.h"
#include "store/outbox.h"

#define STORM_RUNS    40
#define STORM_PERCENT 6

/* Scenarios. */

/* From empty tables: open, want, tail block after block, leave one behind, stop. */
static void tail(void)
{
	task(call_open);
	task(call_ranges_open);
	commit(3, 4);
	commit(4, 6);
	task(call_scan);
	task(call_missing);
	task(call_sign_off);
}

/* Others have stored 3..4 and 9..12: want 1 and 2 too, find and claim all that is missing, fill it
 * but for one block. */
static void replay(void)
{
	task(call_backfill);
	task(call_scan);
	task(call_search);
	assert_true(run.search.has_claim);
	assert_int_equal(range_count_blocks(&run.search.claim.missing), 6);
	commit(1, 2);
	task(call_beat);
	commit(5, 7);
	range_add(&run.failed, 8, 8);
	task(call_settle);
	task(call_search);
	assert_false(run.search.has_claim);
	task(call_sign_off);
}

/* Two blocks, then two that stand there and two that do not. */
static void commits(void)
{
	commit(3, 4);
	commit(3, 6);
}

/* The head reader took another fork: confirm what is right, replace what is not, go on at the head. */
static void fork_repair(void)
{
	commit(5, 7);
	make_lot(&run.lot, 8, 9);
	run.lot.commit.is_reversible = true;
	commit_lot();
}

/* Somebody altered the operations of a row: write them again. */
static void row_repair(void)
{
	make_lot(&run.lot, 3, 4);
	run.lot.commit.rewrite = LEDGER_REPAIR;
	commit_lot();
}

#define TRX(digit) "000000000000000000000000000000000000000" digit

/* Blocks with two signed transactions and several comments, of which one is not in the outbox. */
static void confirm(void)
{
	static const struct ledger_comment comments[] = {
		{.block = 5, .author = "alice", .permlink = "p5", .trx_id = TRX("5")},
		{.block = 6, .author = "alice", .permlink = "other", .trx_id = "00"},
		{.block = 7, .author = "alice", .permlink = "p7", .trx_id = "01"},
	};
	static const struct ledger_trx trxs[] = {
		{.block = 5, .trx_id = TRX("5")},
		{.block = 6, .trx_id = TRX("6")},
	};
	static const struct witness_key keys[] = {
		{.witness = "dan", .key = "STM1", .since_block = 5},
		{.witness = "dan", .key = "STM2", .since_block = 7},
	};

	make_lot(&run.lot, 5, 7);
	/* Nothing is learnt from a block without proof. */
	for (size_t i = 0; i < run.lot.commit.count; i++)
		run.lot.made[i].block.proof = BLOCK_PROOF_CONTENT;
	run.lot.commit.comments = comments;
	run.lot.commit.comment_count = 3;
	run.lot.commit.trxs = trxs;
	run.lot.commit.trx_count = 2;
	run.lot.commit.keys = keys;
	run.lot.commit.key_count = 2;
	commit_lot();
	task(call_confirm);
	task(call_keys);
}

/* Some deliveries are over; then all old blocks are purged. */
static void retention(void)
{
	task(call_retain);
	task(call_purge_begin);
	task(call_purge);
	task(call_purge_end);
}

/* What lies above block 6 was a lie. */
static void rewind_all(void)
{
	task(call_rewind_look);
	assert_int_equal(rewind_dead.count, 1);
	task(call_rewind_begin);
	task(call_rewind);
	assert_string_equal(rewind_state.alive, "");
	rewind_readers_release(&rewind_dead);
}

static void nothing_before(void)
{
}

static void opened_before(void)
{
	OK(call_open(db, &err));
	OK(call_ranges_open(db, &err));
}

static void outbox_before(void)
{
	opened_before();
	run_sql("INSERT INTO comments (author, permlink, parent_author, parent_permlink, body, "
		"json_metadata, created_at) VALUES "
		"('alice', 'p5', 'bob', 'q', 'b', '{}', UTC_TIMESTAMP(6)), "
		"('alice', 'p6', 'bob', 'q', 'b', '{}', UTC_TIMESTAMP(6)), "
		"('alice', 'p7', 'bob', 'q', 'b', '{}', UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO actions (account, action_key, operations, authority, state, created_at) VALUES "
		"('alice', 'a6', '[]', 'posting', 'sent', UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO signed_trxs (trx_id, account, comment_id, action_id, signed_trx, ref_block, expiration, "
		"created_at) SELECT '" TRX(
			"5") "', 'alice', comment_id, NULL, '{}', 4, '2016-03-24', UTC_TIMESTAMP(6) "
			     "FROM comments WHERE permlink = 'p5' UNION ALL SELECT '" TRX(
				     "6") "', 'alice', NULL, action_id, '{}', 4, "
					  "'2016-03-24', UTC_TIMESTAMP(6) FROM actions");
}

static void others_before(void)
{
	struct reader_identity own = me;

	opened_before();
	me = (struct reader_identity){.name = "other", .session = "s2"};
	OK(call_open(db, &err));
	store(3, 4);
	store(9, 12);
	me = own;
}

/* Of queue a: block 3 is over, 4 and 9 are not; of b, something of 3 and of 9 is still open. */
static void deliveries_before(void)
{
	others_before();
	run_sql("INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, "
		"virtual_op, block_crc, state, attempts, created_at, finished_at) "
		"SELECT o.block * 1048576 + o.trx_in_block, 'a', o.block, o.trx_in_block, 0, 0, "
		"CRC32(b.block_id), 'done', 1, UTC_TIMESTAMP(6), "
		"UTC_TIMESTAMP(6) - INTERVAL IF(o.block = 3, 10, 5) DAY "
		"FROM blockchain o JOIN blocks b ON b.block = o.block WHERE o.block < 10");
	run_sql("INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx, "
		"virtual_op, block_crc, available_at, created_at) "
		"SELECT block * 1048576 + 5, 'b', block, 1, 0, 0, CRC32(block_id), "
		"UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM blocks WHERE block IN (3, 9)");
	run_sql("INSERT INTO orphans SELECT block, REPEAT('x', 20), trx_in_block, op_in_trx, "
		"virtual_op, trx_id, timestamp, operation, account, payload, REPEAT('y', 20), 1, "
		"UTC_TIMESTAMP(6) FROM blockchain WHERE block IN (4, 10)");
}

/* Blocks 3..4 and 9..12 with deliveries of 4, 9 and 10, one of them done; a claim, a gap, a comment of each kind. */
static void lies_before(void)
{
	others_before();
	run_sql("UPDATE readers SET state = 'stopped' WHERE name <> 'other'");
	run_sql("UPDATE readers SET irreversible_block = 4294967295, head_block = 4294967295");
	run_sql("UPDATE blocks SET is_irreversible = 0 WHERE block = 12");
	run_sql("INSERT INTO blockchain SELECT 8, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp, operation, account, "
		"payload FROM blockchain WHERE block = 9");
	run_sql("INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx, "
		"virtual_op, block_crc, available_at, created_at) "
		"SELECT block * 1048576 + 5, 'b', block, 1, 0, 0, CRC32(block_id), "
		"UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM blocks WHERE block IN (4, 9, 10)");
	run_sql("INSERT INTO delivered SELECT block, trx_in_block, op_in_trx, virtual_op, queue, block_crc, "
		"delivery_id FROM deliveries_open");
	run_sql("INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, "
		"virtual_op, block_crc, state, attempts, created_at, finished_at) SELECT delivery_id + 1, 'c', block, "
		"trx_in_block, op_in_trx, virtual_op, block_crc, 'done', 1, created_at, created_at "
		"FROM deliveries_open WHERE block = 9");
	run_sql("INSERT INTO known_gaps (first_block, last_block, found_at) VALUES (5, 8, UTC_TIMESTAMP(6)), "
		"(4294967295, 4294967295, UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO gap_claims VALUES (4294967000, 'other', 's2', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO purges VALUES (11, UTC_TIMESTAMP(6), NULL)");
	run_sql("INSERT INTO comments (author, permlink, parent_author, parent_permlink, body, "
		"json_metadata, created_at, state, block, confirmed_at) VALUES "
		"('alice', 'p4', 'bob', 'q', 'b', '{}', UTC_TIMESTAMP(6), 'confirmed', 4, UTC_TIMESTAMP(6)), "
		"('alice', 'p9', 'bob', 'q', 'b', '{}', UTC_TIMESTAMP(6), 'confirmed', 9, UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO comments_seen VALUES ('alice', 'p3', 3, NULL, UTC_TIMESTAMP(6)), "
		"('alice', 'p10', 10, NULL, UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO trxs_seen VALUES ('" TRX("3") "', 3, UTC_TIMESTAMP(6)), "
							   "('" TRX(
								   "a") "', 10, UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO actions (account, action_key, operations, authority, state, block, confirmed_at, created_at) "
		"VALUES ('alice', 'a4', '[]', 'posting', 'confirmed', 4, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)), "
		"('alice', 'a9', '[]', 'posting', 'confirmed', 9, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))");
	run_sql("INSERT INTO signed_trxs (trx_id, account, action_id, signed_trx, ref_block, expiration, outcome, "
		"created_at) SELECT IF(block = 4, '" TRX("4") "', '" TRX(
			"9") "'), account, action_id, '{}', 3, "
			     "'2016-03-24', state, created_at FROM actions UNION ALL "
			     "SELECT '" TRX(
				     "b") "', 'alice', NULL, '{}', 3, '2000-01-01', 'expired', UTC_TIMESTAMP(6) UNION ALL "
					  "SELECT '" TRX(
						  "c") "', 'alice', NULL, '{}', 3, '2099-01-01', 'expired', UTC_TIMESTAMP(6)");
}

static void forked_before(void)
{
	struct reader_identity own = me;
	struct lot lot;

	opened_before();
	me = (struct reader_identity){.name = "other", .session = "s2"};
	OK(call_open(db, &err));
	store(3, 4);
	make_lot(&lot, 5, 7);
	make_block(&lot.made[1], 6, 0xBB);
	make_block(&lot.made[2], 7, 0xBB);
	lot.commit.is_reversible = true;
	lot.commit.entries++;
	lot.commit.count = 2;
	OK(ledger_commit(db, &lot.commit, &err)); /* 6 and 7 first: 5 does not lead to them */
	lot.commit.entries--;
	lot.commit.count = 1;
	OK(ledger_commit(db, &lot.commit, &err));
	lot.commit.count = 3;
	free_lot(&lot);
	run_sql("UPDATE blockchain SET payload = 'altered' WHERE block = 4");
	run_sql("DELETE FROM blockchain WHERE block = 4 AND trx_in_block = 1");
	me = own;
}

static const struct scenario {
	const char *name;
	void (*before)(void);
	void (*run)(void);
	bool as_text; /* no array binding */
	bool repeats; /* what was done is done again where the reply was lost: it counts twice */
} scenarios[] = {
	{"tail", nothing_before, tail, false, false},
	{"replay", others_before, replay, false, false},
	{"fork_repair", forked_before, fork_repair, false, false},
	{"row_repair", forked_before, row_repair, false, true},
	{"confirm", outbox_before, confirm, false, false},
	{"retention", deliveries_before, retention, false, false},
	{"rewind", lies_before, rewind_all, false, false},
	{"commits_as_text", opened_before, commits, true, false},
};
static const struct scenario *scenario; /* of this process */
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* The tables as a text, without what differs from run to run: ids by number, times. */

static void dump(struct buf *out)
{
	static const char query[] =
		"SELECT CONCAT_WS('|', 'block', LPAD(b.block, 3, '0'), HEX(b.block_id), "
		"HEX(b.previous), b.timestamp, b.operations, b.stored_operations, "
		"b.is_irreversible, b.virtual_state, f.rules, r.name, b.committed_at IS NULL) AS line FROM blocks b JOIN filters f ON f.id = b.filter_id "
		"JOIN readers r ON r.id = b.reader_id "
		"UNION ALL SELECT CONCAT_WS('|', 'operation', LPAD(block, 3, '0'), trx_in_block, "
		"op_in_trx, virtual_op, trx_id, timestamp, operation, COALESCE(account, 'NULL'), "
		"payload) FROM blockchain "
		"UNION ALL SELECT CONCAT_WS('|', 'orphan', block, HEX(block_id), HEX(replaced_by), "
		"trx_in_block, op_in_trx, operation, payload) FROM orphans "
		"UNION ALL SELECT CONCAT_WS('|', 'range', first_block, COALESCE(last_block, 'open'), "
		"COALESCE(scanned_to, 'NULL')) FROM ranges "
		"UNION ALL SELECT CONCAT_WS('|', 'gap', first_block, last_block, "
		"COALESCE(reason, 'NULL'), attempts > 0) FROM known_gaps "
		"UNION ALL SELECT CONCAT_WS('|', 'claim', first_block, reader, session) "
		"FROM gap_claims "
		"UNION ALL SELECT CONCAT_WS('|', 'reader', name, session, state, last_block, "
		"head_block, irreversible_block, IF(?, 0, blocks_stored), "
		"IF(?, 0, operations_stored), "
		"COALESCE(node, 'NULL')) FROM readers "
		"UNION ALL SELECT CONCAT_WS('|', 'comment', author, permlink, state, COALESCE(block, 0), "
		"COALESCE(trx_id, 'NULL'), confirmed_at IS NULL) FROM comments "
		"UNION ALL SELECT CONCAT_WS('|', 'seen', author, permlink, block) FROM comments_seen "
		"UNION ALL SELECT CONCAT_WS('|', 'action', account, action_key, state, COALESCE(block, 0), "
		"COALESCE(trx_id, 'NULL'), confirmed_at IS NULL) FROM actions "
		"UNION ALL SELECT CONCAT_WS('|', 'trx', trx_id, COALESCE(outcome, 'NULL')) FROM signed_trxs "
		"UNION ALL SELECT CONCAT_WS('|', 'trx seen', trx_id, block) FROM trxs_seen "
		"UNION ALL SELECT CONCAT_WS('|', 'key', witness, since_block, signing_key, source, last_signed) "
		"FROM witness_keys "
		"UNION ALL SELECT CONCAT_WS('|', 'open', delivery_id, queue) FROM deliveries_open "
		"UNION ALL SELECT CONCAT_WS('|', 'ended', delivery_id, queue, state) FROM deliveries_ended "
		"UNION ALL SELECT CONCAT_WS('|', 'delivered', delivery_id, queue) FROM delivered "
		"UNION ALL SELECT CONCAT_WS('|', 'purge', before_block, finished_at IS NULL) FROM purges "
		"UNION ALL SELECT CONCAT_WS('|', 'filter', rules, is_active) FROM filters "
		"ORDER BY line";
	struct db_value repeats = db_u64(scenario->repeats);
	struct db_rows *rows = db_query(db, query, DB_VALUES(repeats, repeats), &err);
	int result = -1;

	while (rows && (result = db_rows_next(rows, &err)) > 0)
		(void)buf_addf(out, "%s\n", db_row_text(rows, 0, NULL));
	if (result < 0)
		fail_msg("%s", err.text);
	db_rows_free(rows);
	assert_false(out->is_full);
}

/* What a scenario begins with is made once, and brought back in one call. */

static const struct {
	const char *name;
	const char *columns;
} tables[] = {
	{"blocks", "*"},
	{"blockchain", "*"},
	{"ranges", "first_block, last_block, scanned_to"},
	{"known_gaps", "*"},
	{"orphans", "*"},
	{"gap_claims", "*"},
	{"readers", "*"},
	{"filters", "*"},
	{"bookkeeping", "*"},
	{"comments", "*"},
	{"comments_seen", "*"},
	{"actions", "*"},
	{"signed_trxs", "*"},
	{"trxs_seen", "*"},
	{"witness_keys", "*"},
	{"deliveries_open", "*"},
	{"deliveries_ended", "*"},
	{"delivered", "*"},
	{"purges", "*"},
};

static void keep_tables(void)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT(1 << 16);

	(void)buf_add_text(&sql, "CREATE PROCEDURE bring_back() BEGIN ");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const char *name = tables[i].name;
		const char *columns = tables[i].columns;
		bool is_all = strcmp(columns, "*") == 0;
		char copy[200];

		snprintf(copy, sizeof(copy), "CREATE TABLE kept_%s AS SELECT %s FROM %s", name,
			 columns, name);
		run_sql(copy);
		(void)buf_addf(
			&sql, "DELETE FROM %s; INSERT INTO %s %s%s%s SELECT * FROM kept_%s; ", name,
			name, is_all ? "" : "(", is_all ? "" : columns, is_all ? "" : ")", name);
	}
	(void)buf_add_text(&sql, "END");
	run_sql(sql.data);
}

static void empty_tables(void)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char sql[100];

		snprintf(sql, sizeof(sql), "DELETE FROM %s", tables[i].name);
		if (strcmp(tables[i].name, "bookkeeping") != 0)
			run_sql(sql);
	}
}

/* The shim must be armed by `arm` when the scenario begins; it is disarmed at the end. */
static void run_scenario(unsigned fail_at, const struct shim_error *error, bool after,
			 struct buf *ret_tables, unsigned *ret_calls)
{
	run_sql("CALL bring_back()");
	run.executor = executor_new(&world_config, 1, 0, &err);
	assert_non_null(run.executor);
	range_set_clear(&run.failed);
	range_add(&run.within, 1, 12);
	if (fail_at == UINT32_MAX)
		shim_storm(STORM_PERCENT);
	else
		shim_arm(fail_at, error, after);
	scenario->run();
	*ret_calls = shim.calls;
	shim.fail_at = 0;
	shim.storm_percent = 0;
	executor_free(run.executor);
	claim_release(&run.search.claim);
	dump(ret_tables);
}

static void compare(const char *name, const struct buf *is, const struct buf *should)
{
	size_t same = 0;

	if (strcmp(is->data, should->data) == 0)
		return;
	while (is->data[same] == should->data[same])
		same++;
	while (same > 0 && is->data[same - 1] != '\n')
		same--;
	fail_msg("%s, %s: the tables differ. They say\n%.600s\nand should say\n%.600s", name,
		 shim.what, is->data + same, should->data + same);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* EVERY_CALL_SHARE=4: each call in every fourth way only, not in the same ones each time. */
static bool is_left_out(unsigned call, size_t way)
{
	const char *given = getenv("EVERY_CALL_SHARE");
	unsigned long share = given ? strtoul(given, NULL, 10) : 1;

	return share > 1 && (call + way + (unsigned long)time(NULL) / 3600) % share != 0;
}

static void each_call_fails_once(void **state)
{
	CLEANUP(buf_release) struct buf should = BUF_INIT(1 << 20);
	double began_s = now_s();
	unsigned calls;
	unsigned ignored;
	unsigned runs = 0;

	(void)state;
	run_scenario(0, NULL, false, &should, &calls);
	for (unsigned k = 1; k <= calls; k++)
		for (size_t i = 0; i < 2 * SHIM_ERRORS; i++) {
			CLEANUP(buf_release) struct buf is = BUF_INIT(1 << 20);

			if (is_left_out(k, i))
				continue;
			run_scenario(k, &shim_errors[i / 2], i % 2 == 1, &is, &ignored);
			if (shim.failures != 1)
				fail_msg("call %u of %s was not made again", k, scenario->name);
			compare(scenario->name, &is, &should);
			runs++;
		}
	printf("%s: %u calls, of %zu ways to fail each: %u runs in %.1f s\n", scenario->name, calls,
	       2 * SHIM_ERRORS, runs, now_s() - began_s);
}

static void many_calls_fail(void **state)
{
	CLEANUP(buf_release) struct buf should = BUF_INIT(1 << 20);
	const char *given = getenv("EVERY_CALL_SEED");
	uint64_t first = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	unsigned failures = 0;
	unsigned calls;

	(void)state;
	run_scenario(0, NULL, false, &should, &calls);
	for (uint64_t seed = first; seed < first + STORM_RUNS; seed++) {
		CLEANUP(buf_release) struct buf is = BUF_INIT(1 << 20);

		random_seed(seed);
		run_scenario(UINT32_MAX, NULL, false, &is, &calls);
		failures += shim.failures;
		compare(scenario->name, &is, &should);
	}
	printf("%s, storm from EVERY_CALL_SEED=%llu: %u failed calls in %u runs\n", scenario->name,
	       (unsigned long long)first, failures, STORM_RUNS);
}

static int set_up(void **state)
{
	if (world_set_up(state) < 0)
		return -1;
	/* This connection idles while a scenario runs; MySQL would end it after seconds. */
	run_sql("SET SESSION wait_timeout = 28800");
	empty_tables();
	scenario->before();
	keep_tables();
	world_config.force_text_bulk = scenario->as_text;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

static int run_in_own_database(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_call_fails_once),
		TEST(many_calls_fail),
	};
	static char name[64];

	snprintf(name, sizeof(name), "steem_%s", scenario->name);
	world_config.name = name;
	return cmocka_run_group_tests_name(scenario->name, tests, NULL, NULL);
}

/* Scenarios wait for the server most of the time: all at once, each with a database of its own. */
int main(void)
{
	pid_t pids[SCENARIOS];
	int failed = 0;
	int status;

	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < SCENARIOS; i++) {
		scenario = &scenarios[i];
		pids[i] = fork();
		if (pids[i] == 0)
			exit(run_in_own_database() == 0 ? 0 : 1);
	}
	for (size_t i = 0; i < SCENARIOS; i++) {
		pid_t pid = wait(&status);

		if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		for (size_t k = 0; k < SCENARIOS; k++)
			if (pids[k] == pid)
				printf("%s: ended with status %d\n", scenarios[k].name, status);
		failed++;
	}
	return failed;
}
