/* SPDX-License-Identifier: MIT */
/*
 * Does a block's JSON say what its hashes say?
 *
 * While a block is decoded its transactions are packed one behind the other; at its end all hashes
 * are made: the id of each trx, the merkle root over all, the id of the block.  Where they fit, every
 * byte of every operation hangs on the block's id.
 * The surprise: a value may be stored that the node did not give.  Two values are known to be
 * shown wrong by nodes (PROOF's repairs below); where only one value fits the hashes it is put
 * into the payload, and block->correction says so.
 *
 * Not proved: members of the JSON that are not packed (account_subsidy_budget and account_subsidy_decay
 * in `props`), virtual operations, and that the chain allowed what the block does.
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
#include "steem/json.h"
#include "steem/rpc.h"

struct proof;

/*
 * What blocks of this chain are proved with, one after the other, by one thread.  The caller owns
 * it; the chain must outlive it.  NULL with err (ERROR_CONFIG): see hash_new().
 */
struct proof *proof_new(const struct chain *chain, struct error *err) MUST_CHECK;
void proof_free(struct proof *proof);

/*
 * The key that signed a block of state BLOCK_PROOF_CONTENT or better, recovered from its seal (33 us).
 * -1 with err (ERROR_NODE, RPC_FAILURE_FALSE): the signature is none, or the answer named another key.
 * Whether it is a key of the block's witness, it does not know.
 */
int proof_signer(struct proof *proof, const struct block *block, struct key *ret_key,
		 struct error *err) MUST_CHECK;
/* Its text, as the chain writes keys. Returns text. */
char *proof_key_text(struct proof *proof, const struct key *key, char text[KEY_TEXT_BYTES]);
/*
 * 32 bytes that two blocks share only if block_equal() says the same of them; in place of a block that would
 * be kept for a comparison alone.  Of a block without virtual operations.
 */
void proof_fingerprint(struct proof *proof, const struct block *block,
		       uint8_t ret[HASH_SHA256_BYTES]);

/* What follows is for decode.c, in this order. */

void proof_begin_block(struct proof *proof);
void proof_begin_trx(struct proof *proof);
/* The operations of its chain. */
const struct codec_table *proof_operations(const struct proof *proof);
/*
 * `i` is the operation's place in the block, `row` its row in that table (NULL: it has none); its
 * payload and members are as they were decoded.
 */
void proof_add_operation(struct proof *proof, size_t i, const struct operation *operation,
			 const struct codec_operation *row, const struct json_members *members);
/* All members of the trx but its operations and its transaction_id. */
void proof_end_trx(struct proof *proof, const struct json_members *members);

struct proof_claim {
	struct block *block;          /* num, id, arena; gets its proof, correction and seal */
	struct operation *operations; /* in the order they were added; a payload may be corrected */
	const struct json_slice *ids; /* transaction_ids, each 40 hexadecimal digits */
	uint8_t root[BLOCK_ID_BYTES]; /* transaction_merkle_root */
	struct json_members header;   /* its members, with witness_signature */
	struct json_slice signing_key; /* between its quotes; data NULL: there is none */
};

/*
 * The verdict.  0: block->proof is BLOCK_PROOF_CONTENT, or BLOCK_PROOF_NONE with block->proof_reason.
 * -1 with err (ERROR_NODE, RPC_FAILURE_FALSE): what does not fit, to stand behind "block N: ".
 */
int proof_end_block(struct proof *proof, struct proof_claim *claim, struct error *err) MUST_CHECK;

#endif
