/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/codec/hash.h"
#include "steem/codec/pack.h"
#include "vectors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY          "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"

static struct pack pack;

static int make_pack(void **state)
{
	if (vectors_make_hash(state) < 0)
		return -1;
	pack_init(&pack, &chain_steem, hash);
	return 0;
}

static int free_pack(void **state)
{
	pack_release(&pack);
	return vectors_free_hash(state);
}

static char *packed_hex(void)
{
	char *text = xcalloc(pack.out.len * 2 + 1, 1);

	for (size_t i = 0; i < pack.out.len; i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned char)pack.out.data[i]);
	return text;
}

static bool pack_operation(const char *name, const char *payload)
{
	const struct codec_operation *row = operations_find(&operations_steem, name, strlen(name));
	struct json_slice text = {payload, strlen(payload)};

	assert_non_null(row);
	return pack_count(&pack, (size_t)row->number) && pack_value(&pack, &row->is, &text);
}

static const char *plain_text(struct json_object *value)
{
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void pack_pair(struct json_object *pair)
{
	const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));

	if (!pack_operation(name, plain_text(json_object_array_get_idx(pair, 1))))
		fail_msg("%s: %s", name, pack.reason);
}

static void each_kind_of_operation_is_packed(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *list;
	bool was_seen[64] = {false};

	(void)state;
	if (vectors == NULL)
		skip();
	list = vector_at(vectors, "steem_ops");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		CLEANUP(mem_free_pointer) char *got = NULL;

		buf_reset(&pack.out);
		pack_pair(vector_at(one, "op"));
		got = packed_hex();
		assert_string_equal(got, vector_text(one, "bytes"));
		was_seen[(unsigned char)pack.out.data[0]] = true;
	}
	for (size_t i = 0; i < operations_steem.count; i++)
		if (operations_steem.rows[i].number != CODEC_VIRTUAL &&
		    !was_seen[operations_steem.rows[i].number])
			fail_msg("%s has no vector", operations_steem.rows[i].name);
	json_object_put(vectors);
}

static void pack_member(struct json_object *trx, size_t i)
{
	const struct codec_field *field = &codec_trx.fields[i];
	const char *text = plain_text(vector_at(trx, field->name));
	struct json_slice value = {text, strlen(text)};

	if (!pack_value(&pack, field->type, &value))
		fail_msg("%s: %s", field->name, pack.reason);
}

/* Hive's software gives one of them, and calls two things by its own names. */
static struct json_object *as_steem(struct json_object *trx)
{
	static const char *const names[][2] = {{"HIVE", "STEEM"}, {"hbd_interest", "sbd_interest"}};
	CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);

	for (const char *at = plain_text(trx); *at != '\0';) {
		size_t i = 0;

		while (i < COUNT(names) && strncmp(at, names[i][0], strlen(names[i][0])) != 0)
			i++;
		if (i < COUNT(names)) {
			buf_add_text(&text, names[i][1]);
			at += strlen(names[i][0]);
		} else {
			buf_add_char(&text, *at++);
		}
	}
	return json_tokener_parse(buf_text(&text));
}

static void real_transactions_have_their_bytes(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *list;

	(void)state;
	if (vectors == NULL)
		skip();
	list = vector_at(vectors, "real");
	assert_true(json_object_array_length(list) >= 31);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct json_object *trx = as_steem(vector_at(one, "json"));
		struct json_object *operations = vector_at(trx, "operations");
		uint8_t digest[HASH_SHA256_BYTES], want[HASH_SHA256_BYTES];
		CLEANUP(mem_free_pointer) char *got = NULL;

		pack.chain = strncmp(vector_text(one, "source"), "testnet", 7) == 0 ? &chain_testnet
										    : &chain_steem;
		buf_reset(&pack.out);
		for (size_t j = 0; j < CODEC_TRX_EXTENSIONS; j++)
			pack_member(trx, j);
		assert_true(pack_count(&pack, json_object_array_length(operations)));
		for (size_t j = 0; j < json_object_array_length(operations); j++)
			pack_pair(json_object_array_get_idx(operations, j));
		pack_member(trx, CODEC_TRX_EXTENSIONS);
		got = packed_hex();
		assert_string_equal(got, vector_text(one, "unsigned"));
		hash_sha256(hash, pack.out.data, pack.out.len, digest);
		assert_int_equal(vector_bytes(one, "id", want, sizeof(want)), 20);
		assert_memory_equal(digest, want, 20);
		pack_member(trx, CODEC_TRX_SIGNATURES);
		hash_sha256(hash, pack.out.data, pack.out.len, digest);
		vector_bytes(one, "sha256_signed", want, sizeof(want));
		assert_memory_equal(digest, want, sizeof(want));
		json_object_put(trx);
	}
	pack.chain = &chain_steem;
	json_object_put(vectors);
}

