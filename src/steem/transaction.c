/* SPDX-License-Identifier: MIT */
#include "steem/transaction.h"

#include <endian.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "steem/codec/pack.h"
#include "steem/codec/rules.h"
#include "steem/codec/values.h"

/* ref_block_num, ref_block_prefix, expiration: 2, 4 and 4 bytes. */
#define PREFIX_AT     2
#define EXPIRATION_AT 6
#define HEAD_BYTES    10
/* What a node adds to the bytes to get the size: the count of signatures, and one of them. */
#define SIGNED_BYTES (1 + SIGNATURE_BYTES)

struct transaction_maker {
	const struct chain *chain;
	struct hash *hash;
	struct pack pack;
};

struct transaction_parts {
	struct arena *arena; /* of the operations' JSON */
	uint8_t *bytes;
	const struct chain *chain;
	struct hash *hash;
};

/* A transaction that is being read. */
struct reading {
	struct transaction_maker *maker;
	struct transaction *trx;
	struct json_cursor cursor;
	size_t count; /* of the operations that were begun */
	struct error *err;
};

struct transaction_maker *transaction_maker_new(const struct chain *chain, struct error *err)
{
	struct hash *hash = hash_new(err);
	struct transaction_maker *maker;

	if (hash == NULL)
		return NULL;
	maker = xcalloc(1, sizeof(*maker));
	maker->chain = chain;
	maker->hash = hash;
	pack_init(&maker->pack, chain, hash);
	maker->pack.is_to_send = true;
	return maker;
}

void transaction_maker_free(struct transaction_maker *maker)
{
	if (maker == NULL)
		return;
	pack_release(&maker->pack);
	hash_free(maker->hash);
	free(maker);
}

struct hash *transaction_maker_hash(struct transaction_maker *maker)
{
	return maker->hash;
}

/* Prefix the operation's number, from 1, and its name. */
__attribute__((format(printf, 2, 3))) static int refuse(struct reading *reading, const char *fmt,
							...)
{
	const struct transaction *trx = reading->trx;
	char why[256];
	va_list args;

	va_start(args, fmt);
	text_vformat(why, sizeof(why), fmt, args);
	va_end(args);
	if (trx->operation_count == reading->count)
		return error_set(reading->err, ERROR_DATA, "operation %zu, %s: %s", reading->count,
				 trx->operations[reading->count - 1].row->name, why);
	return error_set(reading->err, ERROR_DATA, "operation %zu: %s", reading->count, why);
}

static int refuse_text(struct reading *reading)
{
	if (!json_failed(&reading->cursor))
		return error_set(reading->err, ERROR_DATA,
				 "operations are an array of pairs: [[\"vote\",{...}],...]");
	(void)json_error(&reading->cursor, reading->err);
	reading->err->kind = ERROR_DATA;
	return error_prefix(reading->err, "the operations cannot be read: ");
}

/* Who must sign. */

static const char *authority_name(enum codec_authority authority)
{
	static const char *const names[] = {
		[CODEC_POSTING] = "posting",
		[CODEC_ACTIVE] = "active",
		[CODEC_OWNER] = "owner",
	};

	return names[authority];
}

/* Is it a value, and neither null, "", [] nor {}? */
static bool is_filled(const struct json_slice *value)
{
	return value->len > 2 && !(value->len == 4 && value->data[0] == 'n');
}

static int add_signer(struct reading *reading, const struct json_slice *quoted,
		      enum codec_authority authority)
{
	struct transaction *trx = reading->trx;
	struct transaction_signer *signers = trx->signers;
	char account[BLOCK_ACCOUNT_BYTES + 1];
	size_t at = 0;
	int order = -1;

