/* SPDX-License-Identifier: MIT */
/*
 * Filling holes: claim cells, work some of them at a time, until nothing is left that
 * could be claimed.
 */
#ifndef SYNC_REPLAY_H
#define SYNC_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "sync/work.h"

struct replay;

struct replay_status {
	uint64_t
		missing_count; /* within what is wanted: by known_gaps, less what was stored since */
	uint64_t
		unreachable_count; /* of them, above the newest block of the nodes: they are not tried */
	uint64_t rewrite_left_count;   /* blocks of replay_rewrite() that are not read again yet */
	uint64_t rewrite_failed_count; /* stored blocks that could not be read again */
	uint64_t failed_count;         /* of them, tried in vain since this reader started */
	bool others_work;              /* other readers hold cells of it */
	bool is_claiming;              /* this reader holds cells */
	unsigned claim_count;          /* so many */
};

struct replay *replay_new(struct work *work);
void replay_free(struct replay *replay);
/* Fill the holes within these ranges from now on (copied), and look for some at once. */
void replay_set_within(struct replay *replay, const struct range_set *within);
/* Then also fetch again what stands within these ranges, by work->config.rewrite. */
void replay_rewrite(struct replay *replay, const struct range_set *ranges);
/* Look for work at the next step, whatever the last search said. */
void replay_look_again(struct replay *replay);
/* Search, and work on what is claimed. Returns when to call it again. */
int64_t replay_step(struct replay *replay, int64_t now_ms);
/* Nothing is held, and the last search since replay_set_within() found nothing to claim. */
bool replay_is_idle(const struct replay *replay);
void replay_get_status(const struct replay *replay, struct replay_status *ret_status);
/* Claim nothing more, finish what was given; replay_is_idle() once that is done. */
void replay_stop(struct replay *replay);

#endif
