/* SPDX-License-Identifier: MIT */
/*
 * The consumer's side of the queues: claim deliveries, renew claims, end deliveries.
 *
 * Everything uses the stored procedures of sql/procedures.sql, which are the contract with
 * bots in any language.  A delivery is named by its id and the token of the claim.  Once
 * another claim holds it, every call fails with deliveries_is_lost(), and nothing is
 * written.
 */
#ifndef STORE_DELIVERIES_H
#define STORE_DELIVERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"

struct arena;
struct db;

#define DELIVERY_TOKEN_BYTES 32

/* One row of a claim. The arena owns its texts. */
struct delivery {
	struct arena *arena;
	uint64_t delivery_id;
	char token[DELIVERY_TOKEN_BYTES + 1];
	unsigned attempt;        /* the number of this attempt, from 1 */
	struct op_place place;   /* of the operation */
	const char *lease_until; /* by the database's clock: "2026-11-23 18:00:00.123456" */
	const char *queue;
	const char *trx_id;    /* NULL: none */
	const char *timestamp; /* of the block: "2026-11-23 17:59:57" */
	const char *operation;
	const char *account; /* NULL: none */
	const char *payload;
	size_t payload_len;
};

void delivery_free(struct delivery *delivery);

/*
 * Claim up to `limit` deliveries for lease_s seconds; commits. On success ret_deliveries has
 * *ret_count of them, and the caller owns each.
 */
int deliveries_claim(struct db *db, const char *queue, const char *worker, unsigned limit,
		     unsigned lease_s, struct delivery **ret_deliveries, size_t *ret_count,
		     struct error *err) MUST_CHECK;
/* Extend the claim to lease_s seconds from now. */
int deliveries_renew(struct db *db, uint64_t delivery_id, const char *token, unsigned lease_s,
		     struct error *err) MUST_CHECK;

enum delivery_result {
	DELIVERY_DONE,
	DELIVERY_RETRY,   /* try again later; fails if no attempts are left */
	DELIVERY_FAIL,    /* never try again */
	DELIVERY_RELEASE, /* released as if never claimed */
};
#define DELIVERY_BACK_OFF (-1)
/* How a delivery ends. */
struct delivery_end {
	enum delivery_result result;
	const char *error; /* NULL: none; not for DONE */
	int64_t delay_s;   /* of RETRY; DELIVERY_BACK_OFF: the queue's back-off */
	/*
	 * Of DONE: what goes into the outbox in the same transaction, in the name of this account.
	 */
	const char *author;
	const char *body; /* of a comment; NULL: none */
	size_t body_len;
	const char *operations; /* of an action; NULL: none */
	size_t operations_len;
};
/*
 * End a delivery, in one transaction. Repeating it with the same token is harmless, so run it
 * again if the answer to COMMIT was lost.
 */
int deliveries_end(struct db *db, uint64_t delivery_id, const char *token,
		   const struct delivery_end *end, struct error *err) MUST_CHECK;

/* Does this error say that the token does not hold the delivery (any more)? */
bool deliveries_is_lost(const struct error *err);
/* Does this error say that the queue does not exist (yet)? */
bool deliveries_has_no_queue(const struct error *err);

#endif
