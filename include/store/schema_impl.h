/* SPDX-License-Identifier: MIT */
/* Private to the schema files: the parts of the schema, read from the texts of sql/. */
#ifndef STORE_SCHEMA_IMPL_H
#define STORE_SCHEMA_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

struct db;

#define SCHEMA_FINGERPRINT_BYTES 16 /* of hex digits */

enum schema_kind {
	SCHEMA_TABLE,
	SCHEMA_COLUMN,
	SCHEMA_KEY,
	SCHEMA_RIGHT, /* of the account that runs the procedures */
	SCHEMA_VIEW,
	SCHEMA_PROCEDURE,
};

struct schema_part {
	enum schema_kind kind;
	const char *name; /* of the table, view or procedure; "*": the whole database */
	/* of a column or a key: its name; of a right: SELECT and the like; otherwise "" */
	const char *part;
	/* a table, column, key or right: its text in sql/; otherwise the statement */
	const char *text;
	size_t migration; /* of a table: the index of the migration that creates it, from 0 */
	/*
	 * Of a view or a procedure; "auto_increment" for a column with that attribute; otherwise
	 * "".
	 */
	char fingerprint[SCHEMA_FINGERPRINT_BYTES + 1];
};

struct schema_parts {
	struct arena *arena;
	struct schema_part *items;
	size_t count, capacity;
};

/* All parts that a database must have after the first `migration_count` migrations. */
void schema_parts_wanted(struct schema_parts *parts, size_t migration_count);
/*
 * All parts that the database has. Of a view or a procedure, the text is the one with its
 * fingerprint.
 */
int schema_parts_present(struct db *db, struct schema_parts *parts, struct error *err) MUST_CHECK;
void schema_parts_release(struct schema_parts *parts);
/* Does the part exist, with the same fingerprint if it has one? */
bool schema_parts_have(const struct schema_parts *present, const struct schema_part *part);
/*
 * A description for messages: "table blocks", "column blocks.block_id"; allocated in the arena
 * of `parts`.
 */
const char *schema_part_describe(struct schema_parts *parts, const struct schema_part *part);

#endif
