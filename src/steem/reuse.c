/* SPDX-License-Identifier: MIT */
#include "steem/reuse.h"

#include "base/number.h"

#define LOSSES_MAX 2
/* The pause before a trial; doubled after each failed one. */
#define TRIAL_MIN_MS 1000
#define TRIAL_MAX_MS 600000

enum reuse reuse_choose(struct reuse_record *record, int64_t now_ms)
{
	if (!record->is_closing)
		return REUSE_YES;
	if (record->trial == TRIAL_NONE && now_ms >= record->trial_at_ms) {
		record->trial = TRIAL_FIRST;
		return REUSE_TRIAL_FIRST;
	}
	if (record->trial == TRIAL_KEPT) {
		record->trial = TRIAL_SECOND;
		return REUSE_TRIAL_SECOND;
	}
	return REUSE_NO;
}

static void try_later(struct reuse_record *record, int64_t now_ms)
{
	record->trial = TRIAL_NONE;
	record->trial_at_ms = now_ms + record->pause_ms;
	record->pause_ms = min_i64(record->pause_ms * 2, TRIAL_MAX_MS);
}

void reuse_learn(struct reuse_record *record, enum reuse reuse, bool was_lost, bool was_kept,
		 int64_t now_ms)
{
	switch (reuse) {
	case REUSE_YES:
		if (was_kept)
			record->loss_count = 0;
		if (!was_lost || record->is_closing || ++record->loss_count < LOSSES_MAX)
			break;
		record->is_closing = true;
		record->pause_ms = TRIAL_MIN_MS;
		try_later(record, now_ms);
		break;
	case REUSE_TRIAL_FIRST:
		record->trial = TRIAL_KEPT;
		break;
	case REUSE_TRIAL_SECOND:
		record->trial = TRIAL_NONE;
		record->loss_count = 0;
		if (was_kept)
			record->is_closing = false;
		else
			try_later(record, now_ms);
		break;
	case REUSE_NO:
		break;
	}
}
