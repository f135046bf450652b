/* SPDX-License-Identifier: MIT */
/*
 * Which node gets a transaction: what is known of each node, and the choice.  Pure.
 *
 * A node is not used while its head is old, while it is behind the others or the database, and
 * until it has shown that it has the stored chain.  What a node says of its head may be a lie: a time far
 * above the newest stored block counts for nothing.
 */
#ifndef POSTER_ROUTE_H
#define POSTER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steem/decode.h"

#define ROUTE_MAX      64
#define ROUTE_HEAD_MS  15000 /* how long a head counts */
#define ROUTE_BEHIND_S 30
/* How far the head may be above the newest irreversible stored block: then the readers are behind. */
#define ROUTE_AHEAD_S 540

struct route {
	char *url;
	char *label;
	struct chain_head head; /* zeros: none yet */
	int64_t head_at_ms;     /* when it told it; 0: never */
	bool has_chain;         /* it gave the stored block */
	bool is_other_chain;    /* it gave another one */
	unsigned failures;      /* in a row */
	int64_t rests_until_ms; /* after failures */
	int64_t latency_us;
	/* Of routes.c. */
	bool is_asking;
	bool is_checking;
	int64_t ask_at_ms;
	int64_t check_at_ms;
	uint64_t sent_count;
	uint64_t failed_count;
};

/* Is what it says of its head recent, and possible? stored_s: the time of the newest stored block. */
bool route_is_fresh(const struct route *route, int64_t now_ms, int64_t stored_s);
/* The head's time that most fresh nodes agree on; 0: none is fresh. */
int64_t route_middle_s(const struct route *routes, size_t count, int64_t now_ms, int64_t stored_s);
/* May a transaction be sent to it? middle_s: route_middle_s(). */
bool route_is_usable(const struct route *route, int64_t now_ms, int64_t stored_s, int64_t middle_s);
/*
 * The head to sign by: that of the usable node that is the furthest behind, so that every usable node
 * takes the transaction. False: there is no usable node.
 */
bool route_head(const struct route *routes, size_t count, int64_t now_ms, int64_t stored_s,
		struct chain_head *ret_head);
/*
 * The usable node to send to next, not in `tried`: the fastest one that does not rest after
 * failures, or else the one that has rested longest.  -1: none.
 */
int route_choose(const struct route *routes, size_t count, int64_t now_ms, int64_t stored_s,
		 uint64_t tried);
unsigned route_usable_count(const struct route *routes, size_t count, int64_t now_ms,
			    int64_t stored_s);
/* A request to it failed, or was answered. */
void route_failed(struct route *route, int64_t now_ms);
void route_answered(struct route *route, int64_t took_us);

#endif
