/* SPDX-License-Identifier: MIT */
/*
 * The test vectors of the binary format, beside the recorded answers:
 * ../shared/codec/vectors.json.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <json-c/json.h>

#include "recorded.h"

/* NULL: they are not there, and the test is to be skipped. The caller puts it. */
static inline struct json_object *vectors_read(void)
{
	size_t len;
	CLEANUP(mem_free_pointer) char *text = recorded_read("../codec/vectors.json", &len);

	return text != NULL ? json_tokener_parse(text) : NULL;
}

static inline struct json_object *vector_at(struct json_object *object, const char *member)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, member, &value))
		fail_msg("no %s in %s", member, json_object_to_json_string(object));
	return value;
}

static inline const char *vector_text(struct json_object *object, const char *member)
{
	return json_object_get_string(vector_at(object, member));
}

/* Bytes from a member's hex digits; returns how many. */
static inline size_t vector_bytes(struct json_object *object, const char *member, uint8_t *ret,
				  size_t room)
{
	const char *text = vector_text(object, member);
	size_t len = strlen(text) / 2;

	assert_true(len <= room);
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)strtoul((char[3]){text[2 * i], text[2 * i + 1], '\0'}, NULL, 16);
	return len;
}

#endif
