/* SPDX-License-Identifier: MIT */
/*
 * The health of one node: a small state machine without I/O.
 *
 * The irreversible block that a node last told is kept as it was told, even if it goes
 * back: a restarted node knows less than before, and a block is believed irreversible only
 * if the node that gives it says so itself.
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
 * One answer "no such method" may come from one bad server behind a good name; a node that gives
 * it this often in a row, over some minutes, is excluded.
 */
#define NODE_UNSUPPORTED_LIMIT 10
/* How long a node is not asked for virtual operations after it said that it does not offer them. */
#define NODE_NO_VIRTUAL_MS 60000
/* The longest Retry-After that is obeyed. */
#define NODE_RETRY_AFTER_MAX_MS 300000
/* A node that does not answer at all is asked for its head again after this time at most. */
#define NODE_AWAY_MAX_MS 5000
/*
 * A node that answers, but failed to give this many blocks in a row, rests like a node that
 * failed.
 */
#define NODE_WITHHELD_LIMIT 3

struct node {
	char *url;   /* as configured */
	char *label; /* the URL without user, password and query: for log lines and tables */
	struct chain_head head; /* the head that it told last; zeros: none yet */
	uint32_t proven_block;  /* the highest block that it ever gave */
	int64_t head_at_ms;     /* when it last told its head; 0: never */
	int64_t ready_at_ms;    /* not to be asked before */
	struct backoff backoff;
	/*
	 * It answers nothing, not even a request for its head.  Until it tells its head it is
	 * asked for nothing else, and not before ask_head_at_ms.
	 */
	bool is_away;
	bool is_silent; /* it has not told its head, though asked for it seconds ago */
	/* when the oldest unanswered request for its head was sent; 0: there is none */
	int64_t head_asked_at_ms;
	int64_t moved_at_ms; /* when its irreversible block last went up */
	bool is_stuck;       /* by its newest head, that was long ago */
	/* a request failed, so it is asked for its head, to see whether it is away */
	bool is_probed;
	int64_t away_since_ms;
	bool is_gone; /* it has been away for long: its earlier answers no longer count */
	int64_t ask_head_at_ms;
	struct backoff away_backoff;
	/*
	 * How many blocks it failed to give, although it answers, since the last block that it
	 * gave.
	 */
	unsigned withheld_in_row;
	uint32_t withheld_block; /* the last of them; 0: not known */
	/* batches in a row without a byte of answer, although it was not away */
	unsigned silent_batches;
	unsigned vain_claims;     /* how often it lately claimed a block and did not give it */
	int64_t vain_claim_at_ms; /* the last time */
	int64_t slow_until_ms;    /* until then, other nodes are preferred at the tip */
	int64_t doubted_until_ms; /* until then, it is trusted only for blocks that it gave */
	unsigned failures_in_row;
	unsigned rate_limit; /* the most requests a second; 0: no limit */
	int64_t slot_at_us;  /* it may not be asked before this time because of rate_limit */
	/* how many requests it can handle at once, besides those at the tip */
	unsigned in_flight_limit;
	/*
	 * It died with requests for certain blocks: it gets one request at a time, until others
	 * are answered.
	 */
	bool is_careful;
	unsigned good_in_row; /* answers since in_flight_limit changed */
	unsigned in_flight;   /* requests under way */
	unsigned batch_size;  /* how many calls it accepts in one request */
	unsigned batch_limit; /* the configured maximum */
	/* it refuses even a batch of two calls; reset when batch_size grows */
	bool refuses_batches;
	unsigned full_batches;       /* full batches answered well since batch_size changed */
	unsigned grow_after;         /* batch_size grows after this many of them */
	unsigned unsupported_in_row; /* answers in a row "this call is not offered" */
	int64_t latency_us;          /* moving average for one request */
	int64_t per_block_bytes;     /* moving average of the size of a block's answer */
	struct metric_histogram request_times; /* of all successful requests */
	uint64_t failed_count;                 /* all other requests */
	/* it does not offer virtual operations, and is not asked for them before this time */
	int64_t virtual_again_at_ms;
	unsigned unproven_in_row;    /* answers in a row that did not prove its account history */
	int64_t history_again_at_ms; /* the same for those of old blocks, see client_virtual.c */
	bool is_excluded;            /* it serves another chain, or does not offer the calls */
	char excluded_because[160];
	/* not compared with the stored blocks yet: asked for nothing else, and not believed */
	bool is_on_trial;
	bool has_no_vote; /* on trial, while other nodes are known: its answers decide nothing */
	bool is_denied;   /* it gave another block than the stored one, and that was logged */
};

