/* SPDX-License-Identifier: MIT */
#include "sync/verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "sync/commit.h"
#include "sync/executor.h"
#include "sync/fetched.h"
#include "sync/filter.h"
#include "sync/release_claim.h"
#include "sync/stretch.h"

#define WINDOW_BLOCKS 500
/* After this many lost votes in a window, its blocks are compared one by one. */
#define MAX_LOST_VOTES 3
/*
 * How long a window waits, after the last block that arrived, for blocks that the nodes do not
 * have yet.
 */
#define PATIENCE_MS 30000

enum verify_state {
	VERIFY_IDLE,      /* the next window may begin */
	VERIFY_FETCHING,  /* fetching its blocks, or second opinions on some of them */
	VERIFY_COMPARING, /* comparing them with the rows, in a database thread */
	VERIFY_MENDING,
	VERIFY_RELEASING, /* removing the filled blocks from known_gaps */
};

/* A node that lies does so often. */
static struct log_limit disputed_limit = LOG_LIMIT_INIT(10000);

/* One block of the window: its finding so far, and which nodes agree on the block. */
struct block_check {
	struct audit_finding finding;
	uint64_t asked; /* mask of the nodes that were asked */
	bool is_given;  /* at least one node gave it */
	/* two nodes give the held block, its hashes prove it, or there is no second node */
	bool is_confirmed;
	bool is_exhausted;    /* no other node could be asked */
	struct fetched other; /* another version of the block; its block is NULL if all agree */
	bool is_tried;        /* repairing it was tried */
	bool is_put_to_vote;
	char reason[200]; /* why no node gives it, or why it was not repaired */
};

struct verify {
	struct shared *shared;
	struct range_set left; /* ranges above the window */
	bool is_stopped;
	enum verify_state state;
	uint32_t first; /* of the window */
	uint32_t count;
	struct block_check *checks; /* of the window */
	struct stretch stretch;     /* the blocks of the nodes */
	bool is_bound;              /* bind_window() has finished */
	unsigned lost_votes;        /* in this window */
	bool has_filled;            /* missing blocks of the window are stored now */
	struct claim filled;        /* the window, for release_claim() */
	struct range_set failed;    /* empty; for release_claim() too */
	size_t wanted_count;
	/* when a node last gave a block, or when the first one was requested */
	int64_t given_at_ms;
	struct client_sink sink;
	struct client_sink vote_sink;
	unsigned pool_epoch; /* the epoch of the node masks in the checks */
	struct verify_counts counts;
};

static struct block_check *check_of(struct verify *verify, uint32_t num)
{
	return &verify->checks[num - verify->first];
}

/* Fetching. */

/* Another node gives a held block. The right id alone says nothing about the operations. */
static void take_opinion(struct verify *verify, struct block_check *check, struct fetched *before,
			 struct fetched *held)
{
	struct fetched *other = &check->other;

	if (block_equal(before->block, held->block)) {
		check->is_confirmed = true;
		fetched_release(verify->shared, held);
		return;
	}
	check->is_confirmed = other->block && block_equal(other->block, held->block);
	fetched_release(verify->shared, other);
	*other = *before;
	*before = *held;
}

static void take_block(void *context, struct block *block, unsigned node)
{
	struct verify *verify = context;
	struct block_check *check = check_of(verify, block->num);
	struct fetched *before = stretch_find(&verify->stretch, block->num);
	struct fetched held = fetched_hold(verify->shared, block, node);

	verify->wanted_count--;
	verify->given_at_ms = clock_now_ms();
	check->asked |= UINT64_C(1) << node;
	check->is_given = true;
	if (!before)
		stretch_hold(&verify->stretch, &held);
	else
		take_opinion(verify, check, before, &held);
}

static void take_vouched(void *context, struct block *block, unsigned node)
{
	struct verify *verify = context;

	range_add(&verify->stretch.vouched, block->num, block->num);
	take_block(verify, block, node);
}

static void take_refusal(void *context, uint32_t num, const char *reason)
{
	struct verify *verify = context;
	struct block_check *check = check_of(verify, num);

	verify->wanted_count--;
	if (check->is_put_to_vote)
		verify->lost_votes++;
	check->is_exhausted = true;
	snprintf(check->reason, sizeof(check->reason), "%s", reason);
}

