/* SPDX-License-Identifier: MIT */
#include "sync/stretch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "sync/anchors.h"
#include "sync/commit.h"
#include "sync/executor.h"
#include "sync/lineage.h"
#include "sync/signers.h"

/* After this many versions of a block to which the block above does not link, it is given up. */
#define MAX_VERSIONS 3

/* The versions of a block to which the block above does not link. */
struct refusal {
	uint32_t num;
	unsigned count;   /* how many there were */
	uint64_t sources; /* who gave them: mask of nodes, in the pool of pool_epoch */
	unsigned pool_epoch;
};

void stretch_init(struct stretch *stretch, struct shared *shared, const struct stretch_owner *owner,
		  void *context)
{
	*stretch = (struct stretch){.shared = shared, .owner = owner, .context = context};
}

void stretch_release(struct stretch *stretch)
{
	stretch_end_dispute(stretch);
	stretch_drop(stretch, 0, stretch->count);
	free(stretch->held);
	free(stretch->refusals);
	range_set_release(&stretch->undecided);
	range_set_release(&stretch->vouched);
	signers_free(stretch->signers);
	anchors_free(stretch->anchors);
}

void stretch_clear(struct stretch *stretch)
{
	stretch_drop(stretch, 0, stretch->count);
	range_set_clear(&stretch->vouched);
	stretch->refusal_count = 0;
}

/* The list of held blocks. */

uint32_t stretch_num(const struct stretch *stretch, size_t at)
{
	return stretch->held[at].block->num;
}

uint32_t stretch_last(const struct stretch *stretch)
{
	return stretch->count > 0 ? stretch_num(stretch, stretch->count - 1) : 0;
}

/* The index of the first held block from this number on. */
static size_t find_place(const struct stretch *stretch, uint32_t num)
{
	size_t at = stretch->count;

	while (at > 0 && stretch_num(stretch, at - 1) >= num)
		at--;
	return at;
}

struct fetched *stretch_find(const struct stretch *stretch, uint32_t num)
{
	size_t at = find_place(stretch, num);

	return at < stretch->count && stretch_num(stretch, at) == num ? &stretch->held[at] : NULL;
}

void stretch_hold(struct stretch *stretch, const struct fetched *held)
{
	size_t at = find_place(stretch, held->block->num);

	if (at < stretch->count && stretch_num(stretch, at) == held->block->num) {
		fetched_release(stretch->shared, &stretch->held[at]);
		stretch->held[at] = *held;
		return;
	}
	stretch->held =
		xgrow(stretch->held, stretch->count, &stretch->capacity, sizeof(*stretch->held));
	memmove(&stretch->held[at + 1], &stretch->held[at], (stretch->count - at) * sizeof(*held));
	stretch->held[at] = *held;
	stretch->count++;
}

void stretch_take_out(struct stretch *stretch, size_t from, size_t count)
{
	if (count == 0)
		return;
	memmove(&stretch->held[from], &stretch->held[from + count],
		(stretch->count - from - count) * sizeof(*stretch->held));
	stretch->count -= count;
}

void stretch_drop(struct stretch *stretch, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		fetched_release(stretch->shared, &stretch->held[i]);
	stretch_take_out(stretch, from, count);
}

void stretch_drop_from(struct stretch *stretch, uint32_t num)
{
	size_t at = find_place(stretch, num);

	stretch_drop(stretch, at, stretch->count - at);
	range_remove(&stretch->vouched, num, UINT32_MAX);
	if (num <= stretch->signed_num)
		stretch_forget_signers(stretch);
}

/* Links. */

size_t stretch_eligible(const struct stretch *stretch)
{
	return stretch->undecided.count == 0
		       ? stretch->count
		       : find_place(stretch, range_first(&stretch->undecided));
}

bool stretch_has_next(const struct stretch *stretch, size_t at)
{
	return at + 1 < stretch->count &&
	       stretch_num(stretch, at + 1) == stretch_num(stretch, at) + 1;
}

size_t stretch_bound(const struct stretch *stretch)
{
	size_t count = stretch_eligible(stretch);

	if (stretch->rewrite != LEDGER_KEEP)
		return count;
	while (count > 0 && !range_contains(&stretch->vouched, stretch_num(stretch, count - 1)))
		count--;
	return count;
}

static struct refusal *find_refusal(const struct stretch *stretch, uint32_t num)
{
	for (size_t i = 0; i < stretch->refusal_count; i++)
		if (stretch->refusals[i].num == num)
			return &stretch->refusals[i];
	return NULL;
}

static struct refusal *refusal_of(struct stretch *stretch, uint32_t num)
{
	struct refusal *refusal = find_refusal(stretch, num);

