/* SPDX-License-Identifier: MIT */
/*
 * All processes of a session (setsid(2)).
 *
 * A process group is not enough: timeout(1), and every shell with job control, puts what it starts into
 * groups of its own.  The session stays the same, unless a program makes one of its own.
 */
#ifndef WORKER_SESSION_H
#define WORKER_SESSION_H

#include <sys/types.h>

/*
 * Send the signal with this number to each process of the session whose leader is, or was, `session`.  While one of them is
 * there, its number is nobody else's.  Without /proc only the leader's process group gets it.
 */
void session_signal(pid_t session, int number);
/* SIGKILL to all of them, and to what they started meanwhile. */
void session_kill(pid_t session);

#endif
