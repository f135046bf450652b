/* SPDX-License-Identifier: MIT */
/*
 * What the process of a command inherits from the worker.
 *
 * It gets the three standard streams, the working directory, the umask and the environment.  It gets
 * no other descriptor, no ignored or blocked signal, and no variable with a password or with a
 * socket of systemd.  The surprise: the libraries of MariaDB and MySQL open the connection to the
 * database without O_CLOEXEC, so that exec would hand it on, logged in.
 */
#ifndef WORKER_INHERIT_H
#define WORKER_INHERIT_H

#include <stdbool.h>

/* Remove the variables that commands must not get from our environment. Before the first thread. */
void inherit_clear_environment(void);
/*
 * For the new process between fork() and exec(), where only system calls are allowed: give all
 * signals their default actions, and block none.
 */
void inherit_default_signals(void);
/* For the same place: let no descriptor from `first` on survive exec(). False with errno: it failed. */
bool inherit_no_descriptors(int first);
/* For a process that does not exec: close all descriptors from 3 on but this one. */
void inherit_close_all_but(int fd);

#endif
