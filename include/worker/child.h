/* SPDX-License-Identifier: MIT */
/*
 * One process of the command: started in a session of its own, fed and read without ever
 * waiting, ended with all that it has started.
 *
 * Calling sequence: child_init(); child_start(); then in each turn of the loop child_fill_fds(),
 * child_step() and child_has_ended(); from then on what it said is there until the next
 * child_start().  A process that dies takes its session with it: what it has left behind in
 * the background would work on without a lease, and may hold the pipes open.
 */
#ifndef WORKER_CHILD_H
#define WORKER_CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define CHILD_INPUT_BYTES                                                                          \
	((size_t)20 * 1024 * 1024) /* a payload of 16 MiB, and what is around it */
#define CHILD_OUTPUT_BYTES ((size_t)1024 * 1024)
#define CHILD_TAIL_BYTES   4096
#define CHILD_LINE_BYTES   1024
#define CHILD_KILL_MS      5000 /* from SIGTERM to SIGKILL */
#define CHILD_FDS          3
#define CHILD_KILLED       (INT64_MAX - 1) /* kill_at_ms after a SIGKILL */

struct child {
	pid_t pid; /* 0: none */
	int in_fd, out_fd, err_fd;
	int exec_fd;   /* tells that the program could not be executed */
	struct buf in; /* not written yet: from in_at on */
	size_t in_at;
	size_t given;     /* bytes of the last child_give() */
	size_t written;   /* how many of them are written to the pipe */
	bool is_unread;   /* it has ended without reading any of them */
	bool is_fed_once; /* close its input behind what is in the buffer */
	struct buf out;
	bool is_flooding;            /* it wrote more than CHILD_OUTPUT_BYTES */
	char tail[CHILD_TAIL_BYTES]; /* the end of what it wrote to standard error */
	size_t tail_len;
	struct buf line;    /* of standard error, not logged yet */
	int64_t term_at_ms; /* after the end of its input; INT64_MAX: none */
	int64_t kill_at_ms; /* after a SIGTERM; INT64_MAX: none */
	int wait_status;
	int exec_errno;      /* 0: it was executed */
	char label[64];      /* for log lines */
	struct guard *guard; /* NULL: none, in tests */
};

struct guard;

/* Blocks SIGCHLD; the descriptor to poll, or -1. Before the first thread. */
int children_open(struct error *err) MUST_CHECK;
/* Read away what made it readable; then ask child_has_ended() of every child. */
void children_clear(int fd);
/*
 * Reap ended processes that are not our own: as process 1 of a container, or as a subreaper, we become
 * the parent of orphaned processes.  Call it after child_has_ended() of every child: it stops at a
 * process that is_own() knows, and the next turn reaps that one.
 */
void children_reap_others(bool (*is_own)(void *context, pid_t pid), void *context);

/* guard: ends it when we cannot; NULL: nobody does. */
void child_init(struct child *child, struct guard *guard);
/* Kills it, if it lives. */
void child_release(struct child *child);
/* has_output: read what it writes to standard output; else that goes where our own goes. */
int child_start(struct child *child, const char *path, char *const *argv, bool has_output,
		struct error *err) MUST_CHECK;
/* The guard kills it then; INT64_MAX: no more. */
int child_limit(struct child *child, int64_t kill_at_ms, struct error *err) MUST_CHECK;
/* Text for its standard input, of at most CHILD_INPUT_BYTES; is_last: nothing follows. */
void child_give(struct child *child, const char *text, size_t len, bool is_last);
/* CHILD_FDS of them; unused ones are -1. */
void child_fill_fds(const struct child *child, struct pollfd *fds);
void child_step(struct child *child, const struct pollfd *fds, int64_t now_ms);
/* True once, when the process has ended: its session is gone, everything it wrote is read. */
bool child_has_ended(struct child *child);
/* Is it on its way to its end? */
bool child_is_ending(const struct child *child);
/* The end of its input now; who does not go is asked to at term_at_ms. */
void child_end_input(struct child *child, int64_t term_at_ms);
/* SIGTERM to the session now, SIGKILL at kill_at_ms at the latest. */
void child_ask_to_end(struct child *child, int64_t kill_at_ms);
void child_kill(struct child *child);

#endif
