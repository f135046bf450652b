/* SPDX-License-Identifier: MIT */
#include "sync/startup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/pool.h"
#include "store/filters.h"
#include "store/schema.h"
#include "sync/filter.h"
#include "sync/writer.h"

struct startup {
	struct work *work;
	void (*done)(void *context);
	void *context;
	struct stored_block newest; /* num 0: nothing is stored */
	struct stored_block oldest;
	struct ranges ranges;
	/* Comparing: the block with which each node is compared, one node after the other. */
	const struct stored_block *compared; /* NULL: the nodes are compared with one another */
	uint32_t compared_num;
	struct client_sink sink;
	unsigned node;
	uint64_t agreeing; /* masks of nodes */
	uint64_t differing;
	uint64_t known; /* of these the block's id is known */
	uint8_t ids[POOL_MAX_NODES][BLOCK_ID_BYTES];
};

struct startup_job {
	struct job job;
	struct startup *startup;
	struct {
		struct stored_block newest;
		struct stored_block oldest;
		struct ranges ranges;
	} result; /* what the thread found; taken over in the loop thread */
	char *filter_text;
	uint32_t filter_id;
	uint32_t irreversible;
};

static void submit(struct startup *startup, const char *what,
		   int (*run)(struct db *db, struct job *job, struct error *err),
		   void (*done)(struct job *job), uint32_t irreversible)
{
	struct startup_job *start = xcalloc(1, sizeof(*start));

	start->job.run = run;
	start->job.done = done;
	snprintf(start->job.what, sizeof(start->job.what), "%s", what);
	start->startup = startup;
	start->irreversible = irreversible;
	start->filter_text = filter_normalise(startup->work->config.filter);
	writer_errand(startup->work->writer, &start->job);
}

/* True when the step succeeded; else the reader ends. Frees the job except for its result. */
static bool succeeded(struct startup_job *start)
{
	if (start->job.err.kind == ERROR_NONE)
		return true;
	work_end(start->startup->work, &start->job.err);
	return false;
}

static void free_job(struct startup_job *start)
{
	ranges_release(&start->result.ranges);
	free(start->filter_text);
	free(start);
}

/* Opening. */

static int check_filter(struct db *db, struct startup_job *start, struct error *err)
{
	char *active = NULL;
	bool is_active;
	int result =
		filters_enlist(db, start->filter_text, &start->filter_id, &is_active, &active, err);

	if (result == 0 && !is_active)
		result = error_set(
			err, ERROR_CONFIG,
			"the filter rules of this file are not those that are active in the database (active: %s); change the file, or run steem-reader --activate-filter to make its rules the active ones for all readers",
			active && active[0] ? active : "no rules, every operation");
	free(active);
	return result;
}

static int run_open(struct db *db, struct job *job, struct error *err)
{
	struct startup_job *start = (struct startup_job *)job;
	const struct work *work = start->startup->work;

	if (schema_check(db, err) < 0)
		return -1;
	if (work->config.dry_run)
		return 0;
	if (check_filter(db, start, err) < 0)
		return -1;
	return readers_register(db, &work->identity, work->config.version, err);
}

static void finish_open(struct job *job)
{
	struct startup_job *start = (struct startup_job *)job;
	struct startup *startup = start->startup;

	if (succeeded(start)) {
		startup->work->filter_id = start->filter_id;
		startup->done(startup->context);
	}
	free_job(start);
}

void startup_open(struct startup *startup)
{
	submit(startup, "opening the database", run_open, finish_open, 0);
}

/* Comparing. */

static void compare_next(struct startup *startup);

static void compare(struct startup *startup, const struct stored_block *stored)
{
	startup->compared = stored;
	startup->compared_num = stored->num;
	startup->node = 0;
	startup->agreeing = 0;
	startup->differing = 0;
	compare_next(startup);
}

static void exclude_differing(struct startup *startup)
{
	for (unsigned i = 0; i < pool_count(startup->work->pool); i++) {
		struct node *node = pool_node(startup->work->pool, i);
		char because[120];

		if (!(startup->differing & UINT64_C(1) << i))
			continue;
		snprintf(because, sizeof(because), "its block %u is not the others'",
			 startup->compared_num);
		node_exclude(node, because);
		log_warning(
			"node_excluded",
			"%s gives another block %u than the others: it serves another chain and is not asked again",
			node->label, startup->compared_num);
	}
}

