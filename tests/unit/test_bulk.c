/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/bulk.h"

static const enum bulk_type types[] = {BULK_U32, BULK_U64, BULK_TEXT, BULK_BYTES};
static const char sql[] = "INSERT INTO t (a, b, c, d)\nVALUES (?, ?, ?, ?, NOW(6))";

static void text_is_quoted_and_bytes_are_digits(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(10000);
	struct error err = ERROR_INIT;
	struct bulk *bulk = bulk_new(sql, types, 4);

	(void)state;
	bulk_add_u64(bulk, 4294967295u);
	bulk_add_u64(bulk, UINT64_MAX);
	bulk_add_bytes(bulk, "?'\\\0\"\n\xC3\xA9", 8);
	bulk_add_bytes(bulk, "\0\xFF?", 3);
	bulk_add_null(bulk);
	bulk_add_null(bulk);
	bulk_add_null(bulk);
	bulk_add_bytes(bulk, "", 0);
	assert_int_equal(bulk_row_count(bulk), 2);
	assert_int_equal(bulk_write_text(bulk, 0, 2, &text, &err), 0);
	assert_string_equal(text.data,
			    "INSERT INTO t (a, b, c, d)\nVALUES "
			    "(4294967295, 18446744073709551615, '?\\'\\\\\\0\"\n\xC3\xA9', "
			    "X'00ff3f', NOW(6)), (NULL, NULL, NULL, X'', NOW(6))");
	bulk_free(bulk);
}

static void marks_stand_for_the_values_of_each_row(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(10000);
	CLEANUP(buf_release) struct buf small = BUF_INIT(60);
	struct error err = ERROR_INIT;
	struct bulk *bulk = bulk_new(sql, types, 4);

	(void)state;
	assert_int_equal(bulk_write_marks(bulk, 3, &text, &err), 0);
	assert_string_equal(text.data, "INSERT INTO t (a, b, c, d)\nVALUES (?, ?, ?, ?, NOW(6)), "
				       "(?, ?, ?, ?, NOW(6)), (?, ?, ?, ?, NOW(6))");
	assert_int_equal(bulk_write_marks(bulk, 3, &small, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	bulk_free(bulk);
}

static void a_statement_stays_near_one_mebibyte(void **state)
{
	struct bulk *bulk = bulk_new(sql, types, 4);
	char *long_text = xcalloc(1, 3u << 20);
	size_t from = 0;
	size_t statements = 0;

	(void)state;
	memset(long_text, 'x', 3u << 20);
	for (uint32_t i = 0; i < 100; i++) {
		bulk_add_u64(bulk, i);
		bulk_add_u64(bulk, i);
		bulk_add_bytes(bulk, long_text, i == 50 ? 3u << 20 : 100000);
		bulk_add_null(bulk);
	}
	while (from < bulk_row_count(bulk)) {
		size_t count = bulk_count_rows(bulk, from, BULK_STATEMENT_BYTES);

		assert_in_range(count, 1, 10);
		if (from <= 50 && from + count > 50 && from != 50)
			fail_msg("the long row shares a statement");
		from += count;
		statements++;
	}
	assert_int_equal(from, 100);
	assert_int_equal(statements, 11);
	bulk_free(bulk);
	free(long_text);
}

static void a_statement_that_passes_the_limit_is_an_error(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(60);
	struct error err = ERROR_INIT;
	struct bulk *bulk = bulk_new(sql, types, 4);

	(void)state;
	for (int i = 0; i < 4; i++)
		bulk_add_null(bulk);
	assert_int_equal(bulk_write_text(bulk, 0, 1, &text, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	bulk_free(bulk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_quoted_and_bytes_are_digits),
		cmocka_unit_test(marks_stand_for_the_values_of_each_row),
		cmocka_unit_test(a_statement_stays_near_one_mebibyte),
		cmocka_unit_test(a_statement_that_passes_the_limit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
