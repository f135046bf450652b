/* SPDX-License-Identifier: MIT */
#include "shim.h"

#include <mysql.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/backoff.h"

#define STATEMENTS 400 /* the largest number of open handles */

const struct shim_error shim_errors[SHIM_ERRORS] = {
	{1213, "40001", true, false},  /* deadlock; on Galera also at COMMIT */
	{1205, "HY000", false, false}, /* lock wait: only the statement is undone */
	{2013, "HY000", false, true},  /* the connection was lost during the query */
	{1180, "HY000", true, false},  /* error during COMMIT */
	{1047, "08S01", true, false},  /* a Galera node without a majority */
	{1020, "HY000", true, false},  /* record has changed since last read */
	{1053, "08S01", false, true},  /* the server shuts down */
	{1290, "HY000", false, false}, /* the server is read-only */
};

struct shim shim;
enum shim_fate (*shim_judge)(const char *function, const char *text);
const char *(*shim_rewrite)(const char *sql);

/* A handle belongs to one thread. */
static _Thread_local const void *broken; /* the handle that tells the error */
static _Thread_local const void
	*stored; /* the statement whose rows are in memory: reading these cannot fail */
static _Thread_local enum shim_fate strikes; /* after the call */

static void shim_disarm(void)
{
	memset(&shim, 0, sizeof(shim));
}

void shim_arm(unsigned fail_at, const struct shim_error *error, bool after)
{
	shim_disarm();
	shim.fail_at = fail_at;
	shim.error = error;
	shim.after = after;
}

void shim_storm(unsigned percent)
{
	shim_disarm();
	shim.storm_percent = percent;
}

void shim_strike(enum shim_fate fate)
{
	if (fate == SHIM_KILLS)
		raise(SIGKILL);
	else if (fate == SHIM_FREEZES)
		raise(SIGSTOP);
}

/* What is judged fails, or the process ends or stops, here or after the call. */
static bool is_judged_to_fail(const char *function, const char *text)
{
	enum shim_fate fate = shim_judge(function, text);

	if (fate == SHIM_PASSES || fate == SHIM_FAILS)
		return fate == SHIM_FAILS;
	if (shim.after)
		strikes = fate;
	else
		shim_strike(fate);
	return false;
}

/* The call was made. */
static int shim_end(int result)
{
	enum shim_fate fate = strikes;

	strikes = SHIM_PASSES;
	shim_strike(fate);
	return result;
}

