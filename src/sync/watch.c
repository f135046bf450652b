/* SPDX-License-Identifier: MIT */
#include "sync/watch.h"

#include "base/number.h"

/* Nodes must be behind for this long before it is told: one answer may fail, one name have two servers. */
#define BEHIND_MS 10000

void watch_init(struct watch *watch, int64_t now_ms)
{
	*watch = (struct watch){.progress_at_ms = now_ms, .moved_at_ms = now_ms};
}

bool watch_is_level(const struct watch_facts *facts)
{
	return facts->is_tailing && facts->nodes_block < facts->next_block &&
	       facts->database_block < facts->next_block;
}

static void note_chain(struct watch *watch, const struct watch_facts *facts, int64_t now_ms)
{
	uint32_t block = facts->nodes_block > facts->database_block ? facts->nodes_block
								    : facts->database_block;

	if (block > watch->chain_block) {
		watch->chain_block = block;
		watch->moved_at_ms = now_ms;
	}
}

/*
 * Do the nodes advance while they are behind?  One name may stand for two servers that answer in
 * turn: when the higher number follows the lower one, nothing has advanced.  So the highest
 * number counts, until no node has told it for half of stall_ms.
 */
static bool note_nodes(struct watch *watch, const struct watch_facts *facts, int64_t now_ms)
{
	bool was_behind = watch->is_behind;
	bool has_moved = facts->reached_block > watch->mark_block;

	watch->is_behind = facts->is_tailing && facts->reached_block > 0 &&
			   (uint64_t)facts->reached_block + 1 < facts->next_block;
	watch->reached_block = facts->reached_block;
	if (!watch->is_behind)
		return false;
	if (!was_behind)
		watch->behind_since_ms = now_ms;
	if (!was_behind || facts->reached_block >= watch->mark_block ||
	    now_ms - watch->mark_at_ms >= facts->stall_ms / 2) {
		watch->mark_block = facts->reached_block;
		watch->mark_at_ms = now_ms;
	}
	return was_behind && has_moved;
}

static void note_progress(struct watch *watch, const struct watch_facts *facts, int64_t now_ms)
{
	bool nodes_move = note_nodes(watch, facts, now_ms);

	if (!facts->is_working) {
		watch->progress_at_ms = now_ms;
	} else if (!facts->is_tailing) {
		watch->progress_at_ms = max_i64(watch->progress_at_ms, facts->worked_at_ms);
	} else if (!watch->was_tailing || facts->next_block > watch->next_block) {
		watch->progress_at_ms = now_ms;
		watch->next_block = facts->next_block;
	} else if (nodes_move) {
		watch->progress_at_ms = now_ms;
		watch->moved_at_ms = now_ms;
	} else if (watch_is_level(facts)) {
		watch->progress_at_ms = max_i64(watch->progress_at_ms, facts->told_at_ms);
	}
	if (watch_is_level(facts))
		watch->level_at_ms = now_ms;
	watch->was_tailing = facts->is_tailing;
}

/* Have the nodes been behind for long enough to report it? */
static bool lasts(const struct watch *watch, const struct watch_facts *facts, int64_t now_ms)
{
	int64_t patience_ms = facts->stall_ms / 2 < BEHIND_MS ? facts->stall_ms / 2 : BEHIND_MS;

	return watch->is_behind && now_ms - watch->behind_since_ms >= patience_ms;
}

enum watch_news watch_step(struct watch *watch, const struct watch_facts *facts, int64_t now_ms)
{
	bool was_stalled = watch->is_stalled;
	bool was_still = watch->is_chain_still;

	note_chain(watch, facts, now_ms);
	note_progress(watch, facts, now_ms);
	watch->is_stalled = now_ms - watch->progress_at_ms >= facts->stall_ms;
	watch->is_chain_still = watch_is_level(facts) && !watch->is_behind && !watch->is_stalled &&
				now_ms - watch->moved_at_ms >= facts->stall_ms;
	if (watch->is_stalled != was_stalled)
		return watch->is_stalled ? WATCH_STALLED : WATCH_GOES_ON;
	if (watch->is_chain_still != was_still)
		return watch->is_chain_still ? WATCH_CHAIN_STILL : WATCH_CHAIN_MOVES;
	if (!watch->is_behind_told && lasts(watch, facts, now_ms)) {
		watch->is_behind_told = true;
		return WATCH_BEHIND;
	}
	if (watch->is_behind_told && !watch->is_behind && facts->reached_block > 0) {
		watch->is_behind_told = false;
		return facts->is_tailing ? WATCH_LEVEL : WATCH_NOTHING;
	}
	return WATCH_NOTHING;
}