static void want(struct verify *verify, uint32_t first, uint32_t last, uint64_t not_from)
{
	verify->state = VERIFY_FETCHING;
	verify->wanted_count += last - first + 1;
	client_want(verify->shared->client, CLIENT_REPLAY, first, last, not_from, &verify->sink);
}

static void put_to_vote(struct verify *verify, uint32_t num)
{
	verify->state = VERIFY_FETCHING;
	verify->wanted_count++;
	check_of(verify, num)->is_put_to_vote = true;
	client_want(verify->shared->client, CLIENT_REPLAY, num, num, 0, &verify->vote_sink);
}

/*
 * Begin the next window, up to the newest block of the nodes.  False: the nodes do not have its
 * first block yet, so wait.
 */
static bool begin_window(struct verify *verify)
{
	const struct range *range = &verify->left.items[0];
	size_t room = shared_room_blocks(verify->shared);
	uint32_t reachable = shared_reachable_block(verify->shared);
	uint32_t last = min_u32(range->last, reachable);

	if (reachable < range->first)
		return false;
	verify->first = range->first;
	verify->count = last - range->first + 1;
	if (verify->count > WINDOW_BLOCKS || verify->count == 0)
		verify->count = WINDOW_BLOCKS;
	if (verify->count > room)
		verify->count = room > 0 ? (uint32_t)room : 1;
	verify->checks = xcalloc(verify->count, sizeof(*verify->checks));
	range_remove(&verify->left, verify->first, verify->first + verify->count - 1);
	verify->is_bound = false;
	verify->lost_votes = 0;
	if (verify->count > 1)
		want(verify, verify->first, verify->first + verify->count - 2, 0);
	put_to_vote(verify, verify->first + verify->count - 1);
	return true;
}

/* No node has the rest of the blocks: they are not compared. */
static void give_up_rest(struct verify *verify)
{
	char text[200];

	log_warning(
		"nodes_behind",
		"blocks %s could not be compared: the nodes have blocks up to %u now, which is normal for a while after nodes restart; run this again later",
		range_format(&verify->left, text, sizeof(text)),
		shared_reachable_block(verify->shared));
	verify->counts.unknown += range_count_blocks(&verify->left);
	range_set_clear(&verify->left);
}

/* The nodes went back below the window, or the only node that had it was lost. */
static void give_up_wanted(struct verify *verify)
{
	client_drop(verify->shared->client, &verify->sink);
	client_drop(verify->shared->client, &verify->vote_sink);
	verify->wanted_count = 0;
	for (uint32_t i = 0; i < verify->count; i++) {
		struct block_check *check = &verify->checks[i];

		check->is_exhausted = true;
		if (!check->is_given)
			snprintf(check->reason, sizeof(check->reason),
				 "no node has it now, and no node gave any block for %d s",
				 PATIENCE_MS / 1000);
	}
}

/* Binding: which of the held blocks do more than half of the nodes give? */

static void take_unlinked(void *context, uint32_t first, uint32_t last, const char *reason)
{
	struct verify *verify = context;
	struct block_check *check = check_of(verify, last);

	for (uint32_t num = first; num <= last; num++)
		check_of(verify, num)->is_given = false;
	if (!reason) {
		want(verify, first, last, stretch_not_from(&verify->stretch, last));
		return;
	}
	check->is_exhausted = true;
	snprintf(check->reason, sizeof(check->reason), "%s", reason);
	if (first < last)
		want(verify, first, last - 1, 0);
}

static const struct stretch_owner owner = {.unlinked = take_unlinked};

/*
 * Is the content known if the id is right?  Without proof (reader.proof = "off") it is not.  If the JSON
 * does not contain all signed bytes, or virtual operations are wanted, most nodes gave them alike.
 */
static bool is_content_known(const struct block *block)
{
	return block->proof != BLOCK_PROOF_NONE || block->proof_reason;
}

