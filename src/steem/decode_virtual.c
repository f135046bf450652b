/* SPDX-License-Identifier: MIT */
#include "steem/decode_virtual.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "steem/accounts.h"
#include "steem/codec/operations.h"
#include "steem/decode_operation.h"
#include "steem/json.h"

/* The trx number of virtual operations that no trx caused. */
#define NO_TRX UINT32_MAX
/* More than any block ever had (69,438), and far below the range of the number. */
#define VIRTUAL_MAX 1000000

enum member {
	MEMBER_BLOCK = 1,
	MEMBER_TRX_IN_BLOCK = 2,
	MEMBER_OP_IN_TRX = 4,
	MEMBER_VIRTUAL_OP = 8,
	MEMBER_TRX_ID = 16,
	MEMBER_OP = 32,
	MEMBER_ALL = 63,
};

struct list {
	struct block *block;
	/* for decode_virtual_witness(): without the block, its trxs are not known */
	bool is_witness;
	struct json_cursor cursor;
	struct operation *operations;
	size_t count, capacity;
	bool has_reward;
	/* About the current entry. */
	unsigned members;
	uint64_t of_block, trx_in_block, op_in_trx, number;
	struct json_slice trx_id;
};

static void list_release(struct list *list)
{
	free(list->operations);
}

static int refuse(const struct list *list, const char *because, struct error *err)
{
	if (json_failed(&list->cursor)) {
		json_error(&list->cursor, err);
		because = NULL;
	} else {
		(void)error_set(err, ERROR_NODE, "%s", because);
	}
	return error_prefix(err, "block %u: entry %zu of its virtual operations%s ",
			    list->block->num, list->count + 1, because ? "" : ":");
}

static int take_number(struct list *list, uint64_t *ret_number, struct error *err)
{
	return json_take_u64(&list->cursor, ret_number) ? 0 : refuse(list, "", err);
}

/* The node's own number: only whether it is 0 matters.  Newer nodes write true or false. */
static int take_own_number(struct list *list, struct error *err)
{
	enum json_kind kind = json_peek(&list->cursor);

	if (kind != JSON_TRUE && kind != JSON_FALSE)
		return take_number(list, &list->number, err);
	list->number = kind == JSON_TRUE;
	return json_skip(&list->cursor, NULL) ? 0 : refuse(list, "", err);
}

static int take_operation(struct list *list, struct operation *operation, struct error *err)
{
	const struct codec_operation *row;
	struct values values;

	if (decode_operation(&list->cursor, list->block, operation, &operations_steem, &row,
			     &values, err) == 0)
		return 0;
	return error_prefix(err, "block %u: entry %zu of its virtual operations ", list->block->num,
			    list->count + 1);
}

static enum member member_of(const struct json_slice *key)
{
	if (json_slice_is(key, "trx_id"))
		return MEMBER_TRX_ID;
	if (json_slice_is(key, "block"))
		return MEMBER_BLOCK;
	if (json_slice_is(key, "trx_in_block"))
		return MEMBER_TRX_IN_BLOCK;
	if (json_slice_is(key, "op_in_trx"))
		return MEMBER_OP_IN_TRX;
	if (json_slice_is(key, "virtual_op"))
		return MEMBER_VIRTUAL_OP;
	return json_slice_is(key, "op") ? MEMBER_OP : 0;
}

static int take_member(struct list *list, enum member member, struct operation *operation,
		       struct error *err)
{
	if (list->members & member)
		return refuse(list, "has a member twice", err);
	list->members |= member;
	switch (member) {
	case MEMBER_BLOCK:
		return take_number(list, &list->of_block, err);
	case MEMBER_TRX_IN_BLOCK:
		return take_number(list, &list->trx_in_block, err);
	case MEMBER_OP_IN_TRX:
		return take_number(list, &list->op_in_trx, err);
	case MEMBER_VIRTUAL_OP:
		return take_own_number(list, err);
	case MEMBER_TRX_ID:
		return json_take_string(&list->cursor, &list->trx_id) ? 0 : refuse(list, "", err);
	case MEMBER_OP:
		return take_operation(list, operation, err);
	default:
		return json_skip(&list->cursor, NULL) ? 0 : refuse(list, "", err);
	}
}

/* The id of the trx that caused it, taken from the block; NULL: the block has no such trx. */
static const char *trx_id_at(const struct block *block, uint64_t trx_in_block)
{
	size_t first = 0, end = block->operation_count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (block->operations[middle].trx_in_block < trx_in_block)
			first = middle + 1;
		else
			end = middle;
	}
	if (first == block->operation_count ||
	    block->operations[first].trx_in_block != trx_in_block)
		return NULL;
	return block->operations[first].trx_id;
}

static bool is_zero(const char id[BLOCK_ID_HEX])
{
	return strspn(id, "0") >= BLOCK_ID_HEX;
}

/*
 * Set the trx that caused it.  If none did, nodes sometimes leave the id of some other trx; in
 * block 1 the earlier hardforks have the place 0, which is not a trx.
 */
