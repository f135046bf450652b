/* SPDX-License-Identifier: MIT */
#include "chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sched.h"
#include "statements_impl.h"
#include "witness.h"

#define BLOCK_S       3
#define GENESIS_S     1577836800 /* 2020-01-01T00:00:00 */
#define EXPIRATION_S  60
#define TRXS_MAX      3
#define OPS_MAX       2
#define PAYLOAD_BYTES 192
#define PACKED_BYTES  1024
#define BLOCK_BYTES   8192

_Static_assert(CHAIN_BLOCKS_MAX < 86400 / BLOCK_S - EXPIRATION_S, "all times are of one day");

/* A block with its hashes. */
struct sealed {
	bool is_made;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	uint8_t root[BLOCK_ID_BYTES];
	uint8_t signature[SIGNATURE_BYTES];
	unsigned trx_count;
	uint8_t trxs[TRXS_MAX][HASH_SHA256_BYTES]; /* their ids, and 12 bytes more */
	/* the answer without changes, once it was made */
	struct buf json;
};

/* Blocks on top of each other; the lowest one is on top of a true block. */
struct branch {
	uint32_t first;
	bool is_lie;
	struct sealed *blocks;
	size_t count, capacity;
};

/* By version; the entries of the two made-up versions are unused. */
static struct branch branches[CHAIN_VERSIONS_MAX] = {[VERSION_TRUE] = {.first = 1}};
static unsigned version_count = VERSION_BRANCHES;
static struct sealed made_up[2][CHAIN_BLOCKS_MAX];

/* The content of a block. */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint32_t time_of(uint32_t num)
{
	return GENESIS_S + num * BLOCK_S;
}

static void format_time(uint32_t time_s, char separator, char text[20])
{
	uint32_t seconds = time_s - GENESIS_S;

	snprintf(text, 20, "2020-01-01%c%02u:%02u:%02u", separator, seconds / 3600 % 24,
		 seconds / 60 % 60, seconds % 60);
}

void chain_timestamp(uint32_t num, char separator, char text[20])
{
	format_time(time_of(num), separator, text);
}

static unsigned trx_count_of(uint32_t num, unsigned version)
{
	static const uint8_t counts[] = {0, 0, 0, 1, 1, 1, 2, TRXS_MAX};

	return counts[mix(num, version) % sizeof(counts)];
}

static unsigned op_count_of(uint32_t num, unsigned version, unsigned trx)
{
	return 1 + (unsigned)(mix(num, (version << 8) + 16 + trx) % OPS_MAX);
}

static bool is_comment(uint32_t num, unsigned trx, unsigned op)
{
	return num % 3 == 1 && trx == 0 && op == 0;
}

bool chain_has_comment(uint32_t num, unsigned version)
{
	return is_comment(num, 0, 0) && trx_count_of(num, version) > 0;
}

/* An operation: its strings in order; a vote has its weight after them. */
struct saying {
	const char *name;
	unsigned number;
	const char *fields[7];
	char values[7][24];
	unsigned count;
	int weight;
};

static void say_comment(struct saying *saying, uint32_t num, unsigned version)
{
	*saying = (struct saying){
		.name = "comment",
		.number = 1,
		.fields = {"parent_author", "parent_permlink", "author", "permlink", "title",
			   "body", "json_metadata"},
		.values = {"", "sim", CHAIN_AUTHOR, "", "", "", "{}"},
		.count = 7,
	};
	snprintf(saying->values[3], sizeof(saying->values[3]), CHAIN_PERMLINK, num);
	snprintf(saying->values[5], sizeof(saying->values[5]), "version %u", version);
}

static void say_vote(struct saying *saying, uint32_t num, unsigned version, unsigned place)
{
	*saying = (struct saying){
		.name = "vote",
		.fields = {"voter", "author", "permlink"},
		.values = {"", CHAIN_AUTHOR, ""},
		.count = 3,
		.weight = (int)(num % 10001) - 5000,
	};
	snprintf(saying->values[0], sizeof(saying->values[0]), "v%u", num % 100);
	snprintf(saying->values[2], sizeof(saying->values[2]), "p%u-%u-%u", num, version, place);
}

