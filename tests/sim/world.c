/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/mem.h"
#include "database.h"
#include "events.h"
#include "promises.h"
#include "sync/reader_impl.h"
#include "sync/replay.h"
#include "sync/tail.h"

#define CHECK_MS      1000
#define CALM_LIMIT_MS 400000 /* everything is well at most this long after the last fault */
#define TAIL_BEHIND   12     /* how many blocks a tail may be behind when all is well */
#define MAX_STEPS     20000000
#define BLOCK_BYTES   16384 /* more than the memory of a block of the simulated chain */

static struct world world;

static int64_t fake_clock(void *context)
{
	(void)context;
	return sim_now_ms;
}

/* One process. */

/* bounded: memory. */
static void check_memory(const struct sim_reader *slot)
{
	const struct shared *shared = &slot->reader->shared;
	size_t slack =
		(size_t)(shared->config.connections + 2) * shared->config.batch_size * BLOCK_BYTES;

	if (shared->held_bytes > shared->config.max_memory_bytes + slack)
		sim_fail("%s holds %zu bytes of blocks, it may %zu", slot->name, shared->held_bytes,
			 shared->config.max_memory_bytes);
}

/* A daemon ends by itself only if another one took its name, or if it was lied to. */
static void check_end(struct sim_reader *slot)
{
	struct error err = ERROR_INIT;
	enum reader_end end = reader_how_ended(slot->reader, &err);

	sim_trace("ends: %d %s", (int)end, err.text);
	if (slot->config.goal != READER_RUN || end == READER_END_STOPPED)
		return;
	if (end == READER_END_ERROR && error_is(&err, ERROR_CLASS_READER, READER_OVER_SUPERSEDED)) {
		slot->is_gone = true;
		return;
	}
	if (!world.has_lies)
		sim_fail("%s ended by itself: %s", slot->name, err.text);
	if (err.kind != ERROR_CONFIG && !strstr(err.text, "another chain"))
		return;
	/*
	 * "Another chain": all nodes that could be asked at that moment are liars.  If only true
	 * blocks are stored, the next start may go well; otherwise somebody must repair the
	 * tables.
	 */
	if (!promises_holds_lies())
		return;
	world.needs_operator = true;
	slot->is_gone = true;
}

static void meet_doom(struct sim_reader *slot)
{
	struct replay_status status;

	replay_get_status(slot->reader->replay, &status);
	if (!slot->is_doomed || status.claim_count == 0 || !sim_chance(100))
		return;
	slot->is_gone = true;
	world_kill(slot);
}

/*
 * in time: a reader acts as soon as it can, and names the time when it will act again.  So it does nothing before
 * that time unless something arrives; and when it has named a time to come, it has nothing to do now.
 */
static int turn(struct sim_reader *slot)
{
	struct reader *reader = slot->reader;
	struct process *process = &slot->process;
	int64_t due_ms = reader->due_ms;
	uint64_t acts = process->act_count;
	struct error err = ERROR_INIT;

	if (reader_turn(reader, NULL, 0, -1, &err) < 0)
		return -1;
	if (process->act_count > acts && !process->has_arrived && sim_now_ms < due_ms)
		sim_fail("%s acted %lld ms before the time that it named", slot->name,
			 (long long)(due_ms - sim_now_ms));
	if (reader->due_ms <= sim_now_ms || reader_is_over(reader))
		return 0;
	process->has_nothing_to_do = true;
	reader_work(reader);
	process->has_nothing_to_do = false;
	if (reader->due_ms <= sim_now_ms)
		sim_fail("%s had nothing to do, and wants a turn at once", slot->name);
	return 0;
}

static void run_turns(struct sim_reader *slot)
{
	while (!reader_is_over(slot->reader)) {
		if (turn(slot) < 0)
			return;
		check_memory(slot);
		meet_doom(slot);
		if (slot->is_told_to_stop && !slot->is_stopping) {
			slot->is_stopping = true;
			reader_stop(slot->reader);
		}
		if (slot->is_told_to_reload && !slot->is_stopping)
			reader_reload(slot->reader, &slot->nodes);
		slot->is_told_to_reload = false;
	}
	check_end(slot);
	if (reader_is_stuck(slot->reader)) {
		process_kill(&slot->process);
		database_bury(&slot->process);
	}
}

