/* SPDX-License-Identifier: MIT */
/* Objects whose members are noted while the object is cut out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "base/mem.h"
#include "steem/accounts.h"
#include "steem/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_same(const struct json_slice *a, const struct json_slice *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* The members say the same as a search through the canonical text; as does the table of accounts. */
static void compare_members(const struct json_members *members, const struct json_slice *object)
{
	static const char *const keys[] = {"a", "voter", "author", "none"};

	for (size_t i = 0; i < COUNT(keys) && members->is_whole; i++) {
		struct json_slice value = {NULL, 0}, other = {NULL, 0};
		bool is_there = json_find(object->data, object->len, keys[i], &value);

		assert_int_equal(json_members_find(members, keys[i], strlen(keys[i]), &other),
				 is_there);
		assert_true(!is_there || is_same(&value, &other));
	}
	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "vote" : "custom_json";
		struct json_slice first = {NULL, 0}, other = {NULL, 0};
		const struct codec_operation *row =
			operations_find(&operations_steem, name, strlen(name));
		bool is_there = accounts_first(row, object, NULL, &first);

		assert_int_equal(accounts_first(row, object, members, &other), is_there);
		assert_true(!is_there || is_same(&first, &other));
	}
}

/* Taken as an object or as any value: the same. False when it is bad. */
static bool compare(const char *text, size_t len, struct json_members *members)
{
	struct arena *arena = arena_new();
	struct json_cursor cursor, other_cursor;
	struct json_slice object = {NULL, 0}, other = {NULL, 0};
	bool had_invalid = false, other_had_invalid = false;
	bool is_taken, is_other_taken;

	json_open(&cursor, text, len);
	json_open(&other_cursor, text, len);
	assert_true(json_peek(&cursor) == JSON_OBJECT);
	is_taken = json_take_object(&cursor, arena, &object, members, &had_invalid);
	is_other_taken = json_take_canonical(&other_cursor, arena, &other, &other_had_invalid);
	assert_int_equal(is_taken, is_other_taken);
	assert_int_equal(json_failed(&cursor), !is_taken);
	if (is_taken) {
		assert_true(is_same(&object, &other));
		assert_int_equal(object.data[object.len], '\0');
		assert_int_equal(had_invalid, other_had_invalid);
		assert_ptr_equal(cursor.at, other_cursor.at);
		assert_int_equal(cursor.depth, 0);
		compare_members(members, &object);
	}
	arena_free(arena);
	return is_taken;
}

static void members_are_noted(void **state)
{
	static const char plain[] = "{\"voter\":\"ann\",\"n\":[1,{\"a\":2}],\"voter\":\"bob\"}";
	static const struct {
		const char *text;
		bool is_whole;
	} rows[] = {
		{"{}", true},
		{"{\"e\\\"\":\"\\n\"}", true},
		{"{\"voter\": 1}", true}, /* the canonical text is another one: of that */
		{"{\"\\u0076oter\":1,\"author\":2}", true},
		{"{\"voter\":\"\\/\"}", true},
		{"{\"voter\":\"\xff\"}", true},
		{"{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,"
		 "\"10\":1,\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1}",
		 true},
		{"{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,"
		 "\"10\":1,\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1,\"voter\":\"x\"}",
		 false},
	};
	struct json_members members;
	struct json_slice value;

	(void)state;
	assert_true(compare(plain, sizeof(plain) - 1, &members));
	assert_true(members.is_whole);
	assert_int_equal(members.count, 3);
	assert_true(json_members_find(&members, "voter", 5, &value));
	assert_memory_equal(value.data, "\"bob\"", 5);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(compare(rows[i].text, strlen(rows[i].text), &members));
		if (members.is_whole != rows[i].is_whole)
			fail_msg("%s", rows[i].text);
	}
}

static void only_an_object_is_taken(void **state)
{
	static const char *const texts[] = {"[1]", "\"a\"", "null", "", "x"};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct json_cursor cursor;
		struct json_members members;
		struct json_slice object;
		bool had_invalid;

		json_open(&cursor, texts[i], strlen(texts[i]));
		assert_false(json_take_object(&cursor, arena, &object, &members, &had_invalid));
	}
	arena_free(arena);
}

static void broken_objects_are_read_alike(void **state)
{
	static const char good[] =
		"{\"required_auths\":[],\"required_posting_auths\":[\"ann\"],"
		"\"voter\":\"bob\",\"author\":\"\xc3\xa9\\n\",\"a\":{\"b\":-1.5e3}}";
	static const char bytes[] = "\"\\{}[]:,/u0 \n\xff\xc3"
				    "a";
	const size_t len = sizeof(good) - 1;
	unsigned good_count = 0;

	(void)state;
	random_seed(23);
	for (int round = 0; round < 50000; round++) {
		size_t cut = round % 8 ? len : 1 + (size_t)random_below(len);
		char *text = xmalloc(cut); /* exactly so long: reading on is seen */
		struct json_members members;

		memcpy(text, good, cut);
		for (int i = 0; cut > 1 && i <= round % 3; i++)
			text[1 + random_below(cut - 1)] = bytes[random_below(sizeof(bytes) - 1)];
		good_count += compare(text, cut, &members);
		free(text);
	}
	assert_true(good_count > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_noted),
		cmocka_unit_test(only_an_object_is_taken),
		cmocka_unit_test(broken_objects_are_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
