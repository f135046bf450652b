/* SPDX-License-Identifier: MIT */
/*
 * The executor with a simulated database: this file defines the db_* functions that
 * sync/executor.c calls, so the linker uses them instead of store/db.c.
 */
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/db.h"
#include "sync/executor.h"

/* The database. */

struct db {
	bool is_open;
	bool is_patient;
};

static atomic_int connects;
static atomic_int connects_to_fail;
static atomic_int rollbacks;

struct db *db_new(const struct db_config *config)
{
	(void)config;
	return xcalloc(1, sizeof(struct db));
}

void db_free(struct db *db)
{
	free(db);
}

int db_connect(struct db *db, struct error *err)
{
	connects++;
	if (connects_to_fail > 0) {
		connects_to_fail--;
		return error_set_code(err, ERROR_RETRY, ERROR_CLASS_DATABASE, 2003, "nobody there");
	}
	db->is_open = true;
	return 0;
}

bool db_is_lost(const struct db *db)
{
	return !db->is_open;
}

void db_disconnect(struct db *db)
{
	db->is_open = false;
}

const char *db_describe(const struct db *db)
{
	(void)db;
	return "made up";
}

void db_set_patient(struct db *db, bool is_patient)
{
	db->is_patient = is_patient;
}

void db_rollback(struct db *db)
{
	(void)db;
	rollbacks++;
}

/* Jobs. */

struct test_job {
	struct job job;
	pthread_t runner;
	int fails;            /* so many times, before it succeeds */
	enum error_kind kind; /* of these failures */
	bool loses_connection;
	int runs;
	int done;
};

static int run_it(struct db *db, struct job *job, struct error *err)
{
	struct test_job *test = (struct test_job *)job;

	test->runner = pthread_self();
	test->runs++;
	if (test->fails == 0)
		return 0;
	if (test->fails > 0)
		test->fails--;
	if (test->loses_connection)
		db_disconnect(db);
	if (test->kind == ERROR_CONFIG && db->is_patient) {
		db_disconnect(db);
		return error_set_code(err, ERROR_RETRY, ERROR_CLASS_DATABASE, 1045,
				      "it would not let us in");
	}
	return error_set_code(err, test->kind, ERROR_CLASS_DATABASE, 1205, "it would not");
}

static void count_done(struct job *job)
{
	((struct test_job *)job)->done++;
}

static struct test_job make_job(int fails, enum error_kind kind)
{
	return (struct test_job){.job = {.run = run_it, .done = count_done, .what = "a test"},
				 .fails = fails,
				 .kind = kind};
}

static void wait_for_all(struct executor *executor)
{
	while (executor_pending(executor) > 0) {
		struct pollfd fd = {.fd = executor_fd(executor), .events = POLLIN};

		assert_int_equal(poll(&fd, 1, 10000), 1);
		executor_collect(executor);
	}
}

static int set_up(void **state)
{
	struct error err = ERROR_INIT;

	log_set_level(LOG_LEVEL_ERROR);
	connects = 0;
	connects_to_fail = 0;
	rollbacks = 0;
	*state = executor_new(NULL, 2, 0, &err);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	executor_free(*state);
	return 0;
}

static void runs_elsewhere_and_reports_here(void **state)
{
	struct test_job commit = make_job(0, ERROR_NONE);
	struct test_job task = make_job(0, ERROR_NONE);

	executor_commit(*state, &commit.job);
	executor_task(*state, &task.job);
	assert_int_equal(executor_pending(*state), 2);
	wait_for_all(*state);
	assert_int_equal(commit.done, 1);
	assert_int_equal(task.done, 1);
	assert_false(pthread_equal(commit.runner, pthread_self()));
	assert_false(pthread_equal(commit.runner, task.runner));
	assert_int_equal(rollbacks, 0);
}

static void repeats_what_may_succeed_later(void **state)
{
	struct test_job job = make_job(3, ERROR_RETRY);

	executor_commit(*state, &job.job);
	wait_for_all(*state);
	assert_int_equal(job.runs, 4);
	assert_int_equal(job.job.retry_count, 3);
	assert_true(job.job.last_try_ms < job.job.took_ms); /* that is without the waiting */
	assert_int_equal(job.job.err.kind, ERROR_NONE);
	assert_int_equal(rollbacks, 3); /* before each repeat */
	assert_int_equal(connects, 1);
	assert_int_equal(executor_retry_count(*state), 3);
}

