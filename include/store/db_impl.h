/* SPDX-License-Identifier: MIT */
/*
 * The internals of a connection, for db*.c and bulk.c only.
 *
 * The handles of the client library are `void *` here, because MariaDB's and MySQL's
 * libraries give their structs different names.
 */
#ifndef STORE_DB_IMPL_H
#define STORE_DB_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/db.h"

#define DB_MAX_STATEMENTS 128

/*
 * A prepared statement, and the memory into which the library writes its rows: MySQL's library
 * keeps the addresses, and uses them at the next execution before anything new is bound.
 */
struct statement {
	const char *sql;     /* compared as a pointer, not as text */
	void *handle;        /* MYSQL_STMT */
	bool is_kept;        /* in the cache of the connection */
	bool is_busy;        /* its rows are in use */
	bool is_unbound;     /* a cell has moved since the columns were bound */
	unsigned cell_count; /* 0: no rows yet */
	struct cell *cells;  /* one for each column */
	void *binds;         /* MYSQL_BIND[cell_count] */
};

struct db {
	const struct db_config *config;
	void *mysql; /* MYSQL; NULL: not open */
	bool is_lost;
	bool is_patient; /* see db_set_patient() */
	bool is_mariadb;
	unsigned long version; /* 101102: 10.11.2 */
	/* array binding: supported by library and server, and not disabled */
	bool has_arrays;
	/* no array binding, on this machine: a few rows are bound at a time */
	bool has_groups;
	bool is_clustered; /* a member of a Galera cluster */
	bool in_transaction;
	size_t max_packet_bytes; /* the longest statement that the server accepts */
	size_t first_host;       /* which host the next connect tries first */
	size_t host;             /* the host of the open connection */
	int64_t used_at_ms;
	struct statement *statements[DB_MAX_STATEMENTS];
	size_t statement_count;
	char description[400];
};

/*
 * The prepared statement with this pointer as its name and always the same text. Return it with
 * db_release_statement(). NULL with err. It comes from the connection's cache, unless the cache
 * is full or rows of it are in use.
 */
struct statement *db_find_statement(struct db *db, const char *sql, const char *text,
				    struct error *err);
void db_release_statement(struct statement *statement);
void db_close_statements(struct db *db);
/*
 * Set every session variable that we depend on, and check that the server keeps it. name: of the
 * database, or NULL.
 */
int db_set_session_up(struct db *db, const char *name, struct error *err) MUST_CHECK;
/*
 * Prepare a fresh session on a member of a cluster; elsewhere do nothing.  A member that is behind
 * the others is an error (READER_DB_BEHIND) unless takes_behind.
 */
int db_look_at_cluster(struct db *db, bool takes_behind, struct error *err) MUST_CHECK;
/* The answer cannot belong to the statement: return an ERROR_RETRY that needs a new connection. */
int db_mangled(struct db *db, struct error *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
/*
 * Turn the library's last error (of the MYSQL_STMT, or of the connection if it is NULL) into
 * err. Returns -1.
 */
int db_fail(struct db *db, void *statement, struct error *err);

#endif
