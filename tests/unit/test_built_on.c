/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sync/built_on.h"
#include "sync/lineage.h"

#define FIRST 100
#define COUNT 3 /* good blocks, from FIRST on */
#define SOME  1000

struct made {
	struct block block;
	struct block_seal seal;
	char witness[16];
};

static void put_id(uint8_t id[BLOCK_ID_BYTES], uint32_t num)
{
	memset(id, 0, BLOCK_ID_BYTES);
	memcpy(id, &num, sizeof(num));
}

static struct block *make(struct made *made, uint32_t num)
{
	*made = (struct made){.block = {.num = num}};
	put_id(made->block.id, num);
	put_id(made->block.previous, num - 1);
	snprintf(made->witness, sizeof(made->witness), "w%u", num % 21);
	made->seal.witness = made->witness;
	made->block.seal = &made->seal;
	return &made->block;
}

static void add(struct lineage *lineage, uint32_t first, uint32_t last)
{
	for (uint32_t num = first; num <= last; num++) {
		struct made made;

		lineage_add(lineage, make(&made, num));
	}
}

static size_t count_at(struct built_on *built_on, const struct lineage *lineage, int64_t now_ms,
		       int64_t *due_ms)
{
	struct made made[COUNT];
	struct fetched held[COUNT] = {{.block = NULL}};

	for (unsigned i = 0; i < COUNT; i++)
		held[i].block = make(&made[i], FIRST + i);
	return built_on_count(built_on, lineage, held, COUNT, now_ms, due_ms);
}

static void blocks_wait_for_three_quarters_of_the_witnesses(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);
	struct built_on built_on = {.few_since_ms = 0};
	int64_t due_ms;

	(void)state;
	add(lineage, FIRST, FIRST + 14);
	assert_int_equal(count_at(&built_on, lineage, SOME, &due_ms), 0);
	assert_int_equal(due_ms, SOME + 6000);
	add(lineage, FIRST + 15, FIRST + 15);
	assert_int_equal(count_at(&built_on, lineage, SOME + 1, &due_ms), 1);
	assert_int_equal(due_ms, CLOCK_NEVER);
	add(lineage, FIRST + 16, FIRST + 30);
	assert_int_equal(count_at(&built_on, lineage, SOME + 2, &due_ms), COUNT);
	lineage_free(lineage);
}

static void claims_are_enough_after_a_minute_until_witnesses_are_seen(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);
	struct built_on built_on = {.few_since_ms = 0};
	int64_t due_ms;

	(void)state;
	assert_int_equal(count_at(&built_on, lineage, SOME, &due_ms), 0);
	assert_int_equal(count_at(&built_on, lineage, SOME + 6000, &due_ms), 0);
	assert_int_equal(due_ms, SOME + 60000);
	assert_int_equal(count_at(&built_on, lineage, SOME + 59999, &due_ms), 0);
	assert_int_equal(count_at(&built_on, lineage, SOME + 60000, &due_ms), COUNT);
	assert_int_equal(due_ms, CLOCK_NEVER);
	assert_true(built_on.claims_are_enough);
	add(lineage, FIRST, FIRST + 15);
	assert_int_equal(count_at(&built_on, lineage, SOME + 60001, &due_ms), 1);
	assert_false(built_on.claims_are_enough);
	lineage_free(lineage);
}

static void no_block_waits_where_none_is_good(void **state)
{
	struct lineage *lineage = lineage_new(&chain_steem);
	struct built_on built_on = {.few_since_ms = 0};
	int64_t due_ms;

	(void)state;
	assert_int_equal(count_at(&built_on, lineage, SOME, &due_ms), 0);
	assert_int_equal(built_on_count(&built_on, lineage, NULL, 0, SOME + 59000, &due_ms), 0);
	assert_int_equal(due_ms, CLOCK_NEVER);
	assert_int_equal(count_at(&built_on, lineage, SOME + 60000, &due_ms), 0);
	assert_int_equal(due_ms, SOME + 66000);
	lineage_free(lineage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_wait_for_three_quarters_of_the_witnesses),
		cmocka_unit_test(claims_are_enough_after_a_minute_until_witnesses_are_seen),
		cmocka_unit_test(no_block_waits_where_none_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
