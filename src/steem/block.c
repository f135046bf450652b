/* SPDX-License-Identifier: MIT */
#include "steem/block.h"

#include <string.h>

#include "base/mem.h"
#include "steem/hex.h"

struct block *block_new(void)
{
	struct arena *arena = arena_new();
	struct block *block = arena_alloc(arena, sizeof(*block));

	*block = (struct block){.arena = arena};
	return block;
}

void block_free(struct block *block)
{
	if (block)
		arena_free(block->arena);
}

size_t block_bytes(const struct block *block)
{
	return arena_bytes(block->arena);
}

struct op_place op_place_of(uint32_t num, const struct operation *op)
{
	return (struct op_place){num, op->trx_in_block, op->op_in_trx, op->virtual_op};
}

int op_place_compare(struct op_place a, struct op_place b)
{
	if (a.block != b.block)
		return a.block < b.block ? -1 : 1;
	if (a.trx_in_block != b.trx_in_block)
		return a.trx_in_block < b.trx_in_block ? -1 : 1;
	if (a.op_in_trx != b.op_in_trx)
		return a.op_in_trx < b.op_in_trx ? -1 : 1;
	return (a.virtual_op > b.virtual_op) - (a.virtual_op < b.virtual_op);
}

/* NULL equals only NULL. */
static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (!a || !b)
		return !a && !b;
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool same_operation(const struct operation *a, const struct operation *b)
{
	return op_place_compare(op_place_of(0, a), op_place_of(0, b)) == 0 &&
	       same_text(a->trx_id, a->trx_id ? strlen(a->trx_id) : 0, b->trx_id,
			 b->trx_id ? strlen(b->trx_id) : 0) &&
	       same_text(a->name, a->name_bytes, b->name, b->name_bytes) &&
	       same_text(a->account, a->account_bytes, b->account, b->account_bytes) &&
	       same_text(a->payload, a->payload_bytes, b->payload, b->payload_bytes);
}

bool block_equal(const struct block *a, const struct block *b)
{
	if (a->num != b->num || !block_id_equal(a->id, b->id) ||
	    !block_id_equal(a->previous, b->previous) || a->timestamp_s != b->timestamp_s ||
	    a->operation_count != b->operation_count || a->virtual_count != b->virtual_count ||
	    a->virtual_state != b->virtual_state)
		return false;
	for (size_t i = 0; i < block_total_count(a); i++)
		if (!same_operation(&a->operations[i], &b->operations[i]))
			return false;
	return true;
}

size_t block_total_count(const struct block *block)
{
	return block->operation_count + block->virtual_count;
}

void block_count_stored(struct block *block)
{
	block->stored_count = 0;
	block->stored_virtual_count = 0;
	block->stored_payload_bytes = 0;
	block->delivery_count = 0;
	for (size_t i = 0; i < block_total_count(block); i++) {
		if (!block->operations[i].is_stored)
			continue;
		block->stored_count++;
		block->stored_virtual_count += i >= block->operation_count;
		block->stored_payload_bytes += block->operations[i].payload_bytes;
		block->delivery_count += (size_t)__builtin_popcountll(block->operations[i].queues);
	}
}

void block_store_all(struct block *block)
{
	for (size_t i = 0; i < block_total_count(block); i++)
		block->operations[i].is_stored = true;
	block_count_stored(block);
}

static const char *const virtual_names[] = {
	[BLOCK_VIRTUAL_NONE] = "none",
	[BLOCK_VIRTUAL_UNVERIFIED] = "unverified",
	[BLOCK_VIRTUAL_COMPLETE] = "complete",
};

const char *block_proof_name(enum block_proof proof)
{
	static const char *const names[] = {
		[BLOCK_PROOF_NONE] = "none",
		[BLOCK_PROOF_CONTENT] = "content",
		[BLOCK_PROOF_SIGNED] = "signed",
	};

	return names[proof];
}

const char *block_virtual_name(enum block_virtual state)
{
	return virtual_names[state];
}

enum block_virtual block_virtual_parse(const char *name)
{
	enum block_virtual state = BLOCK_VIRTUAL_COMPLETE;

	while (state > BLOCK_VIRTUAL_NONE && (!name || strcmp(name, virtual_names[state]) != 0))
		state--;
	return state;
}

uint32_t block_id_num(const uint8_t id[BLOCK_ID_BYTES])
{
	return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
}

uint32_t block_id_crc32(const uint8_t id[BLOCK_ID_BYTES])
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < BLOCK_ID_BYTES; i++) {
		crc ^= id[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

bool block_id_equal(const uint8_t a[BLOCK_ID_BYTES], const uint8_t b[BLOCK_ID_BYTES])
{
	return memcmp(a, b, BLOCK_ID_BYTES) == 0;
}

char *block_id_format(const uint8_t id[BLOCK_ID_BYTES], char text[BLOCK_ID_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < BLOCK_ID_BYTES; i++) {
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 15];
	}
	text[BLOCK_ID_HEX] = '\0';
	return text;
}

bool block_id_parse(const char *text, size_t len, uint8_t ret_id[BLOCK_ID_BYTES])
{
	return len == BLOCK_ID_HEX && hex_read(text, BLOCK_ID_BYTES, true, ret_id);
}

bool block_links(const struct block *block, const struct block *next)
{
	if (next->num != block->num + 1)
		return true;
	return block_id_equal(next->previous, block->id);
}
