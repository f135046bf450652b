/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/mem.h"
#include "daemon/metrics.h"
#include "sync/reader_facts.h"

#define NOW_MS 10000000

static struct overview overview;
static struct reader_facts facts;

/* A reader at the tip, with which all is well. */
static int begin(void **state)
{
	(void)state;
	overview = (struct overview){.irreversible_block = 500, .alive = 1};
	facts = (struct reader_facts){
		.state = "tailing",
		.description = "all is well",
		.is_ready = true,
		.is_tailing = true,
		.now_ms = NOW_MS,
		.progress_at_ms = NOW_MS - 10,
		.level_at_ms = NOW_MS - 10,
		.chain_moved_at_ms = NOW_MS - 10,
		.stored_block = 500,
		.chain_block = 500,
		.beat_at_ms = NOW_MS - 4000,
		.overview = &overview,
		.overview_at_ms = NOW_MS - 4000,
		.node_count = 2,
		.nodes_up = 1,
		.node_up_at_ms = NOW_MS,
	};
	return 0;
}

static void expect(bool is_healthy, bool is_ready, const char *health, const char *readiness)
{
	CLEANUP(buf_release) struct buf health_text = BUF_INIT(4096);
	CLEANUP(buf_release) struct buf ready_text = BUF_INIT(4096);

	assert_int_equal(metrics_is_healthy(&health_text, &facts), is_healthy);
	assert_string_equal(buf_text(&health_text), health);
	assert_int_equal(metrics_is_ready(&ready_text, &facts), is_ready);
	assert_string_equal(buf_text(&ready_text), readiness);
}

static void all_is_well(void **state)
{
	(void)state;
	expect(true, true, "ok: all is well\n", "ok: all is well\n");
}

static void a_stall_is_neither_healthy_nor_ready(void **state)
{
	(void)state;
	facts.is_stalled = true;
	facts.progress_at_ms = NOW_MS - 130000;
	expect(false, false, "stalled: no progress for 130 s (all is well)\n",
	       "stalled: no progress for 130 s (all is well)\n");
}

static void trouble_with_the_database_is_told_after_a_while(void **state)
{
	(void)state;
	facts.trouble = (struct executor_trouble){
		.since_ms = NOW_MS - 9999, .is_lost = true, .text = "nobody there"};
	expect(true, true, "ok: all is well\n", "ok: all is well\n");
	facts.trouble.since_ms = NOW_MS - 10000;
	expect(false, false, "database: lost for 10 s: nobody there\n",
	       "database: lost for 10 s: nobody there\n");
	facts.trouble.is_lost = false;
	expect(false, false, "database: in trouble for 10 s: nobody there\n",
	       "database: in trouble for 10 s: nobody there\n");
}

static void a_database_that_hangs_is_told(void **state)
{
	(void)state;
	facts.beat_at_ms = NOW_MS - 30000;
	expect(false, false, "database: gives no answer for 30 s\n",
	       "database: gives no answer for 30 s\n");
}

static void without_any_node_nothing_is_well(void **state)
{
	(void)state;
	facts.nodes_up = 0;
	facts.node_up_at_ms = NOW_MS - 9999;
	expect(true, true, "ok: all is well\n", "ok: all is well\n");
	facts.node_up_at_ms = NOW_MS - 10000;
	expect(false, false, "nodes: none of 2 gives a usable answer\n",
	       "nodes: none of 2 gives a usable answer\n");
	facts.is_ready = false; /* they are asked once the database is open */
	facts.is_tailing = false;
	facts.overview = NULL;
	expect(true, false, "ok: all is well\n", "behind: all is well\n");
}

static void a_reader_is_ready_only_at_the_tip(void **state)
{
	(void)state;
	facts.is_tailing = false;
	expect(true, false, "ok: all is well\n", "behind: all is well\n");
}

static void a_new_block_is_not_there_at_once(void **state)
{
	(void)state;
	facts.chain_block = 520;
	facts.lag_blocks = 20;
	facts.level_at_ms = NOW_MS - 9999;
	expect(true, true, "ok: all is well\n", "ok: all is well\n");
	facts.level_at_ms = NOW_MS - 10000;
	expect(true, false, "ok: all is well\n", "behind: 20 blocks, up to 520\n");
	facts.level_at_ms = NOW_MS;
	facts.lag_blocks = 21;
	expect(true, false, "ok: all is well\n", "behind: 21 blocks, up to 520\n");
}

static void gaps_are_counted(void **state)
{
	(void)state;
	overview.gap_blocks = 7;
	overview.gap_ranges = 2;
	overview.first_gap = 40;
	expect(true, false, "ok: all is well\n",
	       "gaps: 7 blocks are missing in 2 ranges, from 40 on\n");
	overview.gap_blocks = 0;
	facts.overview_at_ms = NOW_MS - 300000;
	expect(true, false, "ok: all is well\n", "gaps: not counted for 300 s\n");
	facts.overview = NULL;
	expect(true, false, "ok: all is well\n", "gaps: not counted yet\n");
}

static void every_reason_has_its_line(void **state)
{
	(void)state;
	facts.is_stalled = true;
	facts.progress_at_ms = NOW_MS - 130000;
	facts.beat_at_ms = NOW_MS - 30000;
	facts.nodes_up = 0;
	facts.node_up_at_ms = 0;
	facts.lag_blocks = 1000;
	facts.chain_block = 1500;
	overview.gap_blocks = 1;
	overview.gap_ranges = 1;
	overview.first_gap = 3;
	expect(false, false,
	       "stalled: no progress for 130 s (all is well)\n"
	       "database: gives no answer for 30 s\n"
	       "nodes: none of 2 gives a usable answer\n",
	       "stalled: no progress for 130 s (all is well)\n"
	       "database: gives no answer for 30 s\n"
	       "nodes: none of 2 gives a usable answer\n"
	       "behind: 1000 blocks, up to 1500\n"
	       "gaps: 1 blocks are missing in 1 ranges, from 3 on\n");
}

static void a_reader_that_stops_is_healthy_and_not_ready(void **state)
{
	(void)state;
	facts.is_leaving = true;
	facts.is_tailing = false;
	expect(true, false, "ok: all is well\n", "stopping\n");
}

static void a_chain_that_stands_is_no_fault_of_the_reader(void **state)
{
	(void)state;
	facts.is_chain_still = true;
	facts.chain_moved_at_ms = NOW_MS - 240000;
	expect(true, true,
	       "ok: all is well\n"
	       "no node has had a new block for 240 s: the chain stands, or all nodes do\n",
	       "ok: all is well\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_is_well, begin),
		cmocka_unit_test_setup(a_stall_is_neither_healthy_nor_ready, begin),
		cmocka_unit_test_setup(trouble_with_the_database_is_told_after_a_while, begin),
		cmocka_unit_test_setup(a_database_that_hangs_is_told, begin),
		cmocka_unit_test_setup(without_any_node_nothing_is_well, begin),
		cmocka_unit_test_setup(a_reader_is_ready_only_at_the_tip, begin),
		cmocka_unit_test_setup(a_new_block_is_not_there_at_once, begin),
		cmocka_unit_test_setup(gaps_are_counted, begin),
		cmocka_unit_test_setup(every_reason_has_its_line, begin),
		cmocka_unit_test_setup(a_reader_that_stops_is_healthy_and_not_ready, begin),
		cmocka_unit_test_setup(a_chain_that_stands_is_no_fault_of_the_reader, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
