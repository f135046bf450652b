/* SPDX-License-Identifier: MIT */
/*
 * Sources of ids, leaves and roots: steemit/steem libraries/protocol/transaction.cpp and
 * block.cpp.
 */
#include "steem/codec/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "steem/codec/pack.h"

/*
 * HEAD_BYTES: ref_block_num, ref_block_prefix, expiration. COUNT_BYTES: the number of
 * operations.
 */
#define HEAD_BYTES  10
#define COUNT_BYTES 5
/*
 * How many bytes may be hashed for one block to find values that were printed wrong: a fiftieth
 * of a second's work.  A block that was made to cost more is not worth it, because each block of
 * an answer may be like that, and nothing else is done meanwhile.  A 16-bit value that is not
 * one of the usual ones costs 14 MB or more.
 */
#define SEARCH_BYTES_MAX ((size_t)48 << 20)
#define HASH_COST_BYTES  192 /* the cost of a hash, however short, in bytes of a long one */
#define PERCENT_FULL     10000
#define REPLACEMENT      "\xef\xbf\xbd" /* U+FFFD */
#define REASON_BYTES     320
/* Further corrections are made, but not listed. */
#define CORRECTION_BYTES ((size_t)400)

/* A trx in `pack.out`. */
struct packed_trx {
	size_t begin, unsigned_end, end;
	size_t operation_count;
	size_t first_mark, mark_end;
	bool is_shown; /* all of it was packed */
};

typedef uint8_t leaf_t[HASH_SHA256_BYTES];

struct proof {
	struct hash *hash;
	struct pack pack;
	struct buf correction;
	struct packed_trx *trxs;
	size_t trx_count, trx_capacity;
	leaf_t *leaves;
	size_t leaf_capacity;
	size_t search_bytes; /* for this block */
	/* why something could not be packed, the first case; "": all was packed */
	char reason[REASON_BYTES];
};

struct proof *proof_new(const struct chain *chain, struct error *err)
{
	struct hash *hash = hash_new(err);
	struct proof *proof;

	if (hash == NULL)
		return NULL;
	proof = xcalloc(1, sizeof(*proof));
	proof->hash = hash;
	pack_init(&proof->pack, chain, hash);
	buf_init(&proof->correction, CORRECTION_BYTES);
	return proof;
}

void proof_free(struct proof *proof)
{
	if (proof == NULL)
		return;
	hash_free(proof->hash);
	pack_release(&proof->pack);
	buf_release(&proof->correction);
	free(proof->trxs);
	free(proof->leaves);
	free(proof);
}

/* Collecting the bytes. */

void proof_begin_block(struct proof *proof)
{
	buf_reset(&proof->pack.out);
	buf_reset(&proof->correction);
	proof->pack.mark_count = 0;
	proof->trx_count = 0;
	proof->search_bytes = 0;
	proof->reason[0] = '\0';
}

/* `what` may be "". */
static void not_shown(struct proof *proof, struct packed_trx *trx, const char *what,
		      const char *reason)
{
	trx->is_shown = false;
	if (proof->reason[0] == '\0')
		text_format(proof->reason, sizeof(proof->reason), "trx %td: %s%s",
			    trx - proof->trxs, what, reason);
}

void proof_begin_trx(struct proof *proof)
{
	struct packed_trx *trx;

	proof->trxs =
		xgrow(proof->trxs, proof->trx_count, &proof->trx_capacity, sizeof(*proof->trxs));
	trx = &proof->trxs[proof->trx_count++];
	*trx = (struct packed_trx){.begin = proof->pack.out.len,
				   .first_mark = proof->pack.mark_count,
				   .is_shown = true};
	/* The fields before the operations may come after them in JSON. */
	if (buf_extend(&proof->pack.out, HEAD_BYTES + COUNT_BYTES) == NULL)
		not_shown(proof, trx, "", "no more bytes are kept of one block");
}