/*
 * Put the highest block of each held stretch to the vote; the blocks below it must be linked to
 * it.  True: blocks were requested, so call it again when they have arrived.
 */
static bool bind_window(struct verify *verify)
{
	struct stretch *stretch = &verify->stretch;
	const struct block *above = NULL; /* the block above, if it is bound itself */

	for (size_t at = stretch->count; at-- > 0;) {
		const struct block *block = stretch->held[at].block;
		struct block_check *check = check_of(verify, block->num);

		if (!stretch_has_next(stretch, at))
			above = NULL;
		if (above && !block_links(block, above)) {
			stretch_refuse(stretch, at);
			return verify->wanted_count > 0 || bind_window(verify);
		}
		if (!above && !range_contains(&stretch->vouched, block->num)) {
			if (check->is_put_to_vote || verify->lost_votes >= MAX_LOST_VOTES)
				continue;
			check->is_given = false;
			put_to_vote(verify, block->num);
			stretch_drop(stretch, at, 1);
			return true;
		}
		above = block;
		check->is_confirmed = check->is_confirmed || is_content_known(block);
	}
	verify->is_bound = true;
	return false;
}

/* Comparing. */

struct compare_job {
	struct job job;
	struct verify *verify;
	struct audit_finding *findings; /* of the window; taken over in the loop thread */
	bool *proved;                   /* of the window, likewise: see is_proved() */
};

/*
 * Do the hashes of this block prove it?  They do if the table contains its id: in its own row
 * (NULL: none), or as the `previous` of the row above.
 */
static bool is_proved(const struct block *block, const struct audit_row *row,
		      const struct audit_row *above)
{
	if (block->proof == BLOCK_PROOF_NONE)
		return false;
	return (row && row->is_irreversible && block_id_equal(row->id, block->id)) ||
	       (above && above->is_irreversible && block_id_equal(above->previous, block->id));
}

/* The row of this block; NULL: none. The search starts at rows[from]. */
static const struct audit_row *row_at(const struct audit_row *rows, size_t count, size_t from,
				      uint32_t num)
{
	while (from < count && rows[from].num < num)
		from++;
	return from < count && rows[from].num == num ? &rows[from] : NULL;
}

static int compare_held(struct db *db, struct compare_job *compare, const struct audit_row *rows,
			size_t row_count, struct error *err)
{
	const struct verify *verify = compare->verify;
	size_t at = 0;

	for (size_t i = 0; i < verify->stretch.count; i++) {
		const struct block *block = verify->stretch.held[i].block;
		uint32_t place = block->num - verify->first;
		const struct audit_row *row;

		while (at < row_count && rows[at].num < block->num)
			at++;
		row = row_at(rows, row_count, at, block->num);
		if (row && audit_check_block(db, row, block, verify->shared->filter_id,
					     verify->shared->config.verify.deep,
					     &compare->findings[place], err) < 0)
			return -1;
		compare->proved[place] =
			is_proved(block, row, row_at(rows, row_count, at, block->num + 1));
	}
	return 0;
}

/* The blocks of the window do not change meanwhile, so the thread may read them. */
static int run_compare(struct db *db, struct job *job, struct error *err)
{
	struct compare_job *compare = (struct compare_job *)job;
	const struct verify *verify = compare->verify;
	uint32_t last = verify->first + verify->count - 1;
	CLEANUP(range_set_release) struct range_set extra = RANGE_SET_INIT;
	struct audit_row *rows;
	size_t count;
	int result;

	if (audit_load_extra(db, verify->first, last, &extra, err) < 0 ||
	    audit_load(db, verify->first, last, &rows, &count, err) < 0)
		return -1;
	for (uint32_t i = 0; i < verify->count; i++) {
		uint32_t num = verify->first + i;

		compare->findings[i] = (struct audit_finding){
			.block = num,
			.last_block = num,
			.kind = range_contains(&extra, num) ? AUDIT_EXTRA : AUDIT_MISSING,
		};
	}
	for (size_t i = 0; i < count; i++)
		audit_check_row(&rows[i], &compare->findings[rows[i].num - verify->first]);
	result = compare_held(db, compare, rows, count, err);
	free(rows);
	return result;
}

