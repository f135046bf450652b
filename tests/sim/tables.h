/* SPDX-License-Identifier: MIT */
/*
 * The model of the database: tables of versioned rows, transactions, row locks, and the
 * nodes of a cluster.
 *
 * On one server a transaction waits for the locks of another.  On a cluster (more than one
 * node) this is only so on the same node.  Between nodes the first one to commit wins, and
 * the other fails when it commits.  Commits of other nodes are seen a while later.
 *
 * Rows are never changed, and live until the next tables_open(): a write is a new row.
 */
#ifndef SIM_TABLES_H
#define SIM_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steem/block.h"
#include "store/reader_rows.h"

#define DB_NODES_MAX 3
/* A transaction of this node sees all commits everywhere: for the checks. */
#define NODE_ALL DB_NODES_MAX

enum table {
	TABLE_BLOCKS,     /* key: the block */
	TABLE_OPERATIONS, /* key: the block; one row holds all operations of a block */
	TABLE_ORPHANS,    /* the operations of one orphaned block; key: made from block and id */
	TABLE_DELIVERED,  /* key: the id of the delivery */
	TABLE_RANGES,     /* key: first_block */
	TABLE_GAPS,
	TABLE_CLAIMS,
	TABLE_READERS, /* key: the id, one for each name that ever existed */
	TABLE_FILTERS,
	TABLE_BOOKKEEPING,
	TABLE_COMMENTS,  /* key: the block that will have the comment */
	TABLE_SEEN,      /* the same */
	TABLE_SIGNED,    /* key: the block whose first trx a poster signed */
	TABLE_TRXS_SEEN, /* the same */
	TABLE_KEYS,      /* key: made from witness and since_block */
	TABLE_COUNT
};

struct block_row {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES + 1];
	uint8_t previous[BLOCK_ID_BYTES + 1];
	char timestamp[20];
	uint64_t operations, stored_operations;
	uint64_t virtual_operations, stored_virtual_operations;
	char virtual_state[12];
	char proof[8];
	bool is_irreversible, is_delivered;
	uint64_t filter_id, reader_id;
	uint64_t committed_us;
};

struct op {
	uint32_t trx_in_block, op_in_trx, virtual_op;
	uint64_t hash; /* of all other columns */
};

struct op_rows {
	size_t count;
	struct op items[]; /* in the order of their keys */
};

struct orphan_row {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t replaced_by[BLOCK_ID_BYTES];
	const struct op_rows *operations;
};

struct delivered_row {
	uint32_t place[4]; /* block, trx_in_block, op_in_trx, virtual_op */
	char queue[33];
	uint32_t block_crc;
};

struct range_row {
	uint32_t first, last; /* last 0: open */
	uint32_t scanned_to;
};

struct gap_row_model {
	uint32_t first, last;
	const char *reason;
	uint64_t attempts, tried_us, retry_us, found_us; /* GAP_NEVER: NULL */
};

struct claim_row {
	uint32_t first;
	char reader[READER_NAME_BYTES + 1];
	char session[READER_SESSION_BYTES + 1];
	uint64_t expires_us;
};

struct reader_row {
	uint32_t id;
	char name[READER_NAME_BYTES + 1];
	char session[READER_SESSION_BYTES + 1];
	char state[17];
	uint64_t last_block, head_block, irreversible_block;
	uint64_t started_us, heartbeat_us;
};

struct filter_row {
	uint32_t id;
	const char *rules;
	bool is_active;
};

struct bookkeeping_row {
	uint64_t changes, irreversible_block;
};

/* One comment of the outbox. */
struct comment_row {
	bool is_confirmed; /* then the fields below say where */
	uint32_t block;
	char trx_id[BLOCK_ID_HEX + 1];
};

struct seen_row {
	uint32_t block;
	char trx_id[BLOCK_ID_HEX + 1];
};

/* One signed transaction. */
struct signed_row {
	bool is_confirmed;
	uint64_t expiration_s;
	char trx_id[BLOCK_ID_HEX + 1];
};

/* One key of a witness. */
struct key_row {
	uint32_t since;
	bool is_of_nodes;
	uint64_t last_signed; /* 0: NULL */
	char key[64];
};

struct record;

struct write {
	enum table table;
	uint64_t key;
	struct record *record;
	uint64_t base; /* what the node had seen when it wrote */
};

struct tx {
	unsigned node;
	struct write *writes;
	size_t write_count, write_capacity;
	struct tx *blocker; /* the transaction with the lock that the last row_write() needed */
	bool is_doomed;     /* a commit on another node won against it */
};

void tables_open(unsigned node_count);
unsigned tables_node_count(void);
/* Set how long a commit takes until it is seen on this node. */
void tables_set_lag(unsigned node, int64_t lag_ms);

/* When the node will have seen all present commits. */
int64_t tables_synced_ms(unsigned node);

/* Memory that lives as long as the tables. */
void *row_new(size_t bytes);
const char *row_text(const char *text);

void tx_init(struct tx *tx, unsigned node);
/* False: another node was first; rolled back. */
bool tx_commit(struct tx *tx);
void tx_rollback(struct tx *tx);
/* Undo the writes after the first `count`. */
void tx_undo_to(struct tx *tx, size_t count);

/* The row of this key as the transaction sees it; NULL: none. */
const void *row_read(const struct tx *tx, enum table table, uint64_t key);
/*
 * The first row with first <= key <= last; *ret_key is its key, and the next search begins
 * behind it.
 */
const void *row_first(const struct tx *tx, enum table table, uint64_t first, uint64_t last,
		      uint64_t *ret_key);
/* The last row with first <= key <= last. */
const void *row_last(const struct tx *tx, enum table table, uint64_t first, uint64_t last,
		     uint64_t *ret_key);
/* Write a row, or delete it if row is NULL. False: tx->blocker must end first. */
bool row_write(struct tx *tx, enum table table, uint64_t key, const void *row);
/* The row before this transaction, for the checks of a commit: call it during the commit hook. */
const void *row_before(const struct tx *tx, const struct write *write);

/* Called for each commit, when NODE_ALL sees it and its writes are still in tx. */
extern void (*tables_commit_hook)(const struct tx *tx);

#define EACH_ROW(tx, table, first, last, key, row)                                                 \
	(key) = (first);                                                                           \
	((row) = row_first((tx), (table), (key), (last), &(key))) != NULL;                         \
	(key)++

#endif
