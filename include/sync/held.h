/* SPDX-License-Identifier: MIT */
/*
 * Blocks in hand, in the order of the chain, each number once.
 */
#ifndef SYNC_HELD_H
#define SYNC_HELD_H

#include <stddef.h>

#include "sync/work.h"

struct held_list {
	struct held *items; /* ascending; freed by the owner with free() once empty */
	size_t count;
	size_t capacity;
};

/* Put a block in its place; another version of the same block makes way and is freed. */
void held_list_put(struct held_list *list, struct work *work, const struct held *held);
/* Take `count` of them out; the blocks are the caller's business. */
void held_list_remove(struct held_list *list, size_t from, size_t count);
/* Free all blocks. */
void held_list_clear(struct held_list *list, struct work *work);

#endif
