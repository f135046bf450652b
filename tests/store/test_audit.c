/* SPDX-License-Identifier: MIT */
/* --verify finds every change of a row, and names it by the first fault. */
#include "world.h"

#include "store/audit.h"

#define VIRTUAL_OPERATIONS 2

/* What was found, one line each: "kind first..last: detail". */
static char found[2000];

static void note(void *context, const struct audit_finding *finding)
{
	size_t len = strlen(found);

	(void)context;
	snprintf(found + len, sizeof(found) - len, "%s %u..%u: %s\n",
		 audit_kind_name(finding->kind), finding->block, finding->last_block,
		 finding->detail);
}

static void expect_offline(uint32_t first, uint32_t last, const char *lines)
{
	found[0] = '\0';
	OK(audit_offline(db, first, last, note, NULL, &err));
	assert_string_equal(found, lines);
}

static void the_tables_alone_tell_what_is_missing(void **state)
{
	(void)state;
	store(950, 1060); /* over the edge of what is read at once */
	expect_offline(950, 1060, "");
	run_sql("DELETE FROM blocks WHERE block BETWEEN 998 AND 1003");
	run_sql("DELETE FROM blockchain WHERE block IN (998, 999, 1001, 1002, 1003)");
	run_sql("DELETE FROM blockchain WHERE block = 1010 AND trx_in_block = 1");
	run_sql("UPDATE blocks SET is_irreversible = 0 WHERE block = 1020");
	run_sql("UPDATE blocks SET stored_virtual_operations = 3 WHERE block = 1025");
	run_sql("UPDATE blocks SET previous = REPEAT(CHAR(1), 20) WHERE block = 1030");
	run_sql("UPDATE blocks SET block_id = REPEAT(CHAR(1), 20) WHERE block = 1040");
	run_sql("DELETE FROM blocks WHERE block > 1055");
	run_sql("DELETE FROM blockchain WHERE block > 1055");
	expect_offline(
		950, 1060,
		"missing 998..999: \n"
		"extra 1000..1000: operation rows without a block row\n"
		"missing 1001..1003: \n"
		"partial 1010..1010: 1 of 2 stored operations are there\n"
		"missing 1020..1020: it was read at the head and is not confirmed yet\n"
		"partial 1025..1025: 0 of 3 stored virtual operations are there\n"
		"orphaned 1030..1030: it follows 0101010101010101010101010101010101010101, but block "
		"1029 is 00000405aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: one of the two is wrong\n"
		"orphaned 1040..1040: its id is that of a block 16843009\n"
		"orphaned 1041..1041: it follows 00000410aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, but block "
		"1040 is 0101010101010101010101010101010101010101: one of the two is wrong\n"
		"missing 1056..1060: \n");
	expect_offline(1005, 1005, "");
}

/* With a node. */

/* Block 100 with two virtual operations, the last one of the block itself. */
struct full {
	struct made made;
	struct operation operations[MADE_OPERATIONS + VIRTUAL_OPERATIONS];
};

static void make_full(struct full *full)
{
	struct block *block = &full->made.block;

	make_block(&full->made, 100, 0xAA);
	memcpy(full->operations, full->made.operations, sizeof(full->made.operations));
	for (uint32_t i = 0; i < VIRTUAL_OPERATIONS; i++) {
		struct operation *op = &full->operations[MADE_OPERATIONS + i];

		*op = full->operations[0];
		op->virtual_op = i + 1;
		op->name = "producer_reward";
		op->name_bytes = strlen(op->name);
	}
	full->operations[MADE_OPERATIONS + 1].trx_id = NULL;
	block->operations = full->operations;
	block->virtual_count = block->stored_virtual_count = VIRTUAL_OPERATIONS;
	block->stored_count += VIRTUAL_OPERATIONS;
	block->virtual_state = BLOCK_VIRTUAL_COMPLETE;
}

static void store_full(const struct full *full)
{
	struct lot lot;

	make_lot(&lot, 100, 100);
	lot.commit.entries[0].block = &full->made.block;
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
}

/* "kind: detail" of block 100 beside a block; rules: the rules the block was filtered by. */
static const char *check(const struct block *block, uint32_t rules, bool deep)
{
	struct audit_finding finding;
	struct audit_row *rows;
	size_t count;

	OK(audit_load(db, 100, 100, &rows, &count, &err));
	assert_int_equal(count, 1);
	OK(audit_check_block(db, &rows[0], block, rules, deep, &finding, &err));
	free(rows);
	assert_int_equal(finding.block, 100);
	snprintf(found, sizeof(found), "%s: %s", audit_kind_name(finding.kind), finding.detail);
	return finding.kind == AUDIT_NOTHING ? "" : found;
}

