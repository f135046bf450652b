/* SPDX-License-Identifier: MIT */
#include "sync/chain_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "sync/ballot.h"
#include "sync/executor.h"

#define AGAIN_MS 5000 /* for nodes on trial that did not give the block they were asked for */

struct chain_check {
	struct shared *shared;
	void (*done)(void *context);
	void *context;
	uint32_t newest_at_start;
	uint32_t irreversible_at_start;
	bool is_running;
	bool is_start; /* the comparison under way is that of the start */
	bool is_postponed;
	int64_t again_at_ms;
	uint64_t subjects;          /* mask of the nodes to be compared */
	struct stored_block newest; /* num 0: nothing is stored */
	struct stored_block oldest;
	struct stored_block pin; /* the configured block, while nothing is stored */
	/* The block with which the nodes are compared, one after the other. */
	const struct stored_block *compared; /* NULL: the nodes are compared with each other */
	uint32_t compared_num;
	struct client_sink sink;
	unsigned node;
	struct ballot ballot; /* of that block */
	struct ballot newest_ballot;
	uint64_t known; /* mask of the nodes whose id of the block is known */
	uint8_t ids[POOL_MAX_NODES][BLOCK_ID_BYTES];
};

struct find_job {
	struct job job;
	struct chain_check *check;
	unsigned pool_epoch;
	uint32_t limit;
	struct stored_block newest; /* what the thread found */
	struct stored_block oldest;
	uint32_t irreversible;
};

static void compare_next(struct chain_check *check);

static struct node *node_at(const struct chain_check *check, unsigned index)
{
	return pool_node(check->shared->pool, index);
}

static void begin(struct chain_check *check, const struct stored_block *stored, uint64_t subjects)
{
	check->compared = stored;
	check->compared_num = stored->num;
	check->subjects = subjects;
	check->node = 0;
	check->ballot = (struct ballot){.agreeing = 0};
	compare_next(check);
}

/* End of a comparison. */

/* A node that has not answered yet may answer later: it is compared then. */
static void try_the_silent(struct chain_check *check)
{
	for (unsigned i = 0; i < pool_count(check->shared->pool); i++)
		if (node_at(check, i)->head_at_ms == 0)
			node_at(check, i)->is_on_trial = true;
}

static void finish(struct chain_check *check)
{
	check->is_running = false;
	check->again_at_ms = clock_now_ms() + AGAIN_MS;
	if (!check->is_start)
		return;
	try_the_silent(check);
	check->done(check->context);
}

static void exclude(struct chain_check *check, uint64_t nodes)
{
	for (unsigned i = 0; i < pool_count(check->shared->pool); i++) {
		struct node *node = node_at(check, i);
		char because[120];

		if (!(nodes >> i & 1))
			continue;
		snprintf(because, sizeof(because), "it gives another block %u than the others",
			 check->compared_num);
		node_exclude(node, because);
		log_warning(
			"node_excluded",
			"%s gives another block %u than the others: it serves another chain and is not asked again",
			node->label, check->compared_num);
	}
}

/* Is there a node that was compared before and not put on trial? */
static bool has_trusted(const struct chain_check *check)
{
	for (unsigned i = 0; i < pool_count(check->shared->pool); i++)
		if (!node_at(check, i)->is_on_trial && !node_at(check, i)->is_excluded)
			return true;
	return false;
}

/*
 * No node gives the block, so the comparison ends without a result. whose: says in the message
 * which nodes were asked.
 */
static void end_unchecked(struct chain_check *check, const char *whose, uint32_t num)
{
	for (unsigned i = 0; i < pool_count(check->shared->pool); i++)
		if (check->subjects >> i & 1)
			ballot_clear(node_at(check, i));
	log_warning(
		"chain_unchecked",
		"no node%s gives block %u, so the chain could not be compared with the stored one; links are checked at each commit",
		whose, num);
	finish(check);
}

/* Is there a node that answers but did not have the block? */
static bool has_undecided(const struct chain_check *check)
{
	uint64_t rest = pool_usable(check->shared->pool) & ~check->newest_ballot.differing;

	for (unsigned i = 0; i < pool_count(check->shared->pool); i++)
		if ((rest >> i & 1) && node_at(check, i)->head.irreversible_block > 0)
			return true;
	return false;
}

