/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void additions_follow_each_other(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT(100);

	(void)state;
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf_add_text(&buf, "ab"), 0);
	assert_int_equal(buf_add_char(&buf, 'c'), 0);
	assert_int_equal(buf_addf(&buf, "%d%s", 12, "x"), 0);
	assert_int_equal(buf_add(&buf, "\0z", 2), 0);
	assert_int_equal(buf.len, 8);
	assert_memory_equal(buf.data, "abc12x\0z", 9);
}

static void the_limit_is_kept(void **state)
{
	CLEANUP(buf_release) struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_int_equal(buf_add_text(&buf, "12345"), 0);
	assert_false(buf.is_full);
	assert_int_equal(buf_add_char(&buf, '6'), -1);
	assert_true(buf.is_full);
	assert_string_equal(buf_text(&buf), "12345");
	buf_reset(&buf);
	assert_false(buf.is_full);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf_addf(&buf, "%d", 123456), -1);
	assert_int_equal(buf.len, 0);
	assert_true(buf.is_full);
	assert_int_equal(buf_add_text(&buf, ""), 0);
	assert_true(buf.is_full);
}

static void growth_is_bounded(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT(1000);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_add_char(&buf, 'x'), 0);
	assert_int_equal(buf.len, 1000);
	assert_int_equal(buf.capacity, 1001);
	assert_int_equal(buf_add_char(&buf, 'x'), -1);
	buf_release(&buf);
	assert_null(buf.data);
}

static void no_limit_is_possible(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT(SIZE_MAX);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_addf(&buf, "%d", i % 10), 0);
	assert_int_equal(buf.len, 100000);
	assert_int_equal(strlen(buf_text(&buf)), 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additions_follow_each_other),
		cmocka_unit_test(the_limit_is_kept),
		cmocka_unit_test(growth_is_bounded),
		cmocka_unit_test(no_limit_is_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
