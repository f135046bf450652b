/* SPDX-License-Identifier: MIT */
/* The poster's side of the outbox: leases, what is next, signing, sending, and what is dead. */
#include "world.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/sender.h"
#include "sync/executor.h"

#define MANY       60
#define ROUNDS     8
#define LEASE      15
#define MINE       "11111111111111111111111111111111"
#define THEIRS     "22222222222222222222222222222222"
#define TRX(digit) "00000000000000000000000000000000000000a" digit
#define HEAD_S     1458835500 /* 2016-03-24 16:05:00, the time of block 0 */
#define LAST       40 /* the blocks 1..LAST are stored: HEAD_S + 3 * LAST is the newest time */

/* Short ways. */

/* Rows of the outbox. */
static uint64_t add_action(const char *account, const char *key, const char *operations)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO actions (account, action_key, operations, authority, created_at) "
		 "VALUES ('%s', '%s', '%s', 'posting', UTC_TIMESTAMP(6))",
		 account, key, operations);
	run_sql(sql);
	return number("SELECT MAX(action_id) FROM actions");
}

static uint64_t add_comment(const char *author, const char *permlink, const char *parent_author)
{
	char sql[400];

	snprintf(
		sql, sizeof(sql),
		"INSERT INTO comments (author, permlink, parent_author, parent_permlink, title, body, "
		"json_metadata, created_at) "
		"VALUES ('%s', '%s', '%s', 'question', 'T', 'B', '{}', UTC_TIMESTAMP(6))",
		author, permlink, parent_author);
	run_sql(sql);
	return number("SELECT MAX(comment_id) FROM comments");
}

static struct sender_account named(const char *account)
{
	struct sender_account made = {.is_held = false};

	snprintf(made.account, sizeof(made.account), "%s", account);
	return made;
}

static struct sender_account lease(const char *token, const char *account)
{
	struct sender_account one = named(account);

	OK(sender_lease(db, token, "a poster", LEASE, &one, 1, &err));
	return one;
}

static bool is_held(const char *token, const char *account)
{
	return lease(token, account).is_held;
}

static void end_lease(void)
{
	run_sql("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND");
}

static char signed_text[] = "{\"signed\":\"\xC3\xA9\"}";

static struct sender_trx trx_of(const char *trx_id, uint64_t comment_id, uint64_t action_id)
{
	struct sender_trx trx = {
		.comment_id = comment_id,
		.action_id = action_id,
		.signed_trx = signed_text,
		.signed_len = strlen(signed_text),
		.ref_block = 3,
		.expiration_s = HEAD_S + 60,
	};

	snprintf(trx.trx_id, sizeof(trx.trx_id), "%s", trx_id);
	snprintf(trx.account, sizeof(trx.account), "alice");
	return trx;
}

/* A transaction for a row, in a transaction of its own. */
static bool moves(const char *trx_id, uint64_t comment_id, uint64_t action_id)
{
	struct sender_trx trx = trx_of(trx_id, comment_id, action_id);
	bool is_moved;

	OK(db_begin(db, &err));
	OK(sender_move(db, &trx, &is_moved, &err));
	OK(db_commit(db, &err));
	return is_moved;
}

static uint64_t pick(struct db *by, const char *account, struct sender_row *rows, size_t limit)
{
	struct arena *arena = arena_new();
	size_t count = 0;

	OK(sender_actions(by, account, false, false, limit, arena, rows, &count, &err));
	for (size_t i = 0; i < count; i++)
		rows[i].operations = NULL; /* of the arena */
	arena_free(arena);
	return count;
}

/* Jobs in other threads. */

struct work {
	struct job job;
	const char *token;
	struct sender_account accounts[MANY];
	size_t count;
	const char *sql;
	bool is_done;
};

static void work_done(struct job *job)
{
	((struct work *)job)->is_done = true;
}

static int run_lease(struct db *by, struct job *job, struct error *ret_err)
{
	struct work *work = (struct work *)job;

	return sender_lease(by, work->token, work->token, LEASE, work->accounts, work->count,
			    ret_err);
}

static int run_text(struct db *by, struct job *job, struct error *ret_err)
{
	if (db_begin(by, ret_err) < 0 || db_exec_text(by, ((struct work *)job)->sql, ret_err) < 0)
		return -1;
	return db_commit(by, ret_err);
}

static int run_alone(struct db *by, struct job *job, struct error *ret_err)
{
	return db_exec_text(by, ((struct work *)job)->sql, ret_err);
}

static struct executor *start(struct work *work,
			      int (*run)(struct db *, struct job *, struct error *))
{
	struct executor *executor = executor_new(&world_config, 1, 0, &err);

	assert_non_null(executor);
	work->is_done = false;
	job_init(&work->job, run, work_done, "a test");
	executor_task(executor, &work->job);
	return executor;
}

static void end(struct executor *executor, const struct work *work)
{
	while (!work->is_done) {
		struct pollfd fd = {.fd = executor_fd(executor), .events = POLLIN};

		if (poll(&fd, 1, 60000) == 0)
			fail_msg("a job never ended");
		executor_collect(executor);
	}
	executor_free(executor);
}

/* Until so many others wait for a lock: nothing else takes a second here. */
static void wait_for_locks(uint64_t count)
{
	int64_t until_ms = clock_now_ms() + 20000;

	while (number("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND "
		      "id <> CONNECTION_ID() AND command IN ('Query', 'Execute') AND time >= 1") <
	       count) {
		if (clock_now_ms() > until_ms)
			fail_msg("nobody waits for a lock");
		(void)poll(NULL, 0, 20);
	}
}

static void name_many(struct work *work, const char *token)
{
	*work = (struct work){.token = token, .count = MANY};
	for (size_t i = 0; i < MANY; i++)
		snprintf(work->accounts[i].account, sizeof(work->accounts[i].account), "bot-%02zu",
			 i);
}

/* Leases. */

static void a_lease_is_taken_renewed_and_given_back(void **state)
{
	(void)state;
	assert_true(is_held(MINE, "alice"));
	assert_int_equal(
		number("SELECT lease_until > UTC_TIMESTAMP(6) + INTERVAL 12 SECOND FROM senders"),
		1);
	run_sql("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) + INTERVAL 1 SECOND");
	assert_false(is_held(THEIRS, "alice"));
	assert_true(is_held(MINE, "alice"));
	assert_int_equal(
		number("SELECT lease_until > UTC_TIMESTAMP(6) + INTERVAL 12 SECOND FROM senders"),
		1);
	OK(sender_release(db, THEIRS, &err)); /* not theirs */
	assert_false(is_held(THEIRS, "alice"));
	OK(sender_release(db, MINE, &err));
	assert_true(is_held(THEIRS, "alice"));
	assert_false(is_held(MINE, "alice"));
}