	if (!is_filled(quoted))
		return refuse(reading, "the account that must sign has no name");
	/* The packer found that it is a name, so it has no escapes and is not longer. */
	memcpy(account, quoted->data + 1, quoted->len - 2);
	account[quoted->len - 2] = '\0';
	while (at < trx->signer_count && (order = strcmp(signers[at].account, account)) < 0)
		at++;
	if (at == trx->signer_count || order != 0) {
		if (trx->signer_count == TRANSACTION_SIGNERS_MAX)
			return refuse(reading, "more than %d accounts must sign",
				      TRANSACTION_SIGNERS_MAX);
		memmove(signers + at + 1, signers + at,
			(trx->signer_count - at) * sizeof(*signers));
		memcpy(signers[at].account, account, sizeof(account));
		signers[at].authority = CODEC_NO_AUTHORITY;
		trx->signer_count++;
	}
	if (signers[at].authority < authority)
		signers[at].authority = authority;
	/* libraries/protocol/include/steem/protocol/transaction_util.hpp, verify_authority() */
	if (trx->authority != CODEC_NO_AUTHORITY &&
	    (trx->authority == CODEC_POSTING) != (authority == CODEC_POSTING))
		return refuse(
			reading,
			"it needs the %s authority, others need the %s authority; they cannot be "
			"in one transaction",
			authority_name(authority), authority_name(trx->authority));
	if (trx->authority < authority)
		trx->authority = authority;
	return 0;
}

static int add_signers(struct reading *reading, const struct json_slice *value,
		       enum codec_authority authority)
{
	struct json_cursor cursor;
	struct json_slice element;
	bool is_first = true;

	if (value->data[0] != '[')
		return add_signer(reading, value, authority);
	json_open(&cursor, value->data, value->len);
	(void)json_enter(&cursor, JSON_ARRAY);
	while (json_next_element(&cursor, &is_first) && json_skip(&cursor, &element))
		if (add_signer(reading, &element, authority) != 0)
			return -1;
	return 0;
}

static int find_signers(struct reading *reading, const struct transaction_operation *operation)
{
	const struct codec_type *type = &operation->row->is;
	enum codec_authority least = CODEC_NO_AUTHORITY;
	struct json_slice value;
	bool has_signer = false;

	for (size_t i = 0; i < type->field_count; i++)
		if (type->fields[i].raises > least &&
		    transaction_member(operation, type->fields[i].name, &value) &&
		    is_filled(&value))
			least = type->fields[i].raises;
	if (least == CODEC_FOREIGN)
		return refuse(reading, "no account's key can sign it");
	for (size_t i = 0; i < type->field_count; i++) {
		enum codec_authority signs = type->fields[i].signs;

		if (signs == CODEC_NO_AUTHORITY ||
		    !transaction_member(operation, type->fields[i].name, &value))
			continue;
		if (add_signers(reading, &value, signs > least ? signs : least) != 0)
			return -1;
		has_signer = has_signer || value.len > 2;
	}
	return has_signer ? 0 : refuse(reading, "it names no account that signs it");
}

/* Refuse operations that can be packed, but that condenser_api would change or lose. */
static int check_arrives(struct reading *reading, const struct transaction_operation *operation)
{
	struct json_slice value;

	/* condenser_api/condenser_api_legacy_operations.hpp does not convert it. */
	if (strcmp(operation->row->name, "comment_options") == 0 &&
	    transaction_member(operation, "allow_votes", &value) && value.data[0] == 'f')
		return refuse(reading,
			      "allow_votes: condenser_api loses false; only true can be sent");
	return 0;
}

/* ["vote",{...}] */
static int read_operation(struct reading *reading)
{
	struct transaction *trx = reading->trx;
	struct transaction_operation *operation = &trx->operations[trx->operation_count];
	struct pack *pack = &reading->maker->pack;
	struct json_cursor *cursor = &reading->cursor;
	struct values values;
	struct json_slice name;
	bool is_first = true, had_invalid_utf8 = false;

	if (!json_enter(cursor, JSON_ARRAY) || !json_next_element(cursor, &is_first) ||
	    !json_take_string(cursor, &name))
		return refuse_text(reading);
	operation->row = operations_find(reading->maker->chain->operations, name.data, name.len);
	if (operation->row == NULL)
		return refuse(reading, "there is no operation \"%.*s\"",
			      (int)(name.len < 40 ? name.len : 40), name.data);
	trx->operation_count++;
	if (operation->row->number == CODEC_VIRTUAL)
		return refuse(reading, "it is a virtual operation, which nobody can send");
	if (!json_next_element(cursor, &is_first) ||
	    !values_take(&values, &operation->row->is, cursor, trx->parts->arena, &operation->body,
			 &had_invalid_utf8) ||
	    json_next_element(cursor, &is_first) || json_failed(cursor))
		return refuse_text(reading);
	if (had_invalid_utf8)
		return refuse(reading, "it is not valid UTF-8");
	if (!pack_count(pack, (size_t)operation->row->number) || !pack_object(pack, &values))
		return refuse(reading, "%s", pack->reason);
	return check_arrives(reading, operation) == 0 ? find_signers(reading, operation) : -1;
}

