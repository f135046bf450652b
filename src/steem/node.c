/* SPDX-License-Identifier: MIT */
#include "steem/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/rpc.h"

#define BACKOFF_BASE_MS 500
#define BACKOFF_CAP_MS  60000
/* A node is stuck if its irreversible block has not moved for this long. */
#define STUCK_MS 30000
/* A node is gone if it was away for this long. */
#define GONE_MS 30000
/* How long a node is doubted after its first vain claim; each further one doubles the time. */
#define DOUBT_MS      5000
#define DOUBT_DOUBLES 4
#define FORGIVEN_MS   600000 /* after this time without a vain claim, all are forgotten */
#define BUSY_MIN_MS   1000
/* After this many full batches the batch size grows; each refusal doubles the number. */
#define GROW_AFTER_MIN 16
#define GROW_AFTER_MAX 4096
/* No node ever gets more requests at once than this. */
#define IN_FLIGHT_MAX 64
/* An answer of this size uses a connection well; larger ones only arrive later. */
#define ANSWER_BYTES ((int64_t)4 * 1024 * 1024)
/*
 * How far above the highest block that it gave a node is believed to have irreversible blocks:
 * less than the distance at which a tail goes back to catching up.
 */
#define UNPROVEN_BLOCKS 900
/*
 * The time in which a node gets as many requests as it may get in a second.  It is longer than a
 * second because a delayed request and the next one, without delay, must not look like one too
 * many to the node.
 */
#define RATE_SPAN_US 1050000
/* The weight of the newest value in the moving averages is 1 / AVERAGE_WEIGHT. */
#define AVERAGE_WEIGHT 8

/* The URL without user, password, query and fragment. */
static char *make_label(const char *url)
{
	const char *rest = strstr(url, "://");
	size_t scheme_len, authority_len, rest_len;

	rest = rest ? rest + 3 : url;
	scheme_len = (size_t)(rest - url);
	authority_len = strcspn(rest, "/?#");
	for (const char *at; (at = memchr(rest, '@', authority_len));) {
		authority_len -= (size_t)(at + 1 - rest);
		rest = at + 1;
	}
	rest_len = strcspn(rest, "?#");
	return xasprintf("%.*s%.*s", (int)scheme_len, url, (int)rest_len, rest);
}

