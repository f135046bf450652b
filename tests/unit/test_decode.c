/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "recorded.h"
#include "steem/decode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TIME    "\"time\":\"2016-03-24T16:05:00\""
#define ID      "0000000a00000000000000000000000000000001"
#define PREV    "0000000900000000000000000000000000000001"
#define ROOT    "1111111111111111111111111111111111111111"
#define ZERO    "0000000000000000000000000000000000000000"
#define TRX     "abcdefabcdefabcdefabcdefabcdefabcdefabcd"
#define VOTE    "[\"vote\",{\"voter\":\"ann\"}]"
#define HEADER  "\"previous\":\"" PREV "\",\"timestamp\":\"2016-03-24T16:05:00\","
#define MERKLE  "\"transaction_merkle_root\":\"" ROOT "\","
#define NOTHING "\"transaction_merkle_root\":\"" ZERO "\","
#define IDS     "\"block_id\":\"" ID "\",\"transaction_ids\":[\"" TRX "\"]"
#define TRXS    "\"transactions\":[{\"operations\":[" VOTE "],\"transaction_id\":\"" TRX "\"}],"
#define GOOD    "{" HEADER MERKLE TRXS IDS "}"
#define EMPTY                                                                                      \
	"{" HEADER NOTHING "\"transactions\":[],\"block_id\":\"" ID "\",\"transaction_ids\":[]}"

static struct block *decode(const char *text, uint32_t num, struct error *err)
{
	return decode_block(text, strlen(text), num, NULL, err);
}

static void a_block_is_decoded(void **state)
{
	struct error err = ERROR_INIT;
	struct block *block = decode(GOOD, 10, &err);
	char id[BLOCK_ID_HEX + 1];

	(void)state;
	assert_non_null(block);
	assert_int_equal(block->num, 10);
	assert_string_equal(block_id_format(block->id, id), ID);
	assert_string_equal(block_id_format(block->previous, id), PREV);
	assert_int_equal(block->timestamp_s, clock_parse_utc("2016-03-24T16:05:00"));
	assert_int_equal(block->operation_count, 1);
	assert_int_equal(block->stored_count, 1);
	assert_string_equal(block->operations[0].name, "vote");
	assert_int_equal(block->operations[0].name_bytes, 4);
	assert_string_equal(block->operations[0].payload, "{\"voter\":\"ann\"}");
	assert_string_equal(block->operations[0].account, "ann");
	assert_string_equal(block->operations[0].trx_id, TRX);
	assert_int_equal(block->operations[0].virtual_op, 0);
	assert_false(block->had_invalid_utf8);
	/* Nothing was to be proved. */
	assert_int_equal(block->proof, BLOCK_PROOF_NONE);
	assert_true(block->proof_reason == NULL && block->seal == NULL);
	block_free(block);
}

