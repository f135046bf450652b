/* SPDX-License-Identifier: MIT */
/*
 * Blocks and their proof: nothing breaks, whatever a node sends, and whatever is proved under an id
 * has the operations that every other text proved under it has.  The recorded blocks among the
 * seeds make sure that there are such.  Input: four bytes of block number, then JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "steem/codec/proof.h"
#include "steem/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KNOWN_MAX 1024

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

/* What was proved before: the first block of each id, for as long as the process lives. */
static struct block *known[KNOWN_MAX];
static size_t known_count;

/* Fits nothing that is not packed: only what every text of the operation must have. */
static bool same_account(const struct operation *a, const struct operation *b)
{
	return a->account_bytes == b->account_bytes &&
	       (a->account_bytes == 0 || memcmp(a->account, b->account, a->account_bytes) == 0);
}

/* The same bytes for the hash: two texts of an operation may differ in what is not packed. */
static void check_payloads(const struct operation *a, const struct operation *b)
{
	const struct codec_operation *row =
		operations_find(&operations_steem, a->name, a->name_bytes);

	MUST(row != NULL && same_account(a, b));
	for (size_t i = 0; i < row->is.field_count; i++) {
		const struct codec_field *field = &row->is.fields[i];
		struct json_slice one, other;

		/* These have one form only; the others are bound to the id by the same packer. */
		if (field->type->kind != CODEC_TEXT && field->type->kind != CODEC_NAME)
			continue;
		MUST(json_find(a->payload, a->payload_bytes, field->name, &one));
		MUST(json_find(b->payload, b->payload_bytes, field->name, &other));
		MUST(one.len == other.len && memcmp(one.data, other.data, one.len) == 0);
	}
}

static void check_same(const struct block *a, const struct block *b)
{
	MUST(a->operation_count == b->operation_count);
	MUST(a->timestamp_s == b->timestamp_s && block_id_equal(a->previous, b->previous));
	for (size_t i = 0; i < a->operation_count; i++) {
		const struct operation *one = &a->operations[i], *other = &b->operations[i];

		MUST(one->trx_in_block == other->trx_in_block &&
		     one->op_in_trx == other->op_in_trx);
		MUST(strcmp(one->trx_id, other->trx_id) == 0 &&
		     strcmp(one->name, other->name) == 0);
		MUST(strlen(one->payload) == one->payload_bytes);
		check_payloads(one, other);
	}
}

static void check_proved(struct block *block)
{
	MUST(block->seal != NULL && block->proof_reason == NULL);
	for (size_t i = 0; i < known_count; i++)
		if (block_id_equal(known[i]->id, block->id)) {
			check_same(known[i], block);
			block_free(block);
			return;
		}
	if (known_count < KNOWN_MAX)
		known[known_count++] = block;
	else
		block_free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct proof *proofs[2];
	struct error err = ERROR_INIT;
	struct block *block;
	struct key key;
	struct proof *proof;
	uint32_t num;
	size_t len;
	char *text;

	if (proofs[0] == NULL) {
		proofs[0] = proof_new(&chain_steem, &err);
		proofs[1] = proof_new(&chain_testnet, &err);
		MUST(proofs[0] != NULL && proofs[1] != NULL);
	}
	text = take_numbered_text(data, size, &num, &len);
	if (text == NULL)
		return 0;
	proof = proofs[memmem(text, len, "\"TST", 4) != NULL];
	block = decode_block(text, len, num, proof, &err);
	if (block == NULL) {
		check_error(&err);
		MUST(err.kind == ERROR_NODE && (rpc_failure_of(&err) == RPC_FAILURE_NONE ||
						rpc_failure_of(&err) == RPC_FAILURE_FALSE));
	} else if (block->proof == BLOCK_PROOF_NONE) {
		MUST(block->correction == NULL);
		if (block->seal != NULL && proof_signer(proof, block, &key, &err) != 0)
			check_error(&err);
		MUST(block->proof_reason[0] != '\0' && is_clean_text(block->proof_reason, false));
		block_free(block);
	} else {
		if (proof_signer(proof, block, &key, &err) != 0)
			check_error(&err);
		check_proved(block);
	}
	free(text);
	return 0;
}
