/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "steem/chain.h"
#include "steem/codec/proof.h"
#include "sync/key_changes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY_OF_BLOCK "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"
/* The key of all-zero bytes: the witness signs nothing any more. */
#define NO_KEY     "STM1111111111111111111111111111111114T1Anm"
#define ZEROS      "000000000000000000000000000000000000000000000000000000000000000000"
#define SET(props) "{\"owner\":\"dan\",\"props\":" props ",\"extensions\":[]}"

static struct operation operation_of(const char *name, const char *payload)
{
	return (struct operation){.name = name,
				  .name_bytes = strlen(name),
				  .payload = payload,
				  .payload_bytes = strlen(payload)};
}

static void what_changes_a_key(void **state)
{
	static const struct {
		const char *name, *payload, *key; /* key NULL: it changes none */
	} rows[] = {
		{"witness_update",
		 "{\"owner\":\"dan\",\"url\":\"\",\"block_signing_key\":\"" KEY_OF_BLOCK "\"}",
		 KEY_OF_BLOCK},
		{"witness_update", "{\"owner\":\"dan\",\"block_signing_key\":\"" NO_KEY "\"}",
		 NO_KEY},
		{"witness_update", "{\"owner\":\"dan\",\"block_signing_key\":7}", NULL},
		{"witness_update", "{\"owner\":\"dan\",\"block_signing_key\":\"\"}", NULL},
		{"witness_update", "{\"owner\":\"dan\",\"block_signing_key\":\"STM\\u0000\"}",
		 NULL},
		{"witness_update",
		 "{\"owner\":\"seventeen-letters\",\"block_signing_key\":\"" NO_KEY "\"}", NULL},
		{"witness_updates", "{\"owner\":\"dan\",\"block_signing_key\":\"" NO_KEY "\"}",
		 NULL},
		{"account_update", "{\"owner\":\"dan\",\"block_signing_key\":\"" NO_KEY "\"}",
		 NULL},
		{"witness_set_properties",
		 SET("[[\"key\",\"02\"],[\"new_signing_key\",\"" ZEROS "\"]]"), NO_KEY},
		{"witness_set_properties",
		 SET("[[\"new_signing_key\",\"" ZEROS "\"],[\"url\",\"\"]]"), NO_KEY},
		{"witness_set_properties", SET("[[\"key\",\"" ZEROS "\"]]"), NULL},
		{"witness_set_properties", SET("[[\"new_signing_key\",\"" ZEROS "00\"]]"), NULL},
		{"witness_set_properties", SET("[[\"new_signing_key\",\"\"]]"), NULL},
		{"witness_set_properties", SET("[[\"new_signing_key\",\"" ZEROS "\",1]]"), NULL},
		{"witness_set_properties", SET("[[\"new_signing_key\"]]"), NULL},
		{"witness_set_properties", SET("[7]"), NULL},
		{"witness_set_properties", SET("{}"), NULL},
		{"witness_set_properties", SET("[]"), NULL},
	};
	struct error err = ERROR_INIT;
	struct proof *proof = proof_new(&chain_steem, &err);

	(void)state;
	assert_non_null(proof);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct operation operation = operation_of(rows[i].name, rows[i].payload);
		struct block block = {.num = 7, .operations = &operation, .operation_count = 1};
		struct witness_key_list changes = {.count = 0};

		key_changes_add(&changes, proof, &block);
		if (changes.count != (rows[i].key ? 1 : 0))
			fail_msg("%s %s", rows[i].name, rows[i].payload);
		if (rows[i].key) {
			assert_string_equal(changes.items[0].witness, "dan");
			assert_string_equal(changes.items[0].key, rows[i].key);
			assert_int_equal(changes.items[0].since_block, 7);
			assert_false(changes.items[0].is_of_nodes);
		}
		witness_key_list_release(&changes);
	}
	proof_free(proof);
}

static void all_of_a_block_in_the_order_of_the_chain(void **state)
{
	static const char first[] = "{\"owner\":\"dan\",\"block_signing_key\":\"STM1\"}";
	static const char second[] = "{\"owner\":\"dan\",\"block_signing_key\":\"STM2\"}";
	struct operation operations[] = {
		operation_of("witness_update", first), operation_of("vote", "{}"),
		operation_of("witness_update", second), operation_of("witness_update", first)};
	struct block block = {
		.num = 7, .operations = operations, .operation_count = 3, .virtual_count = 1};
	struct witness_key_list changes = {.count = 0};

	(void)state;
	operations[2].is_stored = false;
	for (unsigned i = 0; i < 10; i++)
		key_changes_add(&changes, NULL, &block);
	assert_int_equal(changes.count, 20);
	assert_string_equal(changes.items[18].key, "STM1");
	assert_string_equal(changes.items[19].key, "STM2");
	witness_key_list_release(&changes);
	assert_int_equal(changes.count, 0);
}

static void without_a_hash_bytes_are_passed_over(void **state)
{
	struct operation operation = operation_of("witness_set_properties",
						  SET("[[\"new_signing_key\",\"" ZEROS "\"]]"));
	struct block block = {.num = 7, .operations = &operation, .operation_count = 1};
	struct witness_key_list changes = {.count = 0};

	(void)state;
	key_changes_add(&changes, NULL, &block);
	assert_int_equal(changes.count, 0);
	witness_key_list_release(&changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changes_a_key),
		cmocka_unit_test(all_of_a_block_in_the_order_of_the_chain),
		cmocka_unit_test(without_a_hash_bytes_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
