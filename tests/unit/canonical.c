/* SPDX-License-Identifier: MIT */
/*
 * For tests/integration/test_json.py: compares our JSON reader with json-c on the same
 * bytes.  Input: records of a 32-bit length and that many bytes.  Output for each: whether
 * json-c accepts it (strict), whether we do, and our canonical text with its length.
 * Native byte order.
 */
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "steem/codec/values.h"
#include "steem/json.h"

static void put_u32(uint32_t number)
{
	fwrite(&number, sizeof(number), 1, stdout);
}

static uint32_t json_c_takes(const char *text, uint32_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 2);
	struct json_object *object;
	bool is_whole;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		object = json_tokener_parse_ex(tokener, "", 1); /* the NUL ends a number */
	is_whole = json_tokener_get_error(tokener) == json_tokener_success;
	json_object_put(object);
	json_tokener_free(tokener);
	return is_whole;
}

/* Taken as an object it is the same; else nobody gets an answer. */
static void check_object(const char *text, uint32_t len)
{
	static const struct codec_type no_fields = {.kind = CODEC_STRUCT};
	struct arena *arena = arena_new();
	struct json_cursor cursor, other_cursor;
	struct json_slice object = {.len = 0}, other = {.len = 0};
	struct values values;
	bool had_invalid, other_had_invalid, is_taken;

	json_open(&cursor, text, len);
	json_open(&other_cursor, text, len);
	if (json_peek(&cursor) == JSON_OBJECT) {
		had_invalid = other_had_invalid = false;
		is_taken = values_take(&values, &no_fields, &cursor, arena, &object, &had_invalid);
		if (is_taken !=
			    json_take_canonical(&other_cursor, arena, &other, &other_had_invalid) ||
		    had_invalid != other_had_invalid || object.len != other.len ||
		    (is_taken && memcmp(object.data, other.data, other.len) != 0))
			abort();
	}
	arena_free(arena);
}

static void answer(const char *text, uint32_t len)
{
	struct arena *arena = arena_new();
	struct json_cursor cursor;
	struct json_slice canonical = {.len = 0};
	bool had_invalid_utf8 = false;
	bool is_taken;

	check_object(text, len);
	json_open(&cursor, text, len);
	is_taken = json_take_canonical(&cursor, arena, &canonical, &had_invalid_utf8) &&
		   json_at_end(&cursor);
	put_u32(json_c_takes(text, len));
	put_u32(is_taken);
	put_u32(is_taken ? (uint32_t)canonical.len : 0);
	if (is_taken)
		fwrite(canonical.data, 1, canonical.len, stdout);
	arena_free(arena);
}

int main(void)
{
	uint32_t len;

	while (fread(&len, sizeof(len), 1, stdin) == 1) {
		char *text = xmalloc(len + 1);

		if (fread(text, 1, len, stdin) != len)
			return 1;
		text[len] = '\0';
		answer(text, len);
		free(text);
	}
	return 0;
}
