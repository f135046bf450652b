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

/* Is there no such key of the same witness among the first `count` ones? */
static bool is_first(const struct witness_key_list *keys, size_t count, uint32_t from,
		     uint32_t block)
{
	for (size_t i = 0; i < count; i++)
		if (keys->items[i].last_signed >= from && keys->items[i].since_block < block &&
		    strcmp(keys->items[i].witness, keys->items[count].witness) == 0)
			return false;
	return true;
}

bool keyring_is_recent(const struct witness_key_list *keys, const struct chain *chain,
		       uint32_t block)
{
	unsigned all = chain->witness_count > 0 ? chain->witness_count : CHAIN_WITNESSES_MAX;
	uint32_t from = keyring_recent_from(chain, block);
	unsigned count = 0;

	for (size_t i = 0; i < keys->count; i++)
		count += keys->items[i].last_signed >= from && keys->items[i].since_block < block &&
			 is_first(keys, i, from, block);
	return count >= all - all / 4;
}

struct witness_key *keyring_find(const struct witness_key_list *keys, const char *witness,
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

bool keyring_must_note(const struct witness_key *key, const struct chain *chain, uint32_t block)
{
	return key->last_signed == 0 || key->last_signed + blocks_a_day(chain) < block;
}
