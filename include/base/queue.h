/* SPDX-License-Identifier: MIT */
/*
 * A bounded queue between threads.
 *
 * Pushing an item gives it away: the producer may not touch it again.  The queue
 * is bounded twice, by items and by bytes, since a batch weighs from 200 bytes to
 * some megabytes.  The producer never waits: it keeps what finds no room, and
 * fetches less.  Consumers (one or more) wait.
 *
 * An item heavier than the whole byte limit passes when the queue is empty, else
 * it would never pass.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct queue;

struct queue *queue_new(size_t max_items, size_t max_bytes);
/* Frees what was never popped through free_item (may be NULL). No thread may use the queue any more. */
void queue_free(struct queue *queue, void (*free_item)(void *item));
/* False when full or closed; the item then still belongs to the caller. */
bool queue_try_push(struct queue *queue, void *item, size_t bytes) MUST_CHECK;
/* Wait for an item; NULL once the queue is closed and empty. */
void *queue_pop(struct queue *queue);
/* An item, or NULL at once when there is none. */
void *queue_try_pop(struct queue *queue);
/* No more pushes; consumers get what is left, then NULL. */
void queue_close(struct queue *queue);

#endif
