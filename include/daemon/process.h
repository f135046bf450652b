/* SPDX-License-Identifier: MIT */
/*
 * What both programs do first and last: how the process stands towards those who started it.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/options.h"

/*
 * First of all in main(): standard streams that are closed are opened, so that no connection gets
 * their numbers; a reader of our output that goes away, or a file that may not grow, is an error and
 * not the end; signals end us also as process 1; ended children do not stay as zombies; and the
 * memory, which holds passwords, is neither dumped nor shown to other processes of the same user.
 */
void process_begin(void);

/*
 * The name of this host, with a '-' for each byte that is none of these characters; false and "": it
 * has none.
 */
bool process_host_name(char *name, size_t size, const char *characters);

/*
 * Hand over what was printed, less than a page of it.  While nobody reads it, SIGTERM and SIGINT end
 * us at once: the loop that takes them (daemon/signals.h) does not turn meanwhile.
 */
void process_flush(void);

/*
 * Last of all, and before _exit(): hand over what was printed. When any of it was lost, say so
 * and make a good exit code EXIT_OUTPUT_LOST.
 */
enum exit_code process_end(enum exit_code code);

#endif
