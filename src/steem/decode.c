/* SPDX-License-Identifier: MIT */
#include "steem/decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/codec/proof.h"
#include "steem/decode_operation.h"
#include "steem/json.h"

#define TIMESTAMP_BYTES 19
/*
 * The most operations, transactions or ids of one block; the chain's largest block has fewer.
 * In an answer nine bytes can be an operation, which takes thirty times as much memory here.
 */
#define THINGS_MAX 300000

/* A block while its answer is read; only the data in the arena stay. */
struct reading {
	struct block *block;
	uint32_t num;
	struct json_cursor cursor;
	struct operation *operations;
	size_t operation_count, operation_capacity;
	struct json_slice *own_ids; /* `transaction_id` of each trx; data NULL: there is none */
	size_t trx_count, trx_capacity;
	struct json_slice *ids; /* `transaction_ids` */
	size_t id_count, id_capacity;
	uint8_t (*trx_ids)[BLOCK_ID_BYTES]; /* the same, read */
	struct json_slice block_id, previous, timestamp, merkle_root;
	bool has_transactions, has_ids;
	struct proof *proof;      /* NULL: the block is not proved */
	struct proof_claim claim; /* its block, ids and operations are set last */
};

static void reading_release(struct reading *reading)
{
	block_free(reading->block);
	free(reading->operations);
	free(reading->own_ids);
	free(reading->ids);
	free(reading->trx_ids);
}

static int bad_json(const struct reading *reading, struct error *err)
{
	json_error(&reading->cursor, err);
	return error_prefix(err, "block %u: ", reading->num);
}

static int too_many(const struct reading *reading, const char *what, struct error *err)
{
	return error_set(err, ERROR_NODE, "block %u: more than %d %s", reading->num, THINGS_MAX,
			 what);
}

/* Take the next string; the error names the member. */
static int take_text(struct reading *reading, const char *member, struct json_slice *ret_text,
		     struct error *err)
{
	if (ret_text->data)
		return error_set(err, ERROR_NODE, "block %u: the member %s stands there twice",
				 reading->num, member);
	if (json_peek(&reading->cursor) != JSON_STRING && !json_failed(&reading->cursor))
		return error_set(err, ERROR_NODE, "block %u: the member %s is not a string",
				 reading->num, member);
	if (!json_take_string(&reading->cursor, ret_text))
		return bad_json(reading, err);
	return 0;
}

static int read_operation(struct reading *reading, uint32_t op_in_trx, struct error *err)
{
	struct operation operation = {.trx_in_block = (uint32_t)reading->trx_count,
				      .op_in_trx = op_in_trx,
				      .is_stored = true};
	const struct codec_table *table =
		reading->proof != NULL ? proof_operations(reading->proof) : &operations_steem;
	const struct codec_operation *row;
	struct values values;

	if (decode_operation(&reading->cursor, reading->block, &operation, table, &row, &values,
			     err) != 0)
		return error_prefix(err, "block %u: operation %u of trx %u ", reading->num,
				    operation.op_in_trx, operation.trx_in_block);
	if (reading->operation_count == THINGS_MAX)
		return too_many(reading, "operations", err);
	reading->operations = xgrow(reading->operations, reading->operation_count,
				    &reading->operation_capacity, sizeof(*reading->operations));
	if (reading->proof != NULL)
		proof_add_operation(reading->proof, reading->operation_count, &operation, row,
				    &values);
	reading->operations[reading->operation_count++] = operation;
	return 0;
}

static int read_operations(struct reading *reading, struct error *err)
{
	bool is_first = true;
	uint32_t op_in_trx = 0;

	if (!json_enter(&reading->cursor, JSON_ARRAY))
		return json_failed(&reading->cursor)
			       ? bad_json(reading, err)
			       : error_set(err, ERROR_NODE,
					   "block %u: the operations of trx %zu are not an array",
					   reading->num, reading->trx_count);
	while (json_next_element(&reading->cursor, &is_first))
		if (read_operation(reading, op_in_trx++, err) != 0)
			return -1;
	if (json_failed(&reading->cursor))
		return bad_json(reading, err);
	if (op_in_trx == 0)
		return error_set(err, ERROR_NODE, "block %u: trx %zu has no operation",
				 reading->num, reading->trx_count);
	return 0;
}

