/* SPDX-License-Identifier: MIT */
#include "store/db.h"

#include <libgen.h>
#include <mysql.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/db_error.h"
#include "store/db_impl.h"

#define IDLE_MS 3000

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void start_library(void)
{
	/* mysql_init() would do it, but not safely in two threads at once. */
	(void)mysql_library_init(0, NULL, NULL);
}

struct db *db_new(const struct db_config *config)
{
	struct db *db = xcalloc(1, sizeof(*db));

	pthread_once(&library_once, start_library);
	db->config = config;
	snprintf(db->description, sizeof(db->description), "not connected");
	return db;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	db_disconnect(db);
	free(db);
}

void db_disconnect(struct db *db)
{
	db_close_statements(db);
	if (db->mysql)
		mysql_close(db->mysql);
	db->mysql = NULL;
	db->in_transaction = false;
	db->is_lost = false;
}

bool db_is_lost(const struct db *db)
{
	return !db->mysql || db->is_lost;
}

bool db_is_clustered(const struct db *db)
{
	return db->is_clustered;
}

const char *db_describe(const struct db *db)
{
	return db->description;
}

const struct db_config *db_get_config(const struct db *db)
{
	return db->config;
}

static int set_fault(struct db *db, size_t host, unsigned code, const char *state, const char *text,
		     struct error *err)
{
	struct db_fault fault = db_sort_error(code, state);

	if (fault.is_lost)
		db->is_lost = true;
	/*
	 * The cluster may have sent changes that cannot be applied here: check the server again,
	 * and try another one if needed.
	 */
	if (code == DB_LOCK_TIMEOUT && db->is_clustered)
		db->is_lost = true;
	if (fault.next_host)
		db->first_host = (host + 1) % db->config->host_count;
	return error_set_code(err, fault.kind, ERROR_CLASS_DATABASE, (int)code,
			      "database %s: %s (%u)%s%s", db->config->hosts[host], text, code,
			      fault.cure ? "; " : "", fault.cure ? fault.cure : "");
}

/*
 * A password that is being changed, an account that is locked for a moment, a procedure that
 * --migrate replaces: somebody cures this after a while.  A new connection is needed, because
 * only a new one gets new rights and uses the new password.
 */
static int soften(struct db *db, struct error *err)
{
	if (err->kind != ERROR_CONFIG || !db->is_patient)
		return -1;
	err->kind = ERROR_RETRY;
	db->is_lost = true;
	return -1;
}

void db_set_patient(struct db *db, bool is_patient)
{
	db->is_patient = is_patient;
}

int db_fail(struct db *db, void *statement, struct error *err)
{
	unsigned code = statement ? mysql_stmt_errno(statement) : mysql_errno(db->mysql);

	/*
	 * The answer does not belong to the statement, as when a packet of rows was turned into
	 * an OK.
	 */
	if (code == 0 && mysql_errno(db->mysql) == 0)
		return db_mangled(db, err, "an answer came that cannot belong to the statement");
	if (statement && code != 0)
		(void)set_fault(db, db->host, code, mysql_stmt_sqlstate(statement),
				mysql_stmt_error(statement), err);
	else
		(void)set_fault(db, db->host, mysql_errno(db->mysql), mysql_sqlstate(db->mysql),
				mysql_error(db->mysql), err);
	return soften(db, err);
}

int db_mangled(struct db *db, struct error *err, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	db->is_lost = true;
	return error_set(err, ERROR_RETRY, "database %s: %s; the connection is closed",
			 db->config->hosts[db->host], text);
}

static int not_open(struct error *err)
{
	return error_set(err, ERROR_RETRY, "the connection to the database is not open");
}

int db_exec_text(struct db *db, const char *sql, struct error *err)
{
	if (db_is_lost(db))
		return not_open(err);
	if (mysql_real_query(db->mysql, sql, strlen(sql)) != 0)
		return db_fail(db, NULL, err);
	/* The rows of a query are not needed, but must be read from the connection. */
	mysql_free_result(mysql_store_result(db->mysql));
	db->used_at_ms = clock_now_ms();
	return 0;
}

/* Connecting. */

static void set_options(struct db *db, MYSQL *mysql)
{
	unsigned connect_s = (unsigned)((db->config->connect_timeout_ms + 999) / 1000);
	unsigned io_s = (unsigned)((db->config->io_timeout_ms + 999) / 1000);
	unsigned no = 0;

	if (connect_s > 0)
		mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	if (io_s > 0) {
		mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &io_s);
		mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &io_s);
	}
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
}