static void a_lease_that_ran_out_is_lost_to_who_comes_first(void **state)
{
	(void)state;
	assert_true(is_held(MINE, "alice"));
	end_lease();
	assert_true(is_held(MINE, "alice")); /* nobody wanted it */
	end_lease();
	assert_true(is_held(THEIRS, "alice"));
	assert_false(is_held(MINE, "alice"));
	assert_int_equal(number("SELECT COUNT(*) FROM senders WHERE token = '" THEIRS "'"), 1);
}

/* A new account, one of ours, one that ran out, one of theirs; and one that nobody asked about. */
static void many_accounts_are_sorted_out_at_once(void **state)
{
	struct sender_account accounts[] = {named("alice"), named("bob"), named("carol"),
					    named("dan")};

	(void)state;
	assert_true(is_held(MINE, "bob"));
	run_sql("INSERT INTO senders (account, token, lease_until, paused_at, rests_until) VALUES "
		"('carol', '" THEIRS
		"', UTC_TIMESTAMP(6) - INTERVAL 1 SECOND, UTC_TIMESTAMP(6), NULL), "
		"('dan', '" THEIRS "', UTC_TIMESTAMP(6) + INTERVAL 9 SECOND, NULL, "
		"UTC_TIMESTAMP(6) + INTERVAL 9 SECOND), ('eve', NULL, NULL, NULL, NULL)");
	OK(sender_lease(db, MINE, "a poster", LEASE, accounts, 4, &err));
	assert_true(accounts[0].is_held && accounts[1].is_held && accounts[2].is_held);
	assert_false(accounts[3].is_held);
	assert_true(accounts[2].is_paused && accounts[3].is_resting);
	assert_false(accounts[0].is_paused || accounts[0].is_resting);
	assert_int_equal(number("SELECT COUNT(*) FROM senders WHERE token = '" MINE "'"), 3);
	assert_int_equal(number("SELECT token IS NULL FROM senders WHERE account = 'eve'"), 1);
}

/* What one transaction takes, a failure in its middle gives back. */
static void leases_of_many_accounts_are_taken_together(void **state)
{
	struct db *other = world_connect();
	struct db *patient;
	struct work work;

	(void)state;
	name_many(&work, MINE);
	run_sql("INSERT INTO senders (account) VALUES ('bot-58')");
	OK(db_begin(other, &err));
	OK(db_exec_text(other, "UPDATE senders SET rest_s = 1 WHERE account = 'bot-58'", &err));
	world_config.lock_wait_s = 1;
	patient = world_connect();
	world_config.lock_wait_s = 0;
	assert_int_equal(sender_lease(patient, MINE, "a poster", LEASE, work.accounts, MANY, &err),
			 -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	db_rollback(patient);
	assert_int_equal(number("SELECT COUNT(*) FROM senders WHERE token IS NOT NULL"), 0);
	db_rollback(other);
	OK(sender_lease(patient, MINE, "a poster", LEASE, work.accounts, MANY, &err));
	for (size_t i = 0; i < MANY; i++)
		assert_true(work.accounts[i].is_held);
	assert_int_equal(number("SELECT COUNT(*) FROM senders WHERE token = '" MINE "'"), MANY);
	db_free(patient);
	db_free(other);
}

/* What they believe is what the table says, and each account is held once. */
static void check_shared(const struct work *works)
{
	char sql[200];

	for (size_t i = 0; i < MANY; i++) {
		if (works[0].accounts[i].is_held == works[1].accounts[i].is_held)
			fail_msg("%s is held by %s", works[0].accounts[i].account,
				 works[0].accounts[i].is_held ? "both" : "nobody");
		snprintf(sql, sizeof(sql),
			 "SELECT COUNT(*) FROM senders WHERE account = '%s' AND token = '%s'",
			 works[0].accounts[i].account,
			 works[0].accounts[i].is_held ? MINE : THEIRS);
		assert_int_equal(number(sql), 1);
	}
}

static void posters_that_start_together_share_the_accounts(void **state)
{
	static struct work works[2];
	unsigned retries = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct executor *executors[2];

		/* Both wait for the first row, so that they go on at the same moment. */
		run_sql("DELETE FROM senders");
		if (i % 2 == 0)
			run_sql("INSERT INTO senders (account) VALUES ('bot-00'), ('bot-30')");
		OK(db_begin(db, &err));
		OK(db_exec_text(db, "SELECT * FROM senders FOR UPDATE", &err));
		OK(db_exec_text(db, "INSERT INTO senders (account) VALUES ('a-first')", &err));
		for (int k = 0; k < 2; k++) {
			name_many(&works[k], k == 0 ? MINE : THEIRS);
			executors[k] = start(&works[k], run_lease);
		}
		if (i % 2 == 0)
			wait_for_locks(2);
		OK(db_commit(db, &err));
		for (int k = 0; k < 2; k++) {
			end(executors[k], &works[k]);
			if (works[k].job.err.kind != ERROR_NONE)
				fail_msg("%s", works[k].job.err.text);
			retries += works[k].job.retry_count;
		}
		check_shared(works);
	}
	printf("%u retries in %d starts of two\n", retries, ROUNDS);
}

static void a_lease_that_loses_a_deadlock_is_asked_for_again(void **state)
{
	static struct work work;
	struct executor *executor;

	(void)state;
	run_sql("INSERT INTO senders (account) VALUES ('bot-00'), ('bot-01')");
	name_many(&work, MINE);
	work.count = 2;
	OK(db_begin(db, &err));
	/* The one who changed more wins. */
	for (char c = 'a'; c <= 'z'; c++) {
		char sql[100];

		snprintf(sql, sizeof(sql), "INSERT INTO senders (account) VALUES ('other-%c')", c);
		OK(db_exec_text(db, sql, &err));
	}
	OK(db_exec_text(db, "UPDATE senders SET rest_s = 1 WHERE account = 'bot-01'", &err));
	executor = start(&work, run_lease);
	wait_for_locks(1);
	OK(db_exec_text(db, "UPDATE senders SET rest_s = 1 WHERE account = 'bot-00'", &err));
	OK(db_commit(db, &err));
	end(executor, &work);
	assert_int_equal(work.job.err.kind, ERROR_NONE);
	assert_true(work.job.retry_count > 0);
	assert_true(work.accounts[0].is_held && work.accounts[1].is_held);
	assert_int_equal(
		number("SELECT COUNT(*) FROM senders WHERE token = '" MINE "' AND rest_s = 1"), 2);
}