static void operations_are_numbered_by_their_place(void **state)
{
	/* Members in another order, unknown ones, upper-case ids, white space. */
	static const char text[] =
		"{ \"transaction_ids\" : [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"" TRX
		"\"], \"new\":[{}], \"block_id\":\"" ID "\", " MERKLE "\"transactions\":["
		"{\"operations\":[[\"a\",{\"x\" : 1}],[\"future_op\",{}]],\"block_num\":10},"
		"{\"operations\":[[\"custom_json\",{\"json\":\"\xff\"}]]}]," HEADER
		"\"witness\":\"w\"}";
	static const struct {
		uint32_t trx_in_block, op_in_trx;
		const char *name, *payload, *trx_id;
	} expected[] = {
		{0, 0, "a", "{\"x\":1}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{0, 1, "future_op", "{}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{1, 0, "custom_json", "{\"json\":\"\xef\xbf\xbd\"}", TRX},
	};
	struct error err = ERROR_INIT;
	struct block *block = decode(text, 10, &err);

	(void)state;
	assert_non_null(block);
	assert_int_equal(block->operation_count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		assert_int_equal(block->operations[i].trx_in_block, expected[i].trx_in_block);
		assert_int_equal(block->operations[i].op_in_trx, expected[i].op_in_trx);
		assert_string_equal(block->operations[i].name, expected[i].name);
		assert_string_equal(block->operations[i].payload, expected[i].payload);
		assert_string_equal(block->operations[i].trx_id, expected[i].trx_id);
		assert_null(block->operations[i].account);
	}
	assert_true(block->had_invalid_utf8);
	block_free(block);
}

static void an_empty_block_is_a_block(void **state)
{
	struct error err = ERROR_INIT;
	struct block *block = decode(EMPTY, 10, &err);

	(void)state;
	assert_non_null(block);
	assert_int_equal(block->operation_count, 0);
	block_free(block);
}

#define NAME65        "a2345678901234567890123456789012345678901234567890123456789012345"
#define WITH_TRX(trx) "{" HEADER MERKLE "\"transactions\":[" trx "]," IDS "}"
#define WITH_OP(op)   WITH_TRX("{\"operations\":[" op "]}")

static const struct {
	const char *text, *says;
} wrong_blocks[] = {
	{"null", "the node does not have block 10"},
	{" null ", "the node does not have block 10"},
	{"null x", "bad JSON"},
	{"", "not an object"},
	{"[]", "not an object"},
	{"{}", "no previous"},
	{"{" HEADER MERKLE TRXS IDS, "bad JSON"},
	{GOOD " ,", "bad JSON"},
	{"{" HEADER MERKLE TRXS "\"transaction_ids\":[\"" TRX "\"]}", "too old"},
	{"{" MERKLE TRXS IDS "}", "no previous"},
	{"{\"previous\":\"" PREV "\"," MERKLE TRXS IDS "}", "no timestamp"},
	{"{" HEADER TRXS IDS "}", "no transaction_merkle_root"},
	{"{" HEADER MERKLE IDS "}", "no transactions"},
	{"{" HEADER MERKLE TRXS "\"block_id\":\"" ID "\"}", "no transaction_ids"},
	{"{" HEADER MERKLE TRXS "\"block_id\":null,\"transaction_ids\":[]}", "not a string"},
	{"{" HEADER HEADER MERKLE TRXS IDS "}", "twice"},
	{"{" HEADER MERKLE TRXS TRXS IDS "}", "twice"},
	{"{" HEADER MERKLE TRXS "\"block_id\":\"0000000b" ROOT "\",\"transaction_ids\":[\"" TRX
	 "\"]}",
	 "40 hexadecimal"},
	{"{" HEADER MERKLE TRXS "\"block_id\":\"0000000b11111111111111111111111111111111\","
	 "\"transaction_ids\":[\"" TRX "\"]}",
	 "gave block 11 instead"},
	{"{\"previous\":\"" ID "\",\"timestamp\":\"2016-03-24T16:05:00\"," MERKLE TRXS IDS "}",
	 "previous block is said to be 10"},
	{"{\"previous\":\"" PREV "\",\"timestamp\":\"2016-13-24T16:05:00\"," MERKLE TRXS IDS "}",
	 "no time"},
	{"{\"previous\":\"" PREV "\",\"timestamp\":\"2016-03-24T16:05\"," MERKLE TRXS IDS "}",
	 "no time"},
	{"{" HEADER MERKLE "\"transactions\":[]," IDS "}", "0 transactions, but 1 ids"},
	{"{" HEADER MERKLE TRXS "\"block_id\":\"" ID "\",\"transaction_ids\":[]}",
	 "1 transactions, but 0 ids"},
	{"{" HEADER NOTHING TRXS IDS "}", "merkle"},
	{"{" HEADER MERKLE "\"transactions\":[],\"block_id\":\"" ID "\",\"transaction_ids\":[]}",
	 "merkle"},
	{"{" HEADER "\"transaction_merkle_root\":\"\"," TRXS IDS "}", "merkle"},
	{"{" HEADER MERKLE TRXS "\"block_id\":\"" ID "\",\"transaction_ids\":[\"x\"]}",
	 "40 hexadecimal"},
	{"{" HEADER MERKLE TRXS "\"block_id\":\"" ID "\",\"transaction_ids\":[\"" ROOT "\"]}",
	 "another id"},
	{"{" HEADER MERKLE TRXS "\"block_id\":\"" ID "\",\"transaction_ids\":[1]}", "not a string"},
	{WITH_TRX("{}"), "no operation"},
	{WITH_TRX("{\"operations\":[]}"), "no operation"},
	{WITH_TRX("{\"operations\":{}}"), "not an array"},
	{WITH_TRX("1"), "not an object"},
	{WITH_TRX("{\"operations\":[" VOTE "],\"operations\":[" VOTE "]}"), "twice"},
	{WITH_OP("[]"), "not a pair"},
	{WITH_OP("[\"vote\"]"), "not a pair"},
	{WITH_OP("[\"vote\",{},1]"), "not a pair"},
	{WITH_OP("[\"vote\",[]]"), "not a pair"},
	{WITH_OP("[0,{}]"), "not a pair"},
	{WITH_OP("7"), "not a pair"},
	{WITH_OP("{\"type\":\"vote_operation\",\"value\":{}}"), "block_api"},
	{WITH_OP("[\"\",{}]"), "a name that is empty or longer than 64 bytes"},
	{WITH_OP("[\"" NAME65 "\",{}]"), "a name that is empty or longer than 64 bytes"},
	{WITH_OP("[\"a b\",{}]"), "not printable"},
	{WITH_OP("[\"\xc3\xa9\",{}]"), "not printable"},
	{WITH_OP("[\"vote\",{\"a\":\"\\a\"}]"), "bad JSON"},
	{WITH_OP("[\"vote\",{\"a\":\"\n\"}]"), "bad JSON"},
};

static void what_is_not_the_block_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong_blocks); i++) {
		struct error err = ERROR_INIT;

		if (decode(wrong_blocks[i].text, 10, &err))
			fail_msg("accepted: %s", wrong_blocks[i].text);
		if (err.kind != ERROR_NODE || !strstr(err.text, wrong_blocks[i].says) ||
		    !strstr(err.text, "10"))
			fail_msg("%s: %s", wrong_blocks[i].text, err.text);
	}
}

