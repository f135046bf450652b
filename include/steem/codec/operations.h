/* SPDX-License-Identifier: MIT */
/*
 * The table of operations: the name and number of each one, and its fields in packed
 * order.
 *
 * The table is data.  codec/pack.h uses it to make an operation's bytes, steem/accounts.h
 * to find the accounts that an operation names.  Virtual operations are in it too; they
 * are never packed, so only their fields that name accounts are listed. The surprise: the
 * packed order is that of the node's FC_REFLECT, not of the declaration. Sources:
 * steemit/steem, libraries/protocol/include/steem/protocol/operations.hpp (numbers),
 * steem_operations.hpp and sps_operations.hpp (fields, and which authority they require),
 * steem_operations.cpp, sps_operations.cpp and validation.hpp (limits and rules),
 * libraries/app/impacted.cpp (accounts).
 */
#ifndef STEEM_CODEC_OPERATIONS_H
#define STEEM_CODEC_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steem/block.h"

/* No struct has more fields. */
#define CODEC_FIELDS_MAX 12

enum codec_kind {
	CODEC_U16,
	CODEC_U32,
	CODEC_U64,
	CODEC_I16,
	CODEC_I64,
	CODEC_BOOL,
	CODEC_TIME,     /* seconds since 1970 in 32 bits; JSON shows them as a signed number */
	CODEC_VERSION,  /* "0.24.0": eight bits, eight bits, sixteen bits */
	CODEC_TEXT,     /* at most `size` bytes; 0: any length */
	CODEC_NAME,     /* an account name */
	CODEC_HEX,      /* `size` bytes without a length prefix */
	CODEC_BYTES,    /* any number of bytes, as hex in JSON */
	CODEC_KEY,      /* a public key */
	CODEC_ASSET,    /* an amount and its symbol, as text in JSON */
	CODEC_FEE,      /* the same, or an object; JSON does not show all early symbols */
	CODEC_PERCENT,  /* 16 bits that some nodes printed without having set them */
	CODEC_STRUCT,   /* `fields` */
	CODEC_PAIR,     /* two `fields`, as an array without names in JSON */
	CODEC_LIST,     /* any number of `of` */
	CODEC_OPTIONAL, /* `of`, or nothing */
	CODEC_VARIANT,  /* one of `fields`: the alternatives in the order of their numbers */
	CODEC_NAMED,    /* the same, but by name if the node does not convert it */
	CODEC_VOID,     /* no bytes */
	CODEC_EMPTY,    /* a list that has never had an element */
};

/* What the chain wants of a value besides its kind and its limits (codec/rules.h). */
enum codec_rule {
	CODEC_ANYTHING,
	CODEC_JSON,     /* a text: JSON; empty only if `least` is 0 */
	CODEC_PERMLINK, /* a text: lower-case letters, digits and hyphens */
	CODEC_SHARES,   /* a list: the last fields of its elements add up to 10000 at most */
	CODEC_PRICE,    /* a struct: its two amounts have different symbols */
	CODEC_KEEPERS,  /* a struct: its two lists have 40 elements together at most */
};

/* Symbols that an amount may have, as bits: 1 << the index in chain->symbols. */
#define CODEC_STEEM 1
#define CODEC_SBD   2
#define CODEC_VESTS 4

struct codec_field;

struct codec_type {
	enum codec_kind kind;
	uint8_t size;
	uint8_t field_count;
	/* a list that a node sorts, or wants sorted: each element once; of pairs, the first part counts */
	bool is_sorted;
	const struct codec_field *fields;
	const struct codec_type *of;
	/*
	 * Not for the packer: what the chain wants.  The limits are those of a number, of the bytes of a text,
	 * a name or CODEC_BYTES, of the elements of a list, or of an amount in its smallest unit.
	 */
	int32_t least;
	int32_t most;    /* 0: no limit */
	uint8_t symbols; /* of an amount; 0: any */
	enum codec_rule rule;
};

/* The relation of the accounts in a field to the operation. */
enum codec_role {
	CODEC_UNNAMED,   /* not of interest to a bot */
	CODEC_MENTIONED, /* it concerns them */
	CODEC_ACTING,    /* they act */
};

/* Which key of an account must sign. A higher value includes the lower ones. */
enum codec_authority {
	CODEC_NO_AUTHORITY,
	CODEC_POSTING,
	CODEC_ACTIVE,
	CODEC_OWNER,
	CODEC_FOREIGN, /* a key that is no account's: the operation itself names it */
};

struct codec_field {
	const char *name;
	uint8_t name_len;
	bool may_lack; /* nodes may leave it out of their JSON although it is packed; CODEC_EMPTY */
	enum codec_role role;
	/* The accounts in the field must sign, at least with this authority. */
	enum codec_authority signs;
	/* If the field has a value that is not empty, the signers of the operation need this one. */
	enum codec_authority raises;
	const struct codec_type *type; /* NULL: a number that is not packed */
};

#define CODEC_VIRTUAL (-1)

struct codec_operation {
	const char *name; /* "comment", no suffix */
	int number;       /* CODEC_VIRTUAL: it is never part of a trx */
	/* an account that always acts, whatever the operation contains; or NULL */
	const char *acting;
	bool is_closed;       /* the chain takes it no more: codec/rules.h */
	struct codec_type is; /* CODEC_STRUCT */
};

/* The operations of one chain, sorted by name. */
struct codec_table {
	const struct codec_operation *rows;
	size_t count;
};

extern const struct codec_table operations_steem;

/* Find a row by name; NULL: the table does not have the name. */
const struct codec_operation *operations_find(const struct codec_table *table, const char *name,
					      size_t name_len);

/*
 * The lowest authority with which an account may sign it, whatever it contains; CODEC_NO_AUTHORITY: no
 * account can.
 */
enum codec_authority operations_authority(const struct codec_operation *row);

/*
 * The fields of codec_trx that are packed behind the operations; the first three are packed before
 * them.
 */
enum {
	CODEC_TRX_EXTENSIONS = 3,
	CODEC_TRX_SIGNATURES,
};
extern const struct codec_type codec_trx;
/* A block's header with the witness's signature, which is its last SIGNATURE_BYTES. */
extern const struct codec_type codec_signed_header;

#endif
