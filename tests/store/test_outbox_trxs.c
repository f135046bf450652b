/* SPDX-License-Identifier: MIT */
/* Transactions that a poster signed are noted with their block, and applied to the rows that they carry. */
#include "world.h"

#include "store/outbox.h"
#include "sync/seen.h"

#define FIRST   100
#define LAST    104
#define A_BLOCK 102
#define ID      "%08x%032x"

static struct lot lot;
static char ids[LAST - FIRST + 1][MADE_OPERATIONS][BLOCK_ID_HEX + 1];
static struct seen seen;

/* Blocks 100..104; each transaction has an id of its own, made of block and place. */
static void make(void)
{
	make_lot(&lot, FIRST, LAST);
	for (unsigned i = 0; i < LAST - FIRST + 1; i++)
		for (unsigned trx = 0; trx < MADE_OPERATIONS; trx++) {
			snprintf(ids[i][trx], sizeof(ids[i][trx]), ID, FIRST + i, trx);
			lot.made[i].operations[trx].trx_id = ids[i][trx];
		}
}

static void commit(const char *letters)
{
	OK(seen_find(db, &lot.commit, &seen, &err));
	OK(ledger_commit(db, &lot.commit, &err));
	expect_outcomes(&lot, letters);
}

static void end(void)
{
	seen_release(&seen);
	free_lot(&lot);
}

/* A poster signs the second transaction of a block for an action; outcome "NULL": it is open. */
static void sign(unsigned num, const char *expiration, const char *outcome)
{
	char sql[900];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO actions (account, action_key, operations, authority, state, "
		 "created_at) VALUES ('alice', 'a%u', '[]', 'posting', 'sent', UTC_TIMESTAMP(6))",
		 num);
	run_sql(sql);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO signed_trxs (trx_id, account, action_id, signed_trx, ref_block, "
		 "expiration, outcome, created_at) SELECT '" ID
		 "', account, action_id, '{}', 1, '%s', %s, created_at FROM actions "
		 "WHERE action_key = 'a%u'",
		 num, 1, expiration, outcome, num);
	run_sql(sql);
}

static struct outbox_step confirm(void)
{
	struct outbox_step step = {.is_last = false};

	while (!step.is_last && step.locked_count == 0)
		OK(outbox_confirm(db, &step, &err));
	return step;
}

static uint64_t seen_rows(void)
{
	return number("SELECT COUNT(*) FROM trxs_seen");
}

static uint64_t confirmed_actions(void)
{
	return number(
		"SELECT COUNT(*) FROM actions a JOIN signed_trxs t USING (action_id) "
		"WHERE a.state = 'confirmed' AND t.outcome = 'confirmed' AND a.trx_id = t.trx_id "
		"AND a.confirmed_at IS NOT NULL AND a.error IS NULL");
}

static void a_signed_trx_is_noted_with_its_block(void **state)
{
	(void)state;
	make();
	sign(A_BLOCK, "2016-03-24 16:10:00", "NULL");
	run_sql("UPDATE actions SET error = 'too soon'");
	/* The filter keeps nothing of it. */
	lot.made[A_BLOCK - FIRST].operations[1].is_stored = false;
	commit("SSSSS");
	assert_int_equal(lot.commit.seen_count, 1);
	assert_int_equal(number("SELECT block FROM trxs_seen"), A_BLOCK);
	assert_int_equal(confirm().trx_count, 1);
	assert_int_equal(confirmed_actions(), 1);
	assert_int_equal(number("SELECT block FROM actions"), A_BLOCK);
	assert_int_equal(seen_rows(), 0);
	assert_int_equal(confirm().trx_count, 0);
	end();
}

static void a_comment_is_confirmed_by_its_trx(void **state)
{
	(void)state;
	make();
	sign(A_BLOCK, "2016-03-24 16:10:00", "NULL");
	run_sql("INSERT INTO comments (author, permlink, parent_author, parent_permlink, body, "
		"json_metadata, state, created_at) VALUES "
		"('bob', 'p', '', 'q', 'b', '{}', 'sent', UTC_TIMESTAMP(6))");
	run_sql("UPDATE signed_trxs SET action_id = NULL, comment_id = (SELECT comment_id FROM comments)");
	commit("SSSSS");
	assert_int_equal(confirm().trx_count, 1);
	assert_int_equal(
		number("SELECT COUNT(*) FROM comments c JOIN signed_trxs t USING (comment_id) WHERE "
		       "c.state = 'confirmed' AND c.block = 102 AND c.trx_id = t.trx_id"),
		1);
	assert_int_equal(number("SELECT COUNT(*) FROM actions WHERE state = 'sent'"), 1);
	end();
}

static void every_trx_of_a_large_commit_is_looked_for(void **state)
{
	(void)state;
	make_lot(&lot, FIRST, FIRST + 99);
	for (unsigned i = 0; i < 100; i++) {
		/* The texts of the payloads are not needed here. */
		snprintf(lot.made[i].payload, sizeof(lot.made[i].payload), ID, FIRST + i, 1);
		lot.made[i].operations[0].trx_id = "ff";
		lot.made[i].operations[1].trx_id = lot.made[i].payload;
		sign(FIRST + i, "2016-03-24 16:10:00", "NULL");
	}
	OK(seen_find(db, &lot.commit, &seen, &err));
	OK(ledger_commit(db, &lot.commit, &err));
	assert_int_equal(seen_rows(), 100);
	assert_int_equal(number("SELECT COUNT(*) FROM trxs_seen WHERE trx_id LIKE "
				"CONCAT(LPAD(LOWER(HEX(block)), 8, '0'), '%1')"),
			 100);
	(void)confirm();
	assert_int_equal(confirmed_actions(), 100);
	assert_int_equal(seen_rows(), 0);
	end();
}