static void a_long_name_and_deep_payload_are_kept(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(100000);
	struct error err = ERROR_INIT;
	struct block *block;

	(void)state;
	buf_addf(&text,
		 "{" HEADER MERKLE "\"transactions\":[{\"operations\":[[\"%.64s\",{\"a\":", NAME65);
	for (int i = 0; i < 99; i++)
		buf_add_char(&text, '[');
	for (int i = 0; i < 99; i++)
		buf_add_char(&text, ']');
	buf_add_text(&text, "}]]}]," IDS "}");
	block = decode_block(text.data, text.len, 10, NULL, &err);
	if (!block)
		fail_msg("%s", err.text);
	assert_int_equal(block->operations[0].name_bytes, 64);
	assert_int_equal(block->operations[0].payload_bytes, 6 + 198);
	block_free(block);
}

/* Every cut of a good block is refused, and no byte changed in it leads astray. */
static void broken_blocks_do_no_harm(void **state)
{
	const size_t len = sizeof(GOOD) - 1;

	(void)state;
	random_seed(7);
	for (size_t cut = 0; cut < len; cut++) {
		struct error err = ERROR_INIT;
		char *copy = xmalloc(cut ? cut : 1); /* exactly so long: reading on is seen */

		memcpy(copy, GOOD, cut);
		assert_null(decode_block(copy, cut, 10, NULL, &err));
		assert_int_equal(err.kind, ERROR_NODE);
		free(copy);
	}
	for (int round = 0; round < 20000; round++) {
		struct error err = ERROR_INIT;
		char *copy = xtextdup(GOOD, len);
		struct block *block;

		copy[random_below(len)] = (char)random_below(256);
		copy[random_below(len)] = "\"{}[],:\\0x"[random_below(10)];
		block = decode_block(copy, len, 10, NULL, &err);
		assert_true(block ? block->num == 10 && block->operation_count == 1
				  : err.kind == ERROR_NODE);
		block_free(block);
		free(copy);
	}
}

