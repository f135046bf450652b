/* SPDX-License-Identifier: MIT */
/*
 * Converts the JSON of condenser_api into the bytes that were signed.
 *
 * One packer walks the table of operations (codec/operations.h) over the text in place.  It accepts
 * only the notation that nodes write: 10 but not 010 or 1e1, each member once, hex in lower case.
 * So two texts with different meanings never give the same bytes, and the packed text can be stored
 * as it is.
 *
 * The surprise: an operation that cannot be packed need not be false.  JSON does not contain
 * everything, and a hardfork may add operations that the table does not know.
 */
#ifndef STEEM_CODEC_PACK_H
#define STEEM_CODEC_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "steem/chain.h"
#include "steem/codec/hash.h"
#include "steem/codec/operations.h"
#include "steem/codec/values.h"
#include "steem/json.h"

/* The position of a value that some nodes are known to print wrong. */
struct pack_mark {
	const struct codec_field *field; /* of kind CODEC_FEE or CODEC_PERCENT */
	size_t operation;                /* pack.operation at that time */
	size_t at;                       /* of the symbol, or of the 16 bits, in `out` */
};

#define PACK_MARKS_MAX 64

struct pack {
	const struct chain *chain; /* not owned; of the symbols, the keys */
	struct hash *hash;         /* not owned; for the checksum of a key's text */
	struct buf out;            /* the packed bytes; pack functions only append */
	/*
	 * Refuse what a node would read differently, or not at all, if this text were sent to it.
	 * A node shows less than it reads, so for blocks this is false.
	 */
	bool is_to_send;
	/* why something could not be packed; without control characters */
	char reason[160];
	size_t operation; /* set by the caller: the operation being packed */
	struct pack_mark marks[PACK_MARKS_MAX];
	size_t mark_count; /* may be above PACK_MARKS_MAX: then only the first marks are kept */
};

void pack_init(struct pack *pack, const struct chain *chain, struct hash *hash);
void pack_release(struct pack *pack);

/*
 * Append the bytes of a value of this type.  False with pack->reason: the JSON does not contain all
 * signed bytes; some bytes may have been appended all the same.
 */
bool pack_value(struct pack *pack, const struct codec_type *type, const struct json_slice *value);
/* The same for the values of an object; it may have no other members. */
bool pack_object(struct pack *pack, const struct values *values);
/* The same, but what is not a field is not packed. */
bool pack_fields(struct pack *pack, const struct values *values);
/* Does each field have at most one value? False with pack->reason. */
bool pack_once(struct pack *pack, const struct values *values);
/* Append the bytes of one field. value->data NULL: there is no value. */
bool pack_field(struct pack *pack, const struct codec_field *field, const struct json_slice *value);
/* Append a count or a length. */
bool pack_count(struct pack *pack, size_t count);

#endif
