/* SPDX-License-Identifier: MIT */
/*
 * A comment of the outbox as operations: comment, and its options in the same transaction.  Pure.
 */
#ifndef POSTER_COMMENT_H
#define POSTER_COMMENT_H

#include "base/buf.h"
#include "base/error.h"
#include "steem/chain.h"
#include "store/sender.h"

/*
 * Append [["comment",{...}],...].  Options that the row does not name get the values that the chain
 * gives a comment without options. -1 with err (ERROR_DATA): the options are no object, it is too large,
 * or a text has a zero byte.
 */
int comment_write(struct buf *out, const struct chain *chain, const char *author,
		  const struct sender_row *row, struct error *err) MUST_CHECK;

#endif
