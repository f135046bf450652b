/* SPDX-License-Identifier: MIT */
/*
 * One process of the command.  It is started in its own session, its pipes are read and
 * written without ever waiting, and it is ended with everything that it has started.
 *
 * Calling sequence: child_init(); child_start(); then in each turn of the loop
 * child_fill_fds(), child_step() and child_has_ended().  After the end its output stays
 * available until the next child_start().  When the process dies, its whole session is
 * killed: processes left in the background would work on without a lease, and may keep the
 * pipes open.
 */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define CHILD_INPUT_BYTES                                                                          \
	((size_t)20 * 1024 * 1024) /* a payload of 16 MiB, and the rest of the record */
#define CHILD_OUTPUT_BYTES ((size_t)1024 * 1024)
#define CHILD_TAIL_BYTES   4096
#define CHILD_LINE_BYTES   1024
#define CHILD_KILL_MS      5000 /* between SIGTERM and SIGKILL */
#define CHILD_FDS          3
#define CHILD_KILLED       (INT64_MAX - 1) /* the value of kill_at_ms after a SIGKILL */

struct child {
	pid_t pid; /* 0: no process */
	int in_fd, out_fd, err_fd;
	int exec_fd;   /* reports that the program could not be executed */
	struct buf in; /* unwritten input starts at in_at */
	size_t in_at;
	size_t given;     /* bytes of the last child_give() */
	size_t written;   /* how many of them were written to the pipe */
	bool is_unread;   /* it ended without reading any of them */
	bool is_fed_once; /* close its input after what is in the buffer */
	struct buf out;
	bool wrote_too_much;         /* it wrote more than CHILD_OUTPUT_BYTES */
	char tail[CHILD_TAIL_BYTES]; /* the end of its standard error */
	size_t tail_len;
	struct buf line;    /* a line of standard error that is not logged yet */
	int64_t term_at_ms; /* when to send SIGTERM after the end of its input, or CLOCK_NEVER */
	int64_t kill_at_ms; /* when to send SIGKILL after SIGTERM, or CLOCK_NEVER */
	int wait_status;
	int exec_errno;           /* 0: it was executed */
	char label[64];           /* for log lines */
	struct guard *guard;      /* NULL: no guard */
	char *const *environment; /* the caller's, for child_start(); NULL: our own */
};

struct guard;

/*
 * Blocks SIGCHLD. Returns the file descriptor to poll, or -1 with err. Call it before the first
 * thread starts.
 */
int children_open(struct error *err) MUST_CHECK;
/* Read everything from the descriptor; then ask child_has_ended() of every child. */
void children_clear(int fd);
/*
 * Reap ended processes that are not our own: as process 1 of a container, or as a subreaper, we
 * become the parent of orphaned processes.  Call it after child_has_ended() of every child.  It
 * stops at a process that is_own() knows, and the next turn reaps that one.
 */
void children_reap_others(bool (*is_own)(void *context, pid_t pid), void *context);

/* guard: ends the child if we cannot; NULL: nobody does. */
void child_init(struct child *child, struct guard *guard);
/* Kills the process if it is alive. */
void child_release(struct child *child);
/* has_output: its standard output is read; otherwise it goes to our own. */
int child_start(struct child *child, const char *path, char *const *argv, bool has_output,
		struct error *err) MUST_CHECK;
/* The guard kills it at this time; INT64_MAX: it has no such limit. */
int child_limit(struct child *child, int64_t kill_at_ms, struct error *err) MUST_CHECK;
/* Add text for its standard input, at most CHILD_INPUT_BYTES; is_last: nothing follows. */
void child_give(struct child *child, const char *text, size_t len, bool is_last);
/* Set CHILD_FDS entries; unused ones are -1. */
void child_fill_fds(const struct child *child, struct pollfd *fds);
/*
 * Read and write the pipes, and send the signals that are due.  fds: the entries of
 * child_fill_fds(); NULL: only the signals.  Returns when the next one is due.
 */
int64_t child_step(struct child *child, const struct pollfd *fds, int64_t now_ms);
/* True once, when the process has ended: its session is gone, and all its output was read. */
bool child_has_ended(struct child *child);
/* Is it being ended? */
bool child_is_ending(const struct child *child);
/* Close its input; if it does not exit, it gets SIGTERM at term_at_ms. */
void child_end_input(struct child *child, int64_t term_at_ms);
/* Send SIGTERM to the session now, and SIGKILL at kill_at_ms at the latest. */
void child_ask_to_end(struct child *child, int64_t kill_at_ms);
void child_kill(struct child *child);

#endif
