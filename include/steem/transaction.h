/* SPDX-License-Identifier: MIT */
/*
 * Makes a transaction of operations that somebody wants: its bytes, id, digest, and the JSON that
 * is sent.  No I/O; no key.
 *
 * Calling sequence: transaction_read() checks the operations and packs them; what they are and who
 * must sign is known then.  transaction_seal() adds the reference block and the expiration; id and
 * digest are known then.  Sign the digest; transaction_write() makes the JSON. A transaction can be
 * sealed again with another reference or expiration.
 *
 * What is sent means to a node exactly what was signed.  So everything is refused that a node would
 * read differently: unknown members, lists that it would sort, `allow_votes` false (condenser_api
 * loses it), control characters (its JSON reader knows only \t \n \r \" \\).
 * Also refused, because no signature of an account can help: virtual operations, pow, pow2,
 * report_over_production, witness_set_properties, recover_account.  transaction_check() finds what the
 * chain refuses for what it says; rules that need the state of the chain are not checked here.
 *
 * The surprise: an id does not depend on the signature, only on operations, reference and expiration.
 * Two transactions with the same ones are the same transaction, and the second one is a duplicate.
 */
#ifndef STEEM_TRANSACTION_H
#define STEEM_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "steem/block.h"
#include "steem/chain.h"
#include "steem/codec/hash.h"
#include "steem/codec/operations.h"
#include "steem/json.h"

#define TRANSACTION_OPERATIONS_MAX 20
/* With its signature. Nodes: maximum_block_size (65,536 for years) - 256, chain/database.cpp. */
#define TRANSACTION_BYTES_MAX 65280
/* The JSON is never longer: each byte is escaped to two at most, but keys and numbers are longer. */
#define TRANSACTION_JSON_BYTES_MAX ((size_t)1 << 20)
/* A transaction that needs more accounts is refused. */
#define TRANSACTION_SIGNERS_MAX 8

/* An account that must sign, and with which authority. */
struct transaction_signer {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	enum codec_authority authority; /* CODEC_POSTING, CODEC_ACTIVE or CODEC_OWNER */
};

struct transaction_operation {
	const struct codec_operation *row; /* row->name: "vote" */
	struct json_slice body;            /* its object in canonical form, valid UTF-8 */
};

struct transaction {
	/* The highest authority of the signers; never posting together with another one. */
	enum codec_authority authority;
	struct transaction_signer
		signers[TRANSACTION_SIGNERS_MAX]; /* sorted by account; each once */
	size_t signer_count;                      /* at least 1 */
	struct transaction_operation operations[TRANSACTION_OPERATIONS_MAX];
	size_t operation_count; /* at least 1 */

	/* From here on: of transaction_seal(). */
	uint32_t expiration;
	char id[BLOCK_ID_HEX + 1];
	uint8_t digest[HASH_SHA256_BYTES]; /* what must be signed */
	const uint8_t *bytes;              /* packed, without signatures */
	size_t byte_count;
	struct transaction_parts *parts; /* of this module */
};

/* The tools to make transactions of this chain.  One thread uses it; it must outlive its transactions. */
struct transaction_maker;
/* The caller owns it; the chain must outlive it. NULL with err (ERROR_CONFIG): see hash_new(). */
struct transaction_maker *transaction_maker_new(const struct chain *chain,
						struct error *err) MUST_CHECK;
void transaction_maker_free(struct transaction_maker *maker);
/* Its hashes, for private_key_read() and key_format() in the same thread. */
struct hash *transaction_maker_hash(struct transaction_maker *maker);

/*
 * Read operations, [["vote",{...}],...] as condenser_api writes them.  The caller owns the transaction;
 * it keeps nothing of `text`.
 * NULL with err (ERROR_DATA): the reason, complete: "operation 2, vote: weight: 1e3 is no whole ...".
 */
struct transaction *transaction_read(struct transaction_maker *maker, const char *text, size_t len,
				     struct error *err) MUST_CHECK;
/*
 * Does it keep the rules of the chain that do not depend on its state (codec/rules.h)?  Call it before
 * something is signed; transaction_read() alone accepts all that can be packed.
 * 0, or -1 with err (ERROR_DATA): the reason, complete, as above; ERROR_FATAL: a bug.
 */
int transaction_check(const struct transaction *trx, struct error *err) MUST_CHECK;
/* NULL is allowed. */
void transaction_free(struct transaction *trx);

/* A transaction is valid only on a chain that contains its reference block. */
void transaction_seal(struct transaction *trx, const struct block_name *reference,
		      uint32_t expiration);
/* Append the JSON of a sealed transaction with this signature; `out` has the room named above. */
int transaction_write(const struct transaction *trx, const uint8_t signature[SIGNATURE_BYTES],
		      struct buf *out, struct error *err) MUST_CHECK;

/* For the limits of an account. */

/* The value of a member in its JSON; false: it has no such member. */
bool transaction_member(const struct transaction_operation *operation, const char *name,
			struct json_slice *ret_value);
/*
 * Read an amount, "1.000 STEEM" with its quotes: the symbol's index in chain->symbols, and the smallest
 * units.  False: the value is no amount.
 */
bool transaction_amount(struct transaction_maker *maker, const struct json_slice *value,
			size_t *ret_symbol, int64_t *ret_amount);

#endif
