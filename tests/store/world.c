/* SPDX-License-Identifier: MIT */
#include "world.h"

char *world_hosts[1];
struct db_config world_config = {
	.hosts = world_hosts,
	.host_count = 1,
	.user = (char[]){"root"},
	.name = (char[]){"steem"},
	.connect_timeout_ms = 5000,
	.io_timeout_ms = 30000,
};
struct error err;
struct db *db;
struct reader_identity me = {.name = "one", .session = "s1"};
uint32_t filter_id;

struct db *world_connect(void)
{
	struct db *other = db_new(&world_config);

	OK(db_connect(other, &err));
	return other;
}

void run_sql(const char *sql)
{
	OK(db_exec_text(db, sql, &err));
}

bool world_is_mysql(void)
{
	const char *database = getenv("DATABASE");

	return database && strcmp(database, "mysql") == 0;
}

void make_user(const char *name, const char *password)
{
	CLEANUP(mem_free_pointer) char *drop = xasprintf("DROP USER IF EXISTS %s", name);
	CLEANUP(mem_free_pointer)
	char *create = xasprintf("CREATE USER %s IDENTIFIED BY '%s'", name, password);

	run_sql(drop);
	run_sql(create);
}

void make_numbers(unsigned count)
{
	char sql[200];

	run_sql("CREATE TABLE numbers (seq INT UNSIGNED PRIMARY KEY) ENGINE=InnoDB");
	run_sql("INSERT INTO numbers VALUES (1)");
	for (unsigned have = 1; have < count; have *= 2) {
		snprintf(sql, sizeof(sql),
			 "INSERT INTO numbers SELECT seq + %u FROM numbers WHERE seq <= %u", have,
			 count - have);
		run_sql(sql);
	}
}

uint64_t number(const char *sql)
{
	/* A text that is no statement of the program: a connection for it alone. */
	struct db *other = world_connect();
	struct db_rows *rows = db_query(other, sql, DB_NO_VALUES, &err);
	uint64_t result;

	if (!rows)
		fail_msg("%s: %s", sql, err.text);
	assert_int_equal(db_rows_next(rows, &err), 1);
	result = db_row_u64(rows, 0);
	db_rows_free(rows);
	db_free(other);
	return result;
}

int world_set_up(void **state)
{
	char drop[100];
	bool is_active;

	(void)state;
	err = ERROR_INIT;
	snprintf(drop, sizeof(drop), "DROP DATABASE IF EXISTS %s", world_config.name);
	world_hosts[0] = getenv("STORE_TEST_SOCKET");
	if (!world_hosts[0])
		return -1;
	db = db_new(&world_config);
	if (db_connect_server(db, &err) < 0 || db_exec_text(db, drop, &err) < 0 ||
	    schema_migrate(db, NULL, &err) < 0 || reader_rows_register(db, &me, "test", &err) < 0 ||
	    filter_rows_enlist(db, "", &filter_id, &is_active, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

int world_tear_down(void **state)
{
	(void)state;
	db_free(db);
	db = NULL;
	return 0;
}

void fill_id(uint8_t id[BLOCK_ID_BYTES], uint32_t num, uint8_t chain)
{
	memset(id, chain, BLOCK_ID_BYTES);
	id[0] = (uint8_t)(num >> 24);
	id[1] = (uint8_t)(num >> 16);
	id[2] = (uint8_t)(num >> 8);
	id[3] = (uint8_t)num;
}

void make_block(struct made *made, uint32_t num, uint8_t chain)
{
	static const char trx_id[] = "00112233445566778899aabbccddeeff00112233";

	memset(made, 0, sizeof(*made));
	made->block.num = num;
	fill_id(made->block.id, num, chain);
	fill_id(made->block.previous, num - 1, chain);
	made->block.timestamp_s = 1458835500 + 3 * (int64_t)num;
	made->block.operations = made->operations;
	made->block.operation_count = made->block.stored_count = MADE_OPERATIONS;
	snprintf(made->payload, sizeof(made->payload),
		 "{\"n\":%u,\"s\":\"it's \\\\ \xF0\x9F\x98\x80\"}", num);
	for (uint32_t i = 0; i < MADE_OPERATIONS; i++)
		made->operations[i] = (struct operation){
			.trx_in_block = i,
			.is_stored = true,
			.trx_id = trx_id,
			.name = "comment",
			.name_bytes = 7,
			.account = i == 0 ? "alice" : NULL,
			.account_bytes = i == 0 ? 5 : 0,
			.payload = made->payload,
			.payload_bytes = strlen(made->payload),
		};
	made->block.stored_payload_bytes = MADE_OPERATIONS * strlen(made->payload);
}

void make_lot(struct lot *lot, uint32_t first, uint32_t last)
{
	size_t count = last - first + 1;

	lot->made = xcalloc(count, sizeof(*lot->made));
	lot->commit = (struct ledger_commit){
		.entries = xcalloc(count, sizeof(struct ledger_entry)),
		.count = count,
		.identity = &me,
		.filter_id = filter_id,
		.head_block = last + 20,
		.irreversible_block = last,
	};
	for (size_t i = 0; i < count; i++) {
		make_block(&lot->made[i], first + (uint32_t)i, 0xAA);
		lot->commit.entries[i].block = &lot->made[i].block;
	}
}

void free_lot(struct lot *lot)
{
	free(lot->made);
	free(lot->commit.entries);
}

void expect_outcomes(const struct lot *lot, const char *letters)
{
	for (size_t i = 0; i < lot->commit.count; i++) {
		static const char names[] = "?SPOLAUCRW"; /* in the order of enum ledger_outcome */

		if (names[lot->commit.entries[i].outcome] != letters[i])
			fail_msg("entry %zu is %c, not %c", i,
				 names[lot->commit.entries[i].outcome], letters[i]);
	}
}

void store(uint32_t first, uint32_t last)
{
	struct lot lot;

	make_lot(&lot, first, last);
	OK(ledger_commit(db, &lot.commit, &err));
	free_lot(&lot);
}
