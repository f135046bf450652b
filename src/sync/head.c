/* SPDX-License-Identifier: MIT */
#include "sync/head.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "sync/commit.h"
#include "sync/lineage.h"
#include "sync/pace.h"
#include "sync/signers.h"
#include "sync/writer.h"

#define MAX_HELD 64
/*
 * After this many requests that brought nothing, another node is asked: this one may stand
 * still.
 */
#define VAIN_LIMIT 3
/* A block is skipped when this many requests for it alone have failed in a row. */
#define FAILED_LIMIT 2
/* "Too busy" counts as a failure when a node says it this often in a row. */
#define BUSY_LIMIT 3
/* The first and the longest rest after blocks that contradict irreversible ones. */
#define REST_BASE_MS 500
#define REST_CAP_MS  60000
/*
 * Other nodes may have the block a moment later. After this many lost votes about a block that
 * they should have, another node is followed.
 */
#define VOUCH_AGAIN_MS 300
#define LOST_VOTES     10
#define HEADS_FRESH_MS 2000
/*
 * How many blocks a node may be behind the head of most nodes; if it is further behind, another
 * node is followed.
 */
#define LAG_BLOCKS 3
/*
 * The pause after a block that its witness did not sign, or that is of another branch than those
 * before.
 */
#define BEGIN_AGAIN_MS 1000

struct head {
	struct work *work;
	bool is_running;
	bool is_asking;
	bool is_committing;
	bool is_lost;    /* a block of the commit was refused: begin again above the tail */
	bool has_forked; /* and the fork was logged; reset when blocks link and are stored again */
	uint32_t tail_next;
	uint32_t next;     /* the next block to request; 0: the first one above the tail */
	uint32_t seen_num; /* the newest block that was seen here; 0: none */
	uint8_t seen_id[BLOCK_ID_BYTES];
	struct held held[MAX_HELD]; /* arrived blocks, ascending */
	size_t held_count;
	unsigned got_count; /* how many blocks the request under way brought */
	bool was_unproved;  /* it brought the next block, but nothing proves that block */
	uint32_t asked_to;  /* the last block of the request under way */
	/* up to this block, each is requested alone because a request failed */
	uint32_t alone_to;
	uint32_t failed_num; /* the block whose own request failed last */
	/* how often in a row that failed, or the block was given but not proved */
	unsigned failed_count;
	unsigned busy_count; /* how often in a row a node was too busy */
	int64_t rest_until_ms;
	uint64_t ask_only; /* mask with only the node that is followed; 0: any node may be asked */
	uint64_t not_from; /* mask of the nodes that brought nothing */
	unsigned pool_epoch;
	struct pace pace;
	struct backoff backoff;
	struct client_tip_sink sink;
	/* More than half of the nodes give the blocks up to this one: only these are committed. */
	uint32_t vouched_to;
	uint32_t vouching_num; /* the block that is put to the vote; 0: none */
	unsigned lost_votes;   /* in a row */
	int64_t vouch_at_ms;   /* when the next vote may start */
	struct client_sink vouch_sink;
	struct signers *signers; /* NULL: the signers of blocks are not checked */
	uint32_t signed_num;     /* the newest block that its witness signed; 0: none yet */
	uint8_t signed_id[BLOCK_ID_BYTES];
};

static void drop_held(struct head *head)
{
	for (size_t i = 0; i < head->held_count; i++)
		work_release_block(head->work, &head->held[i]);
	head->held_count = 0;
}

/* The next request asks for all blocks above the tail. */
static void begin_again(struct head *head)
{
	drop_held(head);
	client_drop(head->work->client, &head->vouch_sink);
	head->vouching_num = 0;
	head->vouched_to = 0;
	head->lost_votes = 0;
	head->next = 0;
	head->seen_num = 0;
	head->is_lost = false;
	head->signed_num = 0;
	if (head->signers)
		signers_forget(head->signers);
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
		"block %u (%s) of %s is not of one branch with block %u (%s); which of them is the chain's is settled when it is irreversible",
		block->num, block_id_format(block->id, id), node, other_num,
		block_id_format(other_id, other));
}

/* The node that is followed brings nothing: follow another one, if there is one. */
static void leave_node(struct head *head, unsigned node)
{
	head->ask_only = 0;
	head->not_from = UINT64_C(1) << node;
}

