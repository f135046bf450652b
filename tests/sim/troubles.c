/* SPDX-License-Identifier: MIT */
/* The troubles of a simulation. */
#include <stddef.h>

#include "chain.h"
#include "database.h"
#include "promises.h"
#include "world.h"

static struct sim_reader *some_reader(struct world *world)
{
	struct sim_reader *slot = &world->readers[sim_random(world->reader_count)];

	return slot->is_running && slot->reader && !slot->process.is_killed ? slot : NULL;
}

static void trouble_kill(struct world *world)
{
	struct sim_reader *slot = some_reader(world);

	if (slot)
		world_kill(slot);
}

static void trouble_freeze(struct world *world)
{
	struct sim_reader *slot = some_reader(world);

	if (!slot)
		return;
	slot->process.frozen_until_ms = sim_now_ms + (sim_chance(700) ? sim_between(100, 12000)
								      : sim_between(30000, 60000));
	sim_trace("%s is frozen for %lld ms", slot->name,
		  (long long)(slot->process.frozen_until_ms - sim_now_ms));
}

static void trouble_stop(struct world *world)
{
	struct sim_reader *slot = some_reader(world);

	if (slot)
		slot->is_told_to_stop = true;
}

static void trouble_reload(struct world *world)
{
	struct sim_reader *slot = some_reader(world);

	if (slot)
		slot->is_told_to_reload = true;
}

static void set_mood(struct world *world, unsigned index, enum mood mood)
{
	struct sim_node *node = &sim_nodes[index];

	(void)world;
	node->mood = mood;
	node->per_mille = sim_chance(500) ? 1000 : (unsigned)sim_between(20, 800);
	node->until_ms = sim_now_ms + sim_between(500, 40000);
	sim_trace("node %u is in mood %d (%u per mille) for %lld ms", index, (int)node->mood,
		  node->per_mille, (long long)(node->until_ms - sim_now_ms));
}

static void trouble_node(struct world *world)
{
	set_mood(world, (unsigned)sim_random(world->node_count),
		 (enum mood)sim_random(MOOD_HARMLESS_COUNT));
}

/* Choose what a liar makes up: a branch, blocks that prove themselves or do not, keys. */
static void choose_lies(struct sim_node *node)
{
	uint32_t top = chain_irreversible();

	node->lies_prove = sim_chance(600);
	node->tells_false_keys = node->mood == MOOD_FALSE_KEY || sim_chance(500);
	if (node->mood != MOOD_FORK)
		return;
	node->fork_first = top - (uint32_t)sim_between(0, sim_chance(500) ? 40 : top / 4);
	node->fork_version = chain_add_branch(node->fork_first, true);
	if (node->fork_version == VERSION_TRUE)
		node->mood = MOOD_FALSE_BLOCK;
}

/* Some nodes tell the same lie. */
static void trouble_conspiracy(struct world *world)
{
	unsigned first = (unsigned)sim_random(world->node_count);
	unsigned others = (unsigned)sim_random(1U << world->node_count);

	set_mood(world, first, (enum mood)sim_between(MOOD_HARMLESS_COUNT, MOOD_COUNT - 1));
	choose_lies(&sim_nodes[first]);
	for (unsigned i = 0; i < world->node_count; i++) {
		struct sim_node node = sim_nodes[first];

		if (i == first || !(others >> i & 1))
			continue;
		node.lag = sim_nodes[i].lag;
		node.is_dead = sim_nodes[i].is_dead;
		sim_nodes[i] = node;
		sim_trace("node %u tells the same", i);
	}
}

/*
 * Only the last node lies, and only if the world has liars; unless keys are known, so that it does
 * not matter how many lie.
 */
void trouble_liar(struct world *world)
{
	unsigned index = world->node_count - 1;

	if (!world->has_lies) {
		trouble_node(world);
		return;
	}
	if (world->liars_are_most) {
		trouble_conspiracy(world);
		return;
	}
	set_mood(world, index, (enum mood)sim_between(MOOD_HARMLESS_COUNT, MOOD_COUNT - 1));
	choose_lies(&sim_nodes[index]);
}

/* From the next block on some nodes are on another branch, for a while. */
static void trouble_fork(struct world *world)
{
	struct sim_fork *fork = &sim_forks[sim_fork_count];

	if (sim_fork_count == SIM_FORKS_MAX)
		return;
	*fork = (struct sim_fork){
		.first = chain_head() + 1 - (uint32_t)sim_between(0, 2),
		.blocks = (uint32_t)sim_between(1, FORK_BLOCKS_MAX),
		.nodes = (unsigned)sim_random(1U << world->node_count),
	};
	fork->version = chain_add_branch(fork->first, false);
	if (fork->version == VERSION_TRUE)
		return;
	sim_trace("fork %u from block %u, %u blocks, nodes %x", sim_fork_count, fork->first,
		  fork->blocks, fork->nodes);
	sim_fork_count++;
}

