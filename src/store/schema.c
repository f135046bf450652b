/* SPDX-License-Identifier: MIT */
#include "store/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/db_error.h"
#include "store/reader_rows.h"
#include "store/schema_impl.h"
#include "store/sql.h"

#ifdef HAVE_CONFIG_H
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define NO_SUCH_TABLE    1146
#define NO_SUCH_DATABASE 1049
/* Errors that mean: another program, or an interrupted run, was first. */
#define COLUMN_EXISTS    1060
#define INDEX_EXISTS     1061
#define PROCEDURE_EXISTS 1304
#define MAX_TRIES        10 /* two programs that create the same things hinder each other */

int schema_versions(struct db *db, unsigned *ret_have, unsigned *ret_need, struct error *err)
{
	uint64_t have;

	*ret_need = (unsigned)sql_migration_count;
	if (db_query_u64(db, sql_select_schema_version, DB_NO_VALUES, &have, err) < 0) {
		if (!db_is_error(err, NO_SUCH_TABLE))
			return -1;
		*err = ERROR_INIT;
	}
	*ret_have = (unsigned)have;
	return 0;
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

	/* A name cannot be bound, so quote it. */
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
	if (!db_is_error(err, NO_SUCH_DATABASE))
		return -1;
	*err = ERROR_INIT;
	if (db_connect_server(db, err) < 0 || create_database(db, err) < 0)
		return -1;
	return db_connect(db, err);
}

/*
 * If two members of a Galera cluster create one view at once, the one whose statement the
 * cluster orders second may hang for good, and soon all others with it, because MariaDB locks a
 * view's name before it asks the cluster who is first (seen with 10.11.19).  So in a cluster one
 * program creates at a time: the one that has claimed the cell beyond all blocks.  Before the
 * table of claims exists, only tables are created, which does no harm.
 */
#define TURN db_u64(UINT32_MAX), db_text("--migrate")

struct turn {
	char session[READER_SESSION_BYTES + 1];
	bool is_ours;
};

/* Take the turn if it is free or expired, or renew it. */
static int try_turn(struct db *db, struct turn *turn, struct error *err)
{
	uint64_t found = 0;

	if (turn->is_ours)
		return db_exec(db, sql_update_claims_renewed,
			       DB_VALUES(db_text("--migrate"), db_text(turn->session)), NULL, err);
	if (db_exec(db, sql_insert_claim, DB_VALUES(TURN, db_text(turn->session)), NULL, err) ==
	    0) {
		turn->is_ours = true;
		return 0;
	}
	if (!db_is_duplicate(err))
		return -1;
	*err = ERROR_INIT;
	if (db_exec(db, sql_update_claim_expired,
		    DB_VALUES(db_text("--migrate"), db_text(turn->session), db_u64(UINT32_MAX)),
		    &found, err) < 0)
		return -1;
	turn->is_ours = found > 0;
	return turn->is_ours ? 0 : db_exec_text(db, "DO SLEEP(0.1)", err);
}

/* Wait for the turn; if it had to be taken, *ret_have is the version at that time. */
static int wait_turn(struct db *db, struct turn *turn, unsigned *ret_have, struct error *err)
{
	bool was_ours = turn->is_ours;
	unsigned need;
	int result;

	if (!db_is_clustered(db))
		return 0;
	do {
		result = try_turn(db, turn, err);
	} while (result == 0 && !turn->is_ours);
	if (result < 0 && db_is_error(err, NO_SUCH_TABLE)) {
		*err = ERROR_INIT;
		return 0;
	}
	return result < 0 || was_ours ? result : schema_versions(db, ret_have, &need, err);
}

/* If the turn cannot be released, it expires. */
static void give_turn_back(struct db *db, const struct turn *turn)
{
	struct error ignored = ERROR_INIT;

	if (turn->is_ours && !db_is_lost(db) &&
	    db_exec(db, sql_delete_claim, DB_VALUES(TURN, db_text(turn->session)), NULL, &ignored) <
		    0)
		return;
}

/* Run one statement of a migration; something that exists already is as it should be. */
static int apply_statement(struct db *db, const char *sql, struct error *err)
{
	if (db_exec_text(db, sql, err) == 0)
		return 0;
	if (!db_is_error(err, COLUMN_EXISTS) && !db_is_error(err, INDEX_EXISTS))
		return -1;
	*err = ERROR_INIT;
	return 0;
}