/* Arrival of blocks. */

static void take_block(void *context, struct block *block, unsigned node)
{
	struct head *head = context;
	const struct node *source = pool_node(head->work->pool, node);
	struct held held;

	if (!head->is_running || block->num != head->next || head->held_count == MAX_HELD) {
		block_free(block);
		return;
	}
	head->got_count++;
	if (head->seen_num + 1 == block->num && !block_id_equal(block->previous, head->seen_id))
		notice_fork(head, block, source->label, head->seen_num, head->seen_id);
	head->next++;
	head->seen_num = block->num;
	memcpy(head->seen_id, block->id, sizeof(head->seen_id));
	/* It is left to the tail, unless the tail waits for witnesses that build on it. */
	if (block->num <= source->head.irreversible_block && !head->signers) {
		block_free(block);
		return;
	}
	held = work_hold(head->work, block, node);
	head->held[head->held_count++] = held;
}

/*
 * The request for the next block brought nothing: another node may give it, or it is left to the
 * tail.
 */
static void note_in_vain(struct head *head, const char *because)
{
	head->failed_count = head->failed_num == head->next ? head->failed_count + 1 : 1;
	head->failed_num = head->next;
	if (head->failed_count < FAILED_LIMIT)
		return;
	log_debug("block_missing", "block %u: %s; it is left to the tail", head->next, because);
	head->next++;
}

/*
 * All nodes would have to be asked for this block, which the tail does. The blocks above it need
 * not wait for that.
 */
static void take_unproved(void *context, uint32_t num)
{
	struct head *head = context;

	if (!head->is_running || num != head->next)
		return;
	head->was_unproved = true;
	note_in_vain(head, "nothing proves it");
}

/*
 * One of the blocks may have made the request fail, so each is requested alone.  A block that
 * fails again is left to the tail.
 */
static void note_failed(struct head *head, const struct error *err)
{
	if (rpc_failure_of(err) == RPC_FAILURE_WAIT && ++head->busy_count < BUSY_LIMIT)
		return;
	if (head->asked_to > head->alone_to)
		head->alone_to = head->asked_to;
	if (head->asked_to != head->next || err->kind == ERROR_RETRY) /* the block may still come */
		return;
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
		pace_failed(&head->pace, now_ms);
		return;
	}
	head->busy_count = 0;
	if (head->got_count > 0) {
		head->ask_only = UINT64_C(1) << node;
		head->not_from = 0;
		pace_advanced(&head->pace, now_ms, head->got_count,
			      newest->head_block >= head->next);
	} else {
		pace_late(&head->pace, now_ms);
		/*
		 * The node says that it has a block and does not give it, or it has had nothing
		 * new for long.
		 */
		if (newest->head_block >= head->next || head->pace.late_count > VAIN_LIMIT)
			leave_node(head, node);
	}
	if (head->was_unproved || /* another node may give JSON that contains all signed bytes */
	    newest->head_block + LAG_BLOCKS < pool_head(head->work->pool))
		leave_node(head, node);
}

/* Votes. */

static void take_vouched(void *context, struct block *block, unsigned node)
{
	struct head *head = context;
	const struct held *newest = head->held_count > 0 ? &head->held[head->held_count - 1] : NULL;

	(void)node;
	head->vouching_num = 0;
	head->lost_votes = 0;
	for (size_t i = 0; i < head->held_count; i++)
		if (head->held[i].block->num == block->num &&
		    block_id_equal(head->held[i].block->id, block->id))
			head->vouched_to = block->num;
	/* the node that gave it is on a branch of its own */
	if (newest && head->vouched_to < block->num) {
		leave_node(head, newest->source);
		begin_again(head);
	}
	block_free(block);
}

/* Too few nodes have it yet, or they are on different branches: the tail brings the right block. */
static void no_vouched(void *context, uint32_t num, const char *reason)
{
	struct head *head = context;

	(void)reason;
	head->vouching_num = 0;
	head->vouch_at_ms = clock_now_ms() + VOUCH_AGAIN_MS;
	if (num > pool_head(head->work->pool)) { /* the node is just ahead of the others */
		client_poll_heads(head->work->client, HEADS_FRESH_MS);
		return;
	}
	if (++head->lost_votes < LOST_VOTES)
		return;
	if (head->held_count > 0)
		leave_node(head, head->held[head->held_count - 1].source);
	begin_again(head);
}

