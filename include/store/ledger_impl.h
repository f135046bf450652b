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

/* What is to be done for an entry, as the table stands. */
enum ledger_write {
	WRITE_NOTHING,
	WRITE_NEW,
	WRITE_CONFIRM, /* a reversible row of its id, whose operations stand there rightly */
	WRITE_AGAIN,   /* a row of its id: all operations again */
	WRITE_INSTEAD, /* a row of another id: that becomes an orphan */
};

/* One entry on its way; for a row that stands there, what must still be true of it. */
struct ledger_step {
	enum ledger_write write;
	bool was_reversible;
	bool is_delivered; /* its operations go into the queues that the filter names */
	uint8_t row_id[BLOCK_ID_BYTES];
	char row_committed_at[28];
};

/* Entries that are stored in one transaction. */
struct ledger_slice {
	struct db *db;
	struct ledger_commit *commit;
	struct ledger_entry *entries;
	size_t count;
	struct ledger_step *steps; /* of each entry */
	bool has_leftovers; /* operations without a block row are in the way: delete them first */
	uint32_t reader_id;
	struct range_set to_rewrite; /* by LEDGER_REFILTER: rows of these blocks */
	uint32_t open_first;         /* of the open range; 0: there is none */
	struct ledger_facts *facts;
};

/* ledger_look.c: what the table says of the entries and their neighbours. */
int ledger_look(struct ledger_slice *slice, struct error *err) MUST_CHECK;
/* After the commit: mark what was stored and does not link to a neighbour. */
int ledger_look_after(struct ledger_slice *slice, struct error *err) MUST_CHECK;

/* ledger_deliver.c: what was delivered of the slice's blocks, from all time. */
int ledger_facts_load(struct ledger_slice *slice, struct error *err) MUST_CHECK;
void ledger_facts_free(struct ledger_facts *facts);

/* The deliveries of the live entries that were never made, as rows. */
struct ledger_deliveries {
	struct bulk *delivered;
	struct bulk *open;
	struct bulk *late;
};
void ledger_deliveries_init(struct ledger_deliveries *deliveries, const struct ledger_slice *slice);
void ledger_deliveries_release(struct ledger_deliveries *deliveries);
int ledger_deliveries_insert(struct db *db, const struct ledger_deliveries *deliveries,
			     struct error *err) MUST_CHECK;

/* outbox.c: what the slice's blocks hold of the outbox is noted with them. */
int ledger_see_comments(struct ledger_slice *slice, struct error *err) MUST_CHECK;

/* witness_keys.c: what the slice's blocks say of the keys of witnesses is noted with them. */
int ledger_learn_keys(struct ledger_slice *slice, struct error *err) MUST_CHECK;

/* ledger_rows.c: the live entries as rows. Bulks, and the texts that they point to. */
struct ledger_rows {
	struct bulk *blocks;
	struct bulk *operations;
	struct ledger_deliveries deliveries;
	char (*times)[20]; /* of each entry: "2016-03-24 16:05:00" */
};
void ledger_rows_init(struct ledger_rows *rows, const struct ledger_slice *slice);
void ledger_rows_release(struct ledger_rows *rows);

#endif
