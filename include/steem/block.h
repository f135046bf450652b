/* SPDX-License-Identifier: MIT */
/*
 * A decoded block with its operations, in one arena.
 *
 * The block owns everything it points to; one block_free() ends it all.  It is
 * made by decode_block(), checked, filtered, handed to a writer and freed when
 * the commit is known to stand.
 *
 * Operations stand in the order of the chain, virtual ones behind all real ones.  `is_stored` says whether the filter
 * keeps an operation; numbers never depend on it, or two readers with different
 * filters would give one operation two keys.
 */
#ifndef STEEM_BLOCK_H
#define STEEM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define BLOCK_ID_BYTES      20
#define BLOCK_ID_HEX        40
#define BLOCK_INTERVAL_S    3
#define BLOCK_ACCOUNT_BYTES 16
#define BLOCK_QUEUES        64 /* at most, since an operation's are a mask */

struct operation {
	uint32_t trx_in_block; /* place of the trx in the block, from 0 */
	uint32_t op_in_trx;    /* place of the operation in its trx, from 0 */
	uint32_t virtual_op;   /* 0: a real operation */
	bool is_stored;        /* true until the filter says otherwise */
	uint64_t queues;       /* bit i: the filter wants it in its queue i; 0 until then */
	const char *
		trx_id; /* 40 lower-case hexadecimal digits; NULL for block-level virtual operations */
	const char *name;    /* "comment", no suffix */
	const char *account; /* the first acting account, or NULL */
	const char *payload; /* canonical JSON, payload_bytes long, NUL behind */
	size_t name_bytes;
	size_t account_bytes;
	size_t payload_bytes;
};

/* A block and its id. */
struct block_name {
	uint32_t num; /* 0: none */
	uint8_t id[BLOCK_ID_BYTES];
};

/* What is known of a block's virtual operations; the order of the values is one of knowledge. */
enum block_virtual {
	BLOCK_VIRTUAL_NONE,       /* not asked for */
	BLOCK_VIRTUAL_UNVERIFIED, /* as a node gave them, but what every block has was not among them */
	BLOCK_VIRTUAL_COMPLETE,
};

/* What the reader proved about a block. A higher value includes the lower ones. */
enum block_proof {
	BLOCK_PROOF_NONE, /* no proof was asked for, or the JSON does not contain all signed bytes */
	BLOCK_PROOF_CONTENT, /* the hashes of its operations lead to its block id */
	BLOCK_PROOF_SIGNED,  /* and its witness signed it */
};

#define SIGNATURE_BYTES    65 /* of a witness, of a trx */
#define BLOCK_DIGEST_BYTES 32

/* The witness's signature of a block's header, which has the block's id. */
struct block_seal {
	uint8_t digest[BLOCK_DIGEST_BYTES]; /* SHA-256 of the header without the signature */
	uint8_t signature[SIGNATURE_BYTES];
	const char *witness;
	const char *signing_key; /* as in the node's answer, or NULL */
};

struct block {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	int64_t timestamp_s; /* seconds since 1970, UTC, from the header */
	struct operation *operations;
	size_t operation_count; /* real operations in the block */
	size_t virtual_count;   /* virtual ones, behind them in `operations` */
	enum block_virtual virtual_state;
	size_t stored_count;         /* of all, how many the filter keeps */
	size_t stored_virtual_count; /* of the virtual ones */
	size_t stored_payload_bytes; /* sum of payload_bytes over the stored ones */
	size_t delivery_count;       /* sum of the bits in `queues` */
	bool had_invalid_utf8;       /* at least one byte was replaced by U+FFFD */
	enum block_proof proof;
	const char
		*proof_reason;  /* why the proof failed; NULL: it succeeded, or was not asked for */
	const char *correction; /* which values in payloads were corrected, or NULL */
	/* NULL: no proof was asked for, or the JSON does not show the header as it was signed. */
	const struct block_seal *seal;
	struct arena *arena;
};

/* An empty block with an arena of its own. The caller owns it. */
struct block *block_new(void);
void block_free(struct block *block);
/* Do both say the same of the chain, to the last byte? What a filter keeps of it is not compared. */
bool block_equal(const struct block *a, const struct block *b);
/* What the block takes in memory, in bytes. */
size_t block_bytes(const struct block *block);
/* Real and virtual operations. */
size_t block_total_count(const struct block *block);
/* Set is_stored and what is counted by it: every operation is kept. */
void block_store_all(struct block *block);
/* Count again what is_stored says. */
void block_count_stored(struct block *block);
/* "none", "content", "signed": as the table has it. */
const char *block_proof_name(enum block_proof proof);
/* "none", "unverified", "complete": as the table has it. */
const char *block_virtual_name(enum block_virtual state);
/* The other way round; anything else is BLOCK_VIRTUAL_NONE. */
enum block_virtual block_virtual_parse(const char *name);

/* The number that the first four bytes of a block id carry. */
uint32_t block_id_num(const uint8_t id[BLOCK_ID_BYTES]);
bool block_id_equal(const uint8_t a[BLOCK_ID_BYTES], const uint8_t b[BLOCK_ID_BYTES]);
/* What SQL's CRC32() says of the 20 bytes. */
uint32_t block_id_crc32(const uint8_t id[BLOCK_ID_BYTES]);
/* 40 lower-case digits and a NUL into text. Returns text. */
char *block_id_format(const uint8_t id[BLOCK_ID_BYTES], char text[BLOCK_ID_HEX + 1]);
/* False when text is not exactly 40 hexadecimal digits. */
bool block_id_parse(const char *text, size_t len, uint8_t ret_id[BLOCK_ID_BYTES]);

#endif
