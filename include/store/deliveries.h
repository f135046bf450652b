/* SPDX-License-Identifier: MIT */
/*
 * The consumer's side of the queues: claim deliveries, hold them, end them.
 *
 * Everything goes through the stored procedures of sql/procedures.sql, which are
 * the contract with bots of any language.  A delivery is named by its id and the token of the
 * claim; once another claim holds it every call fails with deliveries_is_lost(), and nothing is
 * written.
 */
#ifndef STORE_DELIVERIES_H
#define STORE_DELIVERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct db;

#define DELIVERY_TOKEN_BYTES 32
/* Characters of the error that the table keeps. */
#define DELIVERY_ERROR_CHARS 1000

/* One row of a claim. Texts belong to the arena. */
struct delivery {
	struct arena *arena;
	uint64_t delivery_id;
	char token[DELIVERY_TOKEN_BYTES + 1];
	unsigned attempt; /* this one included */
	uint32_t block, trx_in_block, op_in_trx, virtual_op;
	const char *lease_until; /* by the database's clock: "2026-11-23 18:00:00.123456" */
	const char *queue;
	const char *trx_id;    /* NULL: none */
	const char *timestamp; /* the block's: "2026-11-23 17:59:57" */
	const char *operation;
	const char *account; /* NULL: none */
	const char *payload;
	size_t payload_len;
};

void delivery_free(struct delivery *delivery);

/*
 * Claim up to `limit` for lease_s seconds; commits. On success ret_deliveries has *ret_count
 * of them, each the caller's.
 */
int deliveries_claim(struct db *db, const char *queue, const char *worker, unsigned limit,
		     unsigned lease_s, struct delivery **ret_deliveries, size_t *ret_count,
		     struct error *err) MUST_CHECK;
/* Hold it for lease_s seconds from now. */
int deliveries_renew(struct db *db, uint64_t delivery_id, const char *token, unsigned lease_s,
		     struct error *err) MUST_CHECK;

enum delivery_result {
	DELIVERY_DONE,
	DELIVERY_RETRY,   /* again later; it fails when no attempts are left */
	DELIVERY_FAIL,    /* never again */
	DELIVERY_RELEASE, /* given back as if never claimed */
};
#define DELIVERY_BACK_OFF (-1)
/* How a delivery ends. */
struct delivery_end {
	enum delivery_result result;
	const char *error; /* NULL: none; not for DONE */
	int64_t delay_s;   /* of RETRY; DELIVERY_BACK_OFF: as the queue has it */
	/* Of DONE: the comment that goes into the outbox in the same transaction. */
	const char *author; /* NULL: no comment */
	const char *body;
	size_t body_len;
};
/*
 * In one transaction. Harmless when it was done before with the same token, so it can be run
 * again when the answer to COMMIT was lost.
 */
int deliveries_end(struct db *db, uint64_t delivery_id, const char *token,
		   const struct delivery_end *end, struct error *err) MUST_CHECK;

/* Is this the error of a delivery that is not held with the token (any more)? */
bool deliveries_is_lost(const struct error *err);
/* Does this error say that the queue does not exist (yet)? */
bool deliveries_has_no_queue(const struct error *err);

#endif
