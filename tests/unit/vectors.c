/* SPDX-License-Identifier: MIT */
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "recorded.h"
#include "steem/codec/hash.h"
#include "test.h"

struct json_object *vectors_read(void)
{
	size_t len;
	CLEANUP(mem_free_pointer) char *text = recorded_read("../codec/vectors.json", &len);

	return text != NULL ? json_tokener_parse(text) : NULL;
}

struct json_object *vector_at(struct json_object *object, const char *member)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, member, &value))
		fail_msg("no %s in %s", member, json_object_to_json_string(object));
	return value;
}

const char *vector_text(struct json_object *object, const char *member)
{
	return json_object_get_string(vector_at(object, member));
}

size_t vector_bytes(struct json_object *object, const char *member, uint8_t *ret, size_t room)
{
	const char *text = vector_text(object, member);
	size_t len = strlen(text) / 2;

	assert_true(len <= room);
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)strtoul((char[3]){text[2 * i], text[2 * i + 1], '\0'}, NULL, 16);
	return len;
}

struct hash *hash;

int vectors_make_hash(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	hash = hash_new(&err);
	return hash != NULL ? 0 : -1;
}

int vectors_free_hash(void **state)
{
	(void)state;
	hash_free(hash);
	return 0;
}
