/* SPDX-License-Identifier: MIT */
/*
 * The tables' version: migrations are applied in order, each may be run again to its
 * end, also by two programs at once.  A database newer than the program is refused.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

#include "base/error.h"

struct db;

/* 0 when the tables are exactly those of this program, else ERROR_CONFIG naming --migrate. */
int schema_check(struct db *db, struct error *err) MUST_CHECK;
/* The version that the database has (0: none) and that the program needs. */
int schema_versions(struct db *db, unsigned *ret_have, unsigned *ret_need,
		    struct error *err) MUST_CHECK;
/*
 * Create the database if it is missing (db is not connected yet, or to the server
 * only), then apply what is missing.  `applied` is called for each migration done.
 */
int schema_migrate(struct db *db,
		   void (*applied)(void *context, unsigned version, const char *name),
		   void *context, struct error *err) MUST_CHECK;

#endif