/* Pace, limits, pauses. */

static const struct sender_state some_state = {
	.next_reply_s = HEAD_S + 3,
	.next_post_s = HEAD_S + 303,
	.next_edit_s = HEAD_S + 4,
	.next_vote_s = HEAD_S + 5,
	.custom_s = HEAD_S + 1,
	.custom_count = 4,
	.day = HEAD_S / 86400,
	.count_today = 7,
	.amounts_today = {1000, UINT64_C(9000000000000000000), 3},
};

static bool paces(const char *account, const struct sender_state *to)
{
	bool held;

	OK(sender_pace(db, account, MINE, to, &held, &err));
	return held;
}

/* The only account that waits. */
static struct sender_waiting waiting_one(void)
{
	CLEANUP(mem_free_pointer) struct sender_waiting *waiting = NULL;
	size_t count;

	OK(sender_waiting(db, MINE, &waiting, &count, &err));
	assert_int_equal(count, 1);
	return waiting[0];
}

/* Member by member: the bytes between them mean nothing. */
static void expect_state(const struct sender_state *found, const struct sender_state *wanted)
{
	assert_int_equal(found->next_reply_s, wanted->next_reply_s);
	assert_int_equal(found->next_post_s, wanted->next_post_s);
	assert_int_equal(found->next_edit_s, wanted->next_edit_s);
	assert_int_equal(found->next_vote_s, wanted->next_vote_s);
	assert_int_equal(found->custom_s, wanted->custom_s);
	assert_int_equal(found->custom_count, wanted->custom_count);
	assert_int_equal(found->day, wanted->day);
	assert_int_equal(found->count_today, wanted->count_today);
	assert_memory_equal(found->amounts_today, wanted->amounts_today,
			    sizeof(wanted->amounts_today));
}

static void pace_and_limits_are_read_as_they_were_written(void **state)
{
	struct sender_state next = some_state;
	struct sender_waiting found;

	(void)state;
	(void)add_action("alice", "k", "[]");
	assert_true(is_held(MINE, "alice"));
	found = waiting_one();
	assert_int_equal(found.state.day, 0);
	assert_int_equal(found.state.next_vote_s, 0);
	assert_true(paces("alice", &some_state));
	found = waiting_one();
	expect_state(&found.state, &some_state);
	/* The next day. */
	next.day++;
	next.count_today = 1;
	memset(next.amounts_today, 0, sizeof(next.amounts_today));
	assert_true(paces("alice", &next));
	found = waiting_one();
	expect_state(&found.state, &next);
	assert_int_equal(number("SELECT day = '2016-03-25' FROM senders"), 1);
	/* Nothing at all. */
	next = (struct sender_state){.day = 0};
	assert_true(paces("alice", &next));
	assert_int_equal(
		number("SELECT COUNT(*) FROM senders WHERE day IS NULL AND next_reply_at IS NULL "
		       "AND custom_at IS NULL"),
		1);
}

static void who_has_lost_the_lease_or_was_paused_signs_nothing(void **state)
{
	bool is_done;

	(void)state;
	assert_false(paces("alice", &some_state)); /* there is no row */
	assert_true(is_held(MINE, "alice") && is_held(MINE, "bob"));
	end_lease();
	assert_false(paces("alice", &some_state));
	assert_true(is_held(THEIRS, "alice"));
	assert_false(paces("alice", &some_state));
	assert_true(is_held(MINE, "bob"));
	OK(sender_pause(db, "bob", "by hand", &is_done, &err));
	assert_false(paces("bob", &some_state));
	assert_int_equal(number("SELECT COUNT(*) FROM senders WHERE count_today > 0"), 0);
}

static void a_pause_is_told_once_and_keeps_its_reason(void **state)
{
	bool is_done;

	(void)state;
	assert_true(is_held(MINE, "alice"));
	OK(sender_pause(db, "alice", "the first", &is_done, &err));
	assert_true(is_done);
	OK(sender_pause(db, "alice", "the second", &is_done, &err));
	assert_false(is_done);
	assert_int_equal(number("SELECT COUNT(*) FROM senders WHERE pause_reason = 'the first'"),
			 1);
	assert_true(lease(MINE, "alice").is_paused);
	run_sql("CALL sender_resume('alice')");
	assert_false(lease(MINE, "alice").is_paused);
	OK(sender_pause(db, "nobody", "x", &is_done, &err));
	assert_false(is_done);
}

static void each_rest_is_twice_as_long_as_the_last(void **state)
{
	static const unsigned lengths[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
	bool is_done;

	(void)state;
	assert_true(is_held(MINE, "alice"));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		OK(sender_rest(db, "alice", &is_done, &err));
		assert_true(is_done);
		assert_int_equal(number("SELECT rest_s FROM senders"), lengths[i]);
		assert_true(lease(MINE, "alice").is_resting);
		OK(sender_rest(db, "alice", &is_done, &err)); /* it rests already */
		assert_false(is_done);
		assert_int_equal(number("SELECT rest_s FROM senders"), lengths[i]);
		run_sql("UPDATE senders SET rests_until = UTC_TIMESTAMP(6)");
		assert_false(lease(MINE, "alice").is_resting);
	}
	OK(sender_rested(db, "alice", &err));
	assert_int_equal(number("SELECT rest_s FROM senders WHERE rests_until IS NULL"), 0);
}

