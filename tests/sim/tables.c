/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sched.h"

#define PIECE_BYTES ((size_t)1024 * 1024)

struct version {
	struct version *older;
	const void *row;        /* NULL: deleted */
	const struct tx *owner; /* NULL: committed */
	uint64_t seq;
};

struct record {
	struct version *newest;
};

struct slot {
	uint64_t key;
	struct record *record;
};

struct table_rows {
	struct slot *slots; /* sorted by key */
	size_t count, capacity;
};

struct commit_note {
	int64_t at_ms;
	unsigned node;
};

static struct table_rows tables[TABLE_COUNT];
static unsigned node_count;
static int64_t lags_ms[DB_NODES_MAX];
static uint64_t applied[DB_NODES_MAX + 1]; /* the node sees commits up to this one */
static struct commit_note *notes;          /* of commit number seq: notes[seq - 1] */
static size_t note_capacity;
static uint64_t last_seq;

/* Memory. */

static char **pieces;
static size_t piece_count, piece_used, piece_at;

void *row_new(size_t bytes)
{
	char *at;

	bytes = (bytes + 15) & ~(size_t)15;
	if (piece_count == 0 || piece_used + bytes > PIECE_BYTES) {
		if (piece_count > 0)
			piece_at++;
		if (piece_at >= piece_count) {
			pieces = xreallocarray(pieces, piece_count + 1, sizeof(*pieces));
			pieces[piece_count++] = xmalloc(PIECE_BYTES);
		}
		piece_used = 0;
	}
	at = pieces[piece_at] + piece_used;
	piece_used += bytes;
	memset(at, 0, bytes);
	return at;
}

const char *row_text(const char *text)
{
	size_t bytes = strlen(text) + 1;

	return memcpy(row_new(bytes), text, bytes);
}

void tables_open(unsigned nodes)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		tables[i].count = 0;
	node_count = nodes;
	memset(lags_ms, 0, sizeof(lags_ms));
	memset(applied, 0, sizeof(applied));
	applied[NODE_ALL] = UINT64_MAX;
	last_seq = 0;
	piece_at = 0;
	piece_used = 0;
}

unsigned tables_node_count(void)
{
	return node_count;
}

void tables_set_lag(unsigned node, int64_t lag_ms)
{
	lags_ms[node] = lag_ms;
}

/* The newest commit that the node sees. */
static uint64_t applied_by(unsigned node)
{
	if (node == NODE_ALL || node_count == 1)
		return UINT64_MAX;
	while (applied[node] < last_seq &&
	       (notes[applied[node]].node == node ||
		notes[applied[node]].at_ms + lags_ms[node] <= sim_now_ms))
		applied[node]++;
	return applied[node];
}

int64_t tables_synced_ms(unsigned node)
{
	int64_t until_ms = sim_now_ms;

	for (uint64_t seq = applied_by(node); node_count > 1 && seq < last_seq; seq++)
		if (notes[seq].node != node && notes[seq].at_ms + lags_ms[node] > until_ms)
			until_ms = notes[seq].at_ms + lags_ms[node];
	return until_ms;
}

/* Reads. */

