/* SPDX-License-Identifier: MIT */
/*
 * What the answer of a node leads to.  Pure.
 *
 * An answer decides only how the same bytes are sent again, and what becomes of the row when they are
 * dead.  One node may be wrong or lie, so a refusal counts when a second node says the same, if there
 * is a second one.
 */
#ifndef POSTER_REACTION_H
#define POSTER_REACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/broadcast.h"

/* How often a row is signed before it fails; a transaction that only came too soon does not count. */
#define REACTION_ATTEMPTS_MAX 10

/* The refusals of one transaction so far. */
struct refusals {
	enum broadcast_answer refusal; /* the last one, or BROADCAST_UNKNOWN */
	unsigned node_count;           /* how many nodes in a row gave it */
	uint64_t nodes;                /* which */
};

struct reaction {
	int64_t again_ms;     /* when to send the same bytes again, from now */
	bool is_given_up;     /* not at all */
	bool pauses;          /* the account pauses */
	bool rests;           /* the account rests */
	bool ends_rest;       /* it has resources again */
	const char *definite; /* the class for the table; NULL: the answer was none */
};

/* node: the index of the one that answered; usable_count: how many nodes could be asked now. */
struct reaction reaction_to(struct refusals *state, enum broadcast_answer answer, unsigned node,
			    unsigned usable_count);
/* The state of a row whose transaction is dead: "failed" or "pending". attempts: that count. */
const char *reaction_when_dead(const char *answer, unsigned attempts);

#endif
