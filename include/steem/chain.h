/* SPDX-License-Identifier: MIT */
/*
 * The differences between chains of the same kind, as data: one row for each chain.
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

/* A currency of the chain. */
struct chain_symbol {
	const char *text; /* as written after an amount: "STEEM" */
	const char *nai;  /* as block_api writes it: "@@000000021" */
	uint8_t decimals;
	uint8_t packed[CHAIN_SYMBOL_BYTES + 1]; /* the last byte is not part of it */
};

/* A block whose header has another merkle root than the one computed from its transactions. */
struct chain_root {
	uint32_t block;
	uint8_t root[BLOCK_ID_BYTES]; /* the computed root */
};

struct chain {
	const char *name;
	uint8_t id[CHAIN_ID_BYTES]; /* signatures of a trx include it */
	const char *key_prefix;
	uint32_t block_interval_s;
	/* How many witnesses take turns; 0: it varies, at most CHAIN_WITNESSES_MAX. */
	unsigned witness_count;
	struct block_name first; /* its first block; num 0: it differs between networks */
	/* the first one is the symbol of account_creation_fee */
	const struct chain_symbol *symbols;
	size_t symbol_count;
	const struct codec_table *operations;
	const struct chain_root *roots;
	size_t root_count;
	/*
	 * Odd symbols of account_creation_fee that early blocks have and that JSON does not
	 * show.
	 */
	const uint8_t (*odd_fees)[CHAIN_SYMBOL_BYTES + 1];
	size_t odd_fee_count;
};

enum chain_known {
	CHAIN_STEEM,
	CHAIN_TESTNET,
};

extern const struct chain chain_steem;
/* A test network that uses steemd's defaults. */
extern const struct chain chain_testnet;

/* The row of a chain. */
const struct chain *chain_of(enum chain_known known);
/* The chain whose keys have the prefix of this text; NULL: none is known. */
const struct chain *chain_of_key(const char *text, size_t len);

#endif
