/* SPDX-License-Identifier: MIT */
/*
 * The keys of an account, and the rules for each.
 *
 * The memory of a key is that of base/secret.h; nothing here prints or copies one.
 */
#ifndef POSTER_SIGNET_H
#define POSTER_SIGNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/config.h"
#include "steem/codec/hash.h"
#include "steem/codec/sign.h"

struct signet_key {
	const struct config_account *rules; /* NULL: there is no such key */
	struct private_key *key;
};

struct signet {
	char account[BLOCK_ACCOUNT_BYTES + 1];
	struct signet_key posting, active;
	/* For poster/round.c: nothing could be signed at this head, so wait for the next one. */
	int64_t blocked_head_s;
	int64_t look_at_ms;
};

struct signets {
	struct signet *items; /* sorted by account */
	size_t count;
};

/*
 * Read the key files of a configuration, which must outlive the signets.  -1: each fault was written
 * to `mistakes` as one line.
 */
int signets_load(struct signets *signets, const struct config *config, const char *path,
		 struct hash *hash, FILE *mistakes) MUST_CHECK;
/* Wipes the keys. */
void signets_release(struct signets *signets);
/* NULL: it is none of ours. */
struct signet *signets_find(struct signets *signets, const char *account);

#endif
