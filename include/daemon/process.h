/* SPDX-License-Identifier: MIT */
/*
 * What both programs do first and last: how the process stands towards those who started it.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "daemon/options.h"

/*
 * First of all in main(): standard streams that are closed are opened, so that no connection gets
 * their numbers; a reader of our output that goes away is an error and not the end; ended children
 * do not stay as zombies; and the memory, which holds passwords, is neither dumped nor shown to other processes of the same user.
 */
void process_begin(void);

/*
 * Last of all, and before _exit(): hand over what was printed. When any of it was lost, say so
 * and make a good exit code EXIT_OUTPUT_LOST.
 */
enum exit_code process_end(enum exit_code code);

#endif