static void finish_compare(struct job *job)
{
	struct compare_job *compare = (struct compare_job *)job;
	struct verify *verify = compare->verify;

	verify->state = VERIFY_IDLE;
	if (job->err.kind == ERROR_NONE) {
		for (uint32_t i = 0; i < verify->count; i++) {
			verify->checks[i].finding = compare->findings[i];
			verify->checks[i].is_confirmed |= compare->proved[i];
		}
	} else {
		shared_task_failed(verify->shared, &job->err);
		verify->is_stopped = true;
	}
	shared_progress(verify->shared);
	free(compare->findings);
	free(compare->proved);
	free(compare);
}

static void start_comparing(struct verify *verify)
{
	struct compare_job *compare = xcalloc(1, sizeof(*compare));

	job_init(&compare->job, run_compare, finish_compare, "comparing blocks %u..%u",
		 verify->first, verify->first + verify->count - 1);
	compare->verify = verify;
	compare->findings = xcalloc(verify->count, sizeof(*compare->findings));
	compare->proved = xcalloc(verify->count, sizeof(*compare->proved));
	verify->state = VERIFY_COMPARING;
	executor_task(verify->shared->executor, &compare->job);
}

/* Does the opinion of other nodes matter? */
static bool needs_opinion(const struct verify *verify, const struct block_check *check)
{
	if (!check->is_given || check->is_confirmed || check->is_exhausted)
		return false;
	if (check->other.block)
		return true; /* one of two nodes is wrong */
	switch (check->finding.kind) {
	case AUDIT_NOTHING:
		return false;
	case AUDIT_MISSING:
	case AUDIT_EXTRA:
		/* without repair, the tables alone are enough for this finding */
		return verify->shared->config.verify.repair;
	case AUDIT_PARTIAL:
	case AUDIT_ORPHANED:
	case AUDIT_ALTERED:
		break;
	}
	return true;
}

/*
 * Ask other nodes about all findings, as many blocks at once as there is room for. True: some
 * blocks were requested.
 */
static bool ask_opinions(struct verify *verify)
{
	uint64_t usable = pool_usable(verify->shared->pool);
	size_t room = shared_room_blocks(verify->shared);
	bool asks = false;

	for (uint32_t i = 0; i < verify->count && (!asks || verify->wanted_count < room); i++) {
		struct block_check *check = &verify->checks[i];

		if (!needs_opinion(verify, check))
			continue;
		if ((usable & ~check->asked) == 0) {
			/* there is only one node, so it is believed */
			check->is_exhausted = true;
			check->is_confirmed = pool_count(verify->shared->pool) == 1;
			continue;
		}
		want(verify, verify->first + i, verify->first + i, check->asked);
		asks = true;
	}
	return asks;
}

/* Repairs. */

static void tell(struct verify *verify, const struct block_check *check, bool is_mended)
{
	const struct reader_verify *config = &verify->shared->config.verify;

	config->found(config->context, &check->finding, is_mended, check->reason);
}

/* The window is finished: report it. */
static void end_window(struct verify *verify)
{
	for (uint32_t i = 0; i < verify->count; i++) {
		struct block_check *check = &verify->checks[i];
		bool is_found = check->finding.kind != AUDIT_NOTHING;

		if (check->finding.kind == AUDIT_MISSING || check->finding.kind == AUDIT_EXTRA ||
		    (check->is_given && (!is_found || check->is_confirmed)))
			verify->counts.compared++;
		else
			verify->counts.unknown++;
		if (is_found) {
			verify->counts.found++;
			tell(verify, check, false);
		} else if (!check->is_given) {
			log_warning("block_unverified",
				    "block %u could not be compared, no node gives it: %s",
				    verify->first + i, check->reason);
		} else if (check->other.block) {
			log_limited(
				&disputed_limit, LOG_LEVEL_WARNING, "block_disputed",
				"two nodes give different blocks %u; the stored one is %s",
				verify->first + i,
				check->is_confirmed
					? "right"
					: "that of one of them, and no third node could be asked");
		}
		fetched_release(verify->shared, &check->other);
	}
	stretch_clear(&verify->stretch);
	free(verify->checks);
	verify->checks = NULL;
}