static void say(struct saying *saying, uint32_t num, unsigned version, unsigned trx, unsigned op)
{
	if (is_comment(num, trx, op))
		say_comment(saying, num, version);
	else
		say_vote(saying, num, version, trx * 10 + op);
}

static void format_payload(const struct saying *saying, char text[PAYLOAD_BYTES])
{
	size_t len = 0;

	for (unsigned i = 0; i < saying->count; i++)
		len += (size_t)snprintf(text + len, PAYLOAD_BYTES - len, "%s\"%s\":\"%s\"",
					i > 0 ? "," : "{", saying->fields[i], saying->values[i]);
	if (saying->number == 0)
		len += (size_t)snprintf(text + len, PAYLOAD_BYTES - len, ",\"weight\":%d",
					saying->weight);
	len += (size_t)snprintf(text + len, PAYLOAD_BYTES - len, "}");
	if (len >= PAYLOAD_BYTES)
		sim_fail("an operation of %zu bytes", len);
}

/* Its bytes. */

struct packed {
	uint8_t bytes[PACKED_BYTES];
	size_t len;
};

static void put(struct packed *packed, const void *bytes, size_t len)
{
	if (len > sizeof(packed->bytes) - packed->len)
		sim_fail("a transaction of more than %d bytes", PACKED_BYTES);
	memcpy(packed->bytes + packed->len, bytes, len);
	packed->len += len;
}

/* Little-endian. */
static void put_number(struct packed *packed, uint32_t number, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)(number >> 8 * i);

		put(packed, &byte, 1);
	}
}

/* A count or a length; all of them are one byte long here. */
static void put_count(struct packed *packed, size_t count)
{
	put_number(packed, (uint32_t)count, 1);
}

static void put_text(struct packed *packed, const char *text)
{
	put_count(packed, strlen(text));
	put(packed, text, strlen(text));
}

static void put_operation(struct packed *packed, const struct saying *saying)
{
	put_count(packed, saying->number);
	for (unsigned i = 0; i < saying->count; i++)
		put_text(packed, saying->values[i]);
	if (saying->number == 0)
		put_number(packed, (uint32_t)saying->weight, 2);
}

/* The reference of a trx to the block below. */
static uint32_t ref_block_prefix(const uint8_t id[BLOCK_ID_BYTES])
{
	return id[4] | (uint32_t)id[5] << 8 | (uint32_t)id[6] << 16 | (uint32_t)id[7] << 24;
}

/* Nobody checks the signature of a trx, so it is made from its hash. */
static void make_trx_signature(const uint8_t trx[HASH_SHA256_BYTES],
			       uint8_t ret_signature[SIGNATURE_BYTES])
{
	ret_signature[0] = 31;
	memcpy(ret_signature + 1, trx, HASH_SHA256_BYTES);
	memcpy(ret_signature + 1 + HASH_SHA256_BYTES, trx, HASH_SHA256_BYTES);
}

/*
 * Compute the hash of a trx, and the hash of the trx with its signature, which is a leaf of the
 * merkle tree.
 */
static void make_trx(struct sealed *block, uint32_t num, unsigned version, unsigned trx,
		     uint8_t ret_leaf[HASH_SHA256_BYTES])
{
	struct packed packed = {.len = 0};
	uint8_t signature[SIGNATURE_BYTES];
	struct saying saying;

	put_number(&packed, num - 1, 2);
	put_number(&packed, ref_block_prefix(block->previous), 4);
	put_number(&packed, time_of(num) + EXPIRATION_S, 4);
	put_count(&packed, op_count_of(num, version, trx));
	for (unsigned op = 0; op < op_count_of(num, version, trx); op++) {
		say(&saying, num, version, trx, op);
		put_operation(&packed, &saying);
	}
	put_count(&packed, 0); /* extensions */
	hash_sha256(sim_hash(), packed.bytes, packed.len, block->trxs[trx]);
	make_trx_signature(block->trxs[trx], signature);
	put_count(&packed, 1);
	put(&packed, signature, sizeof(signature));
	hash_sha256(sim_hash(), packed.bytes, packed.len, ret_leaf);
}