/* The file in which Debian and most other systems keep the certificates of the authorities. */
#define SYSTEM_AUTHORITIES "/etc/ssl/certs"

static bool has_authority(const struct db_config *config)
{
	return config->tls_ca && config->tls_ca[0] != '\0';
}

/*
 * MariaDB's library has no TLS modes: with `enforce` it asks for TLS, but it also accepts a
 * server without TLS unless the certificate must be verified.  That is why there is check_tls().
 */
static void set_tls(const struct db_config *config, enum db_tls tls, MYSQL *mysql)
{
#ifdef MARIADB_PACKAGE_VERSION_ID
	my_bool enforce = tls != DB_TLS_OFF;
	my_bool verify = tls == DB_TLS_VERIFY;

	mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
#else
	static const unsigned modes[] = {
		[DB_TLS_OFF] = SSL_MODE_DISABLED,
		[DB_TLS_PREFERRED] = SSL_MODE_PREFERRED,
		[DB_TLS_REQUIRED] = SSL_MODE_REQUIRED,
		[DB_TLS_VERIFY] = SSL_MODE_VERIFY_IDENTITY,
	};

	mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[tls]);
	/*
	 * MySQL's library verifies a certificate only if it has a folder or file of certificate
	 * authorities.
	 */
	if (tls == DB_TLS_VERIFY && !has_authority(config))
		mysql_options(mysql, MYSQL_OPT_SSL_CAPATH, SYSTEM_AUTHORITIES);
#endif
	if (tls == DB_TLS_VERIFY && has_authority(config))
		mysql_options(mysql, MYSQL_OPT_SSL_CA, config->tls_ca);
}

/*
 * The methods that prove to a server that we know the password, without sending it.  Some others
 * always send it (mysql_clear_password, dialog).  The rest send it if the server asks for it
 * (caching_sha2_password, sha256_password): encrypted with a key that the server gives, or in
 * plain text over any TLS connection, verified or not.
 */
#define SILENT_METHODS "mysql_native_password,client_ed25519,parsec"

/*
 * Is it certain, before the password is sent, that this is the operator's server?  MariaDB's
 * library from 3.4 on does not compare the names of these two hosts, and without a file of
 * authorities it checks the certificate only after the login.
 */
static bool is_proved(const struct db_config *config, const struct db_address *address)
{
	char folder[sizeof(address->host)];
	struct stat status;

	if (!address->is_socket)
		return config->tls == DB_TLS_VERIFY && has_authority(config) &&
		       strcmp(address->host, "127.0.0.1") != 0 && strcmp(address->host, "::1") != 0;
	snprintf(folder, sizeof(folder), "%s", address->host);
	/*
	 * In a folder where everybody may write, such as /tmp, anybody may create the socket
	 * first.
	 */
	return stat(dirname(folder), &status) == 0 && (status.st_mode & S_IWOTH) == 0;
}

static void set_methods(const struct db_config *config, const struct db_address *address,
			MYSQL *mysql)
{
	bool may_reveal = config->reveal_password || is_proved(config, address);
#ifdef MARIADB_PACKAGE_VERSION_ID
	if (!may_reveal)
		mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, SILENT_METHODS);
#else
	/*
	 * MySQL's library can restrict no more than this; see steem-reader.conf(5).  Without
	 * TLS, caching_sha2_password encrypts the password with a key that the server gives, so
	 * this counts as sending it.
	 */
	bool enable = may_reveal;

	mysql_options(mysql, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &enable);
	mysql_options(mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &enable);
#endif
}

/*
 * MariaDB's library from 3.4 on accepts any certificate of a server that also knows the password
 * and, on this host, even of one that does not.  We do not accept it, and older libraries do not
 * either.
 */
static bool is_certificate_good(struct db *db)
{
#ifdef MARIADB_TLS_VERIFY_OK
	unsigned faults = 0;

	return mariadb_get_infov(db->mysql, MARIADB_TLS_VERIFY_STATUS, &faults) == 0 &&
	       faults == MARIADB_TLS_VERIFY_OK;
#else
	(void)db;
	return true;
#endif
}

static int check_tls(struct db *db, enum db_tls tls, struct error *err)
{
	bool is_encrypted = mysql_get_ssl_cipher(db->mysql) != NULL;

	if (tls < DB_TLS_REQUIRED ||
	    (is_encrypted && (tls < DB_TLS_VERIFY || is_certificate_good(db))))
		return 0;
	db->first_host = (db->host + 1) % db->config->host_count;
	if (is_encrypted)
		return error_set(err, ERROR_RETRY,
				 "database %s: the server's certificate is not from a good "
				 "authority; check database.tls_ca",
				 db->config->hosts[db->host]);
	return error_set(err, ERROR_RETRY,
			 "database %s: the server offers no TLS; give it a certificate, or change "
			 "database.tls",
			 db->config->hosts[db->host]);
}

