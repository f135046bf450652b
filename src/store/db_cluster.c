/* SPDX-License-Identifier: MIT */
/*
 * Members of a Galera cluster (MariaDB Galera Cluster, Percona XtraDB Cluster).
 *
 * A transaction that one member has committed is applied by the others a little later.  A reader
 * that moves to another member would not find its own row there, and believe that it was removed; a
 * scan would report holes that do not exist.  With wsrep_sync_wait a query first waits until all
 * earlier commits of the cluster are applied.  Inside a transaction only its START waits; from then
 * on unique keys and guarded updates decide, and the cluster checks them again at COMMIT.
 */
#include <mysql.h>
#include <stdlib.h>

#include "store/db_impl.h"

/* up to this state it answers no query: it is not in the majority, or is being filled */
#define STATE_OPENED 1
#define STATE_SYNCED 4

/* Read its state, as Galera numbers it; -1: this server is not a member of a cluster. */
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