/* This includes nodes that are excluded for now: they may be the right ones, and come back. */
static uint64_t all_nodes(const struct chain_check *check)
{
	size_t count = pool_count(check->shared->pool);

	return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* The table differs from most nodes: use these nodes all the same. */
static void doubt_table(struct chain_check *check)
{
	for (unsigned i = 0; i < pool_count(check->shared->pool); i++)
		if (check->newest_ballot.deniers >> i & 1)
			ballot_clear(node_at(check, i));
	ballot_tell_orphan(&check->newest_ballot, check->shared->pool, &check->newest);
}

static void end_on_other_chain(struct chain_check *check)
{
	struct error err = ERROR_INIT;

	if (all_nodes(check) & ~check->newest_ballot.differing)
		/*
		 * These nodes may be wrong, and nodes that could not be asked may be right: a
		 * restart asks again.
		 */
		(void)error_set(
			&err, ERROR_NODE,
			"the nodes that answer serve another chain than the database holds (they differ at block %u), and the others could not be asked; check nodes and database.name",
			check->compared_num);
	else
		(void)error_set(
			&err, ERROR_CONFIG,
			"the database holds another chain than the nodes serve (they differ at block %u); check nodes and database.name",
			check->compared_num);
	shared_end(check->shared, &err);
}

/*
 * Most nodes differ at the oldest stored block too, but another node gives the stored blocks: perhaps
 * it lied when it was the only one, and all rows are its own.  Neither is most of the nodes shut out
 * for that, nor is another chain stored above these rows.
 */
static void end_on_chain_of_few(struct chain_check *check)
{
	struct error err = ERROR_INIT;

	(void)error_set(
		&err, ERROR_CONFIG,
		"the database holds another chain than most of the nodes serve (they differ at block %u, the oldest stored one), although some node gives its blocks; if that node lied, take it out and remove the blocks (steem-reader --rewind %u); else check nodes and database.name",
		check->oldest.num, check->oldest.num - 1);
	shared_end(check->shared, &err);
}

/*
 * Nodes of this chain give another newest block, and no node gives the stored one. The nodes may
 * be wrong.
 */
static void end_on_branch(struct chain_check *check, uint64_t branch)
{
	struct error err = ERROR_INIT;

	if (!check->is_start) {
		ballot_deny(&check->newest_ballot, branch, check->shared, &check->newest);
		finish(check);
		return;
	}
	(void)error_set(
		&err, ERROR_NODE,
		"the nodes that answer give another block %u than the stored one, and the other nodes, which may be right, could not be asked; they are asked again after a restart",
		check->newest.num);
	shared_end(check->shared, &err);
}

/*
 * Everything that can be known is known.  strangers: nodes that serve another chain; branch:
 * nodes of this chain that give another newest block.
 */
static void judge(struct chain_check *check, uint64_t strangers, uint64_t branch)
{
	const struct ballot *newest = &check->newest_ballot;
	bool is_trusted = newest->agreeing || (!check->is_start && has_trusted(check));

	if (!newest->agreeing && !newest->differing) {
		if (is_trusted)
			finish(check);
		/* at least one node must answer */
		else
			end_unchecked(check, "", check->compared_num);
	} else if (branch && ballot_is_against(newest, check->shared->pool) &&
		   !(newest->deniers & strangers)) {
		exclude(check, strangers);
		doubt_table(check);
		finish(check);
	} else if (is_trusted && ballot_is_against(newest, check->shared->pool)) {
		end_on_chain_of_few(check);
	} else if (is_trusted) {
		exclude(check, strangers);
		ballot_deny(newest, branch, check->shared, &check->newest);
		finish(check);
	} else if (branch) {
		exclude(check, strangers);
		end_on_branch(check, branch);
	} else if (has_undecided(check)) {
		exclude(check, strangers);
		end_unchecked(check, " that is left", check->newest.num);
	} else {
		end_on_other_chain(check);
	}
}

static void compare_nodes(struct chain_check *check);

/* Nothing is stored yet: exclude the nodes that serve another chain than the configured one. */
static void end_pin(struct chain_check *check)
{
	struct error err = ERROR_INIT;

	if (!check->ballot.agreeing && check->ballot.differing) {
		(void)error_set(
			&err,
			all_nodes(check) & ~check->ballot.differing ? ERROR_NODE : ERROR_CONFIG,
			"the nodes serve another chain than the one of reader.chain and reader.checkpoint: they give another block %u; check nodes and reader.checkpoint",
			check->pin.num);
		shared_end(check->shared, &err);
		return;
	}
	if (!check->ballot.agreeing)
		log_warning(
			"chain_unchecked",
			"no node gives block %u, so it is not known whether they serve the chain of reader.chain and reader.checkpoint",
			check->pin.num);
	exclude(check, check->ballot.differing);
	compare_nodes(check);
}

/*
 * Some nodes give another newest block: do they serve another chain, or is one of the two newest
 * blocks wrong?
 */
static void end_comparison(struct chain_check *check)
{
	const struct ballot *ballot = &check->ballot;
	uint64_t differing;

	if (check->compared == &check->pin) {
		end_pin(check);
		return;
	}
	if (check->compared == &check->newest)
		check->newest_ballot = *ballot;
	differing = check->newest_ballot.differing;
	if (check->compared == &check->oldest)
		judge(check, ballot->differing, differing & ~ballot->differing);
	else if (differing && check->oldest.num < check->newest.num)
		begin(check, &check->oldest, differing);
	else
		judge(check, differing, 0);
}

/* How many nodes gave the same block as this one? */
static unsigned count_votes(const struct chain_check *check, unsigned node)
{
	unsigned votes = 0;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((check->known >> i & 1) && block_id_equal(check->ids[i], check->ids[node]))
			votes++;
	return votes;
}

/* Nothing is stored yet: take the chain that most nodes serve. */
static void end_vote(struct chain_check *check)
{
	struct error err = ERROR_INIT;
	uint64_t others = 0;
	unsigned most = 0;
	unsigned winner = 0;
	bool is_tie = false;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++) {
		unsigned votes = check->known >> i & 1 ? count_votes(check, i) : 0;

		if (votes == 0 ||
		    (votes == most && block_id_equal(check->ids[i], check->ids[winner])))
			continue;
		is_tie = votes == most || (is_tie && votes < most);
		if (votes > most)
			winner = i;
		most = votes > most ? votes : most;
	}
	if (is_tie) {
		(void)error_set(
			&err, ERROR_NODE,
			"the nodes serve different chains (they differ at block %u), and the database is empty, so the reader cannot tell which is the right one; remove the wrong nodes from the configuration, or add one more that serves the right chain",
			check->compared_num);
		shared_end(check->shared, &err);
		return;
	}
	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((check->known >> i & 1) && !block_id_equal(check->ids[i], check->ids[winner]))
			others |= UINT64_C(1) << i;
	exclude(check, others);
	finish(check);
}