/* Who may sign now, and has something to sign? */
static void what_waits_is_what_may_be_signed_now(void **state)
{
	static const char *const stops[] = {
		"paused_at = UTC_TIMESTAMP(6)",
		"rests_until = UTC_TIMESTAMP(6) + INTERVAL 5 SECOND",
		"lease_until = UTC_TIMESTAMP(6)",
		"token = '" THEIRS "'",
	};
	static const char *const rows[] = {
		"UPDATE actions SET state = 'sent'",
		"UPDATE actions SET state = 'pending', not_before = UTC_TIMESTAMP(6) + INTERVAL 1 DAY",
		"UPDATE actions SET not_before = NULL, account = 'bob'",
	};
	CLEANUP(mem_free_pointer) struct sender_waiting *waiting = NULL;
	struct sender_waiting found;
	size_t count;

	(void)state;
	assert_true(is_held(MINE, "alice") && is_held(THEIRS, "bob"));
	OK(sender_waiting(db, MINE, &waiting, &count, &err));
	assert_int_equal(count, 0);
	(void)add_action("alice", "k", "[]");
	found = waiting_one();
	assert_true(found.has_actions && !found.has_comments);
	assert_string_equal(found.account, "alice");
	(void)add_comment("alice", "p", "bob");
	assert_true(waiting_one().has_comments);
	run_sql("DELETE FROM comments");
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		char sql[200];

		snprintf(sql, sizeof(sql), "UPDATE senders SET %s WHERE account = 'alice'",
			 stops[i]);
		run_sql(sql);
		mem_free_pointer(&waiting);
		OK(sender_waiting(db, MINE, &waiting, &count, &err));
		if (count != 0)
			fail_msg("it waits in spite of %s", stops[i]);
		run_sql("UPDATE senders SET paused_at = NULL, rests_until = NULL, token = '" MINE
			"', "
			"lease_until = UTC_TIMESTAMP(6) + INTERVAL 60 SECOND WHERE account = 'alice'");
		(void)waiting_one();
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run_sql(rows[i]);
		mem_free_pointer(&waiting);
		OK(sender_waiting(db, MINE, &waiting, &count, &err));
		if (count != 0)
			fail_msg("it waits in spite of %s", rows[i]);
	}
}

/* Rows. */

static void rows_come_by_priority_and_age_of_one_account_only(void **state)
{
	struct sender_row rows[10];
	uint64_t first;

	(void)state;
	first = add_action("alice", "a", "[[\"transfer\",{}]]");
	(void)add_action("alice", "b", "[[\"transfer\",{}]]");
	(void)add_action("alice", "c", "[[\"transfer\",{}]]");
	(void)add_action("bob", "a", "[[\"transfer\",{}]]");
	(void)add_action("alice", "later", "[[\"transfer\",{}]]");
	(void)add_action("alice", "ended", "[[\"transfer\",{}]]");
	run_sql("UPDATE actions SET priority = 5, authority = 'active', attempts = 3, "
		"not_after = '2016-03-24 16:05:00' WHERE action_key = 'c'");
	run_sql("UPDATE actions SET not_before = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR WHERE action_key = 'later'");
	run_sql("UPDATE actions SET state = 'failed' WHERE action_key = 'ended'");
	assert_int_equal(pick(db, "alice", rows, 10), 3);
	assert_int_equal(rows[0].action_id, first + 2);
	assert_true(rows[0].is_active && rows[0].is_late);
	assert_int_equal(rows[0].attempts, 3);
	assert_int_equal(rows[0].not_after_s, HEAD_S);
	assert_int_equal(rows[1].action_id, first);
	assert_false(rows[1].is_active || rows[1].is_late);
	assert_int_equal(rows[1].not_after_s, 0);
	assert_int_equal(rows[2].action_id, first + 1);
	assert_int_equal(pick(db, "alice", rows, 2), 2);
	assert_int_equal(pick(db, "bob", rows, 10), 1);
	assert_int_equal(pick(db, "carol", rows, 10), 0);
}

static size_t count_actions(bool no_votes, bool no_customs)
{
	struct arena *arena = arena_new();
	struct sender_row rows[10];
	size_t count = 0;

	OK(sender_actions(db, "alice", no_votes, no_customs, 10, arena, rows, &count, &err));
	if (count > 0)
		assert_int_equal(strlen(rows[0].operations), rows[0].operations_len);
	arena_free(arena);
	return count;
}

static void what_must_wait_for_its_pace_holds_up_nothing_else(void **state)
{
	(void)state;
	(void)add_action("alice", "a", "[[\"vote\",{\"a\":\"\xE2\x82\xAC\"}]]");
	(void)add_action("alice", "b", "[[\"custom_json\",{}],[\"custom_json\",{}]]");
	(void)add_action("alice", "c", "[[\"transfer\",{}]]");
	assert_int_equal(count_actions(false, false), 3);
	assert_int_equal(count_actions(true, false), 2);
	assert_int_equal(count_actions(false, true), 2);
	assert_int_equal(count_actions(true, true), 1);
}

static void comments_come_with_all_their_texts(void **state)
{
	struct arena *arena = arena_new();
	struct sender_row rows[10];
	size_t count = 0;
	uint64_t first;

	(void)state;
	first = add_comment("alice", "re-1", "bob");
	(void)add_comment("alice", "a-post", "");
	(void)add_comment("bob", "re-1", "alice");
	run_sql("UPDATE comments SET options = '{\"x\":1}', priority = 1, attempts = 2 WHERE permlink = 'a-post'");
	OK(sender_comments(db, "alice", false, false, 10, arena, rows, &count, &err));
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].comment_id, first + 1);
	assert_string_equal(rows[0].options, "{\"x\":1}");
	assert_string_equal(rows[0].parent_author, "");
	assert_int_equal(rows[0].attempts, 2);
	assert_int_equal(rows[1].comment_id, first);
	assert_null(rows[1].options);
	assert_string_equal(rows[1].permlink, "re-1");
	assert_string_equal(rows[1].parent_author, "bob");
	assert_string_equal(rows[1].parent_permlink, "question");
	assert_string_equal(rows[1].title, "T");
	assert_string_equal(rows[1].body, "B");
	assert_string_equal(rows[1].json_metadata, "{}");
	/* They are added to what is there. */
	OK(sender_comments(db, "alice", true, false, 10, arena, rows, &count, &err));
	assert_int_equal(count, 3);
	assert_string_equal(rows[2].permlink, "a-post");
	OK(sender_comments(db, "alice", false, true, 10, arena, rows, &count, &err));
	assert_int_equal(count, 4);
	assert_string_equal(rows[3].permlink, "re-1");
	OK(sender_comments(db, "alice", true, true, 10, arena, rows, &count, &err));
	assert_int_equal(count, 4);
	arena_free(arena);
}