static void every_altered_column_is_seen(void **state)
{
	static const struct {
		const char *sql;
		const char *finding;
		bool deep; /* seen only there */
	} cases[] = {
		{"UPDATE blocks SET block_id = INSERT(block_id, 20, 1, 'x')",
		 "orphaned: 00000064aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa78 is stored, "
		 "00000064aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is in the chain",
		 false},
		{"UPDATE blocks SET previous = INSERT(previous, 20, 1, 'x')",
		 "orphaned: it follows 00000063aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa78 in the table, "
		 "00000063aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa in the chain",
		 false},
		{"UPDATE blocks SET timestamp = timestamp - INTERVAL 3 SECOND",
		 "altered: its timestamp is -3 s off", false},
		{"UPDATE blocks SET operations = 5", "altered: operations is 5, the block has 2",
		 false},
		{"UPDATE blocks SET virtual_operations = 5",
		 "altered: virtual_operations is 5, the block has 2", false},
		{"DELETE FROM blockchain WHERE trx_in_block = 1",
		 "partial: 1 of 2 stored operations are there", false},
		{"DELETE FROM blockchain WHERE virtual_op = 2",
		 "partial: 1 of 2 stored virtual operations are there", false},
		{"UPDATE blockchain SET trx_id = REPEAT('a', 40) WHERE trx_in_block = 1",
		 "altered: trx_id of operation 1/0/0 is not the chain's", true},
		{"UPDATE blockchain SET trx_id = NULL WHERE trx_in_block = 1",
		 "altered: trx_id of operation 1/0/0 is not the chain's", true},
		{"UPDATE blockchain SET timestamp = timestamp + INTERVAL 1 SECOND "
		 "WHERE virtual_op = 1",
		 "altered: timestamp of operation 0/0/1 is not the chain's", true},
		{"UPDATE blockchain SET operation = 'vote' WHERE trx_in_block = 1",
		 "altered: operation of operation 1/0/0 is not the chain's", true},
		{"UPDATE blockchain SET account = 'bob' WHERE account = 'alice' AND virtual_op = 0",
		 "altered: account of operation 0/0/0 is not the chain's", true},
		{"UPDATE blockchain SET payload = CONCAT(payload, ' ') WHERE virtual_op = 2",
		 "altered: payload of operation 0/0/2 is not the chain's", true},
		/* Moved: what is not in the chain comes before what is not in the table. */
		{"UPDATE blockchain SET op_in_trx = 7 WHERE trx_in_block = 0 AND virtual_op = 0",
		 "partial: operation 0/0/0 (comment) is not there", true},
		{"UPDATE blockchain SET trx_in_block = 9 WHERE trx_in_block = 1",
		 "partial: operation 1/0/0 (comment) is not there", true},
		{"UPDATE blockchain SET virtual_op = 9 WHERE virtual_op = 1",
		 "partial: operation 0/0/1 (producer_reward) is not there", true},
	};
	struct full full;

	(void)state;
	make_full(&full);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_sql("DELETE FROM blocks");
		run_sql("DELETE FROM blockchain");
		store_full(&full);
		assert_string_equal(check(&full.made.block, filter_id, true), "");
		run_sql(cases[i].sql);
		assert_string_equal(check(&full.made.block, filter_id, false),
				    cases[i].deep ? "" : cases[i].finding);
		assert_string_equal(check(&full.made.block, filter_id, true), cases[i].finding);
	}
}

static void a_filter_is_held_against_what_it_keeps(void **state)
{
	struct full full;
	struct block *block = &full.made.block;

	(void)state;
	make_full(&full);
	store_full(&full);
	/* The same rules, but the block keeps one operation less than was stored. */
	full.operations[1].is_stored = false;
	block->stored_count--;
	assert_string_equal(check(block, filter_id, true),
			    "partial: stored_operations is 2, the filter keeps 1");
	/* Stored under other rules: all that stands there is the chain's, which is all there is to say. */
	assert_string_equal(check(block, filter_id + 1, true), "");
	run_sql("DELETE FROM blockchain WHERE trx_in_block = 1");
	run_sql("UPDATE blocks SET stored_operations = 1");
	assert_string_equal(check(block, filter_id + 1, true), "");
	assert_string_equal(check(block, filter_id, true), "");
	/* The right number of rows, but another one was kept than the filter keeps. */
	full.operations[0].is_stored = false;
	full.operations[1].is_stored = true;
	assert_string_equal(check(block, filter_id, true),
			    "altered: operation 0/0/0 is not the chain's");
	/* A node that gives no virtual operations says nothing about those that stand there. */
	block->virtual_state = BLOCK_VIRTUAL_NONE;
	block->virtual_count = block->stored_virtual_count = 0;
	block->stored_count = 1;
	assert_string_equal(check(block, filter_id + 1, true), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_tables_alone_tell_what_is_missing),
		TEST(every_altered_column_is_seen),
		TEST(a_filter_is_held_against_what_it_keeps),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