static void run_reader(void *context)
{
	struct sim_reader *slot = context;
	struct error err = ERROR_INIT;

	slot->reader = reader_new(&slot->config, &slot->nodes, &slot->database, &err);
	if (!slot->reader)
		sim_fail("no reader: %s", err.text);
	slot->reader->progress.is_terminal = false;
	run_turns(slot);
	reader_free(slot->reader);
	slot->reader = NULL;
	slot->is_running = false;
	slot->start_ms = sim_now_ms + sim_between(100, 15000);
	if (slot->config.goal != READER_RUN)
		slot->is_gone = true;
	sim_trace("is gone");
}

static void start_reader(struct sim_reader *slot)
{
	slot->process.is_killed = false;
	slot->process.frozen_until_ms = 0;
	slot->process.has_event = false;
	slot->is_told_to_stop = false;
	slot->is_stopping = false;
	slot->is_told_to_reload = false;
	slot->is_running = true;
	sim_trace("%s is started", slot->name);
	fiber_start(&slot->process, run_reader, slot);
}

void world_kill(struct sim_reader *slot)
{
	sim_trace("%s is killed", slot->name);
	process_kill(&slot->process);
	database_bury(&slot->process);
}

/* All together. */

static void start_those_due(void)
{
	for (unsigned i = 0; i < world.reader_count; i++) {
		struct sim_reader *slot = &world.readers[i];

		if (!slot->is_running && !slot->is_gone && sim_now_ms >= slot->start_ms &&
		    !process_has_fibers(&slot->process))
			start_reader(slot);
	}
}

/* How many living nodes lag less than this one? Nodes with the same lag count in their order. */
static unsigned rank_of(unsigned node)
{
	unsigned rank = 0;

	for (unsigned i = 0; i < world.node_count; i++)
		if (!sim_nodes[i].is_dead &&
		    (sim_nodes[i].lag < sim_nodes[node].lag ||
		     (sim_nodes[i].lag == sim_nodes[node].lag && i < node)))
			rank++;
	return rank;
}

/*
 * How far readers may be behind the chain because of their nodes: more than half of the nodes
 * must have a block. With liars, true nodes may be excluded at a start, because the table has
 * blocks that a liar gave first; the only node left may be one that lags.
 */
static uint32_t lag_of_nodes(void)
{
	unsigned alive = 0;
	uint32_t lag = 0;

	for (unsigned i = 0; i < world.node_count; i++)
		alive += !sim_nodes[i].is_dead;
	for (unsigned i = 0; i < world.node_count; i++)
		if (!sim_nodes[i].is_dead && (world.has_lies || rank_of(i) <= alive / 2) &&
		    sim_nodes[i].lag > lag)
			lag = sim_nodes[i].lag;
	return lag;
}

static uint32_t allowed_lag(void)
{
	return TAIL_BEHIND + lag_of_nodes();
}

static bool is_daemon_well(const struct sim_reader *slot)
{
	const struct reader *reader = slot->reader;

	if (slot->is_gone)
		return true;
	if (slot->config.goal != READER_RUN)
		return !slot->is_running;
	return reader && reader->state == STATE_TAILING && !slot->is_told_to_stop &&
	       tail_next_block(reader->tail) + allowed_lag() > chain_irreversible();
}

/* A reader that follows the head stores blocks before they are irreversible. */
static bool is_head_followed(void)
{
	for (unsigned i = 0; i < world.reader_count; i++)
		if (world.readers[i].is_running && !world.readers[i].is_gone &&
		    world.readers[i].config.goal == READER_RUN &&
		    world.readers[i].config.follow == READER_FOLLOW_HEAD)
			return promises_newest() + lag_of_nodes() >= chain_irreversible();
	return true;
}

/* A block that no node gives must be shown as a gap. */
static void remove_known(struct range_set *missing, uint32_t block)
{
	CLEANUP(range_set_release) struct range_set hidden = RANGE_SET_INIT;

	promises_missing(block, true, &hidden);
	if (!range_contains(&hidden, block))
		range_remove(missing, block, block);
}

