/* SPDX-License-Identifier: MIT */
/*
 * One slot holds at most one delivery, the command that works on it, and its result until
 * that is written.
 *
 * A slot is free, busy (the command works), or ending (the result is on its way to the
 * database). It enforces the deadlines itself, without the database: the command is
 * stopped before its lease ends, whatever the database does.  A persistent command lives
 * on between deliveries; while it is not running, its slot accepts none.
 */
#ifndef WORKER_SLOT_H
#define WORKER_SLOT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/log.h"
#include "daemon/child.h"
#include "daemon/guard.h"
#include "worker/ending.h"
#include "worker/lease.h"
#include "worker/task.h"

struct arguments;
struct executor;

/* What all slots share; owned by the loop. */
struct worker {
	const struct arguments *arguments;
	char *path; /* of the command */
	struct executor *executor;
	struct guard guard;
	bool has_news; /* a delivery has ended: in some orders another one may be ready now */
	/* commands that end are not started again, and waiting records are released */
	bool is_stopping;
	bool is_giving_up;  /* results that the database does not accept now are abandoned */
	struct error fault; /* why the worker cannot continue, or ERROR_NONE */
	/* The command cannot be started: nothing is claimed until this time. */
	int64_t pause_until_ms;
	struct backoff pause;
	struct log_limit pause_limit;
	uint64_t done_count;
	uint64_t retry_count;
	uint64_t fail_count;
	/* part of done_count: comments of our own author, not given to the command */
	uint64_t own_count;
	unsigned left_count; /* results that the database did not accept */
};

enum slot_state {
	SLOT_FREE,
	SLOT_BUSY,
	SLOT_ENDING,
};

/* Why the worker stops a command that works on a delivery. */
enum stop_reason {
	STOP_NONE,
	STOP_TIMEOUT,
	STOP_LEASE_EXPIRES, /* the lease could not be renewed in time */
	STOP_LEASE_LOST,    /* another worker may have the delivery */
	STOP_WORKER,        /* the worker itself ends */
	STOP_TOO_MUCH,      /* it wrote too much */
	STOP_BAD_ANSWER,    /* of a persistent command */
};

struct slot {
	struct worker *worker;
	enum slot_state state;
	enum stop_reason stop_reason;
	struct child child;
	/* The delivery; unused while the slot is free. */
	uint64_t delivery_id;
	char token[DELIVERY_TOKEN_BYTES + 1];
	unsigned attempt;
	struct lease lease;
	int64_t began_at_ms;
	int64_t timeout_at_ms;
	struct error bad_answer; /* of STOP_BAD_ANSWER: what was wrong with the answer */
	/* How the delivery ends. */
	struct ending ending;
	bool is_sent;
	int64_t send_at_ms;
	struct backoff again;
	/* When a persistent command is started again: later each time it dies without an answer. */
	int64_t start_at_ms;
	struct backoff restart;
	unsigned idle_end_count; /* ends in a row without a record, or without a start */
};

void slot_init(struct slot *slot, struct worker *worker);
void slot_release(struct slot *slot);
/* Can it accept a delivery now? */
bool slot_is_ready(const struct slot *slot);
/* Takes the delivery, which was claimed at asked_at_ms; if it cannot be started, it is released. */
void slot_take(struct slot *slot, struct delivery *delivery, int64_t asked_at_ms);
/* Set CHILD_FDS entries. */
void slot_fill_fds(const struct slot *slot, struct pollfd *fds);
/*
 * Handle pipes, deadlines, and processes that have ended.  fds: the entries of slot_fill_fds(), NULL
 * if nothing was waited for.  Returns when to call it again.  Call it also after any other function
 * that changes the slot.
 */
int64_t slot_step(struct slot *slot, const struct pollfd *fds, int64_t now_ms);
/* Should its lease be renewed? */
bool slot_wants_renewal(const struct slot *slot);
void slot_renewed(struct slot *slot, const struct renewal *renewal);
/* End the command with SIGTERM; its delivery is released. */
void slot_stop(struct slot *slot);
void slot_kill(struct slot *slot);

#endif
