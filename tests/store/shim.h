/* SPDX-License-Identifier: MIT */
/*
 * A layer between store/db and the client library that makes single calls fail.
 *
 * The linker inserts it (-Wl,--wrap, in Makefile.am), so the tested program is the one
 * that is shipped.  shim_arm() starts the count; the k-th call fails with the given error,
 * before or after it took effect.  The server's reaction to such an error is simulated
 * too: the transaction is rolled back, or the connection is cut.  shim_storm() makes
 * random calls fail.
 *
 * Included once, by the test that is linked with these options.
 */
#ifndef TESTS_STORE_SHIM_H
#define TESTS_STORE_SHIM_H

#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/backoff.h"

struct shim_error {
	unsigned code;
	const char *state;
	bool rolls_back; /* the whole transaction, by the server */
	bool cuts;       /* the connection */
};

static const struct shim_error shim_errors[] = {
	{1213, "40001", true, false},  /* deadlock; on Galera also at COMMIT */
	{1205, "HY000", false, false}, /* lock wait: only the statement is undone */
	{2013, "HY000", false, true},  /* the connection was lost during the query */
	{1180, "HY000", true, false},  /* error during COMMIT */
	{1047, "08S01", true, false},  /* a Galera node without a majority */
	{1020, "HY000", true, false},  /* record has changed since last read */
	{1053, "08S01", false, true},  /* the server shuts down */
	{1290, "HY000", false, false}, /* the server is read-only */
};
#define SHIM_ERRORS (sizeof(shim_errors) / sizeof(shim_errors[0]))

static struct {
	unsigned fail_at; /* 0: no call of its own */
	unsigned storm_percent;
	const struct shim_error *error;
	bool after;
	unsigned calls;
	unsigned failures;
	char what[200];     /* the call that failed last */
	const void *broken; /* the handle that tells the error */
	const void *stored; /* the statement whose rows are in memory: reading these cannot fail */
} shim;

static inline void shim_disarm(void)
{
	memset(&shim, 0, sizeof(shim));
}

static inline void shim_arm(unsigned fail_at, const struct shim_error *error, bool after)
{
	shim_disarm();
	shim.fail_at = fail_at;
	shim.error = error;
	shim.after = after;
}

static inline void shim_storm(unsigned percent)
{
	shim_disarm();
	shim.storm_percent = percent;
}

/* Is it this call's turn? */
static inline bool shim_hits(const void *handle, const char *what)
{
	if (shim.broken == handle)
		shim.broken = NULL;
	shim.calls++;
	if (shim.storm_percent > 0 && random_below(100) < shim.storm_percent) {
		shim.error = &shim_errors[random_below(SHIM_ERRORS)];
		shim.after = random_below(2) == 1;
	} else if (shim.calls != shim.fail_at) {
		return false;
	}
	shim.failures++;
	snprintf(shim.what, sizeof(shim.what), "call %u (%.100s), error %u %s it took effect",
		 shim.calls, what, shim.error->code, shim.after ? "after" : "before");
	return true;
}

int __real_mysql_real_query(MYSQL *mysql, const char *sql, unsigned long len);

static inline int shim_socket(MYSQL *mysql)
{
#ifdef MARIADB_PACKAGE_VERSION_ID
	return (int)mysql_get_socket(mysql);
#else
	return mysql->net.fd;
#endif
}

/* What the error does to the connection; `is_idle`: nothing of a result is left on it. */
static inline int shim_fail(MYSQL *mysql, const void *handle, bool is_idle)
{
	if (shim.error->rolls_back && is_idle && !shim.after)
		__real_mysql_real_query(mysql, "ROLLBACK", 8);
	if (shim.error->cuts)
		shutdown(shim_socket(mysql), SHUT_RDWR);
	shim.broken = handle;
	return 1;
}

/* Calls that reach the server. */

MYSQL *__real_mysql_real_connect(MYSQL *mysql, const char *host, const char *user,
				 const char *password, const char *name, unsigned port,
				 const char *socket, unsigned long flags);
MYSQL *__wrap_mysql_real_connect(MYSQL *mysql, const char *host, const char *user,
				 const char *password, const char *name, unsigned port,
				 const char *socket, unsigned long flags);
