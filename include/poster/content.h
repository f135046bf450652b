/* SPDX-License-Identifier: MIT */
/*
 * What a transaction does, as far as the chain's pace and the limits of an account ask.  Pure.
 */
#ifndef POSTER_CONTENT_H
#define POSTER_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steem/transaction.h"
#include "store/sender.h"

struct content {
	unsigned votes;
	unsigned replies; /* comments with a parent author */
	unsigned posts;   /* comments without one */
	unsigned
		edits; /* of the replies and posts, those that were published before; see content_edit() */
	unsigned customs;                    /* custom, custom_json, custom_binary */
	uint64_t amounts[SENDER_CURRENCIES]; /* all that it could send away, in smallest units */
};

/* Read what the operations do. */
void content_read(struct transaction_maker *maker, const struct transaction *trx,
		  struct content *ret_content);
/* The author and permlink of an operation that is a comment; false: it is none, or they do not fit. */
bool content_comment(const struct transaction_operation *operation,
		     char author[BLOCK_ACCOUNT_BYTES + 1], char *permlink, size_t size,
		     bool *ret_is_post);
/* One of its comments, a root post or not, turned out to be published already: it is an edit. */
void content_edit(struct content *content, bool is_post);

#endif
