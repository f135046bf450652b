/* SPDX-License-Identifier: MIT */
#include "store/db_error.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "store/db.h"

#define RIGHTS "check the rights of database.user against sql/grants.sql"
#define TABLES "create or upgrade the tables with --migrate"
#define LOST_TABLE                                                                                 \
	"create the tables with --migrate, or bring a lost one back as doc/operations.md says"
/* Readers hold locks for seconds at most, so another program holds this one. */
#define HELD                                                                                       \
	"another session holds the lock, perhaps an idle one with an open transaction: "           \
	"information_schema.innodb_trx shows it, KILL ends it, and MariaDB's "                     \
	"idle_readonly_transaction_timeout ends such ones by itself"
#define DISK "the server's disk is full or failing; free some space"
#define LOGIN                                                                                      \
	"check database.user, database.password_file and, if the account wants TLS, database.tls"
#define LOCKED "give the account a password: ALTER USER ... IDENTIFIED BY '...' ACCOUNT UNLOCK"
#define BLOCKED                                                                                    \
	"too many wrong passwords were tried, and the server blocks the account: put the password right, then FLUSH PRIVILEGES"
#define TLS "check database.tls, database.tls_ca and the server's certificate"
#define REVEALS                                                                                                  \
	"the server asks for the password itself, and nothing proves that it is the right server: "              \
	"use tls = \"verify\" with database.tls_ca, or give the account another method (mysql_native_password, " \
	"ed25519); see steem-reader.conf(5), database.reveal_password"
#define PLUGIN                                                                                     \
	"the client library lacks the account's method, or may not send the password itself "      \
	"without tls = \"verify\" or database.reveal_password; MariaDB's plugins are in Debian's " \
	"libmariadb3; libmysqlclient has no mysql_native_password from 9.0 on"
#define HOSTS "check database.hosts and whether the server runs"

enum fault_flag {
	STAYS,   /* the connection is still good */
	LOST,    /* it is gone */
	REFUSED, /* gone, and another host may do better */
};