static void trouble_server(struct world *world)
{
	unsigned index = (unsigned)sim_random(world->server_count);
	struct server *server = &sim_servers[index];
	unsigned choice = (unsigned)sim_random(6);

	if (choice == 0) {
		server->is_down = true;
		database_cut(index);
	} else if (choice == 1) {
		server->hung_until_ms = sim_now_ms + sim_between(500, 20000);
	} else if (choice == 2 && world->server_count > 1) {
		server->is_minority = true;
	} else if (choice == 3) {
		server->is_read_only = true;
	} else {
		server->is_down = false;
		server->is_minority = false;
		server->is_read_only = false;
		database_cut(index);
	}
	sim_trace("server %u: trouble %u", index, choice);
}

/*
 * The clock of one server, or of all, jumps ahead and comes back; rows written meanwhile are in
 * the future.
 */
static void trouble_clock(struct world *world)
{
	static const int64_t jumps_ms[] = {120000, 3600000, 86400000, 400 * INT64_C(86400000)};
	int64_t jump_ms = jumps_ms[sim_random(sizeof(jumps_ms) / sizeof(jumps_ms[0]))];
	int64_t until_ms = sim_now_ms + sim_between(100, 20000);
	unsigned only = (unsigned)sim_random(world->server_count + 1);

	for (unsigned i = 0; i < world->server_count; i++) {
		if (only != world->server_count && only != i)
			continue;
		sim_servers[i].jump_ms = jump_ms;
		sim_servers[i].jump_until_ms = until_ms;
	}
	sim_trace("clocks jump %lld s ahead for %lld ms: server %u", (long long)jump_ms / 1000,
		  (long long)(until_ms - sim_now_ms), only);
}

static void trouble_statements(struct world *world)
{
	(void)world;
	sim_db_faults_per_mille = sim_chance(500) ? 0 : (unsigned)sim_between(1, 60);
	sim_trace("%u of 1000 statements fail", sim_db_faults_per_mille);
}

/* Somebody deletes rows by hand, with or without their operations. */
static void trouble_tear(struct world *world)
{
	uint32_t top = chain_irreversible();
	uint32_t first = (uint32_t)sim_between(world->open_first, top);
	uint32_t last = first + (uint32_t)sim_between(0, 10);
	bool with_operations = sim_chance(500) || world->has_lies;
	struct tx tx;
	bool is_done = true;

	tx_init(&tx, 0);
	promises_torn(first, last);
	for (uint32_t num = first; num <= last && is_done; num++) {
		const struct block_row *row = row_read(&tx, TABLE_BLOCKS, num);

		if (!row)
			continue;
		/*
		 * Leftover operations are found when the block comes back.  If another block
		 * takes its number, from a fork, a liar or the chain itself, they may never be
		 * found.
		 */
		is_done = row_write(&tx, TABLE_BLOCKS, num, NULL) &&
			  ((!with_operations && num <= top &&
			    chain_version(num, row->id) == VERSION_TRUE) ||
			   row_write(&tx, TABLE_OPERATIONS, num, NULL));
	}
	if (!is_done)
		tx_rollback(&tx);
	else
		(void)tx_commit(&tx);
	promises_mended();
	sim_trace("blocks %u..%u are torn out%s", first, last, with_operations ? "" : ", halfway");
}

void troubles_cause(struct world *world)
{
	static void (*const troubles[])(struct world * world) = {
		trouble_kill,   trouble_kill,   trouble_freeze,     trouble_stop, trouble_reload,
		trouble_node,   trouble_node,   trouble_node,       trouble_liar, trouble_server,
		trouble_server, trouble_server, trouble_statements, trouble_tear, trouble_fork,
		trouble_fork,   trouble_fork,   trouble_clock,
	};

	troubles[sim_random(sizeof(troubles) / sizeof(troubles[0]))](world);
}

/*
 * All is well again, except for dead nodes, and readers that are dead or frozen; deleted rows
 * are found by a restart.
 */
void troubles_end(struct world *world)
{
	for (unsigned i = 0; i < world->node_count; i++)
		sim_nodes[i].until_ms = 0;
	for (unsigned i = 0; i < world->server_count; i++) {
		sim_servers[i].is_down = false;
		sim_servers[i].is_minority = false;
		sim_servers[i].is_read_only = false;
		sim_servers[i].hung_until_ms = 0;
		sim_servers[i].jump_until_ms = 0;
	}
	sim_db_faults_per_mille = 0;
	for (unsigned i = 0; i < world->reader_count; i++) {
		struct sim_reader *slot = &world->readers[i];

		slot->process.frozen_until_ms = 0;
		/*
		 * A reader that was lied to may have excluded the only good node until it is
		 * restarted.
		 */
		if ((i == 0 || world->has_lies) && slot->is_running)
			world_kill(slot);
		if (i == 0 || !slot->is_running || slot->process.is_killed)
			continue;
		if (sim_chance(150)) { /* it never comes back */
			slot->is_gone = true;
			world_kill(slot);
		} else if (sim_chance(150)) { /* it never moves again */
			slot->is_gone = true;
			slot->process.frozen_until_ms = SIM_NEVER - 1;
		}
	}
	world->readers[0].is_gone = false;
}