/* With liars, a block may stay a gap until it is repaired; it must be shown. */
static bool is_all_well(void)
{
	CLEANUP(range_set_release) struct range_set missing = RANGE_SET_INIT;

	for (unsigned i = 0; i < world.reader_count; i++)
		if (!is_daemon_well(&world.readers[i]))
			return false;
	if (world.needs_operator)
		return true;
	if (!is_head_followed() || !promises_all_confirmed())
		return false;
	promises_missing(chain_irreversible() - allowed_lag(), world.has_lies, &missing);
	if (sim_poison.block > 0 && sim_poison.mood != MOOD_HIDES)
		remove_known(&missing, sim_poison.block);
	return missing.count == 0;
}

static void say_what_is_wrong(void)
{
	CLEANUP(range_set_release) struct range_set missing = RANGE_SET_INIT;
	char text[300];

	promises_missing(chain_irreversible() - allowed_lag(), world.has_lies, &missing);
	for (unsigned i = 0; i < world.reader_count; i++) {
		const struct sim_reader *slot = &world.readers[i];

		if (!is_daemon_well(slot))
			fprintf(stderr, "%s: %s, next %u\n", slot->name,
				slot->reader ? reader_state_name(slot->reader) : "does not run",
				slot->reader ? tail_next_block(slot->reader->tail) : 0);
	}
	if (!promises_all_confirmed())
		fprintf(stderr, "a comment that was seen is not confirmed\n");
	sim_fail("%d s after the last fault not all is well; missing: %s (irreversible: %u)",
		 CALM_LIMIT_MS / 1000, range_format(&missing, text, sizeof(text)),
		 chain_irreversible());
}

/* A poster signs the first trx of a block that does not exist yet, by any server. */
static void sign_next(void)
{
	struct tx tx;

	if (!sim_chance(200))
		return;
	tx_init(&tx, (unsigned)sim_random(world.server_count));
	scenario_sign(&tx, chain_head() + 1);
	(void)tx_commit(&tx);
}

/* The operator: causes trouble, then waits until all is well. */
static void operate(void *context)
{
	int64_t trouble_ms = sim_now_ms + sim_between(0, 15000);
	int64_t stay_ms = 0; /* no new trouble either */

	(void)context;
	while (sim_now_ms < world.calm_ms) {
		start_those_due();
		if (sim_now_ms >= trouble_ms) {
			troubles_cause(&world);
			trouble_ms = sim_now_ms + sim_between(100, 8000);
		}
		sign_next();
		fiber_rest(sim_now_ms + sim_between(100, CHECK_MS));
	}
	troubles_end(&world);
	sim_trace("calm now");
	while (!is_all_well() || sim_now_ms < stay_ms) {
		if (is_all_well() && stay_ms == 0)
			stay_ms = sim_now_ms + (sim_chance(200) ? sim_between(0, 30000) : 0);
		else if (sim_now_ms < stay_ms && !is_all_well())
			sim_fail("all was well, and is not any more");
		start_those_due();
		if (sim_now_ms > world.calm_ms + CALM_LIMIT_MS)
			say_what_is_wrong();
		fiber_rest(sim_now_ms + CHECK_MS);
	}
	world.is_over = true;
}

static void end_all(void)
{
	for (unsigned i = 0; i < world.reader_count; i++) {
		struct sim_reader *slot = &world.readers[i];

		slot->is_gone = true;
		if (slot->is_running)
			world_kill(slot);
	}
	while (sched_step()) {
	}
	for (unsigned i = 0; i < READERS_MAX; i++)
		range_set_release(&world.readers[i].backfill);
}

void world_run(uint64_t seed, struct world_result *ret_result)
{
	int64_t began_ms;

	sched_open(seed);
	random_seed(seed ^ 0x5eed);
	clock_set_source(fake_clock, NULL);
	began_ms = sim_now_ms;
	memset(&world, 0, sizeof(world));
	world.seed = seed;
	scenario_make(&world);
	promises_open(world.has_lies, world.liars_are_most);
	events_may_contradict = world.has_lies;
	fiber_start(NULL, operate, NULL);
	for (uint64_t steps = 0; !world.is_over; steps++)
		if (!sched_step() || steps == MAX_STEPS)
			sim_fail("nothing happens any more, or too much: %llu steps",
				 (unsigned long long)steps);
	promises_check_all();
	ret_result->simulated_ms = sim_now_ms - began_ms;
	ret_result->recovered_ms = sim_now_ms - world.calm_ms;
	end_all();
	promises_check_all();
	tables_commit_hook = NULL;
	clock_set_source(NULL, NULL);
}