static void make_root(struct sealed *block, uint8_t leaves[TRXS_MAX][HASH_SHA256_BYTES])
{
	if (block->trx_count == 0)
		return;
	for (unsigned count = block->trx_count; count > 1; count = (count + 1) / 2) {
		for (unsigned i = 0; i + 1 < count; i += 2)
			hash_sha256(sim_hash(), leaves[i], sizeof(leaves[0]) * 2, leaves[i / 2]);
		if (count % 2 == 1)
			memcpy(leaves[count / 2], leaves[count - 1], sizeof(leaves[0]));
	}
	hash_rmd160(sim_hash(), leaves[0], sizeof(leaves[0]), block->root);
}

static void put_block_num(uint8_t id[BLOCK_ID_BYTES], uint32_t num)
{
	for (unsigned i = 0; i < 4; i++)
		id[i] = (uint8_t)(num >> (24 - 8 * i));
}

static void make_header(struct sealed *block, uint32_t num, unsigned version)
{
	uint8_t digest[HASH_SHA256_BYTES], sum[HASH_SHA224_BYTES];
	struct packed packed = {.len = 0};

	put(&packed, block->previous, BLOCK_ID_BYTES);
	put_number(&packed, time_of(num), 4);
	put_text(&packed, witness_name(num % WITNESS_COUNT));
	put(&packed, block->root, BLOCK_ID_BYTES);
	put_count(&packed, 0); /* extensions */
	hash_sha256(sim_hash(), packed.bytes, packed.len, digest);
	witness_sign(num % WITNESS_COUNT, chain_is_lie(version), digest, block->signature);
	put(&packed, block->signature, SIGNATURE_BYTES);
	hash_sha224(sim_hash(), packed.bytes, packed.len, sum);
	memcpy(block->id, sum, BLOCK_ID_BYTES);
	put_block_num(block->id, num);
}

static void seal(struct sealed *block, uint32_t num, unsigned version,
		 const uint8_t previous[BLOCK_ID_BYTES])
{
	uint8_t leaves[TRXS_MAX][HASH_SHA256_BYTES];

	memset(block, 0, sizeof(*block));
	block->is_made = true;
	memcpy(block->previous, previous, BLOCK_ID_BYTES);
	block->trx_count = trx_count_of(num, version);
	for (unsigned trx = 0; trx < block->trx_count; trx++)
		make_trx(block, num, version, trx, leaves[trx]);
	make_root(block, leaves);
	make_header(block, num, version);
}

/* All blocks. */

void chain_open(void)
{
	while (version_count > VERSION_BRANCHES) {
		struct branch *branch = &branches[--version_count];

		for (size_t i = 0; i < branch->count; i++)
			buf_release(&branch->blocks[i].json);
		free(branch->blocks);
		memset(branch, 0, sizeof(*branch));
	}
}

unsigned chain_add_branch(uint32_t first, bool is_lie)
{
	if (version_count == CHAIN_VERSIONS_MAX)
		return VERSION_TRUE;
	branches[version_count].first = first;
	branches[version_count].is_lie = is_lie;
	return version_count++;
}

bool chain_is_lie(unsigned version)
{
	return version == VERSION_FALSE || version == VERSION_LOOSE || branches[version].is_lie;
}

void chain_made_up_id(uint32_t num, uint8_t ret_id[BLOCK_ID_BYTES])
{
	uint64_t words[2] = {mix(num, 1), mix(num, 2)};

	put_block_num(ret_id, num);
	memcpy(ret_id + 4, words, sizeof(words));
}

static void add_to_branch(struct branch *branch, unsigned version)
{
	uint32_t num = branch->first + (uint32_t)branch->count;
	uint8_t previous[BLOCK_ID_BYTES];

	if (branch->count == branch->capacity) {
		branch->capacity = branch->capacity > 0 ? branch->capacity * 2 : 16;
		branch->blocks =
			xreallocarray(branch->blocks, branch->capacity, sizeof(branch->blocks[0]));
	}
	chain_previous(num, version, previous);
	seal(&branch->blocks[branch->count], num, version, previous);
	branch->count++;
}

