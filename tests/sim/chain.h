/* SPDX-License-Identifier: MIT */
/*
 * The simulated chain, its branches, and the blocks that liars make up.
 *
 * Every block proves itself: its ids are the hashes of its content, and it is signed.  So
 * a version of a block commits to all blocks below it.  This is also true of a liar's
 * blocks, but they are signed with false keys; blocks that contradict themselves are made
 * in http.c, by changing an answer.
 *
 * The packer here knows two operations and shares no code with the reader's, except the
 * hashes.
 *
 * The surprise: the chain is the same in each simulation, because making it anew would
 * take longer than everything else.  Blocks are made when they are first used.
 */
#ifndef SIM_CHAIN_H
#define SIM_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "steem/block.h"
#include "tables.h"

#define CHAIN_BLOCKS_MAX   16384
#define CHAIN_VERSIONS_MAX 100

enum {
	VERSION_TRUE,
	VERSION_FALSE,    /* made up, on top of the true block before it */
	VERSION_LOOSE,    /* made up, on top of a block that does not exist */
	VERSION_BRANCHES, /* branches have this number or a higher one */
};

/* Start a new simulation, without branches. */
void chain_open(void);
/*
 * Add a branch whose first block is on top of a true block. Returns its version, or
 * VERSION_TRUE: there is no room for more.
 */
unsigned chain_add_branch(uint32_t first, bool is_lie);
/* Is it a version that no honest node gives? */
bool chain_is_lie(unsigned version);

/* The version with this id; -1: no node ever gave one. */
int chain_version(uint32_t num, const uint8_t id[BLOCK_ID_BYTES]);
void chain_id(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES]);
/* The id of the block below a block of this version. */
void chain_previous(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES]);
/* An id that is not the hash of any block. */
void chain_made_up_id(uint32_t num, uint8_t ret_id[BLOCK_ID_BYTES]);
void chain_timestamp(uint32_t num, char separator, char text[20]);

/* Some blocks begin with a comment, named by their number; the others have votes. */
#define CHAIN_AUTHOR   "bot"
#define CHAIN_PERMLINK "p%010u"
bool chain_has_comment(uint32_t num, unsigned version);
void chain_trx_id(uint32_t num, unsigned version, unsigned trx, char text[BLOCK_ID_HEX + 1]);
/* The operations as in the tables; they live as long as the tables. */
const struct op_rows *chain_operations(uint32_t num, unsigned version);

/* How an answer differs from the true block. */
struct chain_changes {
	const uint8_t *id, *previous; /* NULL: unchanged */
	bool has_false_trxs;          /* the transactions of VERSION_FALSE, with their ids */
	bool has_false_payload;       /* in its first operation */
	bool has_one_trx_id_more;
	bool has_no_signature; /* of the witness */
};

/* Append the block in the form of condenser_api. */
void chain_add_block(struct buf *out, uint32_t num, unsigned version,
		     const struct chain_changes *changes);

#endif