static void headers_have_their_bytes(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *list;

	(void)state;
	if (vectors == NULL)
		skip();
	list = vector_at(vectors, "headers");
	assert_int_equal(json_object_array_length(list), 4);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct json_object *header = vector_at(one, "json");
		CLEANUP(mem_free_pointer) char *got = NULL;
		struct json_slice text;
		uint8_t sum[HASH_SHA224_BYTES], want[HASH_SHA224_BYTES];

		json_object_object_add(header, "witness_signature",
				       json_object_get(vector_at(one, "witness_signature")));
		text.data = plain_text(header);
		text.len = strlen(text.data);
		buf_reset(&pack.out);
		if (!pack_value(&pack, &codec_signed_header, &text))
			fail_msg("%s", pack.reason);
		hash_sha224(hash, pack.out.data, pack.out.len, sum);
		vector_bytes(one, "sha224_signed", want, sizeof(want));
		assert_memory_equal(sum, want, sizeof(want));
		pack.out.len -= SIGNATURE_BYTES;
		got = packed_hex();
		assert_string_equal(got, vector_text(one, "header"));
	}
	json_object_put(vectors);
}

#define VOTE(rest)   "{\"voter\":\"a\",\"author\":\"b\",\"permlink\":\"c\"," rest "}"
#define MEMO(text)   "{\"from\":\"a\",\"to\":\"b\",\"amount\":\"0.001 SBD\",\"memo\":" text "}"
#define AMOUNT(text) "{\"from\":\"a\",\"to\":\"b\",\"amount\":" text "}"
#define AMOUNT_BYTES "0301610162"
#define PROPS(fee, rest)                                                                           \
	"{\"work\":[0,{\"input\":{\"worker_account\":\"a\",\"prev_block\":"                        \
	"\"0000000011111111111111111111111111111111\",\"nonce\":1},\"pow_summary\":1}],"           \
	"\"props\":{\"account_creation_fee\":" fee                                                 \
	",\"maximum_block_size\":1,\"sbd_interest_rate\":1" rest "}}"
#define PROPS_BYTES(fee)                                                                           \
	"1e00016100000000111111111111111111111111111111110100000000000000010000000"                \
	"0" fee "010000000100"
#define NONCE(text)                                                                                \
	"{\"work\":[0,{\"input\":{\"worker_account\":\"a\",\"prev_block\":"                        \
	"\"0000000011111111111111111111111111111111\",\"nonce\":" text                             \
	"},\"pow_summary\":1}],\"props\":{\"account_creation_fee\":\"0.001 STEEM\","               \
	"\"maximum_block_size\":1,\"sbd_interest_rate\":1}}"
#define NONCE_BYTES(nonce)                                                                         \
	"1e0001610000000011111111111111111111111111111111" nonce                                   \
	"01000000000100000000000000035354"                                                         \
	"45454d0000010000000100"
#define ORDER(time)                                                                                \
	"{\"owner\":\"a\",\"orderid\":1,\"amount_to_sell\":\"0.001 SBD\",\"min_to_receive\":"      \
	"\"0.001 SBD\",\"fill_or_kill\":false,\"expiration\":" time "}"
#define OPTIONS(extensions)                                                                        \
	"{\"author\":\"a\",\"permlink\":\"b\",\"max_accepted_payout\":\"0.001 SBD\","              \
	"\"percent_steem_dollars\":1,\"allow_votes\":true,\"allow_curation_rewards\":true,"        \
	"\"extensions\":" extensions "}"
