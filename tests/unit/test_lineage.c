/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "sync/lineage.h"

static const struct chain some_chain = {.name = "some"};

/* A block of a branch; a branch is the same as branch 0 below its first block. */
struct made {
	struct block block;
	struct block_seal seal;
	char witness[16];
};

static void put_id(uint8_t id[BLOCK_ID_BYTES], uint32_t num, uint8_t branch)
{
	memset(id, 0, BLOCK_ID_BYTES);
	memcpy(id, &num, sizeof(num));
	id[BLOCK_ID_BYTES - 1] = branch;
}

static const struct block *make(struct made *made, uint32_t num, uint8_t branch, uint8_t below,
				unsigned witness)
{
	*made = (struct made){.block = {.num = num}};
	put_id(made->block.id, num, branch);
	put_id(made->block.previous, num - 1, below);
	snprintf(made->witness, sizeof(made->witness), "w%u", witness);
	made->seal.witness = made->witness;
	made->block.seal = &made->seal;
	return &made->block;
}

static void add(struct lineage *lineage, uint32_t num, uint8_t branch, uint8_t below,
		unsigned witness)
{
	struct made made;

	lineage_add(lineage, make(&made, num, branch, below, witness));
}

/* Blocks from first to last, of so many witnesses, who take turns. */
static void add_all(struct lineage *lineage, uint32_t first, uint32_t last, unsigned witnesses)
{
	for (uint32_t num = first; num <= last; num++)
		add(lineage, num, 0, 0, num % witnesses);
}

static uint32_t built_on(const struct lineage *lineage, uint32_t num, uint8_t branch)
{
	struct made made;

	return lineage_built_on(lineage, make(&made, num, branch, 0, 0));
}

static void sixteen_of_twenty_one_settle(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);

	(void)state;
	assert_int_equal(built_on(lineage, 100, 0), 0);
	add_all(lineage, 100, 114, 21);
	assert_int_equal(built_on(lineage, 100, 0), 0);
	add_all(lineage, 115, 115, 21);
	assert_int_equal(built_on(lineage, 100, 0), 100);
	add_all(lineage, 116, 130, 21);
	assert_int_equal(built_on(lineage, 100, 0), 115);
	assert_int_equal(built_on(lineage, 115, 0), 115);
	assert_int_equal(built_on(lineage, 116, 0), 0);
	assert_int_equal(built_on(lineage, 99, 0), 0);
	lineage_free(lineage);
}

static void a_witness_counts_once(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);

	(void)state;
	add_all(lineage, 100, 300, 15);
	assert_int_equal(built_on(lineage, 100, 0), 0);
	add(lineage, 301, 0, 0, 15);
	assert_int_equal(built_on(lineage, 100, 0), 286);
	lineage_free(lineage);
}

static void another_branch_does_not_count(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);
	struct made made;

	(void)state;
	add_all(lineage, 100, 120, 21);
	assert_int_equal(built_on(lineage, 100, 0), 105);
	/* The chain forks below 110; what stands above it is of the other branch. */
	add(lineage, 110, 1, 0, 110 % 21);
	assert_int_equal(built_on(lineage, 100, 0), 0);
	assert_int_equal(built_on(lineage, 110, 0), 0);
	assert_false(lineage_has(lineage, make(&made, 110, 0, 0, 0)));
	assert_true(lineage_has(lineage, make(&made, 110, 1, 0, 0)));
	for (uint32_t num = 111; num <= 115; num++)
		add(lineage, num, 1, 1, num % 21);
	assert_int_equal(built_on(lineage, 100, 0), 100);
	lineage_free(lineage);
}

/* The head passes over a block that nothing proves; the tail brings it. */
static void a_hole_is_filled_later(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);
	struct made made;

	(void)state;
	add_all(lineage, 100, 109, 21);
	add_all(lineage, 111, 120, 21);
	assert_int_equal(built_on(lineage, 100, 0), 0);
	make(&made, 110, 0, 0, 0);
	made.block.seal = NULL;
	lineage_add(lineage, &made.block);
	assert_int_equal(built_on(lineage, 100, 0), 104); /* not 105: it counts for nobody */
	lineage_free(lineage);
}

static void fewer_witnesses_where_the_chain_has_fewer(void **state)
{
	static const struct {
		unsigned witnesses, needed;
	} cases[] = {{1, 1}, {2, 2}, {3, 3}, {4, 3}, {7, 6}, {20, 15}, {21, 16}, {30, 16}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lineage *lineage = lineage_new(&some_chain);

		add_all(lineage, 1, 100, cases[i].witnesses);
		assert_int_equal(built_on(lineage, 50, 0), 100 - cases[i].needed + 1);
		lineage_free(lineage);
	}
}

static void the_highest_numbers(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);

	(void)state;
	for (uint32_t num = UINT32_MAX - 20; num != 0; num++)
		add(lineage, num, 0, 0, num % 21);
	assert_int_equal(built_on(lineage, UINT32_MAX - 20, 0), UINT32_MAX - 15);
	add_all(lineage, 1, 40, 21);
	assert_int_equal(built_on(lineage, 1, 0), 25);
	lineage_free(lineage);
}

static void old_blocks_make_way(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);

	(void)state;
	add_all(lineage, 1, 2000, 21);
	assert_int_equal(built_on(lineage, 1, 0), 0);
	assert_int_equal(built_on(lineage, 1700, 0), 1985);
	lineage_free(lineage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_of_twenty_one_settle),
		cmocka_unit_test(a_witness_counts_once),
		cmocka_unit_test(another_branch_does_not_count),
		cmocka_unit_test(a_hole_is_filled_later),
		cmocka_unit_test(fewer_witnesses_where_the_chain_has_fewer),
		cmocka_unit_test(the_highest_numbers),
		cmocka_unit_test(old_blocks_make_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
