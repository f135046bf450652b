/* SPDX-License-Identifier: MIT */
/*
 * Sends nothing: makes the request that broadcasts a transaction, and says what the answer means.  Pure.
 *
 * A node's answer is a word, no proof.  A node can refuse a transaction and broadcast it all the same.
 * So an answer decides only what is tried next; what became of the transaction, the chain alone says.
 *
 * The surprise: error texts of nodes repeat the whole transaction, so they may contain anything that a user
 * wrote.  Only the parts that the node itself wrote are looked at.
 */
#ifndef STEEM_BROADCAST_H
#define STEEM_BROADCAST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum broadcast_answer {
	/* No definite answer: a time-out, a web page, anything else. Every node may have it. */
	BROADCAST_UNKNOWN,
	BROADCAST_ACCEPTED,  /* the node took it */
	BROADCAST_KNOWN,     /* the node had it already */
	BROADCAST_TOO_SOON,  /* the account acts too fast: in the next slot */
	BROADCAST_RESOURCES, /* the account has not enough resource credits */
	BROADCAST_NODE,      /* this node cannot take it now: another node */
	BROADCAST_FINAL,     /* it cannot take effect as it is */
	BROADCAST_KEY,       /* the key does not have the authority */
};

struct broadcast_result {
	enum broadcast_answer answer;
	/* One short sentence, clean (base/text.h), for people; "" if it was accepted. */
	char text[320];
};

/* "accepted", "too_soon": the word of the table signed_trxs. */
const char *broadcast_answer_name(enum broadcast_answer answer);

/*
 * Append the request for condenser_api.broadcast_transaction; `signed_trx` is the JSON of
 * transaction_write(). -1 with err (ERROR_FATAL): it does not fit.
 */
int broadcast_encode(struct buf *out, const char *signed_trx, size_t len, uint32_t id,
		     struct error *err) MUST_CHECK;
/* Sort the body of an answer with HTTP status 200 to the request of this id. */
void broadcast_sort(const char *body, size_t len, uint32_t id, struct broadcast_result *ret);
/* The answer when there is no such body (http.h gave err): unknown, with the text of err. */
void broadcast_sort_error(const struct error *err, struct broadcast_result *ret);

#endif
