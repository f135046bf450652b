/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define BAD "\xef\xbf\xbd"

static void check(const char *text, size_t len, const char *wanted)
{
	char out[256];

	assert_int_equal(text_clean(out, sizeof(out), text, len), strlen(wanted));
	assert_string_equal(out, wanted);
}

#define CHECK(text, wanted) check(text, sizeof(text) - 1, wanted)

static void good_text_stays(void **state)
{
	(void)state;
	CHECK("", "");
	CHECK("block 7 is odd", "block 7 is odd");
	CHECK("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	CHECK("\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
	      "\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

static void invalid_bytes_are_replaced(void **state)
{
	(void)state;
	CHECK("a\xff"
	      "b",
	      "a" BAD "b");
	CHECK("\x80\x9b[31m", BAD BAD "[31m"); /* a C1 control as one byte */
	CHECK("\xc0\xaf", BAD BAD);            /* longer than need be */
	CHECK("\xe0\x80\xaf", BAD BAD BAD);
	CHECK("\xf0\x80\x80\xaf", BAD BAD BAD BAD);
	CHECK("\xed\xa0\x80", BAD BAD BAD);         /* a surrogate */
	CHECK("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* above U+10FFFF */
	CHECK("\xe2\x82", BAD BAD);                 /* the end is missing */
	CHECK("\xe2\x82x", BAD BAD "x");
	CHECK("\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD);
}

static void the_valid_part_is_measured(void **state)
{
	(void)state;
	assert_int_equal(text_valid_length("", 0), 0);
	assert_int_equal(text_valid_length("a\0\xc3\xa4\x9b", 5), 4);
	assert_int_equal(text_valid_length("\xe2\x82\xac", 3), 3);
	assert_int_equal(text_valid_length("\xe2\x82\xac", 2), 0);
}

static void what_hides_is_replaced(void **state)
{
	(void)state;
	CHECK("a\nb\r\n\tc\vd", "a b   c d");
	CHECK("\xc2\x85x\xe2\x80\xa8y\xe2\x80\xa9z", " x y z"); /* other line ends */
	CHECK("\x1b[31m\x7f\x01", BAD "[31m" BAD BAD);
	check("a\0b", 3, "a" BAD "b");
	CHECK("\xc2\x9b[2J", BAD "[2J"); /* a C1 control in UTF-8 */
	CHECK("\xe2\x80\xae"
	      "evil\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c",
	      BAD "evil" BAD BAD BAD);
	CHECK("a\xe2\x80\x8b"
	      "b\xef\xbb\xbf",
	      "a" BAD "b" BAD);
	CHECK("\xf3\xa0\x81\x81", BAD); /* a tag */
}

static void every_code_is_clean_or_not(void **state)
{
	static const uint32_t hidden[] = {0x00,   0x1f,   0x7f,   0x80,   0x9f,   0xad,
					  0x61c,  0x200b, 0x200f, 0x2028, 0x202a, 0x202e,
					  0x2060, 0x2066, 0x2069, 0xfeff, 0xe0001};
	static const uint32_t shown[] = {0x20,   0x7e,   0xa0,   0xac,   0xae,   0x61d,  0x200a,
					 0x2010, 0x2027, 0x202f, 0x205f, 0x2070, 0xfffd, 0x1f600};

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		assert_false(text_is_clean(hidden[i]));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		assert_true(text_is_clean(shown[i]));
	assert_false(text_is_clean(TEXT_INVALID));
}

static void no_character_is_cut(void **state)
{
	char out[8];
	char cut[] = "\xe2\x82\xac\xe2\x82\xac\xc3\xa4x";

	(void)state;
	assert_int_equal(text_clean(out, sizeof(out), "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9),
			 6);
	assert_string_equal(out, "\xe2\x82\xac\xe2\x82\xac");
	assert_int_equal(text_clean(out, 1, "x", 1), 0);
	assert_string_equal(out, "");
	text_cut(cut, 9);
	assert_int_equal(strlen(cut), 9);
	text_cut(cut, 2);
	assert_string_equal(cut, "\xe2\x82\xac\xe2\x82\xac");
	text_cut(cut, 0);
	assert_string_equal(cut, "");
}

/* A text that is too long to be formatted is cut between two characters as well. */
static void formatted_text_is_clean(void **state)
{
	char out[4096];
	char text[4096];
	size_t len;

	(void)state;
	assert_int_equal(text_format(out, sizeof(out), "%s %d", "a\nb", 7), 5);
	assert_string_equal(out, "a b 7");
	text_format(out, sizeof(out), "again: %s", out);
	assert_string_equal(out, "again: a b 7");
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 5);
		len = text_format(out, sizeof(out), "%s", text);
		assert_true(len > 2040 && len < 2048);
		assert_null(strstr(out, BAD));
	}
}

/* Whatever goes in: what comes out is valid, clean, and stays as it is when it is cleaned again. */
static void random_bytes_become_clean(void **state)
{
	char in[64];
	char out[200];
	char again[200];

	(void)state;
	srandom(7);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)random() % sizeof(in);
		size_t size = 1 + (size_t)random() % sizeof(out);
		const char *at = out;
		size_t out_len;

		for (size_t i = 0; i < len; i++)
			in[i] = (char)(random() % 3 ? 0x80 + random() % 0x80 : random() % 0x80);
		out_len = text_clean(out, size, in, len);
		assert_true(out_len < size);
		assert_int_equal(strlen(out), out_len);
		while (at < out + out_len)
			assert_true(text_is_clean(text_next(&at, out + out_len)));
		text_clean(again, sizeof(again), out, out_len);
		assert_string_equal(again, out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_text_stays),
		cmocka_unit_test(invalid_bytes_are_replaced),
		cmocka_unit_test(the_valid_part_is_measured),
		cmocka_unit_test(what_hides_is_replaced),
		cmocka_unit_test(every_code_is_clean_or_not),
		cmocka_unit_test(no_character_is_cut),
		cmocka_unit_test(formatted_text_is_clean),
		cmocka_unit_test(random_bytes_become_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