static void note_mended(struct verify *verify, const struct ledger_entry *entry)
{
	struct block_check *check = check_of(verify, entry->block->num);

	if (ledger_is_stored(
		    entry->outcome)) { /* perhaps beside a neighbour that is wrong as well */
		verify->counts.found++;
		verify->counts.mended++;
		if (check->finding.kind == AUDIT_MISSING || check->finding.kind == AUDIT_EXTRA)
			verify->has_filled = true;
		tell(verify, check, true);
		check->finding.kind = AUDIT_NOTHING; /* it is right now */
	} else if (entry->outcome == LEDGER_NO_LINK) {
		snprintf(check->reason, sizeof(check->reason),
			 "it contradicts stored block %u: verify that one too", entry->neighbour);
	} else if (entry->outcome == LEDGER_PENDING) {
		snprintf(check->reason, sizeof(check->reason),
			 "a block beside it could not be mended");
	} else {
		snprintf(check->reason, sizeof(check->reason), "%.190s", entry->problem);
	}
}

static void mending_ended(void *context, struct commit *commit, bool is_done)
{
	struct verify *verify = context;

	for (size_t i = 0; is_done && i < commit->count; i++)
		note_mended(verify, &commit->ledger.entries[i]);
	if (!is_done)
		verify->is_stopped = true;
	verify->state = VERIFY_IDLE;
}

/* A block, with or without a row, is not written if only one node says so. */
static bool is_to_mend(struct verify *verify, const struct fetched *held, bool has_row)
{
	struct block_check *check = check_of(verify, held->block->num);
	enum audit_kind kind = check->finding.kind;

	if (kind == AUDIT_NOTHING || check->is_tried ||
	    has_row != (kind != AUDIT_MISSING && kind != AUDIT_EXTRA))
		return false;
	check->is_tried = true;
	if (!check->is_confirmed)
		snprintf(check->reason, sizeof(check->reason), "%s",
			 check->other.block ? "the nodes give different blocks"
					    : "no second node gives it");
	return check->is_confirmed;
}

/*
 * Start the next commit of repairs, upwards; false: no block of that kind is left.  has_row:
 * blocks whose rows are wrong.  They come first, because the missing ones must link to the rows
 * above.
 */
static bool start_mending(struct verify *verify, bool has_row)
{
	struct stretch *stretch = &verify->stretch;
	struct fetched *mended;
	struct commit_size size = {0};
	size_t count = 0, at = 0;

	if (!verify->shared->config.verify.repair || stretch->count == 0)
		return false;
	mended = xreallocarray(NULL, stretch->count, sizeof(*mended));
	/*
	 * is_to_mend() marks a block as tried, and a tried block must go into the commit.  So check
	 * the room first.
	 */
	while (at < stretch->count && !commit_is_full(verify->shared, &size)) {
		if (is_to_mend(verify, &stretch->held[at], has_row) &&
		    commit_add(verify->shared, &size, stretch->held[at].block)) {
			mended[count++] = stretch->held[at];
			stretch_take_out(stretch, at, 1);
		} else {
			at++;
		}
	}
	if (count > 0) {
		verify->state = VERIFY_MENDING;
		commit_submit(verify->shared, mended, count, LEDGER_REPAIR, mending_ended, verify);
	}
	free(mended);
	return count > 0;
}

/*
 * Remove filled gaps from known_gaps now; otherwise the view `gaps` would show them until the
 * next scan.
 */

static void released(void *context)
{
	((struct verify *)context)->state = VERIFY_IDLE;
}

static void start_releasing(struct verify *verify)
{
	verify->has_filled = false;
	verify->filled =
		(struct claim){.first = verify->first, .last = verify->first + verify->count - 1};
	verify->state = VERIFY_RELEASING;
	release_claim(verify->shared, &verify->filled, &verify->failed, "", released, verify);
}

/* The work of a turn, by state. */

