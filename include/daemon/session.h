/* SPDX-License-Identifier: MIT */
/*
 * All processes of a session (setsid(2)).
 *
 * A process group is not enough: timeout(1), and every shell with job control, put the
 * processes that they start into groups of their own.  The session stays the same unless a
 * program creates its own.
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <sys/types.h>

/*
 * Send the signal `number` to each process of the session whose leader is, or was, `session`.
 * While one of them exists, no other session can get that number.  Without /proc only the
 * leader's process group gets the signal.
 */
void session_signal(pid_t session, int number);
/* Send SIGKILL to all of them, and to the processes that they started meanwhile. */
void session_kill(pid_t session);

#endif
