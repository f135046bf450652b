/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/mem.h"
#include "steem/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BAD          "\xef\xbf\xbd"

/* The text in a block of exactly its size, so that reading past its end is seen. */
static char *exact(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return copy;
}

static bool is_accepted(const char *text, size_t len)
{
	char *copy = exact(text, len);
	struct json_cursor cursor;
	bool accepted;

	json_open(&cursor, copy, len);
	accepted = json_skip(&cursor, NULL) && json_at_end(&cursor);
	assert_true(accepted || json_failed(&cursor));
	free(copy);
	return accepted;
}

static void good_texts_are_accepted(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" [ ] ",
		"\t{\n}\r",
		"null",
		"true",
		"false",
		"0",
		"-0",
		"12",
		"-1.5",
		"1e5",
		"1E+5",
		"1.25e-3",
		"18446744073709551616",
		"\"\"",
		"\"a\"",
		"[1,2,[3,{\"a\":null}]]",
		"{\"a\":1,\"a\":2}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83d\\ude00\\ud800\"",
		"\"\x7f\xe2\x80\xa8\"",
		"\"\xff\xc0\x80\"",
		"{\"\":[]}",
		"\"a string of more than sixteen plain bytes, then \\\" one quote\"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (!is_accepted(texts[i], strlen(texts[i])))
			fail_msg("refused: %s", texts[i]);
}

static const char *const bad_texts[] = {
	"",
	" ",
	"{",
	"[",
	"]",
	"}",
	"[1",
	"[1,",
	"[1,]",
	"[,1]",
	"[1 2]",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{,}",
	"{a:1}",
	"{\"a\" 1}",
	"{1:2}",
	"{\"a\":1 \"b\":2}",
	"[1}",
	"{\"a\":1]",
	"01",
	"-",
	"+1",
	".5",
	"1.",
	"1.e5",
	"1e",
	"1e+",
	"0x10",
	"--1",
	"1a",
	"nul",
	"nulll",
	"True",
	"NaN",
	"Infinity",
	"-Infinity",
	"'a'",
	"\"",
	"\"a",
	"\"\\\"",
	"\"\\",
	"\"\\a\"",
	"\"\\x41\"",
	"\"\\u12\"",
	"\"\\u12g4\"",
	"\"\\u\"",
	"\"\n\"",
	"\"\t\"",
	"\"\x1f\"",
	"\"sixteen by\x01es and so many more that the fast path sees it\"",
	"{} {}",
	"[] x",
	"1 2",
	"// c\n1",
	"[1/**/]",
	"\xef\xbb\xbf{}",
	"\xff",
	"{\"a\":1,\"b\"}",
};

static void bad_texts_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_texts); i++)
		if (is_accepted(bad_texts[i], strlen(bad_texts[i])))
			fail_msg("accepted: %s", bad_texts[i]);
	assert_false(is_accepted("\"a\0b\"", 5));
	assert_false(is_accepted("1\0", 2));
}

static void nesting_is_limited(void **state)
{
	char text[2 * JSON_MAX_DEPTH + 4];

	(void)state;
	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_true(is_accepted(text, 2 * JSON_MAX_DEPTH));
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	assert_false(is_accepted(text, 2 * JSON_MAX_DEPTH + 2));
}

/* Depth counts what is open, not what was: siblings do not add up. */
static void closed_brackets_do_not_count_as_depth(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(100000);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_add_text(&text, i == 0 ? "[[],{}" : ",[],{\"a\":{}}"), 0);
	assert_int_equal(buf_add_text(&text, "]"), 0);
	assert_true(is_accepted(text.data, text.len));
}

/*
 * json-c in its strict mode is the other opinion.  What it lets pass and we do not:
 * control characters in strings and NaN and the like; it also knows of no more than
 * 32 levels unless told, and looks at UTF-8 only when asked to.
 */
static bool json_c_accepts(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 1);
	struct json_object *tree;
	bool accepted;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	tree = json_tokener_parse_ex(tokener, text, (int)len);
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		tree = json_tokener_parse_ex(tokener, "", -1); /* a number ends with the text */
	accepted = json_tokener_get_error(tokener) == json_tokener_success &&
		   json_tokener_get_parse_end(tokener) <= len;
	json_object_put(tree);
	json_tokener_free(tokener);
	return accepted;
}

