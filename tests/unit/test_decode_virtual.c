/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "recorded.h"
#include "steem/decode.h"
#include "steem/decode_virtual.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TRX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TRX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ZERO  "0000000000000000000000000000000000000000"

#define ENTRY(block, trx_id, trx, number, op)                                                      \
	"{\"trx_id\":\"" trx_id "\",\"block\":" block ",\"trx_in_block\":" trx ",\"op_in_trx\":0," \
	"\"virtual_op\":" number ",\"timestamp\":\"2016-03-24T16:05:00\",\"op\":" op "}"
#define OWN      "900000"
#define NO_TRX   "4294967295"
#define FILLED   "[\"fill_order\",{\"current_owner\":\"ann\",\"open_owner\":\"bob\"}]"
#define REWARDED "[\"producer_reward\",{\"producer\":\"carol\", \"vesting_shares\":\"1.0 \\/\"}]"
#define REWARD   ENTRY(OWN, ZERO, NO_TRX, "1", REWARDED)

/* A block of two transactions, with two operations and one. */
static struct block *make_block(uint32_t num)
{
	CLEANUP(mem_free_pointer)
	char *text = xasprintf(
		"{\"previous\":\"%08x%032d\",\"timestamp\":\"2018-09-25T00:00:00\","
		"\"transaction_merkle_root\":\"%040d\",\"transactions\":[{\"operations\":["
		"[\"vote\",{\"voter\":\"ann\"}],[\"vote\",{\"voter\":\"bob\"}]]},{\"operations\":["
		"[\"vote\",{\"voter\":\"carol\"}]]}],\"block_id\":\"%08x%032d\","
		"\"transaction_ids\":[\"" TRX_A "\",\"" TRX_B "\"]}",
		num - 1, 0, 1, num, 0);
	struct error err = ERROR_INIT;
	struct block *block = decode_block(text, strlen(text), num, NULL, &err);

	assert_non_null(block);
	return block;
}

