/* SPDX-License-Identifier: MIT */
/*
 * A bounded queue between threads.
 *
 * Pushing an item gives it away: the producer must not touch it any more.  The queue has
 * two limits, items and bytes, because a batch has from 200 bytes to some megabytes.  The
 * producer never waits: it keeps an item that does not fit, and fetches less.  Consumers
 * (one or more) wait.
 *
 * An item larger than the byte limit is accepted if the queue is empty, otherwise it would
 * never be.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct queue;

/* A new queue, which the caller owns. */
struct queue *queue_new(size_t max_items, size_t max_bytes);
/*
 * Calls free_item (may be NULL) for the items that were never popped. No thread may use the
 * queue any more.
 */
void queue_free(struct queue *queue, void (*free_item)(void *item));
/* False if the queue is full or closed; the item then still belongs to the caller. */
bool queue_try_push(struct queue *queue, void *item, size_t bytes) MUST_CHECK;
/* Wait for an item; NULL: the queue is closed and empty. */
void *queue_pop(struct queue *queue);
/* An item; NULL at once if there is none. */
void *queue_try_pop(struct queue *queue);
/* Accept no more items; consumers get the remaining ones, then NULL. */
void queue_close(struct queue *queue);

#endif
