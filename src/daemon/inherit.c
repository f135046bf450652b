/* SPDX-License-Identifier: MIT */
#include "daemon/inherit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* notify_open() has already read and removed NOTIFY_SOCKET and the like. */
static const char *const secrets[] = {
	"STEEM_READER_PASSWORD", "STEEM_WORKER_PASSWORD", "LISTEN_PID", "LISTEN_FDS",
	"LISTEN_FDNAMES",
};
#define SECRET_COUNT (sizeof(secrets) / sizeof(secrets[0]))

void inherit_clear_environment(void)
{
	for (unsigned i = 0; i < SECRET_COUNT; i++)
		unsetenv(secrets[i]);
}

/* Is it "NAME=..." with the name of this one, which may also be "NAME=..."? */
static bool has_name(const char *variable, const char *name)
{
	size_t len = strcspn(name, "=");

	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

static bool is_kept(const char *variable, char *const *added, size_t count)
{
	for (size_t i = 0; i < SECRET_COUNT; i++)
		if (has_name(variable, secrets[i]))
			return false;
	for (size_t i = 0; i < count; i++)
		if (has_name(variable, added[i]))
			return false;
	/* The password of the database, which the client library may read at each connect. */
	return !has_name(variable, "MYSQL_PWD");
}

char **inherit_environment(char *const *added, size_t count)
{
	size_t own_count = 0;
	size_t made_count = 0;
	char **made;

	while (environ[own_count])
		own_count++;
	made = xcalloc(own_count + count + 1, sizeof(*made));
	for (size_t i = 0; i < own_count; i++)
		if (is_kept(environ[i], added, count))
			made[made_count++] = environ[i];
	for (size_t i = 0; i < count; i++)
		made[made_count++] = added[i];
	return made;
}

void inherit_default_signals(void)
{
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++)
		/* fails for SIGKILL, SIGSTOP and signals of the C library */
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Descriptors. */

static bool keep_from_exec(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 || errno == EBADF;
}

/*
 * Read /proc/self/fd without readdir(), which needs memory and locks that another thread may
 * hold.
 */
static bool keep_listed(int first)
{
	_Alignas(struct dirent64) char names[4096];
	int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_good = folder >= 0;
	long got = 0;

	while (is_good && (got = syscall(SYS_getdents64, folder, names, sizeof(names))) > 0) {
		for (long at = 0; at < got;) {
			const struct dirent64 *entry = (const struct dirent64 *)(names + at);
			int fd = 0;

			for (const char *digit = entry->d_name; *digit >= '0' && *digit <= '9';
			     digit++)
				fd = fd * 10 + (*digit - '0');
			if (fd >= first)
				is_good = keep_from_exec(fd) && is_good;
			at += entry->d_reclen;
		}
	}
	if (folder >= 0)
		close(folder);
	return is_good && got == 0;
}

/* The last resort: try every possible number. */
static bool keep_all(int first)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	if (limit.rlim_max > INT_MAX)
		limit.rlim_max = INT_MAX;
	for (int fd = first; fd < (int)limit.rlim_max; fd++)
		if (!keep_from_exec(fd))
			return false;
	return true;
}

bool inherit_no_descriptors(int first)
{
	/* This fails on a kernel older than the headers, and in a container that forbids it. */
	if (syscall(SYS_close_range, (unsigned)first, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0)
		return true;
	return keep_listed(first) || keep_all(first);
}

void inherit_close_all_but(int fd)
{
	struct rlimit limit;

	if ((fd <= 3 || syscall(SYS_close_range, 3U, (unsigned)fd - 1, 0U) == 0) &&
	    syscall(SYS_close_range, (unsigned)fd + 1, UINT_MAX, 0U) == 0)
		return;
	/* At this early point the program has opened only a few. */
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 65536)
		limit.rlim_cur = 65536;
	for (int other = 3; other < (int)limit.rlim_cur; other++)
		if (other != fd)
			close(other);
}
