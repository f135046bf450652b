/* SPDX-License-Identifier: MIT */
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "daemon/guard.h"
#include "daemon/inherit.h"
#include "daemon/session.h"

#define PIECE_BYTES 65536
/* in one step: a child that writes without end must not hold up the others */
#define PIECES_MAX 32

int children_open(struct error *err)
{
	sigset_t set;
	int fd;

	/*
	 * A process that ignores SIGCHLD, or was started with it ignored, never learns how a
	 * child ended.
	 */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return error_set_errno(err, ERROR_FATAL, "cannot block SIGCHLD");
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERROR_FATAL, "cannot receive SIGCHLD");
	return fd;
}

void children_clear(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) > 0)
		continue;
}

void children_reap_others(bool (*is_own)(void *context, pid_t pid), void *context)
{
	for (;;) {
		siginfo_t info = {.si_pid = 0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 ||
		    is_own(context, info.si_pid) || waitpid(info.si_pid, NULL, WNOHANG) <= 0)
			return;
	}
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_fds(struct child *child)
{
	close_fd(&child->in_fd);
	close_fd(&child->out_fd);
	close_fd(&child->err_fd);
	close_fd(&child->exec_fd);
}

void child_init(struct child *child, struct guard *guard)
{
	*child = (struct child){
		.guard = guard,
		.in_fd = -1,
		.out_fd = -1,
		.err_fd = -1,
		.exec_fd = -1,
		.in = BUF_INIT(CHILD_INPUT_BYTES),
		.out = BUF_INIT(CHILD_OUTPUT_BYTES),
		.line = BUF_INIT(CHILD_LINE_BYTES),
		.term_at_ms = CLOCK_NEVER,
		.kill_at_ms = CLOCK_NEVER,
	};
}

void child_release(struct child *child)
{
	if (child->pid > 0) {
		child_kill(child);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		child->pid = 0;
	}
	close_fds(child);
	buf_release(&child->in);
	buf_release(&child->out);
	buf_release(&child->line);
	child_init(child, child->guard);
}

/* Starting. */

struct pipes {
	int in[2], out[2], err[2], exec[2];
};

static bool make_pipe(int ends[2])
{
	return pipe2(ends, O_CLOEXEC) == 0;
}

static void close_pipes(struct pipes *pipes)
{
	int *const ends[] = {pipes->in, pipes->out, pipes->err, pipes->exec};

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		close_fd(&ends[i][0]);
		close_fd(&ends[i][1]);
	}
}

/*
 * Give it the pipe, or the same stream as ours.  If ours was closed when we started, it cannot
 * be written to (daemon/process.c): our own reports should fail then, but not a command that
 * prints a word.
 */
static bool give_output(int pipe_end)
{
	int mode = fcntl(STDOUT_FILENO, F_GETFL);
	int fd = pipe_end;

	if (fd < 0 && mode >= 0 && (mode & O_ACCMODE) != O_RDONLY)
		return true;
	if (fd < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0;
}

/*
 * Runs in the new process, where locks may be held by threads that no longer exist: system calls
 * only.
 */
static void become(const struct pipes *pipes, const char *path, char *const *argv,
		   char *const *environment, pid_t parent)
{
	int problem;

	/* If the program is killed, the command must die too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (setsid() >= 0 && dup2(pipes->in[0], STDIN_FILENO) >= 0 && give_output(pipes->out[1]) &&
	    dup2(pipes->err[1], STDERR_FILENO) >= 0 && inherit_no_descriptors(3)) {
		inherit_default_signals();
		execve(path, argv, environment);
	}
	problem = errno;
	if (write(pipes->exec[1], &problem, sizeof(problem)) < 0) {
		/* The program learns only the exit code. */
	}
	_exit(127);
}

