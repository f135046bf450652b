/* SPDX-License-Identifier: MIT */
#include "daemon/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inherit.h"
#include "daemon/session.h"

#define FORGET      (-1)
#define PIPE_BYTES  (1024 * 1024)
#define PATIENCE_MS 1000

/* A message in the pipe: never split, because it is shorter than PIPE_BUF; and without padding. */
struct order {
	int64_t session;
	int64_t kill_at_ms;
};

/* The guard process. */

struct watch {
	struct order orders[GUARD_SESSIONS_MAX];
	unsigned count;
};

static void obey(struct watch *watch, const struct order *order)
{
	unsigned i = 0;

	while (i < watch->count && watch->orders[i].session != order->session)
		i++;
	if (order->kill_at_ms == FORGET) {
		if (i < watch->count)
			watch->orders[i] = watch->orders[--watch->count];
	} else if (i < GUARD_SESSIONS_MAX) {
		watch->orders[i] = *order;
		if (i == watch->count)
			watch->count++;
	}
}

/* False: the program is gone. */
static bool take_orders(struct watch *watch, int fd)
{
	struct order order;
	ssize_t got;

	while ((got = read(fd, &order, sizeof(order))) == (ssize_t)sizeof(order))
		obey(watch, &order);
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Kill the sessions that are due. Returns when the next one is. */
static int64_t kill_late(struct watch *watch, int64_t now_ms)
{
	int64_t next_ms = GUARD_NEVER;

	for (unsigned i = 0; i < watch->count; i++) {
		struct order *order = &watch->orders[i];

		if (order->kill_at_ms <= now_ms) {
			session_kill((pid_t)order->session);
			order->kill_at_ms = GUARD_NEVER;
		}
		if (order->kill_at_ms < next_ms)
			next_ms = order->kill_at_ms;
	}
	return next_ms;
}

/* Keep nothing of the program open, and ignore signals that are meant for it. */
static void part_from_program(int own_fd)
{
	static const int unheard[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (unsigned i = 0; i < sizeof(unheard) / sizeof(unheard[0]); i++)
		signal(unheard[i], SIG_IGN);
	setpgid(0, 0);
	prctl(PR_SET_NAME, "steem-guard");
	log_close();
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	inherit_close_all_but(own_fd);
}

static void keep_guard(int fd)
{
	struct watch watch = {.count = 0};
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	part_from_program(fd);
	/* Read the orders first, so that a session that was removed in time is not killed. */
	while (take_orders(&watch, fd)) {
		int64_t now_ms = clock_now_ms();
		int64_t wait_ms = kill_late(&watch, now_ms) - now_ms;

		poll(&poll_fd, 1, wait_ms < 60000 ? (int)wait_ms : 60000);
	}
	for (unsigned i = 0; i < watch.count; i++)
		session_kill((pid_t)watch.orders[i].session);
	_exit(0);
}

/* The process of the program. */

int guard_open(struct guard *guard, struct error *err)
{
	int ends[2];

	guard->fd = -1;
	guard->pid = 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return error_set_errno(err, ERROR_FATAL, "cannot make a pipe");
	guard->pid = fork();
	if (guard->pid == 0)
		keep_guard(ends[0]);
	close(ends[0]);
	guard->fd = ends[1];
	(void)fcntl(guard->fd, F_SETPIPE_SZ, PIPE_BYTES); /* the default size would do as well */
	if (guard->pid > 0)
		return 0;
	(void)error_set_errno(err, ERROR_FATAL, "cannot start the guard");
	guard_close(guard);
	return -1;
}

int guard_watch(struct guard *guard, pid_t session, int64_t kill_at_ms, struct error *err)
{
	struct order order = {.session = session, .kill_at_ms = kill_at_ms};
	struct pollfd room = {.fd = guard->fd, .events = POLLOUT};

	/* The guard may be delayed for a moment, but not for PATIENCE_MS. */
	do {
		if (write(guard->fd, &order, sizeof(order)) == (ssize_t)sizeof(order))
			return 0;
	} while (errno == EAGAIN && poll(&room, 1, PATIENCE_MS) > 0);
	return error_set_errno(err, ERROR_FATAL,
			       "the guard of the commands does not read its orders");
}

void guard_forget(struct guard *guard, pid_t session)
{
	struct error ignored = ERROR_INIT;

	/* The guard is gone: the next guard_watch() reports it. */
	if (guard_watch(guard, session, FORGET, &ignored) < 0)
		return;
}

int guard_check(struct guard *guard, struct error *err)
{
	if (guard->pid <= 0 || waitpid(guard->pid, NULL, WNOHANG) != guard->pid)
		return 0;
	guard->pid = 0;
	return error_set(err, ERROR_FATAL, "the guard of the commands has died");
}

void guard_close(struct guard *guard)
{
	if (guard->fd >= 0)
		close(guard->fd);
	while (guard->pid > 0 && waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*guard = (struct guard){.fd = -1};
}
