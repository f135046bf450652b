/* SPDX-License-Identifier: MIT */
/*
 * The keys of an account, and the rules for each.
 *
 * The memory of a key is that of base/secret.h; nothing here prints or copies one.
 */
#ifndef POSTER_SIGNING_ACCOUNT_H
#define POSTER_SIGNING_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/config.h"
#include "steem/codec/hash.h"
#include "steem/codec/sign.h"

struct signing_key {
	const struct config_account *rules; /* NULL: there is no such key */
	struct private_key *key;
};

struct signing_account {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	struct signing_key posting, active;
	/* For poster/round.c: nothing could be signed at this head, so wait for the next one. */
	int64_t blocked_head_s;
	int64_t look_at_ms;
};

struct signing_accounts {
	struct signing_account *items; /* sorted by account */
	size_t count;
};

/*
 * Read the key files of a configuration, which must outlive the signers.  -1: each fault was written
 * to `mistakes` as one line.
 */
int signing_accounts_load(struct signing_accounts *signers, const struct config *config,
			  const char *path, struct hash *hash, FILE *mistakes) MUST_CHECK;
/* Wipes the keys. */
void signing_accounts_release(struct signing_accounts *signers);
/* NULL: it is none of ours. */
struct signing_account *signing_accounts_find(struct signing_accounts *signers,
					      const char *account);

#endif
