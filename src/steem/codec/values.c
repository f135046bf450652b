/* SPDX-License-Identifier: MIT */
#include "steem/codec/values.h"

#include <string.h>

void values_begin(struct values *values, const struct codec_type *type)
{
	values->type = type;
	for (size_t i = 0; i < type->field_count; i++)
		values->of[i] = (struct json_slice){NULL, 0};
	values->field = type->field_count;
	values->next = 0;
	values->twice = NULL;
	values->unknown = (struct json_slice){NULL, 0};
}

void values_find(struct values *values, const char *name, size_t name_len)
{
	const struct codec_field *fields = values->type->fields;
	size_t at = 0;

	while (at < values->type->field_count &&
	       (fields[at].name_len != name_len || memcmp(fields[at].name, name, name_len) != 0))
		at++;
	values->field = at;
}

bool values_next_member(struct values *values, struct json_cursor *cursor, bool *is_first,
			struct json_slice *ret_key)
{
	if (values->next < values->type->field_count) {
		const struct codec_field *next = &values->type->fields[values->next];

		*ret_key = (struct json_slice){next->name, next->name_len};
		values->field = values->next;
		if (json_next_member_is(cursor, is_first, ret_key))
			return true;
	}
	if (!json_next_member(cursor, is_first, ret_key))
		return false;
	values_find(values, ret_key->data, ret_key->len);
	return true;
}

/* The place for the value of values->field. */
static struct json_slice *place(struct values *values)
{
	size_t field = values->field;

	if (values->of[field].data != NULL)
		values->twice = &values->type->fields[field];
	values->next = field + 1;
	return &values->of[field];
}

bool values_skip(struct values *values, struct json_cursor *cursor)
{
	if (values->field == values->type->field_count)
		return json_skip(cursor, NULL);
	return json_skip(cursor, place(values));
}

void values_keep_string(struct values *values, const char *name, const struct json_slice *string)
{
	values_find(values, name, strlen(name));
	*place(values) = (struct json_slice){string->data - 1, string->len + 2};
}

bool values_read(struct values *values, const struct codec_type *type, struct json_cursor *cursor)
{
	struct json_slice key;
	bool is_first = true;

	values_begin(values, type);
	if (!json_enter(cursor, JSON_OBJECT))
		return false;
	while (values_next_member(values, cursor, &is_first, &key)) {
		if (!values_skip(values, cursor))
			return false;
		if (values->field == type->field_count)
			values->unknown = key;
	}
	return !json_failed(cursor);
}

bool values_take(struct values *values, const struct codec_type *type, struct json_cursor *cursor,
		 struct arena *arena, struct json_slice *ret_object, bool *had_invalid_utf8)
{
	struct json_slice object;
	struct json_cursor copy;

	json_begin_canonical(cursor);
	object.data = cursor->at;
	if (!values_read(values, type, cursor))
		return false;
	object.len = (size_t)(cursor->at - object.data);
	if (json_copy_canonical(cursor, &object, arena, ret_object, had_invalid_utf8))
		return true;
	json_open(&copy, ret_object->data, ret_object->len);
	return values_read(values, type, &copy);
}
