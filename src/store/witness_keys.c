/* SPDX-License-Identifier: MIT */
#include "store/witness_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"
#include "store/ledger_impl.h"
#include "store/sql.h"

int witness_keys_find(struct db *db, const char *witness, uint32_t block,
		      struct witness_key *ret_key, bool *ret_found, struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = db_query_row(db, sql_select_witness_key,
				  DB_VALUES(db_text(witness), db_u64(block)), &rows, err);

	*ret_found = result > 0;
	if (result <= 0)
		return result;
	snprintf(ret_key->witness, sizeof(ret_key->witness), "%s", witness);
	snprintf(ret_key->key, sizeof(ret_key->key), "%s",
		 db_row_text(rows, SELECT_WITNESS_KEY_SIGNING_KEY, NULL));
	ret_key->since_block = (uint32_t)db_row_u64(rows, SELECT_WITNESS_KEY_SINCE_BLOCK);
	ret_key->is_of_nodes =
		strcmp(db_row_text(rows, SELECT_WITNESS_KEY_SOURCE, NULL), "nodes") == 0;
	ret_key->last_signed = (uint32_t)db_row_u64(rows, SELECT_WITNESS_KEY_LAST_SIGNED);
	return 0;
}

static void take_row(struct witness_key_list *list, const struct db_rows *rows)
{
	const char *source = db_row_text(rows, SELECT_KEYS_LATELY_SOURCE, NULL);
	struct witness_key key = {
		.since_block = (uint32_t)db_row_u64(rows, SELECT_KEYS_LATELY_SINCE_BLOCK),
		.is_of_nodes = strcmp(source, "nodes") == 0,
		.last_signed = (uint32_t)db_row_u64(rows, SELECT_KEYS_LATELY_LAST_SIGNED),
	};

	snprintf(key.witness, sizeof(key.witness), "%s",
		 db_row_text(rows, SELECT_KEYS_LATELY_WITNESS, NULL));
	snprintf(key.key, sizeof(key.key), "%s",
		 db_row_text(rows, SELECT_KEYS_LATELY_SIGNING_KEY, NULL));
	witness_key_list_add(list, &key);
}

int witness_keys_load(struct db *db, uint32_t from, uint32_t last, struct witness_key_list *list,
		      struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(db, sql_select_keys_lately,
			DB_VALUES(db_u64(from), db_u64(last), db_u64(from), db_u64(last)), err);
	while (rows && (result = db_rows_next(rows, err)) > 0)
		take_row(list, rows);
	return result;
}

void witness_key_list_add(struct witness_key_list *list, const struct witness_key *key)
{
	list->items = xgrow(list->items, list->count, &list->capacity, sizeof(*list->items));
	list->items[list->count++] = *key;
}

void witness_key_list_release(struct witness_key_list *list)
{
	free(list->items);
	*list = (struct witness_key_list){.count = 0};
}

int witness_keys_are_whole(struct db *db, uint32_t since, uint32_t block, bool *ret_whole,
			   struct error *err)
{
	return db_query_any(db, sql_select_keys_whole,
			    DB_VALUES(db_u64(since), db_u64(since), db_u64(since), db_u64(block),
				      db_u64(since), db_u64(block), db_u64(block), db_u64(since),
				      db_u64(since), db_u64(block)),
			    ret_whole, err);
}

int witness_keys_add(struct db *db, const struct witness_key *key, struct error *err)
{
	return db_exec(db, sql_insert_witness_key,
		       DB_VALUES(db_text(key->witness), db_u64(key->since_block), db_text(key->key),
				 db_u64(key->last_signed)),
		       NULL, err);
}

int witness_keys_note(struct db *db, const struct witness_key *key, struct error *err)
{
	return db_exec(db, sql_update_key_signed,
		       DB_VALUES(db_u64(key->last_signed), db_text(key->witness),
				 db_u64(key->since_block), db_u64(key->last_signed)),
		       NULL, err);
}

/* Keys that blocks set. */

/* The signers of reversible blocks are not in the table; perhaps that of the new block already is. */
static int forget_replaced(struct ledger_slice *slice, struct error *err)
{
	for (size_t i = 0; i < slice->count; i++) {
		uint32_t num = slice->entries[i].block->num;

		if (slice->steps[i].write != WRITE_INSTEAD)
			continue;
		if (db_exec(slice->db, sql_delete_witness_keys, DB_VALUES(db_u64(num)), NULL, err) <
		    0)
			return -1;
		if (!slice->steps[i].was_reversible &&
		    db_exec(slice->db, sql_delete_signer_key, DB_VALUES(db_u64(num - 1)), NULL,
			    err) < 0)
			return -1;
	}
	return 0;
}

/*
 * A block that was already stored may have been stored by an older program, which did not look
 * for keys.
 */
static bool is_stored(const struct ledger_slice *slice, size_t i)
{
	return slice->steps[i].write != WRITE_NOTHING ||
	       slice->entries[i].outcome == LEDGER_PRESENT;
}

int ledger_learn_keys(struct ledger_slice *slice, struct error *err)
{
	const struct ledger_commit *commit = slice->commit;
	size_t at = 0;

	if (commit->is_reversible)
		return 0;
	if (forget_replaced(slice, err) < 0)
		return -1;
	for (size_t i = 0; i < commit->key_count; i++) {
		const struct witness_key *key = &commit->keys[i];

		while (at < slice->count && slice->entries[at].block->num < key->since_block)
			at++;
		if (at == slice->count)
			break;
		if (slice->entries[at].block->num != key->since_block || !is_stored(slice, at))
			continue;
		if (db_exec(slice->db, sql_upsert_witness_key,
			    DB_VALUES(db_text(key->witness), db_u64(key->since_block),
				      db_text(key->key)),
			    NULL, err) < 0)
			return -1;
	}
	return 0;
}