const struct codec_table *proof_operations(const struct proof *proof)
{
	return proof->pack.chain->operations;
}

void proof_add_operation(struct proof *proof, size_t i, const struct operation *operation,
			 const struct codec_operation *row, const struct values *values)
{
	struct packed_trx *trx = &proof->trxs[proof->trx_count - 1];
	char what[100];

	trx->operation_count++;
	if (!trx->is_shown)
		return;
	proof->pack.operation = i;
	if (row != NULL && row->number != CODEC_VIRTUAL) {
		if (pack_count(&proof->pack, (size_t)row->number) &&
		    pack_object(&proof->pack, values))
			return;
	} else {
		text_format(proof->pack.reason, sizeof(proof->pack.reason),
			    "no such operation is known to stand in a trx");
	}
	snprintf(what, sizeof(what), "operation %u (%s): ", operation->op_in_trx, operation->name);
	not_shown(proof, trx, what, proof->pack.reason);
}

/* Pack everything of a trx except its operations; false with the reason. */
static bool pack_around(struct proof *proof, struct packed_trx *trx, const struct values *values)
{
	const struct codec_field *fields = codec_trx.fields;
	struct pack *pack = &proof->pack;
	size_t behind = pack->out.len, head_len;

	if (!pack_once(pack, values))
		return false;
	for (size_t i = 0; i < CODEC_TRX_EXTENSIONS; i++)
		if (!pack_field(pack, &fields[i], &values->of[i]))
			return false;
	if (!pack_count(pack, trx->operation_count))
		return false;
	/* Move it to its place before the operations. */
	head_len = pack->out.len - behind;
	trx->begin += HEAD_BYTES + COUNT_BYTES - head_len;
	memcpy(pack->out.data + trx->begin, pack->out.data + behind, head_len);
	pack->out.len = behind;
	if (!pack_field(pack, &fields[CODEC_TRX_EXTENSIONS], &values->of[CODEC_TRX_EXTENSIONS]))
		return false;
	trx->unsigned_end = pack->out.len;
	return pack_field(pack, &fields[CODEC_TRX_SIGNATURES], &values->of[CODEC_TRX_SIGNATURES]);
}

/*
 * Two hashes of a merkle tree could be read as one trx of exactly their length: a node could
 * present two invented trxs of a true block as another one.  No trx of the chain is that short:
 * its signature, or its proof of work, is longer.
 */
void proof_end_trx(struct proof *proof, const struct values *around)
{
	struct packed_trx *trx = &proof->trxs[proof->trx_count - 1];

	if (trx->is_shown && !pack_around(proof, trx, around))
		not_shown(proof, trx, "", proof->pack.reason);
	else if (trx->is_shown && proof->pack.out.len - trx->begin == 2 * sizeof(leaf_t))
		not_shown(proof, trx, "", "it has the length of two hashes");
	if (!trx->is_shown)
		proof->pack.out.len = trx->begin; /* its bytes are useless */
	trx->end = proof->pack.out.len;
	trx->mark_end = proof->pack.mark_count;
}

/* Checking a trx. */

static uint8_t *bytes_at(struct proof *proof, size_t at)
{
	return (uint8_t *)proof->pack.out.data + at;
}

/*
 * Does the trx have this id with the bytes from the mark on as they are now? The hash of the
 * bytes before was begun.
 */
static bool fits_from(struct proof *proof, const struct packed_trx *trx, size_t at,
		      const uint8_t id[BLOCK_ID_BYTES])
{
	uint8_t digest[HASH_SHA256_BYTES];

	hash_with_tail(proof->hash, bytes_at(proof, at), trx->unsigned_end - at, digest);
	return memcmp(digest, id, BLOCK_ID_BYTES) == 0;
}

static void put_percent(struct proof *proof, const struct pack_mark *mark, unsigned value)
{
	bytes_at(proof, mark->at)[0] = (uint8_t)value;
	bytes_at(proof, mark->at)[1] = (uint8_t)(value >> 8);
}

