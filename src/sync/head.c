/* SPDX-License-Identifier: MIT */
#include "sync/head.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "sync/commit.h"
#include "sync/pace.h"
#include "sync/signers.h"
#include "sync/stretch.h"

#define MAX_HELD 64
/*
 * After more requests in a row than this without a new block, another node is asked: this one may
 * be stuck.
 */
#define VAIN_LIMIT 3
/* A block is skipped when this many requests for it alone have failed in a row. */
#define FAILED_LIMIT 2
/* The first and the longest rest after blocks that contradict irreversible ones. */
#define REST_BASE_MS 500
#define REST_CAP_MS  60000
/*
 * If too few nodes give a block, they may have it a moment later, so there is another vote.  After
 * this many about blocks that they should have, another node is followed.
 */
#define VOTE_AGAIN_MS  300
#define LOST_VOTES     10
#define HEADS_FRESH_MS 2000
/* If a node is more blocks than this behind the head of most nodes, another one is followed. */
#define LAG_BLOCKS 3
/* The pause after a block that its witness did not sign, or that does not follow the one before. */
#define BEGIN_AGAIN_MS 1000

struct head {
	struct shared *shared;
	bool is_running;
	uint32_t tail_next;     /* the block that the tail waits for */
	uint32_t next;          /* the next block to request; 0: the first one above the tail */
	struct stretch stretch; /* the arrived blocks */
	/* Requests. */
	struct pace pace;
	bool is_asking;
	uint64_t ask_only; /* mask with only the node that is followed; 0: any node may be asked */
	uint64_t not_from; /* mask of the node that was left */
	unsigned pool_epoch;
	bool was_unproved;     /* the request brought block `next`, but nothing proves it */
	uint32_t failed_num;   /* the block whose own request failed last, or brought no proof, */
	unsigned failed_count; /* this often in a row */
	struct client_tip_sink sink;
	/* Votes. */
	unsigned lost_votes; /* in a row */
	int64_t vote_at_ms;  /* when the next one may start */
	/* Forks. */
	uint32_t seen_num; /* the newest block that was given; 0: none */
	uint8_t seen_id[BLOCK_ID_BYTES];
	bool has_forked; /* and the fork was logged; reset when blocks link and are stored again */
	bool is_lost;    /* a block contradicts an irreversible row: begin again above the tail */
	int64_t rest_until_ms;
	struct backoff backoff; /* of rests */
};

/* Forget all blocks: the next request asks for those above the tail. */
static void begin_again(struct head *head)
{
	stretch_drop_from(&head->stretch, 1);
	stretch_end_vote(&head->stretch);
	stretch_forget_signers(&head->stretch);
	head->lost_votes = 0;
	head->next = 0;
	head->seen_num = 0;
	head->is_lost = false;
}

/* Log it once for each fork, not for each of its blocks. */
static void notice_fork(struct head *head, const struct block *block, const char *node,
			uint32_t other_num, const uint8_t other_id[BLOCK_ID_BYTES])
{
	char id[BLOCK_ID_HEX + 1];
	char other[BLOCK_ID_HEX + 1];

	if (head->has_forked)
		return;
	head->has_forked = true;
	log_warning(
		"fork_noticed",
		"block %u (%s) of %s does not share a branch with block %u (%s); the chain decides between them when one becomes irreversible",
		block->num, block_id_format(block->id, id), node, other_num,
		block_id_format(other_id, other));
}

/* Follow another node, if there is one. */
static void leave_node(struct head *head, unsigned node)
{
	head->ask_only = 0;
	head->not_from = UINT64_C(1) << node;
}

/* Arrival of blocks. */

static void take_block(void *context, struct block *block, unsigned node)
{
	struct head *head = context;
	const struct node *source = pool_node(head->shared->pool, node);
	struct fetched held;

	if (!head->is_running || block->num != head->next || head->stretch.count == MAX_HELD) {
		block_free(block);
		return;
	}
	head->pace.got_count++;
	if (head->seen_num + 1 == block->num && !block_id_equal(block->previous, head->seen_id))
		notice_fork(head, block, source->label, head->seen_num, head->seen_id);
	head->next++;
	head->seen_num = block->num;
	memcpy(head->seen_id, block->id, sizeof(head->seen_id));
	/* The tail stores irreversible blocks; but the witnesses that signed them count here. */
	if (block->num <= source->head.irreversible_block && !head->stretch.signers) {
		block_free(block);
		return;
	}
	held = fetched_hold(head->shared, block, node);
	stretch_hold(&head->stretch, &held);
}

