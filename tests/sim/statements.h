/* SPDX-License-Identifier: MIT */
/*
 * What each statement of sql/ does to the model of the tables.
 *
 * A statement that is not known here ends the simulation and says so: whoever adds one
 * adds its model.
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
	const struct bulk *bulk; /* of an INSERT of many rows: in place of values */
	struct result_rows *rows;
	uint64_t now_us; /* by the clock of the node */
	uint64_t found;
	unsigned error; /* of the database: 1062 */
};

/* False: call->tx->blocker must end first; the writes made so far are to be undone. */
bool statement_run(struct call *call);

#endif
