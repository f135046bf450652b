/* SPDX-License-Identifier: MIT */
/*
 * A list of fetched blocks in chain order, each number once.
 */
#ifndef SYNC_HELD_H
#define SYNC_HELD_H

#include <stddef.h>

#include "sync/work.h"

struct held_list {
	struct held *items; /* ascending; the owner frees it with free() once it is empty */
	size_t count;
	size_t capacity;
};

/* Insert a block at its place; another version of the same block is replaced and freed. */
void held_list_put(struct held_list *list, struct work *work, const struct held *held);
/* Remove `count` blocks without freeing them: the caller owns them. */
void held_list_remove(struct held_list *list, size_t from, size_t count);
/* Free all blocks. */
void held_list_clear(struct held_list *list, struct work *work);

#endif