/*
 * A server answers a statement longer than max_allowed_packet by closing the connection, often
 * before it says why: the statement would be sent again and again.  And of several hosts a
 * read-only one is skipped: it accepts the login, but may be a replica that lags, whose old rows
 * would be believed.
 */
static int look_at_limits(struct db *db, struct error *err)
{
	static const char sql[] = "SELECT @@max_allowed_packet, @@global.read_only";
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool is_read_only;

	if (mysql_real_query(db->mysql, sql, strlen(sql)) != 0 ||
	    !(result = mysql_store_result(db->mysql)))
		return db_fail(db, NULL, err);
	row = mysql_fetch_row(result);
	db->max_packet_bytes = row && row[0] ? strtoul(row[0], NULL, 10) : SIZE_MAX;
	/* A number; or a word if it has more than two values. */
	is_read_only = row && row[1] && strcmp(row[1], "0") != 0 && strcmp(row[1], "OFF") != 0;
	mysql_free_result(result);
	if (is_read_only && db->config->host_count > 1)
		return error_set(err, ERROR_RETRY, "database %s: the server is read-only",
				 db->config->hosts[db->host]);
	return 0;
}

static bool find_arrays(const struct db *db)
{
#ifdef MARIADB_PACKAGE_VERSION_ID
	/* the library writes an unsigned long, against its documentation */
	unsigned long capabilities = 0;

	if (!db->is_mariadb || db->config->force_text_bulk ||
	    mariadb_get_infov(db->mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES,
			      &capabilities) != 0)
		return false;
	return (capabilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
#else
	(void)db;
	return false;
#endif
}

/* MariaDB 10 says "5.5.5-10.11.2-MariaDB"; only MariaDB's library can parse that. */
static unsigned long parse_version(const char *info)
{
	static const char prefix[] = "5.5.5-";
	unsigned long part[3] = {0};

	if (strncmp(info, prefix, sizeof(prefix) - 1) == 0)
		info += sizeof(prefix) - 1;
	if (sscanf(info, "%lu.%lu.%lu", &part[0], &part[1], &part[2]) < 2)
		return 0;
	return part[0] * 10000 + part[1] * 100 + part[2];
}

/* Is the server on this machine, where a round trip costs next to nothing? */
static bool is_here(const struct db_address *address)
{
	return address->is_socket || strcmp(address->host, "localhost") == 0 ||
	       strcmp(address->host, "::1") == 0 || strncmp(address->host, "127.", 4) == 0;
}

static int look_at_server(struct db *db, const struct db_address *address, struct error *err)
{
	const char *info = mysql_get_server_info(db->mysql);
	unsigned long version = parse_version(info);
	const char *cipher;

	db->is_mariadb = strstr(info, "MariaDB") != NULL;
	db->version = version;
	db->has_arrays = find_arrays(db);
	db->has_groups = !db->has_arrays && !db->config->force_text_bulk && is_here(address);
	if (version < (db->is_mariadb ? 100600 : 80000))
		return error_set(err, ERROR_CONFIG,
				 "database %s is %s; MariaDB 10.6 or MySQL 8.0 or newer is needed",
				 db->config->hosts[db->host], info);
	cipher = mysql_get_ssl_cipher(db->mysql);
	snprintf(db->description, sizeof(db->description), "%.200s, %s %lu.%lu.%lu, %s%.60s, %s",
		 db->config->hosts[db->host], db->is_mariadb ? "MariaDB" : "MySQL", version / 10000,
		 version / 100 % 100, version % 100, cipher ? "TLS " : "no TLS",
		 cipher ? cipher : "",
		 db->has_arrays   ? "array binding"
		 : db->has_groups ? "bound groups"
				  : "multi-row text");
	return 0;
}

static int connect_host(struct db *db, size_t host, const char *name, const char *password,
			bool takes_behind, struct error *err)
{
	struct db_address address;
	enum db_tls tls;
	MYSQL *mysql;

	if (db_parse_address(db->config->hosts[host], &address, err) < 0)
		return -1;
	mysql = mysql_init(NULL);
	if (!mysql)
		return error_set(err, ERROR_FATAL, "out of memory");
	tls = address.is_socket ? DB_TLS_OFF : db->config->tls;
	set_options(db, mysql);
	set_tls(db->config, tls, mysql);
	set_methods(db->config, &address, mysql);
	/* The library would take the host name "localhost" for a socket: request TCP. */
	if (!address.is_socket) {
		unsigned protocol = MYSQL_PROTOCOL_TCP;

		mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	}
	if (!mysql_real_connect(mysql, address.is_socket ? "localhost" : address.host,
				db->config->user, password, name, address.port,
				address.is_socket ? address.host : NULL, CLIENT_FOUND_ROWS)) {
		(void)set_fault(db, host, mysql_errno(mysql), mysql_sqlstate(mysql),
				mysql_error(mysql), err);
		mysql_close(mysql);
		return -1;
	}
	db->mysql = mysql;
	db->host = host;
	db->is_lost = false;
	if (check_tls(db, tls, err) < 0 || look_at_server(db, &address, err) < 0 ||
	    db_set_session_up(db, name, err) < 0 || look_at_limits(db, err) < 0 ||
	    db_look_at_cluster(db, takes_behind, err) < 0) {
		db_disconnect(db);
		return -1;
	}
	return 0;
}

/* If one host may come back, this is worth a retry, even if the others never will. */
static int connect_any(struct db *db, const char *name, const char *password, struct error *err)
{
	size_t count = db->config->host_count;
	size_t start = db->first_host;
	size_t behind = count;
	struct error all = ERROR_INIT;

	if (count == 0)
		return error_set(err, ERROR_CONFIG, "database.hosts names no host");
	for (size_t i = 0; i < count; i++) {
		struct error one = ERROR_INIT;

		if (connect_host(db, (start + i) % count, name, password, count == 1, &one) == 0) {
			/* When all hosts work again, the first one is tried first again. */
			db->first_host = 0;
			return 0;
		}
		if (error_is(&one, ERROR_CLASS_READER, READER_DB_BEHIND) && behind == count)
			behind = (start + i) % count;
		if (all.kind == ERROR_NONE)
			all = one;
		else if (one.kind == ERROR_RETRY)
			(void)error_set_code(&all, ERROR_RETRY, one.class, one.code,
					     "%.240s; %.240s", all.text, one.text);
		else
			(void)error_set_code(&all, all.kind, all.class, all.code, "%.240s; %.240s",
					     all.text, one.text);
	}
	/* A cluster member that is behind is better than none. */
	if (behind < count && connect_host(db, behind, name, password, true, err) == 0)
		return 0;
	*err = all;
	return -1;
}

/* The password is read each time: it may be changed in the server and in the file while we run. */
static int open_connection(struct db *db, const char *name, struct error *err)
{
	char *read = NULL;
	int result = 0;

	db_disconnect(db);
	if (db->config->read_password)
		result = db->config->read_password(db->config->password_path, &read, err);
	if (result == 0)
		result = connect_any(db, name,
				     db->config->read_password ? read : db->config->password, err);
	if (read)
		explicit_bzero(read, strlen(read));
	free(read);
	return result == 0 ? 0 : soften(db, err);
}

int db_connect(struct db *db, struct error *err)
{
	return open_connection(db, db->config->name, err);
}

int db_connect_server(struct db *db, struct error *err)
{
	return open_connection(db, NULL, err);
}

/* Transactions. */

/*
 * MySQL ends a connection that was idle for 5 s. Finding that out before BEGIN costs one round
 * trip; finding it out later costs a whole transaction.
 */
int db_begin(struct db *db, struct error *err)
{
	if (db_is_lost(db))
		return not_open(err);
	if (db->in_transaction)
		return error_set(err, ERROR_FATAL, "a transaction inside a transaction");
	if (!db->is_mariadb && clock_now_ms() - db->used_at_ms > IDLE_MS &&
	    mysql_ping(db->mysql) != 0)
		return db_fail(db, NULL, err);
	if (db_exec_text(db, "START TRANSACTION", err) < 0)
		return -1;
	db->in_transaction = true;
	return 0;
}

/* After an error here the state of the session is unknown: only a new connection is clean. */
int db_commit(struct db *db, struct error *err)
{
	db->in_transaction = false;
	if (db_exec_text(db, "COMMIT", err) == 0)
		return 0;
	db_disconnect(db);
	return -1;
}

void db_rollback(struct db *db)
{
	struct error ignored = ERROR_INIT;

	if (!db->in_transaction)
		return;
	db->in_transaction = false;
	if (db_is_lost(db) || db_exec_text(db, "ROLLBACK", &ignored) < 0)
		db_disconnect(db);
}