/* json-c reads the same block: same operations, same payloads. */
static void compare_with_json_c(const char *text, size_t len, const struct block *block)
{
	struct json_object *tree = json_tokener_parse(text);
	struct json_object *trxs, *ids;
	size_t next = 0;

	(void)len;
	assert_non_null(tree);
	trxs = json_object_object_get(tree, "transactions");
	ids = json_object_object_get(tree, "transaction_ids");
	for (size_t i = 0; i < json_object_array_length(trxs); i++) {
		struct json_object *trx = json_object_array_get_idx(trxs, i);
		struct json_object *operations = json_object_object_get(trx, "operations");

		for (size_t j = 0; j < json_object_array_length(operations); j++, next++) {
			struct json_object *pair = json_object_array_get_idx(operations, j);
			const struct operation *operation = &block->operations[next];
			struct json_object *ours = json_tokener_parse(operation->payload);

			assert_true(next < block->operation_count);
			assert_string_equal(
				operation->name,
				json_object_get_string(json_object_array_get_idx(pair, 0)));
			assert_string_equal(
				operation->trx_id,
				json_object_get_string(json_object_array_get_idx(ids, i)));
			assert_int_equal(operation->trx_in_block, i);
			assert_int_equal(operation->op_in_trx, j);
			assert_true(json_object_equal(ours, json_object_array_get_idx(pair, 1)));
			assert_int_equal(strlen(operation->payload), operation->payload_bytes);
			json_object_put(ours);
		}
	}
	assert_int_equal(next, block->operation_count);
	json_object_put(tree);
}

static size_t decode_lines(const char *name, uint32_t first)
{
	size_t len = 0, count = 0;
	CLEANUP(mem_free_pointer) char *text = recorded_read(name, &len);

	for (char *line = text, *end; line && (end = strchr(line, '\n')); line = end + 1) {
		struct error err = ERROR_INIT;
		struct block *block;

		*end = '\0';
		block = decode_block(line, (size_t)(end - line), first + (uint32_t)count, NULL,
				     &err);
		if (!block)
			fail_msg("%s: %s", name, err.text);
		compare_with_json_c(line, (size_t)(end - line), block);
		block_free(block);
		count++;
	}
	return count;
}

static void recorded_runs_are_decoded(void **state)
{
	size_t count = decode_lines("runs/1-1000.jsonl", 1);

	(void)state;
	if (count == 0)
		skip();
	assert_int_equal(count, 1000);
	assert_int_equal(decode_lines("runs/4999981-5000000.jsonl", 4999981), 20);
}

static void recorded_busy_blocks_are_decoded(void **state)
{
	CLEANUP(mem_free_pointer) char *path = recorded_path("blocks");
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	(void)state;
	if (!folder) {
		print_message("skipped: %s is not there\n", path);
		skip();
	}
	while ((entry = readdir(folder))) {
		CLEANUP(mem_free_pointer) char *name = xasprintf("blocks/%s", entry->d_name);
		CLEANUP(mem_free_pointer) char *text = NULL;
		struct error err = ERROR_INIT;
		struct block *block;
		size_t len = 0;

		if (!strstr(entry->d_name, ".json"))
			continue;
		text = recorded_read(name, &len);
		assert_non_null(text);
		block = decode_block(text, len, (uint32_t)strtoul(entry->d_name, NULL, 10), NULL,
				     &err);
		if (!block)
			fail_msg("%s: %s", name, err.text);
		compare_with_json_c(text, len, block);
		block_free(block);
		count++;
	}
	closedir(folder);
	assert_int_equal(count, 65);
}

static void heads_are_decoded(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} rows[] = {
		{"{\"head_block_number\":20,\"last_irreversible_block_num\":5," TIME "}", true},
		{"{" TIME ",\"x\":{\"y\":[]},\"head_block_number\":\"20\","
		 "\"last_irreversible_block_num\":\"5\"}",
		 true},
		{"{\"head_block_number\":4,\"last_irreversible_block_num\":5," TIME "}", false},
		{"{\"head_block_number\":20,\"last_irreversible_block_num\":5}", false},
		{"{\"head_block_number\":20,\"last_irreversible_block_num\":5,\"time\":0}", false},
		{"{\"head_block_number\":20," TIME "}", false},
		{"{\"head_block_number\":-20,\"last_irreversible_block_num\":-25," TIME "}", false},
		{"{\"head_block_number\":4294967296,\"last_irreversible_block_num\":5,"
		 "" TIME "}",
		 false},
		{"{\"head_block_number\":20.5,\"last_irreversible_block_num\":5," TIME "}", false},
		{"{\"head_block_number\":\"\",\"last_irreversible_block_num\":\"5x\","
		 "" TIME "}",
		 false},
		{"null", false},
		{"[]", false},
		{"{\"head_block_number\":20,", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct chain_head head = {0};
		struct error err = ERROR_INIT;
		int result = decode_head(rows[i].text, strlen(rows[i].text), &head, &err);

		if ((result == 0) != rows[i].is_good)
			fail_msg("%s: %s", rows[i].text, err.text);
		if (result != 0) {
			assert_int_equal(err.kind, ERROR_NODE);
			continue;
		}
		assert_int_equal(head.head_block, 20);
		assert_int_equal(head.irreversible_block, 5);
		assert_int_equal(head.head_time_s, clock_parse_utc("2016-03-24T16:05:00"));
	}
}

