/* SPDX-License-Identifier: MIT */
/*
 * Members of a Galera cluster (MariaDB Galera Cluster, Percona XtraDB Cluster).
 *
 * What one member has committed, another applies a little later.  A reader that goes from
 * one to the other would not find its own row, and take itself for removed; a scan would
 * report holes that are none.  With wsrep_sync_wait a query first waits until all is
 * applied that was committed before it, anywhere.  Inside a transaction only its START
 * waits; from there on unique keys and guarded updates decide, which are checked again
 * across the cluster at COMMIT.
 */
#include <mysql.h>
#include <stdlib.h>

#include "store/db_impl.h"

#define STATE_OPENED 1 /* up to here it answers no query: not in the majority, or being filled */
#define STATE_SYNCED 4

/* Its state, as Galera numbers it; -1: this server is no member of a cluster. */
static int read_state(struct db *db, int *ret_state, struct error *err)
{
	static const char sql[] = "SHOW GLOBAL STATUS LIKE 'wsrep_local_state'";
	MYSQL_RES *rows = NULL;
	MYSQL_ROW row;

	*ret_state = -1;
	if (mysql_real_query(db->mysql, sql, sizeof(sql) - 1) != 0 ||
	    !(rows = mysql_store_result(db->mysql)))
		return db_fail(db, NULL, err);
	row = mysql_fetch_row(rows);
	if (row && row[1])
		*ret_state = (int)strtol(row[1], NULL, 10);
	mysql_free_result(rows);
	return 0;
}

int db_look_at_cluster(struct db *db, bool takes_behind, struct error *err)
{
	const char *host = db->config->hosts[db->host];
	int state;

	if (read_state(db, &state, err) < 0)
		return -1;
	db->is_clustered = state >= 0;
	if (!db->is_clustered)
		return 0;
	if (state <= STATE_OPENED)
		return error_set(err, ERROR_RETRY,
				 "database %s: this Galera node is not part of the cluster's "
				 "majority, or is only joining it",
				 host);
	if (state != STATE_SYNCED && !takes_behind)
		return error_set_code(err, ERROR_RETRY, ERROR_CLASS_READER, READER_DB_BEHIND,
				      "database %s: this Galera node is behind the others (it is "
				      "desynchronised, or gives its state to another)",
				      host);
	return db_exec_text(db, "SET SESSION wsrep_sync_wait = 1", err);
}
