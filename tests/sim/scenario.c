/* SPDX-License-Identifier: MIT */
/* The initial state of a simulation: readers, nodes and servers, and stored blocks. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "chain.h"
#include "database.h"
#include "statements.h"
#include "statements_impl.h"
#include "steem/chain.h"
#include "store/gap_rows.h"
#include "sync/filter.h"
#include "witness.h"
#include "world.h"

#define LONGEST_FAULTS_MS 90000
#define MAX_HOLES         6

/* Every operation is stored, and delivered to one queue. */
static struct filter_rule to_queue = {.queue = (char[]){"all"}};
static struct filter filter = {.rules = &to_queue, .rule_count = 1};
static char host_names[DB_NODES_MAX][2] = {"0", "1", "2"};
static const char *const node_urls[SIM_NODES_MAX] = {"http://n0", "http://n1", "http://n2",
						     "http://n3"};

/* Readers. */

static void set_nodes(struct world *world, struct sim_reader *slot)
{
	unsigned from = (unsigned)sim_random(world->node_count);

	for (unsigned i = 0; i < world->node_count; i++)
		slot->urls[i] = node_urls[(from + i) % world->node_count];
	slot->nodes = (struct reader_nodes){
		.urls = slot->urls,
		.count = world->node_count,
		.connections = (unsigned)sim_between(2, 6),
		.batch_size = sim_chance(50) ? 1 : (unsigned)sim_between(5, 50),
		.rate_limit = sim_chance(150) ? (unsigned)sim_between(15, 40) : 0,
		.timeout_ms = 10000,
		.max_memory_bytes = (size_t)sim_between(1, 16) << 18,
	};
}

static void set_database(const struct world *world, struct sim_reader *slot)
{
	unsigned from = (unsigned)sim_random(world->server_count);

	for (unsigned i = 0; i < world->server_count; i++)
		slot->hosts[i] = host_names[(from + i) % world->server_count];
	slot->database = (struct db_config){
		.hosts = slot->hosts,
		.host_count = world->server_count,
		.connect_timeout_ms = 5000,
		.io_timeout_ms = 10000,
	};
}

static void make_reader(struct world *world, unsigned index, uint32_t start_block)
{
	struct sim_reader *slot = &world->readers[index];

	snprintf(slot->name, sizeof(slot->name), "reader%u", index);
	snprintf(slot->process.label, sizeof(slot->process.label), "reader%u", index);
	set_nodes(world, slot);
	if (!filter.queues && !filter_prepare(&filter))
		abort();
	set_database(world, slot);
	slot->config = (struct reader_config){
		.goal = READER_RUN,
		.proof = world->liars_are_most || sim_chance(800) ? READER_PROOF_SIGNED
								  : READER_PROOF_CONTENT,
		.chain = &chain_steem,
		.name = slot->name,
		.version = "simulated",
		.start_block = start_block,
		.stall_s = 120,
		.before_tail = sim_chance(300) ? (uint32_t)sim_between(1, 400) : 201600,
		.scan_interval_s = (unsigned)sim_between(5, 60),
		.full_scan_h = 24,
		.batch_rows = (size_t)sim_between(1, 200),
		.batch_bytes = (size_t)1 << 20,
		.write_connections = (unsigned)sim_between(1, 3),
		.filter = &filter,
		.follow = sim_chance(500) ? READER_FOLLOW_HEAD : READER_FOLLOW_IRREVERSIBLE,
	};
	slot->start_ms = sim_now_ms + (sim_chance(500) ? 0 : sim_between(0, 30000));
	/* Some die for good while they hold claims. */
	slot->is_doomed = index > 0 && sim_chance(200);
}

/* A command that runs beside the daemons: --once, or --backfill of some blocks. */
static void make_command(struct world *world, uint32_t irreversible)
{
	struct sim_reader *slot = &world->readers[world->reader_count];
	uint32_t first = (uint32_t)sim_between(1, irreversible - 1);
	uint32_t last = first + (uint32_t)sim_between(0, 120);

	make_reader(world, world->reader_count, 0);
	snprintf(slot->name, sizeof(slot->name), "command%u", world->reader_count);
	snprintf(slot->process.label, sizeof(slot->process.label), "command%u",
		 world->reader_count);
	slot->config.goal = sim_chance(500) ? READER_ONCE : READER_BACKFILL;
	range_add(&slot->backfill, first, last < irreversible ? last : irreversible - 1);
	slot->config.backfill = &slot->backfill;
	slot->start_ms = sim_now_ms + sim_between(0, 60000);
	world->reader_count++;
}

