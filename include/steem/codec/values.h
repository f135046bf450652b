/* SPDX-License-Identifier: MIT */
/*
 * Reads the members of an object by the fields of its type (codec/operations.h).
 *
 * The values are pieces of the text, not copied.  Nodes write the members in the order of the
 * fields, so the name of the next field is compared with the text first; only if it does not stand
 * there is the end of the member's name searched.  Any order is read, and gives the same values.
 */
#ifndef STEEM_CODEC_VALUES_H
#define STEEM_CODEC_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "steem/codec/operations.h"
#include "steem/json.h"

struct values {
	const struct codec_type *type;
	/* indexed like the fields; data NULL: no value; of several values the last one */
	struct json_slice of[CODEC_FIELDS_MAX];
	size_t field;                    /* of the last member; type->field_count: none */
	size_t next;                     /* the field that is expected next */
	const struct codec_field *twice; /* NULL, or a field that has several values */
	struct json_slice unknown; /* the name of a member that is no field; data NULL: none */
};

/* Start without values. */
void values_begin(struct values *values, const struct codec_type *type);
/* Like json_next_member(), and sets values->field. */
bool values_next_member(struct values *values, struct json_cursor *cursor, bool *is_first,
			struct json_slice *ret_key);
/* Consume the member's value, and keep it if values->field is a field; false: it is bad. */
bool values_skip(struct values *values, struct json_cursor *cursor);
/* Set values->field by its name. */
void values_find(struct values *values, const char *name, size_t name_len);
/* Keep a string that was taken, as the text of a field. */
void values_keep_string(struct values *values, const char *name, const struct json_slice *string);

/* Consume an object and read its members; false: the next value is no object, or bad. */
bool values_read(struct values *values, const struct codec_type *type, struct json_cursor *cursor);
/*
 * The same, and copy the object in canonical form (json_take_canonical()).  The values are
 * canonical too.
 */
bool values_take(struct values *values, const struct codec_type *type, struct json_cursor *cursor,
		 struct arena *arena, struct json_slice *ret_object, bool *had_invalid_utf8);

#endif
