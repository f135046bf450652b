/* SPDX-License-Identifier: MIT */
/* Real processes: what they are given, what they say, and that nothing of them is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/child.h"

static int signal_fd;
static struct child child;

static int set_up(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal_fd = children_open(&err);
	return signal_fd < 0;
}

static int begin(void **state)
{
	(void)state;
	child_init(&child, NULL);
	return 0;
}

static int release(void **state)
{
	(void)state;
	child_release(&child);
	return 0;
}

static void start(const char *script)
{
	char sh[] = "sh", c[] = "-c", text[512];
	char *argv[] = {sh, c, text, NULL};
	struct error err = ERROR_INIT;

	snprintf(text, sizeof(text), "%s", script);
	assert_int_equal(child_start(&child, "/bin/sh", argv, true, &err), 0);
}

/* One turn as the loop makes it; true when the process has ended. */
static bool turn(void)
{
	struct pollfd fds[1 + CHILD_FDS] = {{.fd = signal_fd, .events = POLLIN}};

	child_fill_fds(&child, &fds[1]);
	assert_true(poll(fds, 1 + CHILD_FDS, 50) >= 0);
	children_clear(signal_fd);
	child_step(&child, &fds[1], clock_now_ms());
	return child_has_ended(&child);
}

static void run_to_end(void)
{
	int64_t deadline_ms = clock_now_ms() + 20000;

	while (!turn())
		assert_true(clock_now_ms() < deadline_ms);
}

static void it_is_fed_and_read(void **state)
{
	(void)state;
	start("read a; read b; echo \"$b $a\"; echo oops >&2; exit 7");
	child_give(&child, "one\n", 4, false);
	child_give(&child, "two\n", 4, true);
	run_to_end();
	assert_string_equal(buf_text(&child.out), "two one\n");
	assert_int_equal(child.tail_len, 5);
	assert_memory_equal(child.tail, "oops\n", 5);
	assert_true(WIFEXITED(child.wait_status));
	assert_int_equal(WEXITSTATUS(child.wait_status), 7);
	assert_int_equal(child.exec_errno, 0);
}

static void input_and_output_larger_than_a_pipe(void **state)
{
	size_t len = 700000;
	char *text = malloc(len);

	(void)state;
	memset(text, 'x', len);
	start("cat");
	child_give(&child, text, len, true);
	run_to_end();
	assert_int_equal(child.out.len, len);
	assert_false(child.is_flooding);
	free(text);
}

static void too_much_output_is_noticed(void **state)
{
	(void)state;
	start("exec yes");
	while (!child.is_flooding)
		assert_false(turn());
	child_kill(&child);
	run_to_end();
	assert_true(child.out.len <= CHILD_OUTPUT_BYTES);
}

static void only_the_end_of_the_errors_is_kept(void **state)
{
	(void)state;
	start("i=0; while [ $i -lt 2000 ]; do echo $i >&2; i=$((i + 1)); done");
	run_to_end();
	assert_int_equal(child.tail_len, CHILD_TAIL_BYTES);
	assert_memory_equal(child.tail + child.tail_len - 10, "1998\n1999\n", 10);
}

static void who_holds_the_pipes_is_killed(void **state)
{
	int status = 0;
	pid_t left;

	(void)state;
	start("sleep 1000 & echo $!");
	run_to_end();
	left = (pid_t)atol(buf_text(&child.out));
	assert_true(left > 0);
	/* We have become its parent: it was killed, and tells so. */
	assert_int_equal(waitpid(left, &status, 0), left);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(child.pid, 0);
}

