/* SPDX-License-Identifier: MIT */
#include "database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "database_impl.h"
#include "sched.h"
#include "store/bulk_impl.h"
#include "store/db_error.h"

#define LOCK_WAIT_MS  8000
#define IDLE_WRITE_MS 5000
#define MAX_OPEN      64

struct db {
	const struct db_config *config;
	struct process *process;
	struct tx tx;
	unsigned server;
	size_t first_host;
	size_t host; /* index in config->hosts, whose names are the numbers of the servers */
	bool is_open;
	bool is_lost;
	bool in_transaction;  /* as the client sees it */
	bool has_transaction; /* as the server sees it */
	bool is_cut;          /* the server has closed it, and the client does not know yet */
	bool is_sent;         /* a call is on its way to the server */
	bool is_posthumous;   /* the call arrives although the client is dead */
	struct fiber *waiter; /* waits for a lock */
	int64_t used_ms;
};

struct server sim_servers[DB_NODES_MAX];
unsigned sim_db_faults_per_mille;
int64_t sim_db_latency_ms;
uint64_t sim_db_fault_count;
uint64_t sim_db_call_count;

static struct db *opened[MAX_OPEN];
static uint64_t tick; /* makes each time unique */

void database_open(unsigned servers)
{
	memset(sim_servers, 0, sizeof(sim_servers));
	tick = 0;
	tables_open(servers);
}

uint64_t database_now_us(unsigned server)
{
	const struct server *at = &sim_servers[server];
	int64_t jump_ms = sim_now_ms < at->jump_until_ms ? at->jump_ms : 0;

	return SIM_EPOCH_US + (uint64_t)(sim_now_ms + at->clock_ms + jump_ms) * 1000 +
	       tick++ % 1000;
}

/* Connections. */

struct db *db_new(const struct db_config *config)
{
	struct db *db = xcalloc(1, sizeof(*db));

	db->config = config;
	db->process = process_self();
	for (size_t i = 0; i < MAX_OPEN; i++) {
		if (opened[i])
			continue;
		opened[i] = db;
		return db;
	}
	sim_fail("more than %d connections", MAX_OPEN);
}

static void wake_waiters(void)
{
	for (size_t i = 0; i < MAX_OPEN; i++)
		if (opened[i] && opened[i]->waiter)
			fiber_wake(opened[i]->waiter);
}

static void end_transaction(struct db *db)
{
	tx_rollback(&db->tx);
	db->has_transaction = false;
	wake_waiters();
}

void db_disconnect(struct db *db)
{
	end_transaction(db);
	db->is_open = false;
	db->is_lost = false;
	db->is_cut = false;
	db->in_transaction = false;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	db_disconnect(db);
	for (size_t i = 0; i < MAX_OPEN; i++)
		if (opened[i] == db)
			opened[i] = NULL;
	free(db);
}

static void cut(struct db *db)
{
	if (!db->is_open)
		return;
	end_transaction(db);
	db->is_cut = true;
}

void database_cut(unsigned server)
{
	for (size_t i = 0; i < MAX_OPEN; i++)
		if (opened[i] && opened[i]->server == server)
			cut(opened[i]);
}

void database_bury(const struct process *process)
{
	for (size_t i = 0; i < MAX_OPEN; i++) {
		struct db *db = opened[i];

		if (!db || db->process != process)
			continue;
		db->is_posthumous = db->is_sent && sim_chance(500);
		if (!db->is_posthumous)
			cut(db);
	}
}

/* There are no migrations here. */
bool db_is_clustered(const struct db *db)
{
	(void)db;
	return false;
}

bool db_is_lost(const struct db *db)
{
	return !db->is_open || db->is_lost;
}

/* Only what an operator could cure is retried by a patient one, and nothing of that kind happens here. */
void db_set_patient(struct db *db, bool is_patient)
{
	(void)db;
	(void)is_patient;
}

const char *db_describe(const struct db *db)
{
	(void)db;
	return "a model of a database";
}

const struct db_config *db_get_config(const struct db *db)
{
	return db->config;
}

/* Errors. */

static int fail_killed(struct error *err)
{
	return error_set(err, ERROR_FATAL, "this process was killed");
}

static int fail_code(struct db *db, unsigned code, struct error *err)
{
	struct db_fault fault = db_sort_error(code, NULL);

	if (fault.is_lost) {
		end_transaction(db);
		db->is_lost = true;
	}
	if (fault.next_host)
		db->first_host = (db->host + 1) % db->config->host_count;
	if (code == 1213)
		end_transaction(db);
	if (code != DB_DUPLICATE_KEY)
		sim_trace("database error %u", code);
	return error_set_code(err, fault.kind, ERROR_CLASS_DATABASE, (int)code,
			      "database server %u: made up (%u)", db->server, code);
}

