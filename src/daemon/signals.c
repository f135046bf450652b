/* SPDX-License-Identifier: MIT */
#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

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

	signal(SIGPIPE, SIG_IGN);
	fill(&set);
	number = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (number != 0)
		return error_set_code(err, ERROR_FATAL, number, "cannot block signals");
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERROR_FATAL, "cannot receive signals");
	return fd;
}

enum signal_event signals_read(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return SIGNAL_NOTHING;
	return info.ssi_signo == SIGHUP ? SIGNAL_RELOAD : SIGNAL_STOP;
}

void signals_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
