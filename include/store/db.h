/* SPDX-License-Identifier: MIT */
/*
 * One connection to the database, with its errors sorted into kinds.
 *
 * A connection belongs to one thread at a time.  Nothing here retries: an error of kind
 * ERROR_RETRY means "roll back, connect again if db_is_lost(), and run the whole
 * transaction again"; only the executor does so.  The outcome of an error at COMMIT is
 * unknown until the tables were read.
 *
 * Statements come from sql/ (store/sql.h); values are always bound, never inserted into
 * the text.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How a TCP connection is encrypted. A Unix socket never is, because nobody can listen there. */
enum db_tls {
	DB_TLS_OFF,
	DB_TLS_PREFERRED, /* if the server offers it */
	DB_TLS_REQUIRED,
	DB_TLS_VERIFY, /* and the certificate must be valid for the host's name */
};

struct db_config {
	char **hosts; /* "host:port", "[v6]:port", "host", or the path of a Unix socket */
	size_t host_count;
	char *user;
	char *password; /* NULL: none */
	/* Not NULL: used at each connect instead of `password`. The caller frees the password. */
	int (*read_password)(const char *path, char **ret_password, struct error *err);
	const char *password_path;
	char *name; /* of the database */
	enum db_tls tls;
	char *tls_ca; /* a PEM file; NULL or "": the system's authorities */
	/* the password itself may be sent to a server whose identity is not verified */
	bool reveal_password;
	int64_t connect_timeout_ms;
	int64_t io_timeout_ms; /* for one answer of the server */
	unsigned lock_wait_s;  /* how long a statement waits for a lock; 0: 8 */
	bool force_text_bulk;  /* for tests: send rows as text even if they can be bound */
};

struct db;

/* A new connection that is not open yet; config must outlive it. */
struct db *db_new(const struct db_config *config);
void db_free(struct db *db);
/*
 * Open the connection, or open it again: each host is tried once, in order.  Sets the session up
 * (utf8mb4, strict mode, READ COMMITTED, UTC, time-outs).  An error names each host that was
 * tried.
 */
int db_connect(struct db *db, struct error *err) MUST_CHECK;
/* The same without choosing a database (to create it). */
int db_connect_server(struct db *db, struct error *err) MUST_CHECK;
/*
 * is_patient: an error that only the operator can cure (login, rights, missing tables or
 * procedures) becomes an ERROR_RETRY that needs a new connection.  Set it once the process has
 * worked: then such an error may pass.
 */
void db_set_patient(struct db *db, bool is_patient);
/* The connection is gone, or not open. */
bool db_is_lost(const struct db *db);
/* Is the server a member of a Galera cluster? */
bool db_is_clustered(const struct db *db);
void db_disconnect(struct db *db);
/* The open connection, for log lines: "127.0.0.1:3306, MariaDB 10.11.19, array binding". */
const char *db_describe(const struct db *db);
const struct db_config *db_get_config(const struct db *db);

enum db_type {
	DB_NULL,
	DB_U64,
	DB_TEXT,
	DB_BYTES,
};
struct db_value {
	enum db_type type;
	uint64_t number;
	const char *data;
	size_t len;
};
struct db_value db_u64(uint64_t number);
struct db_value db_text(const char *text); /* NULL: NULL */
struct db_value db_bytes(const void *data, size_t len);
/* The parameters of a statement: DB_VALUES(db_u64(1), db_text("a")), or DB_NO_VALUES. */
#define DB_VALUES(...)                                                                             \
	(const struct db_value[]){__VA_ARGS__},                                                    \
		sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
#define DB_NO_VALUES NULL, 0

/*
 * Run a statement without result rows (also CALL); *ret_found (may be NULL) counts the matched
 * rows.
 */
int db_exec(struct db *db, const char *sql, const struct db_value *values, size_t count,
	    uint64_t *ret_found, struct error *err) MUST_CHECK;

/*
 * Run a text that is not a statement of sql/ (migrations, session set-up): not prepared, not
 * cached.
 */
int db_exec_text(struct db *db, const char *sql, struct error *err) MUST_CHECK;

struct db_rows;
/*
 * Run a query, or the CALL of a procedure that returns one set of rows; all rows are kept until
 * db_rows_free(). NULL with err on failure. A procedure may still fail after its rows:
 * db_rows_next() reports that at the end of the rows.
 */
struct db_rows *db_query(struct db *db, const char *sql, const struct db_value *values,
			 size_t count, struct error *err) MUST_CHECK;
/*
 * The same, but rows are read from the server one by one: no other statement may run until
 * db_rows_free().
 */
struct db_rows *db_stream(struct db *db, const char *sql, const struct db_value *values,
			  size_t count, struct error *err) MUST_CHECK;
/* 1: there is a next row; 0: the end; -1: err. */
int db_rows_next(struct db_rows *rows, struct error *err) MUST_CHECK;
bool db_row_is_null(const struct db_rows *rows, unsigned column);
uint64_t db_row_u64(const struct db_rows *rows, unsigned column);
/* Valid until the next row; NULL for NULL. A NUL follows the bytes. */
const char *db_row_text(const struct db_rows *rows, unsigned column, size_t *ret_len);
/* Copy the first `size` bytes of a column; missing bytes, or all if it is NULL, become zero. */
void db_row_bytes(const struct db_rows *rows, unsigned column, void *ret_data, size_t size);
void db_rows_free(struct db_rows *rows);
void db_rows_free_pointer(struct db_rows **rows);

/*
 * Run a query and take its first row.  1: it stands in *ret_rows, which is to be freed; 0: there is
 * none; -1: err.
 */
int db_query_row(struct db *db, const char *sql, const struct db_value *values, size_t count,
		 struct db_rows **ret_rows, struct error *err) MUST_CHECK;
/* Does a query give a row? */
int db_query_any(struct db *db, const char *sql, const struct db_value *values, size_t count,
		 bool *ret_any, struct error *err) MUST_CHECK;
/* The first column of the first row, a number; 0: there is no row, or it is NULL. */
int db_query_u64(struct db *db, const char *sql, const struct db_value *values, size_t count,
		 uint64_t *ret_number, struct error *err) MUST_CHECK;

int db_begin(struct db *db, struct error *err) MUST_CHECK;
/* -1 with err: the outcome is unknown, and the connection was closed. */
int db_commit(struct db *db, struct error *err) MUST_CHECK;
/*
 * Undo the open transaction, if any. If this fails, the connection is closed, which undoes it
 * too.
 */
void db_rollback(struct db *db);

/* Was this error a duplicate key? */
bool db_is_duplicate(const struct error *err);
/* A deadlock, or a transaction that a Galera cluster decided against: it was rolled back. */
bool db_is_deadlock(const struct error *err);
/* The server said "you may not": the login failed, or a right is missing. */
bool db_is_about_rights(const struct error *err);
/* The number that the server or its client library gave; 0: the error is none of theirs. */
unsigned db_error_number(const struct error *err);

#endif
