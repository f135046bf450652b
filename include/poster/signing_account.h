/* SPDX-License-Identifier: MIT */
/*
 * The keys of an account, and the rules for each.  A key is in this process, or a command has it
 * (signer = "command").
 *
 * The memory of a key is that of base/secret.h; nothing here prints or copies one.
 *
 * The surprise: the round, which runs in a database thread, and the loop thread share a signing_key.  The
 * loop thread touches what rounds use only while none runs.
 */
#ifndef POSTER_SIGNING_ACCOUNT_H
#define POSTER_SIGNING_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/config.h"
#include "steem/block.h"
#include "steem/codec/hash.h"
#include "steem/codec/sign.h"

#define SIGNATURE_WHY_BYTES 400

/*
 * What the round wants a command to sign, and the answer for the next round.  A key has one request at a
 * time.  The round reads the row again and seals it with these values; if its digest is another one now,
 * the answer is not used.
 */
enum signature_state {
	SIGNATURE_NONE,
	SIGNATURE_WANTED, /* from the round until the answer is there */
	SIGNATURE_MADE,
	SIGNATURE_FAILED,
};
struct signature_request {
	enum signature_state state;
	uint64_t comment_id, action_id; /* the row */
	struct block_name reference;
	uint32_t expiration;
	uint8_t digest[HASH_SHA256_BYTES];
	uint8_t signature[SIGNATURE_BYTES]; /* of SIGNATURE_MADE: a node accepts it */
	char why[SIGNATURE_WHY_BYTES];      /* of SIGNATURE_FAILED */
	bool pauses;                        /* of SIGNATURE_FAILED: the account pauses */
};

struct signing_key {
	const struct config_account *rules; /* NULL: there is no such key */
	struct private_key *key;            /* NULL: a command signs */
	/* Of a command. */
	char *program;
	char **argv; /* ends with NULL; the texts belong to the rules */
	struct key public_key;
	struct signature_request request;
	int64_t rests_until_ms; /* after a failure nothing is asked */
	unsigned again_count;   /* how many digests in a row got no canonical signature */
};

struct signing_account {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	struct signing_key posting, active;
	/* Of rounds: nothing could be signed at this head, so wait for the next one. */
	int64_t blocked_head_s;
	int64_t look_at_ms;
};

struct signing_accounts {
	struct signing_account *items; /* sorted by account */
	size_t count;
};

/*
 * Read the key files of a configuration, and find its commands; it must outlive the signers.  -1: each
 * fault was written to `mistakes` as one line.
 */
int signing_accounts_load(struct signing_accounts *signers, const struct config *config,
			  const char *path, struct hash *hash, FILE *mistakes) MUST_CHECK;
/* Wipes the keys. */
void signing_accounts_release(struct signing_accounts *signers);
const struct key *signing_key_public(const struct signing_key *key);
/* NULL: it is none of ours. */
struct signing_account *signing_accounts_find(struct signing_accounts *signers,
					      const char *account);

#endif
