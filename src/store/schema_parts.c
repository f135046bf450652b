/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/schema_impl.h"
#include "store/sql.h"

#define PLACEHOLDER "@fingerprint@"

static const char *const kinds[] = {
	[SCHEMA_TABLE] = "TABLE", [SCHEMA_COLUMN] = "COLUMN", [SCHEMA_KEY] = "KEY",
	[SCHEMA_RIGHT] = "RIGHT", [SCHEMA_VIEW] = "VIEW",     [SCHEMA_PROCEDURE] = "PROCEDURE",
};

void schema_parts_release(struct schema_parts *parts)
{
	if (parts->arena)
		arena_free(parts->arena);
	free(parts->items);
	*parts = (struct schema_parts){.count = 0};
}

static struct schema_part *add(struct schema_parts *parts, enum schema_kind kind, const char *name,
			       size_t name_len, const char *part, size_t part_len)
{
	struct schema_part *made;

	parts->items = xgrow(parts->items, parts->count, &parts->capacity, sizeof(*parts->items));
	made = &parts->items[parts->count++];
	*made = (struct schema_part){
		.kind = kind,
		.name = arena_strndup(parts->arena, name, name_len),
		.part = arena_strndup(parts->arena, part, part_len),
		.text = "",
	};
	return made;
}

/* Tables, columns and keys, from the migrations. */

static size_t word_length(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
}

/* The text after `prefix`; NULL: it does not begin with it. */
static const char *behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* One element in the brackets of CREATE TABLE: a column or a key. */
static void add_element(struct schema_parts *parts, const char *table, const char *text, size_t len)
{
	const char *key = behind(text, "KEY ");
	struct schema_part *made;

	if (!key)
		key = behind(text, "UNIQUE KEY ");
	if (behind(text, "PRIMARY KEY"))
		made = add(parts, SCHEMA_KEY, table, word_length(table), "PRIMARY", 7);
	else if (key)
		made = add(parts, SCHEMA_KEY, table, word_length(table), key, word_length(key));
	else
		made = add(parts, SCHEMA_COLUMN, table, word_length(table), text,
			   word_length(text));
	made->text = arena_strndup(parts->arena, text, len);
	if (strstr(made->text, " AUTO_INCREMENT"))
		snprintf(made->fingerprint, sizeof(made->fingerprint), "auto_increment");
}

/* The elements are separated by commas outside of inner brackets and quotes. */
static void add_elements(struct schema_parts *parts, const char *table)
{
	const char *at = strchr(table, '(');
	const char *begin;
	unsigned depth = 1;
	bool is_quoted = false;

	if (!at)
		return;
	for (begin = ++at; *at != '\0' && depth > 0; at++) {
		is_quoted ^= *at == '\'';
		if (is_quoted)
			continue;
		depth += *at == '(' ? 1 : 0;
		depth -= *at == ')' ? 1 : 0;
		if (depth > 1 || (depth == 1 && *at != ','))
			continue;
		begin += strspn(begin, " \n");
		add_element(parts, table, begin, (size_t)(at - begin));
		begin = at + 1;
	}
}

static void add_statement(struct schema_parts *parts, const char *statement, size_t migration)
{
	const char *table = behind(statement, "CREATE TABLE IF NOT EXISTS ");
	const char *column, *key;
	struct schema_part *made;

	if (table) {
		made = add(parts, SCHEMA_TABLE, table, word_length(table), "", 0);
		made->migration = migration;
		add_elements(parts, table);
	} else if ((table = behind(statement, "ALTER TABLE "))) {
		column = strstr(table, " ADD COLUMN ");
		if (column)
			add_element(parts, table, column + 12, strlen(column + 12));
		else if ((key = strstr(table, " ADD KEY ")))
			add_element(parts, table, key + 5, strlen(key + 5));
	}
}

/* The rights: "GRANT SELECT, UPDATE ON queues TO ...". */

static void add_rights(struct schema_parts *parts, const char *statement)
{
	const char *right = behind(statement, "GRANT ");
	const char *name = right ? strstr(right, " ON ") : NULL;

	while (name && right < name) {
		const char *table = name + 4;
		size_t len = strcspn(right, ", ");

		add(parts, SCHEMA_RIGHT, table, strcspn(table, " "), right, len)->text = statement;
		right += len;
		right += strspn(right, ", ");
	}
}