/* A daemon with the name of another one: one of the two must give way. */
static void make_twin(struct world *world)
{
	struct sim_reader *slot = &world->readers[world->reader_count];

	make_reader(world, world->reader_count, 0);
	slot->config.name = world->readers[0].name;
	/* otherwise, after it took over the name, no reader might be left */
	slot->is_doomed = false;
	slot->start_ms = sim_now_ms + sim_between(1000, 60000);
	world->reader_count++;
}

/* Tables. */

static void put(struct tx *tx, enum table table, uint64_t key, const void *row)
{
	if (!row_write(tx, table, key, row))
		sim_fail("the tables are locked at the beginning");
}

static void put_block(struct tx *tx, uint32_t num)
{
	struct block_row *row = row_new(sizeof(*row));
	const struct op_rows *operations = chain_operations(num, VERSION_TRUE);

	row->num = num;
	chain_id(num, VERSION_TRUE, row->id);
	chain_previous(num, VERSION_TRUE, row->previous);
	chain_timestamp(num, ' ', row->timestamp);
	row->operations = operations->count;
	row->stored_operations = operations->count;
	snprintf(row->virtual_state, sizeof(row->virtual_state), "none");
	snprintf(row->proof, sizeof(row->proof), "none");
	row->is_irreversible = true; /* and not delivered */
	row->filter_id = 1;
	row->committed_us = SIM_EPOCH_US;
	put(tx, TABLE_BLOCKS, num, row);
	if (operations->count > 0)
		put(tx, TABLE_OPERATIONS, num, operations);
}

static void put_gap(struct tx *tx, uint32_t first, uint32_t last)
{
	struct gap_row_model *row = row_new(sizeof(*row));

	*row = (struct gap_row_model){.first = first,
				      .last = last,
				      .tried_us = GAP_NEVER,
				      .retry_us = GAP_NEVER,
				      .found_us = SIM_EPOCH_US};
	put(tx, TABLE_GAPS, first, row);
}

/* Stored blocks with holes; the holes below `scanned_to` are known. */
static void put_past(struct world *world, struct tx *tx, uint32_t top)
{
	struct range_row *range = row_new(sizeof(*range));
	struct range_set stored = RANGE_SET_INIT, known = RANGE_SET_INIT;

	range->first = world->open_first;
	range->scanned_to = (uint32_t)sim_between(world->open_first - 1, top);
	range_add(&stored, world->open_first, top);
	for (int64_t holes = sim_between(0, MAX_HOLES); holes > 0; holes--) {
		uint32_t first = (uint32_t)sim_between(world->open_first, top);

		range_remove(&stored, first,
			     first + (uint32_t)(sim_chance(100) ? sim_between(0, 1500)
								: sim_between(0, 60)));
	}
	range_add(&known, world->open_first, top);
	range_remove_set(&known, &stored);
	range_clip(&known, 1, range->scanned_to);
	for (size_t i = 0; i < stored.count; i++)
		for (uint32_t num = stored.items[i].first; num <= stored.items[i].last; num++)
			put_block(tx, num);
	if (range->scanned_to >= world->open_first)
		for (size_t i = 0; i < known.count; i++)
			put_gap(tx, known.items[i].first, known.items[i].last);
	put(tx, TABLE_RANGES, range->first, range);
	range_set_release(&stored);
	range_set_release(&known);
}

/* Comments that wait to be published, and will be read in blocks that are not stored yet. */
static void put_outbox(struct tx *tx, uint32_t irreversible)
{
	for (uint32_t num = irreversible > 300 ? irreversible - 300 : 1; num < irreversible + 300;
	     num++)
		if (!row_read(tx, TABLE_BLOCKS, num) && sim_chance(500))
			put(tx, TABLE_COMMENTS, num, row_new(sizeof(struct comment_row)));
}

void scenario_sign(struct tx *tx, uint32_t num)
{
	struct signed_row *row = row_new(sizeof(*row));
	char timestamp[20];

	if (row_read(tx, TABLE_BLOCKS, num) || row_read(tx, TABLE_SIGNED, num) ||
	    chain_operations(num, VERSION_TRUE)->count == 0)
		return;
	chain_timestamp(num, 'T', timestamp);
	row->expiration_s = (uint64_t)clock_parse_utc(timestamp) + 60;
	chain_trx_id(num, VERSION_TRUE, 0, row->trx_id);
	(void)row_write(tx, TABLE_SIGNED, num, row);
}

/* Transactions that a poster signed, and that are in blocks which are not stored yet. */
static void put_signed(struct tx *tx, uint32_t irreversible)
{
	for (uint32_t num = irreversible > 300 ? irreversible - 300 : 1; num < irreversible; num++)
		if (sim_chance(300))
			scenario_sign(tx, num);
}

/*
 * The keys of most witnesses, which signed long before; those of the others may be learnt when a
 * block binds theirs.
 */
