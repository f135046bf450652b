/* SPDX-License-Identifier: MIT */
/*
 * The simulated chain, the branches beside it, and the blocks that liars make up.
 *
 * Every block proves itself: its ids are the hashes of what it says, and it is signed.  So a version of a
 * block commits to all below it.  A liar's blocks do so too, but with false keys; what does not even
 * agree with itself is made in http.c, as changes of an answer.
 *
 * The packer here knows two operations, and nothing of the reader's; only the hashes are the same.
 *
 * The surprise: the chain is the same in each simulation, as making it anew would take longer than all the
 * rest.  Blocks are made when they are first looked at.
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
	VERSION_LOOSE,    /* made up, on top of a block that there is not */
	VERSION_BRANCHES, /* from here on: branches */
};

/* A new simulation: there are no branches. */
void chain_open(void);
/* Add a branch whose first block is on top of a true one. Returns its version, or VERSION_TRUE: no more are kept. */
unsigned chain_add_branch(uint32_t first, bool is_lie);
/* A version that no honest node gives. */
bool chain_is_lie(unsigned version);

/* Which version has this id? -1: none that any node ever gave. */
int chain_version(uint32_t num, const uint8_t id[BLOCK_ID_BYTES]);
void chain_id(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES]);
/* The id of the block below a block of this version. */
void chain_previous(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES]);
/* An id that is the hash of nothing. */
void chain_made_up_id(uint32_t num, uint8_t ret_id[BLOCK_ID_BYTES]);
void chain_timestamp(uint32_t num, char separator, char text[20]);

/* Some blocks begin with a comment, named by their number; the others hold votes. */
#define CHAIN_AUTHOR   "bot"
#define CHAIN_PERMLINK "p%010u"
bool chain_has_comment(uint32_t num, unsigned version);
void chain_trx_id(uint32_t num, unsigned version, unsigned trx, char text[BLOCK_ID_HEX + 1]);
/* As they stand in the tables; they live as long as the tables. */
const struct op_rows *chain_operations(uint32_t num, unsigned version);

/* What an answer says in place of what is so. */
struct chain_changes {
	const uint8_t *id, *previous; /* NULL: as it is */
	bool has_false_trxs;          /* those of VERSION_FALSE, with their ids */
	bool has_false_payload;       /* in its first operation */
	bool has_one_trx_id_more;
	bool has_no_signature; /* the witness's */
};

/* Append the block as condenser_api gives it. */
void chain_add_block(struct buf *out, uint32_t num, unsigned version,
		     const struct chain_changes *changes);

#endif