static int read_trx(struct reading *reading, struct error *err)
{
	struct json_cursor *cursor = &reading->cursor;
	struct json_slice key, own_id = {NULL, 0};
	struct values around;
	bool is_first = true, has_operations = false;

	values_begin(&around, &codec_trx);
	if (reading->proof != NULL)
		proof_begin_trx(reading->proof);

	if (!json_enter(cursor, JSON_OBJECT))
		return json_failed(cursor)
			       ? bad_json(reading, err)
			       : error_set(err, ERROR_NODE, "block %u: trx %zu is not an object",
					   reading->num, reading->trx_count);
	while (values_next_member(&around, cursor, &is_first, &key)) {
		if (json_slice_is(&key, "operations") && !has_operations) {
			has_operations = true;
			if (read_operations(reading, err) != 0)
				return -1;
		} else if (json_slice_is(&key, "operations")) {
			return error_set(err, ERROR_NODE, "block %u: trx %zu has operations twice",
					 reading->num, reading->trx_count);
		} else if (json_slice_is(&key, "transaction_id")) {
			if (take_text(reading, "transaction_id", &own_id, err) != 0)
				return -1;
		} else if (!values_skip(&around, cursor)) {
			break;
		}
	}
	if (json_failed(cursor))
		return bad_json(reading, err);
	if (reading->proof != NULL)
		proof_end_trx(reading->proof, &around);
	if (!has_operations)
		return error_set(err, ERROR_NODE, "block %u: trx %zu has no operation",
				 reading->num, reading->trx_count);
	if (reading->trx_count == THINGS_MAX)
		return too_many(reading, "transactions", err);
	reading->own_ids = xgrow(reading->own_ids, reading->trx_count, &reading->trx_capacity,
				 sizeof(*reading->own_ids));
	reading->own_ids[reading->trx_count++] = own_id;
	return 0;
}

static int read_id(struct reading *reading, struct error *err)
{
	struct json_slice id = {NULL, 0};

	if (take_text(reading, "transaction_ids", &id, err) != 0)
		return -1;
	if (reading->id_count == THINGS_MAX)
		return too_many(reading, "transaction_ids", err);
	reading->ids = xgrow(reading->ids, reading->id_count, &reading->id_capacity,
			     sizeof(*reading->ids));
	reading->ids[reading->id_count++] = id;
	return 0;
}

static int read_list(struct reading *reading, const char *member, bool *was_there,
		     int (*read_one)(struct reading *, struct error *), struct error *err)
{
	bool is_first = true;

	if (*was_there)
		return error_set(err, ERROR_NODE, "block %u: the member %s stands there twice",
				 reading->num, member);
	*was_there = true;
	if (!json_enter(&reading->cursor, JSON_ARRAY))
		return json_failed(&reading->cursor)
			       ? bad_json(reading, err)
			       : error_set(err, ERROR_NODE,
					   "block %u: the member %s is not an array", reading->num,
					   member);
	while (json_next_element(&reading->cursor, &is_first))
		if (read_one(reading, err) != 0)
			return -1;
	return json_failed(&reading->cursor) ? bad_json(reading, err) : 0;
}

/* Read the rest of the header, which is needed only for the proof. */
static int read_seal(struct reading *reading, const struct json_slice *key, struct error *err)
{
	if (json_slice_is(key, "signing_key"))
		return take_text(reading, "signing_key", &reading->claim.signing_key, err);
	values_find(&reading->claim.header, key->data, key->len);
	return values_skip(&reading->claim.header, &reading->cursor) ? 0 : bad_json(reading, err);
}

static int read_member(struct reading *reading, const struct json_slice *key, struct error *err)
{
	if (json_slice_is(key, "transactions"))
		return read_list(reading, "transactions", &reading->has_transactions, read_trx,
				 err);
	if (json_slice_is(key, "transaction_ids"))
		return read_list(reading, "transaction_ids", &reading->has_ids, read_id, err);
	if (json_slice_is(key, "block_id"))
		return take_text(reading, "block_id", &reading->block_id, err);
	if (json_slice_is(key, "previous"))
		return take_text(reading, "previous", &reading->previous, err);
	if (json_slice_is(key, "timestamp"))
		return take_text(reading, "timestamp", &reading->timestamp, err);
	if (json_slice_is(key, "transaction_merkle_root"))
		return take_text(reading, "transaction_merkle_root", &reading->merkle_root, err);
	if (reading->proof != NULL)
		return read_seal(reading, key, err);
	return json_skip(&reading->cursor, NULL) ? 0 : bad_json(reading, err);
}