/* A request for block `next` alone was in vain. After a few of them, it is left to the tail. */
static void note_in_vain(struct head *head, const char *because)
{
	head->failed_count = head->failed_num == head->next ? head->failed_count + 1 : 1;
	head->failed_num = head->next;
	if (head->failed_count < FAILED_LIMIT)
		return;
	log_debug("block_missing", "block %u: %s; it is left to the tail", head->next, because);
	head->next++;
}

/* All nodes must be asked for such a block.  The tail does that; those above do not wait for it. */
static void take_unproved(void *context, uint32_t num)
{
	struct head *head = context;

	if (!head->is_running || num != head->next)
		return;
	head->was_unproved = true;
	note_in_vain(head, "nothing proves it");
}

static void note_failed(struct head *head, const struct error *err)
{
	if (!pace_failed(&head->pace, rpc_failure_of(err) == RPC_FAILURE_WAIT, clock_now_ms()))
		return;
	/* After ERROR_RETRY, the block may still arrive. */
	if (head->pace.asked_to == head->next && err->kind != ERROR_RETRY)
		note_in_vain(head, err->text);
}

static void take_end(void *context, unsigned node, const struct chain_head *newest,
		     const struct error *err)
{
	struct head *head = context;
	int64_t now_ms = clock_now_ms();

	head->is_asking = false;
	if (!head->is_running)
		return;
	if (err) {
		head->ask_only = 0;
		note_failed(head, err);
		return;
	}
	if (pace_answered(&head->pace, newest->head_block >= head->next, now_ms)) {
		head->ask_only = UINT64_C(1) << node;
		head->not_from = 0;
	} else {
		pace_late(&head->pace, now_ms);
		/* It has the block and does not give it, or it has had nothing new for long. */
		if (newest->head_block >= head->next || head->pace.late_count > VAIN_LIMIT)
			leave_node(head, node);
	}
	if (head->was_unproved || /* another node may give JSON that contains all signed bytes */
	    newest->head_block + LAG_BLOCKS < pool_head(head->shared->pool))
		leave_node(head, node);
}

/* Votes. */

/* The newest held block is not on the branch of most nodes: follow another node than its own. */
static void leave_newest(void *context)
{
	struct head *head = context;
	const struct fetched *newest = stretch_find(&head->stretch, stretch_last(&head->stretch));

	if (newest && fetched_source(head->shared, newest))
		leave_node(head, newest->source);
	begin_again(head);
}

static void take_vouched(void *context)
{
	((struct head *)context)->lost_votes = 0;
}

/* Too few nodes have the block yet, or they are on different branches. */
static void take_division(void *context, uint32_t num, unsigned version_count, const char *reason)
{
	struct head *head = context;

	(void)version_count;
	(void)reason;
	head->vote_at_ms = clock_now_ms() + VOTE_AGAIN_MS;
	if (num > pool_head(head->shared->pool)) { /* the node is just ahead of the others */
		client_poll_heads(head->shared->client, HEADS_FRESH_MS);
		return;
	}
	if (++head->lost_votes < LOST_VOTES)
		return;
	leave_newest(head);
}

/*
 * The newest held block that most nodes have, by the heads that they told; if there is none, the
 * newest one, as they may have it by now.
 */
static const struct fetched *to_be_voted_on(const struct head *head)
{
	const struct stretch *stretch = &head->stretch;
	uint32_t most_have = pool_head(head->shared->pool);

	for (size_t i = stretch->count; i > 0; i--)
		if (stretch_num(stretch, i - 1) <= most_have &&
		    stretch_num(stretch, i - 1) > stretch_vouched_to(stretch))
			return &stretch->held[i - 1];
	return &stretch->held[stretch->count - 1];
}

static int64_t vote_in_time(struct head *head, int64_t now_ms)
{
	if (head->is_lost || !stretch_needs_vote(&head->stretch))
		return CLOCK_NEVER;
	if (now_ms < head->vote_at_ms)
		return head->vote_at_ms;
	stretch_vote(&head->stretch, to_be_voted_on(head));
	return now_ms;
}

