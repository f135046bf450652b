/* SPDX-License-Identifier: MIT */
#include "nodes.h"

#include <string.h>

#include "sched.h"

#define BLOCK_MS    3000
#define RECOVERY_MS 60000 /* a node may rest for this long after a fault */
#define HEAD_ABOVE  16    /* at least */

struct sim_node sim_nodes[SIM_NODES_MAX];
unsigned sim_node_count;
struct sim_fork sim_forks[SIM_FORKS_MAX];
unsigned sim_fork_count;
struct sim_poison sim_poison;
bool sim_was_hidden[CHAIN_BLOCKS_MAX];

static uint32_t first_irreversible, irreversible_step;
static int64_t opened_ms;

void nodes_open(uint32_t irreversible, uint32_t step, unsigned count)
{
	sim_node_count = count;
	memset(sim_nodes, 0, sizeof(sim_nodes));
	memset(sim_was_hidden, 0, sizeof(sim_was_hidden));
	sim_fork_count = 0;
	sim_poison.block = 0;
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

bool honest_are_most(void)
{
	unsigned honest = 0;

	for (unsigned i = 0; i < sim_node_count - 1; i++) {
		const struct sim_node *node = &sim_nodes[i];

		if (node->is_dead)
			continue;
		if (node->until_ms > 0 && sim_now_ms < node->until_ms + RECOVERY_MS)
			return false;
		honest++;
	}
	return honest >= 2;
}