/* Views and procedures: their text contains their fingerprint. */

/* FNV-1a: enough to distinguish versions of a text, because nobody forges them. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325U;

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3U;
	return value;
}

static void add_routine(struct schema_parts *parts, enum schema_kind kind,
			const struct sql_routine *routine)
{
	const char *at = strstr(routine->statement, PLACEHOLDER);
	struct schema_part *made = add(parts, kind, routine->name, strlen(routine->name), "", 0);
	CLEANUP(mem_free_pointer) char *text = NULL;

	snprintf(made->fingerprint, sizeof(made->fingerprint), "%016llx",
		 (unsigned long long)hash(routine->statement));
	if (!at)
		abort(); /* the build refuses such a file */
	text = xasprintf("%.*s%s%s", (int)(at - routine->statement), routine->statement,
			 made->fingerprint, at + strlen(PLACEHOLDER));
	made->text = arena_strndup(parts->arena, text, strlen(text));
}

static void add_routines(struct schema_parts *parts, enum schema_kind kind)
{
	for (size_t i = 0; i < sql_routine_count; i++)
		if (strcmp(sql_routines[i].kind, kinds[kind]) == 0)
			add_routine(parts, kind, &sql_routines[i]);
}

void schema_parts_wanted(struct schema_parts *parts, size_t migration_count)
{
	parts->arena = arena_new();
	for (size_t i = 0; i < migration_count; i++)
		for (size_t j = 0; j < sql_migrations[i].count; j++)
			add_statement(parts, sql_migrations[i].statements[j], i);
	add_routines(parts, SCHEMA_VIEW);
	/* Rights on tables and views are needed by procedures only. */
	for (size_t i = 0; i < sql_definer_count; i++)
		add_rights(parts, sql_definer[i]);
	add_routines(parts, SCHEMA_PROCEDURE);
}

/* Parts that the database has. */

int schema_parts_present(struct db *db, struct schema_parts *parts, struct error *err)
{
	CLEANUP(db_rows_free_pointer)
	struct db_rows *rows = db_query(db, sql_select_schema_parts, DB_NO_VALUES, err);
	int result = -1;

	parts->arena = arena_new();
	while (rows && (result = db_rows_next(rows, err)) > 0) {
		const char *field[4];
		size_t len[4] = {0};
		const char *text;

		for (unsigned i = 0; i < 4; i++) {
			field[i] = db_row_text(rows, i, &len[i]);
			if (!field[i])
				field[i] = "";
		}
		text = arena_strndup(parts->arena, field[3], len[3]);
		for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
			if (strcmp(kinds[kind], field[0]) == 0)
				add(parts, kind, field[1], len[1], field[2], len[2])->text = text;
	}
	return result;
}

bool schema_parts_have(const struct schema_parts *present, const struct schema_part *part)
{
	for (size_t i = 0; i < present->count; i++) {
		const struct schema_part *one = &present->items[i];

		if (one->kind == part->kind && strcmp(one->name, part->name) == 0 &&
		    strcmp(one->part, part->part) == 0)
			return strstr(one->text, part->fingerprint) != NULL;
	}
	return false;
}

const char *schema_part_describe(struct schema_parts *parts, const struct schema_part *part)
{
	CLEANUP(mem_free_pointer) char *text = NULL;

	switch (part->kind) {
	case SCHEMA_TABLE:
		text = xasprintf("table %s", part->name);
		break;
	case SCHEMA_COLUMN:
		text = xasprintf("column %s.%s", part->name, part->part);
		break;
	case SCHEMA_KEY:
		text = xasprintf("key %s of table %s", part->part, part->name);
		break;
	case SCHEMA_RIGHT:
		text = xasprintf("right of the procedures' account: %s on %s", part->part,
				 part->name);
		break;
	case SCHEMA_VIEW:
		text = xasprintf("view %s", part->name);
		break;
	case SCHEMA_PROCEDURE:
		text = xasprintf("procedure %s", part->name);
		break;
	}
	return arena_strndup(parts->arena, text, strlen(text));
}