/*
 * The newest bound block also binds the blocks below it, as long as each links to the one below.
 * Drop the others: they are below a hole, or on another branch.
 */
static void drop_unlinked(struct head *head)
{
	struct stretch *stretch = &head->stretch;

	for (size_t at = stretch_bound(stretch); at-- > 1;)
		if (!stretch_has_next(stretch, at - 1) ||
		    !block_links(stretch->held[at - 1].block, stretch->held[at].block)) {
			stretch_drop(stretch, 0, at);
			return;
		}
}

/* Drop the blocks that the tail has decided meanwhile, unless they were already judged here. */
static void drop_decided(struct head *head)
{
	struct stretch *stretch = &head->stretch;
	size_t from = 0, to;

	while (from < stretch->count && stretch_num(stretch, from) <= stretch->signed_num)
		from++;
	to = from;
	while (to < stretch->count && stretch_num(stretch, to) < head->tail_next)
		to++;
	stretch_drop(stretch, from, to - from);
}

/* After a pause, everything above the tail is requested again. */
static void take_unsigned(void *context, size_t at, bool is_false)
{
	struct head *head = context;

	if (is_false)
		leave_node(head, head->stretch.held[at].source);
	begin_again(head);
	head->rest_until_ms = clock_now_ms() + BEGIN_AGAIN_MS;
}

/* Commits. */

/*
 * A block contradicts an irreversible row: its node is on another branch (or was, when it gave the
 * block).  The node rests; but if the tail has no other node to ask, only the head does.
 */
static void rest(struct head *head, const struct fetched *held, const struct ledger_entry *entry)
{
	struct node *source = fetched_source(head->shared, held);
	uint64_t itself = UINT64_C(1) << held->source;
	int64_t now_ms = clock_now_ms();
	int64_t node_ms;

	notice_fork(head, held->block, fetched_source_label(head->shared, held), entry->neighbour,
		    entry->stored_id);
	head->is_lost = true;
	head->rest_until_ms = now_ms + backoff_next_ms(&head->backoff);
	if (!source)
		return;
	leave_node(head, held->source);
	if (!(pool_healthy(head->shared->pool, now_ms) & ~itself))
		return;
	head->rest_until_ms = now_ms;
	node_ms = node_failed(source, now_ms, RPC_FAILURE_OTHER_NODE, 0);
	log_warning(
		"node_failed",
		"%s: gives block %u, which contradicts irreversible block %u; asked again in %lld ms, others meanwhile",
		source->label, held->block->num, entry->neighbour, (long long)node_ms);
}

static void take_outcome(struct head *head, const struct fetched *held, struct ledger_entry *entry)
{
	const char *node = fetched_source_label(head->shared, held);

	if (entry->outcome == LEDGER_OTHER_ID) {
		entry->neighbour = entry->block->num;
		if (entry->is_irreversible)
			rest(head, held, entry);
		else
			notice_fork(head, held->block, node, entry->neighbour, entry->stored_id);
	} else if (entry->outcome == LEDGER_NO_LINK) {
		rest(head, held, entry);
	} else if (ledger_is_stored(entry->outcome)) { /* if not, the tail reports why */
		if (entry->outcome == LEDGER_NO_LINK_AFTER || entry->has_forked)
			notice_fork(head, held->block, node, entry->neighbour, entry->stored_id);
		if (entry->outcome != LEDGER_NO_LINK_AFTER)
			backoff_reset(&head->backoff);
	}
}

/* Do all blocks link to each other, and are they in the table?  Then a fork is over. */
static bool is_of_one_branch(const struct commit *commit)
{
	for (size_t i = 0; i < commit->count; i++) {
		const struct ledger_entry *entry = &commit->ledger.entries[i];

		if (!ledger_is_stored(entry->outcome) || entry->outcome == LEDGER_NO_LINK_AFTER ||
		    entry->has_forked)
			return false;
	}
	return true;
}

static void commit_ended(void *context, struct commit *commit, bool is_done)
{
	struct head *head = context;

	if (!is_done || !head->is_running)
		return;
	for (size_t i = 0; i < commit->count; i++)
		take_outcome(head, &commit->held[i], &commit->ledger.entries[i]);
	if (is_of_one_branch(commit))
		head->has_forked = false;
}

static const struct stretch_owner owner = {
	.ended = commit_ended,
	.vouched = take_vouched,
	.outvoted = leave_newest,
	.divided = take_division,
	.not_signed = take_unsigned,
};

