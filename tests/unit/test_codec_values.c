/* SPDX-License-Identifier: MIT */
/* Objects whose members are read by the fields of a type while they are cut out. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/mem.h"
#include "steem/accounts.h"
#include "steem/codec/values.h"
#include "steem/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct codec_operation *row_of(const char *name)
{
	const struct codec_operation *row = operations_find(&operations_steem, name, strlen(name));

	assert_non_null(row);
	return row;
}

static bool is_same(const struct json_slice *a, const struct json_slice *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* How often does a member have this name, and how many have a name that is no field's? */
static void count_members(const struct json_slice *object, const struct codec_type *type,
			  size_t ret_counts[CODEC_FIELDS_MAX], size_t *ret_unknown)
{
	struct json_cursor cursor;
	struct json_slice key;
	bool is_first = true;

	memset(ret_counts, 0, CODEC_FIELDS_MAX * sizeof(*ret_counts));
	*ret_unknown = 0;
	json_open(&cursor, object->data, object->len);
	assert_true(json_enter(&cursor, JSON_OBJECT));
	while (json_next_member(&cursor, &is_first, &key)) {
		bool is_field = false;

		for (size_t i = 0; i < type->field_count; i++)
			if (key.len == type->fields[i].name_len &&
			    memcmp(key.data, type->fields[i].name, key.len) == 0) {
				ret_counts[i]++;
				is_field = true;
			}
		*ret_unknown += !is_field;
		assert_true(json_skip(&cursor, NULL));
	}
}

/* The values say the same as a search through the canonical text; as does the table of accounts. */
static void compare_values(const struct values *values, const struct codec_operation *row,
			   const struct json_slice *object)
{
	const struct codec_type *type = &row->is;
	struct json_slice first = {NULL, 0}, other = {NULL, 0};
	size_t counts[CODEC_FIELDS_MAX], unknown, twice = 0;
	bool is_there;

	count_members(object, type, counts, &unknown);
	for (size_t i = 0; i < type->field_count; i++) {
		struct json_slice value = {NULL, 0};

		is_there = counts[i] > 0;
		assert_int_equal(values->of[i].data != NULL, is_there);
		if (is_there) {
			assert_true(
				json_find(object->data, object->len, type->fields[i].name, &value));
			assert_true(is_same(&value, &values->of[i]));
		}
		twice += counts[i] > 1;
		assert_true(values->twice != &type->fields[i] || counts[i] > 1);
	}
	assert_int_equal(values->twice != NULL, twice > 0);
	assert_int_equal(values->unknown.data != NULL, unknown > 0);
	is_there = accounts_first(row, object, NULL, &first);
	assert_int_equal(accounts_first(row, object, values, &other), is_there);
	assert_true(!is_there || is_same(&first, &other));
}

/* Taken by its fields or as any value: the same. False when it is bad. */
static bool compare(const char *text, size_t len, const char *operation, struct values *values)
{
	const struct codec_operation *row = row_of(operation);
	struct arena *arena = arena_new();
	struct json_cursor cursor, other_cursor;
	struct json_slice object = {NULL, 0}, other = {NULL, 0};
	bool had_invalid = false, other_had_invalid = false;
	bool is_taken, is_other_taken;

	json_open(&cursor, text, len);
	json_open(&other_cursor, text, len);
	assert_true(json_peek(&cursor) == JSON_OBJECT);
	is_taken = values_take(values, &row->is, &cursor, arena, &object, &had_invalid);
	is_other_taken = json_take_canonical(&other_cursor, arena, &other, &other_had_invalid);
	assert_int_equal(is_taken, is_other_taken);
	assert_int_equal(json_failed(&cursor), !is_taken);
	if (is_taken) {
		assert_true(is_same(&object, &other));
		assert_int_equal(object.data[object.len], '\0');
		assert_int_equal(had_invalid, other_had_invalid);
		assert_ptr_equal(cursor.at, other_cursor.at);
		assert_int_equal(cursor.depth, 0);
		compare_values(values, row, &object);
	}
	arena_free(arena);
	return is_taken;
}

static void any_order_is_read(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"voter\":\"a\",\"author\":\"b\",\"permlink\":\"c\",\"weight\":1}",
		"{\"weight\":1,\"permlink\":\"c\",\"author\":\"b\",\"voter\":\"a\"}",
		"{\"voter\":\"a\",\"permlink\":\"c\",\"author\":\"b\",\"weight\":1}",
		"{\"author\":\"b\",\"weight\":1}",
		"{\"voter\":\"a\",\"voter\":\"b\",\"author\":\"c\"}",
		"{\"author\":\"a\",\"voter\":\"b\",\"author\":\"c\"}",
		"{\"voter\":\"a\",\"x\":2,\"author\":\"b\"}",
		"{\"voter\":\"a\",\"author\":\"b\",\"permlink\":\"c\",\"weight\":1,\"x\":2}",
		"{\"voter_\":\"a\",\"autho\":\"b\",\"\":1}",
		"{\"voter\":[{\"author\":\"b\",\"voter\":1}]}",
		"{\"e\\\"\":\"\\n\"}",
		/* the canonical text is another one: of that */
		"{\"voter\": 1}",
		"{\"voter\" :1}",
		"{ \"voter\":1, \"author\":2 }",
		"{\"\\u0076oter\":1,\"author\":2}",
		"{\"voter\":1,\"author\\u0000\":2}",
		"{\"voter\":\"\\/\",\"author\":\"\\u0061\"}",
		"{\"voter\":\"\xff\"}",
	};
	struct values values;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (!compare(texts[i], strlen(texts[i]), "vote", &values))
			fail_msg("%s", texts[i]);
}

static void values_are_those_of_the_fields(void **state)
{
	static const char plain[] = "{\"voter\":\"ann\",\"n\":[1,{\"a\":2}],\"voter\":\"bob\"}";
	const struct codec_type *type = &row_of("vote")->is;
	struct values values;

	(void)state;
	assert_true(compare(plain, sizeof(plain) - 1, "vote", &values));
	assert_ptr_equal(values.type, type);
	assert_ptr_equal(values.twice, &type->fields[0]);
	assert_null(values.of[1].data);
}

static void no_operation_has_more_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < operations_steem.count; i++)
		assert_in_range(operations_steem.rows[i].is.field_count, 0, CODEC_FIELDS_MAX);
}

static void only_an_object_is_taken(void **state)
{
	static const char *const texts[] = {"[1]", "\"a\"", "null", "", "x"};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct json_cursor cursor;
		struct values values;
		struct json_slice object;
		bool had_invalid;

		json_open(&cursor, texts[i], strlen(texts[i]));
		assert_false(values_take(&values, &row_of("vote")->is, &cursor, arena, &object,
					 &had_invalid));
	}
	arena_free(arena);
}

static void broken_objects_are_read_alike(void **state)
{
	static const char good[] =
		"{\"required_auths\":[],\"required_posting_auths\":[\"ann\"],\"id\":\"x\","
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
		struct values values;

		memcpy(text, good, cut);
		for (int i = 0; cut > 1 && i <= round % 3; i++)
			text[1 + random_below(cut - 1)] = bytes[random_below(sizeof(bytes) - 1)];
		good_count += compare(text, cut, round % 2 ? "custom_json" : "vote", &values);
		free(text);
	}
	assert_true(good_count > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_is_read),
		cmocka_unit_test(values_are_those_of_the_fields),
		cmocka_unit_test(no_operation_has_more_fields),
		cmocka_unit_test(only_an_object_is_taken),
		cmocka_unit_test(broken_objects_are_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
