/* SPDX-License-Identifier: MIT */
/*
 * The only file that sets and checks the variables of a session.
 *
 * A session begins with the server's defaults, and init_connect may have changed them.
 * The table below has each variable that changes the meaning of a statement, the stored
 * rows, or how long locks are held.  One SET sets our values, one SELECT reads them back,
 * and they are compared.  If the server does not keep a value, for example behind a proxy
 * that sends each statement to another session, nothing may be read or written: a text
 * sent in another character set can even become SQL.
 *
 * Not in the table, on purpose: variables that only cost time (optimizer_switch, buffers),
 * variables that only an account with SUPER may set and no default changes (sql_log_bin),
 * and choices that the statements make themselves (the engine of a table).
 */
#include <mysql.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/db_error.h"
#include "store/db_impl.h"

#define LOCK_WAIT_S   8
#define SQL_MAX_BYTES ((size_t)16384)
/*
 * From this version on MariaDB uses the name transaction_isolation, as MySQL does; tx_isolation
 * is deprecated.
 */
#define NEW_NAMES 110101
/* From this version on innodb_snapshot_isolation is on by default. */
#define SNAPSHOT_ISOLATION 110602

enum servers {
	ANY,
	MARIADB,          /* all versions */
	MARIADB_OLD,      /* before NEW_NAMES */
	NEW,              /* MariaDB from NEW_NAMES on, and MySQL */
	MARIADB_SNAPSHOT, /* from SNAPSHOT_ISOLATION on */
	MYSQL_ONLY,
};

/* `%u` in a value stands for the seconds to wait for a row lock. */
static const struct variable {
	const char *name;
	const char *value; /* as SQL */
	const char *shown; /* as the server returns it; NULL: the value itself */
	enum servers servers;
} variables[] = {
	/* The character sets of statements and rows. */
	{"character_set_client", "utf8mb4", NULL, ANY},
	{"character_set_results", "utf8mb4", NULL, ANY},
	{"collation_connection", "utf8mb4_general_ci", NULL, ANY},
	{"character_set_connection", NULL, "utf8mb4", ANY}, /* set by the collation */
	/* The meaning of a statement. */
	{"sql_mode",
	 "'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
	 "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
	 ANY},
	{"time_zone", "'+00:00'", "+00:00", ANY},
	{"lc_time_names", "'en_US'", "en_US", ANY},
	{"sql_safe_updates", "0", NULL, ANY},
	{"sql_auto_is_null", "0", NULL, ANY},
	{"sql_select_limit", "18446744073709551615", NULL, ANY},
	{"sql_big_selects", "1", NULL, ANY},
	{"group_concat_max_len", "1048576", NULL, ANY},
	{"max_sort_length", "1024", NULL, ANY},
	{"div_precision_increment", "4", NULL, ANY},
	/*
	 * A repeated migration expects "already exists": the server should not send a note about
	 * it.
	 */
	{"sql_notes", "0", NULL, ANY},
	{"max_error_count", "64", NULL, MARIADB},
	/* The memory that a statement may use: with less, the larger ones fail. */
	{"max_session_mem_used", "9223372036854775807", NULL, MARIADB},
	{"tmp_disk_table_size", "18446744073709551615", NULL, MARIADB},
	/* The checks of the tables. */
	{"foreign_key_checks", "1", NULL, ANY},
	{"unique_checks", "1", NULL, ANY},
	{"check_constraint_checks", "1", NULL, MARIADB},
	/* Transactions. */
	{"autocommit", "1", NULL, ANY},
	{"completion_type", "'NO_CHAIN'", "NO_CHAIN", ANY},
	{"tx_isolation", "'READ-COMMITTED'", "READ-COMMITTED", MARIADB_OLD},
	{"tx_read_only", "0", NULL, MARIADB_OLD},
	{"transaction_isolation", "'READ-COMMITTED'", "READ-COMMITTED", NEW},
	{"transaction_read_only", "0", NULL, NEW},
	/*
	 * If it were on, a commit that had to wait for the reader's own heartbeat would fail
	 * (1020).
	 */
	{"innodb_snapshot_isolation", "0", NULL, MARIADB_SNAPSHOT},
	/*
	 * Time-outs.  A frozen reader must not keep its locks: MariaDB ends its transaction,
	 * MySQL its connection.
	 */
	{"lock_wait_timeout", "8", NULL, ANY},
	{"innodb_lock_wait_timeout", "%u", NULL, ANY},
	{"net_read_timeout", "30", NULL, ANY},
	{"net_write_timeout", "60", NULL, ANY},
	{"wait_timeout", "28800", NULL, MARIADB},
	{"wait_timeout", "5", NULL, MYSQL_ONLY},
	{"idle_write_transaction_timeout", "5", NULL, MARIADB},
	{"max_statement_time", "0", "0.000000", MARIADB},
	{"max_execution_time", "0", NULL, MYSQL_ONLY},
};
#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