static void does_not_repeat_what_nobody_here_can_cure(void **state)
{
	static const enum error_kind kinds[] = {ERROR_CONFIG, ERROR_DATA, ERROR_FATAL, ERROR_NODE};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct test_job job = make_job(-1, kinds[i]);

		executor_task(*state, &job.job);
		wait_for_all(*state);
		assert_int_equal(job.runs, 1);
		assert_int_equal(job.job.err.kind, kinds[i]);
		assert_string_equal(job.job.err.text, "it would not");
	}
	assert_int_equal(rollbacks, 4);
}

/* Login, rights, tables: fatal at a start, but tried again once a job has succeeded. */
static void what_the_operator_can_cure_is_tried_again_later_on(void **state)
{
	struct test_job early = make_job(-1, ERROR_CONFIG);
	struct test_job first = make_job(0, ERROR_NONE);
	struct test_job later = make_job(3, ERROR_CONFIG);
	struct test_job aside = make_job(-1, ERROR_CONFIG);

	executor_task(*state, &early.job);
	wait_for_all(*state);
	assert_int_equal(early.runs, 1);
	assert_int_equal(early.job.err.kind, ERROR_CONFIG);
	executor_task(*state, &first.job);
	wait_for_all(*state);
	executor_commit(*state, &later.job); /* by a thread that has done nothing yet */
	wait_for_all(*state);
	assert_int_equal(later.runs, 4);
	assert_int_equal(later.job.err.kind, ERROR_NONE);
	/* A job that nothing waits for must not hold up the others. */
	aside.job.is_side_work = true;
	executor_task(*state, &aside.job);
	wait_for_all(*state);
	assert_int_equal(aside.runs, 1);
	assert_int_equal(aside.job.err.kind, ERROR_CONFIG);
	assert_false(executor_has_lost_database(*state));
}

static void connects_again_for_a_lost_connection(void **state)
{
	struct test_job job = make_job(2, ERROR_RETRY);

	job.loses_connection = true;
	connects_to_fail = 2;
	executor_commit(*state, &job.job);
	wait_for_all(*state);
	assert_int_equal(job.job.err.kind, ERROR_NONE);
	assert_int_equal(job.runs, 3);
	assert_int_equal(connects, 5); /* two in vain, one, and one after each loss */
}

static void gives_up_when_told_to_hurry(void **state)
{
	struct test_job job = make_job(-1, ERROR_RETRY);

	executor_task(*state, &job.job);
	executor_hurry(*state, 100);
	wait_for_all(*state);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.job.err.kind, ERROR_RETRY);
}

static void gives_up_when_patience_ends(void **state)
{
	struct error err = ERROR_INIT;
	struct executor *impatient = executor_new(NULL, 1, 100, &err);
	struct test_job hopeless = make_job(-1, ERROR_RETRY);
	struct test_job fine = make_job(0, ERROR_NONE);

	(void)state;
	assert_non_null(impatient);
	executor_commit(impatient, &hopeless.job);
	executor_commit(impatient, &fine.job);
	wait_for_all(impatient);
	assert_int_equal(hopeless.job.err.kind, ERROR_RETRY);
	assert_int_equal(fine.job.err.kind, ERROR_NONE); /* each job has its own patience */
	executor_free(impatient);
}

/* Fails until the gate is opened. */
static atomic_int gate_error;

static int run_at_gate(struct db *db, struct job *job, struct error *err)
{
	int code = atomic_load(&gate_error);

	(void)db;
	(void)job;
	return code == 0 ? 0
			 : error_set_code(err, ERROR_RETRY, ERROR_CLASS_DATABASE, code,
					  "the gate is closed");
}

static void wait_for_retries(struct executor *executor, uint64_t count)
{
	while (executor_retry_count(executor) < count)
		assert_int_equal(poll(NULL, 0, 1), 0);
}

static void trouble_is_seen_while_it_lasts(void **state)
{
	struct test_job job = make_job(0, ERROR_NONE);
	struct executor_trouble trouble;

	executor_get_trouble(*state, &trouble);
	assert_int_equal(trouble.since_ms, 0);
	job.job.run = run_at_gate;
	atomic_store(&gate_error, 1205);
	executor_commit(*state, &job.job);
	wait_for_retries(*state, 2);
	executor_get_trouble(*state, &trouble);
	assert_true(trouble.since_ms > 0);
	assert_false(trouble.is_lost);
	assert_string_equal(trouble.text, "the gate is closed");
	atomic_store(&gate_error, 1290);
	wait_for_retries(*state, executor_retry_count(*state) + 2);
	atomic_store(&gate_error, 0);
	wait_for_all(*state);
	executor_get_trouble(*state, &trouble);
	assert_int_equal(trouble.since_ms, 0);
	assert_int_equal(trouble.retries[0].code, 1205);
	assert_int_equal(trouble.retries[1].code, 1290);
	assert_int_equal(trouble.retries[0].count + trouble.retries[1].count,
			 executor_retry_count(*state));
	assert_int_equal(trouble.retries[2].count, 0);
}

