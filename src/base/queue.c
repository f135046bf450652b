/* SPDX-License-Identifier: MIT */
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct slot {
	void *item;
	size_t bytes;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t arrived; /* signals an item, or that the queue was closed */
	struct slot *slots;     /* a ring of max_items */
	size_t max_items;
	size_t max_bytes;
	size_t first;
	size_t count;
	size_t bytes;
	bool is_closed;
};

struct queue *queue_new(size_t max_items, size_t max_bytes)
{
	struct queue *queue = xcalloc(1, sizeof(*queue));

	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->arrived, NULL);
	queue->max_items = max_items > 0 ? max_items : 1;
	queue->max_bytes = max_bytes;
	queue->slots = xcalloc(queue->max_items, sizeof(*queue->slots));
	return queue;
}

void queue_free(struct queue *queue, void (*free_item)(void *item))
{
	if (queue == NULL)
		return;
	for (size_t i = 0; free_item != NULL && i < queue->count; i++)
		free_item(queue->slots[(queue->first + i) % queue->max_items].item);
	pthread_cond_destroy(&queue->arrived);
	pthread_mutex_destroy(&queue->lock);
	free(queue->slots);
	free(queue);
}

static bool has_room(const struct queue *queue, size_t bytes)
{
	if (queue->is_closed || queue->count == queue->max_items)
		return false;
	return queue->count == 0 ||
	       (queue->bytes <= queue->max_bytes && bytes <= queue->max_bytes - queue->bytes);
}

bool queue_try_push(struct queue *queue, void *item, size_t bytes)
{
	bool is_pushed = false;

	pthread_mutex_lock(&queue->lock);
	if (has_room(queue, bytes)) {
		size_t free_slot = (queue->first + queue->count) % queue->max_items;

		queue->slots[free_slot] = (struct slot){item, bytes};
		queue->count++;
		queue->bytes += bytes;
		is_pushed = true;
		pthread_cond_signal(&queue->arrived);
	}
	pthread_mutex_unlock(&queue->lock);
	return is_pushed;
}

/* Remove and return the oldest item, or NULL; the lock must be held. */
static void *take(struct queue *queue)
{
	struct slot *slot = &queue->slots[queue->first];

	if (queue->count == 0)
		return NULL;
	queue->first = (queue->first + 1) % queue->max_items;
	queue->count--;
	queue->bytes -= slot->bytes;
	return slot->item;
}

void *queue_pop(struct queue *queue)
{
	void *item;

	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0 && !queue->is_closed)
		pthread_cond_wait(&queue->arrived, &queue->lock);
	item = take(queue);
	pthread_mutex_unlock(&queue->lock);
	return item;
}

void *queue_try_pop(struct queue *queue)
{
	void *item;

	pthread_mutex_lock(&queue->lock);
	item = take(queue);
	pthread_mutex_unlock(&queue->lock);
	return item;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_closed = true;
	pthread_cond_broadcast(&queue->arrived);
	pthread_mutex_unlock(&queue->lock);
}
