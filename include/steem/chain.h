/* SPDX-License-Identifier: MIT */
/*
 * What differs between chains of the same kind, as data: one row for each chain.
 */
#ifndef STEEM_CHAIN_H
#define STEEM_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "steem/block.h"
#include "steem/codec/operations.h"

#define CHAIN_ID_BYTES      32
#define CHAIN_SYMBOL_BYTES  8
#define CHAIN_WITNESSES_MAX 21

/* A kind of money. */
struct chain_symbol {
	const char *text; /* as it stands behind an amount: "STEEM" */
	const char *nai;  /* as block_api has it: "@@000000021" */
	uint8_t decimals;
	uint8_t packed[CHAIN_SYMBOL_BYTES + 1]; /* the last one is no part of it */
};

/* A block whose header has another merkle root than its transactions give. */
struct chain_root {
	uint32_t block;
	uint8_t root[BLOCK_ID_BYTES]; /* what they give */
};

struct chain {
	const char *name;
	uint8_t id[CHAIN_ID_BYTES]; /* what a trx is signed with */
	const char *key_prefix;
	uint32_t block_interval_s;
	/* Witnesses that take turns; 0: that differs, and is CHAIN_WITNESSES_MAX at most. */
	unsigned witness_count;
	struct block_name first; /* its first block; num 0: that differs from network to network */
	const struct chain_symbol *symbols; /* the first one is that of account_creation_fee */
	size_t symbol_count;
	const struct codec_table *operations;
	const struct chain_root *roots;
	size_t root_count;
	/* Symbols of account_creation_fee that were accepted early and that JSON does not show. */
	const uint8_t (*odd_fees)[CHAIN_SYMBOL_BYTES + 1];
	size_t odd_fee_count;
};

enum chain_known {
	CHAIN_STEEM,
	CHAIN_TESTNET,
};

extern const struct chain chain_steem;
/* A test network as steemd makes it with its own defaults. */
extern const struct chain chain_testnet;

const struct chain *chain_of(enum chain_known known);
/* The chain whose keys begin like this text; NULL: none that is known. */
const struct chain *chain_of_key(const char *text, size_t len);

#endif
