/* SPDX-License-Identifier: MIT */
#include "sync/watch.h"

void watch_init(struct watch *watch, int64_t now_ms)
{
	*watch = (struct watch){.progress_at_ms = now_ms, .moved_at_ms = now_ms};
}

bool watch_is_level(const struct watch_facts *facts)
{
	return facts->is_tailing && facts->nodes_block < facts->next_block &&
	       facts->database_block < facts->next_block;
}

static int64_t later(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
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

static void note_progress(struct watch *watch, const struct watch_facts *facts, int64_t now_ms)
{
	if (!facts->is_working) {
		watch->progress_at_ms = now_ms;
	} else if (!facts->is_tailing) {
		watch->progress_at_ms = later(watch->progress_at_ms, facts->worked_at_ms);
	} else if (!watch->was_tailing || facts->next_block > watch->next_block) {
		watch->progress_at_ms = now_ms;
		watch->next_block = facts->next_block;
	} else if (watch_is_level(facts)) {
		watch->progress_at_ms = later(watch->progress_at_ms, facts->told_at_ms);
	}
	if (watch_is_level(facts))
		watch->level_at_ms = now_ms;
	watch->was_tailing = facts->is_tailing;
}

enum watch_news watch_step(struct watch *watch, const struct watch_facts *facts, int64_t now_ms)
{
	bool was_stalled = watch->is_stalled;
	bool was_still = watch->is_chain_still;

	note_chain(watch, facts, now_ms);
	note_progress(watch, facts, now_ms);
	watch->is_stalled = now_ms - watch->progress_at_ms >= facts->stall_ms;
	watch->is_chain_still = watch_is_level(facts) && !watch->is_stalled &&
				now_ms - watch->moved_at_ms >= facts->stall_ms;
	if (watch->is_stalled != was_stalled)
		return watch->is_stalled ? WATCH_STALLED : WATCH_GOES_ON;
	if (watch->is_chain_still != was_still)
		return watch->is_chain_still ? WATCH_CHAIN_STILL : WATCH_CHAIN_MOVES;
	return WATCH_NOTHING;
}
