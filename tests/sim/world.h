/* SPDX-License-Identifier: MIT */
/*
 * One simulation: some readers, nodes and database servers; a time of faults; then a calm
 * time in which everything must recover.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "nodes.h"
#include "sched.h"
#include "store/db.h"
#include "sync/reader.h"
#include "tables.h"

#define READERS_MAX 5

struct sim_reader {
	struct process process;
	struct reader *reader; /* NULL: it is not running */
	bool is_running;
	bool is_gone; /* it will not be started again */
	bool is_told_to_stop, is_stopping;
	bool is_told_to_reload;
	int64_t start_ms; /* when it will be started */
	bool is_doomed;   /* it dies for good as soon as it holds a claim */
	char name[16];
	struct reader_config config;
	struct reader_nodes nodes;
	const char *urls[SIM_NODES_MAX];
	struct range_set backfill;
	struct db_config database;
	char *hosts[DB_NODES_MAX];
};

struct world {
	uint64_t seed;
	unsigned reader_count, node_count, server_count;
	bool has_lies;
	bool liars_are_most; /* any node may lie, also all of them; keys of witnesses are known */
	bool needs_operator; /* lies were stored, so readers refuse to continue */
	bool is_over;
	int64_t calm_ms; /* when the faults ended */
	uint32_t open_first;
	struct sim_reader readers[READERS_MAX];
};

/* The results of a run, for the summary. */
struct world_result {
	int64_t simulated_ms;
	int64_t recovered_ms; /* from the end of the faults until all was well */
	uint64_t stored_blocks;
};

void world_run(uint64_t seed, struct world_result *ret_result);

/* scenario.c: create the initial state. */
void scenario_make(struct world *world);
/* A poster signs the first trx of a block, unless the block is stored already, or has none. */
void scenario_sign(struct tx *tx, uint32_t num);
/* troubles.c: the last node begins to lie. */
void trouble_liar(struct world *world);
/* troubles.c: cause one trouble; end all troubles. */
void troubles_cause(struct world *world);
void troubles_end(struct world *world);
/* world.c: kill -9. */
void world_kill(struct sim_reader *slot);

#endif
