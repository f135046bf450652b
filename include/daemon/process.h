/* SPDX-License-Identifier: MIT */
/*
 * The first and the last step of both programs: standard streams, signals, children, and the output.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "daemon/options.h"

/*
 * Call it first in main().  It opens standard streams that are closed, so that no connection gets
 * their numbers.  It ignores SIGPIPE: when the reader of our output goes away, a write fails.  It
 * lets ended children leave no zombies.  It protects the memory, which holds passwords: it is never
 * dumped, and other processes of the same user cannot read it.
 */
void process_begin(void);

/*
 * Call it last, also before _exit().  It writes out the buffered output.  If any output was lost, it
 * logs that and turns EXIT_OK into EXIT_OUTPUT_LOST.
 */
enum exit_code process_end(enum exit_code code);

#endif
