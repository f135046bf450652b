/* SPDX-License-Identifier: MIT */
/*
 * The first and the last step of both programs: standard streams, signals, children, and
 * the output.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/options.h"

/*
 * Call it first in main().  It opens standard streams that are closed, so that no connection
 * gets their numbers.  It ignores SIGPIPE and SIGXFSZ, so a write fails if the reader of our
 * output has gone, or if a file may not grow.  Signals end the program even if it is process 1.
 * Ended children leave no zombies.  The memory, which contains passwords, is never dumped, and
 * other processes of the same user cannot read it.
 */
void process_begin(void);

/*
 * The name of this host, with '-' for each byte that is not one of `characters`.  False, and "":
 * it has no name.
 */
bool process_host_name(char *name, size_t size, const char *characters);

/*
 * Write out the buffered output, which is less than a page.  While nobody reads it, SIGTERM and
 * SIGINT end the program at once, because the loop that handles them (daemon/signals.h) does not
 * run.
 */
void process_flush(void);

/*
 * Call it last, also before _exit().  It writes out the buffered output.  If any output was
 * lost, it logs that and turns EXIT_OK into EXIT_OUTPUT_LOST.
 */
enum exit_code process_end(enum exit_code code);

#endif