/* Is it one of these values? True: the bytes hold it now; false: they are unchanged. */
static bool try_percents(struct proof *proof, const struct packed_trx *trx,
			 const struct pack_mark *mark, unsigned first, unsigned last, unsigned step,
			 const uint8_t id[BLOCK_ID_BYTES])
{
	unsigned given = bytes_at(proof, mark->at)[0] | (unsigned)bytes_at(proof, mark->at)[1] << 8;

	for (unsigned value = first; value <= last; value += step) {
		put_percent(proof, mark, value);
		if (fits_from(proof, trx, mark->at, id))
			return true;
	}
	put_percent(proof, mark, given);
	return false;
}

static bool try_fees(struct proof *proof, const struct packed_trx *trx,
		     const struct pack_mark *mark, const uint8_t id[BLOCK_ID_BYTES])
{
	const struct chain *chain = proof->pack.chain;
	uint8_t given[CHAIN_SYMBOL_BYTES];

	memcpy(given, bytes_at(proof, mark->at), CHAIN_SYMBOL_BYTES);
	/* Nodes print this symbol instead of an odd one, and no other. */
	if (memcmp(given, chain->symbols[0].packed, CHAIN_SYMBOL_BYTES) != 0)
		return false;
	for (size_t i = 0; i < chain->odd_fee_count; i++) {
		memcpy(bytes_at(proof, mark->at), chain->odd_fees[i], CHAIN_SYMBOL_BYTES);
		if (fits_from(proof, trx, mark->at, id))
			return true;
	}
	memcpy(bytes_at(proof, mark->at), given, CHAIN_SYMBOL_BYTES);
	return false;
}

/* Put the value that was found into the payload, instead of the one that the node gave. */
static void correct_payload(struct proof *proof, const struct packed_trx *trx,
			    const struct pack_mark *mark, const struct proof_claim *claim)
{
	struct operation *operation = &claim->operations[mark->operation];
	const uint8_t *bytes = bytes_at(proof, mark->at);
	unsigned value = bytes[0] | (unsigned)bytes[1] << 8;
	struct json_slice given = {NULL, 0};
	size_t before, behind, room;
	char *text;
	int len;

	if (!json_find(operation->payload, operation->payload_bytes, mark->field->name, &given))
		return;
	before = (size_t)(given.data - operation->payload);
	behind = operation->payload_bytes - before - given.len;
	room = operation->payload_bytes + 8;
	text = arena_reserve(claim->block->arena, room);
	memcpy(text, operation->payload, before);
	len = snprintf(text + before, room - before, "%u", value);
	memcpy(text + before + len, given.data + given.len, behind + 1);
	(void)buf_addf(
		&proof->correction, "%strx %td: operation %u (%s): %s is %u, the node said %.*s",
		proof->correction.len > 0 ? "; " : "", trx - proof->trxs, operation->op_in_trx,
		operation->name, mark->field->name, value, (int)given.len, given.data);
	operation->payload = text;
	operation->payload_bytes = before + (size_t)len + behind;
	arena_commit(claim->block->arena, operation->payload_bytes + 1);
}

enum repair {
	REPAIR_DONE,
	REPAIR_NONE,      /* no value matches */
	REPAIR_UNDECIDED, /* some values were not tried */
};

/* Does the limit of this block allow `tries` more tries? */
static bool may_try(struct proof *proof, const struct packed_trx *trx, const struct pack_mark *mark,
		    size_t tries)
{
	size_t cost = trx->unsigned_end - trx->begin +
		      tries * (trx->unsigned_end - mark->at + HASH_COST_BYTES);

	if (cost > SEARCH_BYTES_MAX - proof->search_bytes)
		return false;
	proof->search_bytes += cost;
	return true;
}

