/* SPDX-License-Identifier: MIT */
/*
 * The virtual operations of a block: the result of condenser_api.get_ops_in_block(n, true).
 *
 * They are numbered 1, 2, 3... in the order of the answer: the node's own numbers have holes and
 * repeat.  What says which trx caused one must fit the block; the time is not looked at, as
 * nodes give that of the block before.
 *
 * The surprise: an empty list proves nothing.  A node that does not have the block's virtual
 * operations yet, or that leaves some out, answers no error.  From
 * DECODE_FIRST_REWARDED_BLOCK on every block has a producer_reward; a list without one is
 * BLOCK_VIRTUAL_UNVERIFIED.  Below that block a block may have none, but a node that has not
 * imported its account history gives an empty list too.  So an empty list is
 * BLOCK_VIRTUAL_UNVERIFIED here; client_virtual.c believes it if the same answer proves the history.
 */
#ifndef STEEM_DECODE_VIRTUAL_H
#define STEEM_DECODE_VIRTUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

/* 30 days of blocks: until then witnesses were mostly paid without a virtual operation. */
#define DECODE_FIRST_REWARDED_BLOCK 864000

/*
 * Add them to a decoded block, behind its real operations, and set its virtual_state.  -1 with
 * err (ERROR_NODE): the answer is not what was asked for, and the block is as it was.
 */
int decode_virtual(const char *result, size_t len, struct block *block,
		   struct error *err) MUST_CHECK;

/* What a list of virtual operations says about its node, whose history is to be proved. */
struct decode_witness {
	bool has_any;
	bool has_reward; /* a producer_reward */
};
/* Read the list of block `num`, without the block.  -1 with err (ERROR_NODE): it is no such list. */
int decode_virtual_witness(const char *result, size_t len, uint32_t num,
			   struct decode_witness *ret_witness, struct error *err) MUST_CHECK;

#endif
