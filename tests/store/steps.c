/* SPDX-License-Identifier: MIT */
#include "steps.h"

#include <poll.h>
#include <time.h>

#include "store/outbox.h"
#include "store/purge.h"
#include "store/retention.h"

struct run run;
struct rewind rewind_state;
struct rewind_readers rewind_dead;

static int run_step(struct db *writer_db, struct job *job, struct error *ret_err)
{
	return ((struct step *)job)->call(writer_db, ret_err);
}

static void finish_step(struct job *job)
{
	((struct step *)job)->is_done = true;
}

static void wait_for(struct step *step)
{
	while (!step->is_done) {
		struct pollfd fd = {.fd = executor_fd(run.executor), .events = POLLIN};

		if (poll(&fd, 1, 60000) == 0)
			fail_msg("%s: a step never ended", shim.what);
		executor_collect(run.executor);
	}
	if (step->job.err.kind != ERROR_NONE)
		fail_msg("%s: %s", shim.what, step->job.err.text);
}

void task(int (*call)(struct db *db, struct error *err))
{
	struct step step = {.job = {.run = run_step, .done = finish_step}, .call = call};

	executor_task(run.executor, &step.job);
	wait_for(&step);
}

static int call_commit(struct db *writer_db, struct error *ret_err)
{
	return ledger_commit(writer_db, &run.lot.commit, ret_err);
}

static bool is_there(enum ledger_outcome outcome)
{
	switch (outcome) {
	case LEDGER_STORED:
	case LEDGER_PRESENT:
	case LEDGER_CONFIRMED:
	case LEDGER_REPLACED:
	case LEDGER_REWRITTEN:
		return true;
	default:
		return false;
	}
}

void commit_lot(void)
{
	struct step step = {.job = {.run = run_step, .done = finish_step}, .call = call_commit};

	executor_commit(run.executor, &step.job);
	wait_for(&step);
	for (size_t i = 0; i < run.lot.commit.count; i++)
		if (!is_there(run.lot.commit.entries[i].outcome))
			fail_msg("%s: block %u became %u", shim.what,
				 run.lot.commit.entries[i].block->num,
				 run.lot.commit.entries[i].outcome);
	free_lot(&run.lot);
}

void commit(uint32_t first, uint32_t last)
{
	make_lot(&run.lot, first, last);
	commit_lot();
}

int call_open(struct db *writer_db, struct error *ret_err)
{
	bool is_active;

	if (schema_check(writer_db, ret_err) < 0 ||
	    filter_rows_enlist(writer_db, "operation=\"vote\"\n", &filter_id, &is_active, NULL,
			       ret_err) < 0)
		return -1;
	assert_true(is_active);
	return reader_rows_register(writer_db, &me, "test", ret_err);
}

int call_ranges_open(struct db *writer_db, struct error *ret_err)
{
	return wanted_ranges_open(writer_db, 3, UINT32_MAX, ret_err);
}

int call_backfill(struct db *writer_db, struct error *ret_err)
{
	CLEANUP(range_set_release) struct range_set wanted = RANGE_SET_INIT;

	range_add(&wanted, 1, 4);
	return wanted_ranges_add_closed(writer_db, &wanted, NULL, ret_err);
}

int call_scan(struct db *writer_db, struct error *ret_err)
{
	uint32_t scanned_to;

	range_set_clear(&run.holes);
	if (gaps_scan_step(writer_db, 3, 12, &run.holes, &scanned_to, ret_err) < 0)
		return -1;
	assert_int_equal(scanned_to, 12);
	return gaps_record(writer_db, 3, 12, &run.holes, true, ret_err);
}

int call_search(struct db *writer_db, struct error *ret_err)
{
	claim_release(&run.search.claim);
	return claims_take_next(writer_db, &me, &run.within, NULL, &run.search, ret_err);
}

int call_beat(struct db *writer_db, struct error *ret_err)
{
	struct reader_report report = {
		.state = "replaying", .node = "a", .head_block = 40, .irreversible_block = 20};

	if (reader_rows_heartbeat(writer_db, &me, &report, ret_err) < 0)
		return -1;
	return claims_renew(writer_db, &me, ret_err);
}

int call_settle(struct db *writer_db, struct error *ret_err)
{
	return claims_finish(writer_db, &me, &run.search.claim, &run.failed, "no node has it",
			     ret_err);
}

