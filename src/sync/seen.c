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

/* Comments. */

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

static int find_comments(struct db *db, struct ledger_commit *commit, struct seen *seen,
			 struct error *err)
{
	CLEANUP(outbox_authors_release) struct outbox_authors authors = {.count = 0};

	commit->comment_count = 0;
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

/* Transactions. */

/* The next transaction at or after *block and *op; NULL: there is none. */
static const char *next_trx(const struct ledger_commit *commit, size_t *block, size_t *op)
{
	for (; *block < commit->count; (*block)++, *op = 0) {
		const struct block *at = commit->entries[*block].block;

		for (; *op < at->operation_count; (*op)++)
			if (at->operations[*op].op_in_trx == 0)
				return at->operations[*op].trx_id;
	}
	return NULL;
}

static void take_trx(struct seen *seen, uint32_t block, const char *trx_id)
{
	seen->trxs = xgrow(seen->trxs, seen->trx_count, &seen->trx_capacity, sizeof(*seen->trxs));
	seen->trxs[seen->trx_count++] = (struct ledger_trx){.block = block, .trx_id = trx_id};
}

/* The next OUTBOX_TRXS transactions from that place on; *ret_count 0: there are none. */
static int find_some(struct db *db, const struct ledger_commit *commit, struct seen *seen,
		     size_t *block, size_t *op, size_t *ret_count, struct error *err)
{
	const char *ids[OUTBOX_TRXS];
	uint32_t blocks[OUTBOX_TRXS];
	bool found[OUTBOX_TRXS];
	size_t count = 0;

	for (; count < OUTBOX_TRXS && (ids[count] = next_trx(commit, block, op)) != NULL; (*op)++)
		blocks[count++] = commit->entries[*block].block->num;
	*ret_count = count;
	if (count > 0 && outbox_find_trxs(db, ids, count, found, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (found[i])
			take_trx(seen, blocks[i], ids[i]);
	return 0;
}

/*
 * A block has all of its operations, also those that the filter drops; so it has every transaction.
 */
static int find_trxs(struct db *db, struct ledger_commit *commit, struct seen *seen,
		     struct error *err)
{
	int64_t until_s = 0;
	size_t block = 0, op = 0, count = 1;
	bool any = false;

	commit->trx_count = 0;
	if (!next_trx(commit, &block, &op))
		return 0;
	for (size_t i = 0; i < commit->count; i++)
		if (commit->entries[i].block->timestamp_s > until_s)
			until_s = commit->entries[i].block->timestamp_s;
	if (outbox_has_open_trx(db, until_s, &any, err) < 0)
		return -1;
	while (any && count > 0)
		if (find_some(db, commit, seen, &block, &op, &count, err) < 0)
			return -1;
	commit->trxs = seen->trxs;
	commit->trx_count = seen->trx_count;
	return 0;
}

int seen_find(struct db *db, struct ledger_commit *commit, struct seen *seen, struct error *err)
{
	seen_release(seen);
	if (find_comments(db, commit, seen, err) < 0)
		return -1;
	return find_trxs(db, commit, seen, err);
}

void seen_release(struct seen *seen)
{
	free(seen->comments);
	free(seen->trxs);
	arena_free(seen->arena);
	*seen = (struct seen){.count = 0};
}