	if (!refusal) {
		stretch->refusals = xgrow(stretch->refusals, stretch->refusal_count,
					  &stretch->refusal_capacity, sizeof(*stretch->refusals));
		refusal = &stretch->refusals[stretch->refusal_count++];
		*refusal = (struct refusal){.num = num};
	}
	if (refusal->pool_epoch != stretch->shared->pool_epoch)
		refusal->sources = 0;
	refusal->pool_epoch = stretch->shared->pool_epoch;
	return refusal;
}

uint64_t stretch_not_from(const struct stretch *stretch, uint32_t num)
{
	const struct refusal *refusal = find_refusal(stretch, num);
	uint64_t healthy = pool_healthy(stretch->shared->pool, clock_now_ms());

	if (!refusal || refusal->pool_epoch != stretch->shared->pool_epoch)
		return 0;
	return healthy & ~refusal->sources ? refusal->sources : 0;
}

/* How far down do the blocks below held[at] come from the same node, and are not vouched? */
static size_t lowest_of_run(const struct stretch *stretch, size_t at)
{
	unsigned source = stretch->held[at].source;

	while (at > 0 && stretch_has_next(stretch, at - 1) &&
	       stretch->held[at - 1].source == source &&
	       !range_contains(&stretch->vouched, stretch_num(stretch, at - 1)))
		at--;
	return at;
}

/* The blocks below that its node gave are probably wrong too: on another branch, or made up. */
void stretch_refuse(struct stretch *stretch, size_t at)
{
	struct shared *shared = stretch->shared;
	size_t lowest = lowest_of_run(stretch, at);
	uint32_t first = stretch_num(stretch, lowest), last = stretch_num(stretch, at);
	unsigned source = stretch->held[at].source;
	struct node *node = fetched_source(shared, &stretch->held[at]);

	log_warning("link_broken",
		    "block %u from %s is not the one that block %u links to; others are asked",
		    last, fetched_source_label(shared, &stretch->held[at]), last + 1);
	if (node)
		(void)node_failed(node, clock_now_ms(), RPC_FAILURE_OTHER_NODE, 0);
	for (uint32_t num = first; num <= last; num++)
		refusal_of(stretch, num)->sources |= node ? UINT64_C(1) << source : 0;
	range_remove(&stretch->vouched, first, last);
	stretch_drop(stretch, lowest, at - lowest + 1);
	stretch->owner->unlinked(
		stretch->context, first, last,
		++refusal_of(stretch, last)->count < MAX_VERSIONS
			? NULL
			: "the block above it links to another one than the nodes give");
}

bool stretch_check_links(struct stretch *stretch)
{
	for (size_t at = stretch_bound(stretch); at-- > 1;) {
		const struct fetched *lower = &stretch->held[at - 1];

		if (!stretch_has_next(stretch, at - 1) ||
		    block_links(lower->block, stretch->held[at].block))
			continue;
		stretch_refuse(stretch, at - 1);
		return false;
	}
	return true;
}

/* Votes. */

uint32_t stretch_vouched_to(const struct stretch *stretch)
{
	return range_last(&stretch->vouched);
}

bool stretch_needs_vote(const struct stretch *stretch)
{
	return stretch->voting_num == 0 && stretch_last(stretch) > stretch_vouched_to(stretch);
}

static void note_vouched(struct stretch *stretch, uint32_t num)
{
	range_add(&stretch->vouched, stretch_vouched_to(stretch) + 1, num);
	stretch->owner->vouched(stretch->context);
}

static void take_winner(void *context, struct block *block, unsigned node)
{
	struct stretch *stretch = context;
	const struct fetched *held = stretch_find(stretch, block->num);

	(void)node;
	stretch->voting_num = 0;
	if (held && block_id_equal(held->block->id, block->id))
		note_vouched(stretch, block->num);
	else if (held)
		stretch->owner->outvoted(stretch->context);
	block_free(block);
}

static void take_division(void *context, uint32_t num, unsigned version_count, const char *reason)
{
	struct stretch *stretch = context;

	stretch->voting_num = 0;
	stretch->owner->divided(stretch->context, num, version_count, reason);
}

static void no_winner(void *context, uint32_t num, const char *reason)
{
	take_division(context, num, 0, reason);
}

