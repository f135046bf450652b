/* SPDX-License-Identifier: MIT */
/*
 * What a process of the command gets from the worker, and what it does not get.
 *
 * It gets the three standard streams, the working directory, the umask and the environment.  It gets
 * no other descriptor, no ignored or blocked signal, and no variable with a password or with a
 * socket of systemd.  The surprise: the libraries of MariaDB and MySQL open the connection to the
 * database without O_CLOEXEC, so that exec would hand it on, logged in.
 */
#ifndef WORKER_INHERIT_H
#define WORKER_INHERIT_H

#include <stdbool.h>

/* Take variables that are not for commands out of our own environment. Before the first thread. */
void inherit_clear_environment(void);
/*
 * For the new process after fork(), between which and exec only system calls are allowed:
 * all signals as they are by default, none blocked.
 */
void inherit_default_signals(void);
/* The same: no descriptor from `first` on goes through exec. False with errno: it cannot be done. */
bool inherit_no_descriptors(int first);
/* For a process that does not exec: close all descriptors from 3 on but this one. */
void inherit_close_all_but(int fd);

#endif