/* Returns when to call it again. */
static int64_t commit_held(struct head *head, int64_t now_ms)
{
	int64_t signers_ms;
	size_t good;

	if (head->is_lost)
		return CLOCK_NEVER;
	drop_unlinked(head);
	if (head->stretch.signers)
		drop_decided(head);
	good = stretch_judge(&head->stretch, now_ms, &signers_ms);
	return sooner(signers_ms, stretch_commit(&head->stretch, good, 0, now_ms));
}

/* Requests. */

static bool may_ask(const struct head *head)
{
	uint32_t next = max_u32(head->next, head->tail_next);

	return !head->is_asking && !head->is_lost && head->stretch.count < MAX_HELD / 2 &&
	       next - head->tail_next < HEAD_MAX_AHEAD && shared_room_blocks(head->shared) > 0;
}

static unsigned ask_count(const struct head *head)
{
	struct pool *pool = head->shared->pool;
	uint32_t newest = head->ask_only
				  ? pool_node(pool, (unsigned)__builtin_ctzll(head->ask_only))
					    ->head.head_block
				  : pool_head(pool);
	uint32_t allowed = HEAD_MAX_AHEAD - (head->next - head->tail_next);
	uint32_t room = MAX_HELD - (uint32_t)head->stretch.count;

	return pace_count(head->next, newest,
			  min_u32(head->shared->config.batch_size, min_u32(room, allowed)));
}

static void ask(struct head *head, int64_t now_ms)
{
	struct client *client = head->shared->client;
	uint64_t not_from = head->ask_only ? ~head->ask_only : head->not_from;
	unsigned count;

	head->next = max_u32(head->next, head->tail_next);
	count = pace_is_alone(&head->pace, head->next) ? 1 : ask_count(head);
	head->was_unproved = false;
	head->is_asking =
		client_ask_reversible(client, not_from, head->next, count, &head->sink) ||
		(not_from && client_ask_reversible(client, 0, head->next, count, &head->sink));
	pace_asked(&head->pace, head->is_asking, head->next, count, now_ms);
}

static int64_t ask_in_time(struct head *head, int64_t now_ms)
{
	int64_t ask_at_ms = max_i64(head->pace.ask_at_ms, head->rest_until_ms);

	if (!may_ask(head))
		return CLOCK_NEVER;
	if (now_ms < ask_at_ms)
		return ask_at_ms;
	ask(head, now_ms);
	return now_ms;
}

/* Public functions. */

struct head *head_new(struct shared *shared)
{
	struct head *head = xcalloc(1, sizeof(*head));

	head->shared = shared;
	head->sink = (struct client_tip_sink){
		.context = head, .given = take_block, .done = take_end, .unproved = take_unproved};
	backoff_init(&head->backoff, REST_BASE_MS, REST_CAP_MS);
	stretch_init(&head->stretch, shared, &owner, head);
	head->stretch.is_reversible = true;
	if (shared->lineage)
		head->stretch.signers = signers_new(shared, true);
	return head;
}

void head_free(struct head *head)
{
	if (!head)
		return;
	head_stop(head);
	stretch_release(&head->stretch);
	free(head);
}

void head_start(struct head *head)
{
	if (head->shared->config.follow != READER_FOLLOW_HEAD)
		return;
	head->is_running = true;
	begin_again(head);
	pace_init(&head->pace, clock_now_ms());
}

int64_t head_step(struct head *head, uint32_t tail_next, int64_t now_ms)
{
	int64_t due_ms;

	if (!head->is_running)
		return CLOCK_NEVER;
	head->tail_next = tail_next;
	if (head->pool_epoch != head->shared->pool_epoch) {
		head->pool_epoch = head->shared->pool_epoch;
		head->ask_only = head->not_from = 0;
	}
	if (head->is_lost && !head->is_asking && head->stretch.commit_count == 0)
		begin_again(head);
	due_ms = vote_in_time(head, now_ms);
	due_ms = sooner(due_ms, commit_held(head, now_ms));
	return sooner(due_ms, ask_in_time(head, now_ms));
}

void head_stop(struct head *head)
{
	head->is_running = false;
	begin_again(head);
}

bool head_is_idle(const struct head *head)
{
	return !head->is_running && head->stretch.commit_count == 0;
}
