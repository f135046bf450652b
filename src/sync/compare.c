/* SPDX-License-Identifier: MIT */
#include "sync/compare.h"

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
#include "sync/writer.h"

#define AGAIN_MS 5000 /* for nodes on trial that did not give the block they were asked for */

struct compare {
	struct work *work;
	void (*done)(void *context);
	void *context;
	uint32_t newest_at_start;
	uint32_t irreversible_at_start;
	bool is_running;
	bool is_start; /* the comparison under way is that of the start */
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
	struct compare *compare;
	unsigned pool_epoch;
	uint32_t limit;
	struct stored_block newest; /* what the thread found */
	struct stored_block oldest;
	uint32_t irreversible;
};

static void compare_next(struct compare *compare);

static struct node *node_at(const struct compare *compare, unsigned index)
{
	return pool_node(compare->work->pool, index);
}

static void begin(struct compare *compare, const struct stored_block *stored, uint64_t subjects)
{
	compare->compared = stored;
	compare->compared_num = stored->num;
	compare->subjects = subjects;
	compare->node = 0;
	compare->ballot = (struct ballot){.agreeing = 0};
	compare_next(compare);
}

/* End of a comparison. */

/* A node that has not answered yet may answer later: it is compared then. */
static void try_the_silent(struct compare *compare)
{
	for (unsigned i = 0; i < pool_count(compare->work->pool); i++)
		if (node_at(compare, i)->head_at_ms == 0)
			node_at(compare, i)->is_on_trial = true;
}

static void finish(struct compare *compare)
{
	compare->is_running = false;
	compare->again_at_ms = clock_now_ms() + AGAIN_MS;
	if (!compare->is_start)
		return;
	try_the_silent(compare);
	compare->done(compare->context);
}

static void exclude(struct compare *compare, uint64_t nodes)
{
	for (unsigned i = 0; i < pool_count(compare->work->pool); i++) {
		struct node *node = node_at(compare, i);
		char because[120];

		if (!(nodes >> i & 1))
			continue;
		snprintf(because, sizeof(because), "its block %u is not the others'",
			 compare->compared_num);
		node_exclude(node, because);
		log_warning(
			"node_excluded",
			"%s gives another block %u than the others: it serves another chain and is not asked again",
			node->label, compare->compared_num);
	}
}

/* Is there a node that was compared before and not put on trial? */
static bool has_trusted(const struct compare *compare)
{
	for (unsigned i = 0; i < pool_count(compare->work->pool); i++)
		if (!node_at(compare, i)->is_on_trial && !node_at(compare, i)->is_excluded)
			return true;
	return false;
}

/*
 * No node gives the block, so the comparison ends without a result. whose: says in the message
 * which nodes were asked.
 */
static void end_unchecked(struct compare *compare, const char *whose, uint32_t num)
{
	for (unsigned i = 0; i < pool_count(compare->work->pool); i++)
		if (compare->subjects >> i & 1)
			ballot_clear(node_at(compare, i));
	log_warning(
		"chain_unchecked",
		"no node%s gives block %u, so the chain could not be compared with the stored one; links are checked at each commit",
		whose, num);
	finish(compare);
}

/* Is there a node that answers but did not have the block? */
static bool has_undecided(const struct compare *compare)
{
	uint64_t rest = pool_usable(compare->work->pool) & ~compare->newest_ballot.differing;

	for (unsigned i = 0; i < pool_count(compare->work->pool); i++)
		if ((rest >> i & 1) && node_at(compare, i)->head.irreversible_block > 0)
			return true;
	return false;
}

