/* SPDX-License-Identifier: MIT */
#include "daemon/session.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOKS_MAX 10 /* a killed process may be visible for a while, until it is reaped */

/* Signal all, and return how many processes besides the leader the session has. */
static unsigned signal_all(pid_t session, int number)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	unsigned count = 0;

	kill(-session, number);
	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)atol(entry->d_name); /* 0: not a process */

		if (pid <= 0 || pid == session || getsid(pid) != session)
			continue;
		/* The leader's group has received it already. */
		if (getpgid(pid) != session)
			kill(pid, number);
		count++;
	}
	if (proc)
		closedir(proc);
	return count;
}

void session_signal(pid_t session, int number)
{
	signal_all(session, number);
}

void session_kill(pid_t session)
{
	for (unsigned look = 0; look < LOOKS_MAX; look++)
		if (signal_all(session, SIGKILL) == 0)
			return;
}
