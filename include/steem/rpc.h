/* SPDX-License-Identifier: MIT */
/*
 * JSON-RPC: encodes batches of calls, decodes answers.  No I/O.
 *
 * An answer is matched to its call by id, never by position, because some proxies reorder.
 * Whatever is wrong with an answer as a whole (no JSON, an error object instead of the
 * array, an id twice, an answer missing) is one error, sorted by who can cure it.
 */
#ifndef STEEM_RPC_H
#define STEEM_RPC_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/json.h"

struct buf;

/* The reaction that a node's failure calls for: the code of an error of ERROR_CLASS_NODE. */
enum rpc_failure {
	RPC_FAILURE_NONE,
	/* the node is busy: ask the same node later (429, database lock) */
	RPC_FAILURE_WAIT,
	RPC_FAILURE_OTHER_NODE, /* ask another node now (network, 503, internal error) */
	/* this node does not offer the call: do not ask it again for long */
	RPC_FAILURE_UNSUPPORTED,
	RPC_FAILURE_BATCH, /* the batch was too large, or batches are refused: ask for less */
	RPC_FAILURE_CALL,  /* the node says that our call is wrong */
	/* the answer is incomplete: ask another node now, and this one for less */
	RPC_FAILURE_CUT,
	RPC_FAILURE_FALSE, /* the block contradicts its own hashes: the node rests */
};

/* The failure of an error; RPC_FAILURE_NONE if its code is of another class, or it has none. */
enum rpc_failure rpc_failure_of(const struct error *err);
/* Let it call for something else. */
void rpc_set_failure(struct error *err, enum rpc_failure failure);

enum rpc_method {
	RPC_GET_DYNAMIC_GLOBAL_PROPERTIES, /* no block number */
	RPC_GET_BLOCK,
	RPC_GET_OPS_IN_BLOCK, /* only the virtual ones */
	RPC_GET_WITNESS_BY_ACCOUNT,
	RPC_GET_ACCOUNTS, /* one account */
};

struct rpc_call {
	enum rpc_method method;
	uint32_t block;
	const char *account; /* for the last two; only characters of account names */
};

/*
 * Append the request for `count` calls: an array, or one object if count is 1. The id of call i
 * is first_id + i.
 */
int rpc_encode(struct buf *out, const struct rpc_call *calls, size_t count, uint32_t first_id,
	       struct error *err) MUST_CHECK;

struct rpc_answer {
	struct json_slice result; /* text of `result` in the body; data is NULL if there is none */
	struct error error;       /* ERROR_NONE if there is a result */
	void *thing;              /* what the maker made of the result; the caller owns it */
};

/*
 * Sort the answer to rpc_encode() of the same count and first_id: answers[i] belongs to
 * call i and points into body.  0, or -1 with err when the answer as a whole is
 * unusable (ERROR_NODE, see rpc_failure_of()).  An error of a single call
 * stands in its answers[i].error, sorted in the same way.
 */
int rpc_decode(const char *body, size_t len, uint32_t first_id, size_t count,
	       struct rpc_answer *answers, struct error *err) MUST_CHECK;

/*
 * Reads results in place, so that an answer of a megabyte is read only once.  An id may follow
 * its result, so the call of a result is guessed from its position; if the guess was wrong, the
 * thing that was made is dropped.
 */
struct rpc_maker {
	void *context;
	/*
	 * Consume the result of call `i` and make something of it; the caller owns it.  NULL:
	 * nothing can be made of it; only its text is kept, and the cursor is not used any more.
	 */
	void *(*make)(void *context, size_t i, struct json_cursor *cursor);
	void (*drop)(void *thing);
};

/* The same with a maker: if answers[i].thing is NULL, use `result` as without a maker. */
int rpc_decode_making(const char *body, size_t len, uint32_t first_id, size_t count,
		      const struct rpc_maker *maker, struct rpc_answer *answers,
		      struct error *err) MUST_CHECK;

/* Sort an HTTP status other than 200; `body` helps to find a message. Fills err, returns -1. */
int rpc_http_error(long status, const char *content_type, const char *body, size_t len,
		   struct error *err);

#endif
