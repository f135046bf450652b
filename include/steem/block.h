/* SPDX-License-Identifier: MIT */
/*
 * A decoded block with its operations, in one arena.
 *
 * The block owns everything it points to; block_free() frees all of it.  decode_block()
 * makes it; it is then checked, filtered, handed to the executor, and freed when its commit is
 * decided.
 *
 * Operations are in chain order, virtual ones after all real ones.  `is_stored` says
 * whether the filter keeps an operation.  The numbers of operations never depend on it,
 * otherwise two readers with different filters would give one operation two keys.
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
#define BLOCK_QUEUES        64 /* the most queues, because an operation's queues are a bit mask */

/*
 * The key of an operation: its place in the chain.  The tables name an operation by these
 * four numbers, and sort by them.
 */
struct op_place {
	uint32_t block;
	uint32_t trx_in_block, op_in_trx, virtual_op; /* as in struct operation */
};

struct operation {
	uint32_t trx_in_block; /* index of the trx in the block, from 0 */
	uint32_t op_in_trx;    /* index of the operation in its trx, from 0 */
	uint32_t virtual_op;   /* number of a virtual operation; 0: a real one */
	bool is_stored;        /* true until the filter says otherwise */
	uint64_t queues;       /* bit i: the filter wants it in queue i; 0 before filtering */
	const char
		*trx_id;  /* 40 lower-case hex digits; NULL: no trx caused this virtual operation */
	const char *name; /* "comment", without a suffix */
	const char *account; /* the first acting account, or NULL */
	const char *payload; /* canonical JSON of payload_bytes, followed by NUL */
	size_t name_bytes;
	size_t account_bytes;
	size_t payload_bytes;
};

/* Number and id of a block. */
struct block_name {
	uint32_t num; /* 0: none */
	uint8_t id[BLOCK_ID_BYTES];
};

/* How complete a block's virtual operations are. A higher value means better knowledge. */
enum block_virtual {
	BLOCK_VIRTUAL_NONE, /* not requested */
	/* as a node gave them, but without an operation that every block has */
	BLOCK_VIRTUAL_UNVERIFIED,
	BLOCK_VIRTUAL_COMPLETE,
};

/* How much of a block is proved. A higher value includes the lower ones. */
enum block_proof {
	BLOCK_PROOF_NONE, /* no proof was asked for, or the JSON does not contain all signed bytes */
	BLOCK_PROOF_CONTENT, /* the hashes of a block's operations lead to its block id */
	BLOCK_PROOF_SIGNED,  /* and its witness signed it */
};

#define SIGNATURE_BYTES 65 /* of a witness or of a trx */

/* The block's packed header, whose hash is the block's id, with the witness's signature of it. */
struct block_seal {
	const uint8_t *header; /* the signed bytes, and behind them the signature */
	size_t signed_bytes;
	const char *witness;
	const char *signing_key; /* as in the node's answer, or NULL */
};

struct block {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	int64_t timestamp_s; /* seconds since 1970, UTC, from the header */
	struct operation *operations;
	size_t operation_count; /* real operations */
	size_t virtual_count;   /* virtual ones; they follow the real ones in `operations` */
	enum block_virtual virtual_state;
	size_t stored_count;         /* operations that the filter keeps, virtual ones included */
	size_t stored_virtual_count; /* virtual operations that the filter keeps */
	size_t stored_payload_bytes; /* sum of payload_bytes of the stored operations */
	size_t delivery_count;       /* sum of the bits in `queues` */
	bool had_invalid_utf8;       /* at least one byte was replaced by U+FFFD */
	enum block_proof proof;
	/* why the block could not be proved; NULL: it was proved, or no proof was requested */
	const char *proof_reason;
	const char *correction; /* which values in payloads were corrected; NULL: none */
	/*
	 * NULL: no proof was requested, or the JSON does not contain the header as it was
	 * signed.
	 */
	const struct block_seal *seal;
	struct arena *arena;
};

/* A new empty block with its own arena. The caller owns it. */
struct block *block_new(void);
void block_free(struct block *block);
/*
 * Do both blocks have the same chain content, byte for byte? What a filter keeps is not
 * compared.
 */
bool block_equal(const struct block *a, const struct block *b);
/* The memory that the block uses, in bytes. */
size_t block_bytes(const struct block *block);
/* The number of real and virtual operations. */
size_t block_total_count(const struct block *block);
/* Keep every operation: set is_stored, and the counts that depend on it. */
void block_store_all(struct block *block);
/* Recompute the counts that depend on is_stored. */
void block_count_stored(struct block *block);
/* "none", "content" or "signed", as in the table. */
const char *block_proof_name(enum block_proof proof);
/* "none", "unverified" or "complete", as in the table. */
const char *block_virtual_name(enum block_virtual state);
/* The reverse; any other name gives BLOCK_VIRTUAL_NONE. */
enum block_virtual block_virtual_parse(const char *name);

/* The place of an operation of block `num`. */
struct op_place op_place_of(uint32_t num, const struct operation *op);
/* Negative, 0 or positive, in the order of the tables. */
int op_place_compare(struct op_place a, struct op_place b);

/* The block number in the first four bytes of a block id. */
uint32_t block_id_num(const uint8_t id[BLOCK_ID_BYTES]);
bool block_id_equal(const uint8_t a[BLOCK_ID_BYTES], const uint8_t b[BLOCK_ID_BYTES]);
/* The same value as SQL's CRC32() of the 20 bytes. */
uint32_t block_id_crc32(const uint8_t id[BLOCK_ID_BYTES]);
/* Write 40 lower-case digits and a NUL into text. Returns text. */
char *block_id_format(const uint8_t id[BLOCK_ID_BYTES], char text[BLOCK_ID_HEX + 1]);
/* False if text is not exactly 40 hex digits. */
bool block_id_parse(const char *text, size_t len, uint8_t ret_id[BLOCK_ID_BYTES]);

/*
 * Does `next` name `block` as its previous one? True as well where their numbers do not follow each
 * other.
 */
bool block_links(const struct block *block, const struct block *next);

#endif
