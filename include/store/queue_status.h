/* SPDX-License-Identifier: MIT */
/*
 * How the queues and the outbox are: what the views queue_status and outbox_status say.
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
#define QUEUE_STATUS_AUTHORS 100 /* of more, those with the oldest comments */

struct queue_status_queue {
	char queue[33];
	char order_by[12];
	bool is_paused;
	uint64_t ready;
	uint64_t waiting; /* given back, and not to be claimed yet */
	uint64_t claimed;
	uint64_t failed;
	bool has_oldest;
	uint64_t oldest_age_s; /* of those that are ready */
	double rate;           /* done in a second, over the last minute */
};

struct queue_status_author {
	char author[BLOCK_ACCOUNT_BYTES + 1];
	uint64_t pending;
	uint64_t sent;
	uint64_t confirmed;
	uint64_t failed;
	bool has_oldest;
	uint64_t oldest_age_s; /* of those that are pending or sent */
};

struct queue_status {
	struct queue_status_queue queues[QUEUE_STATUS_QUEUES]; /* by name */
	size_t queue_count;
	struct queue_status_author authors[QUEUE_STATUS_AUTHORS];
	size_t author_count;
};

/* The time it takes is linear in the number of ready deliveries: a fifth of a second for a million. */
int queue_status_load(struct db *db, struct queue_status *ret_status, struct error *err) MUST_CHECK;

#endif