static struct sealed *block_of(uint32_t num, unsigned version)
{
	struct branch *branch = &branches[version];
	uint8_t previous[BLOCK_ID_BYTES];
	struct sealed *block;

	if (num >= CHAIN_BLOCKS_MAX)
		sim_fail("block %u is above all that the chain may have", num);
	if (version == VERSION_FALSE || version == VERSION_LOOSE) {
		block = &made_up[version - VERSION_FALSE][num];
		if (!block->is_made) {
			chain_previous(num, version, previous);
			seal(block, num, version, previous);
		}
		return block;
	}
	if (num < branch->first)
		sim_fail("version %u has no block %u", version, num);
	while (num - branch->first >= branch->count)
		add_to_branch(branch, version);
	return &branch->blocks[num - branch->first];
}

void chain_id(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES])
{
	if (num == 0)
		memset(ret_id, 0, BLOCK_ID_BYTES);
	else
		memcpy(ret_id, block_of(num, version)->id, BLOCK_ID_BYTES);
}

void chain_previous(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES])
{
	if (version == VERSION_LOOSE && num > 1)
		chain_made_up_id(num - 1, ret_id);
	else if (version >= VERSION_BRANCHES && num > branches[version].first)
		chain_id(num - 1, version, ret_id);
	else
		chain_id(num - 1, VERSION_TRUE, ret_id);
}

/* A block that was never made was never given. */
static const struct sealed *made_block(uint32_t num, unsigned version)
{
	const struct branch *branch = &branches[version];

	if (version == VERSION_FALSE || version == VERSION_LOOSE)
		return made_up[version - VERSION_FALSE][num].is_made
			       ? &made_up[version - VERSION_FALSE][num]
			       : NULL;
	if (num < branch->first || num - branch->first >= branch->count)
		return NULL;
	return &branch->blocks[num - branch->first];
}

int chain_version(uint32_t num, const uint8_t id[BLOCK_ID_BYTES])
{
	for (unsigned version = 0; num < CHAIN_BLOCKS_MAX && version < version_count; version++) {
		const struct sealed *block = made_block(num, version);

		if (block && memcmp(id, block->id, BLOCK_ID_BYTES) == 0)
			return (int)version;
	}
	return -1;
}

/* Formats of tables and answers. */

void chain_trx_id(uint32_t num, unsigned version, unsigned trx, char text[BLOCK_ID_HEX + 1])
{
	(void)block_id_format(block_of(num, version)->trxs[trx], text);
}

const struct op_rows *chain_operations(uint32_t num, unsigned version)
{
	struct op_rows *rows = row_new(sizeof(*rows) + TRXS_MAX * OPS_MAX * sizeof(rows->items[0]));
	char timestamp[20], trx_id[BLOCK_ID_HEX + 1], payload[PAYLOAD_BYTES];
	struct saying saying;

	chain_timestamp(num, ' ', timestamp);
	for (unsigned trx = 0; trx < trx_count_of(num, version); trx++) {
		chain_trx_id(num, version, trx, trx_id);
		for (unsigned op = 0; op < op_count_of(num, version, trx); op++) {
			say(&saying, num, version, trx, op);
			format_payload(&saying, payload);
			rows->items[rows->count++] = (struct op){
				.trx_in_block = trx,
				.op_in_trx = op,
				.hash = op_hash(trx_id, timestamp, saying.name, payload),
			};
		}
	}
	return rows;
}

/* As text, in quotes. */
static void add_hex(struct buf *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	buf_add_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		buf_add_char(out, digits[bytes[i] >> 4]);
		buf_add_char(out, digits[bytes[i] & 15]);
	}
	buf_add_char(out, '"');
}

