/* SPDX-License-Identifier: MIT */
#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/notify.h"

/*
 * In the order of their numbers, because open() uses the lowest free one.  Standard output is
 * opened for reading only: a write to it fails, and process_end() sees that the output was lost.
 */
static void open_standard_streams(void)
{
	static const int modes[] = {
		[STDIN_FILENO] = O_RDWR,
		[STDOUT_FILENO] = O_RDONLY,
		[STDERR_FILENO] = O_RDWR,
	};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) != fd)
			_exit(EXIT_BUG); /* without /dev/null a connection would get the number */
	}
}

static void end_by_signal(int number)
{
	_exit(128 + number);
}

/*
 * The kernel does not deliver a signal with its default action to process 1 of a container, so
 * nobody could end a command there.  A daemon blocks the signals and reads them
 * (daemon/signals.c).
 */
static void hear_signals_as_first_process(void)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	for (unsigned i = 0; getpid() == 1 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (signal(numbers[i], end_by_signal) == SIG_IGN)
			signal(numbers[i], SIG_IGN);
}

void process_begin(void)
{
	open_standard_streams();
	hear_signals_as_first_process();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/*
	 * As process 1 of a container we become the parent of orphaned processes. With this the
	 * kernel reaps them. A program that has children of its own changes it
	 * (children_open()).
	 */
	signal(SIGCHLD, SIG_IGN);
	/* AddressSanitizer's leak check traces its own process, which this would forbid. */
#ifndef WITH_SANITIZERS
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
	log_open();
	notify_open();
}

bool process_host_name(char *name, size_t size, const char *characters)
{
	if (gethostname(name, size) != 0)
		name[0] = '\0';
	name[size - 1] = '\0';
	/* The kernel accepts any bytes as a name. */
	for (char *at = name; *(at += strspn(at, characters)) != '\0';)
		*at = '-';
	return name[0] != '\0';
}

void process_name(char *name, size_t size, const char *fallback)
{
	char host[65];
	bool has_name = process_host_name(host, sizeof(host), PROCESS_NAME_CHARACTERS);

	snprintf(name, size, "%.52s/%d", has_name ? host : fallback, (int)getpid());
}

void process_flush(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	sigset_t stops;
	sigset_t old;

	if (__fpending(stdout) > 0 && poll(&out, 1, 0) == 0) {
		sigemptyset(&stops);
		sigaddset(&stops, SIGTERM);
		sigaddset(&stops, SIGINT);
		sigprocmask(SIG_UNBLOCK, &stops, &old);
		while (poll(&out, 1, -1) < 0 && errno == EINTR)
			continue;
		sigprocmask(SIG_SETMASK, &old, NULL);
	}
	/* The stream remembers a failure. */
	(void)fflush(stdout);
}

/* Write out the buffered output. Returns -1 with err if any output was lost, now or earlier. */
static int hand_over(struct error *err)
{
	process_flush();
	if (fflush(stdout) != 0)
		return error_set_errno(err, ERROR_FATAL, "standard output cannot be written");
	if (ferror(stdout) != 0)
		return error_set(err, ERROR_FATAL, "standard output could not be written");
	/* Some file systems report a failed write only when the file is closed. */
	if (close(STDOUT_FILENO) != 0 && errno != EINTR)
		return error_set_errno(err, ERROR_FATAL, "standard output cannot be written");
	return 0;
}

enum exit_code process_end(enum exit_code code)
{
	struct error err = ERROR_INIT;

	if (hand_over(&err) == 0)
		return code;
	log_error("output_lost", "%s; some or all of the output is lost", err.text);
	return code == EXIT_OK ? EXIT_OUTPUT_LOST : code;
}
