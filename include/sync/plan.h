/* SPDX-License-Identifier: MIT */
/*
 * What comes next, and what is wanted now.  Pure: facts in, decision out.
 */
#ifndef SYNC_PLAN_H
#define SYNC_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "sync/work.h"

struct ranges;

/* This close to the tip a reader tails, without claims. */
#define PLAN_TAIL_BLOCKS 20
/* A tail this far behind is a hole like any other again, to be shared by all readers. */
#define PLAN_LOST_BLOCKS 1000

enum plan_step {
	PLAN_WAIT, /* for own or others' replay */
	PLAN_SCAN, /* the chain moved on meanwhile: the new stretch is a hole like any other */
	PLAN_TAIL,
	PLAN_END,
};

struct plan_facts {
	enum reader_goal goal;
	uint32_t irreversible; /* what the nodes say now */
	uint32_t scanned_to;   /* up to here every hole stands in known_gaps */
	bool is_replaying;     /* this reader holds cells or looks for one */
	bool others_replay;    /* others hold cells that are wanted */
};

/* After a scan: replay until this says something else. */
enum plan_step plan_after_scan(const struct plan_facts *facts);

/*
 * What must be scanned at a start (or in a full scan) to know every hole up to `last`.
 */
void plan_scan_all(const struct ranges *ranges, uint32_t last, struct range_set *ret_ranges);
/*
 * What is replayed before the tail starts: of the open range what is not deeper than
 * before_tail blocks below the irreversible block (0: all of it).
 */
void plan_before_tail(const struct ranges *ranges, uint32_t irreversible, uint32_t before_tail,
		      struct range_set *ret_ranges);

#endif
