/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "steem/block.h"

static struct block make(uint32_t num, uint8_t fork, uint8_t previous_fork)
{
	struct block block = {.num = num};

	memset(block.id, fork, sizeof(block.id));
	memset(block.previous, previous_fork, sizeof(block.previous));
	block.id[3] = (uint8_t)num;
	block.previous[3] = (uint8_t)(num - 1);
	return block;
}

static void links_only_what_names_it(void **state)
{
	struct block a = make(5, 1, 1);
	struct block good = make(6, 1, 1);
	struct block forked = make(6, 2, 2);
	struct block far = make(9, 2, 2);

	(void)state;
	assert_true(block_links(&a, &good));
	assert_false(block_links(&a, &forked));
	assert_true(block_links(&a, &far));  /* nothing lies between them to judge by */
	assert_true(block_links(&good, &a)); /* in the wrong order they do not follow */
}

/* Any single wrong byte in `previous` is seen. */
static void sees_every_byte(void **state)
{
	struct block a = make(5, 1, 1);

	(void)state;
	for (unsigned i = 0; i < BLOCK_ID_BYTES * 255; i++) {
		struct block next = make(6, 1, 1);

		next.previous[i / 255] ^= (uint8_t)(1 + i % 255);
		assert_false(block_links(&a, &next));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_only_what_names_it),
		cmocka_unit_test(sees_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
