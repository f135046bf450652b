/* SPDX-License-Identifier: MIT */
/*
 * The health of one node: a small state machine without I/O.
 *
 * What a node last said of its irreversible block is kept as it was said, also when
 * it goes back: a restarted node knows less than before, and a block is believed
 * irreversible only if the node that gives it says so itself.
 */
#ifndef STEEM_NODE_H
#define STEEM_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/error.h"
#include "base/metric.h"
#include "steem/decode.h"

/*
 * One answer "no such method" may come from one bad server behind a good name; a node
 * that says so this often in a row, over some minutes, is excluded.
 */
#define NODE_UNSUPPORTED_LIMIT 10
/* So long a node is not asked for virtual operations after it said that it does not offer them. */
#define NODE_NO_VIRTUAL_MS 60000
/* The most that a Retry-After is believed. */
#define NODE_RETRY_AFTER_MAX_MS 300000
/* A node that does not answer at all is asked for its head again after at most this time. */
#define NODE_AWAY_MAX_MS 5000
/* A node that answers, but failed to give this many blocks in a row, rests like one that failed. */
#define NODE_WITHHELD_LIMIT 3

struct node {
	char *url;   /* as configured */
	char *label; /* the same without user, password and query: for log lines and tables */
	struct chain_head head; /* its last answer; zeros: none yet */
	uint32_t proven_block;  /* the highest block that it ever gave */
	int64_t head_at_ms;     /* when it last told its head; 0: never */
	int64_t ready_at_ms;    /* not to be asked before */
	struct backoff backoff;
	/*
	 * It answers nothing, not even when asked for its head.  Until it tells its head it is
	 * asked for nothing else, and for its head not before ask_head_at_ms.
	 */
	bool is_away;
	bool is_silent;           /* it has not told its head, though asked for it seconds ago */
	int64_t head_asked_at_ms; /* the oldest question for it that is not answered; 0: none */
	int64_t moved_at_ms;      /* when its irreversible block last went up */
	bool is_stuck;            /* that was long ago, by its newest head */
	bool is_probed; /* a request failed; it is asked for its head, to see whether it is away */
	int64_t away_since_ms;
	bool is_gone; /* it is away for long: nothing that it said counts any more */
	int64_t ask_head_at_ms;
	struct backoff away_backoff;
	/* Blocks that it failed to give, although it answers, since the last block that it gave. */
	unsigned withheld_in_row;
	uint32_t withheld_block;  /* the last of them; 0: not known which */
	unsigned silent_batches;  /* batches in a row without a byte of answer; it was not away */
	unsigned vain_claims;     /* how often it lately claimed a block and did not give it */
	int64_t vain_claim_at_ms; /* the last time */
	int64_t slow_until_ms;    /* until then others are asked before it at the tip */
	int64_t doubted_until_ms; /* until then it is credited only with blocks that it gave */
	unsigned failures_in_row;
	unsigned rate_limit;      /* the most requests a second; 0: no limit */
	int64_t slot_at_us;       /* not to be asked before, for the sake of rate_limit */
	unsigned in_flight_limit; /* how many requests it bears at once, besides those at the tip */
	/* It died with requests for certain blocks: one request at a time, until others are answered. */
	bool is_careful;
	unsigned good_in_row;        /* answers since that limit changed */
	unsigned in_flight;          /* requests under way */
	unsigned batch_size;         /* how many calls it bears in one request */
	unsigned batch_limit;        /* the configured most */
	bool refuses_batches;        /* even one of two calls; until batch_size grows */
	unsigned full_batches;       /* full batches answered well since batch_size changed */
	unsigned grow_after;         /* so many of them, and batch_size grows again */
	unsigned unsupported_in_row; /* answers in a row that it does not offer the call */
	int64_t latency_us;          /* moving average of one request */
	int64_t per_block_bytes;     /* moving average of a block's answer */
	struct metric_histogram request_times; /* of all requests that were answered well */
	uint64_t failed_count;                 /* of all others */
	int64_t virtual_again_at_ms; /* does not offer virtual operations; not asked for them before */
	unsigned unproven_in_row;    /* answers in a row that did not prove its account history */
	int64_t history_again_at_ms; /* the same for those of old blocks, see client_virtual.c */
	bool is_excluded;            /* serves another chain, or does not offer the calls */
	char excluded_because[160];
	bool is_on_trial; /* not compared with what is stored yet: asked for nothing else, not believed */
	bool has_no_vote; /* on trial, and others are known: what it says decides nothing */
	bool is_denied;   /* it gave another block than the stored one, and that was told */
};