void stretch_vote(struct stretch *stretch, const struct fetched *held)
{
	stretch->vote_sink = (struct client_sink){.context = stretch,
						  .needs_majority = true,
						  .is_reversible = stretch->is_reversible,
						  .given = take_winner,
						  .refused = no_winner,
						  .divided = take_division};
	stretch->voting_since_ms = clock_now_ms();
	if (!fetched_source(stretch->shared, held))
		stretch->owner->outvoted(stretch->context);
	else if (client_vote(stretch->shared->client, held->block, held->source,
			     &stretch->vote_sink))
		note_vouched(stretch, held->block->num);
	else
		stretch->voting_num = held->block->num;
}

void stretch_end_vote(struct stretch *stretch)
{
	if (stretch->voting_num > 0)
		client_drop(stretch->shared->client, &stretch->vote_sink);
	stretch->voting_num = 0;
}

/* Signers. */

static struct log_limit denied_limit = LOG_LIMIT_INIT(10000);
static struct log_limit false_limit = LOG_LIMIT_INIT(10000);

void stretch_forget_signers(struct stretch *stretch)
{
	stretch->signed_num = 0;
	if (stretch->signers)
		signers_forget(stretch->signers);
}

/* False: it does not link to the block that was judged before it. */
static bool follows_signed(struct stretch *stretch, const struct block *block)
{
	if (stretch->signed_num == 0)
		return true;
	if (block->num == stretch->signed_num + 1)
		return block_id_equal(block->previous, stretch->signed_id);
	stretch_forget_signers(stretch); /* blocks between them may have changed keys */
	return true;
}

static void tell_denied(const struct stretch *stretch, const struct fetched *held)
{
	if (!stretch->is_reversible) /* about reversible blocks, the tail logs it later */
		log_limited(&denied_limit, LOG_LEVEL_WARNING, "block_disputed",
			    "block %u of %s is %s; both are asked for again, the tail waits",
			    held->block->num, fetched_source_label(stretch->shared, held),
			    signers_reason(stretch->signers));
}

/* The node that gave this block rests. */
static void blame(const struct stretch *stretch, const struct fetched *held)
{
	struct shared *shared = stretch->shared;
	struct node *source = fetched_source(shared, held);

	shared->false_claims++;
	log_limited(&false_limit, LOG_LEVEL_WARNING, "claim_false",
		    "%s gives block %u, %s; it is not stored, the reader waits for the right one",
		    fetched_source_label(shared, held), held->block->num,
		    signers_reason(stretch->signers));
	if (source)
		(void)node_failed(source, clock_now_ms(), RPC_FAILURE_FALSE, 0);
}

/* True: held[at] is good. */
static bool judge(struct stretch *stretch, size_t at)
{
	struct fetched *held = &stretch->held[at];
	bool is_next = stretch->is_reversible || (at == 0 && stretch->commit_count == 0);

	if (!follows_signed(stretch, held->block)) {
		stretch->owner->not_signed(stretch->context, at, false);
		return false;
	}
	switch (signers_judge(stretch->signers, held, stretch->count - at, is_next)) {
	case SIGNER_GOOD:
		stretch->signed_num = held->block->num;
		memcpy(stretch->signed_id, held->block->id, sizeof(stretch->signed_id));
		if (stretch->shared->lineage)
			lineage_add(stretch->shared->lineage, held->block);
		return true;
	case SIGNER_FALSE:
		blame(stretch, held);
		stretch->owner->not_signed(stretch->context, at, true);
		return false;
	case SIGNER_DENIED: /* if the nodes are right, a later block sets their key */
		tell_denied(stretch, held);
		stretch->owner->not_signed(stretch->context, at, false);
		return false;
	case SIGNER_OPEN:
		break;
	}
	return false;
}

size_t stretch_judge(struct stretch *stretch, int64_t now_ms, int64_t *due_ms)
{
	size_t good = 0, bound;

	*due_ms = CLOCK_NEVER;
	bound = stretch_bound(stretch);
	if (stretch->anchors)
		return anchors_count(stretch->anchors, stretch->held, bound);
	if (!stretch->signers)
		return bound;
	while (good < bound && stretch_num(stretch, good) <= stretch->signed_num)
		good++;
	while (good < bound && judge(stretch, good))
		good++;
	if (stretch_bound(stretch) != bound) { /* a block was refused: judge the others again */
		*due_ms = now_ms;
		return 0;
	}
	for (size_t i = good; i < bound; i++)
		signers_expect(stretch->signers, stretch->held[i].block);
	*due_ms = signers_step(stretch->signers, now_ms);
	return good;
}

/* Outcomes. */

static void dispute_ended(void *context, uint32_t num, enum dispute_end end, const char *reason)
{
	struct stretch *stretch = context;

	stretch->dispute = NULL;
	stretch->owner->decided(stretch->context, num, end, reason);
}