static int read_block(struct reading *reading, struct error *err)
{
	struct json_cursor *cursor = &reading->cursor;
	enum json_kind kind = json_peek(cursor);
	struct json_slice key;
	bool is_first = true;

	if (kind == JSON_NULL && json_skip(cursor, NULL) && json_at_end(cursor))
		return error_set(err, ERROR_NODE, "the node does not have block %u", reading->num);
	if (json_failed(cursor))
		return bad_json(reading, err);
	if (!json_enter(cursor, JSON_OBJECT))
		return error_set(err, ERROR_NODE, "block %u: the answer is not an object",
				 reading->num);
	while (json_next_member(cursor, &is_first, &key))
		if (read_member(reading, &key, err) != 0)
			return -1;
	return json_failed(cursor) ? bad_json(reading, err) : 0;
}

static int missing(const struct reading *reading, const char *member, struct error *err)
{
	return error_set(err, ERROR_NODE, "block %u: the answer has no %s", reading->num, member);
}

static int check_present(const struct reading *reading, struct error *err)
{
	if (!reading->previous.data)
		return missing(reading, "previous", err);
	if (!reading->timestamp.data)
		return missing(reading, "timestamp", err);
	if (!reading->block_id.data)
		return error_set(
			err, ERROR_NODE,
			"block %u: the answer has no block_id: the node's software is too old",
			reading->num);
	if (!reading->merkle_root.data)
		return missing(reading, "transaction_merkle_root", err);
	if (!reading->has_transactions)
		return missing(reading, "transactions", err);
	if (!reading->has_ids)
		return missing(reading, "transaction_ids", err);
	return 0;
}

/* The `previous` of the first block. */
static const uint8_t no_block[BLOCK_ID_BYTES];

static int set_header(struct reading *reading, struct error *err)
{
	struct block *block = reading->block;
	char time[TIMESTAMP_BYTES + 1] = "";

	block->num = reading->num;
	if (!block_id_parse(reading->block_id.data, reading->block_id.len, block->id) ||
	    !block_id_parse(reading->previous.data, reading->previous.len, block->previous))
		return error_set(err, ERROR_NODE,
				 "block %u: block_id or previous is not 40 hexadecimal digits",
				 reading->num);
	if (block_id_num(block->id) != reading->num)
		return error_set(err, ERROR_NODE, "block %u: the node gave block %u instead",
				 reading->num, block_id_num(block->id));
	if (block_id_num(block->previous) != reading->num - 1)
		return error_set(err, ERROR_NODE, "block %u: its previous block is said to be %u",
				 reading->num, block_id_num(block->previous));
	if (reading->num == 1 && !block_id_equal(block->previous, no_block))
		return error_set(err, ERROR_NODE, "block 1: its previous block is not all zeros");
	if (reading->timestamp.len == TIMESTAMP_BYTES)
		memcpy(time, reading->timestamp.data, TIMESTAMP_BYTES);
	block->timestamp_s = clock_parse_utc(time);
	if (block->timestamp_s < 0)
		return error_set(err, ERROR_NODE, "block %u: the timestamp \"%.*s\" is no time",
				 reading->num, (int)(reading->timestamp.len & 63),
				 reading->timestamp.data);
	return 0;
}

/*
 * There must be as many ids as transactions, and a merkle root exactly if there are
 * transactions.
 */