/* This includes nodes that are excluded for now: they may be the right ones, and come back. */
static uint64_t all_nodes(const struct compare *compare)
{
	size_t count = pool_count(compare->work->pool);

	return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* The table differs from most nodes: use these nodes all the same. */
static void doubt_table(struct compare *compare)
{
	for (unsigned i = 0; i < pool_count(compare->work->pool); i++)
		if (compare->newest_ballot.deniers >> i & 1)
			ballot_clear(node_at(compare, i));
	ballot_tell_orphan(&compare->newest_ballot, compare->work->pool, &compare->newest);
}

static void end_on_other_chain(struct compare *compare)
{
	struct error err = ERROR_INIT;

	if (all_nodes(compare) & ~compare->newest_ballot.differing)
		/*
		 * These nodes may be wrong, and nodes that could not be asked may be right: a
		 * restart asks again.
		 */
		(void)error_set(
			&err, ERROR_NODE,
			"the nodes that answer serve another chain than the database holds (they differ at block %u), and the others could not be asked; check nodes and database.name",
			compare->compared_num);
	else
		(void)error_set(
			&err, ERROR_CONFIG,
			"the database holds another chain than the nodes serve (they differ at block %u); check nodes and database.name",
			compare->compared_num);
	work_end(compare->work, &err);
}

/*
 * Nodes of this chain give another newest block, and no node gives the stored one. The nodes may
 * be wrong.
 */
static void end_on_branch(struct compare *compare, uint64_t branch)
{
	struct error err = ERROR_INIT;

	if (!compare->is_start) {
		ballot_deny(&compare->newest_ballot, branch, compare->work, &compare->newest);
		finish(compare);
		return;
	}
	(void)error_set(
		&err, ERROR_NODE,
		"the nodes that answer give another block %u than is stored, and the others, which may be right, could not be asked; they are asked again after a restart",
		compare->newest.num);
	work_end(compare->work, &err);
}

/*
 * Everything that can be known is known.  strangers: nodes that serve another chain; branch:
 * nodes of this chain that give another newest block.
 */
static void judge(struct compare *compare, uint64_t strangers, uint64_t branch)
{
	const struct ballot *newest = &compare->newest_ballot;
	bool is_trusted = newest->agreeing || (!compare->is_start && has_trusted(compare));

	if (!newest->agreeing && !newest->differing) {
		if (is_trusted)
			finish(compare);
		/* at least one node must answer */
		else
			end_unchecked(compare, "", compare->compared_num);
	} else if (branch && ballot_is_against(newest, compare->work->pool) &&
		   !(newest->deniers & strangers)) {
		exclude(compare, strangers);
		doubt_table(compare);
		finish(compare);
	} else if (is_trusted) {
		exclude(compare, strangers);
		ballot_deny(newest, branch, compare->work, &compare->newest);
		finish(compare);
	} else if (branch) {
		exclude(compare, strangers);
		end_on_branch(compare, branch);
	} else if (has_undecided(compare)) {
		exclude(compare, strangers);
		end_unchecked(compare, " that is left", compare->newest.num);
	} else {
		end_on_other_chain(compare);
	}
}

static void compare_nodes(struct compare *compare);

/* Nothing is stored yet: exclude the nodes that serve another chain than the configured one. */
static void end_pin(struct compare *compare)
{
	struct error err = ERROR_INIT;

	if (!compare->ballot.agreeing && compare->ballot.differing) {
		(void)error_set(
			&err,
			all_nodes(compare) & ~compare->ballot.differing ? ERROR_NODE : ERROR_CONFIG,
			"the nodes serve another chain than the one of reader.chain and reader.checkpoint: they give another block %u; check nodes and reader.checkpoint",
			compare->pin.num);
		work_end(compare->work, &err);
		return;
	}
	if (!compare->ballot.agreeing)
		log_warning(
			"chain_unchecked",
			"no node gives block %u, so it is not known whether they serve the chain of reader.chain and reader.checkpoint",
			compare->pin.num);
	exclude(compare, compare->ballot.differing);
	compare_nodes(compare);
}

/*
 * Some nodes give another newest block: do they serve another chain, or is one of the two newest
 * blocks wrong?
 */
static void end_comparison(struct compare *compare)
{
	const struct ballot *ballot = &compare->ballot;
	uint64_t differing;

	if (compare->compared == &compare->pin) {
		end_pin(compare);
		return;
	}
	if (compare->compared == &compare->newest)
		compare->newest_ballot = *ballot;
	differing = compare->newest_ballot.differing;
	if (compare->compared == &compare->oldest)
		judge(compare, ballot->differing, differing & ~ballot->differing);
	else if (differing && compare->oldest.num < compare->newest.num)
		begin(compare, &compare->oldest, differing);
	else
		judge(compare, differing, 0);
}

/* How many nodes gave the same block as this one? */
static unsigned count_votes(const struct compare *compare, unsigned node)
{
	unsigned votes = 0;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((compare->known >> i & 1) &&
		    block_id_equal(compare->ids[i], compare->ids[node]))
			votes++;
	return votes;
}

/* Nothing is stored yet: take the chain that most nodes serve. */
static void end_vote(struct compare *compare)
{
	struct error err = ERROR_INIT;
	uint64_t others = 0;
	unsigned most = 0;
	unsigned winner = 0;
	bool is_tie = false;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++) {
		unsigned votes = compare->known >> i & 1 ? count_votes(compare, i) : 0;

		if (votes == 0 ||
		    (votes == most && block_id_equal(compare->ids[i], compare->ids[winner])))
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
			compare->compared_num);
		work_end(compare->work, &err);
		return;
	}
	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((compare->known >> i & 1) &&
		    !block_id_equal(compare->ids[i], compare->ids[winner]))
			others |= UINT64_C(1) << i;
	exclude(compare, others);
	finish(compare);
}

