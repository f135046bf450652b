/* SPDX-License-Identifier: MIT */
/*
 * A second process that ends commands when the program cannot: when the program is killed or
 * frozen.
 *
 * It knows each session and how long that may live.  It kills sessions that live too long,
 * and all of them when the program is gone.  It does nothing else, and has no database and
 * no locks, so little could stop it too.
 */
#ifndef DAEMON_GUARD_H
#define DAEMON_GUARD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define GUARD_NEVER INT64_MAX
/* The largest number of sessions that it knows at once. */
#define GUARD_SESSIONS_MAX 256

struct guard {
	pid_t pid;
	int fd;
};

/*
 * Call it before the first thread starts, and before opening anything that no other process
 * should keep open.
 */
int guard_open(struct guard *guard, struct error *err) MUST_CHECK;
/*
 * The session is killed at this time (by clock_now_ms()) unless it is changed before;
 * GUARD_NEVER: only when the program is gone.
 */
int guard_watch(struct guard *guard, pid_t session, int64_t kill_at_ms,
		struct error *err) MUST_CHECK;
/* Call it while the session's leader is not reaped: until then nobody else can get its number. */
void guard_forget(struct guard *guard, pid_t session);
/*
 * After a SIGCHLD: is the guard still alive? Without it no command should be started. -1 with
 * err: it is gone.
 */
int guard_check(struct guard *guard, struct error *err) MUST_CHECK;
void guard_close(struct guard *guard);

#endif