static void put_keys(struct tx *tx)
{
	unsigned unknown = (unsigned)sim_random(WITNESS_COUNT / 4 + 1);
	unsigned from = (unsigned)sim_random(WITNESS_COUNT);

	for (unsigned i = unknown; i < WITNESS_COUNT; i++) {
		struct key_row *row = row_new(sizeof(*row));
		unsigned witness = (from + i) % WITNESS_COUNT;

		row->is_of_nodes = sim_chance(500);
		row->last_signed = 1;
		snprintf(row->key, sizeof(row->key), "%s", witness_key(witness, false));
		put(tx, TABLE_KEYS, key_place(witness_name(witness), 0), row);
	}
}

static void put_bookkeeping(struct tx *tx)
{
	put(tx, TABLE_BOOKKEEPING, 1, row_new(sizeof(struct bookkeeping_row)));
}

/* The length of the chain: mostly short, sometimes several cells. */
static uint32_t choose_length(void)
{
	if (sim_chance(150))
		return (uint32_t)sim_between(1000, 2500);
	return (uint32_t)(sim_chance(500) ? sim_between(5, 80) : sim_between(80, 600));
}

static void make_tables(struct world *world, uint32_t irreversible, bool is_empty)
{
	uint32_t behind = (uint32_t)(sim_chance(500) ? sim_between(0, 30) : sim_between(0, 300));
	struct tx tx;

	database_open(world->server_count);
	tx_init(&tx, 0);
	put_bookkeeping(&tx);
	if (!is_empty && irreversible - behind > world->open_first)
		put_past(world, &tx, irreversible - behind);
	if (sim_chance(500))
		put_outbox(&tx, irreversible);
	if (sim_chance(500))
		put_signed(&tx, irreversible);
	if (world->liars_are_most)
		put_keys(&tx);
	(void)tx_commit(&tx);
	for (unsigned i = 0; i < world->server_count; i++)
		sim_servers[i].clock_ms = sim_chance(500) ? sim_between(-5000, 5000) : 0;
}

void scenario_make(struct world *world)
{
	uint32_t irreversible;
	bool is_empty = sim_chance(250);

	world->open_first = (uint32_t)(sim_between(1, 9) * 1000 + sim_between(-60, 60));
	irreversible = world->open_first + choose_length();
	world->node_count = (unsigned)sim_between(1, SIM_NODES_MAX);
	world->server_count = sim_chance(300) ? 3 : 1;
	world->reader_count = (unsigned)sim_between(1, 3);
	world->has_lies = world->node_count > 1 && sim_chance(350);
	world->liars_are_most = sim_chance(200);
	world->has_lies = world->has_lies || world->liars_are_most;
	world->calm_ms = sim_now_ms + (sim_chance(100) ? 0 : sim_between(0, LONGEST_FAULTS_MS));
	chain_open();
	nodes_open(irreversible, (uint32_t)sim_between(1, 7), world->node_count);
	for (unsigned i = 1; i < world->node_count; i++) {
		sim_nodes[i].lag = sim_chance(300) ? (uint32_t)sim_between(0, 40) : 0;
		sim_nodes[i].is_dead = sim_chance(100);
	}
	if (world->has_lies && sim_chance(800))
		trouble_liar(world);
	if (sim_chance(100)) {
		static const enum mood moods[] = {MOOD_NULL,  MOOD_INCOMPLETE, MOOD_LOCKED,
						  MOOD_HANGS, MOOD_CUTS,       MOOD_REFUSES,
						  MOOD_HIDES};

		sim_poison.block = irreversible + (uint32_t)sim_between(-20, 40);
		sim_poison.mood = moods[sim_random(7)];
		sim_trace("no node gives block %u well: mood %d", sim_poison.block,
			  (int)sim_poison.mood);
	}
	make_tables(world, irreversible, is_empty);
	for (unsigned i = 0; i < world->reader_count; i++)
		make_reader(world, i, sim_chance(500) ? world->open_first : 0);
	if (sim_chance(250))
		make_command(world, irreversible);
	if (sim_chance(100))
		make_twin(world);
	sim_db_latency_ms = sim_between(0, 4);
	sim_db_faults_per_mille = sim_chance(300) ? (unsigned)sim_between(1, 60) : 0;
	for (unsigned i = 0; i < world->server_count; i++)
		tables_set_lag(i, sim_between(0, 1500));
	sim_trace("%u readers, %u nodes, %u servers%s; blocks from %u, irreversible %u%s",
		  world->reader_count, world->node_count, world->server_count,
		  world->liars_are_most ? ", many liars"
		  : world->has_lies     ? ", liars"
					: "",
		  world->open_first, irreversible, is_empty ? ", empty tables" : "");
}