int call_missing(struct db *writer_db, struct error *ret_err)
{
	return gaps_set_reason(writer_db, 12, 12, "not given for a minute", ret_err);
}

int call_confirm(struct db *writer_db, struct error *ret_err)
{
	struct outbox_step step = {.is_last = false};

	while (!step.is_last)
		if (outbox_confirm(writer_db, &step, ret_err) < 0)
			return -1;
	return step.locked_count == 0
		       ? 0
		       : error_set(ret_err, ERROR_RETRY, "something is still locked");
}

int call_keys(struct db *writer_db, struct error *ret_err)
{
	static const struct witness_key told = {.witness = "dan",
						.key = "STM3",
						.since_block = 7,
						.is_of_nodes = true,
						.last_signed = 8};
	struct witness_key_list list = {.count = 0};
	struct witness_key key;
	bool is_found;
	bool is_whole;
	size_t count;
	int result;

	if (witness_keys_add(writer_db, &told, ret_err) < 0 ||
	    witness_keys_find(writer_db, "dan", 8, &key, &is_found, ret_err) < 0 ||
	    witness_keys_are_whole(writer_db, 5, 8, &is_whole, ret_err) < 0)
		return -1;
	assert_true(is_found && is_whole);
	assert_string_equal(key.key, "STM2");
	key.last_signed = 9;
	if (witness_keys_note(writer_db, &key, ret_err) < 0)
		return -1;
	result = witness_keys_load(writer_db, 9, 10, &list, ret_err);
	count = list.count;
	witness_key_list_release(&list);
	if (result == 0)
		assert_int_equal(count, 1);
	return result;
}

/* Locks of a connection that the server does not know to be dead yet: again, until it does. */
static int check_gone(struct db *writer_db, const char *sql, struct error *ret_err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows = db_query(writer_db, sql, DB_NO_VALUES, ret_err);

	if (!rows || db_rows_next(rows, ret_err) < 0)
		return -1;
	return db_row_u64(rows, 0) == 0
		       ? 0
		       : error_set(ret_err, ERROR_RETRY, "something is still locked");
}

int call_retain(struct db *writer_db, struct error *ret_err)
{
	struct retention_pass pass = {.is_over = false};
	int64_t before_s = (int64_t)time(NULL) - 7 * 86400;

	while (!pass.is_over)
		if (retention_step(writer_db, before_s, &pass, ret_err) < 0)
			return -1;
	return check_gone(writer_db, "SELECT COUNT(*) FROM deliveries_ended WHERE block = 3",
			  ret_err);
}

int call_purge_begin(struct db *writer_db, struct error *ret_err)
{
	return purge_begin(writer_db, 10, ret_err);
}

int call_purge(struct db *writer_db, struct error *ret_err)
{
	static struct purge_pass purge;

	if (purge.next == purge.before) /* else it is the same step again */
		purge = (struct purge_pass){.next = 1, .before = 10};

	/* A purge that failed twice skips locked rows; here its own lost connection may still lock them. */
	if (purge.failures > 1)
		purge.failures = 1;
	while (purge.next < purge.before)
		if (purge_step(writer_db, &purge, ret_err) < 0)
			return -1;
	return 0;
}

int call_purge_end(struct db *writer_db, struct error *ret_err)
{
	return purge_end(writer_db, 10, ret_err);
}

int call_rewind_look(struct db *writer_db, struct error *ret_err)
{
	rewind_state = (struct rewind){.block = 6};
	if (rewind_check_rights(writer_db, ret_err) < 0)
		return -1;
	return rewind_readers_load(writer_db, &rewind_dead, ret_err);
}

int call_rewind_begin(struct db *writer_db, struct error *ret_err)
{
	return rewind_begin(writer_db, &rewind_state, &rewind_dead, ret_err);
}

int call_rewind(struct db *writer_db, struct error *ret_err)
{
	while (rewind_state.phase < REWIND_OVER && rewind_state.alive[0] == '\0')
		if (rewind_step(writer_db, &rewind_state, ret_err) < 0)
			return -1;
	return 0;
}

int call_sign_off(struct db *writer_db, struct error *ret_err)
{
	return reader_rows_sign_off(writer_db, &me, ret_err);
}