static void end_comparison(struct startup *startup)
{
	struct error err = ERROR_INIT;

	if (startup->agreeing) {
		if (startup->compared == &startup->oldest && startup->newest.num > 0)
			log_warning(
				"stored_block_orphaned",
				"stored block %u is not the chain's: no node gives it, though they agree about block %u; the stored row stays until it is repaired",
				startup->newest.num, startup->oldest.num);
		exclude_differing(startup);
		startup->done(startup->context);
		return;
	}
	if (!startup->differing) {
		log_warning(
			"chain_unchecked",
			"no node gives block %u, so the chain could not be compared with the stored one; links are checked at each commit",
			startup->compared->num);
		startup->done(startup->context);
		return;
	}
	if (startup->compared == &startup->newest && startup->oldest.num < startup->newest.num) {
		compare(startup, &startup->oldest); /* one bad row, or another chain? */
		return;
	}
	(void)error_set(
		&err, ERROR_CONFIG,
		"the database holds another chain than the nodes serve (they differ at block %u); check nodes and database.name",
		startup->compared->num);
	work_end(startup->work, &err);
}

/* How many nodes gave the same block as this one? */
static unsigned count_votes(const struct startup *startup, unsigned node)
{
	unsigned votes = 0;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((startup->known >> i & 1) &&
		    block_id_equal(startup->ids[i], startup->ids[node]))
			votes++;
	return votes;
}

/* Nothing is stored yet: the chain is the one that most nodes serve. */
static void end_vote(struct startup *startup)
{
	struct error err = ERROR_INIT;
	unsigned most = 0;
	unsigned winner = 0;
	bool is_tie = false;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++) {
		unsigned votes = startup->known >> i & 1 ? count_votes(startup, i) : 0;

		if (votes == 0 ||
		    (votes == most && block_id_equal(startup->ids[i], startup->ids[winner])))
			continue;
		is_tie = votes == most || (is_tie && votes < most);
		if (votes > most)
			winner = i;
		most = votes > most ? votes : most;
	}
	if (is_tie) {
		(void)error_set(
			&err, ERROR_CONFIG,
			"the nodes serve different chains (they differ at block %u), and the database holds nothing yet to tell which is meant; correct nodes",
			startup->compared_num);
		work_end(startup->work, &err);
		return;
	}
	startup->differing = 0;
	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((startup->known >> i & 1) &&
		    !block_id_equal(startup->ids[i], startup->ids[winner]))
			startup->differing |= UINT64_C(1) << i;
	exclude_differing(startup);
	startup->done(startup->context);
}

/* Ask the next node, and only that one. */
static void compare_next(struct startup *startup)
{
	unsigned count = (unsigned)pool_count(startup->work->pool);

	while (startup->node < count &&
	       pool_node(startup->work->pool, startup->node)->head.irreversible_block <
		       startup->compared_num)
		startup->node++;
	if (startup->node == count && !startup->compared) {
		end_vote(startup);
		return;
	}
	if (startup->node == count) {
		end_comparison(startup);
		return;
	}
	client_want(startup->work->client, CLIENT_TAIL, startup->compared_num,
		    startup->compared_num, ~(UINT64_C(1) << startup->node), &startup->sink);
}

/* Compare the nodes with one another, at a block that all of them call irreversible. */
static void compare_nodes(struct startup *startup)
{
	startup->compared = NULL;
	startup->compared_num = UINT32_MAX;
	startup->node = 0;
	startup->known = 0;
	for (unsigned i = 0; i < pool_count(startup->work->pool); i++) {
		uint32_t block = pool_node(startup->work->pool, i)->head.irreversible_block;

		if (block > 0 && block < startup->compared_num)
			startup->compared_num = block;
	}
	compare_next(startup);
}

static void take_compared(void *context, struct block *block, unsigned node)
{
	struct startup *startup = context;

	startup->known |= UINT64_C(1) << node;
	memcpy(startup->ids[node], block->id, BLOCK_ID_BYTES);
	if (startup->compared && block_id_equal(block->id, startup->compared->id))
		startup->agreeing |= UINT64_C(1) << node;
	else
		startup->differing |= UINT64_C(1) << node;
	block_free(block);
	startup->node++;
	compare_next(startup);
}

static void no_compared(void *context, uint32_t num, const char *reason)
{
	struct startup *startup = context;

	(void)num;
	(void)reason;
	startup->node++;
	compare_next(startup);
}

