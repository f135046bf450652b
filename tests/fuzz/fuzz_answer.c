/* SPDX-License-Identifier: MIT */
/*
 * A node's whole answer: batches, errors, heads, lists of virtual operations.  Input: one byte
 * of how many calls were sent, then what the node sent back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/decode.h"
#include "steem/decode_virtual.h"
#include "steem/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_CALLS 8
#define FIRST_ID   1
#define BLOCK      30000000

static void read_result(const struct json_slice *result)
{
	struct chain_head head;
	struct error err = ERROR_INIT;
	struct block *block = block_new();

	block->num = BLOCK;
	if (decode_head(result->data, result->len, &head, &err) == 0 && head.head_block == 0)
		abort();
	err = ERROR_INIT;
	if (decode_virtual(result->data, result->len, block, &err) < 0 &&
	    (block->virtual_count > 0 || err.kind != ERROR_NODE))
		abort();
	block_free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_answer answers[MOST_CALLS];
	struct error err = ERROR_INIT;
	size_t count;
	char *text;

	if (size < 1)
		return 0;
	count = 1 + data[0] % MOST_CALLS;
	size--;
	text = xmalloc(size + 1);
	memcpy(text, data + 1, size);
	text[size] = '\0';
	if (rpc_decode(text, size, FIRST_ID, count, answers, &err) == 0) {
		for (size_t i = 0; i < count; i++) {
			if (answers[i].result.data)
				read_result(&answers[i].result);
			else if (answers[i].error.kind == ERROR_NONE)
				abort(); /* neither a result nor an error: nobody would notice */
		}
	} else if (err.kind == ERROR_NONE || !err.text[0]) {
		abort();
	}
	err = ERROR_INIT;
	(void)rpc_http_error(503, "text/html", text, size, &err);
	if (err.kind == ERROR_NONE)
		abort();
	free(text);
	return 0;
}
