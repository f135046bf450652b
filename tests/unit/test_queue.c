/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/queue.h"

static void items_come_in_order(void **state)
{
	struct queue *queue = queue_new(3);
	int items[4] = {0, 1, 2, 3};

	(void)state;
	assert_null(queue_try_pop(queue));
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3; i++)
			assert_true(queue_try_push(queue, &items[i]));
		assert_false(queue_try_push(queue, &items[3]));
		for (int i = 0; i < 3; i++)
			assert_ptr_equal(queue_pop(queue), &items[i]);
	}
	queue_free(queue, NULL);
}

static void a_closed_queue_gives_what_is_left(void **state)
{
	struct queue *queue = queue_new(10);
	int item;

	(void)state;
	assert_true(queue_try_push(queue, &item));
	queue_close(queue);
	assert_false(queue_try_push(queue, &item));
	assert_ptr_equal(queue_pop(queue), &item);
	assert_null(queue_pop(queue));
	queue_free(queue, NULL);
}

static void what_is_left_is_freed(void **state)
{
	struct queue *queue = queue_new(4);

	(void)state;
	/* Leaks and double frees are the sanitizers' to see. */
	for (int i = 0; i < 3; i++)
		assert_true(queue_try_push(queue, xmalloc(8)));
	free(queue_pop(queue));
	assert_true(queue_try_push(queue, xmalloc(8)));
	assert_true(queue_try_push(queue, xmalloc(8)));
	queue_free(queue, free);
	queue_free(NULL, free);
}

#define ITEMS     20000
#define CONSUMERS 3

struct consumer {
	pthread_t thread;
	struct queue *queue;
	unsigned count;
	unsigned *seen;
};

static void *consume(void *context)
{
	struct consumer *me = context;
	unsigned *item;

	while ((item = queue_pop(me->queue)) != NULL) {
		me->seen[*item]++;
		me->count++;
		free(item);
	}
	return NULL;
}

static void each_item_reaches_one_consumer(void **state)
{
	struct queue *queue = queue_new(16);
	struct consumer consumers[CONSUMERS];
	unsigned total = 0;

	(void)state;
	for (int i = 0; i < CONSUMERS; i++) {
		consumers[i] = (struct consumer){.queue = queue};
		consumers[i].seen = xcalloc(ITEMS, sizeof(unsigned));
		assert_int_equal(pthread_create(&consumers[i].thread, NULL, consume, &consumers[i]),
				 0);
	}
	for (unsigned i = 0; i < ITEMS; i++) {
		unsigned *item = xmalloc(sizeof(*item));

		*item = i;
		while (!queue_try_push(queue, item))
			sched_yield();
	}
	queue_close(queue);
	for (int i = 0; i < CONSUMERS; i++) {
		assert_int_equal(pthread_join(consumers[i].thread, NULL), 0);
		total += consumers[i].count;
	}
	assert_int_equal(total, ITEMS);
	for (unsigned item = 0; item < ITEMS; item++)
		assert_int_equal(consumers[0].seen[item] + consumers[1].seen[item] +
					 consumers[2].seen[item],
				 1);
	for (int i = 0; i < CONSUMERS; i++)
		free(consumers[i].seen);
	queue_free(queue, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_in_order),
		cmocka_unit_test(a_closed_queue_gives_what_is_left),
		cmocka_unit_test(what_is_left_is_freed),
		cmocka_unit_test(each_item_reaches_one_consumer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
