/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of one lease, by this process's monotonic clock.
 *
 * The database's clock decides when a lease runs out.  Since a claim is counted from before it
 * was sent, our end is never later than the database's; the command is stopped a margin
 * before it.  Pure: all times are given.
 */
#ifndef WORKER_LEASE_H
#define WORKER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct lease {
	int64_t lease_ms;
	int64_t from_ms;  /* before the claim, or the last good renewal, was sent */
	int64_t renew_ms; /* when to renew it next */
};

/* asked_at_ms: just before the claim was sent. */
void lease_start(struct lease *lease, unsigned lease_s, int64_t asked_at_ms);
/* It was renewed; an answer that is older than what is known changes nothing. */
void lease_renewed(struct lease *lease, int64_t asked_at_ms);
/* It could not be renewed now, but may still be: soon again. */
void lease_not_renewed(struct lease *lease, int64_t now_ms);
/* Is it time to renew it? True a little early, so that several go together. */
bool lease_is_due(const struct lease *lease, int64_t now_ms);
/* When the command is asked to end, when it is killed, and when the lease is over. */
int64_t lease_term_at_ms(const struct lease *lease);
int64_t lease_kill_at_ms(const struct lease *lease);
/* Between those two: for who does it when the worker itself does not. */
int64_t lease_guard_at_ms(const struct lease *lease);
int64_t lease_end_at_ms(const struct lease *lease);
/* Is there enough left of it to begin? What the claim took was slow: half of it at least. */
bool lease_is_worth_starting(const struct lease *lease, int64_t now_ms);

#endif
