/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of one lease, by this process's monotonic clock.
 *
 * The database's clock decides when a lease ends.  We count from before the claim was
 * sent, so our end is never later than the database's; the command is stopped a margin
 * before it.  Pure: all times are arguments.
 */
#ifndef WORKER_LEASE_H
#define WORKER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct lease {
	int64_t lease_ms;
	int64_t from_ms;  /* before the claim, or the last successful renewal, was sent */
	int64_t renew_ms; /* when to renew it next */
};

/* asked_at_ms: just before the claim was sent. */
void lease_start(struct lease *lease, unsigned lease_s, int64_t asked_at_ms);
/* The lease was renewed; an answer older than the newest one changes nothing. */
void lease_renewed(struct lease *lease, int64_t asked_at_ms);
/* The lease could not be renewed now, but perhaps later: try again soon. */
void lease_not_renewed(struct lease *lease, int64_t now_ms);
/* Is it time to renew it? True a little early, so that several are renewed together. */
bool lease_is_due(const struct lease *lease, int64_t now_ms);
/* When the command gets SIGTERM, when it is killed, and when the lease ends. */
int64_t lease_term_at_ms(const struct lease *lease);
int64_t lease_kill_at_ms(const struct lease *lease);
/* Between those two: when the guard kills it, if the worker itself does not. */
int64_t lease_guard_at_ms(const struct lease *lease);
int64_t lease_end_at_ms(const struct lease *lease);
/*
 * Is enough of the lease left to start? At least half of it, because the claim may have been
 * slow.
 */
bool lease_is_worth_starting(const struct lease *lease, int64_t now_ms);

#endif
