/* SPDX-License-Identifier: MIT */
/* The inside of a ledger commit: for ledger*.c, outbox.c and witness_keys.c only. */
#ifndef STORE_LEDGER_IMPL_H
#define STORE_LEDGER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/bulk.h"
#include "store/ledger.h"

/* How an entry is to be written, given the stored rows. */
enum ledger_write {
	WRITE_NOTHING,
	WRITE_NEW,
	WRITE_CONFIRM, /* a reversible row of its id, whose operations are already right */
	WRITE_AGAIN,   /* a row of its id: write all operations again */
	WRITE_INSTEAD, /* a row of another id, which becomes an orphan */
};

/* One entry being written; if it has a row, the values that the row must still have. */
struct ledger_step {
	enum ledger_write write;
	bool was_reversible;
	bool is_delivered; /* its operations go into the queues that the filter names */
	uint8_t row_id[BLOCK_ID_BYTES];
	char row_committed_at[28];
};

/* The entries that are stored in one transaction. */
struct ledger_slice {
	struct db *db;
	struct ledger_commit *commit;
	struct ledger_entry *entries;
	size_t count;
	struct ledger_step *steps; /* one for each entry */
	bool has_leftovers; /* operations without a block row are in the way: delete them first */
	uint32_t reader_id;
	struct range_set outdated; /* blocks to be written again by LEDGER_REWRITE */
	uint32_t open_first;       /* of the open range; 0: there is none */
	struct ledger_facts *facts;
};

/* ledger_look.c: read the stored rows of the entries and their neighbours. */
int ledger_look(struct ledger_slice *slice, struct error *err) MUST_CHECK;
/* After the commit: mark stored entries that do not link to a neighbour. */
int ledger_look_after(struct ledger_slice *slice, struct error *err) MUST_CHECK;

/* ledger_deliver.c: load all deliveries that were ever made for the slice's blocks. */
int ledger_facts_load(struct ledger_slice *slice, struct error *err) MUST_CHECK;
void ledger_facts_free(struct ledger_facts *facts);

/* The deliveries of the live entries that were not made before, as rows. */
struct ledger_deliveries {
	struct bulk *delivered;
	struct bulk *open;
	struct bulk *late;
};
void ledger_deliveries_init(struct ledger_deliveries *deliveries, const struct ledger_slice *slice);
void ledger_deliveries_release(struct ledger_deliveries *deliveries);
int ledger_deliveries_insert(struct db *db, const struct ledger_deliveries *deliveries,
			     struct error *err) MUST_CHECK;

/*
 * outbox.c: note which comments of the slice's blocks are in the outbox, and which trxs were signed
 * for it.
 */
int outbox_see_comments(struct ledger_slice *slice, struct error *err) MUST_CHECK;
int outbox_see_trxs(struct ledger_slice *slice, struct error *err) MUST_CHECK;

/* witness_keys.c: note the keys of witnesses that the slice's blocks set. */
int ledger_learn_keys(struct ledger_slice *slice, struct error *err) MUST_CHECK;

/* ledger_rows.c: the live entries as rows: bulks, and the texts that they point to. */
struct ledger_rows {
	struct bulk *blocks;
	struct bulk *operations;
	struct ledger_deliveries deliveries;
	char (*times)[20]; /* one for each entry: "2016-03-24 16:05:00" */
};
void ledger_rows_init(struct ledger_rows *rows, const struct ledger_slice *slice);
void ledger_rows_release(struct ledger_rows *rows);

#endif
