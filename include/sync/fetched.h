/* SPDX-License-Identifier: MIT */
/*
 * A fetched block, and the node that gave it.
 */
#ifndef SYNC_FETCHED_H
#define SYNC_FETCHED_H

#include <stdint.h>

#include "steem/block.h"
#include "sync/shared.h"

struct node;

struct fetched {
	struct block *block;
	unsigned source; /* index of the node that gave it, in the pool of pool_epoch */
	unsigned pool_epoch;
	int64_t since_ms; /* when it arrived */
	/* Of a cell; used by anchors.c only. */
	bool is_anchor;       /* signed with a known key */
	unsigned vain_search; /* the newest generation of keys that has not the signer's; 0: none */
};
/* Filter a block, count its memory, and note which node gave it. Takes the block. */
struct fetched fetched_hold(struct shared *shared, struct block *block, unsigned source);
/* The node that gave it; NULL if the nodes were read again since then. */
struct node *fetched_source(const struct shared *shared, const struct fetched *held);
/* The label of that node, for messages. */
const char *fetched_source_label(const struct shared *shared, const struct fetched *held);
/* Free the block and subtract its memory. */
void fetched_release(struct shared *shared, struct fetched *held);

#endif