/* *ret_done false: another program recorded it first. */
static int apply(struct db *db, const struct sql_migration *migration, struct turn *turn,
		 bool *ret_done, struct error *err)
{
	unsigned have = 0;

	for (size_t i = 0; i < migration->count; i++) {
		if (wait_turn(db, turn, &have, err) < 0)
			return -1;
		if (have >= migration->version)
			return 0;
		if (apply_statement(db, migration->statements[i], err) < 0)
			return error_prefix(err, "migration %u (%s), statement %zu: ",
					    migration->version, migration->name, i + 1);
	}
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

static void tell(const struct schema_report *report, bool is_migration, const char *what)
{
	if (report && report->made)
		report->made(report->context, is_migration, what);
}

static void tell_migration(const struct schema_report *report,
			   const struct sql_migration *migration)
{
	CLEANUP(mem_free_pointer)
	char *what = xasprintf("%04u %s", migration->version, migration->name);

	tell(report, true, what);
}

static int apply_missing(struct db *db, struct turn *turn, const struct schema_report *report,
			 struct error *err)
{
	unsigned tries = 0;
	unsigned have;
	unsigned need;

	if (schema_versions(db, &have, &need, err) < 0)
		return -1;
	if (have > need)
		return fail_newer(have, need, err);
	while (have < need) {
		const struct sql_migration *migration = &sql_migrations[have];
		bool is_done = false;

		if (apply(db, migration, turn, &is_done, err) < 0) {
			if (err->kind != ERROR_RETRY || db_is_lost(db) || ++tries == MAX_TRIES)
				return -1;
			*err = ERROR_INIT;
			continue;
		}
		if (is_done)
			tell_migration(report, migration);
		have++;
	}
	return 0;
}

/* Missing parts, which the applied migrations should have created; and views and procedures. */

/* Create the account that runs the procedures, with all its rights. */
static int make_definer(struct db *db, struct error *err)
{
	for (size_t i = 0; i < sql_definer_count; i++)
		if (db_exec_text(db, sql_definer[i], err) < 0)
			return error_prefix(err, "--migrate needs an administrator who may create "
						 "'steem_queue'@'localhost' and give it rights: ");
	return 0;
}

static bool alters(const char *statement, const char *table)
{
	CLEANUP(mem_free_pointer) char *begin = xasprintf("ALTER TABLE %s ", table);

	return strncmp(statement, begin, strlen(begin)) == 0;
}

/*
 * Run the whole migration of the table again: another table, or a row of it, may be missing too.
 * Of the later migrations, run the statements that alter the table.
 */
static int make_table(struct db *db, const struct schema_part *part, struct error *err)
{
	for (size_t at = part->migration; at < sql_migration_count; at++) {
		const struct sql_migration *migration = &sql_migrations[at];

		for (size_t i = 0; i < migration->count; i++)
			if ((at == part->migration ||
			     alters(migration->statements[i], part->name)) &&
			    apply_statement(db, migration->statements[i], err) < 0)
				return -1;
	}
	return 0;
}

static int has_rows(struct db *db, const char *table, bool *ret_any, struct error *err)
{
	CLEANUP(mem_free_pointer) char *sql = xasprintf("SELECT 1 FROM %s LIMIT 1", table);

	return db_query_any(db, sql, DB_NO_VALUES, ret_any, err);
}

/*
 * A column without a default is not added to a table with rows: its values would be wrong.  A
 * column that has lost its AUTO_INCREMENT (by a dump with --skip-opt) keeps its values.
 */
static int make_element(struct db *db, const struct schema_part *part, bool is_there,
			struct error *err)
{
	bool is_column = part->kind == SCHEMA_COLUMN;
	bool any = false;
	CLEANUP(mem_free_pointer)
	char *sql = xasprintf("ALTER TABLE %s %s %s%s", part->name, is_there ? "MODIFY" : "ADD",
			      is_column ? "COLUMN " : "", part->text);

	if (is_column && !is_there && strstr(part->text, " NOT NULL") &&
	    !strstr(part->text, " DEFAULT ") && has_rows(db, part->name, &any, err) < 0)
		return -1;
	if (any)
		return error_set(err, ERROR_CONFIG,
				 "the column %s of the table %s is gone, and its values with it: "
				 "restore the table from a backup, or empty it; then --migrate",
				 part->part, part->name);
	return apply_statement(db, sql, err);
}

/*
 * MariaDB replaces a procedure in one step, so callers always find one. MySQL must drop it
 * first.
 */
static int make_routine(struct db *db, const struct schema_part *part, struct error *err)
{
	CLEANUP(mem_free_pointer) char *drop = xasprintf("DROP PROCEDURE IF EXISTS %s", part->name);

	if (db_exec_text(db, part->text, err) == 0)
		return 0;
	if (!db_is_error(err, PROCEDURE_EXISTS))
		return -1;
	*err = ERROR_INIT;
	return db_exec_text(db, drop, err) < 0 ? -1 : db_exec_text(db, part->text, err);
}

static int make_part(struct db *db, const struct schema_part *part, bool is_there,
		     struct error *err)
{
	switch (part->kind) {
	case SCHEMA_TABLE:
		return make_table(db, part, err);
	case SCHEMA_COLUMN:
	case SCHEMA_KEY:
		return make_element(db, part, is_there, err);
	case SCHEMA_RIGHT:
		return make_definer(db, err);
	case SCHEMA_VIEW:
	case SCHEMA_PROCEDURE:
		break;
	}
	return make_routine(db, part, err);
}

/* Does a part with this name exist, with any fingerprint? */
static bool is_named(const struct schema_parts *present, const struct schema_part *part)
{
	struct schema_part any = *part;

	any.fingerprint[0] = '\0';
	return schema_parts_have(present, &any);
}

/* Is the part itself missing? A column or a key of a missing table is created with the table. */
static bool is_missing(const struct schema_parts *present, const struct schema_part *part)
{
	struct schema_part table = {.kind = SCHEMA_TABLE, .name = part->name, .part = ""};

	if (schema_parts_have(present, part))
		return false;
	return (part->kind != SCHEMA_COLUMN && part->kind != SCHEMA_KEY) ||
	       schema_parts_have(present, &table);
}

/* Create the missing parts of the first `version` migrations, and views and procedures. */
static int complete(struct db *db, struct turn *turn, unsigned version, bool is_dry_run,
		    const struct schema_report *report, struct error *err)
{
	CLEANUP(schema_parts_release) struct schema_parts wanted = {.count = 0};
	CLEANUP(schema_parts_release) struct schema_parts present = {.count = 0};
	unsigned have;
	bool is_definer_made = false;

	if (!is_dry_run && wait_turn(db, turn, &have, err) < 0)
		return -1;
	if (schema_parts_present(db, &present, err) < 0)
		return -1;
	schema_parts_wanted(&wanted, version);
	for (size_t i = 0; i < wanted.count; i++) {
		const struct schema_part *part = &wanted.items[i];
		const char *what;

		if (!is_missing(&present, part))
			continue;
		what = schema_part_describe(&wanted, part);
		if (part->kind == SCHEMA_RIGHT) { /* make_definer() grants all rights at once */
			if (is_definer_made)
				continue;
			is_definer_made = true;
			what = "the account that the procedures run as, and its rights";
		}
		if (!is_dry_run && (wait_turn(db, turn, &have, err) < 0 ||
				    make_part(db, part, is_named(&present, part), err) < 0))
			return error_prefix(err, "%s: ", what);
		tell(report, false, what);
	}
	return 0;
}

static int complete_in_the_end(struct db *db, struct turn *turn, const struct schema_report *report,
			       struct error *err)
{
	for (unsigned tries = 0; tries < MAX_TRIES; tries++) {
		*err = ERROR_INIT;
		if (complete(db, turn, (unsigned)sql_migration_count, false, report, err) == 0)
			return 0;
		/* Another program may create the same parts. */
		if ((err->kind != ERROR_RETRY && !db_is_error(err, PROCEDURE_EXISTS)) ||
		    db_is_lost(db))
			return -1;
	}
	return -1;
}

int schema_migrate(struct db *db, const struct schema_report *report, struct error *err)
{
	struct turn turn = {.is_ours = false};
	int result;

	random_hex(turn.session, READER_SESSION_BYTES);
	if (connect_to_database(db, err) < 0)
		return -1;
	result = apply_missing(db, &turn, report, err);
	if (result == 0)
		result = complete_in_the_end(db, &turn, report, err);
	give_turn_back(db, &turn);
	return result;
}

int schema_plan(struct db *db, const struct schema_report *report, struct error *err)
{
	struct turn turn = {.is_ours = false};
	unsigned have;
	unsigned need;

	if (db_connect(db, err) < 0 || schema_versions(db, &have, &need, err) < 0)
		return -1;
	if (have > need)
		return fail_newer(have, need, err);
	for (unsigned version = have; version < need; version++)
		tell_migration(report, &sql_migrations[version]);
	return complete(db, &turn, have, true, report, err);
}