/* As timeout(1) has it, and jobs of an interactive shell. */
static void who_has_a_group_of_its_own_is_killed(void **state)
{
	int status = 0;
	pid_t left, pid;

	(void)state;
	start("timeout 1000 sh -c 'echo $$; exec sleep 1000' & read line");
	while (child.out.len == 0)
		assert_false(turn());
	left = (pid_t)atol(buf_text(&child.out));
	assert_int_equal(getsid(left), child.pid);
	assert_int_not_equal(getpgid(left), child.pid);
	child_give(&child, "\n", 1, true);
	run_to_end();
	alarm(20); /* for the waiting, should it live on */
	do
		pid = waitpid(-1, &status, 0);
	while (pid > 0 && pid != left);
	alarm(0);
	assert_int_equal(pid, left);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void the_whole_group_is_asked_and_then_killed(void **state)
{
	int64_t began_ms = clock_now_ms();

	(void)state;
	start("trap '' TERM; echo up; while :; do sleep 1; done");
	while (child.out.len == 0)
		assert_false(turn());
	child_ask_to_end(&child, clock_now_ms() + 200);
	assert_true(child_is_ending(&child));
	run_to_end();
	assert_true(WIFSIGNALED(child.wait_status));
	assert_int_equal(WTERMSIG(child.wait_status), SIGKILL);
	assert_true(clock_now_ms() - began_ms >= 200);
}

static void the_end_of_its_input_is_enough(void **state)
{
	(void)state;
	start("while read line; do echo $line; done; exit 3");
	child_give(&child, "a\n", 2, false);
	child_end_input(&child, clock_now_ms() + 20000);
	run_to_end();
	assert_int_equal(WEXITSTATUS(child.wait_status), 3);
	assert_string_equal(buf_text(&child.out), "a\n");
}

static void who_does_not_hear_it_is_asked(void **state)
{
	(void)state;
	start("exec sleep 1000");
	child_end_input(&child, clock_now_ms() + 100);
	run_to_end();
	assert_int_equal(WTERMSIG(child.wait_status), SIGTERM);
}

static void a_program_that_is_not_there(void **state)
{
	char name[] = "none";
	char *argv[] = {name, NULL};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(child_start(&child, "/no/such/program", argv, true, &err), 0);
	run_to_end();
	assert_int_equal(child.exec_errno, ENOENT);
}

/* What the worker ignores or blocks, the command gets as usual. */
static void signals_are_as_usual(void **state)
{
	static const char ignored[] = "SigIgn:\t";
	const char *found;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	start("exec 3>&1; { while :; do echo x; done; } 2>/dev/null | head -n 1 >&3; "
	      "grep -E '^Sig(Blk|Ign)' /proc/self/status >&3");
	run_to_end();
	assert_non_null(strstr(buf_text(&child.out), "x\n"));
	assert_non_null(strstr(buf_text(&child.out), "SigBlk:\t0000000000000000"));
	/* A shell that started us in the background has others ignored. */
	found = strstr(buf_text(&child.out), ignored);
	assert_non_null(found);
	assert_int_equal(strtoull(found + strlen(ignored), NULL, 16) >> (SIGPIPE - 1) & 1, 0);
}

/* No descriptor but the three is handed on. */
static void no_descriptor_is_handed_on(void **state)
{
	struct child other;
	char sh[] = "cat";
	char *argv[] = {sh, NULL};
	struct error err = ERROR_INIT;

	(void)state;
	child_init(&other, NULL);
	assert_int_equal(child_start(&other, "/bin/cat", argv, true, &err), 0);
	start("for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && readlink /proc/$$/fd/$fd; done; :");
	run_to_end();
	assert_null(strstr(buf_text(&child.out), "pipe:"));
	assert_null(strstr(buf_text(&child.out), "signalfd"));
	child_release(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_fed_and_read, begin, release),
		cmocka_unit_test_setup_teardown(input_and_output_larger_than_a_pipe, begin,
						release),
		cmocka_unit_test_setup_teardown(too_much_output_is_noticed, begin, release),
		cmocka_unit_test_setup_teardown(only_the_end_of_the_errors_is_kept, begin, release),
		cmocka_unit_test_setup_teardown(who_holds_the_pipes_is_killed, begin, release),
		cmocka_unit_test_setup_teardown(who_has_a_group_of_its_own_is_killed, begin,
						release),
		cmocka_unit_test_setup_teardown(the_whole_group_is_asked_and_then_killed, begin,
						release),
		cmocka_unit_test_setup_teardown(the_end_of_its_input_is_enough, begin, release),
		cmocka_unit_test_setup_teardown(who_does_not_hear_it_is_asked, begin, release),
		cmocka_unit_test_setup_teardown(a_program_that_is_not_there, begin, release),
		cmocka_unit_test_setup_teardown(signals_are_as_usual, begin, release),
		cmocka_unit_test_setup_teardown(no_descriptor_is_handed_on, begin, release),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
