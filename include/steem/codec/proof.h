/* SPDX-License-Identifier: MIT */
/*
 * Does the content of a block match its hashes?
 *
 * While a block is decoded, its transactions are packed one after the other.  At its end this
 * module computes the id of each trx, the merkle root and the block id, and compares them with the
 * answer.  If all match, nobody changed a byte of any operation without changing the block id.  The
 * surprise: the stored value may differ from the node's.  Nodes are known to print two kinds of
 * values wrong.  If exactly one other value matches the hashes, it replaces the printed one in the
 * payload, and block->correction says so.
 *
 * Not proved: members of `props` that are not packed (account_subsidy_budget,
 * account_subsidy_decay), virtual operations, and whether the chain accepted the block.
 */
#ifndef STEEM_CODEC_PROOF_H
#define STEEM_CODEC_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"
#include "steem/chain.h"
#include "steem/codec/key.h"
#include "steem/codec/pack.h"
#include "steem/json.h"
#include "steem/rpc.h"

struct proof;

/*
 * The state for proving blocks of this chain.  One thread uses it, for one block after the other.
 * The caller owns it; the chain must outlive it.  NULL with err (ERROR_CONFIG): see hash_new().
 */
struct proof *proof_new(const struct chain *chain, struct error *err) MUST_CHECK;
void proof_free(struct proof *proof);

/*
 * Recover the key that signed the block, which must have a seal.  This takes about 33 us.  -1 with
 * err (ERROR_NODE, RPC_FAILURE_FALSE): the signature is invalid, or the answer names another key.
 * It does not check whether the key belongs to the block's witness.
 */
int proof_signer(struct proof *proof, const struct block *block, struct key *ret_key,
		 struct error *err) MUST_CHECK;
/* Write the text of a key, with the chain's prefix. Returns text. */
char *proof_key_text(struct proof *proof, const struct key *key, char text[KEY_TEXT_BYTES]);
/*
 * A hash of the block's content: two blocks have the same one only if block_equal() is true for
 * them.  The caller can keep it instead of the block.  Virtual operations are not included.
 */
void proof_fingerprint(struct proof *proof, const struct block *block,
		       uint8_t ret[HASH_SHA256_BYTES]);

/* The functions below are for decode.c, in this order. */

void proof_begin_block(struct proof *proof);
void proof_begin_trx(struct proof *proof);
/* The table of operations of the chain. */
const struct codec_table *proof_operations(const struct proof *proof);
/*
 * Add an operation.  `i` is its index in the block, `row` its row in the table (NULL: it has
 * none); payload and values are as they were decoded.
 */
void proof_add_operation(struct proof *proof, size_t i, const struct operation *operation,
			 const struct codec_operation *row, const struct values *values);
/* End the trx; `around` are the values of codec_trx. */
void proof_end_trx(struct proof *proof, const struct values *around);

struct proof_claim {
	/* with num, id and arena; gets its proof, correction and seal */
	struct block *block;
	/* in the order in which they were added; a payload may be corrected */
	struct operation *operations;
	uint8_t (*ids)[BLOCK_ID_BYTES]; /* transaction_ids */
	uint8_t root[BLOCK_ID_BYTES];   /* transaction_merkle_root */
	struct values header;           /* the values of codec_signed_header */
	struct json_slice signing_key;  /* the text between its quotes; data NULL: there is none */
};

/*
 * Compare all hashes.  0: block->proof is BLOCK_PROOF_CONTENT, or BLOCK_PROOF_NONE with
 * block->proof_reason.  -1 with err (ERROR_NODE, RPC_FAILURE_FALSE): the hash that does not match;
 * the caller prefixes "block N: ".
 */
int proof_end_block(struct proof *proof, struct proof_claim *claim, struct error *err) MUST_CHECK;

#endif