/* The nodes were read again: the masks mean other nodes now. */
static void forget_nodes(struct verify *verify)
{
	verify->pool_epoch = verify->shared->pool_epoch;
	for (uint32_t i = 0; verify->checks && i < verify->count; i++)
		verify->checks[i].asked = 0;
}

/* Blocks are on their way.  When the nodes do not have them any more, they are given up. */
static int64_t wait_for_wanted(struct verify *verify, int64_t now_ms)
{
	int64_t patience_ms = verify->given_at_ms + PATIENCE_MS;

	if (now_ms < patience_ms)
		return patience_ms;
	if (shared_reachable_block(verify->shared) >= verify->first + verify->count - 1)
		return CLOCK_NEVER;
	give_up_wanted(verify);
	return now_ms;
}

static int64_t bind_or_compare(struct verify *verify, int64_t now_ms)
{
	if (!verify->is_bound && bind_window(verify))
		return now_ms;
	start_comparing(verify);
	return CLOCK_NEVER;
}

static int64_t work_on_window(struct verify *verify, int64_t now_ms)
{
	if (ask_opinions(verify))
		return now_ms;
	if (start_mending(verify, true) || start_mending(verify, false))
		return CLOCK_NEVER;
	if (verify->has_filled) {
		start_releasing(verify);
		return CLOCK_NEVER;
	}
	end_window(verify);
	return now_ms;
}

static int64_t begin_in_time(struct verify *verify, int64_t now_ms)
{
	int64_t patience_ms = verify->given_at_ms + PATIENCE_MS;

	if (verify->left.count == 0)
		return CLOCK_NEVER;
	if (begin_window(verify))
		return now_ms;
	if (now_ms < patience_ms)
		return patience_ms;
	give_up_rest(verify);
	return CLOCK_NEVER;
}

/* Public functions. */

struct verify *verify_new(struct shared *shared)
{
	struct verify *verify = xcalloc(1, sizeof(*verify));

	verify->shared = shared;
	stretch_init(&verify->stretch, shared, &owner, verify);
	verify->sink =
		(struct client_sink){.context = verify,
				     .given = take_block,
				     .refused = take_refusal,
				     .is_virtual = shared->config.filter->virtual_operations};
	verify->vote_sink = verify->sink;
	verify->vote_sink.given = take_vouched;
	verify->vote_sink.needs_majority = true;
	return verify;
}

void verify_free(struct verify *verify)
{
	if (!verify)
		return;
	client_drop(verify->shared->client, &verify->sink);
	client_drop(verify->shared->client, &verify->vote_sink);
	stretch_release(&verify->stretch);
	for (uint32_t i = 0; verify->checks && i < verify->count; i++)
		fetched_release(verify->shared, &verify->checks[i].other);
	free(verify->checks);
	range_set_release(&verify->left);
	free(verify);
}

void verify_start(struct verify *verify)
{
	verify->given_at_ms = clock_now_ms();
	range_set_copy(&verify->left, verify->shared->config.verify.ranges);
}

int64_t verify_step(struct verify *verify, int64_t now_ms)
{
	if (verify->pool_epoch != verify->shared->pool_epoch)
		forget_nodes(verify);
	if (verify->state == VERIFY_FETCHING)
		return verify->wanted_count > 0 ? wait_for_wanted(verify, now_ms)
						: bind_or_compare(verify, now_ms);
	if (verify->state != VERIFY_IDLE || verify->is_stopped)
		return CLOCK_NEVER;
	return verify->checks ? work_on_window(verify, now_ms) : begin_in_time(verify, now_ms);
}

bool verify_is_done(const struct verify *verify)
{
	return verify->state == VERIFY_IDLE &&
	       (verify->is_stopped || (verify->left.count == 0 && !verify->checks));
}

void verify_get_counts(const struct verify *verify, struct verify_counts *ret_counts)
{
	*ret_counts = verify->counts;
}

void verify_stop(struct verify *verify)
{
	verify->is_stopped = true;
	if (verify->state == VERIFY_FETCHING) {
		client_drop(verify->shared->client, &verify->sink);
		client_drop(verify->shared->client, &verify->vote_sink);
		verify->wanted_count = 0;
		verify->state = VERIFY_IDLE;
	}
}