static bool is_there(const struct db *db, const struct variable *variable)
{
	unsigned long version = db->version;
	bool is_new = !db->is_mariadb || version >= NEW_NAMES;

	switch (variable->servers) {
	case ANY:
		return true;
	case MARIADB:
		return db->is_mariadb;
	case MARIADB_OLD:
		return !is_new;
	case NEW:
		return is_new;
	case MARIADB_SNAPSHOT:
		return db->is_mariadb && version >= SNAPSHOT_ISOLATION;
	case MYSQL_ONLY:
		return !db->is_mariadb;
	}
	return false;
}

static void write_value(const struct db *db, const char *value, char *out, size_t size)
{
	unsigned lock_wait_s = db->config->lock_wait_s > 0 ? db->config->lock_wait_s : LOCK_WAIT_S;

	if (strcmp(value, "%u") == 0)
		snprintf(out, size, "%u", lock_wait_s);
	else
		snprintf(out, size, "%s", value);
}

static int set_variables(struct db *db, struct error *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT(SQL_MAX_BYTES);
	const char *before = "SET ";
	char value[160];

	for (size_t i = 0; i < VARIABLES; i++) {
		if (!variables[i].value || !is_there(db, &variables[i]))
			continue;
		write_value(db, variables[i].value, value, sizeof(value));
		(void)buf_addf(&sql, "%sSESSION %s = %s", before, variables[i].name, value);
		before = ", ";
	}
	return db_exec_text(db, buf_text(&sql), err);
}

static int compare(struct db *db, const struct variable *variable, const char *is,
		   struct error *err)
{
	char must[160];

	write_value(db, variable->shown ? variable->shown : variable->value, must, sizeof(must));
	if (is && strcmp(is, must) == 0)
		return 0;
	return error_set(
		err, ERROR_CONFIG,
		"database %s: the session's %s was set to %s and is %s; nothing is read or "
		"written there. A proxy that gives one connection's statements to several "
		"sessions does this: connect to the server itself",
		db->config->hosts[db->host], variable->name, must, is ? is : "NULL");
}

static int check_variables(struct db *db, struct error *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT(SQL_MAX_BYTES);
	const char *before = "SELECT ";
	MYSQL_RES *rows = NULL;
	MYSQL_ROW row;
	unsigned column = 0;
	int result = 0;

	for (size_t i = 0; i < VARIABLES; i++) {
		if (!is_there(db, &variables[i]))
			continue;
		(void)buf_addf(&sql, "%s@@SESSION.%s", before, variables[i].name);
		before = ", ";
		column++;
	}
	if (mysql_real_query(db->mysql, sql.data, sql.len) != 0 ||
	    !(rows = mysql_store_result(db->mysql)))
		return db_fail(db, NULL, err);
	row = mysql_num_fields(rows) == column ? mysql_fetch_row(rows) : NULL;
	if (!row)
		result = error_set(err, ERROR_RETRY,
				   "database %s: the session's variables cannot be read",
				   db->config->hosts[db->host]);
	column = 0;
	for (size_t i = 0; i < VARIABLES && row && result == 0; i++)
		if (is_there(db, &variables[i]))
			result = compare(db, &variables[i], row[column++], err);
	mysql_free_result(rows);
	return result;
}

/*
 * SET timestamp stops the clock of a session; this makes it run again.  There is no value to
 * compare. A server with secure_timestamp refuses this, but there init_connect could not stop
 * the clock either.
 */
static int free_clock(struct db *db, struct error *err)
{
	static const char sql[] = "SET SESSION timestamp = DEFAULT";
	unsigned code =
		mysql_real_query(db->mysql, sql, sizeof(sql) - 1) == 0 ? 0 : mysql_errno(db->mysql);

	if (code == 0 || code == DB_OPTION_PREVENTS || code == DB_NO_PRIVILEGE)
		return 0;
	return db_fail(db, NULL, err);
}

int db_set_session_up(struct db *db, const char *name, struct error *err)
{
	/* init_connect may have chosen another database, opened a transaction, or locked tables. */
	if (set_variables(db, err) < 0 || free_clock(db, err) < 0 ||
	    db_exec_text(db, "ROLLBACK", err) < 0 || db_exec_text(db, "UNLOCK TABLES", err) < 0)
		return -1;
	if (name && mysql_select_db(db->mysql, name) != 0)
		return db_fail(db, NULL, err);
	return check_variables(db, err);
}