/* Requests. */

/* Ask the next node, and only this one. */
static void compare_next(struct chain_check *check)
{
	unsigned count = (unsigned)pool_count(check->shared->pool);

	while (check->node < count &&
	       (!(check->subjects >> check->node & 1) ||
		node_at(check, check->node)->head.irreversible_block < check->compared_num))
		check->node++;
	if (check->node < count)
		client_want(check->shared->client, CLIENT_TAIL, check->compared_num,
			    check->compared_num, ~(UINT64_C(1) << check->node), &check->sink);
	else if (check->compared)
		end_comparison(check);
	else
		end_vote(check);
}

static void take_compared(void *context, struct block *block, unsigned node)
{
	struct chain_check *check = context;

	check->known |= UINT64_C(1) << node;
	memcpy(check->ids[node], block->id, BLOCK_ID_BYTES);
	if (check->compared) {
		bool is_stored = block_id_equal(block->id, check->compared->id);

		ballot_add(&check->ballot, node, block->id, is_stored);
		if (is_stored) /* do not wait for the others */
			ballot_clear(node_at(check, node));
	}
	block_free(block);
	check->node++;
	compare_next(check);
}

static void no_compared(void *context, uint32_t num, const char *reason)
{
	struct chain_check *check = context;

	(void)num;
	(void)reason;
	check->node++;
	compare_next(check);
}

/* Start of a comparison. */

/* Compare the nodes with each other, at a block that all of them call irreversible. */
static void compare_nodes(struct chain_check *check)
{
	check->compared = NULL;
	check->compared_num = UINT32_MAX;
	check->node = 0;
	check->known = 0;
	for (unsigned i = 0; i < pool_count(check->shared->pool); i++) {
		uint32_t block = node_at(check, i)->head.irreversible_block;

		if (!node_at(check, i)->is_excluded && block > 0 && block < check->compared_num)
			check->compared_num = block;
	}
	compare_next(check);
}

static int run_find(struct db *db, struct job *job, struct error *err)
{
	struct find_job *find = (struct find_job *)job;
	struct stored_block last = {.num = 0}; /* it may be above the newest block of the nodes */
	bool is_found;

	find->newest = (struct stored_block){.num = 0};
	find->oldest = (struct stored_block){.num = 0};
	if (ledger_newest(db, find->limit, &find->newest, &is_found, err) < 0 ||
	    ledger_newest(db, UINT32_MAX, &last, &is_found, err) < 0 ||
	    reader_rows_irreversible(db, &find->irreversible, err) < 0)
		return -1;
	if (find->irreversible < last.num)
		find->irreversible = last.num;
	return ledger_oldest(db, &find->oldest, &is_found, err);
}

static void note_start(struct chain_check *check, const struct find_job *find)
{
	shared_note_stored(check->shared, find->newest.num, find->newest.timestamp_s);
	check->newest_at_start = find->newest.num;
	check->irreversible_at_start = max_u32(find->irreversible, find->limit);
}

static struct log_limit postponed_limit = LOG_LIMIT_INIT(10000);

