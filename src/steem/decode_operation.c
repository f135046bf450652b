/* SPDX-License-Identifier: MIT */
#include "steem/decode_operation.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/accounts.h"
#include "steem/block.h"
#include "steem/json.h"

#define NAME_BYTES_MAX 64

static int bad_json(const struct json_cursor *cursor, struct error *err)
{
	json_error(cursor, err);
	return error_prefix(err, "cannot be read: ");
}

static int refuse(const struct json_cursor *cursor, const char *because, struct error *err)
{
	return json_failed(cursor) ? bad_json(cursor, err)
				   : error_set(err, ERROR_NODE, "%s", because);
}

static int take_name(struct json_cursor *cursor, struct block *block, struct operation *operation,
		     struct error *err)
{
	static const char too_long[] = "has a name that is empty or longer than 64 bytes";
	CLEANUP(buf_release) struct buf unescaped = BUF_INIT(NAME_BYTES_MAX);
	struct json_slice name;

	if (!json_take_string(cursor, &name))
		return bad_json(cursor, err);
	if (memchr(name.data, '\\', name.len)) {
		if (!json_unescape(&name, &unescaped))
			return refuse(cursor, too_long, err);
		name = (struct json_slice){buf_text(&unescaped), unescaped.len};
	}
	if (name.len == 0 || name.len > NAME_BYTES_MAX)
		return refuse(cursor, too_long, err);
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] > '~')
			return refuse(cursor, "has a name that is not printable ASCII", err);
	operation->name = arena_strndup(block->arena, name.data, name.len);
	operation->name_bytes = name.len;
	return 0;
}

static void set_payload(struct block *block, struct operation *operation,
			const struct codec_operation *row, const struct json_slice *payload,
			const struct values *values)
{
	struct json_slice account;

	operation->payload = payload->data;
	operation->payload_bytes = payload->len;
	if (!accounts_first(row, payload, values, &account))
		return;
	operation->account = arena_strndup(block->arena, account.data, account.len);
	operation->account_bytes = account.len;
}

int decode_operation(struct json_cursor *cursor, struct block *block, struct operation *operation,
		     const struct codec_table *table, const struct codec_operation **ret_row,
		     struct values *ret_values, struct error *err)
{
	static const struct codec_type no_fields = {.kind = CODEC_STRUCT};
	static const char no_pair[] = "is not a pair of name and object";
	struct json_slice payload;
	bool is_first = true;

	if (json_peek(cursor) == JSON_OBJECT)
		return refuse(cursor,
			      "has the form of block_api ({\"type\",\"value\"}), "
			      "which condenser_api does not answer",
			      err);
	if (!json_enter(cursor, JSON_ARRAY) || !json_next_element(cursor, &is_first) ||
	    json_peek(cursor) != JSON_STRING)
		return refuse(cursor, no_pair, err);
	if (take_name(cursor, block, operation, err) != 0)
		return -1;
	if (!json_next_element(cursor, &is_first) || json_peek(cursor) != JSON_OBJECT)
		return refuse(cursor, no_pair, err);
	*ret_row = operations_find(table, operation->name, operation->name_bytes);
	if (!values_take(ret_values, *ret_row != NULL ? &(*ret_row)->is : &no_fields, cursor,
			 block->arena, &payload, &block->had_invalid_utf8))
		return bad_json(cursor, err);
	if (json_next_element(cursor, &is_first) || json_failed(cursor))
		return refuse(cursor, no_pair, err);
	set_payload(block, operation, *ret_row, &payload, ret_values);
	return 0;
}

bool decode_trx_id(const char *text, size_t len, uint8_t ret_id[BLOCK_ID_BYTES],
		   char ret_text[BLOCK_ID_HEX])
{
	if (!block_id_parse(text, len, ret_id))
		return false;
	memcpy(ret_text, text, BLOCK_ID_HEX);
	for (size_t i = 0; i < BLOCK_ID_HEX; i++)
		ret_text[i] |= 0x20; /* makes letters lower-case; digits have this bit already */
	return true;
}