static void what_we_accept_json_c_accepts(void **state)
{
	static const char seed[] =
		"{\"previous\":\"00\\u00e9\\n\",\"a\":[1,-2.5e3,true,false,null,"
		"[\"vote\",{\"voter\":\"x\",\"weight\":10000}]],\"b\":{},\"c\":[ ] }";
	static const char bytes[] = "{}[]\",:\\0123456789-+.eEtrufalsn /\n\tabx";
	unsigned accepted_count = 0;

	(void)state;
	random_seed(20260101);
	for (int round = 0; round < 100000; round++) {
		char text[sizeof(seed) + 8];
		size_t len = sizeof(seed) - 1;
		uint64_t changes = 1 + random_below(3);

		memcpy(text, seed, len);
		while (changes-- > 0) {
			size_t at = (size_t)random_below(len);
			char byte = bytes[random_below(sizeof(bytes) - 1)];

			switch (random_below(3)) {
			case 0:
				text[at] = byte;
				break;
			case 1:
				memmove(text + at, text + at + 1, --len - at);
				break;
			default:
				if (len + 1 >= sizeof(text))
					break;
				memmove(text + at + 1, text + at, len++ - at);
				text[at] = byte;
			}
		}
		if (!is_accepted(text, len))
			continue;
		accepted_count++;
		if (!json_c_accepts(text, len))
			fail_msg("json-c refuses: %.*s", (int)len, text);
	}
	assert_true(accepted_count > 10000);
}

static void assert_canonical(const char *text, size_t len, const char *expected,
			     size_t expected_len, bool expected_invalid)
{
	char *copy = exact(text, len);
	struct arena *arena = arena_new();
	struct json_cursor cursor;
	struct json_slice value;
	bool had_invalid = false;

	json_open(&cursor, copy, len);
	if (!json_take_canonical(&cursor, arena, &value, &had_invalid))
		fail_msg("refused: %.*s", (int)len, text);
	if (value.len != expected_len || memcmp(value.data, expected, expected_len) != 0)
		fail_msg("%.*s became %.*s", (int)len, text, (int)value.len, value.data);
	assert_int_equal(value.data[value.len], '\0');
	assert_int_equal(had_invalid, expected_invalid);
	arena_free(arena);
	free(copy);
}

