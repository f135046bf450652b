/* SPDX-License-Identifier: MIT */
/*
 * The version of the tables.  Migrations are applied in order; each may be run again to
 * its end, also by two programs at once.  A database newer than the program is refused. In
 * addition, --migrate checks which tables, columns, keys, views and procedures exist: a
 * restored or damaged database may lack some, although its version is right.  Each view and
 * procedure contains a fingerprint of its text: those that are up to date are left alone.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct db;

/* 0 if the tables are exactly those of this program, else ERROR_CONFIG naming --migrate. */
int schema_check(struct db *db, struct error *err) MUST_CHECK;
/* The version that the database has (0: none), and the one that the program needs. */
int schema_versions(struct db *db, unsigned *ret_have, unsigned *ret_need,
		    struct error *err) MUST_CHECK;
struct schema_report {
	/*
	 * Called for a part that was created, or would be: a migration ("0002 queue"), or "view
	 * gaps".
	 */
	void (*made)(void *context, bool is_migration, const char *what);
	void *context;
};
/*
 * Create the database if it is missing (db is not connected yet, or only to the server), then
 * apply missing migrations and create missing parts.  The report may be NULL.
 */
int schema_migrate(struct db *db, const struct schema_report *report, struct error *err) MUST_CHECK;
/* Connect, report what schema_migrate() would do, and write nothing. */
int schema_plan(struct db *db, const struct schema_report *report, struct error *err) MUST_CHECK;

#endif
