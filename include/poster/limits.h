/* SPDX-License-Identifier: MIT */
/*
 * What the key of an account may sign: operations, amounts and transactions a day, receivers.  Pure.
 *
 * A row counts once, when it is signed for the first time, even if it fails later or is signed again.
 * All entries of an account that have such a limit share its counts.  A transaction that an entry without
 * the limit signs does not count.
 */
#ifndef POSTER_LIMITS_H
#define POSTER_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "poster/content.h"
#include "steem/transaction.h"
#include "store/sender.h"

#define LIMITS_WHY_BYTES 300

/*
 * Does the transaction keep the rules?  head_s: its day counts.  False: `why` says which limit it
 * passes.  is_again: it was signed before.
 */
bool limits_allow(const struct config_account *rules, const struct chain *chain,
		  const struct transaction *trx, const struct content *content,
		  const struct sender_state *state, int64_t head_s, bool is_again, char *why);
/* It is signed: count it, under rules that have such a limit. */
void limits_take(const struct config_account *rules, struct sender_state *state,
		 const struct content *content, int64_t head_s, bool is_again);

#endif