static bool may_vouch(const struct head *head)
{
	return head->held_count > 0 && head->vouching_num == 0 && !head->is_lost &&
	       head->held[head->held_count - 1].block->num > head->vouched_to;
}

/*
 * The newest block that most nodes say they have. If there is none, the newest one: they may
 * have it by now.
 */
static const struct held *to_be_vouched(const struct head *head)
{
	uint32_t most_have = pool_head(head->work->pool);

	for (size_t i = head->held_count; i > 0; i--)
		if (head->held[i - 1].block->num <= most_have &&
		    head->held[i - 1].block->num > head->vouched_to)
			return &head->held[i - 1];
	return &head->held[head->held_count - 1];
}

static void vouch(struct head *head)
{
	const struct held *held = to_be_vouched(head);

	if (!work_source(head->work, held)) /* the nodes were read again */
		begin_again(head);
	else if (client_vouch(head->work->client, held->block, held->source, &head->vouch_sink))
		head->vouched_to = held->block->num;
	else
		head->vouching_num = held->block->num;
}

static int64_t vouch_in_time(struct head *head, int64_t now_ms)
{
	if (!may_vouch(head))
		return CLOCK_NEVER;
	if (now_ms < head->vouch_at_ms)
		return head->vouch_at_ms;
	vouch(head);
	return now_ms;
}

/* What is held below another branch than the newest block's is bound to nothing. */
static void drop_unlinked(struct head *head)
{
	size_t first = 0;

	for (size_t i = 1; i < head->held_count && head->held[i].block->num <= head->vouched_to;
	     i++)
		if (head->held[i].block->num != head->held[i - 1].block->num + 1 ||
		    !block_links(head->held[i - 1].block, head->held[i].block))
			first = i;
	for (size_t i = 0; i < first; i++)
		work_release_block(head->work, &head->held[i]);
	head->held_count -= first;
	memmove(head->held, head->held + first, head->held_count * sizeof(head->held[0]));
}

/* Signers. */

/*
 * Drop the blocks that the tail has decided meanwhile. They may have changed keys, and are not
 * judged here.
 */
static void drop_decided(struct head *head)
{
	size_t count = 0;

	while (count < head->held_count && head->held[count].block->num > head->signed_num &&
	       head->held[count].block->num < head->tail_next)
		work_release_block(head->work, &head->held[count++]);
	head->held_count -= count;
	memmove(head->held, head->held + count, head->held_count * sizeof(head->held[0]));
}

/* After a pause, everything above the tail is requested again. */
static void refuse(struct head *head)
{
	begin_again(head);
	head->rest_until_ms = clock_now_ms() + BEGIN_AGAIN_MS;
}

/* False: it does not follow the last judged block of the branch. */
static bool is_judged_next(struct head *head, const struct block *block)
{
	if (head->signed_num == 0)
		return true;
	if (block->num == head->signed_num + 1)
		return block_id_equal(block->previous, head->signed_id);
	signers_forget(head->signers); /* keys may have changed in between */
	head->signed_num = 0;
	return true;
}

static void take_signed(struct head *head, const struct block *block)
{
	head->signed_num = block->num;
	memcpy(head->signed_id, block->id, sizeof(head->signed_id));
	lineage_add(head->work->lineage, block);
}

/* True: held[i] is good. */
static bool judge(struct head *head, size_t i)
{
	struct held *held = &head->held[i];
	char reason[300] = "";

	if (!is_judged_next(head, held->block)) {
		refuse(head);
		return false;
	}
	switch (signers_judge(head->signers, head->held, head->held_count, i, true, reason,
			      sizeof(reason))) {
	case SIGNER_GOOD:
		take_signed(head, held->block);
		return true;
	case SIGNER_FALSE:
		signers_blame(head->work, held, reason);
		leave_node(head, held->source);
		refuse(head);
		return false;
	case SIGNER_DENIED: /* if the new key is right, a later block sets it */
		refuse(head);
		return false;
	case SIGNER_OPEN:
		break;
	}
	return false;
}