static int read_operations(struct reading *reading)
{
	struct json_cursor *cursor = &reading->cursor;
	bool is_first = true;

	if (!json_enter(cursor, JSON_ARRAY))
		return refuse_text(reading);
	while (json_next_element(cursor, &is_first)) {
		if (reading->count++ == TRANSACTION_OPERATIONS_MAX)
			return error_set(reading->err, ERROR_DATA,
					 "there are more than %d operations",
					 TRANSACTION_OPERATIONS_MAX);
		if (read_operation(reading) != 0)
			return -1;
	}
	if (json_failed(cursor) || !json_at_end(cursor))
		return refuse_text(reading);
	if (reading->count == 0)
		return error_set(reading->err, ERROR_DATA, "there is no operation");
	return 0;
}

/* Everything between head and signatures. The number of operations is one byte. */
static int take_bytes(struct reading *reading)
{
	struct transaction *trx = reading->trx;
	struct buf *out = &reading->maker->pack.out;
	size_t size = HEAD_BYTES + 1 + out->len + 1;

	if (size + SIGNED_BYTES > TRANSACTION_BYTES_MAX)
		return error_set(reading->err, ERROR_DATA,
				 "the transaction has %zu bytes; a node takes at most %d",
				 size + SIGNED_BYTES, TRANSACTION_BYTES_MAX);
	trx->parts->bytes = xcalloc(size, 1);
	trx->parts->bytes[HEAD_BYTES] = (uint8_t)trx->operation_count;
	memcpy(trx->parts->bytes + HEAD_BYTES + 1, out->data, out->len);
	trx->bytes = trx->parts->bytes;
	trx->byte_count = size;
	return 0;
}

struct transaction *transaction_read(struct transaction_maker *maker, const char *text, size_t len,
				     struct error *err)
{
	struct transaction *trx;
	struct reading reading = {.maker = maker, .err = err};

	if (len > TRANSACTION_JSON_BYTES_MAX) {
		(void)error_set(err, ERROR_DATA, "the operations have %zu bytes of text", len);
		return NULL;
	}
	trx = xcalloc(1, sizeof(*trx));
	trx->parts = xcalloc(1, sizeof(*trx->parts));
	*trx->parts = (struct transaction_parts){
		.arena = arena_new(), .chain = maker->chain, .hash = maker->hash};
	reading.trx = trx;
	json_open(&reading.cursor, text, len);
	buf_reset(&maker->pack.out);
	if (read_operations(&reading) == 0 && take_bytes(&reading) == 0)
		return trx;
	transaction_free(trx);
	return NULL;
}

int transaction_check(const struct transaction *trx, struct error *err)
{
	const uint8_t *at = trx->bytes + HEAD_BYTES + 1;
	char reason[RULES_REASON_BYTES];

	for (size_t i = 0; i < trx->operation_count; i++) {
		const struct codec_operation *row = trx->operations[i].row;

		/* The number of an operation is one byte. */
		at = rules_check(trx->parts->chain, row, at + 1, reason);
		if (at == NULL)
			return error_set(err, ERROR_DATA, "operation %zu, %s: %s", i + 1, row->name,
					 reason);
	}
	/* Only the extensions follow. */
	return at + 1 == trx->bytes + trx->byte_count
		       ? 0
		       : error_set(err, ERROR_FATAL, "the rules were checked on the wrong bytes");
}

