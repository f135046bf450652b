/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/backoff.h"
#include "base/mem.h"
#include "base/range.h"

/* Block numbers of the random test: small, so that ranges meet often. */
#define BLOCKS 200

static void assert_is(const struct range_set *set, const char *text)
{
	char found[256];

	assert_string_equal(range_format(set, found, sizeof(found)), text);
}

/* The set must hold exactly the bits, in sorted, disjoint, not touching ranges. */
static void assert_same(const struct range_set *set, const bool *bits)
{
	uint64_t count = 0;
	uint32_t lowest = 0, highest = 0;

	for (uint32_t block = 0; block < BLOCKS; block++) {
		assert_int_equal(range_contains(set, block), bits[block]);
		if (bits[block] && count++ == 0)
			lowest = block;
		if (bits[block])
			highest = block;
	}
	assert_int_equal(range_first(set), lowest);
	assert_int_equal(range_last(set), highest);
	assert_int_equal(range_count_blocks(set), count);
	for (size_t i = 0; i < set->count; i++) {
		assert_true(set->items[i].first <= set->items[i].last);
		if (i > 0)
			assert_true(set->items[i - 1].last + 1 < set->items[i].first);
	}
}

static void paint(bool *bits, uint32_t first, uint32_t last, bool value)
{
	for (uint32_t block = first; block <= last; block++)
		bits[block] = value;
}

static void random_changes_agree_with_a_bitmap(void **state)
{
	CLEANUP(range_set_release) struct range_set set = RANGE_SET_INIT;
	CLEANUP(range_set_release) struct range_set other = RANGE_SET_INIT;
	bool bits[BLOCKS] = {false};

	(void)state;
	random_seed(20160324);
	for (int step = 0; step < 20000; step++) {
		uint32_t first = (uint32_t)random_below(BLOCKS);
		uint32_t last = first + (uint32_t)random_below(BLOCKS - first);

		if (random_below(3) > 0 && last > first + 20)
			last = first + 20;
		switch (random_below(21)) {
		case 0:
			range_clip(&set, first, last);
			for (uint32_t block = 0; block < BLOCKS; block++)
				bits[block] = bits[block] && block >= first && block <= last;
			break;
		case 1:
			range_set_clear(&other);
			range_add(&other, first, last);
			range_add(&other, 3, 5);
			range_remove_set(&set, &other);
			paint(bits, first, last, false);
			paint(bits, 3, 5, false);
			break;
		case 2:
			range_set_clear(&other);
			range_add(&other, first, last);
			range_add_set(&other, &set);
			range_set_copy(&set, &other);
			paint(bits, first, last, true);
			break;
		case 3:
			range_set_clear(&other);
			range_add(&other, first, last);
			range_add(&other, 3, 5);
			range_keep_set(&set, &other);
			for (uint32_t block = 0; block < BLOCKS; block++)
				bits[block] = bits[block] && ((block >= first && block <= last) ||
							      (block >= 3 && block <= 5));
			break;
		default:
			if (random_below(2) == 0) {
				range_add(&set, first, last);
				paint(bits, first, last, true);
			} else {
				range_remove(&set, first, last);
				paint(bits, first, last, false);
			}
		}
		assert_same(&set, bits);
	}
}

static void neighbours_are_joined(void **state)
{
	CLEANUP(range_set_release) struct range_set set;

	(void)state;
	range_set_init(&set);
	range_add(&set, 1, 5);
	range_add(&set, 7, 9);
	assert_is(&set, "1-5,7-9");
	range_add(&set, 6, 6);
	assert_is(&set, "1-9");
	range_remove(&set, 5, 5);
	assert_is(&set, "1-4,6-9");
	range_add(&set, 9, 3);
	range_remove(&set, 9, 3);
	assert_is(&set, "1-4,6-9");
}