int database_lose(struct db *db, struct error *err)
{
	return fail_code(db, 2013, err);
}

static unsigned choose_fault(void)
{
	static const unsigned codes[] = {1213, 1213, 1213, 1205, 2013, 2013, 2006,
					 1180, 1047, 1020, 1053, 1290, 1040, 1927};

	sim_db_fault_count++;
	return codes[sim_random(sizeof(codes) / sizeof(codes[0]))];
}

/* A call on its way to the server. */
static int travel(struct db *db, bool is_write, struct error *err)
{
	struct server *server = &sim_servers[db->server];
	int64_t latency_ms = sim_between(0, sim_db_latency_ms);

	sim_db_call_count++;
	if (db->process->is_killed)
		return fail_killed(err);
	if (db_is_lost(db))
		return error_set(err, ERROR_RETRY, "the connection to the database is not open");
	if (sim_db_faults_per_mille > 0 && sim_chance(5))
		latency_ms = sim_between(10, 4000);
	db->is_sent = true;
	fiber_rest(sim_now_ms + latency_ms);
	if (server->hung_until_ms > sim_now_ms) {
		int64_t io_ms = sim_now_ms + db->config->io_timeout_ms;
		bool is_over = io_ms < server->hung_until_ms;

		fiber_rest(is_over ? io_ms : server->hung_until_ms);
		if (is_over && !db->is_cut)
			db->is_cut = true;
	}
	/*
	 * wsrep_sync_wait: a query outside of a transaction, or the start of one, waits for the
	 * other nodes.
	 */
	if (!db->has_transaction && !is_write)
		fiber_rest(tables_synced_ms(db->server));
	db->is_sent = false;
	if (db->process->is_killed && !db->is_posthumous)
		return fail_killed(err);
	if (db->has_transaction && db->tx.write_count > 0 &&
	    sim_now_ms - db->used_ms > IDLE_WRITE_MS)
		cut(db);
	db->used_ms = sim_now_ms;
	if (db->is_cut || server->is_down)
		return fail_code(db, 2013, err);
	if (server->is_minority)
		return fail_code(db, 1047, err);
	if (server->is_read_only && is_write)
		return fail_code(db, 1290, err);
	if (db->tx.is_doomed && sim_chance(500))
		return fail_code(db, 1213, err);
	if (sim_chance(sim_db_faults_per_mille))
		return fail_code(db, choose_fault(), err);
	return 0;
}

/* The answer on its way back: a frozen process reads it when it continues. */
static int arrive(struct db *db, struct error *err)
{
	if (db->process->is_killed) {
		cut(db);
		db->is_posthumous = false;
		return fail_killed(err);
	}
	if (db->process->frozen_until_ms > sim_now_ms)
		fiber_sleep(sim_now_ms);
	if (db->process->is_killed)
		return fail_killed(err);
	if (sim_chance(sim_db_faults_per_mille / 2)) {
		sim_db_fault_count++;
		sim_trace("the answer is lost");
		return fail_code(db, 2013, err);
	}
	return 0;
}

static int connect_host(struct db *db, size_t host, struct error *err)
{
	unsigned index = (unsigned)(db->config->hosts[host][0] - '0');
	const struct server *server = &sim_servers[index];

	db->host = host;
	db->server = index;
	if (server->hung_until_ms > sim_now_ms)
		fiber_rest(sim_now_ms + db->config->connect_timeout_ms);
	else
		fiber_rest(sim_now_ms + sim_between(0, 3));
	if (db->process->is_killed)
		return fail_killed(err);
	if (server->hung_until_ms > sim_now_ms || server->is_down)
		return fail_code(db, 2003, err);
	if (sim_chance(sim_db_faults_per_mille))
		return fail_code(db, 1040, err);
	tx_init(&db->tx, index);
	db->is_open = true;
	return 0;
}

int db_connect(struct db *db, struct error *err)
{
	size_t first = db->first_host;

	db_disconnect(db);
	for (size_t i = 0; i < db->config->host_count; i++) {
		if (connect_host(db, (first + i) % db->config->host_count, err) == 0) {
			db->first_host = 0;
			*err = ERROR_INIT;
			return 0;
		}
		if (err->kind == ERROR_FATAL)
			return -1;
		db->is_lost = false;
	}
	return -1;
}

/* Statements. */

static struct db *find_holder(const struct tx *tx)
{
	for (size_t i = 0; i < MAX_OPEN; i++)
		if (opened[i] && &opened[i]->tx == tx)
			return opened[i];
	return NULL;
}