/* Of the blocks that most nodes give, in chain order.  Returns when to call it again. */
static int64_t check_signers(struct head *head, int64_t now_ms)
{
	size_t next = 0;

	drop_decided(head);
	drop_unlinked(head);
	while (next < head->held_count && head->held[next].block->num <= head->signed_num)
		next++;
	while (next < head->held_count && head->held[next].block->num <= head->vouched_to &&
	       judge(head, next))
		next++;
	/* After judge(), because judge() may forget the signers that were expected. */
	for (size_t i = next; i < head->held_count && head->held[i].block->num <= head->vouched_to;
	     i++)
		signers_expect(head->signers, head->held[i].block);
	return signers_step(head->signers, now_ms);
}

/* The held blocks up to this one may be committed. */
static uint32_t good_to(const struct head *head)
{
	return head->signers && head->signed_num < head->vouched_to ? head->signed_num
								    : head->vouched_to;
}

/* Commits. */

/*
 * A block contradicts an irreversible one: its node is on another branch (or was, when it gave
 * the block).  The node rests, unless it is the only one that the tail could ask.
 */
static void rest(struct head *head, const struct held *held, const struct ledger_entry *entry)
{
	struct node *source = work_source(head->work, held);
	int64_t now_ms = clock_now_ms();
	int64_t rest_ms = backoff_next_ms(&head->backoff);

	notice_fork(head, held->block, work_source_label(head->work, held), entry->neighbour,
		    entry->stored_id);
	if (source) {
		uint64_t itself = UINT64_C(1) << held->source;

		if (pool_healthy(head->work->pool, now_ms) & ~itself) {
			int64_t node_ms = node_failed(source, now_ms, RPC_FAILURE_OTHER_NODE, 0);

			log_warning(
				"node_failed",
				"%s: gives block %u, which contradicts irreversible block %u; asked again in %lld ms, others meanwhile",
				source->label, held->block->num, entry->neighbour,
				(long long)node_ms);
			rest_ms = 0;
		}
		leave_node(head, held->source);
	}
	head->is_lost = true;
	head->rest_until_ms = now_ms + rest_ms;
}

static void take_outcome(struct head *head, const struct held *held, struct ledger_entry *entry)
{
	const char *node = work_source_label(head->work, held);

	switch (entry->outcome) {
	case LEDGER_NO_LINK:
		rest(head, held, entry);
		return;
	case LEDGER_OTHER_ID:
		if (entry->is_settled) {
			entry->neighbour = entry->block->num;
			rest(head, held, entry);
			return;
		}
		notice_fork(head, held->block, node, entry->block->num, entry->stored_id);
		return;
	case LEDGER_NO_LINK_AFTER:
		notice_fork(head, held->block, node, entry->neighbour, entry->stored_id);
		return;
	case LEDGER_STORED:
	case LEDGER_PRESENT:
		backoff_reset(&head->backoff);
		if (entry->has_forked)
			notice_fork(head, held->block, node, entry->neighbour, entry->stored_id);
		return;
	case LEDGER_PENDING:
	case LEDGER_UNSTORABLE: /* the tail reports why */
	case LEDGER_CONFIRMED:
	case LEDGER_REPLACED:
	case LEDGER_REWRITTEN:
		return;
	}
}

/*
 * Do the blocks link to each other, and are all of them in the table? Then the fork is over
 * here.
 */
static bool is_of_one_branch(const struct commit *commit)
{
	for (size_t i = 0; i < commit->count; i++) {
		const struct ledger_entry *entry = &commit->ledger.entries[i];

		if ((entry->outcome != LEDGER_STORED && entry->outcome != LEDGER_PRESENT) ||
		    entry->has_forked)
			return false;
	}
	return true;
}

static void commit_ended(void *context, struct commit *commit, bool is_done)
{
	struct head *head = context;

	head->is_committing = false;
	if (!is_done || !head->is_running)
		return;
	for (size_t i = 0; i < commit->count; i++)
		take_outcome(head, &commit->held[i], &commit->ledger.entries[i]);
	if (is_of_one_branch(commit))
		head->has_forked = false;
}

