/* SPDX-License-Identifier: MIT */
#include "nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodes_impl.h"
#include "sched.h"
#include "statements_impl.h"

#define BLOCK_MS   3000
#define HEAD_ABOVE 16 /* at the least */

struct sim_node sim_nodes[SIM_NODES_MAX];
struct sim_fork sim_forks[SIM_FORKS_MAX];
unsigned sim_fork_count;
struct sim_poison sim_poison;

static uint64_t chain_seed;
static uint32_t first_irreversible, irreversible_step;
static int64_t opened_ms;

void nodes_open(uint64_t seed, uint32_t irreversible, uint32_t step)
{
	memset(sim_nodes, 0, sizeof(sim_nodes));
	sim_fork_count = 0;
	sim_poison.block = 0;
	chain_seed = seed;
	first_irreversible = irreversible;
	irreversible_step = step;
	opened_ms = sim_now_ms;
}

uint32_t chain_irreversible(void)
{
	uint32_t moved = (uint32_t)((sim_now_ms - opened_ms) / BLOCK_MS);

	return first_irreversible + moved / irreversible_step * irreversible_step;
}

uint32_t chain_head(void)
{
	return first_irreversible + (uint32_t)((sim_now_ms - opened_ms) / BLOCK_MS) + HEAD_ABOVE;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void chain_id(uint32_t num, unsigned version, uint8_t ret_id[BLOCK_ID_BYTES])
{
	uint64_t words[2] = {mix(chain_seed + version, num), mix(num, chain_seed ^ version)};

	for (unsigned i = 0; i < 4; i++)
		ret_id[i] = (uint8_t)(num >> (24 - 8 * i));
	memcpy(ret_id + 4, words, sizeof(words));
	if (num == 0)
		memset(ret_id, 0, BLOCK_ID_BYTES);
}

int chain_version(uint32_t num, const uint8_t id[BLOCK_ID_BYTES])
{
	for (unsigned version = 0; version < VERSION_FORKS + sim_fork_count; version++) {
		uint8_t other[BLOCK_ID_BYTES];

		chain_id(num, version, other);
		if (version != VERSION_NONE && memcmp(id, other, BLOCK_ID_BYTES) == 0)
			return (int)version;
	}
	return -1;
}

unsigned chain_version_before(uint32_t num, unsigned version)
{
	if (version < VERSION_FORKS)
		return version;
	return num > sim_forks[version - VERSION_FORKS].first ? version : VERSION_TRUE;
}

void chain_timestamp(uint32_t num, char separator, char text[20])
{
	uint32_t seconds = num % 28000 * 3;

	snprintf(text, 20, "2020-01-01%c%02u:%02u:%02u", separator, seconds / 3600 % 24,
		 seconds / 60 % 60, seconds % 60);
}

unsigned chain_trx_count(uint32_t num, unsigned version)
{
	return (unsigned)(mix(chain_seed ^ num, version) % 3);
}

unsigned chain_op_count(uint32_t num, unsigned version, unsigned trx)
{
	return 1 + (unsigned)(mix(chain_seed ^ num, version + 16 + trx) % 2);
}

void chain_trx_id(uint32_t num, unsigned version, unsigned trx, char text[BLOCK_ID_HEX + 1])
{
	snprintf(text, BLOCK_ID_HEX + 1, "%08x%016llx%016llx", num,
		 (unsigned long long)mix(chain_seed + num, version), (unsigned long long)trx);
}

static bool is_comment(uint32_t num, unsigned trx, unsigned op)
{
	return num % 3 == 1 && trx == 0 && op == 0;
}

const char *chain_op_name(uint32_t num, unsigned trx, unsigned op)
{
	return is_comment(num, trx, op) ? "comment" : "vote";
}

bool chain_has_comment(uint32_t num, unsigned version)
{
	return is_comment(num, 0, 0) && chain_trx_count(num, version) > 0;
}

void chain_payload(uint32_t num, unsigned version, unsigned trx, unsigned op, char text[64])
{
	if (is_comment(num, trx, op)) {
		snprintf(text, 64,
			 "{\"author\":\"" CHAIN_AUTHOR "\",\"permlink\":\"" CHAIN_PERMLINK
			 "\",\"n\":%u}",
			 num, version + 1);
		return;
	}
	snprintf(text, 64, "{\"voter\":\"v%u\",\"weight\":%u,\"n\":%u%u}", num % 100, num,
		 version + 1, trx * 10 + op);
}

const struct op_rows *chain_operations(uint32_t num, unsigned version)
{
	struct op_rows *rows = row_new(sizeof(*rows) + 4 * sizeof(rows->items[0]));
	char timestamp[20], trx_id[BLOCK_ID_HEX + 1], payload[64];

	chain_timestamp(num, ' ', timestamp);
	for (unsigned trx = 0; trx < chain_trx_count(num, version); trx++) {
		chain_trx_id(num, version, trx, trx_id);
		for (unsigned op = 0; op < chain_op_count(num, version, trx); op++) {
			chain_payload(num, version, trx, op, payload);
			rows->items[rows->count++] = (struct op){
				.trx_in_block = trx,
				.op_in_trx = op,
				.hash = op_hash(trx_id, timestamp, chain_op_name(num, trx, op),
						payload),
			};
		}
	}
	return rows;
}
