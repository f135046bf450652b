/* SPDX-License-Identifier: MIT */
/*
 * The inside of a connection: for db*.c and bulk.c only.
 *
 * The client library's handles are `void *` here, since MariaDB's library and MySQL's
 * name the structs behind them differently.
 */
#ifndef STORE_DB_IMPL_H
#define STORE_DB_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/db.h"

#define DB_MAX_STATEMENTS 128

/* A prepared statement, and all that the library was told to write its rows into: MySQL's keeps
 * the addresses, and uses them again at the next execution, before anything new is bound. */
struct statement {
	const char *sql;     /* identity, not text */
	void *handle;        /* MYSQL_STMT */
	bool is_kept;        /* in the connection's cache */
	bool is_busy;        /* rows of it are held */
	bool is_unbound;     /* a cell has moved since the columns were bound */
	unsigned cell_count; /* 0: it gave no rows yet */
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
	bool has_arrays;       /* array binding: client library, server, not forced off */
	bool has_groups;       /* elsewhere, on this machine: rows are bound a few at a time */
	bool is_clustered;     /* a member of a Galera cluster */
	bool in_transaction;
	size_t max_packet_bytes; /* the longest statement that the server takes */
	size_t first_host;       /* where the next connect begins */
	size_t host;             /* that of the open connection */
	int64_t used_at_ms;
	struct statement *statements[DB_MAX_STATEMENTS];
	size_t statement_count;
	char description[400];
};

/* The prepared statement that is known by this pointer, always with the same text, to be given back
 * with db_release_statement(); NULL with err. It comes from the connection's cache, unless that is
 * full or rows of it are held. */
struct statement *db_find_statement(struct db *db, const char *sql, const char *text,
				    struct error *err);
void db_release_statement(struct statement *statement);
void db_close_statements(struct db *db);
/* Set every session variable that we depend on, and check that the server keeps it. name: of the
 * database, or NULL. */
int db_set_session_up(struct db *db, const char *name, struct error *err) MUST_CHECK;
/* What a fresh session needs on a member of a cluster; nothing elsewhere. A member that is behind
 * the others is an error (READER_DB_BEHIND) unless takes_behind. */
int db_look_at_cluster(struct db *db, bool takes_behind, struct error *err) MUST_CHECK;
/* The answer cannot belong to the statement: an ERROR_RETRY that needs a new connection. */
int db_mangled(struct db *db, struct error *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Turn the library's last error (of the MYSQL_STMT, or of the connection if NULL) into err. */
int db_fail(struct db *db, void *statement, struct error *err);

#endif
