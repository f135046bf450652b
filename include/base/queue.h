/* SPDX-License-Identifier: MIT */
/*
 * A bounded queue between threads.
 *
 * Pushing an item gives it away: the producer must not touch it any more.  The producer never
 * waits.  Consumers (one or more) wait.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct queue;

/* A new queue for this many items, which the caller owns. */
struct queue *queue_new(size_t max_items);
/*
 * Calls free_item (may be NULL) for the items that were never popped. No thread may use the
 * queue any more. NULL is allowed.
 */
void queue_free(struct queue *queue, void (*free_item)(void *item));
/* False if the queue is full or closed; the item then still belongs to the caller. */
bool queue_try_push(struct queue *queue, void *item) MUST_CHECK;
/* Wait for an item; NULL: the queue is closed and empty. */
void *queue_pop(struct queue *queue);
/* An item; NULL at once if there is none. */
void *queue_try_pop(struct queue *queue);
/* Accept no more items; consumers get the remaining ones, then NULL. */
void queue_close(struct queue *queue);

#endif