static enum repair repair_one(struct proof *proof, const struct packed_trx *trx,
			      const struct pack_mark *mark, bool in_full,
			      const struct proof_claim *claim, const uint8_t id[BLOCK_ID_BYTES])
{
	bool is_fee = mark->field->type->kind == CODEC_FEE;

	if (!may_try(proof, trx, mark, is_fee ? proof->pack.chain->odd_fee_count : 2))
		return REPAIR_UNDECIDED;
	hash_begin(proof->hash, bytes_at(proof, trx->begin), mark->at - trx->begin);
	if (is_fee)
		return try_fees(proof, trx, mark, id) ? REPAIR_DONE : REPAIR_NONE;
	/* Mostly it is 100 % or 0. */
	if (!try_percents(proof, trx, mark, PERCENT_FULL, PERCENT_FULL, 1, id) &&
	    !try_percents(proof, trx, mark, 0, 0, 1, id)) {
		if (!in_full || !may_try(proof, trx, mark, UINT16_MAX))
			return REPAIR_UNDECIDED;
		if (!try_percents(proof, trx, mark, 1, UINT16_MAX, 1, id))
			return REPAIR_NONE;
	}
	correct_payload(proof, trx, mark, claim);
	return REPAIR_DONE;
}

/*
 * Known faults of nodes: percent_steem_dollars was printed without having been set
 * (steemit/steem issue 2807, fixed in commit e10356da1), and the odd symbols of
 * account_creation_fee are not printed.
 */
static enum repair repair(struct proof *proof, const struct packed_trx *trx,
			  const struct proof_claim *claim, const uint8_t id[BLOCK_ID_BYTES])
{
	size_t count = trx->mark_end - trx->first_mark;

	if (trx->mark_end > PACK_MARKS_MAX)
		return count > 0 ? REPAIR_UNDECIDED : REPAIR_NONE;
	for (size_t i = trx->first_mark; i < trx->mark_end; i++) {
		enum repair result =
			repair_one(proof, trx, &proof->pack.marks[i], count == 1, claim, id);

		if (result == REPAIR_DONE || count == 1)
			return result;
	}
	/* If there are several, more than one may be wrong. */
	return count > 0 ? REPAIR_UNDECIDED : REPAIR_NONE;
}

/*
 * Compare the id of the trx with the hash of its bytes. 0: it matches, or the reason why this
 * cannot be decided was noted. -1: it is false.
 */
static int prove_trx(struct proof *proof, struct packed_trx *trx, const struct proof_claim *claim,
		     struct error *err)
{
	size_t i = (size_t)(trx - proof->trxs);
	size_t len = trx->unsigned_end - trx->begin;
	const uint8_t *id = claim->ids[i];
	uint8_t digest[HASH_SHA256_BYTES];
	char text[BLOCK_ID_HEX + 1], said_text[BLOCK_ID_HEX + 1];

	hash_begin(proof->hash, bytes_at(proof, trx->begin), len);
	hash_with_tail(proof->hash, "", 0, digest);
	if (!block_id_equal(digest, id)) {
		enum repair result = repair(proof, trx, claim, id);
		const char *doubt = NULL;
		char what[160];

		if (result == REPAIR_UNDECIDED)
			doubt = ", but it has too many values that nodes are known to show wrong: "
				"not all could be tried";
		else if (memmem(bytes_at(proof, trx->begin), len, REPLACEMENT,
				strlen(REPLACEMENT)) != NULL)
			doubt = ", but some were replaced by U+FFFD";
		snprintf(what, sizeof(what), "its bytes have the id %s, transaction_ids says %s",
			 block_id_format(digest, text), block_id_format(id, said_text));
		if (result != REPAIR_DONE && doubt == NULL)
			return error_set_node(err, RPC_FAILURE_FALSE, "trx %zu: %s", i, what);
		if (result != REPAIR_DONE)
			not_shown(proof, trx, what, doubt);
		if (!trx->is_shown)
			return 0;
		hash_begin(proof->hash, bytes_at(proof, trx->begin), len);
	}
	hash_end(proof->hash, bytes_at(proof, trx->unsigned_end), trx->end - trx->unsigned_end,
		 proof->leaves[i]);
	return 0;
}

