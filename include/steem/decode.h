/* SPDX-License-Identifier: MIT */
/*
 * Converts results of the condenser API to our structures.
 *
 * A block is refused (ERROR_NODE) unless it is complete: its number and ids match, it has
 * as many transaction ids as transactions, each transaction has an operation, and the
 * merkle root is zero exactly if there are no transactions.  An answer without `block_id`
 * comes from too old a node.  Operations with unknown names are kept.
 */
#ifndef STEEM_DECODE_H
#define STEEM_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

struct json_cursor;
struct proof;

/* The content of one answer of get_dynamic_global_properties. */
struct chain_head {
	uint32_t head_block;
	uint32_t irreversible_block;
	int64_t head_time_s; /* the head block's time */
};

/* -1 with err (ERROR_NODE): the answer does not have all of it. */
int decode_head(const char *result, size_t len, struct chain_head *ret_head,
		struct error *err) MUST_CHECK;

/*
 * The signing key in an answer of get_witness_by_account about this witness, as text; `key` has
 * DECODE_KEY_BYTES.  -1 with err (ERROR_NODE): the answer has no key; `null` means that there is
 * no such witness.
 */
#define DECODE_KEY_BYTES 64
int decode_signing_key(const char *result, size_t len, const char *witness,
		       char key[DECODE_KEY_BYTES], struct error *err) MUST_CHECK;

/*
 * The block that was asked for under `num`; the caller owns it.  NULL with err
 * (ERROR_NODE) for anything else; `null` says "the node does not have block N".
 * All operations are marked as stored.
 * With `proof` (steem/codec/proof.h; NULL: nothing is proved) the block says what was proved of it,
 * and rpc_failure_of(err) is RPC_FAILURE_FALSE where the answer contradicts its own hashes.
 */
struct block *decode_block(const char *result, size_t len, uint32_t num, struct proof *proof,
			   struct error *err) MUST_CHECK;

/*
 * The same for the value that follows the cursor; the cursor is moved behind it.  After NULL the
 * cursor is unusable: a copy of it tells where the value began.
 */
struct block *decode_block_at(struct json_cursor *cursor, uint32_t num, struct proof *proof,
			      struct error *err) MUST_CHECK;

#endif
