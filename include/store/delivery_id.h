/* SPDX-License-Identifier: MIT */
/*
 * The ids of deliveries: block * 2^20, plus the delivery's place among those of its block.
 *
 * So the ids of a block's deliveries are a range, and the primary keys of deliveries_open
 * and deliveries_ended find them.  store/ledger_deliver.c makes the ids, and nobody else
 * does: the procedures only pass them on.  The comment of the column in
 * sql/migrations/0002_queue.sql, and doc/database.md, promise the number to users.
 */
#ifndef STORE_DELIVERY_ID_H
#define STORE_DELIVERY_ID_H

#include <stdint.h>

#include "store/db.h"

#define DELIVERY_ID_BITS 20 /* for the place in the block */

/* The lowest id of a block. The block above the last possible one has one as well. */
static inline uint64_t delivery_id_first(uint64_t block)
{
	return block << DELIVERY_ID_BITS;
}

/* The highest id of a block. */
static inline uint64_t delivery_id_last(uint64_t block)
{
	return delivery_id_first(block + 1) - 1;
}

/* Values for `delivery_id BETWEEN ? AND ?`: all deliveries of first..last. */
#define DELIVERY_ID_RANGE(first, last)                                                             \
	db_u64(delivery_id_first(first)), db_u64(delivery_id_last(last))

#endif
