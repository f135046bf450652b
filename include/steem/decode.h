/* SPDX-License-Identifier: MIT */
/*
 * Results of the condenser API to our structures.
 *
 * A block is refused (ERROR_NODE) unless it is complete: its number and ids fit, it
 * has as many transaction ids as transactions, no transaction is without an operation,
 * the merkle root is zero exactly when there are no transactions.  An answer without
 * `block_id` comes from too old a node.  Unknown operation names are kept.
 */
#ifndef STEEM_DECODE_H
#define STEEM_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

struct json_cursor;
struct proof;

/* What one answer of get_dynamic_global_properties says. */
struct chain_head {
	uint32_t head_block;
	uint32_t irreversible_block;
	int64_t head_time_s; /* the head block's time */
};

int decode_head(const char *result, size_t len, struct chain_head *ret_head,
		struct error *err) MUST_CHECK;

/*
 * The signing key in an answer of get_witness_by_account about this witness, as text; `key` has
 * DECODE_KEY_BYTES.  -1 with err (ERROR_NODE) for anything else: null says that there is no such witness.
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
 * The same, from the value that the cursor stands before; it stands behind it then.  After
 * NULL it is of no use: a copy of the cursor tells where the value began.
 */
struct block *decode_block_at(struct json_cursor *cursor, uint32_t num, struct proof *proof,
			      struct error *err) MUST_CHECK;

#endif