/* The lease of one was taken over while it was frozen: each row goes to one of them. */
static void two_posters_that_believe_to_hold_an_account_share_its_rows(void **state)
{
	struct db *other = world_connect();
	struct sender_row rows[10];
	struct sender_trx trx;
	uint64_t first;
	bool is_moved;

	(void)state;
	first = add_action("alice", "a", "[]");
	(void)add_action("alice", "b", "[]");
	OK(db_begin(db, &err));
	assert_int_equal(pick(db, "alice", rows, 1), 1);
	assert_int_equal(rows[0].action_id, first);
	OK(db_begin(other, &err));
	assert_int_equal(pick(other, "alice", rows, 10), 1); /* it waits for nobody */
	assert_int_equal(rows[0].action_id, first + 1);
	trx = trx_of(TRX("1"), 0, first);
	OK(sender_move(db, &trx, &is_moved, &err));
	assert_true(is_moved);
	OK(db_commit(db, &err));
	/* What was picked before is looked at again. */
	trx = trx_of(TRX("2"), 0, first);
	OK(sender_move(other, &trx, &is_moved, &err));
	assert_false(is_moved);
	db_rollback(other);
	assert_int_equal(number("SELECT COUNT(*) FROM signed_trxs"), 1);
	db_free(other);
}

/* Signing. */

static void a_row_moves_together_with_its_bytes(void **state)
{
	struct sender_trx found;
	uint64_t action;
	uint64_t comment;
	bool is_there;

	(void)state;
	action = add_action("alice", "a", "[]");
	comment = add_comment("alice", "p", "bob");
	run_sql("UPDATE actions SET error = 'old'");
	assert_true(moves(TRX("1"), 0, action));
	assert_true(moves(TRX("2"), comment, 0));
	assert_int_equal(
		number("SELECT COUNT(*) FROM actions WHERE state = 'sent' AND attempts = 1 AND "
		       "trx_id = '" TRX("1") "' AND error IS NULL AND sent_at IS NOT NULL"),
		1);
	assert_int_equal(
		number("SELECT COUNT(*) FROM comments WHERE state = 'sent' AND attempts = 1 AND "
		       "trx_id = '" TRX("2") "' AND sent_at IS NOT NULL"),
		1);
	OK(sender_load(db, TRX("2"), &found, &is_there, &err));
	assert_true(is_there);
	assert_int_equal(found.comment_id, comment);
	assert_int_equal(found.action_id, 0);
	assert_string_equal(found.account, "alice");
	assert_string_equal(found.signed_trx, signed_text);
	assert_int_equal(found.signed_len, strlen(found.signed_trx));
	assert_int_equal(found.expiration_s, HEAD_S + 60);
	assert_string_equal(found.answer, "");
	sender_trx_release(&found);
	OK(sender_is_signed(db, TRX("2"), &is_there, &err));
	assert_true(is_there);
	OK(sender_is_signed(db, TRX("3"), &is_there, &err));
	assert_false(is_there);
	run_sql("UPDATE signed_trxs SET outcome = 'expired'");
	OK(sender_load(db, TRX("2"), &found, &is_there, &err));
	assert_false(is_there);
}

/* Whatever the row says: an older transaction of it that may still take effect forbids another one. */
static void a_row_is_not_signed_again_while_its_old_bytes_live(void **state)
{
	uint64_t rows[2];

	(void)state;
	rows[0] = add_action("alice", "a", "[]");
	rows[1] = add_comment("alice", "p", "bob");
	assert_true(moves(TRX("1"), 0, rows[0]));
	assert_true(moves(TRX("2"), rows[1], 0));
	assert_false(moves(TRX("3"), 0, rows[0]));
	assert_false(moves(TRX("4"), rows[1], 0));
	run_sql("UPDATE actions SET state = 'pending'");
	run_sql("UPDATE comments SET state = 'pending'");
	assert_false(moves(TRX("3"), 0, rows[0]));
	assert_false(moves(TRX("4"), rows[1], 0));
	assert_int_equal(number("SELECT COUNT(*) FROM signed_trxs"), 2);
	run_sql("UPDATE signed_trxs SET outcome = 'expired'");
	assert_true(moves(TRX("3"), 0, rows[0]));
	assert_true(moves(TRX("4"), rows[1], 0));
	assert_int_equal(number("SELECT COUNT(*) FROM signed_trxs"), 4);
	assert_int_equal(number("SELECT SUM(attempts) FROM actions"), 2);
}

