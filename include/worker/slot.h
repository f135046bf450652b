/* SPDX-License-Identifier: MIT */
/*
 * One place of work: at most one delivery, the command that works on it, and its result until
 * that is written.
 *
 * A slot is free, busy (the command works), or ending (the result is on its way to the database).
 * What it decides by itself, without the database, are the deadlines: the command is stopped
 * before its lease ends, whatever the database does.  A persistent command lives on between
 * deliveries; without one its slot takes none.
 */
#ifndef WORKER_SLOT_H
#define WORKER_SLOT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/log.h"
#include "worker/child.h"
#include "worker/errand.h"
#include "worker/guard.h"
#include "worker/lease.h"
#include "worker/verdict.h"

struct arguments;
struct writer;

/* What all slots share; the loop's. */
struct workshop {
	const struct arguments *arguments;
	char *path; /* of the command */
	struct writer *writer;
	struct guard guard;
	bool has_news;     /* a delivery has ended: another may have become ready, in some orders */
	bool is_stopping;  /* commands that end are not started again, records are given back */
	bool is_giving_up; /* what the database does not take now is left */
	struct error fault; /* why the worker cannot go on, or ERROR_NONE */
	/* The command cannot be started: nothing is claimed until then. */
	int64_t pause_until_ms;
	struct backoff pause;
	struct log_limit pause_limit;
	uint64_t done_count;
	uint64_t retry_count;
	uint64_t fail_count;
	uint64_t own_count; /* of done_count: our own author's comments, not given to the command */
	unsigned left_count; /* results that the database did not take */
};

enum slot_state {
	SLOT_FREE,
	SLOT_BUSY,
	SLOT_ENDING,
};

/* Why a busy command is being ended by us. */
enum slot_fate {
	FATE_NONE,
	FATE_TIMEOUT,
	FATE_LEASE_ENDING, /* it could not be renewed in time */
	FATE_LEASE_LOST,   /* another worker may have the delivery */
	FATE_STOPPED,
	FATE_FLOOD, /* it writes too much */
	FATE_RUBBISH,
};

struct slot {
	struct workshop *shop;
	enum slot_state state;
	enum slot_fate fate;
	struct child child;
	/* The delivery; not when free. */
	uint64_t delivery_id;
	char token[DELIVERY_TOKEN_BYTES + 1];
	unsigned attempt;
	struct lease lease;
	int64_t began_at_ms;
	int64_t timeout_at_ms;
	struct error rubbish; /* what was wrong with its answer */
	/* The result. */
	struct verdict verdict;
	bool is_sent;
	int64_t send_at_ms;
	struct backoff again;
	/* A persistent command is started again, later each time that it dies without an answer. */
	int64_t start_at_ms;
	struct backoff restart;
	unsigned idle_end_count; /* ends in a row without a record, or without a start */
};

void slot_init(struct slot *slot, struct workshop *shop);
void slot_release(struct slot *slot);
/* Can it take a delivery now? */
bool slot_is_ready(const struct slot *slot);
/* Neither a delivery nor a process. */
bool slot_is_empty(const struct slot *slot);
/* Takes the delivery, which was claimed at asked_at_ms; one that cannot be begun is given back. */
void slot_take(struct slot *slot, struct delivery *delivery, int64_t asked_at_ms);
/* CHILD_FDS of them. */
void slot_fill_fds(const struct slot *slot, struct pollfd *fds);
/* Once in each turn: pipes, deadlines, processes that have ended. */
void slot_step(struct slot *slot, const struct pollfd *fds, int64_t now_ms);
/* When slot_step() must be called at the latest. */
int64_t slot_wake_at_ms(const struct slot *slot);
/* May its lease be renewed? */
bool slot_wants_renewal(const struct slot *slot);
void slot_renewed(struct slot *slot, const struct renewal *renewal);
/* End the command, politely; its delivery is given back. */
void slot_stop(struct slot *slot);
void slot_kill(struct slot *slot);

#endif