/* Three bytes of it would become a kilobyte. */
static void a_head_of_any_length_is_not_read(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
	struct chain_head head;
	struct error err = ERROR_INIT;

	(void)state;
	buf_add_text(&text, "{\"head_block_number\":20,\"last_irreversible_block_num\":5," TIME
			    ",\"x\":[{}");
	while (text.len < 70000)
		buf_add_text(&text, ",{}");
	buf_add_text(&text, "]}");
	assert_int_equal(decode_head(text.data, text.len, &head, &err), -1);
	assert_non_null(strstr(err.text, "too long"));
}

static void signing_keys_are_decoded(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: it is good */
	} rows[] = {
		{"{\"id\":1,\"owner\":\"dan\",\"props\":{},\"signing_key\":\"STM8GC\"}", NULL},
		{"{\"owner\":\"erin\",\"signing_key\":\"STM8GC\"}", "on another one"},
		{"{\"signing_key\":\"STM8GC\"}", "on another one"},
		{"{\"owner\":\"dan\"}", "no signing_key"},
		{"{\"owner\":\"dan\",\"signing_key\":7}", "no signing_key"},
		{"{\"owner\":\"dan\",\"signing_key\":\"STM4567890123456789012345678901234567890123456789"
		 "0123456789012345\"}",
		 "no signing_key"},
		{"null", "not an object"},
		{"[]", "not an object"},
		{"{", "not an object"},
		{"", "not an object"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct error err = ERROR_INIT;
		char key[DECODE_KEY_BYTES];
		int result =
			decode_signing_key(rows[i].text, strlen(rows[i].text), "dan", key, &err);

		assert_int_equal(result, rows[i].says ? -1 : 0);
		if (!rows[i].says)
			assert_string_equal(key, "STM8GC");
		else if (err.kind != ERROR_NODE || !strstr(err.text, rows[i].says))
			fail_msg("%s: %s", rows[i].text, err.text);
	}
}

/* Nine bytes are an operation, three an id. */
static void a_block_of_very_many_things_is_refused(void **state)
{
	static const struct {
		const char *before, *one, *says;
	} rows[] = {
		{"{\"transactions\":[{\"operations\":[[\"a\",{}]", ",[\"a\",{}]",
		 "more than 300000 operations"},
		{"{\"transactions\":[{\"operations\":[[\"a\",{}]]}",
		 ",{\"operations\":[[\"a\",{}]]}", "more than 300000 operations"},
		{"{\"transaction_ids\":[\"\"", ",\"\"", "more than 300000 transaction_ids"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT(16 << 20);
		struct error err = ERROR_INIT;

		buf_add_text(&text, rows[i].before);
		for (unsigned j = 0; j < 300000; j++)
			buf_add_text(&text, rows[i].one);
		assert_null(decode_block(text.data, text.len, 10, NULL, &err));
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s", err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_decoded),
		cmocka_unit_test(operations_are_numbered_by_their_place),
		cmocka_unit_test(an_empty_block_is_a_block),
		cmocka_unit_test(what_is_not_the_block_is_refused),
		cmocka_unit_test(a_long_name_and_deep_payload_are_kept),
		cmocka_unit_test(broken_blocks_do_no_harm),
		cmocka_unit_test(recorded_runs_are_decoded),
		cmocka_unit_test(recorded_busy_blocks_are_decoded),
		cmocka_unit_test(heads_are_decoded),
		cmocka_unit_test(a_head_of_any_length_is_not_read),
		cmocka_unit_test(signing_keys_are_decoded),
		cmocka_unit_test(a_block_of_very_many_things_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