static void they_stand_behind_the_real_ones(void **state)
{
	static const char list[] =
		"[" ENTRY(OWN, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "0", "1",
			  FILLED) ", " ENTRY(OWN, TRX_B, "1", "7",
					     FILLED) "," ENTRY(OWN, TRX_A, NO_TRX, "7",
							       "[\"hardfork\",{\"hardfork_id\":"
							       "20}]") "," REWARD "]";
	struct block *block = make_block(900000);
	struct error err = ERROR_INIT;
	const struct operation *ops;

	(void)state;
	assert_int_equal(decode_virtual(list, strlen(list), block, &err), 0);
	assert_int_equal(block->operation_count, 3);
	assert_int_equal(block->virtual_count, 4);
	assert_int_equal(block->stored_count, 7);
	assert_int_equal(block->stored_virtual_count, 4);
	assert_int_equal(block->virtual_state, BLOCK_VIRTUAL_COMPLETE);
	ops = block->operations;
	assert_string_equal(ops[2].account, "carol");
	assert_int_equal(ops[2].virtual_op, 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(ops[3 + i].virtual_op, i + 1); /* whatever the node counts */
	assert_int_equal(ops[3].trx_in_block, 0);
	assert_string_equal(ops[3].trx_id, TRX_A);
	assert_string_equal(ops[3].account, "ann");
	assert_int_equal(ops[4].trx_in_block, 1);
	assert_string_equal(ops[4].trx_id, TRX_B);
	assert_int_equal(ops[5].trx_in_block, UINT32_MAX);
	assert_null(ops[5].trx_id); /* what stands there is of some trx that failed */
	assert_string_equal(ops[5].account, "initminer");
	assert_string_equal(ops[6].name, "producer_reward");
	assert_string_equal(ops[6].payload,
			    "{\"producer\":\"carol\",\"vesting_shares\":\"1.0 /\"}");
	block_free(block);
}

static void only_the_reward_tells_that_a_list_is_whole(void **state)
{
	static const struct {
		uint32_t num;
		const char *list;
		enum block_virtual state;
	} cases[] = {
		{899999, "[]", BLOCK_VIRTUAL_UNVERIFIED},
		{864000, " [ ] ", BLOCK_VIRTUAL_UNVERIFIED},
		{863999, "[]",
		 BLOCK_VIRTUAL_UNVERIFIED}, /* the node must prove that it has a history */
		{863999, "[" ENTRY("863999", ZERO, NO_TRX, "1", FILLED) "]",
		 BLOCK_VIRTUAL_COMPLETE},
		{900000, "[" REWARD "]", BLOCK_VIRTUAL_COMPLETE},
		{900000, "[" ENTRY(OWN, ZERO, NO_TRX, "1", FILLED) "]", BLOCK_VIRTUAL_UNVERIFIED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct block *block = make_block(cases[i].num);
		struct error err = ERROR_INIT;

		assert_int_equal(decode_virtual(cases[i].list, strlen(cases[i].list), block, &err),
				 0);
		assert_int_equal(block->virtual_state, cases[i].state);
		block_free(block);
	}
}

/* Of the block itself nothing is known: its trxs are not looked for. */
static void a_witness_says_what_is_there(void **state)
{
	static const struct {
		const char *list;
		bool is_list, has_any, has_reward;
	} cases[] = {
		{"[]", true, false, false},
		{"[" REWARD "]", true, true, true},
		{"[" ENTRY(OWN, TRX_A, "7", "1", FILLED) "]", true, true, false},
		{"[" ENTRY("899999", ZERO, NO_TRX, "1", REWARDED) "]", false, false, false},
		{"null", false, false, false},
		{"[", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decode_witness witness;
		struct error err = ERROR_INIT;
		int result = decode_virtual_witness(cases[i].list, strlen(cases[i].list), 900000,
						    &witness, &err);

		assert_int_equal(result, cases[i].is_list ? 0 : -1);
		assert_int_equal(err.kind, cases[i].is_list ? ERROR_NONE : ERROR_NODE);
		assert_true(witness.has_any == cases[i].has_any);
		assert_true(witness.has_reward == cases[i].has_reward);
	}
}

static void what_newer_or_older_nodes_spell_otherwise_is_read(void **state)
{
	static const char *const lists[] = {
		"[" ENTRY(OWN, ZERO, NO_TRX, "true", REWARDED) "]",
		"[" ENTRY("\"900000\"", ZERO, "\"4294967295\"", "\"1\"", REWARDED) "]",
		/* The counter of 16 bits came round to 0. */
		"[" ENTRY(OWN, ZERO, NO_TRX, "0", REWARDED) "]",
		"[" ENTRY(OWN, TRX_A, "0", "0", FILLED) "," REWARD "]",
		/* A member more. */
		"[" ENTRY(OWN, ZERO, NO_TRX, "1,\"operation_id\":{}", REWARDED) "]",
		"[" ENTRY(OWN, TRX_A, "0", "3", "[\"not_known_yet\",{}]") "," REWARD "]",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		const char *list = lists[i];
		struct block *block = make_block(900000);
		struct error err = ERROR_INIT;

		if (decode_virtual(list, strlen(list), block, &err) != 0)
			fail_msg("%s: %s", list, err.text);
		assert_int_equal(block->virtual_state, BLOCK_VIRTUAL_COMPLETE);
		block_free(block);
	}
}

static void what_is_not_what_was_asked_for_is_refused(void **state)
{
	static const struct {
		const char *list, *text;
	} bad[] = {
		{"null", "are not an array"},
		{"{}", "are not an array"},
		{"[", "ends"},
		{"[" REWARD "]x", "block 900000: its virtual operations: "},
		{"[" REWARD ",]", ""},
		{"[1]", "entry 1 of its virtual operations is not an object"},
		{"[" REWARD ",{}]", "entry 2 of its virtual operations lacks a member"},
		{"[" ENTRY("900001", ZERO, NO_TRX, "1", REWARDED) "]", "is of another block"},
		{"[" ENTRY(OWN, ZERO, "-1", "1", REWARDED) "]", "a whole number was expected"},
		{"[" ENTRY(OWN, ZERO, "4294967296", "1", REWARDED) "]", "above 4294967295"},
		{"[" ENTRY(OWN, ZERO, NO_TRX, "null", REWARDED) "]", "a whole number was expected"},
		{"[" ENTRY(OWN, TRX_A, "0", "0", "[\"vote\",{}]") "]", "is a real operation"},
		{"[" ENTRY(OWN, TRX_A, "0", "1", "[\"vote\",{}]") "]", "is a real operation"},
		{"[" ENTRY(OWN, ZERO, NO_TRX, "1", "[\"vote\",{}]") "]", "is a real operation"},
		{"[" ENTRY(OWN, TRX_A, "0", "0", "[\"new\",{}]") "]", "is a real operation"},
		{"[" ENTRY(OWN, TRX_A, "0", "false", "[\"new\",{}]") "]", "is a real operation"},
		{"[" ENTRY(OWN, TRX_A, "1", "1", FILLED) "]", "has another trx_id than its trx"},
		{"[" ENTRY(OWN, ZERO, "0", "1", FILLED) "]", "has another trx_id than its trx"},
		{"[" ENTRY(OWN, TRX_A, "2", "1", FILLED) "]", "a trx that the block does not have"},
		{"[" ENTRY(OWN, "x", "0", "1", FILLED) "]", "not 40 hexadecimal digits"},
		{"[" ENTRY(OWN, ZERO, NO_TRX, "1", "{\"type\":\"hardfork_operation\"}") "]",
		 "has the form of block_api"},
		{"[" ENTRY(OWN, ZERO, NO_TRX, "1", "[\"hardfork\",1]") "]",
		 "is not a pair of name and object"},
		{"[{\"block\":900000,\"block\":900000}]", "has a member twice"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct block *block = make_block(900000);
		struct error err = ERROR_INIT;

		assert_int_equal(decode_virtual(bad[i].list, strlen(bad[i].list), block, &err), -1);
		assert_int_equal(err.kind, ERROR_NODE);
		if (!strstr(err.text, bad[i].text) || !strstr(err.text, "block 900000: "))
			fail_msg("%s: %s", bad[i].list, err.text);
		assert_int_equal(block_total_count(block), 3); /* as it was */
		assert_int_equal(block->virtual_state, BLOCK_VIRTUAL_NONE);
		block_free(block);
	}
}

/* Hardforks older than the chain stand at a place of block 1 that may be no trx. */
static void block_one_is_special(void **state)
{
	static const char list[] = "[" ENTRY("1", ZERO, "0", "1", "[\"hardfork\",{}]") "," ENTRY(
		"1", ZERO, "7", "2", "[\"hardfork\",{}]") "]";
	struct block *block = make_block(1);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(decode_virtual(list, strlen(list), block, &err), 0);
	assert_null(block->operations[3].trx_id);
	assert_int_equal(block->operations[4].trx_in_block, 7);
	block_free(block);
}

static void seventy_thousand_are_read(void **state)
{
	enum { MANY = 70000 };
	CLEANUP(buf_release) struct buf list = BUF_INIT(64 << 20);
	struct block *block = make_block(900000);
	struct error err = ERROR_INIT;

	(void)state;
	buf_add_char(&list, '[');
	for (unsigned i = 1; i <= MANY; i++)
		buf_addf(&list,
			 "{\"trx_id\":\"" ZERO
			 "\",\"block\":900000,\"trx_in_block\":4294967295,\"op_in_trx\":0,"
			 "\"virtual_op\":%u,\"timestamp\":\"2016-03-24T16:05:00\",\"op\":"
			 "[\"curation_reward\",{\"curator\":\"c%u\",\"reward\":\"0.1 VESTS\"}]},",
			 i & 0xffff, i);
	buf_add_text(&list, REWARD "]");
	assert_int_equal(decode_virtual(buf_text(&list), list.len, block, &err), 0);
	assert_int_equal(block->virtual_count, MANY + 1);
	assert_int_equal(block->virtual_state, BLOCK_VIRTUAL_COMPLETE);
	assert_string_equal(block->operations[3 + 65535].account, "c65536");
	assert_int_equal(block->operations[3 + MANY].virtual_op, MANY + 1);
	assert_true(block_bytes(block) < (size_t)40 << 20);
	block_free(block);
}

/* The result in line n of a file of answers. */
static char *take_result(char **at, size_t *ret_len)
{
	char *line = strsep(at, "\n");
	char *result = line ? strstr(line, "\"result\":") : NULL;
	char *end;

	if (!result)
		return NULL;
	result += strlen("\"result\":");
	end = strrchr(result, ',');
	if (!end)
		return NULL;
	*ret_len = (size_t)(end - result);
	return result;
}

/* The 90 blocks of a real steemd's test network. */
static void recorded_ones_are_read(void **state)
{
	size_t len, block_len, list_len;
	CLEANUP(mem_free_pointer)
	char *blocks = recorded_read("testnet/blocks/condenser_get_block.jsonl", &len);
	CLEANUP(mem_free_pointer)
	char *lists = recorded_read("testnet/blocks/condenser_ops_virtual.jsonl", &len);
	char *at_block = blocks, *at_list = lists;
	unsigned virtual_count = 0, in_trx_count = 0;

	(void)state;
	if (!blocks || !lists)
		skip();
	for (uint32_t num = 1; num <= 90; num++) {
		const char *text = take_result(&at_block, &block_len);
		const char *list = take_result(&at_list, &list_len);
		struct error err = ERROR_INIT;
		struct block *block = text ? decode_block(text, block_len, num, NULL, &err) : NULL;

		if (!block || !list || decode_virtual(list, list_len, block, &err) != 0)
			fail_msg("block %u: %s", num, err.text);
		virtual_count += (unsigned)block->virtual_count;
		for (size_t i = block->operation_count; i < block_total_count(block); i++)
			in_trx_count += block->operations[i].trx_id != NULL;
		block_free(block);
	}
	assert_true(virtual_count >= 90 && in_trx_count >= 3);
	print_message("%u virtual operations, %u of them of a trx\n", virtual_count, in_trx_count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_stand_behind_the_real_ones),
		cmocka_unit_test(only_the_reward_tells_that_a_list_is_whole),
		cmocka_unit_test(a_witness_says_what_is_there),
		cmocka_unit_test(what_newer_or_older_nodes_spell_otherwise_is_read),
		cmocka_unit_test(what_is_not_what_was_asked_for_is_refused),
		cmocka_unit_test(block_one_is_special),
		cmocka_unit_test(seventy_thousand_are_read),
		cmocka_unit_test(recorded_ones_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
