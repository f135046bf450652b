/* SPDX-License-Identifier: MIT */
#include "sync/reader_facts.h"

#include "base/clock.h"
#include "base/number.h"
#include "steem/node.h"
#include "steem/pool.h"
#include "sync/chain_check.h"
#include "sync/heartbeat.h"
#include "sync/reader_impl.h"
#include "sync/replay.h"
#include "sync/tail.h"

void reader_keep_overview(struct reader *reader)
{
	heartbeat_want_overview(reader->heartbeat);
}

const struct node *reader_get_node(const struct reader *reader, size_t index)
{
	return pool_node(reader->shared.pool, (unsigned)index);
}

static void tell_chain(const struct reader *reader, struct reader_facts *facts)
{
	const struct shared *shared = &reader->shared;

	facts->head_block = pool_head(shared->pool);
	facts->head_time_s = pool_head_time_s(shared->pool);
	facts->irreversible_block = pool_irreversible(shared->pool);
	facts->chain_block =
		max_u32(facts->irreversible_block, heartbeat_irreversible(reader->heartbeat));
	facts->stored_block =
		max_u32(shared->committed_block, chain_check_newest(reader->chain_check));
	if (facts->is_tailing)
		facts->stored_block =
			max_u32(facts->stored_block, tail_next_block(reader->tail) - 1);
	if (facts->chain_block > facts->stored_block)
		facts->lag_blocks = facts->chain_block - facts->stored_block;
	facts->newest_block = shared->newest_block;
	facts->newest_time_s = shared->newest_time_s;
	facts->nodes_up = (size_t)__builtin_popcountll(pool_up(shared->pool));
}

static void tell_progress(const struct reader *reader, struct reader_facts *facts)
{
	const struct stall *stall = &reader->stall;

	facts->progress_at_ms = stall->progress_at_ms;
	facts->level_at_ms = stall->level_at_ms;
	facts->chain_moved_at_ms = stall->moved_at_ms;
	facts->is_stalled = stall->is_stalled;
	facts->is_chain_still = stall->is_chain_still;
	facts->are_nodes_behind = stall->is_behind;
	facts->node_up_at_ms = reader->node_up_at_ms;
}

static void tell_work(const struct reader *reader, struct reader_facts *facts)
{
	const struct shared *shared = &reader->shared;
	struct replay_status status;

	replay_get_status(reader->replay, &status);
	facts->stored_blocks = shared->stored_blocks;
	facts->present_blocks = shared->present_blocks;
	facts->replaced_blocks = shared->replaced_blocks;
	facts->stored_operations = shared->stored_operations;
	facts->false_blocks = shared->false_blocks;
	facts->unproved_blocks = shared->unproved_blocks;
	facts->false_claims = shared->false_claims;
	facts->held_bytes = shared->held_bytes;
	facts->claims = status.claim_count;
	if (reader->progress.is_active) {
		facts->replay_done_blocks = reader->progress.done_blocks;
		facts->replay_left_blocks = reader->progress.left_blocks;
	}
}

void reader_get_facts(struct reader *reader, struct reader_facts *ret_facts)
{
	*ret_facts = (struct reader_facts){
		.name = reader->shared.identity.name,
		.state = reader_state_name(reader),
		.is_ready = reader->is_ready,
		.is_tailing = reader->state == STATE_TAILING,
		.is_leaving = reader->state >= STATE_LEAVING,
		.now_ms = clock_now_ms(),
		.beat_at_ms = heartbeat_beat_at_ms(reader->heartbeat),
		.commit_times = executor_commit_times(reader->shared.executor),
		.node_count = pool_count(reader->shared.pool),
	};
	reader_describe(reader, ret_facts->description, sizeof(ret_facts->description));
	ret_facts->overview = heartbeat_overview(reader->heartbeat, &ret_facts->overview_at_ms);
	ret_facts->queues = heartbeat_queues(reader->heartbeat);
	executor_get_trouble(reader->shared.executor, &ret_facts->trouble);
	tell_chain(reader, ret_facts);
	tell_progress(reader, ret_facts);
	tell_work(reader, ret_facts);
}
