/* SPDX-License-Identifier: MIT */
/* Results that are read where they stand: the same answers, and nothing lost or kept. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/mem.h"
#include "steem/rpc.h"

#define CALLS 3

/* Makes things of strings and arrays, and refuses the rest half read. */
struct counts {
	size_t made_count;
	size_t dropped_count;
};

struct thing {
	struct counts *counts;
	size_t call;
	struct json_slice text;
};

static void *make(void *context, size_t i, struct json_cursor *cursor)
{
	struct counts *counts = context;
	enum json_kind kind = json_peek(cursor);
	struct json_slice text;
	struct thing *thing;
	bool is_first = true;

	if (kind != JSON_STRING && kind != JSON_ARRAY) {
		struct json_slice key;

		if (json_enter(cursor, JSON_OBJECT))
			(void)json_next_member(cursor, &is_first, &key);
		return NULL;
	}
	if (!json_skip(cursor, &text))
		return NULL;
	thing = xcalloc(1, sizeof(*thing));
	*thing = (struct thing){.counts = counts, .call = i, .text = text};
	counts->made_count++;
	return thing;
}

static void drop(void *context)
{
	struct thing *thing = context;

	thing->counts->dropped_count++;
	free(thing);
}

static bool is_same_error(const struct error *a, const struct error *b)
{
	return a->kind == b->kind && a->class == b->class && a->code == b->code &&
	       strcmp(a->text, b->text) == 0;
}

/* With and without a maker the same; the number of things that arrived. */
static size_t compare(const char *body, size_t len, size_t count)
{
	struct counts counts = {.made_count = 0};
	struct rpc_maker maker = {.context = &counts, .make = make, .drop = drop};
	struct rpc_answer plain[CALLS], made[CALLS];
	struct error plain_err = ERROR_INIT, made_err = ERROR_INIT;
	int plain_result = rpc_decode(body, len, 5, count, plain, &plain_err);
	int made_result = rpc_decode_making(body, len, 5, count, &maker, made, &made_err);
	size_t thing_count = 0;

	assert_int_equal(made_result, plain_result);
	assert_true(is_same_error(&made_err, &plain_err));
	for (size_t i = 0; i < count; i++) {
		struct thing *thing = made[i].thing;

		assert_null(plain[i].thing);
		if (made_result == 0) {
			assert_ptr_equal(made[i].result.data, plain[i].result.data);
			assert_int_equal(made[i].result.len, plain[i].result.len);
			assert_true(is_same_error(&made[i].error, &plain[i].error));
		}
		if (!thing)
			continue;
		assert_int_equal(made_result, 0);
		assert_int_equal(thing->call, i);
		assert_ptr_equal(thing->text.data, made[i].result.data);
		assert_int_equal(thing->text.len, made[i].result.len);
		thing_count++;
		drop(thing);
	}
	assert_int_equal(counts.dropped_count, counts.made_count);
	return thing_count;
}

static void things_go_to_their_calls(void **state)
{
	static const struct {
		const char *body;
		size_t thing_count;
	} rows[] = {
		/* In order, with the id behind the result or before it. */
		{"[{\"result\":\"a\",\"id\":5},{\"result\":[1],\"id\":6},{\"result\":\"c\",\"id\":7}]",
		 3},
		{"[{\"id\":7,\"result\":\"c\"},{\"id\":5,\"result\":\"a\"},{\"id\":6,\"result\":\"b\"}]",
		 3},
		/* Reordered: none but the first may be made for a wrong call. */
		{"[{\"result\":\"c\",\"id\":7},{\"result\":\"b\",\"id\":6},{\"result\":\"a\",\"id\":5}]",
		 0},
		{"[{\"result\":\"a\",\"id\":5},{\"result\":\"c\",\"id\":7},{\"result\":\"b\",\"id\":6}]",
		 1},
		/* What the maker does not want. */
		{"[{\"result\":null,\"id\":5},{\"result\":{\"x\":[1]},\"id\":6},"
		 "{\"result\":\"c\",\"id\":7}]",
		 1},
		{"[{\"result\":\"a\",\"id\":5},{\"error\":{\"code\":1},\"id\":6,\"result\":\"b\"},"
		 "{\"error\":null,\"result\":\"c\",\"id\":7}]",
		 2},
		/* Answers that are no good as a whole. */
		{"[{\"result\":\"a\",\"result\":\"b\",\"id\":5},{\"result\":\"b\",\"id\":6}]", 0},
		{"[{\"result\":\"a\",\"id\":5},{\"result\":\"b\",\"id\":5}]", 0},
		{"[{\"result\":\"a\",\"id\":5},{\"result\":\"b\",\"id\":9}]", 0},
		{"[{\"result\":\"a\",\"id\":5},{\"result\":\"b\",\"id\":6},{\"result\":\"c\",\"id\":7",
		 0},
		{"[{\"result\":\"a\",\"id\":5},{\"result\":\"b\",\"id\":6},{\"result\":\"\n\",\"id\":7}]",
		 0},
		{"{\"result\":\"a\",\"id\":5}", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (compare(rows[i].body, strlen(rows[i].body), CALLS) != rows[i].thing_count)
			fail_msg("%s", rows[i].body);
}

static void a_second_result_replaces_the_first(void **state)
{
	static const char body[] = "{\"result\":\"a\",\"result\":[\"b\"],\"id\":5}";

	(void)state;
	assert_int_equal(compare(body, sizeof(body) - 1, 1), 0);
}

static void one_answer_gives_its_thing(void **state)
{
	static const char good[] = " {\"result\":[\"a\"] , \"id\":5} ";
	static const char other[] = "{\"result\":\"a\",\"id\":6}";
	static const char more[] = "{\"result\":\"a\",\"id\":5} 1";

	(void)state;
	assert_int_equal(compare(good, sizeof(good) - 1, 1), 1);
	assert_int_equal(compare(other, sizeof(other) - 1, 1), 0);
	assert_int_equal(compare(more, sizeof(more) - 1, 1), 0);
}

static void broken_answers_are_read_alike(void **state)
{
	static const char good[] =
		"[{\"jsonrpc\":\"2.0\",\"result\":\"a\",\"id\":5},{\"id\":6,\"result\":[\"b\",{}]},"
		"{\"error\":{\"code\":-32603,\"message\":\"x\"},\"id\":7}]";
	static const char bytes[] = "\"\\{}[]:,5670 \nan";
	const size_t len = sizeof(good) - 1;
	size_t thing_count = 0;

	(void)state;
	random_seed(17);
	for (int round = 0; round < 50000; round++) {
		size_t cut = round % 8 ? len : (size_t)random_below(len + 1);
		char *body = xmalloc(cut ? cut : 1); /* exactly so long: reading on is seen */

		memcpy(body, good, cut);
		for (int i = 0; cut && i <= round % 3; i++)
			body[random_below(cut)] = bytes[random_below(sizeof(bytes) - 1)];
		thing_count += compare(body, cut, CALLS);
		free(body);
	}
	assert_true(thing_count > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(things_go_to_their_calls),
		cmocka_unit_test(a_second_result_replaces_the_first),
		cmocka_unit_test(one_answer_gives_its_thing),
		cmocka_unit_test(broken_answers_are_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