static int run_find_stored(struct db *db, struct job *job, struct error *err)
{
	struct startup_job *start = (struct startup_job *)job;
	bool is_found;

	start->result.newest = (struct stored_block){.num = 0};
	start->result.oldest = (struct stored_block){.num = 0};
	if (ledger_newest(db, start->irreversible, &start->result.newest, &is_found, err) < 0)
		return -1;
	return ledger_oldest(db, &start->result.oldest, &is_found, err);
}

static void finish_find_stored(struct job *job)
{
	struct startup_job *start = (struct startup_job *)job;
	struct startup *startup = start->startup;

	if (succeeded(start)) {
		startup->newest = start->result.newest;
		startup->oldest = start->result.oldest;
		if (startup->newest.num > 0)
			compare(startup, &startup->newest);
		else
			compare_nodes(startup);
	}
	free_job(start);
}

void startup_compare(struct startup *startup)
{
	submit(startup, "looking for the newest stored block", run_find_stored, finish_find_stored,
	       pool_irreversible(startup->work->pool));
}

/* Wanting. */

static int want_open_range(struct db *db, struct startup_job *start, struct error *err)
{
	const struct work *work = start->startup->work;
	struct ranges *ranges = &start->result.ranges;
	uint32_t first = work->config.start_block;

	if (!ranges->has_open && first == 0)
		first = start->irreversible;
	if (work->config.dry_run) {
		if (!ranges->has_open || (first > 0 && first < ranges->open_first))
			ranges->open_first = first;
		ranges->has_open = true;
		return 0;
	}
	if (ranges->has_open && (first == 0 || first >= ranges->open_first))
		return 0;
	if (ranges_open(db, first, err) < 0)
		return -1;
	ranges_release(ranges);
	return ranges_load(db, ranges, err);
}

static int run_want(struct db *db, struct job *job, struct error *err)
{
	struct startup_job *start = (struct startup_job *)job;
	const struct work *work = start->startup->work;
	const struct range_set *wanted = work->config.backfill;

	ranges_release(&start->result.ranges);
	if (ranges_load(db, &start->result.ranges, err) < 0)
		return -1;
	if (work->config.goal != READER_BACKFILL)
		return want_open_range(db, start, err);
	if (work->config.dry_run)
		return 0;
	if (ranges_add_closed(db, wanted, NULL, err) < 0)
		return -1;
	ranges_release(&start->result.ranges);
	return ranges_load(db, &start->result.ranges, err);
}

static void finish_want(struct job *job)
{
	struct startup_job *start = (struct startup_job *)job;
	struct startup *startup = start->startup;

	if (succeeded(start)) {
		uint32_t start_block = startup->work->config.start_block;

		ranges_release(&startup->ranges);
		startup->ranges = start->result.ranges;
		start->result.ranges = (struct ranges){.has_open = false};
		if (startup->ranges.has_open && start_block > startup->ranges.open_first)
			log_warning(
				"start_block_ignored",
				"reader.start_block = %u is above the open range, which begins at %u; it is never shortened",
				start_block, startup->ranges.open_first);
		startup->done(startup->context);
	}
	free_job(start);
}

void startup_want(struct startup *startup, uint32_t irreversible)
{
	const struct range_set *wanted = startup->work->config.backfill;
	struct error err = ERROR_INIT;

	if (startup->work->config.goal == READER_BACKFILL &&
	    wanted->items[wanted->count - 1].last > irreversible) {
		(void)error_set_code(
			&err, ERROR_CONFIG, WORK_OVER_USAGE,
			"block %u is not irreversible yet (the newest that is: %u); a backfill ends there at the most",
			wanted->items[wanted->count - 1].last, irreversible);
		work_end(startup->work, &err);
		return;
	}
	submit(startup, "settling the wanted ranges", run_want, finish_want, irreversible);
}

/* The rest. */

struct startup *startup_new(struct work *work, void (*done)(void *context), void *context)
{
	struct startup *startup = xcalloc(1, sizeof(*startup));

	startup->work = work;
	startup->done = done;
	startup->context = context;
	startup->sink = (struct client_sink){
		.context = startup, .given = take_compared, .refused = no_compared};
	return startup;
}

void startup_free(struct startup *startup)
{
	if (!startup)
		return;
	client_drop(startup->work->client, &startup->sink);
	ranges_release(&startup->ranges);
	free(startup);
}

uint32_t startup_newest(const struct startup *startup)
{
	return startup->newest.num;
}

const struct ranges *startup_ranges(const struct startup *startup)
{
	return &startup->ranges;
}