void node_init(struct node *node, const char *url, unsigned batch_limit, unsigned rate_limit);
void node_release(struct node *node);
/* May it be asked now? */
bool node_is_ready(const struct node *node, int64_t now_ms);
/* The same but for its rate: a request may be made, and goes out when its turn comes. */
bool node_is_rested(const struct node *node, int64_t now_ms);
/*
 * Is the node with this index in its pool meant by somebody who may not ask `not_these`?  One
 * on trial is only by those who may ask nobody else.
 */
bool node_may_be_asked(const struct node *node, unsigned index, uint64_t not_these);
/* The same for one more request besides those under way: what it bears at once is not reached. */
bool node_has_room(const struct node *node, int64_t now_ms);
/*
 * A request is made: count it.  Returns when it may go out: now, or later for the sake of
 * rate_limit.
 */
int64_t node_sent(struct node *node, int64_t now_ms);
/* How many blocks to ask for in one request, so that its answer stays of a size that is soon sent. */
unsigned node_batch_now(const struct node *node);
/* Is it neither excluded nor waiting out a failure? (An unasked node is healthy.) */
bool node_is_healthy(const struct node *node, int64_t now_ms);
/* Did it answer when it was last asked? (An unasked node is not up.) */
bool node_is_up(const struct node *node);
/* When to ask a node that is away for its head again; CLOCK_NEVER: it is not away, or it is being asked. */
int64_t node_head_due_ms(const struct node *node);
/*
 * The highest irreversible block that the node can probably give: usually the one that it reported last.  If it
 * recently reported a block and then did not deliver it, the highest block that it has delivered.
 */
uint32_t node_credible_block(const struct node *node, int64_t now_ms);
/* A request of `calls` calls was answered well. */
void node_succeeded(struct node *node, int64_t now_ms, int64_t took_us, size_t calls, size_t bytes);
/*
 * A request failed.  failure is an enum rpc_failure; retry_after_ms is what the node
 * asked for (0: nothing).  The node then waits, longer each time; a failure while it waits
 * is of a request that was sent before, and does not make the wait longer.  A refused batch
 * only halves its batch size.  Returns the delay in ms before it may be asked again.
 */
int64_t node_failed(struct node *node, int64_t now_ms, int failure, int64_t retry_after_ms);
/* It answers nothing. Returns the delay in ms before its head is asked for again. */
int64_t node_lost(struct node *node, int64_t now_ms);
/*
 * It answers, but did not give `block` (0: one of several).  True: this happened with
 * NODE_WITHHELD_LIMIT different blocks in a row, so the node is to blame and not the blocks.
 */
bool node_withheld(struct node *node, uint32_t block);
/* It claimed a block and did not give it. */
void node_claimed_in_vain(struct node *node, int64_t now_ms);
/* It was so slow where the tail waits that another one was asked: for a while others come first. */
void node_was_slow(struct node *node, int64_t now_ms);
/* Fewer calls in one request from now on (at least one). False when it was one already. */
bool node_shrink_batch(struct node *node);
void node_set_head(struct node *node, const struct chain_head *head, int64_t now_ms);
/* It gave this block. */
void node_gave(struct node *node, uint32_t block);
/*
 * Is the irreversible block of this head so far above all that the node ever gave that it
 * must give it first?
 */
bool node_must_prove(const struct node *node, const struct chain_head *head);
/* Never ask it again (until the configuration is read again). */
void node_exclude(struct node *node, const char *because);

#endif
