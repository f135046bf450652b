/* SPDX-License-Identifier: MIT */
/*
 * Decides the reader's next step, and which blocks are wanted now.  Pure: facts in, decision
 * out.
 */
#ifndef SYNC_PLAN_H
#define SYNC_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "sync/shared.h"

struct wanted_ranges;

/* A reader this close to the tip tails, without claims. */
#define PLAN_TAIL_BLOCKS 20
/*
 * If the tail is this far behind, the stretch is treated like any other hole and shared by all
 * readers.
 */
#define PLAN_LOST_BLOCKS 1000

enum plan_step {
	PLAN_WAIT, /* for its own replay, or that of others */
	PLAN_SCAN, /* the chain has grown meanwhile, so the new stretch is a hole like any other */
	PLAN_TAIL,
	PLAN_END,
};

struct plan_facts {
	enum reader_goal goal;
	uint32_t irreversible; /* as the nodes say now */
	uint32_t scanned_to;   /* every hole up to here is in known_gaps */
	bool is_replaying;     /* this reader holds cells or is looking for one */
	bool others_replay;    /* other readers hold wanted cells */
};

/*
 * The step after a scan: call it again and again while replaying, until it no longer returns
 * PLAN_WAIT.
 */
enum plan_step plan_after_scan(const struct plan_facts *facts);

/* The blocks to scan at a start, or in a full scan, so that every hole up to `last` is known. */
void plan_scan_all(const struct wanted_ranges *ranges, uint32_t last, struct range_set *ret_ranges);
/*
 * The blocks to replay before the tail starts: those of the open range, down to before_tail
 * blocks below the irreversible one (0: all of them).
 */
void plan_before_tail(const struct wanted_ranges *ranges, uint32_t irreversible,
		      uint32_t before_tail, struct range_set *ret_ranges);

#endif
