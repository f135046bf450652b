/* SPDX-License-Identifier: MIT */
/*
 * A node's whole answer: batches, errors, heads, blocks, lists of virtual operations.  Input: one
 * byte of how many calls were sent, then what the node sent back.  It is read twice: results cut
 * out, and blocks made where they stand, as the client does; both must say the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "check.h"
#include "steem/decode.h"
#include "steem/decode_virtual.h"
#include "steem/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_CALLS  8
#define FIRST_ID    1
#define FIRST_BLOCK 10

static void read_result(const struct json_slice *result)
{
	struct chain_head head;
	struct error err = ERROR_INIT;
	struct block *block = block_new();

	block->num = FIRST_BLOCK;
	if (decode_head(result->data, result->len, &head, &err) < 0)
		check_error(&err);
	else if (head.head_block == 0)
		abort();
	err = ERROR_INIT;
	if (decode_virtual(result->data, result->len, block, &err) < 0) {
		check_error(&err);
		if (block->virtual_count > 0 || err.kind != ERROR_NODE)
			abort();
	}
	block_free(block);
}

/* Blocks are made as in steem/client_answer.c; every other call asks for something else. */
static void *make_block(void *context, size_t i, struct json_cursor *cursor)
{
	struct error err = ERROR_INIT;
	struct block *block;

	(void)context;
	if (i % 4 == 3)
		return NULL;
	block = decode_block_at(cursor, FIRST_BLOCK + (uint32_t)i, NULL, &err);
	if (!block)
		check_error(&err);
	return block;
}

static void drop_block(void *thing)
{
	block_free(thing);
}

/* The block that was made where it stood is the one that its text gives. */
static void compare_block(const struct block *made, const struct json_slice *result)
{
	struct error err = ERROR_INIT;
	struct block *block = decode_block(result->data, result->len, made->num, NULL, &err);

	if (!block || !block_equal(block, made))
		abort();
	block_free(block);
}

static void compare(const struct rpc_answer *plain, struct rpc_answer *made, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (plain[i].error.kind != made[i].error.kind ||
		    plain[i].error.class != made[i].error.class ||
		    plain[i].error.code != made[i].error.code ||
		    plain[i].result.data != made[i].result.data ||
		    plain[i].result.len != made[i].result.len)
			abort();
		if (plain[i].result.data)
			read_result(&plain[i].result);
		else
			check_error(&plain[i].error);
		if (made[i].thing)
			compare_block(made[i].thing, &made[i].result);
		block_free(made[i].thing);
	}
}

static void read_answer(const char *text, size_t size, size_t count)
{
	static const struct rpc_maker maker = {.make = make_block, .drop = drop_block};
	struct rpc_answer plain[MOST_CALLS], made[MOST_CALLS];
	struct error plain_err = ERROR_INIT, made_err = ERROR_INIT;
	int result = rpc_decode(text, size, FIRST_ID, count, plain, &plain_err);

	if (rpc_decode_making(text, size, FIRST_ID, count, &maker, made, &made_err) != result)
		abort();
	if (result == 0)
		compare(plain, made, count);
	else if (plain_err.class != made_err.class || plain_err.code != made_err.code ||
		 strcmp(plain_err.text, made_err.text) != 0)
		abort();
	else
		check_error(&plain_err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"text/html", "application/json", NULL};
	struct error err = ERROR_INIT;
	char *text;

	if (size < 1)
		return 0;
	size--;
	text = xmalloc(size + 1);
	memcpy(text, data + 1, size);
	text[size] = '\0';
	read_answer(text, size, 1 + data[0] % MOST_CALLS);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		err = ERROR_INIT;
		(void)rpc_http_error(503, types[i], text, size, &err);
		check_error(&err);
	}
	free(text);
	return 0;
}