void node_init(struct node *node, const char *url, unsigned batch_limit, unsigned rate_limit);
void node_release(struct node *node);
/* May it be asked now? */
bool node_is_ready(const struct node *node, int64_t now_ms);
/* The same without its rate: a request may be made, and is sent when its turn comes. */
bool node_is_rested(const struct node *node, int64_t now_ms);
/*
 * May the node with this index in its pool be asked by a caller that must not ask `not_these`?
 * A node on trial may be asked only by a caller that must ask this node alone.
 */
bool node_may_be_asked(const struct node *node, unsigned index, uint64_t not_these);
/* The same as node_is_ready(), and is there room for one more request besides those under way? */
bool node_has_room(const struct node *node, int64_t now_ms);
/*
 * A request is made: count it.  Returns when it may go out: now, or later for the sake of
 * rate_limit.
 */
int64_t node_sent(struct node *node, int64_t now_ms);
/* How many blocks to request at once, so that the answer keeps a moderate size. */
unsigned node_batch_now(const struct node *node);
/* Is it neither excluded nor waiting after a failure? (True if it was never asked.) */
bool node_is_healthy(const struct node *node, int64_t now_ms);
/* Did it answer when it was last asked? (False if it was never asked.) */
bool node_is_up(const struct node *node);
/*
 * When to ask a node that is away for its head again; CLOCK_NEVER: it is not away, or it is being
 * asked.
 */
int64_t node_head_due_ms(const struct node *node);
/*
 * The highest irreversible block that the node can probably give: usually the one that it told
 * last.  If it recently claimed a block and did not give it: the highest block that it gave.
 */
uint32_t node_credible_block(const struct node *node, int64_t now_ms);
/* A request with this many calls was answered well. */
void node_succeeded(struct node *node, int64_t now_ms, int64_t took_us, size_t calls, size_t bytes);
/*
 * A request failed.  failure is an enum rpc_failure; retry_after_ms is the node's Retry-After
 * (0: none).  The node then waits, longer each time.  If it fails while it waits, that was a
 * request sent earlier, and the wait does not get longer.  A refused batch only halves its batch
 * size.  Returns the delay in ms before it may be asked again.
 */
int64_t node_failed(struct node *node, int64_t now_ms, int failure, int64_t retry_after_ms);
/* The node answers nothing. Returns the delay in ms before its head is requested again. */
int64_t node_lost(struct node *node, int64_t now_ms);
/*
 * The node answers, but did not give `block` (0: one of several).  True: this happened with
 * NODE_WITHHELD_LIMIT different blocks in a row, so the node is to blame and not the blocks.
 */
bool node_withheld(struct node *node, uint32_t block);
/* The node claimed a block and did not give it. */
void node_claimed_in_vain(struct node *node, int64_t now_ms);
/* The node was so slow at the tip that another one was asked: for a while others are preferred. */
void node_was_slow(struct node *node, int64_t now_ms);
/* Reduce its batch size (to at least one). False if it was one already. */
bool node_shrink_batch(struct node *node);
void node_set_head(struct node *node, const struct chain_head *head, int64_t now_ms);
/* The node gave this block. */
void node_gave(struct node *node, uint32_t block);
/*
 * Is the irreversible block of this head so far above all blocks that the node ever gave that it
 * must give that block first?
 */
bool node_must_prove(const struct node *node, const struct chain_head *head);
/* Never ask it again (until the configuration is read again). */
void node_exclude(struct node *node, const char *because);

#endif