static void the_canonical_form_is_as_promised(void **state)
{
	static const struct {
		const char *text, *expected;
		bool had_invalid;
	} rows[] = {
		{" { \"b\" : 1 ,\n\"a\":[ 1.0, -0 ,1e5, 18446744073709551616 ] } ",
		 "{\"b\":1,\"a\":[1.0,-0,1e5,18446744073709551616]}", false},
		{"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}", false},
		{"\" a  b \"", "\" a  b \"", false},
		{"\"\\/\"", "\"/\"", false},
		{"\"\\\"\\\\\"", "\"\\\"\\\\\"", false},
		{"\"\\u0022\\u005c\\u002F\"", "\"\\\"\\\\/\"", false},
		{"\"\\b\\f\\n\\r\\t\"", "\"\\b\\f\\n\\r\\t\"", false},
		{"\"\\u0008\\u000C\\u000a\\u000D\\u0009\"", "\"\\b\\f\\n\\r\\t\"", false},
		{"\"\\u0000\\u0001\\u000B\\u001F\"", "\"\\u0000\\u0001\\u000b\\u001f\"", false},
		{"\"\\u0041\\u007f\"", "\"A\x7f\"", false},
		{"\"\\u00e9\\u4E2D\\u2028\\uFEFF\"",
		 "\"\xc3\xa9\xe4\xb8\xad\xe2\x80\xa8\xef\xbb\xbf\"", false},
		{"\"\\uD83D\\uDE00\"", "\"\xf0\x9f\x98\x80\"", false},
		{"\"\\uD83D\"", "\"\\ud83d\"", false},
		{"\"\\uDE00\\uD83D\"", "\"\\ude00\\ud83d\"", false},
		{"\"\\uD83D\\uD83D\\uDE00\"", "\"\\ud83d\xf0\x9f\x98\x80\"", false},
		{"\"\\uD83Dx\\uDE00\"", "\"\\ud83dx\\ude00\"", false},
		{"\"\\uD83D\\n\"", "\"\\ud83d\\n\"", false},
		{"\"\\uDBFF\\uDFFF\"", "\"\xf4\x8f\xbf\xbf\"", false},
		{"\"\xf0\x9f\x98\x80 \xe4\xb8\xad\"", "\"\xf0\x9f\x98\x80 \xe4\xb8\xad\"", false},
		{"{\"\\u0061\\/\":\"x\"}", "{\"a/\":\"x\"}", false},
		/* What Python's errors="replace" makes of it: one for each longest beginning. */
		{"\"\xff\"", "\"" BAD "\"", true},
		{"\"\x80\xbf\"", "\"" BAD BAD "\"", true},
		{"\"\xc0\xaf\"", "\"" BAD BAD "\"", true},
		{"\"\xc1\xbf\"", "\"" BAD BAD "\"", true},
		{"\"\xe0\x80\xaf\"", "\"" BAD BAD BAD "\"", true},
		{"\"\xe2\x82\"", "\"" BAD "\"", true},
		{"\"\xe2\x82x\"", "\"" BAD "x\"", true},
		{"\"\xed\xa0\x80\"", "\"" BAD BAD BAD "\"", true},
		{"\"\xed\x9f\xbf\"", "\"\xed\x9f\xbf\"", false},
		{"\"\xf0\x80\x80\xaf\"", "\"" BAD BAD BAD BAD "\"", true},
		{"\"\xf0\x9f\x98\"", "\"" BAD "\"", true},
		{"\"\xf0\x9f\x98z\"", "\"" BAD "z\"", true},
		{"\"\xf4\x90\x80\x80\"", "\"" BAD BAD BAD BAD "\"", true},
		{"\"\xf5\x80\"", "\"" BAD BAD "\"", true},
		{"\"\xc3\\u00e9\"", "\"" BAD "\xc3\xa9\"", true},
		{"{\"\xff\":1}", "{\"" BAD "\":1}", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_canonical(rows[i].text, strlen(rows[i].text), rows[i].expected,
				 strlen(rows[i].expected), rows[i].had_invalid);
		/* The canonical form is its own canonical form. */
		assert_canonical(rows[i].expected, strlen(rows[i].expected), rows[i].expected,
				 strlen(rows[i].expected), false);
	}
}

static void many_bad_bytes_find_room(void **state)
{
	enum { BYTES = 100000 };
	char *text = xmalloc(BYTES + 2);
	char *expected = xmalloc(3 * BYTES + 2);

	(void)state;
	memset(text, 0xfe, BYTES + 2);
	text[0] = text[BYTES + 1] = '"';
	for (size_t i = 0; i < BYTES; i++)
		memcpy(expected + 1 + 3 * i, BAD, 3);
	expected[0] = expected[3 * BYTES + 1] = '"';
	assert_canonical(text, BYTES + 2, expected, 3 * BYTES + 2, true);
	free(text);
	free(expected);
}

static void a_canonical_copy_refuses_bad_text(void **state)
{
	static const char *const texts[] = {"\"\n\"", "\"\\a\"", "[1,]", "{\"a\":", ""};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct json_cursor cursor;
		struct json_slice value;
		struct error err = ERROR_INIT;
		bool had_invalid = false;

		json_open(&cursor, texts[i], strlen(texts[i]));
		assert_false(json_take_canonical(&cursor, arena, &value, &had_invalid));
		assert_int_equal(json_error(&cursor, &err), -1);
		assert_int_equal(err.kind, ERROR_NODE);
	}
	arena_free(arena);
}

static void whole_numbers_come_in_two_forms(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
		uint64_t value;
	} rows[] = {
		{"0", true, 0},
		{"4294967296", true, 4294967296},
		{"\"4294967296\"", true, 4294967296},
		{"18446744073709551615", true, UINT64_MAX},
		{"18446744073709551616", false, 0},
		{"-1", false, 0},
		{"1.0", false, 0},
		{"1e3", false, 0},
		{"\"\"", false, 0},
		{"\"1x\"", false, 0},
		{"true", false, 0},
		{"[1]", false, 0},
		{"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json_cursor cursor;
		uint64_t value = 0;

		json_open(&cursor, rows[i].text, strlen(rows[i].text));
		if (json_take_u64(&cursor, &value) != rows[i].is_good)
			fail_msg("%s", rows[i].text);
		assert_int_equal(json_failed(&cursor), !rows[i].is_good);
		assert_true(!rows[i].is_good || value == rows[i].value);
	}
}