static const struct known_fault {
	unsigned code;
	enum error_kind kind;
	enum fault_flag flag;
	const char *cure;
} known_faults[] = {
	/* Conflicts between transactions: the same transaction can succeed when it is run again. */
	{1020, ERROR_RETRY, STAYS, NULL}, /* record has changed since last read */
	{DB_DUPLICATE_KEY, ERROR_RETRY, STAYS, NULL},
	{1180, ERROR_RETRY, STAYS, NULL}, /* error during COMMIT */
	{DB_LOCK_TIMEOUT, ERROR_RETRY, STAYS, HELD},
	{DB_DEADLOCK, ERROR_RETRY, STAYS, NULL}, /* or a Galera conflict */
	{1317, ERROR_RETRY, STAYS, NULL},        /* query interrupted */
	{1412, ERROR_RETRY, STAYS, NULL},        /* table definition has changed */
	{1615, ERROR_RETRY, STAYS, NULL},        /* statement needs to be prepared again */
	{1969, ERROR_RETRY, STAYS, NULL},        /* max_statement_time */
	{3024, ERROR_RETRY, STAYS, NULL},        /* max_execution_time */
	{3101, ERROR_RETRY, STAYS, NULL},        /* Group Replication conflict */
	{3572, ERROR_RETRY, STAYS, NULL},        /* lock not available at once */
	{4025, ERROR_DATA, STAYS, NULL},         /* CHECK constraint */
	/* The server has no room: it waits for the operator, and so do we. */
	{1021, ERROR_RETRY, STAYS, DISK},
	{1026, ERROR_RETRY, STAYS, DISK},
	{1030, ERROR_RETRY, STAYS, DISK},
	{1037, ERROR_RETRY, STAYS, "the server is out of memory"},
	{1038, ERROR_RETRY, STAYS, "the server is out of memory"},
	{1041, ERROR_RETRY, STAYS, "the server is out of memory"},
	{1114, ERROR_RETRY, STAYS, DISK},
	{1461, ERROR_RETRY, LOST, "raise max_prepared_stmt_count of the server"},
	{3675, ERROR_RETRY, STAYS, DISK},
	/* The connection, or the server, is gone or going. */
	{1040, ERROR_RETRY, REFUSED, "raise max_connections of the server"},
	{1043, ERROR_RETRY, REFUSED, NULL},
	{1053, ERROR_RETRY, REFUSED, NULL}, /* shutdown in progress */
	{1077, ERROR_RETRY, REFUSED, NULL},
	{1079, ERROR_RETRY, REFUSED, NULL},
	{1080, ERROR_RETRY, LOST, NULL},
	{1129, ERROR_RETRY, REFUSED, "run FLUSH HOSTS on the server"},
	{1152, ERROR_RETRY, LOST, NULL},
	{1158, ERROR_RETRY, LOST, NULL},
	{1159, ERROR_RETRY, LOST, NULL},
	{1160, ERROR_RETRY, LOST, NULL},
	{1161, ERROR_RETRY, LOST, NULL},
	{1184, ERROR_RETRY, LOST, NULL},
	{1203, ERROR_RETRY, REFUSED, "raise max_user_connections of the server"},
	{1226, ERROR_RETRY, REFUSED, "raise the account's limits"},
	{1927, ERROR_RETRY, LOST, NULL}, /* connection was killed */
	{4031, ERROR_RETRY, LOST, NULL}, /* MySQL: disconnected for inactivity */
	{2000, ERROR_RETRY, LOST, NULL},
	{2001, ERROR_RETRY, REFUSED, HOSTS},
	{2002, ERROR_RETRY, REFUSED, HOSTS},
	{2003, ERROR_RETRY, REFUSED, HOSTS},
	{2004, ERROR_RETRY, REFUSED, HOSTS},
	{2005, ERROR_RETRY, REFUSED, HOSTS},
	{2006, ERROR_RETRY, LOST, NULL},
	{2007, ERROR_RETRY, REFUSED, "this is no server of a known protocol; " HOSTS},
	{2012, ERROR_RETRY, LOST, NULL},
	{2013, ERROR_RETRY, LOST, NULL},
	{2026, ERROR_RETRY, REFUSED, TLS},
	{2055, ERROR_RETRY, LOST, NULL},
	/*
	 * A packet was mangled on its way, or client and server no longer agree which statement is
	 * meant. Only a new connection is clean.
	 */
	{1156, ERROR_RETRY, LOST, NULL}, /* packets out of order */
	{1210, ERROR_RETRY, LOST, NULL}, /* wrong arguments of a prepared statement */
	{1243, ERROR_RETRY, LOST, NULL}, /* a prepared statement that the server does not know */
	{1835, ERROR_RETRY, LOST, NULL}, /* malformed packet */
	{2014, ERROR_RETRY, LOST, NULL}, /* commands out of sync */
	{2020, ERROR_RETRY, LOST, NULL}, /* a packet that claims a length above the limit */
	{2027, ERROR_RETRY, LOST, NULL}, /* malformed packet */
	{2052, ERROR_RETRY, LOST, NULL}, /* no description of the rows */
	{2057, ERROR_RETRY, LOST, NULL}, /* another description than before */
	/* Numbers of MariaDB's library; a server gives them another meaning. */
	{5013, ERROR_RETRY, LOST, NULL}, /* read */
	{5014, ERROR_RETRY, LOST, NULL}, /* write */
	{5015, ERROR_RETRY, LOST, NULL}, /* decompressing failed */
	/* This server takes no writes now; another one may. */
	{1047, ERROR_RETRY, REFUSED, "this Galera node is not part of the cluster's majority"},
	{1290, ERROR_RETRY, REFUSED,
	 "the server is read-only, or the option that it names forbids this"},
	{1792, ERROR_RETRY, REFUSED, "the server is read-only"},
	{1836, ERROR_RETRY, REFUSED, "the server is read-only"},
	{3100, ERROR_RETRY, REFUSED, NULL},
	/* Rights, schema, set-up. */
	{1044, ERROR_CONFIG, STAYS, RIGHTS},
	{1045, ERROR_CONFIG, STAYS, LOGIN},
	{1049, ERROR_CONFIG, STAYS, "check database.name, or create it with --migrate"},
	{1054, ERROR_CONFIG, STAYS, TABLES},
	{1064, ERROR_CONFIG, STAYS, "the server must be MariaDB 10.6 or MySQL 8.0, or newer"},
	{1130, ERROR_CONFIG, STAYS, "the server does not let this host in"},
	{1142, ERROR_CONFIG, STAYS, RIGHTS},
	{1143, ERROR_CONFIG, STAYS, RIGHTS},
	{1146, ERROR_CONFIG, STAYS, LOST_TABLE},
	{1193, ERROR_CONFIG, STAYS, "the server must be MariaDB 10.6 or MySQL 8.0, or newer"},
	{1227, ERROR_CONFIG, STAYS, RIGHTS},
	{1231, ERROR_CONFIG, STAYS, "the server must be MariaDB 10.6 or MySQL 8.0, or newer"},
	{1305, ERROR_CONFIG, STAYS,
	 "upgrade the tables with --migrate; the server must be MariaDB 10.6 or MySQL 8.0, or newer"},
	{1356, ERROR_CONFIG, STAYS, RIGHTS}, /* a view's tables or columns, or the right to them */
	{1370, ERROR_CONFIG, STAYS, RIGHTS},
	{1449, ERROR_CONFIG, STAYS, TABLES}, /* a procedure's or view's definer does not exist */
	{1665, ERROR_CONFIG, STAYS, "set binlog_format to ROW or MIXED on the server"},
	{1698, ERROR_CONFIG, STAYS, LOGIN},
	{1820, ERROR_CONFIG, STAYS, "the account's password has expired"},
	{1862, ERROR_CONFIG, STAYS, "the account's password has expired"},
	{2058, ERROR_CONFIG, STAYS, PLUGIN},
	{2059, ERROR_CONFIG, STAYS, PLUGIN},
	{2061, ERROR_CONFIG, STAYS, REVEALS},
	{3159, ERROR_CONFIG, STAYS, TLS}, /* MySQL: only encrypted connections */
	{5010, ERROR_CONFIG, REFUSED, REVEALS},
	{5012, ERROR_CONFIG, STAYS, PLUGIN},
	{4151, ERROR_CONFIG, STAYS, LOCKED},
	{3118, ERROR_CONFIG, STAYS, LOCKED},
	{4150, ERROR_CONFIG, STAYS, BLOCKED},
	{3955, ERROR_CONFIG, STAYS, BLOCKED}, /* the same: MySQL */
	/* A value that the table cannot hold. */
	{1048, ERROR_DATA, STAYS, NULL},
	{1118, ERROR_DATA, STAYS, NULL},
	{1153, ERROR_DATA, LOST, "raise max_allowed_packet of the server"},
	{1264, ERROR_DATA, STAYS, NULL},
	{1265, ERROR_DATA, STAYS, NULL},
	{1292, ERROR_DATA, STAYS, NULL},
	{1300, ERROR_DATA, STAYS, NULL},
	{1366, ERROR_DATA, STAYS, NULL},
	{1406, ERROR_DATA, STAYS, NULL},
	{3140, ERROR_DATA, STAYS, NULL},
	/* Errors of the procedures of the queue. */
	{DB_LEASE_LOST, ERROR_DATA, STAYS, NULL},
	{DB_NO_QUEUE, ERROR_CONFIG, STAYS, NULL},
	{DB_BAD_ARGUMENT, ERROR_DATA, STAYS, NULL},
	{DB_NOT_ALLOWED, ERROR_CONFIG, STAYS, NULL},
	{3854, ERROR_DATA, STAYS, NULL},
};