MYSQL *__wrap_mysql_real_connect(MYSQL *mysql, const char *host, const char *user,
				 const char *password, const char *name, unsigned port,
				 const char *socket, unsigned long flags)
{
	bool hits = shim_hits(mysql, "connecting");

	if (!hits || shim.after)
		mysql = __real_mysql_real_connect(mysql, host, user, password, name, port, socket,
						  flags);
	if (!hits)
		return mysql;
	shim.broken = mysql;
	return NULL;
}

int __wrap_mysql_real_query(MYSQL *mysql, const char *sql, unsigned long len);
int __wrap_mysql_real_query(MYSQL *mysql, const char *sql, unsigned long len)
{
	bool hits = shim_hits(mysql, sql);
	int result = !hits || shim.after ? __real_mysql_real_query(mysql, sql, len) : 0;

	if (hits && shim.after)
		mysql_free_result(mysql_store_result(mysql));
	return hits ? shim_fail(mysql, mysql, true) : result;
}

int __real_mysql_stmt_prepare(MYSQL_STMT *statement, const char *sql, unsigned long len);
int __wrap_mysql_stmt_prepare(MYSQL_STMT *statement, const char *sql, unsigned long len);
int __wrap_mysql_stmt_prepare(MYSQL_STMT *statement, const char *sql, unsigned long len)
{
	bool hits = shim_hits(statement, sql);
	int result = !hits || shim.after ? __real_mysql_stmt_prepare(statement, sql, len) : 0;

	return hits ? shim_fail(statement->mysql, statement, true) : result;
}

int __real_mysql_stmt_execute(MYSQL_STMT *statement);
int __wrap_mysql_stmt_execute(MYSQL_STMT *statement);
int __wrap_mysql_stmt_execute(MYSQL_STMT *statement)
{
	bool hits = shim_hits(statement, "executing");

	if (shim.stored == statement)
		shim.stored = NULL;
	int result = !hits || shim.after ? __real_mysql_stmt_execute(statement) : 0;

	if (hits && shim.after)
		mysql_stmt_free_result(statement);
	return hits ? shim_fail(statement->mysql, statement, true) : result;
}

int __real_mysql_stmt_store_result(MYSQL_STMT *statement);
int __wrap_mysql_stmt_store_result(MYSQL_STMT *statement);
int __wrap_mysql_stmt_store_result(MYSQL_STMT *statement)
{
	bool hits = shim_hits(statement, "storing rows");
	int result = !hits || shim.after ? __real_mysql_stmt_store_result(statement) : 0;

	shim.stored = statement;
	return hits ? shim_fail(statement->mysql, statement, false) : result;
}

int __real_mysql_stmt_fetch(MYSQL_STMT *statement);
int __wrap_mysql_stmt_fetch(MYSQL_STMT *statement);
int __wrap_mysql_stmt_fetch(MYSQL_STMT *statement)
{
	bool hits = statement != shim.stored && shim_hits(statement, "fetching a row");
	int result = !hits || shim.after ? __real_mysql_stmt_fetch(statement) : 0;

	return hits ? shim_fail(statement->mysql, statement, false) : result;
}

/* Calls that tell the error. */

/* Of the broken handle what the test made up, of any other what the library says. */
#define SHIM_GETTER(type, function, handle_type, made_up)                                          \
	type __real_##function(handle_type *handle);                                               \
	type __wrap_##function(handle_type *handle);                                               \
	type __wrap_##function(handle_type *handle)                                                \
	{                                                                                          \
		return shim.broken == handle ? (made_up) : __real_##function(handle);              \
	}

SHIM_GETTER(unsigned, mysql_errno, MYSQL, shim.error->code)
SHIM_GETTER(const char *, mysql_error, MYSQL, "made by the test")
SHIM_GETTER(const char *, mysql_sqlstate, MYSQL, shim.error->state)
SHIM_GETTER(unsigned, mysql_stmt_errno, MYSQL_STMT, shim.error->code)
SHIM_GETTER(const char *, mysql_stmt_error, MYSQL_STMT, "made by the test")
SHIM_GETTER(const char *, mysql_stmt_sqlstate, MYSQL_STMT, shim.error->state)

/* Nobody needs to wait between two tries here. */
int64_t __wrap_backoff_next_ms(struct backoff *backoff);
int64_t __wrap_backoff_next_ms(struct backoff *backoff)
{
	(void)backoff;
	return 0;
}

#endif
