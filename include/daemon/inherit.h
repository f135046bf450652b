/* SPDX-License-Identifier: MIT */
/*
 * What the process of a command inherits from the program that starts it.
 *
 * It gets the three standard streams, the working directory, the umask and the
 * environment.  It gets no other descriptor, no ignored or blocked signal, and no variable
 * with a password or a socket of systemd.  The surprise: the libraries of MariaDB and
 * MySQL open the database connection without O_CLOEXEC, so exec would pass it on, logged
 * in.
 */
#ifndef DAEMON_INHERIT_H
#define DAEMON_INHERIT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Remove variables from our environment that commands must not get. Call it before the first
 * thread starts.
 */
void inherit_clear_environment(void);
/*
 * For a command of its own: our environment without variables that a command must not get, and `count`
 * variables "NAME=value" more, which replace those of the same name.  The caller frees the list; its
 * texts belong to our environment and to `added`.
 */
char **inherit_environment(char *const *added, size_t count);
/*
 * For a new process between fork() and exec(), where only system calls are allowed: set all
 * signals to their default actions, and block none.
 */
void inherit_default_signals(void);
/*
 * For the same place: no descriptor from `first` on survives exec(). False with errno: this
 * failed.
 */
bool inherit_no_descriptors(int first);
/* For a process that does not call exec(): close all descriptors from 3 on except this one. */
void inherit_close_all_but(int fd);

#endif
