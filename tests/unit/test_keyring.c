/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "sync/keyring.h"

#define DAY   28800 /* blocks */
#define MONTH (30 * DAY)
#define NOW   2000000

/* So many witnesses, each with a key that signed this block. */
static struct witness_key_list make(unsigned count, uint32_t last_signed)
{
	static struct witness_key keys[2 * CHAIN_WITNESSES_MAX];

	memset(keys, 0, sizeof(keys));
	for (unsigned i = 0; i < count; i++) {
		snprintf(keys[i].witness, sizeof(keys[i].witness), "w%u", i);
		snprintf(keys[i].key, sizeof(keys[i].key), "STM%u", i);
		keys[i].since_block = 100;
		keys[i].last_signed = last_signed;
	}
	return (struct witness_key_list){.items = keys, .count = count};
}

static bool is_recent(unsigned count, uint32_t last_signed)
{
	struct witness_key_list keys = make(count, last_signed);

	return keyring_is_recent(&keys, &chain_steem, NOW);
}

static void sixteen_of_twenty_one_are_enough(void **state)
{
	(void)state;
	assert_true(is_recent(16, NOW - 1));
	assert_true(is_recent(21, NOW - 1));
	assert_false(is_recent(15, NOW - 1));
	assert_false(is_recent(0, 0));
}

static void for_thirty_days(void **state)
{
	(void)state;
	assert_int_equal(keyring_recent_from(&chain_steem, NOW), NOW - MONTH);
	assert_int_equal(keyring_recent_from(&chain_steem, MONTH), 1);
	assert_int_equal(keyring_recent_from(&chain_steem, 5), 1);
	assert_true(is_recent(16, NOW - MONTH));
	assert_false(is_recent(16, NOW - MONTH - 1));
	assert_true(is_recent(16, NOW + 5)); /* a hole is filled */
	assert_false(is_recent(16, 0));
}

static void a_chain_with_any_number_of_witnesses_needs_as_many(void **state)
{
	struct witness_key_list keys = make(16, NOW - 1);

	(void)state;
	assert_true(keyring_is_recent(&keys, &chain_testnet, NOW));
	keys.count = 15;
	assert_false(keyring_is_recent(&keys, &chain_testnet, NOW));
}

/* Two keys of one witness do not make two witnesses. */
static void witnesses_count_once(void **state)
{
	struct witness_key_list keys = make(16, NOW - 1);

	(void)state;
	snprintf(keys.items[15].witness, sizeof(keys.items[15].witness), "w3");
	assert_false(keyring_is_recent(&keys, &chain_steem, NOW));
}

/* What is known only above a block says nothing about it. */
static void old_blocks_have_no_known_keys(void **state)
{
	struct witness_key_list keys = make(21, NOW - 1);

	(void)state;
	assert_true(keyring_is_recent(&keys, &chain_steem, 100 + 21 + 1));
	assert_false(keyring_is_recent(&keys, &chain_steem, 100 + 21)); /* a round later */
}

static void the_newest_key_below_a_block_is_in_force(void **state)
{
	struct witness_key_list keys = make(3, NOW - 1);

	(void)state;
	snprintf(keys.items[2].witness, sizeof(keys.items[2].witness), "w1");
	keys.items[2].since_block = 200;
	assert_ptr_equal(keyring_match(&keys, "w1", "STM1", 200), &keys.items[1]);
	assert_ptr_equal(keyring_match(&keys, "w1", "STM2", 201), &keys.items[2]);
	assert_null(keyring_match(&keys, "w1", "STM1", 201)); /* the old one */
	assert_null(keyring_match(&keys, "w0", "STM1", 200));
	assert_true(keyring_has(&keys, "w1"));
	assert_false(keyring_has(&keys, "w2"));
}

/* If it was seen to sign there. */
static void a_key_that_was_learnt_later_is_known(void **state)
{
	struct witness_key_list keys = make(3, NOW - 1);

	(void)state;
	assert_int_equal(keyring_recent_to(&chain_steem, 5), 5 + MONTH);
	assert_int_equal(keyring_recent_to(&chain_steem, UINT32_MAX - 1), UINT32_MAX);
	assert_ptr_equal(keyring_match(&keys, "w1", "STM1", 50), &keys.items[1]);
	assert_null(keyring_match(&keys, "w1", "STM2", 50));
	keys.items[1].last_signed = 0;
	assert_null(keyring_match(&keys, "w1", "STM1", 50));
}

static void it_is_noted_once_a_day(void **state)
{
	struct witness_key key = {.last_signed = NOW};

	(void)state;
	assert_false(keyring_must_note(&key, &chain_steem, NOW - 1));
	assert_false(keyring_must_note(&key, &chain_steem, NOW + DAY));
	assert_true(keyring_must_note(&key, &chain_steem, NOW + DAY + 1));
	key.last_signed = 0;
	assert_true(keyring_must_note(&key, &chain_steem, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_of_twenty_one_are_enough),
		cmocka_unit_test(for_thirty_days),
		cmocka_unit_test(a_chain_with_any_number_of_witnesses_needs_as_many),
		cmocka_unit_test(witnesses_count_once),
		cmocka_unit_test(old_blocks_have_no_known_keys),
		cmocka_unit_test(the_newest_key_below_a_block_is_in_force),
		cmocka_unit_test(a_key_that_was_learnt_later_is_known),
		cmocka_unit_test(it_is_noted_once_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