static void add_trx(struct buf *out, const struct sealed *block, uint32_t num, unsigned version,
		    unsigned trx, bool has_false_payload)
{
	char expiration[20], payload[PAYLOAD_BYTES];
	uint8_t signature[SIGNATURE_BYTES];
	struct saying saying;

	format_time(time_of(num) + EXPIRATION_S, 'T', expiration);
	buf_addf(
		out,
		"{\"ref_block_num\":%u,\"ref_block_prefix\":%u,\"expiration\":\"%s\",\"operations\":[",
		num - 1, ref_block_prefix(block->previous), expiration);
	for (unsigned op = 0; op < op_count_of(num, version, trx); op++) {
		say(&saying, num, version, trx, op);
		if (op == 0 && has_false_payload)
			saying.values[2][0]++;
		format_payload(&saying, payload);
		buf_addf(out, "%s[\"%s\",%s]", op > 0 ? "," : "", saying.name, payload);
	}
	make_trx_signature(block->trxs[trx], signature);
	buf_add_text(out, "],\"extensions\":[],\"signatures\":[");
	add_hex(out, signature, sizeof(signature));
	buf_add_text(out, "],\"transaction_id\":");
	add_hex(out, block->trxs[trx], BLOCK_ID_BYTES);
	buf_addf(out, ",\"block_num\":%u,\"transaction_num\":%u}", num, trx);
}

static void add_trxs(struct buf *out, uint32_t num, unsigned version,
		     const struct chain_changes *changes)
{
	const struct sealed *block = block_of(num, version);

	buf_add_text(out, ",\"transactions\":[");
	for (unsigned trx = 0; trx < block->trx_count; trx++) {
		buf_add_text(out, trx > 0 ? "," : "");
		add_trx(out, block, num, version, trx, trx == 0 && changes->has_false_payload);
	}
	buf_add_text(out, "],\"transaction_ids\":[");
	for (unsigned trx = 0; trx < block->trx_count; trx++) {
		buf_add_text(out, trx > 0 ? "," : "");
		add_hex(out, block->trxs[trx], BLOCK_ID_BYTES);
	}
	if (changes->has_one_trx_id_more)
		buf_addf(out, "%s\"%040d\"", block->trx_count > 0 ? "," : "", 0);
	buf_add_char(out, ']');
}

static void add_block(struct buf *out, uint32_t num, unsigned version,
		      const struct chain_changes *changes)
{
	const struct sealed *block = block_of(num, version);
	unsigned witness = num % WITNESS_COUNT;
	char timestamp[20];

	chain_timestamp(num, 'T', timestamp);
	buf_add_text(out, "{\"previous\":");
	add_hex(out, changes->previous ? changes->previous : block->previous, BLOCK_ID_BYTES);
	buf_addf(out,
		 ",\"timestamp\":\"%s\",\"witness\":\"%s\",\"transaction_merkle_root\":", timestamp,
		 witness_name(witness));
	add_hex(out, block->root, BLOCK_ID_BYTES);
	buf_add_text(out, ",\"extensions\":[]");
	if (!changes->has_no_signature) {
		buf_add_text(out, ",\"witness_signature\":");
		add_hex(out, block->signature, SIGNATURE_BYTES);
	}
	add_trxs(out, num, changes->has_false_trxs ? VERSION_FALSE : version, changes);
	buf_add_text(out, ",\"block_id\":");
	add_hex(out, changes->id ? changes->id : block->id, BLOCK_ID_BYTES);
	buf_addf(out, ",\"signing_key\":\"%s\"}", witness_key(witness, chain_is_lie(version)));
}

void chain_add_block(struct buf *out, uint32_t num, unsigned version,
		     const struct chain_changes *changes)
{
	struct sealed *block = block_of(num, version);

	if (changes->id || changes->previous || changes->has_false_trxs ||
	    changes->has_false_payload || changes->has_one_trx_id_more ||
	    changes->has_no_signature) {
		add_block(out, num, version, changes);
		return;
	}
	if (block->json.len == 0) {
		buf_init(&block->json, BLOCK_BYTES);
		add_block(&block->json, num, version, changes);
		if (block->json.is_full)
			sim_fail("block %u has more than %d bytes", num, BLOCK_BYTES);
	}
	buf_add(out, block->json.data, block->json.len);
}