static int take_end(int *end)
{
	int fd = *end;

	*end = -1;
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void reset(struct child *child)
{
	buf_reset(&child->in);
	buf_reset(&child->out);
	buf_reset(&child->line);
	child->in_at = 0;
	child->given = 0;
	child->written = 0;
	child->is_unread = false;
	child->is_fed_once = false;
	child->wrote_too_much = false;
	child->tail_len = 0;
	child->term_at_ms = CLOCK_NEVER;
	child->kill_at_ms = CLOCK_NEVER;
	child->wait_status = 0;
	child->exec_errno = 0;
}

int child_start(struct child *child, const char *path, char *const *argv, bool has_output,
		struct error *err)
{
	struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	pid_t self = getpid();
	pid_t pid = -1;

	reset(child);
	if (make_pipe(pipes.in) && make_pipe(pipes.err) && make_pipe(pipes.exec) &&
	    (!has_output || make_pipe(pipes.out)))
		pid = fork();
	if (pid == 0)
		become(&pipes, path, argv, child->environment ? child->environment : environ, self);
	if (pid < 0) {
		(void)error_set_errno(err, ERROR_RETRY, "cannot start a process");
		close_pipes(&pipes);
		return -1;
	}
	child->pid = pid;
	child->in_fd = take_end(&pipes.in[1]);
	child->out_fd = take_end(&pipes.out[0]);
	child->err_fd = take_end(&pipes.err[0]);
	child->exec_fd = take_end(&pipes.exec[0]);
	close_pipes(&pipes);
	if (child_limit(child, GUARD_NEVER, err) == 0)
		return 0;
	child_kill(child);
	return -1;
}

int child_limit(struct child *child, int64_t kill_at_ms, struct error *err)
{
	if (!child->guard || child->pid <= 0)
		return 0;
	return guard_watch(child->guard, child->pid, kill_at_ms, err);
}

/* Reading and writing. */

static void write_input(struct child *child)
{
	while (child->in_fd >= 0 && child->in_at < child->in.len) {
		ssize_t written = write(child->in_fd, child->in.data + child->in_at,
					child->in.len - child->in_at);

		if (written < 0 && errno == EAGAIN)
			return;
		/* The command need not read its input. */
		if (written < 0 && errno != EINTR)
			close_fd(&child->in_fd);
		child->in_at += written > 0 ? (size_t)written : 0;
		child->written += written > 0 ? (size_t)written : 0;
	}
	if (child->is_fed_once)
		close_fd(&child->in_fd);
	buf_reset(&child->in);
	child->in_at = 0;
}

void child_give(struct child *child, const char *text, size_t len, bool is_last)
{
	(void)buf_add(&child->in, text, len);
	child->given = len;
	child->written = 0;
	child->is_fed_once = is_last;
	write_input(child);
}

static void log_line(struct child *child)
{
	if (child->line.len > 0)
		log_info("command_stderr", "%s: %s", child->label, buf_text(&child->line));
	buf_reset(&child->line);
}

static void take_errors(struct child *child, const char *piece, size_t len)
{
	size_t keep = min_size(len, CHILD_TAIL_BYTES);
	size_t room = CHILD_TAIL_BYTES - keep;
	size_t old = min_size(child->tail_len, room);

	memmove(child->tail, child->tail + child->tail_len - old, old);
	memcpy(child->tail + old, piece + len - keep, keep);
	child->tail_len = old + keep;
	for (size_t i = 0; i < len; i++) {
		/* A line that is too long is split. */
		if (piece[i] == '\n' || buf_add_char(&child->line, piece[i]) < 0) {
			log_line(child);
			if (piece[i] != '\n')
				(void)buf_add_char(&child->line, piece[i]);
		}
	}
}

static void take_output(struct child *child, const char *piece, size_t len)
{
	if (child->wrote_too_much || buf_add(&child->out, piece, len) < 0)
		child->wrote_too_much = true;
}

static void read_all(struct child *child, int *fd,
		     void (*take)(struct child *child, const char *piece, size_t len))
{
	static char piece[PIECE_BYTES];

	for (unsigned i = 0; *fd >= 0 && i < PIECES_MAX; i++) {
		ssize_t got = read(*fd, piece, sizeof(piece));

		if (got < 0 && errno == EAGAIN)
			return;
		if (got > 0)
			take(child, piece, (size_t)got);
		else if (got == 0 || errno != EINTR)
			close_fd(fd);
	}
}

void child_fill_fds(const struct child *child, struct pollfd *fds)
{
	bool has_input = child->in_at < child->in.len;

	fds[0] = (struct pollfd){.fd = has_input ? child->in_fd : -1, .events = POLLOUT};
	fds[1] = (struct pollfd){.fd = child->out_fd, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = child->err_fd, .events = POLLIN};
}

int64_t child_step(struct child *child, const struct pollfd *fds, int64_t now_ms)
{
	if (fds && fds[0].revents)
		write_input(child);
	if (fds && fds[1].revents)
		read_all(child, &child->out_fd, take_output);
	if (fds && fds[2].revents)
		read_all(child, &child->err_fd, take_errors);
	if (child->pid <= 0)
		return CLOCK_NEVER;
	if (now_ms >= child->term_at_ms)
		child_ask_to_end(child, now_ms + CHILD_KILL_MS);
	if (now_ms >= child->kill_at_ms)
		child_kill(child);
	return sooner(child->term_at_ms, child->kill_at_ms);
}

/* Ending. */

/* Unread bytes are still in the pipe, because we keep its other end open. */
static bool has_read_nothing(const struct child *child)
{
	int left = 0;

	if (child->given == 0)
		return false;
	if (child->in_fd >= 0 && ioctl(child->in_fd, FIONREAD, &left) != 0)
		return false;
	return (size_t)left == child->written;
}

bool child_has_ended(struct child *child)
{
	siginfo_t info = {.si_pid = 0};

	if (child->pid <= 0)
		return false;
	/*
	 * It stays a zombie until its session is gone, so that no other process can get its
	 * number.
	 */
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	    info.si_pid == 0)
		return false;
	session_kill(child->pid);
	read_all(child, &child->out_fd, take_output);
	read_all(child, &child->err_fd, take_errors);
	log_line(child);
	if (read(child->exec_fd, &child->exec_errno, sizeof(child->exec_errno)) !=
	    (ssize_t)sizeof(child->exec_errno))
		child->exec_errno = 0;
	child->is_unread = has_read_nothing(child);
	if (child->guard)
		guard_forget(child->guard, child->pid);
	while (waitpid(child->pid, &child->wait_status, 0) < 0 && errno == EINTR)
		continue;
	child->pid = 0;
	child->term_at_ms = CLOCK_NEVER;
	child->kill_at_ms = CLOCK_NEVER;
	close_fds(child);
	return true;
}

bool child_is_ending(const struct child *child)
{
	return child->term_at_ms != CLOCK_NEVER || child->kill_at_ms != CLOCK_NEVER;
}

void child_end_input(struct child *child, int64_t term_at_ms)
{
	close_fd(&child->in_fd);
	child->term_at_ms = term_at_ms;
}

void child_ask_to_end(struct child *child, int64_t kill_at_ms)
{
	if (child->pid <= 0 || child->kill_at_ms == CHILD_KILLED)
		return;
	if (child->kill_at_ms == CLOCK_NEVER)
		session_signal(child->pid, SIGTERM);
	child->term_at_ms = CLOCK_NEVER;
	if (kill_at_ms < child->kill_at_ms)
		child->kill_at_ms = kill_at_ms;
}

void child_kill(struct child *child)
{
	if (child->pid <= 0)
		return;
	/* Kill only once, however long it takes to die. */
	child->term_at_ms = CLOCK_NEVER;
	child->kill_at_ms = CHILD_KILLED;
	kill(child->pid, SIGKILL); /* it may not have created its session yet */
	session_kill(child->pid);
}