/* Is it this call's turn? */
static bool shim_hits(const void *handle, const char *function, const char *what)
{
	if (broken == handle)
		broken = NULL;
	if (shim_judge)
		return is_judged_to_fail(function, what);
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

static int shim_socket(MYSQL *mysql)
{
#ifdef MARIADB_PACKAGE_VERSION_ID
	return (int)mysql_get_socket(mysql);
#else
	return mysql->net.fd;
#endif
}

/* What the error does to the connection; `is_idle`: nothing of a result is left on it. */
static int shim_fail(MYSQL *mysql, const void *handle, bool is_idle)
{
	if (shim.error->rolls_back && is_idle && !shim.after)
		__real_mysql_real_query(mysql, "ROLLBACK", 8);
	if (shim.error->cuts)
		shutdown(shim_socket(mysql), SHUT_RDWR);
	broken = handle;
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
	bool hits = shim_hits(mysql, "connect", "");

	if (!hits || shim.after)
		mysql = __real_mysql_real_connect(mysql, host, user, password, name, port, socket,
						  flags);
	(void)shim_end(0);
	if (!hits)
		return mysql;
	broken = mysql;
	return NULL;
}

int __wrap_mysql_real_query(MYSQL *mysql, const char *sql, unsigned long len);
int __wrap_mysql_real_query(MYSQL *mysql, const char *sql, unsigned long len)
{
	bool hits = shim_hits(mysql, "query", sql);
	int result = !hits || shim.after ? __real_mysql_real_query(mysql, sql, len) : 0;

	if (hits && shim.after)
		mysql_free_result(mysql_store_result(mysql));
	return hits ? shim_fail(mysql, mysql, true) : shim_end(result);
}

/* The beginnings of the statements' texts. */

static struct {
	const MYSQL_STMT *statement;
	char text[SHIM_TEXT];
} known[STATEMENTS];
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;

static void remember(const MYSQL_STMT *statement, const char *sql)
{
	size_t i = 0;

	pthread_mutex_lock(&known_lock);
	while (i < STATEMENTS - 1 && known[i].statement && known[i].statement != statement)
		i++;
	known[i].statement = statement;
	snprintf(known[i].text, sizeof(known[i].text), "%s", sql);
	pthread_mutex_unlock(&known_lock);
}

/* Valid until this thread asks again. */
static const char *text_of(const MYSQL_STMT *statement)
{
	static _Thread_local char text[SHIM_TEXT];

	text[0] = '\0';
	pthread_mutex_lock(&known_lock);
	for (size_t i = 0; i < STATEMENTS && known[i].statement; i++)
		if (known[i].statement == statement)
			memcpy(text, known[i].text, sizeof(text));
	pthread_mutex_unlock(&known_lock);
	return text;
}

int __real_mysql_stmt_prepare(MYSQL_STMT *statement, const char *sql, unsigned long len);
int __wrap_mysql_stmt_prepare(MYSQL_STMT *statement, const char *sql, unsigned long len);
int __wrap_mysql_stmt_prepare(MYSQL_STMT *statement, const char *sql, unsigned long len)
{
	bool hits = shim_hits(statement, "prepare", sql);
	const char *other = shim_rewrite ? shim_rewrite(sql) : sql;
	int result = 0;

	remember(statement, sql);
	if (!hits || shim.after)
		result = __real_mysql_stmt_prepare(statement, other,
						   other == sql ? len : strlen(other));

	return hits ? shim_fail(statement->mysql, statement, true) : shim_end(result);
}

int __real_mysql_stmt_execute(MYSQL_STMT *statement);
int __wrap_mysql_stmt_execute(MYSQL_STMT *statement);
int __wrap_mysql_stmt_execute(MYSQL_STMT *statement)
{
	bool hits = shim_hits(statement, "execute", text_of(statement));

	if (stored == statement)
		stored = NULL;
	int result = !hits || shim.after ? __real_mysql_stmt_execute(statement) : 0;

	if (hits && shim.after)
		mysql_stmt_free_result(statement);
	return hits ? shim_fail(statement->mysql, statement, true) : shim_end(result);
}

int __real_mysql_stmt_store_result(MYSQL_STMT *statement);
int __wrap_mysql_stmt_store_result(MYSQL_STMT *statement);
int __wrap_mysql_stmt_store_result(MYSQL_STMT *statement)
{
	bool hits = shim_hits(statement, "store", text_of(statement));
	int result = !hits || shim.after ? __real_mysql_stmt_store_result(statement) : 0;

	stored = statement;
	return hits ? shim_fail(statement->mysql, statement, false) : shim_end(result);
}

int __real_mysql_stmt_fetch(MYSQL_STMT *statement);
int __wrap_mysql_stmt_fetch(MYSQL_STMT *statement);
int __wrap_mysql_stmt_fetch(MYSQL_STMT *statement)
{
	bool hits = statement != stored && shim_hits(statement, "fetch", text_of(statement));
	int result = !hits || shim.after ? __real_mysql_stmt_fetch(statement) : 0;

	return hits ? shim_fail(statement->mysql, statement, false) : shim_end(result);
}

/* Calls that tell the error. */

/* Of the broken handle what the test made up, of any other what the library says. */
#define SHIM_GETTER(type, function, handle_type, made_up)                                          \
	type __real_##function(handle_type *handle);                                               \
	type __wrap_##function(handle_type *handle);                                               \
	type __wrap_##function(handle_type *handle)                                                \
	{                                                                                          \
		return broken == handle ? (made_up) : __real_##function(handle);                   \
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
