/* SPDX-License-Identifier: MIT */
#include "sync/commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/pool.h"
#include "sync/fetched.h"
#include "sync/filter.h"

static int run_commit(struct db *db, struct job *job, struct error *err)
{
	struct commit *commit = (struct commit *)job;

	if (!commit->ledger.is_reversible && seen_find(db, &commit->ledger, &commit->seen, err) < 0)
		return -1;
	return ledger_commit(db, &commit->ledger, err);
}

/* One line for many cases, in case somebody deleted many rows. */
static struct log_limit leftover_limit = LOG_LIMIT_INIT(10000);

static struct log_limit unproved_limit = LOG_LIMIT_INIT(10000);

static void tell_unproved(const struct block *block)
{
	log_limited(
		&unproved_limit, LOG_LEVEL_WARNING, "block_unproved",
		"block %u is stored without proof, because most nodes give it alike; its JSON does not contain all signed bytes: %s",
		block->num, block->proof_reason);
}

static struct log_limit unverified_limit = LOG_LIMIT_INIT(10000);

static void tell_unverified(const struct block *block)
{
	log_limited(
		&unverified_limit, LOG_LEVEL_WARNING, "virtual_unverified",
		"block %u is stored with %zu virtual operations, and no node gives a producer_reward among them: others may be missing too; its virtual_state is unverified",
		block->num, block->virtual_count);
}

static void tell_replaced(const struct ledger_entry *entry)
{
	char id[BLOCK_ID_HEX + 1];
	char orphan[BLOCK_ID_HEX + 1];

	log_warning(
		"block_replaced",
		"block %u: %s took the place of %s, which is not part of the chain; its operations stand in the table orphans",
		entry->block->num, block_id_format(entry->block->id, id),
		block_id_format(entry->stored_id, orphan));
}

static void count_outcome(struct shared *shared, const struct ledger_entry *entry)
{
	if (entry->outcome == LEDGER_REPLACED) {
		tell_replaced(entry);
		shared->replaced_blocks++;
	}
	if (entry->outcome == LEDGER_PRESENT || entry->outcome == LEDGER_CONFIRMED) {
		shared->present_blocks++;
	} else if (ledger_is_stored(entry->outcome)) {
		shared->stored_blocks++;
		shared->stored_operations += entry->block->stored_count;
	}
}

/*
 * The reader that stored a block first reports it. A block that was requested again is reported
 * again.
 */
static bool is_told(const struct commit *commit, const struct ledger_entry *entry)
{
	if (entry->outcome == LEDGER_PRESENT)
		return (commit->ledger.outdated & LEDGER_OUTDATED_VIRTUAL) != 0;
	return ledger_is_stored(entry->outcome);
}

static void count_outcomes(struct commit *commit)
{
	struct shared *shared = commit->shared;

	for (size_t i = 0; i < commit->count; i++) {
		const struct ledger_entry *entry = &commit->ledger.entries[i];

		count_outcome(shared, entry);
		if (entry->block->virtual_state == BLOCK_VIRTUAL_UNVERIFIED &&
		    is_told(commit, entry))
			tell_unverified(entry->block);
		if (entry->block->proof_reason && is_told(commit, entry)) {
			shared->unproved_blocks++;
			tell_unproved(entry->block);
		}
		if (entry->leftovers_removed)
			log_limited(
				&leftover_limit, LOG_LEVEL_WARNING, "leftover_removed",
				"operation rows of block %u stood there without its block row: replaced",
				entry->block->num);
	}
}

/* Note the highest block that is in the table now, whichever reader stored it. */
static void note_committed(struct commit *commit)
{
	struct shared *shared = commit->shared;

	for (size_t i = 0; i < commit->count; i++) {
		const struct ledger_entry *entry = &commit->ledger.entries[i];
		uint32_t num = entry->block->num;

		if (!ledger_is_stored(entry->outcome))
			continue;
		if (num > shared->newest_block) {
			shared->newest_block = num;
			shared->newest_time_s = entry->block->timestamp_s;
		}
		if (commit->ledger.is_reversible)
			continue;
		shared_note_stored(shared, num, entry->block->timestamp_s);
		if (num > shared->committed_block)
			shared->committed_block = num;
	}
}