static size_t find_slot(const struct table_rows *rows, uint64_t key)
{
	size_t low = 0, high = rows->count;

	if (high > 0 && rows->slots[high - 1].key < key)
		return high;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (rows->slots[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const void *visible(const struct tx *tx, const struct record *record, uint64_t seen)
{
	for (const struct version *version = record->newest; version; version = version->older)
		if (version->owner ? version->owner == tx : version->seq <= seen)
			return version->row;
	return NULL;
}

const void *row_first(const struct tx *tx, enum table table, uint64_t first, uint64_t last,
		      uint64_t *ret_key)
{
	const struct table_rows *rows = &tables[table];
	uint64_t seen = applied_by(tx->node);

	for (size_t at = find_slot(rows, first); at < rows->count && rows->slots[at].key <= last;
	     at++) {
		const void *row = visible(tx, rows->slots[at].record, seen);

		*ret_key = rows->slots[at].key;
		if (row)
			return row;
	}
	return NULL;
}

const void *row_last(const struct tx *tx, enum table table, uint64_t first, uint64_t last,
		     uint64_t *ret_key)
{
	const struct table_rows *rows = &tables[table];
	uint64_t seen = applied_by(tx->node);
	size_t at = last == UINT64_MAX ? rows->count : find_slot(rows, last + 1);

	while (at > 0 && rows->slots[at - 1].key >= first) {
		const void *row = visible(tx, rows->slots[--at].record, seen);

		*ret_key = rows->slots[at].key;
		if (row)
			return row;
	}
	return NULL;
}

const void *row_read(const struct tx *tx, enum table table, uint64_t key)
{
	uint64_t found;

	return row_first(tx, table, key, key, &found);
}

/* Writes. */

static struct record *take_record(enum table table, uint64_t key)
{
	struct table_rows *rows = &tables[table];
	size_t at = find_slot(rows, key);

	if (at < rows->count && rows->slots[at].key == key)
		return rows->slots[at].record;
	if (rows->count == rows->capacity) {
		rows->capacity = rows->capacity ? 2 * rows->capacity : 256;
		rows->slots = xreallocarray(rows->slots, rows->capacity, sizeof(*rows->slots));
	}
	memmove(&rows->slots[at + 1], &rows->slots[at], (rows->count - at) * sizeof(*rows->slots));
	rows->count++;
	rows->slots[at] = (struct slot){.key = key, .record = row_new(sizeof(struct record))};
	return rows->slots[at].record;
}

bool row_write(struct tx *tx, enum table table, uint64_t key, const void *row)
{
	struct record *record = take_record(table, key);
	struct version *version;

	for (version = record->newest; version; version = version->older) {
		if (!version->owner || version->owner == tx || version->owner->node != tx->node)
			continue;
		tx->blocker = (struct tx *)(uintptr_t)version->owner;
		return false;
	}
	version = row_new(sizeof(*version));
	*version = (struct version){.older = record->newest, .row = row, .owner = tx};
	record->newest = version;
	if (tx->write_count == tx->write_capacity) {
		tx->write_capacity = tx->write_capacity ? 2 * tx->write_capacity : 16;
		tx->writes = xreallocarray(tx->writes, tx->write_capacity, sizeof(*tx->writes));
	}
	tx->writes[tx->write_count++] = (struct write){
		.table = table, .key = key, .record = record, .base = applied_by(tx->node)};
	return true;
}

/* Remove the newest version of the transaction. */
static void pop_version(const struct tx *tx, struct record *record)
{
	for (struct version **at = &record->newest; *at; at = &(*at)->older) {
		if ((*at)->owner != tx)
			continue;
		*at = (*at)->older;
		return;
	}
}

/* Transactions. */

void (*tables_commit_hook)(const struct tx *tx);

void tx_init(struct tx *tx, unsigned node)
{
	*tx = (struct tx){.node = node};
}

static void tx_end(struct tx *tx)
{
	free(tx->writes);
	tx_init(tx, tx->node);
}

void tx_undo_to(struct tx *tx, size_t count)
{
	while (tx->write_count > count)
		pop_version(tx, tx->writes[--tx->write_count].record);
}

void tx_rollback(struct tx *tx)
{
	tx_undo_to(tx, 0);
	tx_end(tx);
}

/* Did another node meanwhile commit a row that this transaction wrote? */
static bool is_beaten(const struct tx *tx)
{
	for (size_t i = 0; i < tx->write_count; i++) {
		const struct version *version = tx->writes[i].record->newest;

		while (version && version->owner)
			version = version->older;
		if (version && version->seq > tx->writes[i].base)
			return true;
	}
	return false;
}

/*
 * The newest version of the transaction becomes the committed one; it goes below the versions of
 * others.
 */
static void commit_record(const struct tx *tx, struct record *record, uint64_t seq)
{
	struct version *mine = NULL;
	struct version **at = &record->newest;

	while (*at) {
		struct version *version = *at;

		if (version->owner == tx) {
			if (!mine)
				mine = version;
			*at = version->older;
			continue;
		}
		if (!version->owner)
			break;
		((struct tx *)(uintptr_t)version->owner)->is_doomed = true;
		at = &version->older;
	}
	if (!mine)
		return; /* the record was written more than once */
	mine->owner = NULL;
	mine->seq = seq;
	mine->older = *at;
	*at = mine;
}

const void *row_before(const struct tx *tx, const struct write *write)
{
	const struct version *version = write->record->newest;

	(void)tx;
	while (version && (version->owner || version->seq == last_seq))
		version = version->older;
	return version ? version->row : NULL;
}

bool tx_commit(struct tx *tx)
{
	if (tx->write_count > 0 && is_beaten(tx)) {
		tx_rollback(tx);
		return false;
	}
	if (tx->write_count > 0) {
		if (last_seq == note_capacity) {
			note_capacity = note_capacity ? 2 * note_capacity : 4096;
			notes = xreallocarray(notes, note_capacity, sizeof(*notes));
		}
		notes[last_seq++] = (struct commit_note){.at_ms = sim_now_ms, .node = tx->node};
		for (size_t i = 0; i < tx->write_count; i++)
			commit_record(tx, tx->writes[i].record, last_seq);
		if (tx->node < NODE_ALL && applied[tx->node] < last_seq)
			applied[tx->node] = last_seq;
		if (tables_commit_hook)
			tables_commit_hook(tx);
	}
	tx_end(tx);
	return true;
}
