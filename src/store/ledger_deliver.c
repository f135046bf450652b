/* SPDX-License-Identifier: MIT */
/*
 * Deliveries of the blocks of a commit.  All earlier deliveries are loaded when the rows
 * of the blocks are read. That stays true as long as the block rows are ours: nobody
 * delivers a block without writing its row.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "store/db.h"
#include "store/delivery_id.h"
#include "store/ledger_impl.h"
#include "store/place.h"
#include "store/sql.h"

#define QUEUE_BYTES 32

/* One delivery that was made at any time. */
struct fact {
	struct op_place place;
	uint32_t block_crc; /* CRC32 of the block id */
	char queue[QUEUE_BYTES + 1];
	uint64_t delivery_id;
};

struct ledger_facts {
	struct fact *items; /* sorted */
	size_t count;
	size_t capacity;
};

static int compare_facts(const void *a, const void *b)
{
	const struct fact *left = a;
	const struct fact *right = b;
	int order = op_place_compare(left->place, right->place);

	if (order != 0)
		return order;
	if (left->block_crc != right->block_crc)
		return left->block_crc < right->block_crc ? -1 : 1;
	return strcmp(left->queue, right->queue);
}

static void add_fact(struct ledger_facts *facts, const struct db_rows *rows)
{
	struct fact *fact;

	facts->items = xgrow(facts->items, facts->count, &facts->capacity, sizeof(*facts->items));
	fact = &facts->items[facts->count++];
	fact->place = place_read(rows, SELECT_DELIVERED_BLOCK);
	fact->block_crc = (uint32_t)db_row_u64(rows, SELECT_DELIVERED_BLOCK_CRC);
	snprintf(fact->queue, sizeof(fact->queue), "%s",
		 db_row_text(rows, SELECT_DELIVERED_QUEUE, NULL));
	fact->delivery_id = db_row_u64(rows, SELECT_DELIVERED_DELIVERY_ID);
}

static bool delivers(const struct ledger_slice *slice, size_t i)
{
	return slice->steps[i].write != WRITE_NOTHING && slice->steps[i].is_delivered &&
	       slice->entries[i].block->delivery_count > 0;
}

static int load_between(struct ledger_slice *slice, uint32_t first, uint32_t last,
			struct error *err)
{
	CLEANUP(db_rows_free_pointer) struct db_rows *rows = NULL;
	int result = -1;

	rows = db_query(slice->db, sql_select_delivered,
			DB_VALUES(db_u64(first), db_u64(last), DELIVERY_ID_RANGE(first, last),
				  DELIVERY_ID_RANGE(first, last)),
			err);
	while (rows && (result = db_rows_next(rows, err)) > 0)
		add_fact(slice->facts, rows);
	return result;
}

int ledger_facts_load(struct ledger_slice *slice, struct error *err)
{
	size_t first = slice->count;
	size_t last = 0;

	if (!slice->facts)
		slice->facts = xcalloc(1, sizeof(*slice->facts));
	slice->facts->count = 0;
	for (size_t i = 0; i < slice->count; i++) {
		if (!delivers(slice, i))
			continue;
		first = min_size(first, i);
		last = i;
	}
	if (first == slice->count)
		return 0;
	if (load_between(slice, slice->entries[first].block->num, slice->entries[last].block->num,
			 err) < 0)
		return -1;
	if (slice->facts->count > 0)
		qsort(slice->facts->items, slice->facts->count, sizeof(*slice->facts->items),
		      compare_facts);
	return 0;
}

void ledger_facts_free(struct ledger_facts *facts)
{
	if (!facts)
		return;
	free(facts->items);
	free(facts);
}

/* The id of the next delivery of a block. */
static uint64_t next_id(const struct ledger_facts *facts, uint32_t num)
{
	uint64_t next = delivery_id_first(num);

	for (size_t i = 0; i < facts->count; i++)
		if (facts->items[i].place.block == num && facts->items[i].delivery_id >= next)
			next = facts->items[i].delivery_id + 1;
	return next;
}

/* Of the texts, only `queue` outlives this call: it belongs to the commit. `fact` does not. */
static void add_delivery(struct ledger_deliveries *deliveries, const struct fact *fact,
			 const char *queue, const struct operation *op, bool is_late)
{
	struct bulk *bulk = is_late ? deliveries->late : deliveries->open;

	place_add(deliveries->delivered, fact->place);
	bulk_add_bytes(deliveries->delivered, queue, strlen(queue));
	bulk_add_u64(deliveries->delivered, fact->block_crc);
	bulk_add_u64(deliveries->delivered, fact->delivery_id);
	bulk_add_u64(bulk, fact->delivery_id);
	bulk_add_bytes(bulk, queue, strlen(queue));
	place_add(bulk, fact->place);
	bulk_add_u64(bulk, fact->block_crc);
	bulk_add_bytes(bulk, op->account, op->account_bytes);
}

static void deliver_block(struct ledger_deliveries *deliveries, const struct ledger_slice *slice,
			  const struct block *block)
{
	const struct ledger_facts *facts = slice->facts;
	struct fact fact = {.block_crc = block_id_crc32(block->id)};
	bool is_late = block->timestamp_s < slice->commit->late_before_s;

	fact.delivery_id = next_id(facts, block->num);
	for (size_t i = 0; i < block_total_count(block); i++) {
		const struct operation *op = &block->operations[i];

		fact.place = op_place_of(block->num, op);
		for (uint64_t left = op->queues; left != 0; left &= left - 1) {
			const char *queue = slice->commit->queues[__builtin_ctzll(left)];

			snprintf(fact.queue, sizeof(fact.queue), "%s", queue);
			if (facts->count > 0 &&
			    bsearch(&fact, facts->items, facts->count, sizeof(fact), compare_facts))
				continue;
			add_delivery(deliveries, &fact, queue, op, is_late);
			fact.delivery_id++;
		}
	}
}

void ledger_deliveries_init(struct ledger_deliveries *deliveries, const struct ledger_slice *slice)
{
	static const enum bulk_type delivered_types[] = {BULK_U32,   BULK_U32, BULK_U32, BULK_U32,
							 BULK_ASCII, BULK_U32, BULK_U64};
	static const enum bulk_type types[] = {BULK_U64, BULK_ASCII, BULK_U32, BULK_U32,
					       BULK_U32, BULK_U32,   BULK_U32, BULK_ASCII};

	deliveries->delivered = bulk_new(sql_insert_delivered, delivered_types,
					 sizeof(delivered_types) / sizeof(delivered_types[0]));
	deliveries->open =
		bulk_new(sql_insert_open_deliveries, types, sizeof(types) / sizeof(types[0]));
	deliveries->late =
		bulk_new(sql_insert_late_deliveries, types, sizeof(types) / sizeof(types[0]));
	for (size_t i = 0; i < slice->count; i++)
		if (delivers(slice, i))
			deliver_block(deliveries, slice, slice->entries[i].block);
}

void ledger_deliveries_release(struct ledger_deliveries *deliveries)
{
	bulk_free(deliveries->delivered);
	bulk_free(deliveries->open);
	bulk_free(deliveries->late);
}

int ledger_deliveries_insert(struct db *db, const struct ledger_deliveries *deliveries,
			     struct error *err)
{
	if (bulk_insert(db, deliveries->delivered, err) < 0 ||
	    bulk_insert(db, deliveries->open, err) < 0)
		return -1;
	return bulk_insert(db, deliveries->late, err);
}