static enum error_kind kind_of_state(const char *sqlstate)
{
	if (!sqlstate)
		return ERROR_RETRY;
	if (memcmp(sqlstate, "42", 2) == 0 || memcmp(sqlstate, "28", 2) == 0)
		return ERROR_CONFIG;
	if (memcmp(sqlstate, "22", 2) == 0 || memcmp(sqlstate, "23", 2) == 0)
		return ERROR_DATA;
	return ERROR_RETRY;
}

struct db_fault db_sort_error(unsigned code, const char *sqlstate)
{
	struct db_fault fault = {.kind = ERROR_RETRY};

	for (size_t i = 0; i < sizeof(known_faults) / sizeof(known_faults[0]); i++) {
		if (known_faults[i].code != code)
			continue;
		fault.kind = known_faults[i].kind;
		fault.is_lost = known_faults[i].flag != STAYS;
		fault.next_host = known_faults[i].flag == REFUSED;
		fault.cure = known_faults[i].cure;
		return fault;
	}
	fault.kind = kind_of_state(sqlstate);
	/* Errors of the client library have numbers from 2000 to 2999, and end the connection. */
	fault.is_lost =
		(code >= 2000 && code < 3000) || (sqlstate && memcmp(sqlstate, "08", 2) == 0);
	return fault;
}

