/* SPDX-License-Identifier: MIT */
/*
 * The chain, the nodes that serve it, and what they do wrong.  The functions of
 * steem/http.h are here, in place of those of the program.
 *
 * The chain is a pure function of the seed: block `num` has an id and operations in each of
 * its versions.  Version 0 is the truth, version 1 a lie; from VERSION_FORKS on, one for each
 * fork: above the irreversible block some nodes are on a fork for a while, and honestly so.
 */
#ifndef SIM_NODES_H
#define SIM_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steem/block.h"
#include "tables.h"

#define SIM_NODES_MAX 4
#define VERSION_TRUE  0
#define VERSION_FALSE 1
#define VERSION_NONE  2 /* the id of nothing */
#define VERSION_FORKS 3
#define SIM_FORKS_MAX 64

enum mood {
	MOOD_GOOD,
	MOOD_DOWN,
	MOOD_HANGS,
	MOOD_REFUSES, /* 503 and 429 */
	MOOD_LOCKED,  /* "unable to acquire the database lock", call by call */
	MOOD_NULL,    /* it says that it does not have what it has */
	MOOD_CUTS,
	MOOD_INCOMPLETE,
	MOOD_OTHER_NUMBER,
	MOOD_STALE, /* its irreversible block went back */
	MOOD_WILD,  /* its irreversible block is far in the future */
	MOOD_SLOW,
	MOOD_SMALL_BATCHES,
	MOOD_BOASTS,         /* it claims the newest blocks, and does not give them */
	MOOD_BLOCKS_HANG,    /* it tells its head, but answers no request for blocks */
	MOOD_HARMLESS_COUNT, /* those above say nothing that is not true and looks true */
	MOOD_BROKEN_LINK = MOOD_HARMLESS_COUNT,
	MOOD_FALSE_BLOCK,
	MOOD_FORK,
	MOOD_COUNT
};

struct sim_node {
	enum mood mood;
	int64_t until_ms;    /* of that mood */
	unsigned per_mille;  /* of the answers that it spoils */
	uint32_t lag;        /* so many blocks it is behind the chain */
	uint32_t fork_first; /* of MOOD_FORK */
	bool is_dead;        /* never to come back */
};

/* Blocks from `first` on are of its own version, on these nodes, until their head is `blocks` above. */
struct sim_fork {
	uint32_t first, blocks;
	unsigned nodes; /* mask */
};
#define FORK_BLOCKS_MAX 14 /* less than irreversibility takes */

/*
 * A block that no node gives, ever: they say that they do not have it, or half of it, or are
 * busy; or every request that asks for it, among others, gets no answer, or half of one, or 500.
 */
struct sim_poison {
	uint32_t block; /* 0: none */
	enum mood mood; /* MOOD_NULL, _INCOMPLETE, _LOCKED, _HANGS, _CUTS or _REFUSES */
};

extern struct sim_poison sim_poison;
extern struct sim_node sim_nodes[SIM_NODES_MAX];
extern struct sim_fork sim_forks[SIM_FORKS_MAX];
extern unsigned sim_fork_count;
extern uint64_t sim_request_count;

/* A chain whose irreversible block is `irreversible` now and moves by `step` blocks at a time. */
void nodes_open(uint64_t seed, uint32_t irreversible, uint32_t step);
uint32_t chain_irreversible(void);
uint32_t chain_head(void);
/* Which version has this id? -1: none that any node ever gave. */
int chain_version(uint32_t num, const uint8_t id[BLOCK_ID_BYTES]);
/* The version of the block before a block of this version. */
unsigned chain_version_before(uint32_t num, unsigned version);
void chain_id(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES]);
/* Some blocks begin with a comment, named by their number; the others hold votes. */
#define CHAIN_AUTHOR   "bot"
#define CHAIN_PERMLINK "p%010u"
bool chain_has_comment(uint32_t num, unsigned version);
void chain_trx_id(uint32_t num, unsigned version, unsigned trx, char text[BLOCK_ID_HEX + 1]);
/* Both as they stand in the tables; both live as long as the tables. */
const struct op_rows *chain_operations(uint32_t num, unsigned version);
void chain_timestamp(uint32_t num, char separator, char text[20]);

#endif
