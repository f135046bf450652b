/* SPDX-License-Identifier: MIT */
#include "base/queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

struct queue {
	struct monitor *monitor; /* announces an item, and that the queue was closed */
	void **items;            /* a ring of max_items */
	size_t max_items;
	size_t first;
	size_t count;
	bool is_closed;
};

struct queue *queue_new(size_t max_items)
{
	struct queue *queue = xcalloc(1, sizeof(*queue));

	queue->monitor = monitor_new();
	queue->max_items = max_items > 0 ? max_items : 1;
	queue->items = xcalloc(queue->max_items, sizeof(*queue->items));
	return queue;
}

void queue_free(struct queue *queue, void (*free_item)(void *item))
{
	if (!queue)
		return;
	for (size_t i = 0; free_item && i < queue->count; i++)
		free_item(queue->items[(queue->first + i) % queue->max_items]);
	monitor_free(queue->monitor);
	free(queue->items);
	free(queue);
}

bool queue_try_push(struct queue *queue, void *item)
{
	bool is_pushed = false;

	monitor_lock(queue->monitor);
	if (!queue->is_closed && queue->count < queue->max_items) {
		queue->items[(queue->first + queue->count++) % queue->max_items] = item;
		is_pushed = true;
		monitor_announce(queue->monitor);
	}
	monitor_unlock(queue->monitor);
	return is_pushed;
}

/* Remove and return the oldest item, or NULL; the caller holds the lock. */
static void *take(struct queue *queue)
{
	void *item;

	if (queue->count == 0)
		return NULL;
	item = queue->items[queue->first];
	queue->first = (queue->first + 1) % queue->max_items;
	queue->count--;
	return item;
}

void *queue_pop(struct queue *queue)
{
	void *item;

	monitor_lock(queue->monitor);
	while (queue->count == 0 && !queue->is_closed)
		monitor_wait(queue->monitor, CLOCK_NEVER);
	item = take(queue);
	monitor_unlock(queue->monitor);
	return item;
}

void *queue_try_pop(struct queue *queue)
{
	void *item;

	monitor_lock(queue->monitor);
	item = take(queue);
	monitor_unlock(queue->monitor);
	return item;
}

void queue_close(struct queue *queue)
{
	monitor_lock(queue->monitor);
	queue->is_closed = true;
	monitor_announce(queue->monitor);
	monitor_unlock(queue->monitor);
}
