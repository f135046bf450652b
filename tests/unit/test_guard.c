/* SPDX-License-Identifier: MIT */
/* A guard, and sessions that it is told of. */
#include "test.h"

#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/guard.h"

static struct guard guard;
static struct error err;

static int begin(void **state)
{
	(void)state;
	return guard_open(&guard, &err);
}

static int end(void **state)
{
	(void)state;
	guard_close(&guard);
	return 0;
}

/* A process in a session of its own that does nothing. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(guard.fd); /* as exec does: else the guard would not see us go */
		setsid();
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	while (getsid(pid) != pid)
		sched_yield();
	return pid;
}

static int reap(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void what_is_late_is_killed(void **state)
{
	pid_t late = sleeper();
	pid_t other = sleeper();
	int64_t at_ms = clock_now_ms() + 200;
	int status;

	(void)state;
	assert_int_equal(guard_watch(&guard, other, at_ms + 600000, &err), 0);
	assert_int_equal(guard_watch(&guard, late, at_ms, &err), 0);
	status = reap(late);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(clock_now_ms() >= at_ms);
	assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
	kill(other, SIGTERM);
	reap(other);
}

static void a_later_word_counts(void **state)
{
	pid_t renewed = sleeper();
	pid_t late = sleeper();
	int64_t now_ms = clock_now_ms();

	(void)state;
	assert_int_equal(guard_watch(&guard, renewed, now_ms + 100, &err), 0);
	assert_int_equal(guard_watch(&guard, renewed, now_ms + 600000, &err), 0);
	assert_int_equal(guard_watch(&guard, late, now_ms + 300, &err), 0);
	reap(late);
	assert_int_equal(waitpid(renewed, NULL, WNOHANG), 0);
	kill(renewed, SIGTERM);
	assert_true(WTERMSIG(reap(renewed)) == SIGTERM);
}

static void what_is_forgotten_lives(void **state)
{
	pid_t forgotten = sleeper();
	pid_t late = sleeper();
	int64_t now_ms = clock_now_ms();

	(void)state;
	assert_int_equal(guard_watch(&guard, forgotten, now_ms + 100, &err), 0);
	guard_forget(&guard, forgotten);
	assert_int_equal(guard_watch(&guard, late, now_ms + 200, &err), 0);
	reap(late);
	guard_close(&guard);
	assert_int_equal(waitpid(forgotten, NULL, WNOHANG), 0);
	kill(forgotten, SIGTERM);
	assert_true(WTERMSIG(reap(forgotten)) == SIGTERM);
	assert_int_equal(guard_open(&guard, &err), 0);
}

static void all_go_with_the_worker(void **state)
{
	pid_t one = sleeper();
	pid_t two = sleeper();

	(void)state;
	assert_int_equal(guard_watch(&guard, one, GUARD_NEVER, &err), 0);
	assert_int_equal(guard_watch(&guard, two, clock_now_ms() + 600000, &err), 0);
	guard_close(&guard);
	assert_true(WTERMSIG(reap(one)) == SIGKILL);
	assert_true(WTERMSIG(reap(two)) == SIGKILL);
	assert_int_equal(guard_open(&guard, &err), 0);
}

static void its_death_is_noticed(void **state)
{
	pid_t pid = guard.pid;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(guard_check(&guard, &err), 0);
	kill(pid, SIGTERM); /* it does not hear that */
	kill(pid, SIGKILL);
	while (guard_check(&guard, &err) == 0)
		continue;
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_int_equal(guard_watch(&guard, 12345, GUARD_NEVER, &err), -1);
}

/* A connection that it kept open would keep its locks in the database after the worker's death. */
static void it_keeps_nothing_of_ours_open(void **state)
{
	char byte;
	int pair[2];

	(void)state;
	guard_close(&guard);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(guard_open(&guard, &err), 0);
	close(pair[1]);
	alarm(20);
	assert_int_equal(read(pair[0], &byte, 1), 0);
	alarm(0);
	close(pair[0]);
	/* It still listens. */
	all_go_with_the_worker(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_late_is_killed, begin, end),
		cmocka_unit_test_setup_teardown(a_later_word_counts, begin, end),
		cmocka_unit_test_setup_teardown(what_is_forgotten_lives, begin, end),
		cmocka_unit_test_setup_teardown(all_go_with_the_worker, begin, end),
		cmocka_unit_test_setup_teardown(it_keeps_nothing_of_ours_open, begin, end),
		cmocka_unit_test_setup_teardown(its_death_is_noticed, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
