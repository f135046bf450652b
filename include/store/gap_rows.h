/* SPDX-License-Identifier: MIT */
/*
 * Rows of known_gaps as a sorted list: load them, change them, write back the changes.
 * Only this module knows how rows are split and joined.
 *
 * Call every function inside a transaction that began with gap_rows_lock(), so that
 * changes of known_gaps and ranges happen one after another.
 */
#ifndef STORE_GAP_ROWS_H
#define STORE_GAP_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

struct db;

#define GAP_NEVER UINT64_MAX /* NULL in the table */

struct gap {
	uint32_t first;
	uint32_t last;
	char *reason; /* owned; NULL: none */
	uint64_t attempts;
	uint64_t tried_us; /* microseconds since 1970, by the database's clock; or GAP_NEVER */
	uint64_t retry_us;
	uint64_t found_us;
};

/* Replaces a reason that the table refuses, because the gap must be recorded anyway. */
#define GAP_REASON_REFUSED "the table refuses the text of the reason; the log has it"

struct gap_rows {
	struct gap *items;
	size_t count;
	size_t capacity;
};

void gap_rows_release(struct gap_rows *rows);
/* Wait for the lock on known_gaps and ranges, which the transaction then holds. */
int gap_rows_lock(struct db *db, struct error *err) MUST_CHECK;
/* The database's time, in microseconds since 1970. */
int gap_rows_now(struct db *db, uint64_t *ret_now_us, struct error *err) MUST_CHECK;
/* Load the rows that overlap or touch first..last. */
int gap_rows_load(struct db *db, uint32_t first, uint32_t last, struct gap_rows *ret_rows,
		  struct error *err) MUST_CHECK;
/*
 * Exactly `holes` are missing in first..last: replace what the rows say about this window, and
 * keep the attributes of blocks that stay missing.
 */
void gap_rows_replace(const struct gap_rows *old, uint32_t first, uint32_t last,
		      const struct range_set *holes, uint64_t now_us, struct gap_rows *ret_rows);
/*
 * The blocks of first..last that are in the rows were just tried in vain. The reason may be any
 * text; it is cleaned, and cut to the size of the column.
 */
void gap_rows_fail(const struct gap_rows *old, uint32_t first, uint32_t last, const char *reason,
		   uint64_t now_us, struct gap_rows *ret_rows);
/* Write the difference between the two lists. */
int gap_rows_save(struct db *db, const struct gap_rows *old, const struct gap_rows *rows,
		  struct error *err) MUST_CHECK;
/* Load, replace, save. */
int gap_rows_put(struct db *db, uint32_t first, uint32_t last, const struct range_set *holes,
		 struct error *err) MUST_CHECK;

#endif