static int prove_trxs(struct proof *proof, const struct proof_claim *claim, struct error *err)
{
	if (proof->leaf_capacity < proof->trx_count) {
		proof->leaf_capacity = proof->trx_capacity;
		proof->leaves = xreallocarray(proof->leaves, proof->leaf_capacity, sizeof(leaf_t));
	}
	for (size_t i = 0; i < proof->trx_count; i++)
		if (proof->trxs[i].is_shown && prove_trx(proof, &proof->trxs[i], claim, err) != 0)
			return -1;
	return 0;
}

/* Checking the block. */

static void merkle_root(struct proof *proof, uint8_t ret_root[BLOCK_ID_BYTES])
{
	leaf_t *leaves = proof->leaves;

	if (proof->trx_count == 0) {
		memset(ret_root, 0, BLOCK_ID_BYTES);
		return;
	}
	for (size_t count = proof->trx_count; count > 1; count = (count + 1) / 2) {
		for (size_t i = 0; i + 1 < count; i += 2)
			hash_sha256(proof->hash, leaves[i], 2 * sizeof(leaf_t), leaves[i / 2]);
		if (count % 2 != 0) /* the last one moves up unchanged */
			memmove(leaves[count / 2], leaves[count - 1], sizeof(leaf_t));
	}
	hash_rmd160(proof->hash, leaves[0], sizeof(leaf_t), ret_root);
}

static int prove_root(struct proof *proof, const struct proof_claim *claim, struct error *err)
{
	const struct chain *chain = proof->pack.chain;
	char text[BLOCK_ID_HEX + 1], said_text[BLOCK_ID_HEX + 1];
	uint8_t root[BLOCK_ID_BYTES];

	merkle_root(proof, root);
	if (block_id_equal(root, claim->root))
		return 0;
	for (size_t i = 0; i < chain->root_count; i++)
		if (chain->roots[i].block == claim->block->num &&
		    block_id_equal(root, chain->roots[i].root))
			return 0;
	return error_set_node(err, RPC_FAILURE_FALSE,
			      "the merkle root of %zu trxs is %s, the header says %s",
			      proof->trx_count, block_id_format(root, text),
			      block_id_format(claim->root, said_text));
}

/* Offsets of the fields in a packed header, up to the witness, which has a length of one byte. */
#define WITNESS_AT (BLOCK_ID_BYTES + 4)

static const struct block_seal *make_seal(struct proof *proof, const struct proof_claim *claim,
					  size_t begin)
{
	struct arena *arena = claim->block->arena;
	struct block_seal *seal = arena_alloc(arena, sizeof(*seal));
	size_t len = proof->pack.out.len - begin;
	const uint8_t *header = bytes_at(proof, begin);

	/* Few blocks need it, so its digest is computed by proof_signer(). */
	seal->header = memcpy(arena_alloc(arena, len), header, len);
	seal->signed_bytes = len - SIGNATURE_BYTES;
	seal->witness =
		arena_strndup(arena, (const char *)header + WITNESS_AT + 1, header[WITNESS_AT]);
	seal->signing_key = NULL;
	if (claim->signing_key.data != NULL)
		seal->signing_key =
			arena_strndup(arena, claim->signing_key.data, claim->signing_key.len);
	return seal;
}

/*
 * Check the header at the end of `pack.out`, from `begin` on. 0; missing signed bytes are noted.
 * -1: it is false.
 */
static int prove_header(struct proof *proof, const struct proof_claim *claim, bool *ret_shown,
			struct error *err)
{
	uint8_t sum[HASH_SHA224_BYTES];
	size_t begin = proof->pack.out.len;
	char text[BLOCK_ID_HEX + 1], said[BLOCK_ID_HEX + 1];

