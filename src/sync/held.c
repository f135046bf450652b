/* SPDX-License-Identifier: MIT */
#include "sync/held.h"

#include <string.h>

#include "base/mem.h"

void held_list_put(struct held_list *list, struct work *work, const struct held *held)
{
	size_t at = list->count;

	while (at > 0 && list->items[at - 1].block->num >= held->block->num)
		at--;
	if (at < list->count && list->items[at].block->num == held->block->num) {
		work_release_block(work, &list->items[at]);
		list->items[at] = *held;
		return;
	}
	list->items = xgrow(list->items, list->count, &list->capacity, sizeof(*list->items));
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(*held));
	list->items[at] = *held;
	list->count++;
}

void held_list_remove(struct held_list *list, size_t from, size_t count)
{
	memmove(&list->items[from], &list->items[from + count],
		(list->count - from - count) * sizeof(*list->items));
	list->count -= count;
}

void held_list_clear(struct held_list *list, struct work *work)
{
	for (size_t i = 0; i < list->count; i++)
		work_release_block(work, &list->items[i]);
	list->count = 0;
}