static void a_deadlock_is_no_trouble(void **state)
{
	struct test_job job = make_job(0, ERROR_NONE);
	struct executor_trouble trouble;

	job.job.run = run_at_gate;
	atomic_store(&gate_error, 1213);
	executor_commit(*state, &job.job);
	wait_for_retries(*state, 1);
	executor_get_trouble(*state, &trouble);
	assert_int_equal(trouble.since_ms, 0);
	assert_int_equal(trouble.retries[0].code, 1213);
	atomic_store(&gate_error, 0);
	wait_for_all(*state);
}

static void the_connection_is_lost_until_a_job_is_done(void **state)
{
	struct test_job job = make_job(0, ERROR_NONE);
	struct executor_trouble trouble;

	connects_to_fail = 3;
	executor_task(*state, &job.job);
	wait_for_retries(*state, 1);
	executor_get_trouble(*state, &trouble);
	assert_true(trouble.is_lost || connects_to_fail < 2);
	wait_for_all(*state);
	executor_get_trouble(*state, &trouble);
	assert_false(trouble.is_lost);
	assert_int_equal(trouble.retries[0].code, 2003);
	assert_int_equal(trouble.retries[0].count, 3);
}

static int fail_once(struct db *db, struct job *job, struct error *err)
{
	int code = atomic_exchange(&gate_error, 0);

	(void)db;
	(void)job;
	return code == 0
		       ? 0
		       : error_set_code(err, ERROR_RETRY, ERROR_CLASS_DATABASE, code, "just once");
}

static void many_kinds_of_errors_have_room(void **state)
{
	struct test_job job = make_job(0, ERROR_NONE);
	struct executor_trouble trouble;

	job.job.run = fail_once;
	for (int code = 1; code <= EXECUTOR_RETRY_CODES + 4; code++) {
		atomic_store(&gate_error, code);
		executor_task(*state, &job.job);
		wait_for_all(*state);
	}
	executor_get_trouble(*state, &trouble);
	for (int i = 0; i < EXECUTOR_RETRY_CODES - 1; i++) {
		assert_int_equal(trouble.retries[i].code, i + 1);
		assert_int_equal(trouble.retries[i].count, 1);
	}
	assert_int_equal(trouble.retries[EXECUTOR_RETRY_CODES - 1].code, 0);
	assert_int_equal(trouble.retries[EXECUTOR_RETRY_CODES - 1].count, 5);
}

static int fail_of_another_class(struct db *db, struct job *job, struct error *err)
{
	int code = atomic_exchange(&gate_error, 0);

	(void)db;
	(void)job;
	return code == 0 ? 0 : error_set_code(err, ERROR_RETRY, ERROR_CLASS_READER, code, "lags");
}

/* Only numbers of the database are counted by number, and only they can be a deadlock. */
static void a_code_of_another_class_is_no_number_of_the_database(void **state)
{
	struct test_job job = make_job(0, ERROR_NONE);
	struct executor_trouble trouble;

	job.job.run = fail_of_another_class;
	atomic_store(&gate_error, 1213);
	executor_task(*state, &job.job);
	wait_for_all(*state);
	executor_get_trouble(*state, &trouble);
	assert_int_equal(trouble.retries[0].code, 0);
	assert_int_equal(trouble.retries[0].count, 1);
	assert_string_equal(trouble.text, "lags");
}

static void only_commits_that_were_done_are_timed(void **state)
{
	struct test_job good = make_job(0, ERROR_NONE);
	struct test_job bad = make_job(-1, ERROR_DATA);
	struct test_job look_up = make_job(0, ERROR_NONE);
	struct test_job task = make_job(0, ERROR_NONE);
	const struct metric_histogram *times = executor_commit_times(*state);
	uint64_t count = 0;

	executor_commit(*state, &good.job);
	executor_commit(*state, &bad.job);
	executor_look_up(*state, &look_up.job);
	executor_task(*state, &task.job);
	wait_for_all(*state);
	for (unsigned i = 0; i <= METRIC_BUCKETS; i++)
		count += times->counts[i];
	assert_int_equal(count, 1);
}