static void finish_commit(struct job *job)
{
	struct commit *commit = (struct commit *)job;
	struct shared *shared = commit->shared;
	bool is_done = job->err.kind == ERROR_NONE;

	if (is_done) {
		count_outcomes(commit);
		note_committed(commit);
		if (!commit->ledger.is_reversible)
			shared_progress(shared);
		shared->seen_comments += commit->ledger.seen_count;
		log_debug("committed", "%s, %u tries", job->what, job->retry_count + 1);
	} else if (!shared->is_stopping || job->err.kind != ERROR_RETRY) {
		shared_end(shared, &job->err);
	}
	commit->done(commit->context, commit, is_done);
	for (size_t i = 0; i < commit->count; i++)
		fetched_release(shared, &commit->held[i]);
	seen_release(&commit->seen);
	witness_key_list_release(&commit->keys);
	free(commit->held);
	free(commit->ledger.entries);
	free(commit);
}

/* By the database's clock, not by the calendar clock of this host. */
static int64_t late_before_s(const struct shared *shared)
{
	return shared->config.max_age_s > 0
		       ? dbclock_now_s(&shared->database_clock, clock_now_ms()) -
				 (int64_t)shared->config.max_age_s
		       : 0;
}

static struct commit *make_commit(struct shared *shared, const struct fetched *held, size_t count)
{
	struct commit *commit = xcalloc(1, sizeof(*commit));

	job_init(&commit->job, run_commit, finish_commit, "commit of blocks %u..%u",
		 held[0].block->num, held[count - 1].block->num);
	commit->shared = shared;
	commit->held = xreallocarray(NULL, count, sizeof(*held));
	memcpy(commit->held, held, count * sizeof(*held));
	commit->count = count;
	commit->ledger = (struct ledger_commit){
		.entries = xcalloc(count, sizeof(struct ledger_entry)),
		.count = count,
		.identity = &shared->identity,
		.filter_id = shared->filter_id,
		.head_block = pool_head(shared->pool),
		.irreversible_block = pool_irreversible(shared->pool),
		.queues = shared->config.filter->queues,
		.delivers_history = shared->config.delivers_history,
		.late_before_s = late_before_s(shared),
	};
	for (size_t i = 0; i < count; i++) {
		commit->ledger.entries[i].block = held[i].block;
		if (key_changes_are_proved(held[i].block))
			key_changes_add(&commit->keys, shared->proof, held[i].block);
	}
	commit->ledger.keys = commit->keys.items;
	commit->ledger.key_count = commit->keys.count;
	return commit;
}

void commit_submit(struct shared *shared, const struct fetched *held, size_t count,
		   enum ledger_rewrite rewrite,
		   void (*done)(void *context, struct commit *commit, bool is_done), void *context)
{
	struct commit *commit = make_commit(shared, held, count);

	for (size_t i = 0; i < count; i++)
		if (shared->config.filter->virtual_operations &&
		    held[i].block->virtual_state == BLOCK_VIRTUAL_NONE)
			abort(); /* an incomplete block: a bug */
	commit->done = done;
	commit->context = context;
	commit->ledger.rewrite = rewrite;
	commit->ledger.outdated = rewrite == LEDGER_REWRITE ? shared->config.outdated : 0;
	/* The node that gave it called it irreversible, whatever the nodes say by now. */
	if (commit->ledger.irreversible_block < held[count - 1].block->num)
		commit->ledger.irreversible_block = held[count - 1].block->num;
	executor_commit(shared->executor, &commit->job);
}

void commit_submit_reversible(struct shared *shared, const struct fetched *held, size_t count,
			      void (*done)(void *context, struct commit *commit, bool is_done),
			      void *context)
{
	struct commit *commit = make_commit(shared, held, count);

	commit->done = done;
	commit->context = context;
	commit->ledger.is_reversible = true;
	executor_commit(shared->executor, &commit->job);
}

bool commit_is_full(const struct shared *shared, const struct commit_size *size)
{
	return size->rows >= shared->config.batch_rows ||
	       size->payload_bytes >= shared->config.batch_bytes;
}

bool commit_add(const struct shared *shared, struct commit_size *size, const struct block *block)
{
	if (commit_is_full(shared, size))
		return false;
	/* A delivery is two rows: one in `delivered`, one in `deliveries_open`. */
	size->rows += 1 + block->stored_count + 2 * block->delivery_count;
	size->payload_bytes += block->stored_payload_bytes;
	return true;
}
