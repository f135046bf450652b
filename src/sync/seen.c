/* SPDX-License-Identifier: MIT */
#include "sync/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/block.h"
#include "steem/json.h"
#include "store/outbox.h"

static const char comment_name[] = "comment";

/* The account of a comment is its author. */
static bool is_comment(const struct operation *op)
{
	return op->name_bytes == sizeof(comment_name) - 1 && op->account && op->virtual_op == 0 &&
	       memcmp(op->name, comment_name, sizeof(comment_name) - 1) == 0;
}

static bool has_comment(const struct ledger_commit *commit)
{
	for (size_t i = 0; i < commit->count; i++) {
		const struct block *block = commit->entries[i].block;

		for (size_t j = 0; j < block->operation_count; j++)
			if (is_comment(&block->operations[j]))
				return true;
	}
	return false;
}

/* A permlink that is too long for the outbox cannot be in it. */
static void take_comment(struct seen *seen, const struct block *block, const struct operation *op)
{
	CLEANUP(buf_release) struct buf permlink = BUF_INIT(4 * OUTBOX_PERMLINK_BYTES);

	if (!json_find_string(op->payload, op->payload_bytes, "permlink", &permlink) ||
	    strlen(buf_text(&permlink)) != permlink.len)
		return;
	if (!seen->arena)
		seen->arena = arena_new();
	seen->comments =
		xgrow(seen->comments, seen->count, &seen->capacity, sizeof(*seen->comments));
	seen->comments[seen->count++] = (struct ledger_comment){
		.block = block->num,
		.author = op->account,
		.permlink = arena_strndup(seen->arena, buf_text(&permlink), permlink.len),
		.trx_id = op->trx_id,
	};
}

int seen_find(struct db *db, struct ledger_commit *commit, struct seen *seen, struct error *err)
{
	CLEANUP(outbox_authors_release) struct outbox_authors authors = {.count = 0};

	seen_release(seen);
	commit->comment_count = 0;
	commit->seen_count = 0;
	if (!has_comment(commit))
		return 0;
	if (outbox_authors_load(db, &authors, err) < 0)
		return -1;
	for (size_t i = 0; authors.count > 0 && i < commit->count; i++) {
		const struct block *block = commit->entries[i].block;

		for (size_t j = 0; j < block->operation_count; j++)
			if (is_comment(&block->operations[j]) &&
			    outbox_authors_has(&authors, block->operations[j].account))
				take_comment(seen, block, &block->operations[j]);
	}
	commit->comments = seen->comments;
	commit->comment_count = seen->count;
	return 0;
}

void seen_release(struct seen *seen)
{
	free(seen->comments);
	arena_free(seen->arena);
	*seen = (struct seen){.count = 0};
}
