/* SPDX-License-Identifier: MIT */
#include "steem/block.h"

#include <string.h>

#include "base/mem.h"

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

void block_store_all(struct block *block)
{
	block->stored_count = block->operation_count;
	block->stored_payload_bytes = 0;
	for (size_t i = 0; i < block->operation_count; i++) {
		block->operations[i].is_stored = true;
		block->stored_payload_bytes += block->operations[i].payload_bytes;
	}
}

uint32_t block_id_num(const uint8_t id[BLOCK_ID_BYTES])
{
	return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
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

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool block_id_parse(const char *text, size_t len, uint8_t ret_id[BLOCK_ID_BYTES])
{
	if (len != BLOCK_ID_HEX)
		return false;
	for (size_t i = 0; i < BLOCK_ID_BYTES; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_id[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
