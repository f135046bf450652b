/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/mem.h"
#include "steem/block.h"

static void ids_are_parsed_and_written(void **state)
{
	static const char text[] = "02e29b32ff786f0eb8f0d44617c5e158dc1ebcd6";
	uint8_t id[BLOCK_ID_BYTES], upper[BLOCK_ID_BYTES];
	char again[BLOCK_ID_HEX + 1];

	(void)state;
	assert_true(block_id_parse(text, BLOCK_ID_HEX, id));
	assert_int_equal(block_id_num(id), 48405298);
	assert_string_equal(block_id_format(id, again), text);
	assert_true(
		block_id_parse("02E29B32FF786F0EB8F0D44617C5E158DC1EBCD6", BLOCK_ID_HEX, upper));
	assert_true(block_id_equal(id, upper));
	upper[19] ^= 1;
	assert_false(block_id_equal(id, upper));
}

static void other_texts_are_no_ids(void **state)
{
	static const char *const texts[] = {
		"",
		"02e29b32ff786f0eb8f0d44617c5e158dc1ebcd",
		"02e29b32ff786f0eb8f0d44617c5e158dc1ebcd60",
		"02e29b32ff786f0eb8f0d44617c5e158dc1ebcdg",
		" 2e29b32ff786f0eb8f0d44617c5e158dc1ebcd6",
		"0x29b32ff786f0eb8f0d44617c5e158dc1ebcd6f",
	};
	uint8_t id[BLOCK_ID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(block_id_parse(texts[i], strlen(texts[i]), id));
}

/* Each byte at each place: several are read at once. */
static void each_digit_of_an_id_counts(void **state)
{
	static const char text[] = "02e29b32ff786f0eb8f0d44617c5e158dc1ebcd6";
	static const char digits[] = "0123456789abcdefABCDEF";

	(void)state;
	for (size_t at = 0; at < BLOCK_ID_HEX; at++)
		for (int c = 0; c < 256; c++) {
			CLEANUP(mem_free_pointer) char *other = xmalloc(BLOCK_ID_HEX);
			const char *digit = c != 0 ? strchr(digits, c) : NULL;
			char again[BLOCK_ID_HEX + 1];
			uint8_t id[BLOCK_ID_BYTES];

			memcpy(other, text, BLOCK_ID_HEX); /* exactly so long: reading on is seen */
			other[at] = (char)c;
			assert_int_equal(block_id_parse(other, BLOCK_ID_HEX, id), digit != NULL);
			if (digit == NULL)
				continue;
			if (digit - digits > 15)
				other[at] = digit[-6];
			assert_memory_equal(block_id_format(id, again), other, BLOCK_ID_HEX);
		}
}

static void the_number_uses_all_four_bytes(void **state)
{
	static const uint8_t id[BLOCK_ID_BYTES] = {0xff, 0xfe, 0xfd, 0xfc};

	(void)state;
	assert_true(block_id_num(id) == 0xfffefdfcU);
}

static void storing_all_counts_all(void **state)
{
	struct block *block = block_new();

	(void)state;
	block->operations = arena_alloc(block->arena, 2 * sizeof(*block->operations));
	block->operations[0] = (struct operation){.payload = "{}", .payload_bytes = 2};
	block->operations[1] = (struct operation){.payload = "[1]", .payload_bytes = 3};
	block->operation_count = 2;
	block->stored_payload_bytes = 99;
	block_store_all(block);
	assert_true(block->operations[0].is_stored && block->operations[1].is_stored);
	assert_int_equal(block->stored_count, 2);
	assert_int_equal(block->stored_payload_bytes, 5);
	assert_true(block_bytes(block) >= 2 * sizeof(*block->operations));
	block_free(block);
	block_free(NULL);
}

/* A block with two operations, all of whose texts are its own. */
static struct block *make_block(void)
{
	struct block *block = block_new();

	block->num = 7;
	block->id[19] = 1;
	block->previous[19] = 2;
	block->timestamp_s = 1458835500;
	block->operations = arena_alloc(block->arena, 2 * sizeof(*block->operations));
	block->operation_count = block->virtual_count = 1;
	block->virtual_state = BLOCK_VIRTUAL_COMPLETE;
	for (uint32_t i = 0; i < 2; i++)
		block->operations[i] = (struct operation){
			.trx_in_block = 1,
			.op_in_trx = 2,
			.virtual_op = i,
			.trx_id = i == 0 ? "00112233445566778899aabbccddeeff00112233" : NULL,
			.name = "vote",
			.name_bytes = 4,
			.account = i == 0 ? "alice" : NULL,
			.account_bytes = i == 0 ? 5 : 0,
			.payload = "{}",
			.payload_bytes = 2,
		};
	block_store_all(block);
	return block;
}

/* After this change of one of two equal blocks they differ. */
#define EXPECT_DIFFERENT(change)                                                                   \
	do {                                                                                       \
		struct block *as_it_was = make_block();                                            \
		struct block *b = make_block();                                                    \
		struct operation *ops = b->operations;                                             \
                                                                                                   \
		(void)ops;                                                                         \
		change;                                                                            \
		if (block_equal(as_it_was, b) || block_equal(b, as_it_was))                        \
			fail_msg("equal in spite of: %s", #change);                                \
		block_free(as_it_was);                                                             \
		block_free(b);                                                                     \
	} while (0)

static void blocks_are_equal_to_the_last_byte(void **state)
{
	struct block *a = make_block();
	struct block *same = make_block();

	(void)state;
	assert_true(block_equal(a, same));
	same->operations[0].is_stored = false; /* the filter's business */
	block_count_stored(same);
	assert_true(block_equal(a, same));
	block_free(a);
	block_free(same);
	EXPECT_DIFFERENT(b->num++);
	EXPECT_DIFFERENT(b->id[19]++);
	EXPECT_DIFFERENT(b->previous[19]++);
	EXPECT_DIFFERENT(b->timestamp_s++);
	EXPECT_DIFFERENT(b->operation_count--);
	EXPECT_DIFFERENT(b->virtual_count--);
	EXPECT_DIFFERENT(b->virtual_state = BLOCK_VIRTUAL_UNVERIFIED);
	EXPECT_DIFFERENT(ops[1].trx_in_block++);
	EXPECT_DIFFERENT(ops[1].op_in_trx++);
	EXPECT_DIFFERENT(ops[1].virtual_op++);
	EXPECT_DIFFERENT(ops[0].trx_id = "00112233445566778899aabbccddeeff00112234");
	EXPECT_DIFFERENT(ops[1].trx_id = ops[0].trx_id);
	EXPECT_DIFFERENT(ops[0].name = "vota");
	EXPECT_DIFFERENT(ops[0].name_bytes--);
	EXPECT_DIFFERENT(ops[0].account = "alicf");
	EXPECT_DIFFERENT(ops[0].account = NULL);
	EXPECT_DIFFERENT(ops[1].payload = "[]");
	EXPECT_DIFFERENT(ops[1].payload_bytes--);
}

/* The first number that differs decides, also where a difference of 32 bits would overflow. */
static void places_are_sorted_as_in_the_tables(void **state)
{
	static const struct op_place ascending[] = {
		{1, 0, 0, 0}, {1, 0, 0, 1},          {1, 0, 1, 0}, {1, 1, 0, UINT32_MAX},
		{1, 1, 1, 0}, {1, UINT32_MAX, 0, 0}, {2, 0, 0, 0}, {UINT32_MAX, 0, 0, 0},
	};
	const size_t count = sizeof(ascending) / sizeof(ascending[0]);
	const struct operation op = {.trx_in_block = 3, .op_in_trx = 4, .virtual_op = 5};

	(void)state;
	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < count; b++) {
			int order = op_place_compare(ascending[a], ascending[b]);

			assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
		}
	assert_int_equal(op_place_compare(op_place_of(2, &op), (struct op_place){2, 3, 4, 5}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_parsed_and_written),
		cmocka_unit_test(other_texts_are_no_ids),
		cmocka_unit_test(each_digit_of_an_id_counts),
		cmocka_unit_test(the_number_uses_all_four_bytes),
		cmocka_unit_test(storing_all_counts_all),
		cmocka_unit_test(blocks_are_equal_to_the_last_byte),
		cmocka_unit_test(places_are_sorted_as_in_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