#define OPTIONS_BYTES(extensions)                                                                  \
	"1301610162010000000000000003534244000000000100"                                           \
	"0101" extensions
#define HEADER(extensions)                                                                         \
	"{\"previous\":\"" H20 "\",\"timestamp\":\"1970-01-01T00:00:01\",\"witness\":\"b\","       \
	"\"transaction_merkle_root\":\"" H20 "\",\"extensions\":" extensions                       \
	",\"witness_signature\":\"" H20 H20 H20 "0011223344\"}"
#define REPORT(extensions)                                                                         \
	"{\"reporter\":\"a\",\"first_block\":" HEADER(extensions) ",\"second_block\":" HEADER(     \
		"[]") "}"
#define HEADER_BYTES(extensions) H20 "010000000162" H20 extensions H20 H20 H20 "0011223344"
#define REPORT_BYTES             "100161" HEADER_BYTES("010100001800") HEADER_BYTES("00")
#define H20                      "0123456789abcdef0123456789abcdef01234567"
#define UPDATE(rest)             "{\"account\":\"a\"," rest "\"memo_key\":\"" KEY "\",\"json_metadata\":\"\"}"
#define KEY_HEX                  "03bc5cd80588b23948aaa1e65be1a8b32cd9bed062a346c471c9319e62ba82a9ef"
#define CUSTOM(data)             "{\"required_auths\":[],\"id\":1,\"data\":" data "}"
#define PROPOSAL(rest)                                                                             \
	"{\"creator\":\"a\",\"receiver\":\"b\",\"start_date\":\"1970-01-01T00:00:00\","            \
	"\"end_date\":\"1970-01-01T00:00:01\",\"daily_pay\":\"0.001 SBD\",\"subject\":\"\","       \
	"\"permlink\":\"\"" rest "}"
#define PROPOSAL_BYTES "2c01610162000000000100000001000000000000000353424400000000000000"

/* Text that a node writes, in each of its forms. */
static const struct {
	const char *name, *payload, *bytes;
} good[] = {
	{"vote", VOTE("\"weight\":-32768"),
	 "00016101620163"
	 "0080"},
	{"vote", VOTE("\"weight\":32767"),
	 "00016101620163"
	 "ff7f"},
	{"vote", "{\"weight\":0,\"permlink\":\"c\",\"author\":\"b\",\"voter\":\"a\"}",
	 "00016101620163"
	 "0000"},
	{"vote",
	 "{ \"voter\" : \"a\", \"author\":\"\",\"permlink\":\"\\u0000\\\"\\/\\n\\u001f\\\\\","
	 "\"weight\" : 1 }",
	 "000161000600222f0a1f5c0100"},
	{"transfer_to_vesting", AMOUNT("\"9223372036854775.807 STEEM\""),
	 AMOUNT_BYTES "ffffffffffffff7f03535445454d0000"},
	{"transfer_to_vesting", AMOUNT("\"0.000000 VESTS\""),
	 AMOUNT_BYTES "00000000000000000656455354530000"},
	{"pow2", PROPS("{\"amount\":\"1000\",\"precision\":3,\"nai\":\"@@000000021\"}", ""),
	 PROPS_BYTES("e80300000000000003535445454d0000")},
	{"pow2", PROPS("{\"nai\":\"@@000000013\",\"precision\":3,\"amount\":\"1\"}", ""),
	 PROPS_BYTES("01000000000000000353424400000000")},
	{"pow2",
	 PROPS("\"0.001 STEEM\"",
	       ",\"account_subsidy_budget\":797,\"account_subsidy_decay\":347321"),
	 PROPS_BYTES("010000000000000003535445454d0000")},
	{"pow2", NONCE("82"), NONCE_BYTES("5200000000000000")},
	{"pow2", NONCE("\"82\""), NONCE_BYTES("5200000000000000")},
	{"pow2", NONCE("\"18446744073709551615\""), NONCE_BYTES("ffffffffffffffff")},
	{"comment_options", OPTIONS("[]"), OPTIONS_BYTES("00")},
	{"comment_options", OPTIONS("[[0,{\"beneficiaries\":[{\"account\":\"c\",\"weight\":2}]}]]"),
	 OPTIONS_BYTES("01000101630200")},
	{"report_over_production", REPORT("[[1,\"0.24.0\"]]"), REPORT_BYTES},
	{"report_over_production", REPORT("[{\"type\":\"version\",\"value\":\"0.24.0\"}]"),
	 REPORT_BYTES},
	{"account_update", UPDATE(""), "0a0161000000" KEY_HEX "00"},
	{"account_update", UPDATE("\"owner\":null,"), "0a0161000000" KEY_HEX "00"},
	{"account_update",
	 UPDATE("\"posting\":{\"weight_threshold\":1,\"account_auths\":[[\"b\",1]],"
		"\"key_auths\":[[\"" KEY "\",2]]},"),
	 "0a01610000010100000001016201000"
	 "1" KEY_HEX "0200" KEY_HEX "00"},
	{"custom", CUSTOM("\"\""), "0f00010000"},
	{"custom", CUSTOM("\"00ff\""), "0f0001000200ff"},
	{"create_proposal", PROPOSAL(""), PROPOSAL_BYTES},
	{"create_proposal", PROPOSAL(",\"extensions\":[]"), PROPOSAL_BYTES},
};