/* Requests. */

/* Ask the next node, and only this one. */
static void compare_next(struct compare *compare)
{
	unsigned count = (unsigned)pool_count(compare->work->pool);

	while (compare->node < count &&
	       (!(compare->subjects >> compare->node & 1) ||
		node_at(compare, compare->node)->head.irreversible_block < compare->compared_num))
		compare->node++;
	if (compare->node < count)
		client_want(compare->work->client, CLIENT_TAIL, compare->compared_num,
			    compare->compared_num, ~(UINT64_C(1) << compare->node), &compare->sink);
	else if (compare->compared)
		end_comparison(compare);
	else
		end_vote(compare);
}

static void take_compared(void *context, struct block *block, unsigned node)
{
	struct compare *compare = context;

	compare->known |= UINT64_C(1) << node;
	memcpy(compare->ids[node], block->id, BLOCK_ID_BYTES);
	if (compare->compared) {
		bool is_stored = block_id_equal(block->id, compare->compared->id);

		ballot_add(&compare->ballot, node, block->id, is_stored);
		if (is_stored) /* do not wait for the others */
			ballot_clear(node_at(compare, node));
	}
	block_free(block);
	compare->node++;
	compare_next(compare);
}

static void no_compared(void *context, uint32_t num, const char *reason)
{
	struct compare *compare = context;

	(void)num;
	(void)reason;
	compare->node++;
	compare_next(compare);
}

/* Start of a comparison. */

/* Compare the nodes with each other, at a block that all of them call irreversible. */
static void compare_nodes(struct compare *compare)
{
	compare->compared = NULL;
	compare->compared_num = UINT32_MAX;
	compare->node = 0;
	compare->known = 0;
	for (unsigned i = 0; i < pool_count(compare->work->pool); i++) {
		uint32_t block = node_at(compare, i)->head.irreversible_block;

		if (!node_at(compare, i)->is_excluded && block > 0 && block < compare->compared_num)
			compare->compared_num = block;
	}
	compare_next(compare);
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
	    readers_irreversible(db, &find->irreversible, err) < 0)
		return -1;
	if (find->irreversible < last.num)
		find->irreversible = last.num;
	return ledger_oldest(db, &find->oldest, &is_found, err);
}

static void note_start(struct compare *compare, const struct find_job *find)
{
	work_note_stored(compare->work, find->newest.num, find->newest.timestamp_s);
	compare->newest_at_start = find->newest.num;
	compare->irreversible_at_start = max_u32(find->irreversible, find->limit);
}

