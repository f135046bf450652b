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
	int64_t since_ms;
	/* Of a cell (sync/anchors.h). */
	bool is_anchor;          /* signed with a known key */
	unsigned unknown_signer; /* of these keys its signer is none; 0: not looked at yet */
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
