/* SPDX-License-Identifier: MIT */
#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"

/* A signal to stop that comes before this time counts as the same one; 0: there was none. */
static int64_t same_stop_until_ms;

static void fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

int signals_open(struct error *err)
{
	sigset_t set;
	int number;
	int fd;

	same_stop_until_ms = 0;
	fill(&set);
	number = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (number != 0)
		return error_set_code(err, ERROR_FATAL, ERROR_CLASS_SYSTEM, number,
				      "cannot block signals");
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERROR_FATAL, "cannot receive signals");
	return fd;
}

enum signal_event signals_read(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int64_t now_ms = clock_now_ms();

		if (info.ssi_signo == SIGHUP)
			return SIGNAL_RELOAD;
		if (now_ms < same_stop_until_ms)
			continue;
		same_stop_until_ms = now_ms + SIGNAL_SAME_STOP_MS;
		return SIGNAL_STOP;
	}
	return SIGNAL_NOTHING;
}

void signals_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
