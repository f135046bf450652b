/* SPDX-License-Identifier: MIT */
/*
 * The state of the queues and the outbox, from the views queue_status and outbox_status.
 */
#ifndef STORE_QUEUE_STATUS_H
#define STORE_QUEUE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

struct db;

#define QUEUE_STATUS_QUEUES  64
#define QUEUE_STATUS_AUTHORS 100 /* if there are more, those with the oldest comments */

struct queue_status_queue {
	char queue[33];
	char order_by[12];
	bool is_paused;
	uint64_t ready;
	uint64_t waiting; /* released or retried, and not claimable yet */
	uint64_t claimed;
	uint64_t failed;
	bool has_oldest;
	uint64_t oldest_age_s; /* of the ready deliveries */
	double rate;           /* deliveries done per second, over the last minute */
};

struct queue_status_author {
	char author[BLOCK_ACCOUNT_BYTES + 1];
	uint64_t pending;
	uint64_t sent;
	uint64_t confirmed;
	uint64_t failed;
	uint64_t held;
	bool has_oldest;
	uint64_t oldest_age_s; /* of what is pending or sent */
};

struct queue_status {
	struct queue_status_queue queues[QUEUE_STATUS_QUEUES]; /* by name */
	size_t queue_count;
	struct queue_status_author authors[QUEUE_STATUS_AUTHORS];
	size_t author_count;
};

/* Takes time in proportion to the number of ready deliveries: a fifth of a second for a million. */
int queue_status_load(struct db *db, struct queue_status *ret_status, struct error *err) MUST_CHECK;

#endif