static int check_complete(const struct reading *reading, struct error *err)
{
	uint8_t root[BLOCK_ID_BYTES];
	uint8_t zero[BLOCK_ID_BYTES] = {0};

	if (reading->id_count != reading->trx_count)
		return error_set(
			err, ERROR_NODE,
			"block %u: the answer is not complete: %zu transactions, but %zu ids",
			reading->num, reading->trx_count, reading->id_count);
	if (!block_id_parse(reading->merkle_root.data, reading->merkle_root.len, root))
		return error_set(err, ERROR_NODE,
				 "block %u: transaction_merkle_root is not 40 hexadecimal digits",
				 reading->num);
	if (block_id_equal(root, zero) != (reading->trx_count == 0))
		return error_set(
			err, ERROR_NODE,
			"block %u: the answer is not complete: %zu transactions do not fit "
			"the merkle root",
			reading->num, reading->trx_count);
	return 0;
}

static int set_trx_ids(struct reading *reading, struct error *err)
{
	size_t next = 0;

	reading->trx_ids = xreallocarray(NULL, reading->trx_count, sizeof(*reading->trx_ids));
	for (size_t i = 0; i < reading->trx_count; i++) {
		const struct json_slice *own = &reading->own_ids[i];
		uint8_t *id = reading->trx_ids[i], own_id[BLOCK_ID_BYTES];
		char text[BLOCK_ID_HEX];
		const char *trx_id;

		if (!decode_trx_id(reading->ids[i].data, reading->ids[i].len, id, text))
			return error_set(err, ERROR_NODE,
					 "block %u: the id of trx %zu is not 40 hexadecimal digits",
					 reading->num, i);
		if (own->data &&
		    (!block_id_parse(own->data, own->len, own_id) || !block_id_equal(id, own_id)))
			return error_set(
				err, ERROR_NODE,
				"block %u: trx %zu has another id than transaction_ids says",
				reading->num, i);
		trx_id = arena_strndup(reading->block->arena, text, BLOCK_ID_HEX);
		while (next < reading->operation_count &&
		       reading->operations[next].trx_in_block == i)
			reading->operations[next++].trx_id = trx_id;
	}
	return 0;
}

static void set_operations(struct reading *reading)
{
	struct block *block = reading->block;
	size_t bytes = reading->operation_count * sizeof(*block->operations);

	block->operation_count = reading->operation_count;
	if (bytes) {
		block->operations = arena_alloc(block->arena, bytes);
		memcpy(block->operations, reading->operations, bytes);
	}
	block_store_all(block);
}

static int prove(struct reading *reading, struct error *err)
{
	struct proof_claim *claim = &reading->claim;

	values_keep_string(&claim->header, "previous", &reading->previous);
	values_keep_string(&claim->header, "timestamp", &reading->timestamp);
	values_keep_string(&claim->header, "transaction_merkle_root", &reading->merkle_root);
	claim->block = reading->block;
	claim->operations = reading->operations;
	claim->ids = reading->trx_ids;
	(void)block_id_parse(reading->merkle_root.data, reading->merkle_root.len, claim->root);
	if (proof_end_block(reading->proof, claim, err) != 0)
		return error_prefix(err, "block %u: ", reading->num);
	return 0;
}

struct block *decode_block_at(struct json_cursor *cursor, uint32_t num, struct proof *proof,
			      struct error *err)
{
	CLEANUP(reading_release)
	struct reading reading = {
		.num = num, .cursor = *cursor, .block = block_new(), .proof = proof};
	struct block *block;

	values_begin(&reading.claim.header, &codec_signed_header);
	if (proof != NULL)
		proof_begin_block(proof);
	if (read_block(&reading, err) != 0 || check_present(&reading, err) != 0 ||
	    set_header(&reading, err) != 0 || check_complete(&reading, err) != 0 ||
	    set_trx_ids(&reading, err) != 0 || (proof != NULL && prove(&reading, err) != 0))
		return NULL;
	set_operations(&reading);
	*cursor = reading.cursor;
	block = reading.block;
	reading.block = NULL;
	return block;
}

struct block *decode_block(const char *result, size_t len, uint32_t num, struct proof *proof,
			   struct error *err)
{
	struct json_cursor cursor;
	struct block *block;

	json_open(&cursor, result, len);
	block = decode_block_at(&cursor, num, proof, err);
	if (!block || json_at_end(&cursor))
		return block;
	block_free(block);
	(void)json_error(&cursor, err);
	(void)error_prefix(err, "block %u: ", num);
	return NULL;
}
