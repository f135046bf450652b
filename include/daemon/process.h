/* SPDX-License-Identifier: MIT */
/*
 * The first and the last step of each program: standard streams, log, signals, children, and
 * the output.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

/* Most are from sysexits.h; the unit file and the manual page list all of them. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_GAPS_FOUND = 1, /* --gaps --check found missing blocks */
	EXIT_USAGE_ERROR = 64,
	EXIT_DATA_ERROR = 65,  /* data contradict the chain */
	EXIT_NO_INPUT = 66,    /* the file of --prove cannot be read */
	EXIT_UNAVAILABLE = 69, /* no node or no database in time, or blocks are still missing */
	EXIT_BUG = 70,
	EXIT_OUTPUT_LOST = 74, /* the output could not be written */
	EXIT_INTERRUPTED = 75, /* a backfill was interrupted; run it again */
	EXIT_NO_RIGHTS = 77,
	/* configuration, schema or filter; or another process took over the name */
	EXIT_BAD_CONFIG = 78,
	EXIT_SECOND_SIGNAL = 130,
};

/*
 * Call it first in main().  It opens standard streams that are closed, so that no connection
 * gets their numbers.  It ignores SIGPIPE and SIGXFSZ, so a write fails if the reader of our
 * output has gone, or if a file may not grow.  Signals end the program even if it is process 1.
 * Ended children leave no zombies.  The memory, which contains passwords, is never dumped, and
 * other processes of the same user cannot read it.  The log is open, and so is the way to systemd
 * (daemon/notify.h).
 */
void process_begin(void);

/*
 * The name of this host, with '-' for each byte that is not one of `characters`.  False, and "":
 * it has no name.
 */
bool process_host_name(char *name, size_t size, const char *characters);

/* The characters of the name that a worker or a poster has in the tables. */
#define PROCESS_NAME_CHARACTERS                                                                    \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/@:-"
/* HOST/PID, or FALLBACK/PID if this host has no name. */
void process_name(char *name, size_t size, const char *fallback);

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
