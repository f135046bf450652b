/* SPDX-License-Identifier: MIT */
/* The small half of decode.h: answers that json-c parses into trees. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/decode.h"
#include "steem/json.h"

#define NESTING_MAX 32

static void tree_release(struct json_object **tree)
{
	json_object_put(*tree);
}

static void tokener_release(struct json_tokener **tokener)
{
	json_tokener_free(*tokener);
}

/* A block number, given as a number or as a string of digits. */
static bool get_num(struct json_object *tree, const char *member, uint32_t *ret_num)
{
	struct json_object *value;
	const char *text;
	char *end;
	unsigned long long num;

	if (!json_object_object_get_ex(tree, member, &value) ||
	    !(json_object_is_type(value, json_type_int) ||
	      json_object_is_type(value, json_type_string)))
		return false;
	text = json_object_get_string(value);
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	num = strtoull(text, &end, 10);
	if (errno || *end || num > UINT32_MAX)
		return false;
	*ret_num = (uint32_t)num;
	return true;
}

/* *ret_tree NULL: it is not JSON. */
static int parse(const char *text, size_t len, struct json_object **ret_tree, struct error *err)
{
	CLEANUP(tokener_release) struct json_tokener *tokener = json_tokener_new_ex(NESTING_MAX);

	if (!tokener || len > JSON_TREE_BYTES_MAX)
		return error_set(err, ERROR_NODE, "the answer is too long");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	*ret_tree = json_tokener_parse_ex(tokener, text, (int)len);
	return 0;
}

int decode_head(const char *result, size_t len, struct chain_head *ret_head, struct error *err)
{
	CLEANUP(tree_release) struct json_object *tree = NULL;
	struct json_object *time = NULL;
	struct chain_head head;

	if (parse(result, len, &tree, err) < 0)
		return error_prefix(err, "head block: ");
	if (!json_object_is_type(tree, json_type_object))
		return error_set(err, ERROR_NODE, "the answer on the head block is not an object");
	if (!get_num(tree, "head_block_number", &head.head_block) ||
	    !get_num(tree, "last_irreversible_block_num", &head.irreversible_block))
		return error_set(
			err, ERROR_NODE,
			"the answer on the head block does not tell its number and the last "
			"irreversible one");
	json_object_object_get_ex(tree, "time", &time);
	head.head_time_s = json_object_is_type(time, json_type_string)
				   ? clock_parse_utc(json_object_get_string(time))
				   : -1;
	if (head.head_time_s < 0)
		return error_set(err, ERROR_NODE, "the answer on the head block tells no time");
	if (head.head_block < head.irreversible_block)
		return error_set(
			err, ERROR_NODE,
			"the node says that block %u is irreversible, but its head is only %u",
			head.irreversible_block, head.head_block);
	*ret_head = head;
	return 0;
}

static const char *get_text(struct json_object *tree, const char *member)
{
	struct json_object *value;

	return json_object_object_get_ex(tree, member, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : NULL;
}

int decode_signing_key(const char *result, size_t len, const char *witness,
		       char key[DECODE_KEY_BYTES], struct error *err)
{
	CLEANUP(tree_release) struct json_object *tree = NULL;
	const char *owner, *text;

	if (parse(result, len, &tree, err) < 0)
		return error_prefix(err, "witness: ");
	if (!json_object_is_type(tree, json_type_object))
		return error_set(err, ERROR_NODE, "the answer on witness %s is not an object",
				 witness);
	owner = get_text(tree, "owner");
	text = get_text(tree, "signing_key");
	if (!owner || strcmp(owner, witness) != 0)
		return error_set(err, ERROR_NODE, "the answer on witness %s is on another one",
				 witness);
	if (!text || strlen(text) >= DECODE_KEY_BYTES)
		return error_set(err, ERROR_NODE, "the answer on witness %s tells no signing_key",
				 witness);
	snprintf(key, DECODE_KEY_BYTES, "%s", text);
	return 0;
}
