/* SPDX-License-Identifier: MIT */
/*
 * Which accounts an operation names, by the table of operations (steem/codec/operations.h).
 *
 * The first acting account goes into the column `account`; a filter rule on an
 * account looks at all of them.  An operation that the table does not know has no
 * acting account, and a filter finds no account in it.
 */
#ifndef STEEM_ACCOUNTS_H
#define STEEM_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "steem/codec/operations.h"
#include "steem/json.h"

/*
 * The first non-empty acting account of an operation (its row, or NULL when it is not known;
 * canonical or raw payload; its members, where they are known, else NULL).
 * False when there is none or it cannot stand in the table (over 16 bytes, not ASCII).
 */
bool accounts_first(const struct codec_operation *row, const struct json_slice *payload,
		    const struct json_members *members, struct json_slice *ret_account);
/* Does the operation name this account in any field that the table lists for it? */
bool accounts_names(const char *name, size_t name_len, const char *payload, size_t payload_len,
		    const char *account);

enum accounts_kind {
	ACCOUNTS_KIND_UNKNOWN, /* a hardfork may have brought it */
	ACCOUNTS_KIND_REAL,    /* stands in a trx */
	ACCOUNTS_KIND_VIRTUAL, /* what the chain did by itself, or as a consequence */
};
/* What the table knows of an operation by its name. */
enum accounts_kind accounts_kind(const char *name, size_t name_len);
/* The name of the i-th operation of the table, from 0 on; NULL behind the last one. */
const char *accounts_operation(size_t i);
/* Has the operation any field that can name this account? Some virtual ones name always the same. */
bool accounts_can_name(const char *name, size_t name_len, const char *account);

#endif
