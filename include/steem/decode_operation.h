/* SPDX-License-Identifier: MIT */
/*
 * Decodes one operation of an answer, real or virtual: ["name",{...}].
 */
#ifndef STEEM_DECODE_OPERATION_H
#define STEEM_DECODE_OPERATION_H

#include <stdbool.h>

#include "base/error.h"
#include "steem/block.h"

struct codec_operation;
struct codec_table;
struct json_cursor;
struct values;

/*
 * Consume a pair and set the operation's name, payload and account, in the block's arena.  Also
 * returned: its row in the table, or NULL, and the values of its fields.  -1 with err
 * (ERROR_NODE): the fault, as a text that follows "operation N of trx N ".
 */
int decode_operation(struct json_cursor *cursor, struct block *block, struct operation *operation,
		     const struct codec_table *table, const struct codec_operation **ret_row,
		     struct values *ret_values, struct error *err) MUST_CHECK;

/* Read an id, and copy its text in lower case; false if it is not 40 hex digits. */
bool decode_trx_id(const char *text, size_t len, uint8_t ret_id[BLOCK_ID_BYTES],
		   char ret_text[BLOCK_ID_HEX]);

#endif
