/* SPDX-License-Identifier: MIT */
/*
 * What the tests against a real server share: a fresh database for each test, made-up
 * blocks that link to each other, and short ways to ask.
 */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/claims.h"
#include "store/db.h"
#include "store/filter_rows.h"
#include "store/gaps.h"
#include "store/ledger.h"
#include "store/reader_rows.h"
#include "store/schema.h"
#include "store/wanted_ranges.h"

#define OK(call)                                                                                   \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s (%d)", #call, err.text, err.code);                        \
	} while (0)

extern char *world_hosts[1];
extern struct db_config world_config;
extern struct error err;
extern struct db *db;
extern struct reader_identity me;
extern uint32_t filter_id;

struct db *world_connect(void);

void run_sql(const char *sql);
/* The server is MySQL's: tests/store/run chose it. */
bool world_is_mysql(void);
/* An account that may do nothing yet. */
void make_user(const char *name, const char *password);
/* The table `numbers` with the column `seq`: 1 to count. */
void make_numbers(unsigned count);
/* The first column of the first row as a number. */
uint64_t number(const char *sql);
int world_set_up(void **state);
int world_tear_down(void **state);
void fill_id(uint8_t id[BLOCK_ID_BYTES], uint32_t num, uint8_t chain);

#define MADE_OPERATIONS 2

/* A block as others would give it: a number, a chain, two operations. */
struct made {
	struct block block;
	struct operation operations[MADE_OPERATIONS];
	char payload[80];
};

void make_block(struct made *made, uint32_t num, uint8_t chain);

/* Blocks first..last of chain 0xAA, to be stored in one commit. */
struct lot {
	struct made *made;
	struct ledger_commit commit;
};

void make_lot(struct lot *lot, uint32_t first, uint32_t last);
void free_lot(struct lot *lot);
/* What became of the entries, a letter for each. */
void expect_outcomes(const struct lot *lot, const char *letters);
void store(uint32_t first, uint32_t last);

#endif