static void slices_compare_unescaped(void **state)
{
	static const struct {
		const char *slice, *text;
		bool is_equal;
	} rows[] = {
		{"abc", "abc", true},         {"abc", "abd", false},    {"abc", "ab", false},
		{"ab", "abc", false},         {"", "", true},           {"\\u0061bc", "abc", true},
		{"\\u0061bc", "abcd", false}, {"a\\u0062", "a", false}, {"\\/", "/", true},
		{"\\n", "\\n", false},        {"\\u0000", "", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json_slice slice = {rows[i].slice, strlen(rows[i].slice)};

		if (json_slice_is(&slice, rows[i].text) != rows[i].is_equal)
			fail_msg("%s and %s", rows[i].slice, rows[i].text);
	}
}

static void strings_are_unescaped(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100);
	static const char text[] = "a\\n\\u00e9\\ud83d\\ude00\\ud800\\\"\xff.";
	struct json_slice slice = {text, sizeof(text) - 1};
	struct buf small = BUF_INIT(3);

	(void)state;
	assert_true(json_unescape(&slice, &out));
	assert_string_equal(buf_text(&out), "a\n\xc3\xa9\xf0\x9f\x98\x80" BAD "\"" BAD ".");
	assert_false(json_unescape(&slice, &small));
	buf_release(&small);
}

static void members_are_found(void **state)
{
	static const char text[] =
		" { \"a\" : \"x\\ty\" , \"b\":{\"c\":1}, \"d\":1, \"d\":[2], \"\\u0065\":3 }";
	CLEANUP(buf_release) struct buf out = BUF_INIT(100);
	struct json_slice value;

	(void)state;
	assert_true(json_find(text, sizeof(text) - 1, "b", &value));
	assert_memory_equal(value.data, "{\"c\":1}", value.len);
	assert_true(json_find(text, sizeof(text) - 1, "d", &value));
	assert_memory_equal(value.data, "[2]", value.len);
	assert_true(json_find(text, sizeof(text) - 1, "e", &value));
	assert_false(json_find(text, sizeof(text) - 1, "c", &value));
	assert_true(json_find_string(text, sizeof(text) - 1, "a", &out));
	assert_string_equal(buf_text(&out), "x\ty");
	assert_false(json_find_string(text, sizeof(text) - 1, "b", &out));
	assert_false(json_find("[1]", 3, "a", &value));
	assert_false(json_find("{\"a\":1", 6, "a", &value));
}

static void the_first_error_stays(void **state)
{
	static const char text[] = "[1,\"\\q\",{}]";
	struct json_cursor cursor;
	struct json_slice slice;
	struct error err = ERROR_INIT;
	bool is_first = true;

	(void)state;
	json_open(&cursor, text, sizeof(text) - 1);
	assert_true(json_enter(&cursor, JSON_ARRAY));
	assert_true(json_next_element(&cursor, &is_first));
	assert_true(json_skip(&cursor, NULL));
	assert_true(json_next_element(&cursor, &is_first));
	assert_false(json_take_string(&cursor, &slice));
	assert_int_equal(json_peek(&cursor), JSON_END);
	assert_false(json_next_element(&cursor, &is_first));
	assert_false(json_skip(&cursor, NULL));
	assert_false(json_at_end(&cursor));
	json_error(&cursor, &err);
	assert_string_equal(err.text, "bad JSON at byte 4: there is no such escape");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts_are_accepted),
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(closed_brackets_do_not_count_as_depth),
		cmocka_unit_test(what_we_accept_json_c_accepts),
		cmocka_unit_test(the_canonical_form_is_as_promised),
		cmocka_unit_test(many_bad_bytes_find_room),
		cmocka_unit_test(a_canonical_copy_refuses_bad_text),
		cmocka_unit_test(whole_numbers_come_in_two_forms),
		cmocka_unit_test(slices_compare_unescaped),
		cmocka_unit_test(strings_are_unescaped),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(the_first_error_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
