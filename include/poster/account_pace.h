/* SPDX-License-Identifier: MIT */
/*
 * How fast an account may act, by the rules of the chain: when may this be signed?  Pure.
 *
 * All times are times of blocks, and "now" is the head's: so the clocks of this host and of the
 * database do not matter.  A node counts from the block that has the transaction, and we from the head
 * when it was signed, which is a block or more earlier.  So a node may still say "too soon"; then the
 * same bytes are sent again.
 */
#ifndef POSTER_ACCOUNT_PACE_H
#define POSTER_ACCOUNT_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "poster/content.h"
#include "store/sender.h"

/* Sources: steem_evaluator.cpp, config.hpp, witness_plugin.cpp of steemit/steem 0.23. */
#define ACCOUNT_PACE_REPLY_S 3
#define ACCOUNT_PACE_POST_S  303 /* more than five minutes */
#define ACCOUNT_PACE_EDIT_S  3
#define ACCOUNT_PACE_VOTE_S  3
#define ACCOUNT_PACE_CUSTOMS 5 /* in one block */
#define ACCOUNT_PACE_NEVER   INT64_MAX

/*
 * The earliest head time at which the content may be signed; <= head_s: now.  ACCOUNT_PACE_NEVER: no
 * block accepts so much from one account.
 */
int64_t account_pace_at(const struct sender_state *state, const struct content *content,
			int64_t head_s);
/* It is signed at this head. */
void account_pace_take(struct sender_state *state, const struct content *content, int64_t head_s);
/* How many custom operations may still be signed at this head? */
unsigned account_pace_customs_left(const struct sender_state *state, int64_t head_s);

#endif
