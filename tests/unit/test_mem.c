/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void strings_are_copied(void **state)
{
	CLEANUP(mem_free_pointer) char *a = xstrdup("abc");
	CLEANUP(mem_free_pointer) char *b = xtextdup("abcdef", 2);
	CLEANUP(mem_free_pointer) char *c = xtextdup("a\0b", 3);
	CLEANUP(mem_free_pointer) char *d = xasprintf("%d-%s", 7, "x");

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "ab");
	assert_memory_equal(c, "a\0b", 4);
	assert_string_equal(d, "7-x");
}

static void nothing_is_something(void **state)
{
	CLEANUP(mem_free_pointer) void *a = xmalloc(0);
	CLEANUP(mem_free_pointer) void *b = xcalloc(0, 8);
	CLEANUP(mem_free_pointer) void *c = xreallocarray(NULL, 0, 8);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
}

static void an_array_grows_with_what_it_holds(void **state)
{
	size_t capacity = 0;
	size_t grown = 0;
	CLEANUP(mem_free_pointer) uint32_t *items = NULL;

	(void)state;
	for (size_t count = 0; count < 10000; count++) {
		size_t before = capacity;

		items = xgrow(items, count, &capacity, sizeof(*items));
		assert_true(capacity > count);
		grown += capacity != before;
		items[count] = (uint32_t)count;
	}
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
	assert_true(grown < 15); /* it doubles */
}

static void pieces_are_aligned_and_apart(void **state)
{
	enum { COUNT = 5000 };
	struct arena *arena = arena_new();
	unsigned char *pieces[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		pieces[i] = arena_alloc(arena, i % 67);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)(i & 0xff), i % 67);
	}
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t j = 0; j < i % 67; j++)
			assert_int_equal(pieces[i][j], i & 0xff);
	}
	arena_free(arena);
}

static void large_pieces_fit(void **state)
{
	struct arena *arena = arena_new();
	size_t before = arena_bytes(arena);
	char *large = arena_alloc(arena, 3 << 20);
	char *small = arena_strndup(arena, "tail and more", 4);

	(void)state;
	memset(large, 'x', 3 << 20);
	assert_string_equal(small, "tail");
	assert_true(arena_bytes(arena) >= before + (3 << 20));
	arena_free(arena);
}

static void only_what_is_committed_stays(void **state)
{
	struct arena *arena = arena_new();
	char *first = arena_reserve(arena, 100);
	char *second;
	char *empty;

	(void)state;
	memcpy(first, "one", 4);
	arena_commit(arena, 4);
	second = arena_reserve(arena, 10);
	assert_ptr_equal(second, first + 4);
	memcpy(second, "two", 4);
	arena_commit(arena, 0);
	assert_ptr_equal(arena_reserve(arena, 10), second);
	arena_commit(arena, 4);
	empty = arena_strndup(arena, "", 0);
	assert_string_equal(first, "one");
	assert_string_equal(empty, "");
	arena_free(arena);
}

static void small_arenas_are_small(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_true(arena_bytes(arena) < 256);
	(void)arena_strndup(arena, "x", 1);
	assert_true(arena_bytes(arena) < 8192);
	arena_free(arena);
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(nothing_is_something),
		cmocka_unit_test(an_array_grows_with_what_it_holds),
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(large_pieces_fit),
		cmocka_unit_test(only_what_is_committed_stays),
		cmocka_unit_test(small_arenas_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
