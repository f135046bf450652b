/* SPDX-License-Identifier: MIT */
/*
 * A second process that ends commands when the worker cannot: when it is killed, or frozen.
 *
 * It is told of each session and until when that may live.  What is late it kills, and when
 * the worker is gone it kills all.  It has no other business, no database and no locks, so there is
 * little that could stop it too.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define GUARD_NEVER INT64_MAX

struct guard {
	pid_t pid;
	int fd;
};

/* Before the first thread, and before anything that nobody else should keep open. */
int guard_open(struct guard *guard, struct error *err) MUST_CHECK;
/* The session is killed at this time (of clock_now_ms()) unless told otherwise before; GUARD_NEVER: only with us. */
int guard_watch(struct guard *guard, pid_t session, int64_t kill_at_ms,
		struct error *err) MUST_CHECK;
/* To be called while the session's leader is not reaped: then its number is still its own. */
void guard_forget(struct guard *guard, pid_t session);
/* After a SIGCHLD: does it still live? Without it nothing should be begun. */
int guard_check(struct guard *guard, struct error *err) MUST_CHECK;
void guard_close(struct guard *guard);

#endif