static void take_found(struct compare *compare, const struct find_job *find)
{
	compare->newest = find->newest;
	compare->oldest = find->oldest;
	if (compare->is_start)
		note_start(compare, find);
	if (compare->newest.num > 0) {
		begin(compare, &compare->newest, compare->subjects);
	} else if (compare->is_start && compare->pin.num > 0) {
		begin(compare, &compare->pin, compare->subjects);
	} else if (compare->is_start) {
		compare_nodes(compare);
	} else {
		end_unchecked(compare, "", find->limit);
	}
}

static void finish_find(struct job *job)
{
	struct find_job *find = (struct find_job *)job;
	struct compare *compare = find->compare;

	if (find->pool_epoch == compare->work->pool_epoch) {
		if (job->err.kind == ERROR_NONE)
			take_found(compare, find);
		else
			work_end(compare->work, &job->err);
	}
	free(find);
}

/* Find what is stored up to `limit`, then compare the nodes with it. */
static void find_stored(struct compare *compare, uint64_t subjects, uint32_t limit)
{
	struct find_job *find = xcalloc(1, sizeof(*find));

	compare->is_running = true;
	compare->subjects = subjects;
	find->job.run = run_find;
	find->job.done = finish_find;
	snprintf(find->job.what, sizeof(find->job.what), "looking for the newest stored block");
	find->compare = compare;
	find->pool_epoch = compare->work->pool_epoch;
	find->limit = limit;
	writer_errand(compare->work->writer, &find->job);
}

/* Public functions. */

struct compare *compare_new(struct work *work, void (*done)(void *context), void *context)
{
	struct compare *compare = xcalloc(1, sizeof(*compare));

	compare->work = work;
	compare->done = done;
	compare->pin.num = work->config.pin.num;
	memcpy(compare->pin.id, work->config.pin.id, BLOCK_ID_BYTES);
	compare->context = context;
	compare->sink = (struct client_sink){
		.context = compare, .given = take_compared, .refused = no_compared};
	return compare;
}

void compare_free(struct compare *compare)
{
	if (!compare)
		return;
	client_drop(compare->work->client, &compare->sink);
	free(compare);
}

void compare_start(struct compare *compare)
{
	compare->is_start = true;
	find_stored(compare, UINT64_MAX, pool_irreversible(compare->work->pool));
}

int64_t compare_step(struct compare *compare, int64_t now_ms)
{
	uint64_t on_trial = pool_on_trial(compare->work->pool);
	uint64_t subjects = 0;
	uint32_t limit = UINT32_MAX;

	if (compare->is_running || compare->work->is_stopping)
		return CLOCK_NEVER;
	for (unsigned i = 0; i < pool_count(compare->work->pool); i++) {
		uint32_t block = node_at(compare, i)->head.irreversible_block;

		if (!(on_trial >> i & 1) || block == 0)
			continue;
		subjects |= UINT64_C(1) << i;
		limit = min_u32(block, limit);
	}
	if (subjects == 0)
		return CLOCK_NEVER;
	if (now_ms < compare->again_at_ms)
		return compare->again_at_ms;
	compare->is_start = false;
	find_stored(compare, subjects, limit);
	return CLOCK_NEVER;
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

void compare_reload(struct compare *compare, struct pool *pool, bool is_start)
{
	size_t known_count = 0;

	client_drop(compare->work->client, &compare->sink);
	compare->is_running = false;
	compare->again_at_ms = 0;
	if (is_start)
		return;
	for (unsigned i = 0; i < pool_count(pool); i++)
		known_count += is_known(compare->work->pool, pool_node(pool, i));
	for (unsigned i = 0; i < pool_count(pool); i++) {
		struct node *node = pool_node(pool, i);

		node->is_on_trial = !is_known(compare->work->pool, node);
		node->has_no_vote = node->is_on_trial && known_count > 0;
	}
}

uint32_t compare_newest(const struct compare *compare)
{
	return compare->newest_at_start;
}

uint32_t compare_irreversible(const struct compare *compare)
{
	return compare->irreversible_at_start;
}