	*ret_shown = true;
	if (pack_fields(&proof->pack, &claim->header)) {
		hash_sha224(proof->hash, bytes_at(proof, begin), proof->pack.out.len - begin, sum);
		memcpy(sum, claim->block->id, 4); /* the block's number, which was compared */
		if (block_id_equal(sum, claim->block->id))
			return 0;
		return error_set_node(err, RPC_FAILURE_FALSE,
				      "the header's bytes have the id %s, block_id says %s",
				      block_id_format(sum, text),
				      block_id_format(claim->block->id, said));
	}
	*ret_shown = false;
	if (proof->reason[0] == '\0')
		text_format(proof->reason, sizeof(proof->reason), "the header: %s",
			    proof->pack.reason);
	return 0;
}

int proof_end_block(struct proof *proof, struct proof_claim *claim, struct error *err)
{
	struct block *block = claim->block;
	size_t begin = proof->pack.out.len;
	bool is_header_shown;

	if (prove_trxs(proof, claim, err) != 0 ||
	    (proof->reason[0] == '\0' && prove_root(proof, claim, err) != 0) ||
	    prove_header(proof, claim, &is_header_shown, err) != 0)
		return -1;
	if (is_header_shown)
		block->seal = make_seal(proof, claim, begin);
	if (proof->reason[0] != '\0') {
		block->proof_reason =
			arena_strndup(block->arena, proof->reason, strlen(proof->reason));
		return 0;
	}
	block->proof = BLOCK_PROOF_CONTENT;
	if (proof->correction.len > 0)
		block->correction = arena_strndup(block->arena, buf_text(&proof->correction),
						  proof->correction.len);
	return 0;
}

static void mix(struct proof *proof, uint8_t digest[HASH_SHA256_BYTES], const void *bytes,
		size_t len)
{
	uint8_t pair[2 * HASH_SHA256_BYTES];

	memcpy(pair, digest, HASH_SHA256_BYTES);
	hash_sha256(proof->hash, bytes, len, pair + HASH_SHA256_BYTES);
	hash_sha256(proof->hash, pair, sizeof(pair), digest);
}

/* The column account follows from name and payload. */
void proof_fingerprint(struct proof *proof, const struct block *block,
		       uint8_t ret[HASH_SHA256_BYTES])
{
	memset(ret, 0, HASH_SHA256_BYTES);
	mix(proof, ret, block->id, sizeof(block->id));
	mix(proof, ret, block->previous, sizeof(block->previous));
	mix(proof, ret, &block->timestamp_s, sizeof(block->timestamp_s));
	for (size_t i = 0; i < block->operation_count; i++) {
		const struct operation *op = &block->operations[i];
		const struct op_place place = op_place_of(block->num, op);

		mix(proof, ret, &place, sizeof(place));
		mix(proof, ret, op->trx_id, BLOCK_ID_HEX);
		mix(proof, ret, op->name, op->name_bytes);
		mix(proof, ret, op->payload, op->payload_bytes);
	}
}

/* The signer. */

char *proof_key_text(struct proof *proof, const struct key *key, char text[KEY_TEXT_BYTES])
{
	return key_format(proof->hash, proof->pack.chain->key_prefix, key, text);
}

int proof_signer(struct proof *proof, const struct block *block, struct key *ret_key,
		 struct error *err)
{
	const struct block_seal *seal = block->seal;
	uint8_t digest[HASH_SHA256_BYTES];
	char text[KEY_TEXT_BYTES];

	hash_sha256(proof->hash, seal->header, seal->signed_bytes, digest);
	if (!key_recover(digest, seal->header + seal->signed_bytes, ret_key))
		return error_set_node(err, RPC_FAILURE_FALSE,
				      "block %u: witness_signature is no signature of its header",
				      block->num);
	if (seal->signing_key != NULL &&
	    strcmp(proof_key_text(proof, ret_key, text), seal->signing_key) != 0)
		return error_set_node(
			err, RPC_FAILURE_FALSE,
			"block %u: it was signed with the key %s, signing_key says %s", block->num,
			text, seal->signing_key);
	return 0;
}