static void has_room_for_few_commits(void **state)
{
	struct test_job jobs[4];
	unsigned count = 0;

	while (executor_has_room(*state)) {
		assert_true(count < 4);
		jobs[count] = make_job(0, ERROR_NONE);
		executor_commit(*state, &jobs[count++].job);
	}
	assert_int_equal(count, 4); /* two for each thread */
	wait_for_all(*state);
	assert_true(executor_has_room(*state));
}

static void every_job_is_reported_once(void **state)
{
	enum { COUNT = 20000 };
	struct test_job *jobs = xcalloc(COUNT, sizeof(*jobs));
	unsigned given = 0;

	while (given < COUNT) {
		while (given < COUNT && executor_has_room(*state)) {
			jobs[given] = make_job(given % 1000 == 999, ERROR_RETRY);
			executor_commit(*state, &jobs[given++].job);
		}
		executor_collect(*state);
	}
	wait_for_all(*state);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(jobs[i].done, 1);
		assert_int_equal(jobs[i].job.err.kind, ERROR_NONE);
	}
	free(jobs);
}

static void a_job_that_comes_too_late_is_told_so(void **state)
{
	struct error err = ERROR_INIT;
	struct executor *executor = executor_new(NULL, 1, 0, &err);
	struct test_job *jobs = xcalloc(2, sizeof(*jobs));

	(void)state;
	assert_non_null(executor);
	jobs[0] = make_job(-1, ERROR_RETRY);
	executor_commit(executor, &jobs[0].job);
	executor_free(executor); /* does not wait for a job that would be retried for ever */
	assert_int_equal(jobs[0].done, 1);
	assert_int_equal(jobs[0].job.err.kind, ERROR_RETRY);
	free(jobs);
}

/* Its owner has more to be written; too late. */
struct follow_up {
	struct test_job first; /* first: a job is one of these */
	struct test_job second;
	struct executor *executor;
};

static void give_another(struct job *job)
{
	struct follow_up *both = (struct follow_up *)job;

	count_done(job);
	executor_commit(both->executor, &both->second.job);
}

static void what_is_given_at_the_end_is_refused_at_once(void **state)
{
	struct error err = ERROR_INIT;
	struct follow_up both = {.first = make_job(0, ERROR_NONE),
				 .second = make_job(0, ERROR_NONE)};

	(void)state;
	both.first.job.done = give_another;
	both.executor = executor_new(NULL, 1, 0, &err);
	assert_non_null(both.executor);
	executor_commit(both.executor, &both.first.job);
	executor_free(both.executor);
	assert_int_equal(both.first.done, 1);
	assert_int_equal(both.first.job.err.kind, ERROR_NONE);
	assert_int_equal(both.second.done, 1); /* nobody waits for it for ever */
	assert_int_equal(both.second.runs, 0);
	assert_int_equal(both.second.job.err.kind, ERROR_RETRY);
}

static void no_writer_without_file_descriptors(void **state)
{
	struct error err = ERROR_INIT;
	struct rlimit before;
	struct rlimit none;
	struct executor *executor;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	executor = executor_new(NULL, 2, 0, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(executor);
	assert_int_equal(err.kind, ERROR_FATAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(runs_elsewhere_and_reports_here, set_up, tear_down),
		cmocka_unit_test_setup_teardown(repeats_what_may_succeed_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(does_not_repeat_what_nobody_here_can_cure, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_the_operator_can_cure_is_tried_again_later_on,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(connects_again_for_a_lost_connection, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(gives_up_when_told_to_hurry, set_up, tear_down),
		cmocka_unit_test(gives_up_when_patience_ends),
		cmocka_unit_test_setup_teardown(trouble_is_seen_while_it_lasts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_deadlock_is_no_trouble, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_connection_is_lost_until_a_job_is_done, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(many_kinds_of_errors_have_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_code_of_another_class_is_no_number_of_the_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_commits_that_were_done_are_timed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(has_room_for_few_commits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_job_is_reported_once, set_up, tear_down),
		cmocka_unit_test(a_job_that_comes_too_late_is_told_so),
		cmocka_unit_test(what_is_given_at_the_end_is_refused_at_once),
		cmocka_unit_test(no_writer_without_file_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
