/* SPDX-License-Identifier: MIT */
/*
 * The table of operations: what each is called, which number it has, and which fields it is
 * packed from, in their order.
 *
 * The table is data.  codec/pack.h walks it to make an operation's bytes, steem/accounts.h to find
 * the accounts that an operation names.  Virtual operations stand in it too; they are never
 * packed, so their fields are only those that name an account.
 * The surprise: packed order is the order of the node's FC_REFLECT, not of the declaration.
 * Sources: steemit/steem, libraries/protocol/include/steem/protocol/operations.hpp (numbers),
 * steem_operations.hpp and sps_operations.hpp (fields), libraries/app/impacted.cpp (accounts).
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
	CODEC_TIME,     /* seconds since 1970 in 32 bits, in JSON as signed ones */
	CODEC_VERSION,  /* "0.24.0": eight bits, eight bits, sixteen bits */
	CODEC_TEXT,     /* at most `size` bytes; 0: any length */
	CODEC_NAME,     /* of an account */
	CODEC_HEX,      /* `size` bytes without a length */
	CODEC_BYTES,    /* any number of bytes, in JSON as hex */
	CODEC_KEY,      /* a public key */
	CODEC_ASSET,    /* an amount and its symbol, in JSON a text */
	CODEC_FEE,      /* the same, or an object; JSON does not show all early symbols */
	CODEC_PERCENT,  /* 16 bits that some nodes printed without having set them */
	CODEC_STRUCT,   /* `fields` */
	CODEC_PAIR,     /* two `fields`, in JSON an array without their names */
	CODEC_LIST,     /* any number of `of` */
	CODEC_OPTIONAL, /* `of`, or nothing */
	CODEC_VARIANT,  /* one of `fields`, which are its alternatives by number */
	CODEC_NAMED,    /* the same; where the node converts nothing, by name */
	CODEC_VOID,     /* no bytes */
	CODEC_EMPTY,    /* a list that has never had an element */
};

struct codec_field;

struct codec_type {
	enum codec_kind kind;
	uint8_t size;
	uint8_t field_count;
	const struct codec_field *fields;
	const struct codec_type *of;
};

/* What the accounts that stand in a field are to the operation. */
enum codec_role {
	CODEC_UNNAMED,   /* nothing that a bot would look for */
	CODEC_MENTIONED, /* it concerns them */
	CODEC_ACTING,    /* they act */
};

struct codec_field {
	const char *name;
	uint8_t name_len;
	bool may_lack; /* nodes leave it out of their JSON although it is packed; CODEC_EMPTY */
	enum codec_role role;
	const struct codec_type *type; /* NULL: a number that is not packed */
};

#define CODEC_VIRTUAL (-1)

struct codec_operation {
	const char *name;     /* "comment", no suffix */
	int number;           /* CODEC_VIRTUAL: it never stands in a trx */
	const char *acting;   /* an account that acts whatever the operation says, or NULL */
	struct codec_type is; /* CODEC_STRUCT */
};

/* The operations of one chain, sorted by name. */
struct codec_table {
	const struct codec_operation *rows;
	size_t count;
};

extern const struct codec_table operations_steem;

/* NULL: the table does not know the name. */
const struct codec_operation *operations_find(const struct codec_table *table, const char *name,
					      size_t name_len);

/* What stands around the operations of a trx, in this order: behind the first three. */
enum {
	CODEC_TRX_EXTENSIONS = 3,
	CODEC_TRX_SIGNATURES,
};
extern const struct codec_type codec_trx;
/* A block's header with the signature of its witness, which are its last SIGNATURE_BYTES. */
extern const struct codec_type codec_signed_header;

#endif