static void commit_held(struct head *head)
{
	struct commit_size size = {0};
	size_t count = 0;

	if (!head->signers)
		drop_unlinked(head);
	while (count < head->held_count && head->held[count].block->num <= good_to(head) &&
	       commit_add(head->work, &size, head->held[count].block))
		count++;
	head->is_committing = true;
	commit_submit_reversible(head->work, head->held, count, commit_ended, head);
	head->held_count -= count;
	memmove(head->held, head->held + count, head->held_count * sizeof(head->held[0]));
}

/* Requests. */

static bool may_ask(const struct head *head)
{
	uint32_t next = head->next > head->tail_next ? head->next : head->tail_next;

	return !head->is_asking && !head->is_lost && head->held_count < MAX_HELD / 2 &&
	       next - head->tail_next < HEAD_MAX_AHEAD && work_room_blocks(head->work) > 0;
}

static int64_t ask_at_ms(const struct head *head)
{
	return head->pace.ask_at_ms > head->rest_until_ms ? head->pace.ask_at_ms
							  : head->rest_until_ms;
}

static unsigned ask_count(const struct head *head)
{
	struct pool *pool = head->work->pool;
	uint32_t newest = head->ask_only
				  ? pool_node(pool, (unsigned)__builtin_ctzll(head->ask_only))
					    ->head.head_block
				  : pool_head(pool);
	uint32_t count = newest > head->next ? newest - head->next + 1 : 1;
	uint32_t allowed = HEAD_MAX_AHEAD - (head->next - head->tail_next);
	uint32_t room = MAX_HELD - (uint32_t)head->held_count;

	if (count > head->work->config.batch_size)
		count = head->work->config.batch_size;
	if (count > room)
		count = room;
	return count < allowed ? count : allowed;
}

static void ask(struct head *head)
{
	struct client *client = head->work->client;
	uint64_t not_from = head->ask_only ? ~head->ask_only : head->not_from;
	unsigned count;

	if (head->next < head->tail_next)
		head->next = head->tail_next;
	count = head->next <= head->alone_to ? 1 : ask_count(head);
	head->asked_to = head->next + count - 1;
	head->got_count = 0;
	head->was_unproved = false;
	head->is_asking =
		client_ask_reversible(client, not_from, head->next, count, &head->sink) ||
		(not_from && client_ask_reversible(client, 0, head->next, count, &head->sink));
	if (head->is_asking)
		pace_asked(&head->pace, clock_now_ms());
	else
		pace_failed(&head->pace, clock_now_ms());
}

static int64_t ask_in_time(struct head *head, int64_t now_ms)
{
	if (!may_ask(head))
		return CLOCK_NEVER;
	if (now_ms < ask_at_ms(head))
		return ask_at_ms(head);
	ask(head);
	return now_ms;
}

/* The public side. */

struct head *head_new(struct work *work)
{
	struct head *head = xcalloc(1, sizeof(*head));

	head->work = work;
	head->sink = (struct client_tip_sink){
		.context = head, .given = take_block, .done = take_end, .unproved = take_unproved};
	head->vouch_sink = (struct client_sink){.context = head,
						.needs_majority = true,
						.is_reversible = true,
						.given = take_vouched,
						.refused = no_vouched};
	backoff_init(&head->backoff, REST_BASE_MS, REST_CAP_MS);
	if (work->lineage)
		head->signers = signers_new(work, true);
	return head;
}

void head_free(struct head *head)
{
	if (!head)
		return;
	head_stop(head);
	signers_free(head->signers);
	free(head);
}

void head_start(struct head *head)
{
	if (head->work->config.follow != READER_FOLLOW_HEAD)
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
	if (head->pool_epoch != head->work->pool_epoch) {
		head->pool_epoch = head->work->pool_epoch;
		head->ask_only = head->not_from = 0;
	}
	if (head->is_lost && !head->is_asking && !head->is_committing)
		begin_again(head);
	due_ms = vouch_in_time(head, now_ms);
	if (head->signers)
		due_ms = sooner(due_ms, check_signers(head, now_ms));
	if (head->held_count > 0 && head->held[0].block->num <= good_to(head) &&
	    !head->is_committing && !head->is_lost && writer_has_room(head->work->writer))
		commit_held(head);
	return sooner(due_ms, ask_in_time(head, now_ms));
}

void head_stop(struct head *head)
{
	head->is_running = false;
	begin_again(head);
}

bool head_is_idle(const struct head *head)
{
	return !head->is_running && !head->is_committing;
}
