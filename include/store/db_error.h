/* SPDX-License-Identifier: MIT */
/*
 * The numbers of the database's errors, sorted by who can cure them.
 *
 * An unknown number is sorted by its SQLSTATE: rights and syntax are the operator's, bad
 * values are data.  All others are tried again, and each retry is logged with its error: so
 * it never loops in silence, and a daemon does not die of an error that will pass.
 */
#ifndef STORE_DB_ERROR_H
#define STORE_DB_ERROR_H

#include <stdbool.h>

#include "base/error.h"

#define DB_DUPLICATE_KEY    1062
#define DB_PACKET_TOO_LARGE 1153
#define DB_LOCK_TIMEOUT     1205
#define DB_DEADLOCK         1213
#define DB_NO_PRIVILEGE     1227
#define DB_OPTION_PREVENTS  1290
/* Of the procedures of the queue. */
#define DB_LEASE_LOST   31001
#define DB_NO_QUEUE     31002
#define DB_BAD_ARGUMENT 31003
#define DB_NOT_ALLOWED  31004

struct db_fault {
	enum error_kind kind;
	bool is_lost;     /* the connection is gone, or of no use any more */
	bool next_host;   /* this server takes no writes now: begin with the next one */
	const char *cure; /* what to do, or NULL */
};

/* sqlstate: five characters, or NULL. */
struct db_fault db_sort_error(unsigned code, const char *sqlstate);

/* Has an error this number of the database? */
bool db_is_error(const struct error *err, unsigned number);

/* An address to connect to. */
struct db_address {
	char host[256]; /* a name, an address without brackets, or the path of a socket */
	unsigned port;
	bool is_socket;
};
/* "host:port", "[v6]:port", "host", "v6", or a path. The port is 3306 if none is given. */
int db_parse_address(const char *text, struct db_address *ret_address,
		     struct error *err) MUST_CHECK;

#endif