static void the_same_id_is_signed_once(void **state)
{
	struct sender_trx trx;
	uint64_t first;
	bool is_moved;

	(void)state;
	first = add_action("alice", "a", "[]");
	(void)add_action("alice", "b", "[]");
	assert_true(moves(TRX("1"), 0, first));
	trx = trx_of(TRX("1"), 0, first + 1);
	OK(db_begin(db, &err));
	assert_int_equal(sender_move(db, &trx, &is_moved, &err), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	db_rollback(db);
	assert_int_equal(number("SELECT COUNT(*) FROM actions WHERE state = 'pending'"), 1);
}

static void a_row_is_refused_only_while_it_waits(void **state)
{
	struct sender_row row = {.action_id = 0};
	char why[SENDER_ERROR_CHARS + 100];

	(void)state;
	memset(why, 'w', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	row.action_id = add_action("alice", "a", "[]");
	OK(sender_refuse(db, &row, "held", "it passes a limit", &err));
	assert_int_equal(number("SELECT COUNT(*) FROM actions WHERE state = 'held' AND "
				"error = 'it passes a limit'"),
			 1);
	OK(sender_refuse(db, &row, "failed", "x", &err));
	assert_int_equal(number("SELECT COUNT(*) FROM actions WHERE state = 'held'"), 1);
	row = (struct sender_row){.comment_id = add_comment("alice", "p", "bob")};
	OK(sender_refuse(db, &row, "failed", why, &err));
	assert_int_equal(number("SELECT LENGTH(error) FROM comments WHERE state = 'failed'"),
			 SENDER_ERROR_CHARS);
}

/* A bot that withdraws a row, and a poster that signs it: one of them. */
static void a_row_is_either_cancelled_or_signed(void **state)
{
	static struct work work;
	struct executor *executor;
	struct sender_row rows[2];
	struct sender_trx trx;
	struct db *bot;
	uint64_t action;
	bool is_moved;
	char cancel[100];

	(void)state;
	action = add_action("alice", "a", "[]");
	/* It comes while the row is being signed: it waits, and is refused. */
	trx = trx_of(TRX("1"), 0, action);
	OK(db_begin(db, &err));
	assert_int_equal(pick(db, "alice", rows, 2), 1);
	snprintf(cancel, sizeof(cancel), "CALL outbox_cancel('action', %llu)",
		 (unsigned long long)action);
	work.sql = cancel;
	executor = start(&work, run_text);
	wait_for_locks(1);
	OK(sender_move(db, &trx, &is_moved, &err));
	assert_true(is_moved);
	OK(db_commit(db, &err));
	end(executor, &work);
	assert_int_equal(db_error_number(&work.job.err), 31001);
	assert_int_equal(number("SELECT COUNT(*) FROM actions WHERE state = 'sent'"), 1);
	/* It came first, and is not committed: the poster does not see the row. */
	action = add_action("alice", "b", "[]");
	snprintf(cancel, sizeof(cancel), "CALL outbox_cancel('action', %llu)",
		 (unsigned long long)action);
	bot = world_connect();
	OK(db_begin(bot, &err));
	OK(db_exec_text(bot, cancel, &err));
	OK(db_begin(db, &err));
	assert_int_equal(pick(db, "alice", rows, 2), 0);
	OK(db_commit(bot, &err));
	/* Also not if it has read the row before. */
	trx = trx_of(TRX("2"), 0, action);
	OK(sender_move(db, &trx, &is_moved, &err));
	assert_false(is_moved);
	rows[0] = (struct sender_row){.action_id = action};
	OK(sender_refuse(db, &rows[0], "held", "x", &err));
	OK(db_commit(db, &err));
	db_free(bot);
	assert_int_equal(number("SELECT COUNT(*) FROM actions WHERE state = 'failed' AND "
				"error = 'cancelled'"),
			 1);
	assert_int_equal(number("SELECT COUNT(*) FROM signed_trxs"), 1);
}

/*
 * Without a transaction, each statement of a procedure commits by itself: the row may be signed between
 * the look at it and the change.
 */
static void a_call_by_itself_changes_no_row_that_moved_meanwhile(void **state)
{
	static const struct {
		const char *procedure, *begins_as, *locked, *kind;
	} calls[] = {
		{"outbox_cancel", "pending", "bots", "action"},
		{"outbox_cancel", "held", "bots", "comment"},
		{"outbox_requeue", "failed", "signed_trxs", "action"},
		{"outbox_requeue", "held", "signed_trxs", "comment"},
	};
	static struct work work;
	struct db *other = world_connect();
	uint64_t action;
	uint64_t comment;
	char call[100];
	char sql[100];

	(void)state;
	action = add_action("alice", "a", "[]");
	comment = add_comment("alice", "p", "bob");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool is_action = strcmp(calls[i].kind, "action") == 0;
		struct executor *executor;

		snprintf(call, sizeof(call), "CALL %s('%s', %llu)", calls[i].procedure,
			 calls[i].kind, (unsigned long long)(is_action ? action : comment));
		snprintf(sql, sizeof(sql), "UPDATE %ss SET state = '%s'", calls[i].kind,
			 calls[i].begins_as);
		run_sql(sql);
		/* It waits between its two statements. */
		snprintf(sql, sizeof(sql), "LOCK TABLES %s WRITE", calls[i].locked);
		OK(db_exec_text(other, sql, &err));
		work.sql = call;
		executor = start(&work, run_alone);
		wait_for_locks(1);
		snprintf(sql, sizeof(sql), "UPDATE %ss SET state = 'sent'", calls[i].kind);
		run_sql(sql);
		OK(db_exec_text(other, "UNLOCK TABLES", &err));
		end(executor, &work);
		if (db_error_number(&work.job.err) != 31001)
			fail_msg("%s: %s", call, work.job.err.text);
		snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %ss WHERE state = 'sent'",
			 calls[i].kind);
		assert_int_equal(number(sql), 1);
	}
	db_free(other);
}

/* The operator tries a row again: not while its bytes live, and then it counts from the beginning. */
static void a_row_is_requeued_when_its_transactions_are_dead(void **state)
{
	static const char requeue[] =
		"CALL outbox_requeue('action', (SELECT MIN(action_id) FROM actions))";
	uint64_t action;

	(void)state;
	action = add_action("alice", "a", "[]");
	assert_true(moves(TRX("1"), 0, action));
	assert_int_equal(db_exec_text(db, requeue, &err), -1);
	assert_int_equal(db_error_number(&err), 31001);
	run_sql("UPDATE actions SET state = 'failed'"); /* by hand, too early */
	assert_int_equal(db_exec_text(db, requeue, &err), -1);
	assert_int_equal(db_error_number(&err), 31001);
	run_sql("UPDATE signed_trxs SET outcome = 'expired'");
	run_sql(requeue);
	assert_int_equal(number("SELECT attempts FROM actions WHERE state = 'pending'"), 0);
	assert_true(moves(TRX("2"), 0, action));
}

/* Sending. */

