/* SPDX-License-Identifier: MIT */
/* The place of an operation (struct op_place) in rows and statements. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include <stdint.h>

#include "steem/block.h"
#include "store/bulk.h"
#include "store/db.h"

/* Read three adjacent columns, from trx_in_block on, of an operation of block `num`. */
static inline struct op_place place_read_in_block(const struct db_rows *rows, unsigned column,
						  uint32_t num)
{
	return (struct op_place){num, (uint32_t)db_row_u64(rows, column),
				 (uint32_t)db_row_u64(rows, column + 1),
				 (uint32_t)db_row_u64(rows, column + 2)};
}

/* Read four adjacent columns, from block on. */
static inline struct op_place place_read(const struct db_rows *rows, unsigned column)
{
	return place_read_in_block(rows, column + 1, (uint32_t)db_row_u64(rows, column));
}

/* Add the four columns to a row of a bulk. */
static inline void place_add(struct bulk *bulk, struct op_place place)
{
	bulk_add_u64(bulk, place.block);
	bulk_add_u64(bulk, place.trx_in_block);
	bulk_add_u64(bulk, place.op_in_trx);
	bulk_add_u64(bulk, place.virtual_op);
}

/* Values for `trx_in_block = ? AND op_in_trx = ? AND virtual_op = ?`. */
#define PLACE_IN_BLOCK(place)                                                                      \
	db_u64((place).trx_in_block), db_u64((place).op_in_trx), db_u64((place).virtual_op)
/* The same with the block first. */
#define PLACE(place) db_u64((place).block), PLACE_IN_BLOCK(place)

#endif
