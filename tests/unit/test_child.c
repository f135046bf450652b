/* SPDX-License-Identifier: MIT */
/* Real processes: what they are given, what they say, and that nothing of them is left. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/child.h"
#include "daemon/inherit.h"

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
	(void)child_step(&child, &fds[1], clock_now_ms());
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
	assert_false(child.wrote_too_much);
	free(text);
}

static void too_much_output_is_noticed(void **state)
{
	(void)state;
	start("exec yes");
	while (!child.wrote_too_much)
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

/* Instead of ours: what is added replaces what has its name, and passwords are left out. */
static void it_may_have_an_environment_of_its_own(void **state)
{
	char name[] = "ADDED=own value";
	char other[] = "ADDED_TOO=";
	char *added[] = {name, other};
	char **environment;

	(void)state;
	setenv("MYSQL_PWD", "hush", 1);
	setenv("STEEM_WORKER_PASSWORD", "hush", 1);
	setenv("ADDED", "old", 1);
	setenv("ADDED_BEFORE", "kept", 1);
	environment = inherit_environment(added, 2);
	child.environment = environment;
	start("env | grep -E '^(ADDED|MYSQL|STEEM)' | sort");
	run_to_end();
	assert_string_equal(buf_text(&child.out),
			    "ADDED=own value\nADDED_BEFORE=kept\nADDED_TOO=\n");
	free(environment);
	assert_string_equal(getenv("ADDED"), "old");
	unsetenv("MYSQL_PWD");
	unsetenv("STEEM_WORKER_PASSWORD");
}

/* Signals that the worker ignores or blocks, or was started so, are as usual for the command. */
static void signals_are_as_usual(void **state)
{
	static const int numbers[] = {SIGPIPE, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCHLD, SIGXFSZ};
	void (*before[sizeof(numbers) / sizeof(numbers[0])])(int);
	sigset_t all, old;

	(void)state;
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		before[i] = signal(numbers[i], numbers[i] == SIGCHLD ? SIG_DFL : SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	start("exec grep -E '^Sig(Blk|Ign)' /proc/self/status");
	run_to_end();
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		signal(numbers[i], before[i]);
	assert_string_equal(buf_text(&child.out),
			    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

/* Some programs start others so. Then the kernel would reap the command without a word. */
static void an_ignored_sigchld_does_not_lose_the_end(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	close(signal_fd);
	signal(SIGCHLD, SIG_IGN);
	signal_fd = children_open(&err);
	assert_true(signal_fd >= 0);
	start("exit 9");
	run_to_end();
	assert_int_equal(WEXITSTATUS(child.wait_status), 9);
}

/* The descriptors of a command; the last one is that of ls itself. */
static void assert_only_the_three(void)
{
	start("exec ls /proc/self/fd");
	run_to_end();
	assert_string_equal(buf_text(&child.out), "0\n1\n2\n3\n");
}

/* No descriptor but the three is handed on, also those that a library opened without O_CLOEXEC. */
static void no_descriptor_is_handed_on(void **state)
{
	struct child other;
	char name[] = "cat";
	char *argv[] = {name, NULL};
	struct error err = ERROR_INIT;
	int pair[2];
	int high;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	high = fcntl(pair[0], F_DUPFD, 700);
	assert_true(high >= 700);
	child_init(&other, NULL);
	assert_int_equal(child_start(&other, "/bin/cat", argv, true, &err), 0);
	assert_only_the_three();
	/* Ours are as they were. */
	assert_int_equal(fcntl(pair[1], F_GETFD), 0);
	assert_int_equal(fcntl(high, F_GETFD), 0);
	child_release(&other);
	close(pair[0]);
	close(pair[1]);
	close(high);
}

/* From now on these system calls fail in this process and in what it starts. */
static void forbid(long first, long second)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)first, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)second, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(77);
}

/*
 * In a container that forbids close_range(), and in one without /proc as well. A process of its own
 * marks its descriptors, since a forbidden call stays forbidden: 0 when all are marked, 77: no seccomp.
 */
static int mark_descriptors(long second)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};
		int one = dup(1);
		int two = fcntl(1, F_DUPFD, 700);

		setrlimit(RLIMIT_NOFILE, &limit);
		forbid(SYS_close_range, second);
		_exit(!inherit_no_descriptors(3) || fcntl(one, F_GETFD) != FD_CLOEXEC ||
		      fcntl(two, F_GETFD) != FD_CLOEXEC || fcntl(1, F_GETFD) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void none_is_handed_on_by_old_kernels(void **state)
{
	int listed = mark_descriptors(SYS_close_range);
	int unlisted = mark_descriptors(SYS_getdents64);

	(void)state;
	if (listed == 77 || unlisted == 77)
		skip();
	assert_int_equal(listed, 0);
	assert_int_equal(unlisted, 0);
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
		cmocka_unit_test_setup_teardown(it_may_have_an_environment_of_its_own, begin,
						release),
		cmocka_unit_test_setup_teardown(signals_are_as_usual, begin, release),
		cmocka_unit_test_setup_teardown(an_ignored_sigchld_does_not_lose_the_end, begin,
						release),
		cmocka_unit_test_setup_teardown(no_descriptor_is_handed_on, begin, release),
		cmocka_unit_test(none_is_handed_on_by_old_kernels),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