static void postpone(struct chain_check *check)
{
	log_limited(
		&postponed_limit, LOG_LEVEL_WARNING, "vote_pending",
		"nothing is stored yet, and fewer than half of the nodes answer: the reader waits until more do, or have been away for 30 s");
	check->is_postponed = true;
	check->is_running = false;
	check->done(check->context);
}

static void take_found(struct chain_check *check, const struct find_job *find)
{
	check->newest = find->newest;
	check->oldest = find->oldest;
	if (check->is_start)
		note_start(check, find);
	if (check->is_start && check->newest.num == 0 && !pool_half_answers(check->shared->pool)) {
		postpone(check);
		return;
	}
	if (check->newest.num > 0) {
		begin(check, &check->newest, check->subjects);
	} else if (check->is_start && check->pin.num > 0) {
		begin(check, &check->pin, check->subjects);
	} else if (check->is_start) {
		compare_nodes(check);
	} else {
		end_unchecked(check, "", find->limit);
	}
}

static void finish_find(struct job *job)
{
	struct find_job *find = (struct find_job *)job;
	struct chain_check *check = find->check;

	if (find->pool_epoch == check->shared->pool_epoch) {
		if (job->err.kind == ERROR_NONE)
			take_found(check, find);
		else
			shared_end(check->shared, &job->err);
	}
	free(find);
}

/* Find what is stored up to `limit`, then compare the nodes with it. */
static void find_stored(struct chain_check *check, uint64_t subjects, uint32_t limit)
{
	struct find_job *find = xcalloc(1, sizeof(*find));

	check->is_running = true;
	check->subjects = subjects;
	job_init(&find->job, run_find, finish_find, "looking for the newest stored block");
	find->check = check;
	find->pool_epoch = check->shared->pool_epoch;
	find->limit = limit;
	executor_task(check->shared->executor, &find->job);
}

/* Did the reader use this node before? */
static bool is_known(struct pool *old, const struct node *node)
{
	for (unsigned i = 0; i < pool_count(old); i++) {
		const struct node *known = pool_node(old, i);

		if (strcmp(known->url, node->url) == 0)
			return !known->is_excluded && !known->is_on_trial;
	}
	return false;
}

/* Public functions. */

struct chain_check *chain_check_new(struct shared *shared, void (*done)(void *context),
				    void *context)
{
	struct chain_check *check = xcalloc(1, sizeof(*check));

	check->shared = shared;
	check->done = done;
	check->pin.num = shared->config.pin.num;
	memcpy(check->pin.id, shared->config.pin.id, BLOCK_ID_BYTES);
	check->context = context;
	check->sink = (struct client_sink){
		.context = check, .given = take_compared, .refused = no_compared};
	return check;
}

void chain_check_free(struct chain_check *check)
{
	if (!check)
		return;
	client_drop(check->shared->client, &check->sink);
	free(check);
}

void chain_check_start(struct chain_check *check)
{
	check->is_start = true;
	check->is_postponed = false;
	find_stored(check, UINT64_MAX, pool_irreversible(check->shared->pool));
}

bool chain_check_is_postponed(const struct chain_check *check)
{
	return check->is_postponed;
}

int64_t chain_check_step(struct chain_check *check, int64_t now_ms)
{
	uint64_t on_trial = pool_on_trial(check->shared->pool);
	uint64_t subjects = 0;
	uint32_t limit = UINT32_MAX;

	if (check->is_running || check->shared->is_stopping)
		return CLOCK_NEVER;
	for (unsigned i = 0; i < pool_count(check->shared->pool); i++) {
		uint32_t block = node_at(check, i)->head.irreversible_block;

		if (!(on_trial >> i & 1) || block == 0)
			continue;
		subjects |= UINT64_C(1) << i;
		limit = min_u32(block, limit);
	}
	if (subjects == 0)
		return CLOCK_NEVER;
	if (now_ms < check->again_at_ms)
		return check->again_at_ms;
	check->is_start = false;
	find_stored(check, subjects, limit);
	return CLOCK_NEVER;
}

void chain_check_reload(struct chain_check *check, struct pool *pool, bool is_start)
{
	size_t known_count = 0;

	client_drop(check->shared->client, &check->sink);
	check->is_running = false;
	check->again_at_ms = 0;
	if (is_start)
		return;
	for (unsigned i = 0; i < pool_count(pool); i++)
		known_count += is_known(check->shared->pool, pool_node(pool, i));
	for (unsigned i = 0; i < pool_count(pool); i++) {
		struct node *node = pool_node(pool, i);

		node->is_on_trial = !is_known(check->shared->pool, node);
		node->has_no_vote = node->is_on_trial && known_count > 0;
	}
}

uint32_t chain_check_newest(const struct chain_check *check)
{
	return check->newest_at_start;
}

uint32_t chain_check_irreversible(const struct chain_check *check)
{
	return check->irreversible_at_start;
}
