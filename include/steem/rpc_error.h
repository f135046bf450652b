/* SPDX-License-Identifier: MIT */
/*
 * Sorts the errors of nodes and proxies by what to do about them. For rpc.c and broadcast.c.
 *
 * The same trouble comes in many forms: error objects with a dozen numbering schemes,
 * plain strings, HTML, the text of an assertion.  All of them become one rpc_failure and
 * one short sentence without control characters.
 */
#ifndef STEEM_RPC_ERROR_H
#define STEEM_RPC_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "steem/json.h"

/*
 * Sort an answer without a result: `error` is its member of that name (data NULL: there is
 * none), `whole` is the complete answer.  in_place_of_batch: it came instead of an array. Fills
 * err, returns -1.
 */
int rpc_error_sort(const struct json_slice *error, const struct json_slice *whole,
		   bool in_place_of_batch, struct error *err);
/* Sort an answer that is not JSON at all. Fills err, returns -1. */
int rpc_error_sort_text(const char *body, size_t len, bool in_place_of_batch, struct error *err);

#endif
