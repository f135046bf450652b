/* SPDX-License-Identifier: MIT */
#include "sync/keyring.h"

#include <string.h>

#define DAY_S       86400
#define RECENT_DAYS 30

static uint32_t blocks_a_day(const struct chain *chain)
{
	return DAY_S / chain->block_interval_s;
}

uint32_t keyring_recent_from(const struct chain *chain, uint32_t block)
{
	uint32_t window = RECENT_DAYS * blocks_a_day(chain);

	return block > window ? block - window : 1;
}

uint32_t keyring_recent_to(const struct chain *chain, uint32_t block)
{
	uint32_t window = RECENT_DAYS * blocks_a_day(chain);

	return block < UINT32_MAX - window ? block + window : UINT32_MAX;
}

unsigned keyring_round(const struct chain *chain)
{
	return chain->witness_count > 0 ? chain->witness_count : CHAIN_WITNESSES_MAX;
}

static bool counts(const struct witness_key *key, const struct chain *chain, uint32_t block)
{
	return key->last_signed >= keyring_recent_from(chain, block) &&
	       (uint64_t)key->since_block + keyring_round(chain) < block;
}

/* Is there none of the same witness among the first `count` ones? */
static bool is_first(const struct witness_key_list *keys, size_t count, const struct chain *chain,
		     uint32_t block)
{
	for (size_t i = 0; i < count; i++)
		if (counts(&keys->items[i], chain, block) &&
		    strcmp(keys->items[i].witness, keys->items[count].witness) == 0)
			return false;
	return true;
}

bool keyring_is_recent(const struct witness_key_list *keys, const struct chain *chain,
		       uint32_t block)
{
	unsigned all = keyring_round(chain), count = 0;

	for (size_t i = 0; i < keys->count; i++)
		count += counts(&keys->items[i], chain, block) && is_first(keys, i, chain, block);
	return count >= all - all / 4;
}

/* The row in force at `block`. */
static struct witness_key *find(const struct witness_key_list *keys, const char *witness,
				uint32_t block)
{
	struct witness_key *newest = NULL;

	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].since_block < block &&
		    (!newest || keys->items[i].since_block > newest->since_block) &&
		    strcmp(keys->items[i].witness, witness) == 0)
			newest = &keys->items[i];
	return newest;
}

bool keyring_has(const struct witness_key_list *keys, const char *witness)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->items[i].witness, witness) == 0)
			return true;
	return false;
}

struct witness_key *keyring_match(const struct witness_key_list *keys, const char *witness,
				  const char *key, uint32_t block)
{
	struct witness_key *row = find(keys, witness, block);

	if (row && strcmp(row->key, key) == 0)
		return row;
	for (size_t i = 0; i < keys->count; i++) {
		row = &keys->items[i];
		if (row->since_block >= block && row->last_signed > 0 &&
		    strcmp(row->witness, witness) == 0 && strcmp(row->key, key) == 0)
			return row;
	}
	return NULL;
}

bool keyring_must_note(const struct witness_key *key, const struct chain *chain, uint32_t block)
{
	return key->last_signed == 0 || key->last_signed + blocks_a_day(chain) < block;
}