static void each_form_of_a_node_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		CLEANUP(mem_free_pointer) char *got = NULL;

		buf_reset(&pack.out);
		if (!pack_operation(good[i].name, good[i].payload))
			fail_msg("%s: %s", good[i].payload, pack.reason);
		got = packed_hex();
		if (strcmp(got, good[i].bytes) != 0)
			fail_msg("%s: %s, not %s", good[i].payload, got, good[i].bytes);
	}
}

/* A time as its 32 bits, whose reading is the signed one. */
static void times_are_signed(void **state)
{
	static const struct {
		const char *text;
		uint32_t bits;
	} times[] = {
		{"\"1970-01-01T00:00:00\"", 0},          {"\"2016-02-29T12:34:56\"", 1456749296},
		{"\"2000-03-01T00:00:00\"", 951868800},  {"\"2038-01-19T03:14:07\"", 0x7fffffff},
		{"\"1969-12-31T23:59:59\"", 0xffffffff}, {"\"1901-12-13T20:45:52\"", 0x80000000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		char payload[300];
		const unsigned char *end;

		snprintf(payload, sizeof(payload), ORDER("%s"), times[i].text);
		buf_reset(&pack.out);
		assert_true(pack_operation("limit_order_create", payload));
		end = (const unsigned char *)pack.out.data + pack.out.len;
		assert_int_equal(end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
					 (uint32_t)end[-1] << 24,
				 times[i].bits);
	}
}

/* Texts that no node writes, or that do not show what was signed. */
static const struct {
	const char *name, *payload, *because;
} bad[] = {
	{"vote", VOTE("\"weight\":1,\"weight\":1"), "\"weight\" stands there twice"},
	{"vote", VOTE("\"weight\":1,\"voter\":\"a\""), "\"voter\" stands there twice"},
	{"vote", VOTE("\"weight\":1,\"rshares\":1"), "\"rshares\" is not known"},
	{"vote", "{\"voter\":\"a\",\"author\":\"b\",\"permlink\":\"c\"}", "\"weight\" is missing"},
	{"vote", "[]", "no object"},
	{"vote", VOTE("\"weight\":32768"), "weight: 32768"},
	{"vote", VOTE("\"weight\":-32769"), "weight: -32769"},
	{"vote", VOTE("\"weight\":1e1"), "weight: 1e1"},
	{"vote", VOTE("\"weight\":1.0"), "weight: 1.0"},
	{"vote", VOTE("\"weight\":-0"), "weight: -0"},
	{"vote", VOTE("\"weight\":\"1\""), "weight: "},
	{"pow2", NONCE("\"01\""), "nonce: "},
	{"pow2", PROPS("{\"amount\":1,\"precision\":3,\"nai\":\"@@000000021\"}", ""), "no amount"},
	/* Where a node writes text, an object would be another text for the same bytes. */
	{"transfer_to_vesting",
	 AMOUNT("{\"amount\":\"1000\",\"precision\":3,\"nai\":\"@@000000021\"}"), "no amount"},
	{"vote", VOTE("\"weight\":\"\""), "weight: "},
	{"vote", VOTE("\"weight\":\"-\""), "weight: "},
	{"vote", VOTE("\"weight\":null"), "weight: null"},
	{"vote", VOTE("\"weight\":[1]"), "weight: [1]"},
	{"vote", "{\"voter\":7,\"author\":\"b\",\"permlink\":\"c\",\"weight\":1}", "voter: 7"},
	{"vote",
	 "{\"voter\":\"seventeen-bytes-x\",\"author\":\"b\",\"permlink\":\"c\",\"weight\":1}",
	 "longer than 16"},
	{"vote",
	 "{\"voter\":\"\\n2345678901234567\",\"author\":\"b\",\"permlink\":\"c\",\"weight\":1}",
	 "longer than 16"},
	{"transfer", MEMO("\"\\ud800\""), "half of a character"},
	{"transfer", MEMO("\"\\udc00x\""), "half of a character"},
	{"transfer", MEMO("\"\\u0080\""), "half of a character"},
	{"transfer", MEMO("null"), "memo: null"},
	{"transfer_to_vesting", AMOUNT("\"-0.001 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0.001 UNKN\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0.001 TESTS\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0.001 STEEMS\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0.001  STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0.001\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\" STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0.01 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0.0001 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\".001 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"00.001 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"0,001 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"1 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"9223372036854775.808 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("\"99999999999999999999999999.000 STEEM\""), "no amount"},
	{"transfer_to_vesting", AMOUNT("7"), "no amount"},
	{"pow2", PROPS("7", ""), "no object"},
	{"pow2", PROPS("{\"amount\":\"1\",\"precision\":6,\"nai\":\"@@000000021\"}", ""),
	 "no amount"},
	{"pow2", PROPS("{\"amount\":\"-1\",\"precision\":3,\"nai\":\"@@000000021\"}", ""),
	 "no amount"},
	{"pow2", PROPS("{\"amount\":\"1\",\"precision\":3,\"nai\":\"@@000000022\"}", ""),
	 "no amount"},
	{"pow2", PROPS("{\"amount\":\"1\",\"precision\":3}", ""), "\"nai\" is missing"},
	{"pow2", PROPS("{\"amount\":\"1\",\"precision\":3,\"nai\":\"@@000000021\",\"x\":1}", ""),
	 "\"x\" is not known"},
	{"pow2",
	 PROPS("{\"amount\":\"1\",\"amount\":\"1\",\"precision\":3,\"nai\":\"@@000000021\"}", ""),
	 "twice"},
	{"pow2", NONCE("18446744073709551616"), "nonce: "},
	{"pow2", NONCE("-1"), "nonce: -1"},
	{"limit_order_create", ORDER("\"2016-02-30T00:00:00\""), "no time"},
	{"limit_order_create", ORDER("\"2015-02-29T00:00:00\""), "no time"},
	{"limit_order_create", ORDER("\"2016-01-01T24:00:00\""), "no time"},
	{"limit_order_create", ORDER("\"2016-01-01T00:00:60\""), "no time"},
	{"limit_order_create", ORDER("\"2016-01-01 00:00:00\""), "no time"},
	{"limit_order_create", ORDER("\"2016-1-01T00:00:00\""), "no time"},
	{"limit_order_create", ORDER("\"2038-01-19T03:14:08\""), "no time"},
	{"limit_order_create", ORDER("\"1901-12-13T20:45:51\""), "no time"},
	{"limit_order_create", ORDER("1456749296"), "no time"},
	{"comment_options", OPTIONS("[[1,{}]]"), "not known"},
	{"comment_options", OPTIONS("[[0]]"), "not known"},
	{"comment_options", OPTIONS("[[0,{\"beneficiaries\":[]},1]]"), "no variant"},
	{"comment_options",
	 OPTIONS("[{\"type\":\"comment_payout_beneficiaries\",\"value\":"
		 "{\"beneficiaries\":[{\"weight\":2,\"account\":\"c\"}]}}]"),
	 "no variant"},
	{"report_over_production", REPORT("[{\"type\":\"x\",\"value\":{}}]"), "not known"},
	{"report_over_production", REPORT("[{\"type\":\"version\"}]"), "\"value\" is missing"},
	{"report_over_production", REPORT("[{\"type\":\"version\",\"value\":\"0.24.0\",\"x\":1}]"),
	 "\"x\" is not known"},
	{"report_over_production",
	 REPORT("[{\"type\":\"version\",\"value\":\"0.23.0\",\"value\":\"0.24.0\"}]"),
	 "\"value\" stands there twice"},
	{"pow2", PROPS("\"0.001 STEEM\"", ",\"account_subsidy_budget\":{}"), "no number"},
	{"comment_options", OPTIONS("[7]"), "no variant"},
	{"comment_options", OPTIONS("{}"), "no list"},
	{"comment_options", OPTIONS("[[0,{\"beneficiaries\":[{\"account\":\"c\"}]}]]"), "missing"},
	{"account_update", UPDATE("\"owner\":{},"), "missing"},
	{"account_update",
	 UPDATE("\"owner\":{\"weight_threshold\":1,\"account_auths\":[[\"b\"]],\"key_auths\":[]},"),
	 "no pair"},
	{"account_update",
	 UPDATE("\"owner\":{\"weight_threshold\":1,\"account_auths\":[[\"b\",1,1]],\"key_auths\":[]},"),
	 "no pair"},
	{"account_update",
	 UPDATE("\"owner\":{\"weight_threshold\":1,\"account_auths\":[],\"key_auths\":[[\"STM1\",1]]},"),
	 "no public key"},
	{"custom", CUSTOM("\"0\""), "hexadecimal"},
	{"custom", CUSTOM("\"0G\""), "hexadecimal"},
	{"custom", CUSTOM("\"FF\""), "hexadecimal"},
	{"custom", CUSTOM("\"\\u0030\\u0030\""), "hexadecimal"},
	{"create_proposal", PROPOSAL(",\"extensions\":[[0,{}]]"), "not empty"},
	{"remove_proposal", "{\"proposal_owner\":\"a\",\"proposal_ids\":[1]}", "missing"},
	{"remove_proposal", "{\"proposal_owner\":\"a\",\"proposal_ids\":[1],\"extensions\":null}",
	 "no list"},
	{"remove_proposal", "{\"proposal_owner\":\"a\",\"proposal_ids\":[1],\"extensions\":{}}",
	 "no list"},
	{"account_witness_vote", "{\"account\":\"a\",\"witness\":\"b\",\"approve\":1}",
	 "approve: 1"},
	{"account_witness_vote", "{\"account\":\"a\",\"witness\":\"b\",\"approve\":\"true\"}",
	 "approve: "},
};

static void what_no_node_writes_is_not_packed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		buf_reset(&pack.out);
		pack.reason[0] = '\0';
		if (pack_operation(bad[i].name, bad[i].payload))
			fail_msg("%s was packed", bad[i].payload);
		if (strstr(pack.reason, bad[i].because) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].payload, pack.reason,
				 bad[i].because);
	}
}