static void each_send_is_noted(void **state)
{
	struct sender_note note = {.trx_id = TRX("1"), .node = "https://one", .answer = NULL};
	char url[400];
	uint64_t action;

	(void)state;
	action = add_action("alice", "a", "[]");
	assert_true(moves(TRX("1"), 0, action));
	assert_int_equal(
		number("SELECT COUNT(*) FROM signed_trxs WHERE sends = 0 AND last_sent_at IS NULL"),
		1);
	snprintf(note.error, sizeof(note.error), "timed out\n");
	OK(sender_note(db, &note, &err));
	assert_int_equal(
		number("SELECT COUNT(*) FROM signed_trxs WHERE sends = 1 AND is_ambiguous = 1 AND "
		       "answer IS NULL AND last_node = 'https://one' AND error LIKE 'timed out%'"),
		1);
	note.answer = "final";
	note.error[0] = '\0';
	OK(sender_note(db, &note, &err));
	assert_int_equal(
		number("SELECT COUNT(*) FROM signed_trxs WHERE sends = 2 AND is_ambiguous = 1 AND "
		       "answer = 'final' AND error IS NULL"),
		1);
	/* No answer does not take back a definite one. */
	memset(url, 'u', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	note.node = url;
	note.answer = NULL;
	OK(sender_note(db, &note, &err));
	assert_int_equal(
		number("SELECT COUNT(*) FROM signed_trxs WHERE sends = 3 AND answer = 'final' AND "
		       "LENGTH(last_node) = 255"),
		1);
	snprintf(note.trx_id, sizeof(note.trx_id), "%s", TRX("9"));
	OK(sender_note(db, &note, &err)); /* somebody removed it */
	assert_int_equal(number("SELECT SUM(sends) FROM signed_trxs"), 3);
}

/* What became of it. */

static void open_transactions_are_those_of_the_own_accounts(void **state)
{
	CLEANUP(mem_free_pointer) struct sender_open *open = NULL;
	uint64_t comment;
	uint64_t action;
	size_t count;

	(void)state;
	assert_true(is_held(MINE, "alice") && is_held(THEIRS, "bob"));
	action = add_action("alice", "a", "[]");
	comment = add_comment("alice", "p", "bob");
	assert_true(moves(TRX("2"), 0, action));
	assert_true(moves(TRX("1"), comment, 0));
	assert_true(moves(TRX("3"), 0, add_action("alice", "b", "[]")));
	assert_true(moves(TRX("4"), 0, add_action("alice", "c", "[]")));
	run_sql("UPDATE signed_trxs SET outcome = 'confirmed' WHERE trx_id = '" TRX("3") "'");
	run_sql("UPDATE signed_trxs SET account = 'bob' WHERE trx_id = '" TRX("4") "'");
	OK(sender_open(db, MINE, &open, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(open[0].trx_id, TRX("1"));
	assert_string_equal(open[1].trx_id, TRX("2"));
	assert_false(open[0].is_over || open[1].is_over);
	/* Another transaction published the same comment. */
	run_sql("UPDATE comments SET state = 'confirmed'");
	mem_free_pointer(&open);
	OK(sender_open(db, MINE, &open, &count, &err));
	assert_true(open[0].is_over && !open[1].is_over);
	mem_free_pointer(&open);
	OK(sender_open(db, THEIRS, &open, &count, &err));
	assert_int_equal(count, 1);
}

static size_t count_dead(const char *token)
{
	struct sender_dead *dead;
	size_t count;

	OK(sender_dead(db, token, 10, &dead, &count, &err));
	free(dead);
	return count;
}

/* Blocks up to LAST, and a transaction that refers to block 3 and expires at the time of block 20. */
static uint64_t make_expired(void)
{
	uint64_t action = add_action("alice", "a", "[]");

	store(1, LAST);
	run_sql("UPDATE blocks SET is_searched = 1");
	assert_true(is_held(MINE, "alice"));
	assert_true(moves(TRX("1"), 0, action));
	return action;
}

static void a_transaction_is_dead_when_the_tables_prove_it(void **state)
{
	static const struct {
		const char *breaks, *mends;
	} doubts[] = {
		/* A block that is missing, or may be replaced, or was not searched, may hold it. */
		{"UPDATE blocks SET block = 1000 WHERE block = 4",
		 "UPDATE blocks SET block = 4 WHERE block = 1000"},
		{"UPDATE blocks SET block = 1000, timestamp = '2016-01-01' WHERE block = 21",
		 "UPDATE blocks SET block = 21, timestamp = '2016-03-24 16:06:03' WHERE block = 1000"},
		{"UPDATE blocks SET is_irreversible = 0 WHERE block = 10",
		 "UPDATE blocks SET is_irreversible = 1 WHERE block = 10"},
		{"UPDATE blocks SET is_searched = 0 WHERE block = 21",
		 "UPDATE blocks SET is_searched = 1"},
		/* It is in one. */
		{"INSERT INTO trxs_seen VALUES ('" TRX("1") "', 12, UTC_TIMESTAMP(6))",
		 "DELETE FROM trxs_seen"},
		{"UPDATE signed_trxs SET outcome = 'confirmed'",
		 "UPDATE signed_trxs SET outcome = NULL"},
		/* No irreversible block is behind the expiration: one at the expiration is not enough. */
		{"UPDATE signed_trxs SET expiration = (SELECT MAX(timestamp) FROM blocks)",
		 "UPDATE signed_trxs SET expiration = '2016-03-24 16:06:00'"},
		{"UPDATE blocks SET is_irreversible = 0 WHERE block > 20",
		 "UPDATE blocks SET is_irreversible = 1"},
	};

	(void)state;
	(void)make_expired();
	assert_int_equal(count_dead(MINE), 1);
	assert_int_equal(count_dead(THEIRS), 0);
	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		run_sql(doubts[i].breaks);
		if (count_dead(MINE) != 0)
			fail_msg("it is called dead in spite of: %s", doubts[i].breaks);
		run_sql(doubts[i].mends);
		if (count_dead(MINE) != 1)
			fail_msg("it is not dead after: %s", doubts[i].mends);
	}
	/* What was before it, and what is behind, does not matter. */
	run_sql("DELETE FROM blocks WHERE block <= 3 OR block = 22");
	assert_int_equal(count_dead(MINE), 1);
}

static struct sender_dead the_dead(void)
{
	struct sender_dead *list;
	struct sender_dead dead;
	size_t count;

	OK(sender_dead(db, MINE, 10, &list, &count, &err));
	assert_int_equal(count, 1);
	dead = list[0];
	free(list);
	return dead;
}

static bool buries(struct sender_dead dead, const char *state)
{
	bool is_done;

	dead.state = state;
	OK(db_begin(db, &err));
	OK(sender_bury(db, &dead, &is_done, &err));
	OK(db_commit(db, &err));
	return is_done;
}

static void the_dead_are_buried_once(void **state)
{
	struct sender_note note = {.trx_id = TRX("1"), .node = "n", .answer = "final"};
	struct sender_dead dead;
	uint64_t action;

	(void)state;
	action = make_expired();
	snprintf(note.error, sizeof(note.error), "no funds");
	OK(sender_note(db, &note, &err));
	dead = the_dead();
	assert_int_equal(dead.action_id, action);
	assert_int_equal(dead.comment_id, 0);
	assert_int_equal(dead.attempts, 1);
	assert_string_equal(dead.account, "alice");
	assert_string_equal(dead.answer, "final");
	assert_string_equal(dead.error, "no funds");
	assert_true(buries(dead, "failed"));
	assert_int_equal(
		number("SELECT COUNT(*) FROM actions WHERE state = 'failed' AND error = 'no funds'"),
		1);
	assert_int_equal(number("SELECT COUNT(*) FROM signed_trxs WHERE outcome = 'expired'"), 1);
	/* Another poster found it dead at the same moment; meanwhile the row was signed again. */
	run_sql("UPDATE actions SET state = 'pending'");
	assert_true(moves(TRX("2"), 0, action));
	assert_false(buries(dead, "pending"));
	assert_int_equal(
		number("SELECT COUNT(*) FROM actions WHERE state = 'sent' AND trx_id = '" TRX(
			"2") "'"),
		1);
}

/* The transaction ends, but the row is another one's, or has ended in another way. */
static void a_row_that_does_not_wait_for_the_dead_stays_as_it_is(void **state)
{
	struct sender_dead dead;
	uint64_t comment;

	(void)state;
	(void)make_expired();
	run_sql("DELETE FROM signed_trxs");
	comment = add_comment("alice", "p", "bob");
	assert_true(moves(TRX("5"), comment, 0));
	dead = the_dead();
	assert_int_equal(dead.comment_id, comment);
	run_sql("UPDATE comments SET state = 'confirmed'");
	assert_true(buries(dead, "pending"));
	assert_int_equal(number("SELECT COUNT(*) FROM comments WHERE state = 'confirmed'"), 1);
	run_sql("UPDATE signed_trxs SET outcome = NULL");
	run_sql("UPDATE comments SET state = 'sent', trx_id = '" TRX("6") "'");
	assert_true(buries(the_dead(), "pending"));
	assert_int_equal(number("SELECT COUNT(*) FROM comments WHERE state = 'sent'"), 1);
	run_sql("UPDATE signed_trxs SET outcome = NULL");
	run_sql("UPDATE comments SET trx_id = '" TRX("5") "'");
	assert_true(buries(the_dead(), "pending"));
	assert_int_equal(
		number("SELECT COUNT(*) FROM comments WHERE state = 'pending' AND error IS NULL"),
		1);
}

static void no_more_dead_at_once_than_asked_for(void **state)
{
	struct sender_dead *dead;
	size_t count;

	(void)state;
	(void)make_expired();
	assert_true(moves(TRX("2"), 0, add_action("alice", "b", "[]")));
	assert_true(moves(TRX("3"), 0, add_action("alice", "c", "[]")));
	run_sql("UPDATE signed_trxs SET expiration = '2016-03-24 16:05:30' WHERE trx_id = '" TRX(
		"3") "'");
	OK(sender_dead(db, MINE, 2, &dead, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(dead[0].trx_id, TRX("3")); /* the oldest */
	free(dead);
}

static void what_is_left_is_what_will_go_on_by_itself(void **state)
{
	static const struct {
		const char *sql;
		uint64_t left;
	} changes[] = {
		{"UPDATE actions SET state = 'sent'", 2},
		{"UPDATE comments SET not_before = UTC_TIMESTAMP(6) + INTERVAL 1 DAY", 1},
		{"UPDATE comments SET not_before = UTC_TIMESTAMP(6) - INTERVAL 1 DAY", 2},
		{"UPDATE actions SET state = 'held'", 1},
		{"UPDATE comments SET state = 'failed'", 0},
	};
	uint64_t left;

	(void)state;
	(void)add_action("alice", "a", "[]");
	(void)add_comment("alice", "p", "bob");
	(void)add_action("bob", "a", "[]");
	OK(sender_left(db, "alice", &left, &err));
	assert_int_equal(left, 2);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		run_sql(changes[i].sql);
		OK(sender_left(db, "alice", &left, &err));
		if (left != changes[i].left)
			fail_msg("%llu are left after: %s", (unsigned long long)left,
				 changes[i].sql);
	}
}

static void the_reference_is_the_newest_irreversible_block(void **state)
{
	struct block_name block;
	uint8_t id[BLOCK_ID_BYTES];
	int64_t time_s;

	(void)state;
	OK(sender_reference(db, &block, &time_s, &err));
	assert_int_equal(block.num, 0);
	assert_int_equal(time_s, 0);
	store(1, LAST);
	run_sql("UPDATE blocks SET is_irreversible = 0 WHERE block > 30");
	OK(sender_reference(db, &block, &time_s, &err));
	assert_int_equal(block.num, 30);
	assert_int_equal(time_s, HEAD_S + 90);
	fill_id(id, 30, 0xAA);
	assert_memory_equal(block.id, id, sizeof(id));
}

static void a_published_comment_is_known(void **state)
{
	bool is_published;

	(void)state;
	(void)add_comment("alice", "p", "bob");
	OK(sender_is_published(db, "alice", "p", &is_published, &err));
	assert_false(is_published);
	run_sql("UPDATE comments SET state = 'confirmed'");
	OK(sender_is_published(db, "alice", "p", &is_published, &err));
	assert_true(is_published);
	OK(sender_is_published(db, "bob", "p", &is_published, &err));
	assert_false(is_published);
}

/* The tables are made once: that takes longer than most of these tests. */
static int empty_tables(void **state)
{
	static const char *const tables[] = {"senders",   "actions", "comments",  "signed_trxs",
					     "trxs_seen", "blocks",  "blockchain"};

	if (!db)
		return world_set_up(state);
	db_rollback(db);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char sql[100];

		snprintf(sql, sizeof(sql), "DELETE FROM %s", tables[i]);
		if (db_exec_text(db, sql, &err) < 0)
			return -1;
	}
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, empty_tables)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_lease_is_taken_renewed_and_given_back),
		TEST(a_lease_that_ran_out_is_lost_to_who_comes_first),
		TEST(many_accounts_are_sorted_out_at_once),
		TEST(leases_of_many_accounts_are_taken_together),
		TEST(posters_that_start_together_share_the_accounts),
		TEST(a_lease_that_loses_a_deadlock_is_asked_for_again),
		TEST(pace_and_limits_are_read_as_they_were_written),
		TEST(who_has_lost_the_lease_or_was_paused_signs_nothing),
		TEST(a_pause_is_told_once_and_keeps_its_reason),
		TEST(each_rest_is_twice_as_long_as_the_last),
		TEST(what_waits_is_what_may_be_signed_now),
		TEST(rows_come_by_priority_and_age_of_one_account_only),
		TEST(what_must_wait_for_its_pace_holds_up_nothing_else),
		TEST(comments_come_with_all_their_texts),
		TEST(two_posters_that_believe_to_hold_an_account_share_its_rows),
		TEST(a_row_moves_together_with_its_bytes),
		TEST(a_row_is_not_signed_again_while_its_old_bytes_live),
		TEST(the_same_id_is_signed_once),
		TEST(a_row_is_refused_only_while_it_waits),
		TEST(a_row_is_either_cancelled_or_signed),
		TEST(a_call_by_itself_changes_no_row_that_moved_meanwhile),
		TEST(a_row_is_requeued_when_its_transactions_are_dead),
		TEST(each_send_is_noted),
		TEST(open_transactions_are_those_of_the_own_accounts),
		TEST(a_transaction_is_dead_when_the_tables_prove_it),
		TEST(the_dead_are_buried_once),
		TEST(a_row_that_does_not_wait_for_the_dead_stays_as_it_is),
		TEST(no_more_dead_at_once_than_asked_for),
		TEST(what_is_left_is_what_will_go_on_by_itself),
		TEST(the_reference_is_the_newest_irreversible_block),
		TEST(a_published_comment_is_known),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, world_tear_down);
}
