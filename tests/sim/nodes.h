/* SPDX-License-Identifier: MIT */
/*
 * The nodes that serve the chain, and their faults.  This replaces the functions of
 * steem/http.h of the program.
 *
 * A fork: above the irreversible block some nodes are honestly on another branch for a
 * while.
 */
#ifndef SIM_NODES_H
#define SIM_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"

#define SIM_NODES_MAX 4
#define SIM_FORKS_MAX 64

enum mood {
	MOOD_GOOD,
	MOOD_DOWN,
	MOOD_HANGS,
	MOOD_REFUSES, /* 503 and 429 */
	MOOD_LOCKED,  /* "unable to acquire the database lock", call by call */
	MOOD_NULL,    /* it says that it does not have blocks that it has */
	MOOD_CUTS,
	MOOD_INCOMPLETE,
	MOOD_OTHER_NUMBER,
	MOOD_STALE, /* its irreversible block went back */
	MOOD_WILD,  /* its irreversible block is far in the future */
	MOOD_SLOW,
	MOOD_SMALL_BATCHES,
	MOOD_BOASTS,         /* it claims the newest blocks and does not give them */
	MOOD_HIDES,          /* it leaves something out, so that a block cannot be proved */
	MOOD_BLOCKS_HANG,    /* it tells its head, but answers no request for blocks */
	MOOD_HARMLESS_COUNT, /* the moods above say nothing that is false and looks true */
	MOOD_BROKEN_LINK = MOOD_HARMLESS_COUNT,
	MOOD_FALSE_BLOCK,
	MOOD_FORK,      /* from some block on it is on a branch that it has made up */
	MOOD_FALSE_KEY, /* it tells false keys of witnesses */
	MOOD_COUNT
};

struct sim_node {
	enum mood mood;
	int64_t until_ms;   /* of that mood */
	unsigned per_mille; /* how many of its answers it spoils */
	uint32_t lag;       /* how many blocks it is behind the chain */
	/* For moods that lie. */
	uint32_t fork_first;   /* MOOD_FORK */
	unsigned fork_version; /* the same */
	bool lies_prove;       /* its blocks are well made: each one agrees with its own id */
	bool tells_false_keys; /* the false keys with which they are signed */
	bool is_dead;          /* it never comes back */
};

/* On these nodes, blocks from `first` on have this version, until their head is `blocks` higher. */
struct sim_fork {
	unsigned version;
	uint32_t first, blocks;
	unsigned nodes; /* mask */
};
#define FORK_BLOCKS_MAX 14 /* less than irreversibility takes */

/*
 * A block that no node ever gives: they say that they do not have it, give half of it, or are
 * busy; or every request that includes it gets no answer, half of one, or 500. Or a block that
 * all nodes give in a form that cannot be proved.
 */
struct sim_poison {
	uint32_t block; /* 0: none */
	enum mood mood; /* MOOD_NULL, _INCOMPLETE, _LOCKED, _HANGS, _CUTS, _REFUSES or _HIDES */
};

/* A node gave this block in a form that cannot be proved. */
extern bool sim_was_hidden[CHAIN_BLOCKS_MAX];

extern struct sim_poison sim_poison;
extern struct sim_node sim_nodes[SIM_NODES_MAX];
extern unsigned sim_node_count;
extern struct sim_fork sim_forks[SIM_FORKS_MAX];
extern unsigned sim_fork_count;
extern uint64_t sim_request_count;

/* The chain's irreversible block is `irreversible` now, and advances by `step` blocks at a time. */
void nodes_open(uint32_t irreversible, uint32_t step, unsigned count);
/*
 * Are there at least two honest nodes besides the liar, which is the last one, and were they
 * well for a while?
 */
bool honest_are_most(void);
uint32_t chain_irreversible(void);
uint32_t chain_head(void);

#endif
