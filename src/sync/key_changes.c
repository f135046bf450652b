/* SPDX-License-Identifier: MIT */
#include "sync/key_changes.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/codec/proof.h"
#include "steem/json.h"

static bool is_named(const struct operation *op, const char *name)
{
	return op->virtual_op == 0 && op->name_bytes == strlen(name) &&
	       memcmp(op->name, name, op->name_bytes) == 0;
}

/*
 * Copy a string member into `to`, as text. False: it is missing, no string, empty, too long, or
 * has characters other than printable ASCII.
 */
static bool copy_member(const struct operation *op, const char *member, char *to, size_t size)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(size);

	if (!json_find_string(op->payload, op->payload_bytes, member, &text) || text.len == 0 ||
	    text.len >= size)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	memcpy(to, text.data, text.len);
	to[text.len] = '\0';
	return true;
}

static int hex_value(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool parse_hex_key(const struct json_slice *hex, struct key *ret_key)
{
	if (hex->len != (size_t)2 * KEY_BYTES)
		return false;
	for (size_t i = 0; i < KEY_BYTES; i++) {
		int high = hex_value(hex->data[2 * i]), low = hex_value(hex->data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_key->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* `props` is a list of pairs: a name, and a value in hex. */
static bool find_new_key(const struct operation *op, struct key *ret_key)
{
	struct json_slice props, name, hex;
	struct json_cursor cursor;
	bool is_first = true, is_found = false;

	if (!json_find(op->payload, op->payload_bytes, "props", &props))
		return false;
	json_open(&cursor, props.data, props.len);
	if (!json_enter(&cursor, JSON_ARRAY))
		return false;
	while (json_next_element(&cursor, &is_first)) {
		bool is_first_of_pair = true;

		if (!json_enter(&cursor, JSON_ARRAY) ||
		    !json_next_element(&cursor, &is_first_of_pair) ||
		    !json_take_string(&cursor, &name) ||
		    !json_next_element(&cursor, &is_first_of_pair) ||
		    !json_take_string(&cursor, &hex) ||
		    json_next_element(&cursor, &is_first_of_pair))
			return false;
		if (json_slice_is(&name, "new_signing_key"))
			is_found = parse_hex_key(&hex, ret_key);
	}
	return is_found && !json_failed(&cursor);
}

static bool read_change(struct proof *proof, const struct operation *op, struct witness_key *change)
{
	char text[KEY_TEXT_BYTES];
	struct key key;

	_Static_assert(sizeof(text) == sizeof(change->key), "both are the text of a key");
	if (is_named(op, "witness_update"))
		return copy_member(op, "owner", change->witness, sizeof(change->witness)) &&
		       copy_member(op, "block_signing_key", change->key, sizeof(change->key));
	if (!is_named(op, "witness_set_properties") || !proof || !find_new_key(op, &key) ||
	    !copy_member(op, "owner", change->witness, sizeof(change->witness)))
		return false;
	memcpy(change->key, proof_key_text(proof, &key, text), sizeof(change->key));
	return true;
}

void key_changes_add(struct witness_key_list *changes, struct proof *proof,
		     const struct block *block)
{
	for (size_t i = 0; i < block->operation_count; i++) {
		const struct operation *op = &block->operations[i];
		struct witness_key change = {.since_block = block->num};

		if (read_change(proof, op, &change))
			witness_key_list_add(changes, &change);
	}
}

bool key_changes_are_proved(const struct block *block)
{
	return block->proof_reason == NULL;
}