static void the_last_number_is_one_like_others(void **state)
{
	CLEANUP(range_set_release) struct range_set set = RANGE_SET_INIT;
	CLEANUP(range_set_release) struct range_set other = RANGE_SET_INIT;

	(void)state;
	range_add(&set, 1, UINT32_MAX);
	assert_int_equal(range_count_blocks(&set), UINT32_MAX);
	assert_true(range_contains(&set, UINT32_MAX));
	range_remove(&set, UINT32_MAX, UINT32_MAX);
	assert_false(range_contains(&set, UINT32_MAX));
	range_add(&set, UINT32_MAX - 5, UINT32_MAX);
	assert_is(&set, "1-4294967295");
	range_clip(&set, UINT32_MAX, UINT32_MAX);
	assert_is(&set, "4294967295");
	range_set_copy(&other, &set);
	range_add(&set, 1, 5);
	range_keep_set(&set, &other);
	assert_is(&set, "4294967295");
	range_clip(&other, 1, 5);
	range_keep_set(&set, &other);
	assert_int_equal(set.count, 0);
	range_add(&set, 1, UINT32_MAX);
	range_remove(&set, 0, UINT32_MAX);
	assert_int_equal(set.count, 0);
}

static void good_texts_are_parsed(void **state)
{
	CLEANUP(range_set_release) struct range_set set = RANGE_SET_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(range_parse(&set, "70_000_000-70000005,5+3,1", &err), 0);
	assert_is(&set, "1,5-7,70000000-70000005");
	assert_int_equal(range_parse(&set, "4294967295,4294967290+5", &err), 0);
	assert_is(&set, "1,5-7,70000000-70000005,4294967290-4294967295");
}

static void bad_texts_are_refused_whole(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} bad[] = {
		{"", "a number is missing"},
		{"1,", "a number is missing"},
		{",1", "a number is missing"},
		{"-5", "a number is missing"},
		{"5-", "a number is missing"},
		{"5+", "a number is missing"},
		{"a-b", "a number is missing"},
		{"1-2-3", "'-3' cannot be read"},
		{"1 - 2", "' - 2' cannot be read"},
		{"1__0", "'__0' cannot be read"},
		{"1_", "'_' cannot be read"},
		{"5-4", "the last block is below the first"},
		{"0-4", "0 is not allowed"},
		{"5+0", "0 is not allowed"},
		{"1-4294967296", "too large"},
		{"99999999999999999999999", "too large"},
		{"4294967295+2", "beyond the highest block"},
		{"1-5,7-6", "the last block is below the first"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(range_set_release) struct range_set set = RANGE_SET_INIT;
		struct error err = ERROR_INIT;

		range_add(&set, 100, 101);
		assert_int_equal(range_parse(&set, bad[i].text, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (strstr(err.text, bad[i].said) == NULL)
			fail_msg("'%s': %s", bad[i].text, err.text);
		assert_is(&set, "100-101");
	}
}

static void long_sets_are_cut(void **state)
{
	CLEANUP(range_set_release) struct range_set set = RANGE_SET_INIT;
	char text[16];

	(void)state;
	assert_string_equal(range_format(&set, text, sizeof(text)), "");
	for (uint32_t block = 1; block < 100; block += 2)
		range_add(&set, block, block);
	assert_string_equal(range_format(&set, text, sizeof(text)), "1,3,5,7,9,11...");
	range_set_clear(&set);
	range_add(&set, 1000000, 2000000);
	assert_string_equal(range_format(&set, text, sizeof(text)), "1000000-2000000");
	assert_string_equal(range_format(&set, text, sizeof(text) - 1), "...");
	assert_string_equal(range_format(&set, text, 2), ".");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_agree_with_a_bitmap),
		cmocka_unit_test(neighbours_are_joined),
		cmocka_unit_test(the_last_number_is_one_like_others),
		cmocka_unit_test(good_texts_are_parsed),
		cmocka_unit_test(bad_texts_are_refused_whole),
		cmocka_unit_test(long_sets_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
