/* SPDX-License-Identifier: MIT */
#include "sync/stall.h"

#include "base/number.h"

/*
 * Nodes must be behind for this long before the log says so: one answer may fail, and one name may
 * stand for two servers.
 */
#define BEHIND_MS 10000

void stall_init(struct stall *stall, int64_t now_ms)
{
	*stall = (struct stall){.progress_at_ms = now_ms, .moved_at_ms = now_ms};
}

/* By these facts, is every known block stored? */
static bool is_level(const struct stall_facts *facts)
{
	return facts->is_tailing && facts->nodes_block < facts->next_block &&
	       facts->database_block < facts->next_block;
}

static void note_chain(struct stall *stall, const struct stall_facts *facts, int64_t now_ms)
{
	uint32_t block = max_u32(facts->nodes_block, facts->database_block);

	if (block > stall->chain_block) {
		stall->chain_block = block;
		stall->moved_at_ms = now_ms;
	}
}

/*
 * Do the nodes advance while they are behind?  One name may stand for two servers that answer in
 * turn: when the higher number follows the lower one, nothing has advanced.  So the highest
 * number counts, until no node has told it for half of stall_ms.
 */
static bool note_nodes(struct stall *stall, const struct stall_facts *facts, int64_t now_ms)
{
	bool was_behind = stall->is_behind;
	bool has_moved = facts->reached_block > stall->mark_block;

	stall->is_behind = facts->is_tailing && facts->reached_block > 0 &&
			   (uint64_t)facts->reached_block + 1 < facts->next_block;
	stall->reached_block = facts->reached_block;
	if (!stall->is_behind)
		return false;
	if (!was_behind)
		stall->behind_since_ms = now_ms;
	if (!was_behind || facts->reached_block >= stall->mark_block ||
	    now_ms - stall->mark_at_ms >= facts->stall_ms / 2) {
		stall->mark_block = facts->reached_block;
		stall->mark_at_ms = now_ms;
	}
	return was_behind && has_moved;
}

static void note_progress(struct stall *stall, const struct stall_facts *facts, int64_t now_ms)
{
	bool nodes_move = note_nodes(stall, facts, now_ms);

	if (!facts->is_working) {
		stall->progress_at_ms = now_ms;
	} else if (!facts->is_tailing) {
		stall->progress_at_ms = max_i64(stall->progress_at_ms, facts->worked_at_ms);
	} else if (!stall->was_tailing || facts->next_block > stall->next_block) {
		stall->progress_at_ms = now_ms;
		stall->next_block = facts->next_block;
	} else if (nodes_move) {
		stall->progress_at_ms = now_ms;
		stall->moved_at_ms = now_ms;
	} else if (is_level(facts)) {
		stall->progress_at_ms = max_i64(stall->progress_at_ms, facts->told_at_ms);
	}
	if (is_level(facts))
		stall->level_at_ms = now_ms;
	stall->was_tailing = facts->is_tailing;
}

/* Have the nodes been behind for long enough to report it? */
static bool lasts(const struct stall *stall, const struct stall_facts *facts, int64_t now_ms)
{
	return stall->is_behind &&
	       now_ms - stall->behind_since_ms >= min_i64(facts->stall_ms / 2, BEHIND_MS);
}

enum stall_news stall_step(struct stall *stall, const struct stall_facts *facts, int64_t now_ms)
{
	bool was_stalled = stall->is_stalled;
	bool was_still = stall->is_chain_still;

	note_chain(stall, facts, now_ms);
	note_progress(stall, facts, now_ms);
	stall->is_stalled = now_ms - stall->progress_at_ms >= facts->stall_ms;
	stall->is_chain_still = is_level(facts) && !stall->is_behind && !stall->is_stalled &&
				now_ms - stall->moved_at_ms >= facts->stall_ms;
	if (stall->is_stalled != was_stalled)
		return stall->is_stalled ? STALL_BEGAN : STALL_ENDED;
	if (stall->is_chain_still != was_still)
		return stall->is_chain_still ? STALL_CHAIN_STILL : STALL_CHAIN_MOVES;
	if (!stall->is_behind_told && lasts(stall, facts, now_ms)) {
		stall->is_behind_told = true;
		return STALL_BEHIND;
	}
	if (stall->is_behind_told && !stall->is_behind && facts->reached_block > 0) {
		stall->is_behind_told = false;
		return facts->is_tailing ? STALL_LEVEL : STALL_NOTHING;
	}
	return STALL_NOTHING;
}