static bool pack_signatures(const char *text)
{
	const struct json_slice value = {text, strlen(text)};

	buf_reset(&pack.out);
	return pack_value(&pack, codec_trx.fields[CODEC_TRX_SIGNATURES].type, &value);
}

/* Their end is not searched for, and several digits are read at once. */
static void each_digit_of_a_signature_counts(void **state)
{
	static const char digits[] = "0123456789abcdef";
	enum { LEN = 2 * SIGNATURE_BYTES };
	char text[2 * LEN + 8];
	char one[LEN + 1];

	(void)state;
	memset(one, '0', LEN);
	one[LEN] = '\0';
	for (size_t at = 0; at < LEN; at++) {
		for (int c = 1; c < 256; c++) {
			const char *digit = strchr(digits, c);
			uint8_t want;

			one[at] = (char)c;
			snprintf(text, sizeof(text), "[\"%s\",\"%.*s\"]", one, LEN, one);
			if (pack_signatures(text) != (digit != NULL))
				fail_msg("%s", text);
			if (digit == NULL)
				continue;
			want = (uint8_t)((digit - digits) << (at % 2 == 0 ? 4 : 0));
			assert_int_equal(pack.out.len, 1 + 2 * SIGNATURE_BYTES);
			for (size_t i = 0; i < 2UL * SIGNATURE_BYTES; i++)
				assert_int_equal((uint8_t)pack.out.data[1 + i],
						 i % SIGNATURE_BYTES == at / 2 ? want : 0);
		}
		one[at] = '0';
	}
}