static int set_place(struct list *list, struct operation *operation, struct error *err)
{
	char text[BLOCK_ID_HEX + 1] = "";
	uint8_t id[BLOCK_ID_BYTES];

	operation->trx_in_block = (uint32_t)list->trx_in_block;
	operation->op_in_trx = (uint32_t)list->op_in_trx;
	operation->virtual_op = (uint32_t)list->count + 1;
	operation->is_stored = true;
	if (list->trx_in_block == NO_TRX || list->is_witness)
		return 0;
	if (!decode_trx_id(list->trx_id.data, list->trx_id.len, id, text))
		return refuse(list, "has a trx_id that is not 40 hexadecimal digits", err);
	if (list->block->num == 1 && is_zero(text))
		return 0;
	operation->trx_id = trx_id_at(list->block, list->trx_in_block);
	if (!operation->trx_id)
		return refuse(list, "is of a trx that the block does not have", err);
	if (memcmp(operation->trx_id, text, BLOCK_ID_HEX) != 0)
		return refuse(list, "has another trx_id than its trx", err);
	return 0;
}

/*
 * If no trx caused an operation, the number 0 does not mean that it is a real one: the node's
 * counter has 16 bits.
 */
static bool is_real(const struct list *list, const struct operation *operation)
{
	switch (accounts_kind(operation->name, operation->name_bytes)) {
	case ACCOUNTS_KIND_REAL:
		return true;
	case ACCOUNTS_KIND_VIRTUAL:
		return false;
	case ACCOUNTS_KIND_UNKNOWN:
		break;
	}
	return list->number == 0 && list->trx_in_block != NO_TRX;
}

static int check_entry(struct list *list, struct operation *operation, struct error *err)
{
	if (list->members != MEMBER_ALL)
		return refuse(list, "lacks a member", err);
	if (list->of_block != list->block->num)
		return refuse(list, "is of another block", err);
	if (list->trx_in_block > UINT32_MAX || list->op_in_trx > UINT32_MAX)
		return refuse(list, "has a place above 4294967295", err);
	if (is_real(list, operation))
		return refuse(list, "is a real operation", err);
	return set_place(list, operation, err);
}

static int read_entry(struct list *list, struct error *err)
{
	struct operation operation = {.trx_in_block = 0};
	struct json_slice key;
	bool is_first = true;

	list->members = 0;
	list->number = 0;
	if (!json_enter(&list->cursor, JSON_OBJECT))
		return refuse(list, "is not an object", err);
	while (json_next_member(&list->cursor, &is_first, &key)) {
		enum member member = member_of(&key);

		if (member ? take_member(list, member, &operation, err) != 0
			   : !json_skip(&list->cursor, NULL))
			return member ? -1 : refuse(list, "", err);
	}
	if (json_failed(&list->cursor))
		return refuse(list, "", err);
	if (check_entry(list, &operation, err) != 0)
		return -1;
	if (list->count == VIRTUAL_MAX)
		return refuse(list, "is one too many", err);
	list->operations =
		xgrow(list->operations, list->count, &list->capacity, sizeof(*list->operations));
	list->has_reward |= strcmp(operation.name, "producer_reward") == 0;
	list->operations[list->count++] = operation;
	return 0;
}

static int read_list(struct list *list, struct error *err)
{
	struct json_cursor *cursor = &list->cursor;
	bool is_first = true;

	if (!json_enter(cursor, JSON_ARRAY) && !json_failed(cursor))
		return error_set(err, ERROR_NODE,
				 "block %u: its virtual operations are not an array",
				 list->block->num);
	while (!json_failed(cursor) && json_next_element(cursor, &is_first))
		if (read_entry(list, err) != 0)
			return -1;
	if (json_failed(cursor) || !json_at_end(cursor)) {
		json_error(cursor, err);
		return error_prefix(err, "block %u: its virtual operations: ", list->block->num);
	}
	return 0;
}

static void add_to_block(const struct list *list)
{
	struct block *block = list->block;
	size_t real_bytes = block->operation_count * sizeof(*block->operations);
	size_t bytes = list->count * sizeof(*block->operations);

	bool is_old = block->num < DECODE_FIRST_REWARDED_BLOCK;

	block->virtual_state = list->has_reward || (is_old && list->count > 0)
				       ? BLOCK_VIRTUAL_COMPLETE
				       : BLOCK_VIRTUAL_UNVERIFIED;
	block->virtual_count = list->count;
	if (bytes > 0) {
		char *all = arena_alloc(block->arena, real_bytes + bytes);

		if (real_bytes > 0)
			memcpy(all, block->operations, real_bytes);
		memcpy(all + real_bytes, list->operations, bytes);
		block->operations = (struct operation *)(void *)all;
	}
	block_store_all(block);
}

int decode_virtual(const char *result, size_t len, struct block *block, struct error *err)
{
	CLEANUP(list_release) struct list list = {.block = block};
	bool had_invalid_utf8 = block->had_invalid_utf8;

	json_open(&list.cursor, result, len);
	if (read_list(&list, err) != 0) {
		block->had_invalid_utf8 = had_invalid_utf8;
		return -1;
	}
	add_to_block(&list);
	return 0;
}

int decode_virtual_witness(const char *result, size_t len, uint32_t num,
			   struct decode_witness *ret_witness, struct error *err)
{
	struct block *block = block_new();
	struct list list = {.block = block, .is_witness = true};
	int failed;

	block->num = num;
	json_open(&list.cursor, result, len);
	failed = read_list(&list, err);
	*ret_witness =
		(struct decode_witness){.has_any = list.count > 0, .has_reward = list.has_reward};
	list_release(&list);
	block_free(block);
	return failed;
}