static bool is_idle(const struct db *holder)
{
	return sim_now_ms > holder->used_ms + IDLE_WRITE_MS;
}

void database_end_idle(const struct tx *tx)
{
	struct db *holder = find_holder(tx);

	if (holder && is_idle(holder))
		cut(holder);
}

/* Wait until the owner of the lock ends, or until the server ends it because it is idle. */
static int wait_for_lock(struct db *db, int64_t deadline_ms, struct error *err)
{
	struct db *holder = find_holder(db->tx.blocker);
	int64_t until_ms = deadline_ms;

	if (sim_now_ms >= deadline_ms)
		return fail_code(db, 1205, err);
	if (holder && is_idle(holder)) {
		cut(holder);
		return 0;
	}
	if (holder && holder->used_ms + IDLE_WRITE_MS + 1 < until_ms)
		until_ms = holder->used_ms + IDLE_WRITE_MS + 1;
	sim_trace("waits for a lock");
	db->waiter = fiber_self();
	db->is_sent = true;
	fiber_sleep_outside(until_ms);
	db->is_sent = false;
	db->waiter = NULL;
	db->used_ms = sim_now_ms;
	if (db->process->is_killed && !db->is_posthumous)
		return fail_killed(err);
	return db->is_cut ? fail_code(db, 2013, err) : 0;
}

static int execute(struct db *db, struct call *call, struct error *err)
{
	int64_t deadline_ms = sim_now_ms + LOCK_WAIT_MS;
	size_t mark = db->tx.write_count;

	call->tx = &db->tx;
	for (;;) {
		call->now_us = database_now_us(db->server);
		call->found = 0;
		call->error = 0;
		if (call->rows)
			call->rows->cell_count = 0;
		if (statement_run(call))
			break;
		tx_undo_to(&db->tx, mark);
		if (wait_for_lock(db, deadline_ms, err) < 0)
			return -1;
	}
	if (call->error != 0) {
		tx_undo_to(&db->tx, mark);
		return fail_code(db, call->error, err);
	}
	if (!db->has_transaction && !tx_commit(&db->tx))
		return fail_code(db, 1213, err);
	if (!db->has_transaction)
		wake_waiters();
	return 0;
}

static bool is_write(const char *sql)
{
	return strstr(sql, "UPDATE ") || strstr(sql, "INSERT ") || strstr(sql, "DELETE ");
}

int database_run(struct db *db, struct call *call, struct error *err)
{
	if (travel(db, is_write(call->sql), err) < 0 || execute(db, call, err) < 0) {
		if (db->is_posthumous)
			cut(db);
		return -1;
	}
	return arrive(db, err);
}

int db_exec(struct db *db, const char *sql, const struct db_value *values, size_t count,
	    uint64_t *ret_found, struct error *err)
{
	struct call call = {.sql = sql, .values = values, .value_count = count};
	int result = database_run(db, &call, err);

	if (result == 0 && ret_found)
		*ret_found = call.found;
	return result;
}

int bulk_insert(struct db *db, const struct bulk *bulk, struct error *err)
{
	struct call call = {.bulk = bulk, .sql = bulk->sql};

	if (bulk_row_count(bulk) == 0)
		return 0;
	return database_run(db, &call, err);
}

int db_exec_text(struct db *db, const char *sql, struct error *err)
{
	(void)db;
	(void)err;
	sim_fail("a text that is no statement: %s", sql);
}

int db_connect_server(struct db *db, struct error *err)
{
	return db_connect(db, err);
}

int db_begin(struct db *db, struct error *err)
{
	if (db->in_transaction)
		sim_fail("a transaction inside a transaction");
	if (travel(db, false, err) < 0)
		return -1;
	end_transaction(db);
	db->has_transaction = true;
	db->in_transaction = true;
	return arrive(db, err);
}

int db_commit(struct db *db, struct error *err)
{
	int result;

	if (!db->in_transaction)
		sim_fail("COMMIT without a transaction");
	db->in_transaction = false;
	result = travel(db, false, err);
	if (result == 0) {
		bool had = db->has_transaction;

		db->has_transaction = false;
		result = !had || tx_commit(&db->tx) ? arrive(db, err) : fail_code(db, 1213, err);
		wake_waiters();
	}
	if (result < 0)
		db_disconnect(db);
	return result;
}

void db_rollback(struct db *db)
{
	struct error ignored = ERROR_INIT;

	if (!db->in_transaction)
		return;
	db->in_transaction = false;
	if (db_is_lost(db) || travel(db, false, &ignored) < 0)
		db_disconnect(db);
	else
		end_transaction(db);
}
