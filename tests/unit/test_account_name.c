/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "steem/account_name.h"

static void names_of_the_chain(void **state)
{
	static const char *const names[] = {
		"abc",         "alice",         "a-b",          "a00",         "steem.dao",
		"aaa.bbb.ccc", "aaa-bbb-ccc",   "community321", "hive-123456", "abcdefghijklmnop",
		"initminer",   "aaa--bbb--ccc",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_null(account_name_fault(names[i], strlen(names[i])));
}

static void texts_that_are_no_names(void **state)
{
	static const char *const texts[] = {
		"",         "a",
		"ab",       "Alice",
		"alicE",    "@alice",
		"1abc",     "-abc",
		"abc-",     "a_b",
		".abc",     "abc.",
		"abc..def", "ab.cde",
		"abc.de",   "abc.1de",
		"abc.-de",  "abc.de-",
		"abc_def",  "al ice",
		"alice\n",  "\nalice",
		"alice\r",  "\xc3\xa4lice",
		"abc/def",  "abcdefghijklmnopq",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_non_null(account_name_fault(texts[i], strlen(texts[i])));
	assert_non_null(account_name_fault("abc\0d", 5));
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_string_equal(account_name_fault("Alice", 5), "it has capital letters");
	assert_string_equal(account_name_fault("alice\n", 6), "it has white space");
	assert_string_equal(account_name_fault("abcdefghijklmnopq", 17), "it is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_the_chain),
		cmocka_unit_test(texts_that_are_no_names),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
