/* SPDX-License-Identifier: MIT */
#include "store/schema.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/sql.h"

#ifdef HAVE_CONFIG_H
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define NO_SUCH_TABLE    1146
#define NO_SUCH_DATABASE 1049
#define MAX_TRIES        10 /* two programs that create the same things get in each other's way */

int schema_versions(struct db *db, unsigned *ret_have, unsigned *ret_need, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result;

	*ret_need = (unsigned)sql_migration_count;
	*ret_have = 0;
	rows = db_query(db, sql_select_schema_version, DB_NO_VALUES, err);
	if (!rows) {
		if (err->code != NO_SUCH_TABLE)
			return -1;
		*err = ERROR_INIT;
		return 0;
	}
	result = db_rows_next(rows, err);
	if (result > 0)
		*ret_have = (unsigned)db_row_u64(rows, 0);
	return result < 0 ? -1 : 0;
}

static int fail_newer(unsigned have, unsigned need, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
			 "the tables have version %u and this program knows version %u: a newer "
			 "steem-reader made them; install that one",
			 have, need);
}

int schema_check(struct db *db, struct error *err)
{
	unsigned have;
	unsigned need;

	if (schema_versions(db, &have, &need, err) < 0)
		return -1;
	if (have > need)
		return fail_newer(have, need, err);
	if (have == 0)
		return error_set(
			err, ERROR_CONFIG,
			"the database has no tables of steem-reader; create them with --migrate");
	if (have < need)
		return error_set(
			err, ERROR_CONFIG,
			"the tables have version %u and this program needs version %u; upgrade "
			"them with --migrate",
			have, need);
	return 0;
}

static int create_database(struct db *db, struct error *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT(1024);

	/* A name cannot be bound: quote it. */
	(void)buf_add_text(&sql, "CREATE DATABASE IF NOT EXISTS `");
	for (const char *c = db_get_config(db)->name; *c != '\0'; c++) {
		if (*c == '`')
			(void)buf_add_char(&sql, '`');
		(void)buf_add_char(&sql, *c);
	}
	(void)buf_add_text(&sql, "` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
	if (sql.is_full)
		return error_set(err, ERROR_CONFIG, "database.name is too long");
	return db_exec_text(db, sql.data, err);
}

static int connect_to_database(struct db *db, struct error *err)
{
	if (db_connect(db, err) == 0)
		return 0;
	if (err->code != NO_SUCH_DATABASE)
		return -1;
	*err = ERROR_INIT;
	if (db_connect_server(db, err) < 0 || create_database(db, err) < 0)
		return -1;
	return db_connect(db, err);
}

/* *ret_done false: another program recorded it first. */
static int apply(struct db *db, const struct sql_migration *migration, bool *ret_done,
		 struct error *err)
{
	for (size_t i = 0; i < migration->count; i++)
		if (db_exec_text(db, migration->statements[i], err) < 0)
			return error_prefix(err, "migration %u (%s), statement %zu: ",
					    migration->version, migration->name, i + 1);
	*ret_done = true;
	if (db_exec(db, sql_insert_schema_version,
		    DB_VALUES(db_u64(migration->version), db_text(migration->name),
			      db_text(PACKAGE_VERSION)),
		    NULL, err) == 0)
		return 0;
	if (!db_is_duplicate(err))
		return -1;
	*err = ERROR_INIT;
	*ret_done = false;
	return 0;
}

int schema_migrate(struct db *db,
		   void (*applied)(void *context, unsigned version, const char *name),
		   void *context, struct error *err)
{
	unsigned tries = 0;
	unsigned have;
	unsigned need;

	if (connect_to_database(db, err) < 0 || schema_versions(db, &have, &need, err) < 0)
		return -1;
	if (have > need)
		return fail_newer(have, need, err);
	while (have < need) {
		const struct sql_migration *migration = &sql_migrations[have];
		bool is_done = false;

		if (apply(db, migration, &is_done, err) < 0) {
			if (err->kind != ERROR_RETRY || db_is_lost(db) || ++tries == MAX_TRIES)
				return -1;
			*err = ERROR_INIT;
			continue;
		}
		if (is_done && applied)
			applied(context, migration->version, migration->name);
		have++;
	}
	return 0;
}