static void other_lists_are_no_signatures(void **state)
{
	static const struct {
		const char *before;
		size_t digits;
		const char *behind;
	} rows[] = {
		{"[\"", 128, "\"]"},         {"[\"", 129, "\"]"},     {"[\"", 131, "\"]"},
		{"[\"", 132, "\"]"},         {"[\"\\\"", 128, "\"]"}, {"[\"", 127, "\",\"\"]"},
		{"[\"", 130, "\",\"\"]"},    {"[\"", 130, "\",1]"},   {"[[\"", 128, "\"]]"},
		{"[1, \"", 126, "\",\"\"]"},
	};

	(void)state;
	assert_true(pack_signatures("[]"));
	assert_int_equal(pack.out.len, 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT(512);

		buf_add_text(&text, rows[i].before);
		for (size_t j = 0; j < rows[i].digits; j++)
			buf_add_char(&text, '0');
		buf_add_text(&text, rows[i].behind);
		if (pack_signatures(text.data))
			fail_msg("%s", text.data);
	}
}

/* More elements than one byte of length can tell, and longer texts. */
static void lengths_have_seven_bits_a_byte(void **state)
{
	static const size_t lengths[] = {127, 128, 129, 16383, 16384, 20000};
	CLEANUP(buf_release) struct buf payload = BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		size_t len = lengths[i], want = len > 16383 ? 3 : len > 127 ? 2 : 1;
		const unsigned char *at;

		for (int form = 0; form < 3; form++) {
			buf_reset(&payload);
			buf_add_text(
				&payload,
				form == 0 ? "{\"proposal_owner\":\"a\",\"proposal_ids\":["
					  : "{\"from\":\"a\",\"to\":\"b\",\"amount\":\"0.001 SBD\","
					    "\"memo\":\"");
			for (size_t j = 0; j < len; j++)
				buf_add_text(&payload, form == 0   ? (j ? ",1" : "1")
						       : form == 1 ? "x"
								   : "\\n");
			buf_add_text(&payload, form == 0 ? "],\"extensions\":[]}" : "\"}");
			buf_reset(&pack.out);
			assert_true(pack_operation(form == 0 ? "remove_proposal" : "transfer",
						   payload.data));
			assert_int_equal(pack.out.len,
					 (form == 0 ? 3 + 8 * len + 1 : 21 + len) + want);
			at = (const unsigned char *)pack.out.data + (form == 0 ? 3 : 21);
			assert_int_equal((at[0] & 0x7f) | (want > 1 ? (at[1] & 0x7f) << 7 : 0) |
						 (want > 2 ? at[2] << 14 : 0),
					 len);
			assert_int_equal(at[want], form == 0 ? 1 : form == 1 ? 'x' : '\n');
			assert_int_equal(at[-1 + (long)want + (long)(form ? len : 8 * len)],
					 form == 0   ? 0
					 : form == 1 ? 'x'
						     : '\n');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_operation_is_packed),
		cmocka_unit_test(real_transactions_have_their_bytes),
		cmocka_unit_test(headers_have_their_bytes),
		cmocka_unit_test(each_form_of_a_node_is_taken),
		cmocka_unit_test(times_are_signed),
		cmocka_unit_test(what_no_node_writes_is_not_packed),
		cmocka_unit_test(each_digit_of_a_signature_counts),
		cmocka_unit_test(other_lists_are_no_signatures),
		cmocka_unit_test(lengths_have_seven_bits_a_byte),
	};

	return cmocka_run_group_tests(tests, make_pack, free_pack);
}