bool db_is_error(const struct error *err, unsigned number)
{
	return error_is(err, ERROR_CLASS_DATABASE, (int)number);
}

unsigned db_error_number(const struct error *err)
{
	return err->class == ERROR_CLASS_DATABASE ? (unsigned)err->code : 0;
}

bool db_is_duplicate(const struct error *err)
{
	return db_is_error(err, DB_DUPLICATE_KEY);
}

bool db_is_deadlock(const struct error *err)
{
	return db_is_error(err, DB_DEADLOCK);
}

bool db_is_about_rights(const struct error *err)
{
	switch (db_error_number(err)) {
	case 1044: /* no access to this database */
	case 1045: /* wrong user or password */
	case 1142: /* command denied on a table */
	case 1143: /* on a column */
	case DB_NO_PRIVILEGE:
	case 1370: /* routine */
	case 1698: /* wrong way to authenticate */
	case 3118: /* account locked: MySQL */
	case 3159: /* only encrypted connections are let in */
	case 3955: /* account blocked after wrong passwords: MySQL */
	case 4150: /* the same: MariaDB */
	case 4151: /* account locked: MariaDB */
	case DB_NOT_ALLOWED:
		return true;
	default:
		return false;
	}
}

static int bad_address(const char *text, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
			 "\"%s\" is no database host: allowed are host, host:port, [v6]:port and "
			 "the path of a Unix socket",
			 text);
}

/*
 * Can this be a host's name or an IPv4 address? The resolver decides about names in other scripts.
 */
static bool is_host_name(const char *host)
{
	const char *last = strrchr(host, '.');
	struct in_addr unused;

	for (const char *at = host; *at != '\0'; at++) {
		unsigned char byte = (unsigned char)*at;

		if (byte < 0x80 && !isalnum(byte) && !strchr("-_.", byte))
			return false;
		if (byte == '.' && (at == host || at[1] == '.'))
			return false;
	}
	/* A name whose last part is a number is an address. */
	last = last ? last + 1 : host;
	return *last == '\0' || last[strspn(last, "0123456789")] != '\0' ||
	       inet_aton(host, &unused) != 0;
}

/* An IPv6 address may have its interface behind a '%'. */
static bool is_v6(const char *host)
{
	char v6[INET6_ADDRSTRLEN + 1];
	struct in6_addr unused;

	snprintf(v6, sizeof(v6), "%.*s", (int)strcspn(host, "%"), host);
	return !strpbrk(host, " \t\n[]/") && inet_pton(AF_INET6, v6, &unused) == 1;
}

int db_parse_address(const char *text, struct db_address *ret_address, struct error *err)
{
	const char *host = text;
	const char *colon = strrchr(text, ':');
	size_t len = strlen(text);
	struct sockaddr_un unused;

	*ret_address = (struct db_address){.port = 3306};
	if (text[0] == '/') {
		ret_address->is_socket = true;
		colon = NULL;
	} else if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (!end || (end[1] != '\0' && end[1] != ':'))
			return bad_address(text, err);
		host = text + 1;
		len = (size_t)(end - host);
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL; /* an IPv6 address without brackets has no port */
	} else if (colon) {
		len = (size_t)(colon - text);
	}
	if (colon) {
		char *end;
		long port;

		errno = 0;
		port = strtol(colon + 1, &end, 10);
		if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port < 1 || port > 65535)
			return bad_address(text, err);
		ret_address->port = (unsigned)port;
	}
	if (len == 0 || len >= sizeof(ret_address->host))
		return bad_address(text, err);
	memcpy(ret_address->host, host, len);
	ret_address->host[len] = '\0';
	if (ret_address->is_socket && len >= sizeof(unused.sun_path))
		return error_set(
			err, ERROR_CONFIG,
			"\"%s\" is no database host: the path of a Unix socket has at most "
			"%zu bytes",
			text, sizeof(unused.sun_path) - 1);
	if (!ret_address->is_socket &&
	    !(text[0] == '[' || strchr(ret_address->host, ':') ? is_v6(ret_address->host)
							       : is_host_name(ret_address->host)))
		return bad_address(text, err);
	return 0;
}