void node_init(struct node *node, const char *url, unsigned batch_limit, unsigned rate_limit)
{
	if (batch_limit == 0)
		batch_limit = 1;
	*node = (struct node){
		.url = xstrdup(url),
		.label = make_label(url),
		.batch_size = batch_limit,
		.batch_limit = batch_limit,
		.grow_after = GROW_AFTER_MIN,
		.rate_limit = rate_limit,
		.in_flight_limit = IN_FLIGHT_MAX,
	};
	backoff_init(&node->backoff, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
	backoff_init(&node->away_backoff, BACKOFF_BASE_MS, NODE_AWAY_MAX_MS);
}

void node_release(struct node *node)
{
	free(node->url);
	free(node->label);
	node->url = NULL;
	node->label = NULL;
}

bool node_is_rested(const struct node *node, int64_t now_ms)
{
	return !node->is_excluded && !node->is_away && !node->is_probed &&
	       now_ms >= node->ready_at_ms;
}

bool node_is_ready(const struct node *node, int64_t now_ms)
{
	return node_is_rested(node, now_ms) && now_ms * 1000 >= node->slot_at_us;
}

bool node_may_be_asked(const struct node *node, unsigned index, uint64_t not_these)
{
	if (node->is_on_trial)
		return not_these == ~(UINT64_C(1) << index);
	return !(not_these >> index & 1);
}

bool node_has_room(const struct node *node, int64_t now_ms)
{
	return node_is_ready(node, now_ms) &&
	       node->in_flight < (node->is_careful ? 1 : node->in_flight_limit);
}

int64_t node_sent(struct node *node, int64_t now_ms)
{
	int64_t at_ms = now_ms;

	node->in_flight++;
	if (node->rate_limit == 0)
		return now_ms;
	if (node->slot_at_us > now_ms * 1000)
		at_ms = (node->slot_at_us + 999) / 1000;
	node->slot_at_us = at_ms * 1000 + RATE_SPAN_US / node->rate_limit;
	return at_ms;
}

unsigned node_batch_now(const struct node *node)
{
	int64_t fitting =
		node->per_block_bytes > 0 ? ANSWER_BYTES / node->per_block_bytes : node->batch_size;

	if (fitting < 1)
		return 1;
	return fitting < node->batch_size ? (unsigned)fitting : node->batch_size;
}

bool node_is_healthy(const struct node *node, int64_t now_ms)
{
	return !node->is_excluded && !node->is_away && !node->is_probed &&
	       (node->failures_in_row == 0 || now_ms >= node->ready_at_ms);
}

int64_t node_head_due_ms(const struct node *node)
{
	if (!node->is_away || node->is_probed || node->is_excluded)
		return CLOCK_NEVER;
	return node->ask_head_at_ms > node->ready_at_ms ? node->ask_head_at_ms : node->ready_at_ms;
}

uint32_t node_credible_block(const struct node *node, int64_t now_ms)
{
	uint32_t claimed = node->head.irreversible_block;

	return now_ms < node->doubted_until_ms && node->proven_block < claimed ? node->proven_block
									       : claimed;
}

bool node_is_up(const struct node *node)
{
	return !node->is_excluded && node->failures_in_row == 0 && node->head_at_ms > 0;
}

static int64_t average(int64_t old, int64_t value)
{
	if (value < 1)
		value = 1; /* 0 means "never measured" */
	return old == 0 ? value : old + (value - old) / AVERAGE_WEIGHT;
}

void node_succeeded(struct node *node, int64_t now_ms, int64_t took_us, size_t calls, size_t bytes)
{
	bool is_head = calls == 0;

	node->is_away = node->is_gone = false;
	backoff_reset(&node->away_backoff);
	if (calls > 1)
		node->silent_batches = 0;
	/*
	 * Forget the failures, unless the node still rests (the answer may belong to a request
	 * from before the failure), or has withheld blocks and now only tells its head.
	 */
	if (now_ms >= node->ready_at_ms &&
	    !(is_head && node->withheld_in_row >= NODE_WITHHELD_LIMIT)) {
		node->failures_in_row = 0;
		node->unsupported_in_row = 0;
		backoff_reset(&node->backoff);
	}
	metric_observe(&node->request_times, took_us);
	node->latency_us = average(node->latency_us, took_us);
	if (node->in_flight_limit < IN_FLIGHT_MAX && ++node->good_in_row >= node->in_flight_limit) {
		node->good_in_row = 0;
		node->in_flight_limit++;
	}
	if (calls > 0 && bytes > 0)
		node->per_block_bytes = average(node->per_block_bytes, (int64_t)(bytes / calls));
	if (node->batch_size >= node->batch_limit || calls < node->batch_size)
		return;
	if (++node->full_batches < node->grow_after)
		return;
	node->full_batches = 0;
	node->refuses_batches = false;
	node->batch_size += 1 + node->batch_size / 8;
	if (node->batch_size > node->batch_limit)
		node->batch_size = node->batch_limit;
}

bool node_shrink_batch(struct node *node)
{
	node->full_batches = 0;
	if (node->batch_size <= 1)
		return false;
	node->batch_size /= 2;
	if (node->grow_after < GROW_AFTER_MAX)
		node->grow_after *= 2;
	return true;
}

int64_t node_failed(struct node *node, int64_t now_ms, int failure, int64_t retry_after_ms)
{
	int64_t delay_ms;

	bool is_waiting = node->failures_in_row > 0 && now_ms < node->ready_at_ms;

	node->failed_count++;
	if (failure == RPC_FAILURE_BATCH && node_shrink_batch(node))
		return 0;
	if (failure == RPC_FAILURE_UNSUPPORTED && !is_waiting &&
	    ++node->unsupported_in_row >= NODE_UNSUPPORTED_LIMIT)
		node_exclude(node, "it does not offer the calls of condenser_api");
	node->failures_in_row++;
	/*
	 * Perhaps it got too many requests at once: allow half of those under way, then slowly
	 * more.
	 */
	if (!is_waiting && node->in_flight > 1)
		node->in_flight_limit = (node->in_flight + 1) / 2;
	node->good_in_row = 0;
	/* Requests that were sent together fail together: this counts as one failure. */
	delay_ms = is_waiting ? 0 : backoff_next_ms(&node->backoff);
	if (failure == RPC_FAILURE_WAIT && delay_ms < BUSY_MIN_MS)
		delay_ms = BUSY_MIN_MS;
	if (retry_after_ms > NODE_RETRY_AFTER_MAX_MS)
		retry_after_ms = NODE_RETRY_AFTER_MAX_MS;
	if (delay_ms < retry_after_ms)
		delay_ms = retry_after_ms;
	if (node->ready_at_ms < now_ms + delay_ms)
		node->ready_at_ms = now_ms + delay_ms;
	return node->ready_at_ms - now_ms;
}

int64_t node_lost(struct node *node, int64_t now_ms)
{
	int64_t delay_ms = backoff_next_ms(&node->away_backoff);

	node->failed_count++;
	node->failures_in_row++;
	/* Perhaps it got too many requests at once. */
	if (!node->is_away && node->in_flight > 1)
		node->in_flight_limit = (node->in_flight + 1) / 2;
	node->good_in_row = 0;
	if (!node->is_away)
		node->away_since_ms = now_ms;
	node->is_away = true;
	node->is_gone = now_ms - node->away_since_ms >= GONE_MS;
	node->ask_head_at_ms = now_ms + delay_ms;
	return delay_ms;
}

bool node_withheld(struct node *node, uint32_t block)
{
	if (block == 0 || block != node->withheld_block)
		node->withheld_in_row++;
	else
		return false; /* the same block again */
	node->withheld_block = block;
	return node->withheld_in_row >= NODE_WITHHELD_LIMIT;
}

void node_claimed_in_vain(struct node *node, int64_t now_ms)
{
	if (node->vain_claims > 0 && now_ms - node->vain_claim_at_ms > FORGIVEN_MS)
		node->vain_claims = 0;
	node->vain_claim_at_ms = now_ms;
	node->doubted_until_ms = now_ms + ((int64_t)DOUBT_MS << node->vain_claims);
	if (node->vain_claims < DOUBT_DOUBLES)
		node->vain_claims++;
}

void node_was_slow(struct node *node, int64_t now_ms)
{
	node_claimed_in_vain(node, now_ms);
	node->slow_until_ms = node->doubted_until_ms;
}

void node_set_head(struct node *node, const struct chain_head *head, int64_t now_ms)
{
	if (head->irreversible_block > node->head.irreversible_block || node->head_at_ms == 0)
		node->moved_at_ms = now_ms;
	node->is_stuck = now_ms - node->moved_at_ms >= STUCK_MS;
	node->is_silent = false;
	node->head = *head;
	node->head_at_ms = now_ms > 0 ? now_ms : 1;
}

void node_gave(struct node *node, uint32_t block)
{
	if (node->proven_block < block)
		node->proven_block = block;
	node->withheld_in_row = 0;
	node->withheld_block = 0;
}

bool node_must_prove(const struct node *node, const struct chain_head *head)
{
	return head->irreversible_block > node->proven_block &&
	       head->irreversible_block - node->proven_block > UNPROVEN_BLOCKS;
}

void node_exclude(struct node *node, const char *because)
{
	node->is_excluded = true;
	snprintf(node->excluded_because, sizeof(node->excluded_because), "%s", because);
}
