/* SPDX-License-Identifier: MIT */
/*
 * Decodes the virtual operations of a block: the result of
 * condenser_api.get_ops_in_block(n, true).
 *
 * They are numbered 1, 2, 3... in the order of the answer, because the node's own numbers
 * have holes and repeat.  The trx that caused an operation must exist in the block.  The
 * time is ignored, because nodes give that of the block before.
 *
 * The surprise: an empty list proves nothing.  A node that does not have the block's
 * virtual operations yet, or that leaves some out, reports no error.  From
 * DECODE_FIRST_REWARDED_BLOCK on every block has a producer_reward; a list without one is
 * BLOCK_VIRTUAL_UNVERIFIED.  Below that block a block may have no virtual operations, but
 * a node that has not imported its account history gives an empty list too.  So an empty
 * list is BLOCK_VIRTUAL_UNVERIFIED here; client_virtual.c believes it if the same answer
 * proves the history.
 */
#ifndef STEEM_DECODE_VIRTUAL_H
#define STEEM_DECODE_VIRTUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

/* 30 days of blocks: before that, witnesses were mostly paid without a virtual operation. */
#define DECODE_FIRST_REWARDED_BLOCK 864000

/*
 * Add them to a decoded block, after its real operations, and set its virtual_state.  -1 with
 * err (ERROR_NODE): the answer is not the requested list, and the block is unchanged.
 */
int decode_virtual(const char *result, size_t len, struct block *block,
		   struct error *err) MUST_CHECK;

/* Does a list of virtual operations prove that its node has an account history? */
struct decode_witness {
	bool has_any;
	bool has_reward; /* a producer_reward */
};
/*
 * Read the list of block `num`, without the block.  -1 with err (ERROR_NODE): it is not such a
 * list.
 */
int decode_virtual_witness(const char *result, size_t len, uint32_t num,
			   struct decode_witness *ret_witness, struct error *err) MUST_CHECK;

#endif