void transaction_free(struct transaction *trx)
{
	if (trx == NULL)
		return;
	arena_free(trx->parts->arena);
	free(trx->parts->bytes);
	free(trx->parts);
	free(trx);
}

void transaction_seal(struct transaction *trx, const struct block_name *reference,
		      uint32_t expiration)
{
	struct hash *hash = trx->parts->hash;
	uint8_t *bytes = trx->parts->bytes, sum[HASH_SHA256_BYTES];
	uint16_t num = htole16((uint16_t)reference->num);
	uint32_t until = htole32(expiration);

	memcpy(bytes, &num, sizeof(num));
	/* The prefix is the second four bytes of the id as they are. */
	memcpy(bytes + PREFIX_AT, reference->id + 4, 4);
	memcpy(bytes + EXPIRATION_AT, &until, sizeof(until));
	trx->expiration = expiration;
	hash_sha256(hash, bytes, trx->byte_count, sum);
	block_id_format(sum, trx->id);
	hash_begin(hash, trx->parts->chain->id, CHAIN_ID_BYTES);
	hash_end(hash, bytes, trx->byte_count, trx->digest);
}

static int add_signature(struct buf *out, const uint8_t signature[SIGNATURE_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * SIGNATURE_BYTES];

	for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
		text[2 * i] = digits[signature[i] >> 4];
		text[2 * i + 1] = digits[signature[i] & 0xf];
	}
	return buf_add(out, text, sizeof(text));
}

int transaction_write(const struct transaction *trx, const uint8_t signature[SIGNATURE_BYTES],
		      struct buf *out, struct error *err)
{
	char until[sizeof("2106-02-07T06:28:15Z")];
	uint16_t num;
	uint32_t prefix;
	int failed;

	memcpy(&num, trx->bytes, sizeof(num));
	memcpy(&prefix, trx->bytes + PREFIX_AT, sizeof(prefix));
	clock_format_utc(trx->expiration, until, sizeof(until));
	until[sizeof(until) - 2] = '\0'; /* nodes write no Z */
	failed = buf_addf(out,
			  "{\"ref_block_num\":%u,\"ref_block_prefix\":%u,\"expiration\":\"%s\","
			  "\"operations\":[",
			  le16toh(num), le32toh(prefix), until);
	for (size_t i = 0; i < trx->operation_count; i++) {
		const struct transaction_operation *operation = &trx->operations[i];

		/*
		 * The canonical form has no escapes but those that nodes know, because the packer
		 * refused the characters that need the others.
		 */
		failed |= buf_addf(out, "%s[\"%s\",", i > 0 ? "," : "", operation->row->name);
		failed |= buf_add(out, operation->body.data, operation->body.len);
		failed |= buf_add_char(out, ']');
	}
	failed |= buf_add_text(out, "],\"extensions\":[],\"signatures\":[\"");
	failed |= add_signature(out, signature);
	failed |= buf_add_text(out, "\"]}");
	if (failed)
		return error_set(err, ERROR_FATAL, "a transaction is longer than %zu bytes",
				 out->limit_bytes);
	return 0;
}

bool transaction_member(const struct transaction_operation *operation, const char *name,
			struct json_slice *ret_value)
{
	return json_find(operation->body.data, operation->body.len, name, ret_value);
}

bool transaction_amount(struct transaction_maker *maker, const struct json_slice *value,
			size_t *ret_symbol, int64_t *ret_amount)
{
	static const struct codec_type type = {.kind = CODEC_ASSET};
	struct pack *pack = &maker->pack;
	uint64_t amount;

	buf_reset(&pack->out);
	if (value->len < 2 || !pack_value(pack, &type, value))
		return false;
	memcpy(&amount, pack->out.data, sizeof(amount));
	*ret_amount = (int64_t)le64toh(amount);
	for (size_t i = 0; i < maker->chain->symbol_count; i++)
		if (memcmp(pack->out.data + sizeof(amount), maker->chain->symbols[i].packed,
			   CHAIN_SYMBOL_BYTES) == 0)
			*ret_symbol = i;
	return true;
}
