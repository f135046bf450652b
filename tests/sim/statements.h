/* SPDX-License-Identifier: MIT */
/*
 * The effect of each statement of sql/ on the model of the tables.
 *
 * An unknown statement ends the simulation and is printed: a new statement needs a model.
 */
#ifndef SIM_STATEMENTS_H
#define SIM_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/bulk.h"
#include "store/db.h"
#include "tables.h"

#define SIM_EPOCH_US UINT64_C(1700000000000000)

struct cell {
	bool is_null;
	uint64_t number;
	const char *data; /* lives as long as the tables */
	size_t len;
};

struct result_rows {
	unsigned column_count;
	struct cell *cells;
	size_t cell_count, cell_capacity;
};

struct call {
	struct tx *tx;
	const char *sql;
	const struct db_value *values;
	size_t value_count;
	const struct bulk *bulk; /* for an INSERT of many rows, instead of values */
	struct result_rows *rows;
	uint64_t now_us; /* by the clock of the node */
	uint64_t found;
	unsigned error; /* the database's error number, such as 1062 */
};

/* False: call->tx->blocker must end first; the writes made so far must be undone. */
bool statement_run(struct call *call);

#endif
