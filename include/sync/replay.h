/* SPDX-License-Identifier: MIT */
/*
 * Fills holes: claims cells and processes several of them at a time, until nothing is left
 * to claim.
 */
#ifndef SYNC_REPLAY_H
#define SYNC_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "sync/shared.h"

struct replay;

struct replay_status {
	uint64_t missing_count;     /* wanted blocks in known_gaps, less those stored since */
	uint64_t unreachable_count; /* of them: above the newest block of the nodes, so not tried */
	/* blocks of replay_rewrite() that are not fetched again yet */
	uint64_t rewrite_left_count;
	uint64_t rewrite_failed_count; /* stored blocks that could not be fetched again */
	bool others_work;              /* other readers hold wanted cells */
	unsigned claim_count;          /* how many cells this reader holds */
};

/* The caller owns the replay; `shared` must outlive it. */
struct replay *replay_new(struct shared *shared);
/* NULL is allowed. Call it only after the executor has stopped. */
void replay_free(struct replay *replay);
/* From now on fill the holes within these ranges (copied); search at once. */
void replay_set_within(struct replay *replay, const struct range_set *within);
/* Then also fetch the stored blocks within these ranges again that are outdated. */
void replay_rewrite(struct replay *replay, const struct range_set *ranges);
/* Search at the next step, even if the last search found nothing. */
void replay_look_again(struct replay *replay);
/* Search, and work on what is claimed. Returns when to call it again. */
int64_t replay_step(struct replay *replay, int64_t now_ms);
/* Nothing is held, and the last search since replay_set_within() found nothing to claim. */
bool replay_is_idle(const struct replay *replay);
void replay_get_status(const struct replay *replay, struct replay_status *ret_status);
/* Claim nothing more, and finish the blocks that have arrived; then replay_is_idle(). */
void replay_stop(struct replay *replay);

#endif