/* One dispute at a time: a second block in doubt is fetched and committed again later. */
static void open_dispute(struct stretch *stretch, const struct ledger_entry *entry)
{
	if (stretch->dispute || stretch->is_ending)
		return;
	stretch->is_other_stored = entry->outcome != LEDGER_NO_LINK;
	stretch->dispute = dispute_new(stretch->shared, entry, dispute_ended, stretch);
}

void stretch_end_dispute(struct stretch *stretch)
{
	dispute_free(stretch->dispute);
	stretch->dispute = NULL;
}

/* Were other blocks of this commit not stored, only because a neighbour of theirs was not? */
static bool holds_up_others(const struct commit *commit)
{
	for (size_t i = 0; i < commit->count; i++)
		if (commit->ledger.entries[i].outcome == LEDGER_PENDING)
			return true;
	return false;
}

/*
 * Others of the commit may be right without this block.  So the next commits have one block each,
 * and the dispute begins when this one is refused alone.
 */
static void take_contradiction(struct stretch *stretch, const struct commit *commit,
			       const struct ledger_entry *entry)
{
	if (entry->outcome == LEDGER_NO_LINK && holds_up_others(commit))
		stretch->careful_to = entry->block->num;
	else
		open_dispute(stretch, entry);
}

static void take_outcome(struct stretch *stretch, const struct commit *commit,
			 const struct ledger_entry *entry)
{
	const struct stretch_owner *owner = stretch->owner;
	uint32_t num = entry->block->num;

	if (ledger_is_stored(entry->outcome)) {
		owner->stored(stretch->context, num);
		if (entry->outcome == LEDGER_NO_LINK_AFTER)
			open_dispute(stretch, entry);
	} else if (entry->outcome == LEDGER_UNSTORABLE) {
		log_error("block_unstorable", "%s; the block stays a gap, nothing of it was stored",
			  entry->problem);
		owner->unstorable(stretch->context, num, entry->problem);
	} else { /* it contradicts a stored block, or links to a block that does */
		owner->again(stretch->context, num, num);
		if (entry->outcome != LEDGER_PENDING)
			take_contradiction(stretch, commit, entry);
	}
}

static void commit_ended(void *context, struct commit *commit, bool is_done)
{
	struct stretch *stretch = context;
	const struct stretch_owner *owner = stretch->owner;

	stretch->commit_count--;
	if (commit->ledger.entries[0].block->num == stretch->blocking_num)
		stretch->blocking_num = 0;
	if (owner->ended)
		owner->ended(stretch->context, commit, is_done);
	for (size_t i = 0; is_done && owner->stored && i < commit->count; i++)
		take_outcome(stretch, commit, &commit->ledger.entries[i]);
}

/* Commits. */

/*
 * Is this the lowest block of a missing stretch?  If it contradicts the row below, so do the
 * others.
 */
static bool must_end_first(const struct stretch *stretch, uint32_t num)
{
	if (stretch->rewrite != LEDGER_KEEP)
		return false;
	return !stretch->closed || num <= stretch->careful_to ||
	       !range_contains(stretch->closed, num - 1);
}

/* How many of the good blocks make the next commit. */
static size_t count_next(const struct stretch *stretch, size_t good, bool *ret_is_full)
{
	struct commit_size size = {0};
	size_t count = 0;

	while (count < good && (count == 0 || stretch_num(stretch, 0) > stretch->careful_to) &&
	       commit_add(stretch->shared, &size, stretch->held[count].block))
		count++;
	*ret_is_full = commit_is_full(stretch->shared, &size);
	return count;
}

static void send_commit(struct stretch *stretch, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (must_end_first(stretch, stretch_num(stretch, i)))
			stretch->blocking_num = stretch_num(stretch, 0);
	if (stretch->is_reversible)
		commit_submit_reversible(stretch->shared, stretch->held, count, commit_ended,
					 stretch);
	else
		commit_submit(stretch->shared, stretch->held, count, stretch->rewrite, commit_ended,
			      stretch);
	stretch_take_out(stretch, 0, count);
	stretch->commit_count++;
}

int64_t stretch_commit(struct stretch *stretch, size_t good, int64_t wait_ms, int64_t now_ms)
{
	while (good > 0 && !stretch->dispute && stretch->blocking_num == 0 &&
	       executor_has_room(stretch->shared->executor)) {
		bool is_full;
		size_t count = count_next(stretch, good, &is_full);
		int64_t full_at_ms = stretch->held[0].since_ms + wait_ms;

		if (!is_full && now_ms < full_at_ms)
			return full_at_ms;
		send_commit(stretch, count);
		good -= count;
	}
	return CLOCK_NEVER;
}