static void a_reversible_block_confirms_nothing_until_it_is_irreversible(void **state)
{
	(void)state;
	make();
	sign(A_BLOCK, "2016-03-24 16:10:00", "NULL");
	lot.commit.is_reversible = true;
	commit("SSSSS");
	assert_int_equal(lot.commit.seen_count, 0);
	assert_int_equal(seen_rows(), 0);
	assert_int_equal(number("SELECT SUM(is_searched) FROM blocks"), 0);
	lot.commit.is_reversible = false;
	commit("CCCCC");
	assert_int_equal(seen_rows(), 1);
	assert_int_equal(number("SELECT SUM(is_searched) FROM blocks"), 5);
	assert_int_equal(confirm().trx_count, 1);
	assert_int_equal(confirmed_actions(), 1);
	end();
}

static void what_another_reader_stored_is_its_own_affair(void **state)
{
	(void)state;
	make();
	commit("SSSSS");
	assert_int_equal(number("SELECT SUM(is_searched) FROM blocks"), 5);
	sign(A_BLOCK, "2016-03-24 16:10:00", "NULL");
	commit("PPPPP");
	assert_int_equal(seen_rows(), 0);
	/* But a repair looks again. */
	run_sql("UPDATE blocks SET is_searched = 0");
	lot.commit.rewrite = LEDGER_REPAIR;
	commit("WWWWW");
	assert_int_equal(seen_rows(), 1);
	assert_int_equal(number("SELECT SUM(is_searched) FROM blocks"), 5);
	commit("WWWWW");
	assert_int_equal(seen_rows(), 1);
	end();
}

/* One look says that nothing can be there; else a catch-up would look for each transaction. */
static void old_blocks_are_not_searched(void **state)
{
	bool any = true;

	(void)state;
	OK(outbox_has_open_trx(db, 1458835500, &any, &err));
	assert_false(any);
	sign(A_BLOCK, "2016-03-26 16:05:00", "NULL");
	OK(outbox_has_open_trx(db, 1458835500, &any, &err)); /* 2016-03-24 16:05:00 */
	assert_false(any);
	OK(outbox_has_open_trx(db, 1458835500 + 86400, &any, &err));
	assert_true(any);
	run_sql("UPDATE signed_trxs SET outcome = 'confirmed'");
	OK(outbox_has_open_trx(db, 1458835500 + 86400, &any, &err));
	assert_false(any);
}

static void the_chain_is_right_about_what_counts_as_expired(void **state)
{
	(void)state;
	make();
	sign(A_BLOCK, "2016-03-24 16:10:00", "'expired'");
	sign(A_BLOCK + 1, "2016-03-24 16:10:00", "'confirmed'");
	sign(A_BLOCK + 20, "2016-03-24 16:10:00",
	     "NULL"); /* the blocks are searched because of it */
	commit("SSSSS");
	assert_int_equal(seen_rows(), 1);
	assert_int_equal(number("SELECT block FROM trxs_seen"), A_BLOCK);
	(void)confirm();
	assert_int_equal(number("SELECT COUNT(*) FROM signed_trxs WHERE outcome = 'expired'"), 0);
	end();
}

static void what_a_poster_has_locked_is_confirmed_later(void **state)
{
	static const char *const locks[] = {"SELECT * FROM actions FOR UPDATE",
					    "SELECT * FROM signed_trxs FOR UPDATE"};
	struct db *other = world_connect();

	(void)state;
	make();
	sign(A_BLOCK, "2016-03-24 16:10:00", "NULL");
	commit("SSSSS");
	for (unsigned i = 0; i < 2; i++) {
		OK(db_begin(other, &err));
		OK(db_exec_text(other, locks[i], &err));
		assert_int_equal(confirm().locked_count, 1);
		db_rollback(other);
		assert_int_equal(seen_rows(), 1);
		assert_int_equal(confirmed_actions(), 0);
	}
	assert_int_equal(confirm().trx_count, 1);
	assert_int_equal(confirmed_actions(), 1);
	db_free(other);
	end();
}

/* An administrator removed the row, or the transaction too: nothing stays behind. */
static void what_is_gone_is_not_waited_for(void **state)
{
	(void)state;
	make();
	sign(A_BLOCK, "2016-03-24 16:10:00", "NULL");
	sign(A_BLOCK + 1, "2016-03-24 16:10:00", "NULL");
	commit("SSSSS");
	assert_int_equal(seen_rows(), 2);
	run_sql("DELETE FROM actions");
	run_sql("DELETE FROM signed_trxs WHERE trx_id LIKE '00000066%'");
	assert_int_equal(confirm().locked_count, 0);
	assert_int_equal(seen_rows(), 0);
	assert_int_equal(number("SELECT COUNT(*) FROM signed_trxs WHERE outcome = 'confirmed'"), 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_signed_trx_is_noted_with_its_block, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(a_comment_is_confirmed_by_its_trx, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(every_trx_of_a_large_commit_is_looked_for,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(
			a_reversible_block_confirms_nothing_until_it_is_irreversible, world_set_up,
			world_tear_down),
		cmocka_unit_test_setup_teardown(what_another_reader_stored_is_its_own_affair,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(old_blocks_are_not_searched, world_set_up,
						world_tear_down),
		cmocka_unit_test_setup_teardown(the_chain_is_right_about_what_counts_as_expired,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(what_a_poster_has_locked_is_confirmed_later,
						world_set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(what_is_gone_is_not_waited_for, world_set_up,
						world_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
