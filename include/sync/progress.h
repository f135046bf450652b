/* SPDX-License-Identifier: MIT */
/*
 * Shows the progress of long work: a bar on a terminal, otherwise a log line every ten
 * seconds.
 */
#ifndef SYNC_PROGRESS_H
#define SYNC_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_terminal;
	bool is_active;       /* long work is under way */
	bool is_drawn;        /* the bar is on the screen */
	const char *what;     /* "replaying" */
	uint64_t done_blocks; /* since progress_begin() */
	uint64_t left_blocks;
	uint64_t operations;
	int64_t began_at_ms;
	int64_t shown_at_ms;
	uint64_t shown_blocks; /* at the last line or half second, for the present rate */
	uint64_t shown_operations;
	double blocks_per_s;
	double operations_per_s;
	char line[160];
};

void progress_init(struct progress *progress);
/* Long work begins; `what` must be a constant string. */
void progress_begin(struct progress *progress, const char *what);
/*
 * Take the newest counts, and show them if it is time.  Returns when it will be time again.
 * left_blocks: how many blocks are still missing, for all readers together.
 */
int64_t progress_update(struct progress *progress, uint64_t done_blocks, uint64_t operations,
			uint64_t left_blocks);
/* It is over: take the bar away, say the sum. */
void progress_end(struct progress *progress);
/* The same without the total. */
void progress_drop(struct progress *progress);

#endif
