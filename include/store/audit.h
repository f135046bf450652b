/* SPDX-License-Identifier: MIT */
/*
 * Checks the stored rows: against each other, and against blocks as a node gives them.
 * Reads only.
 *
 * A block row and its operation rows are read in separate statements.  If readers write
 * meanwhile, a comparison may see a block between two states: check it again before
 * believing a finding.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "steem/block.h"

struct db;

enum audit_kind {
	AUDIT_NOTHING,
	AUDIT_MISSING,  /* no irreversible block row */
	AUDIT_PARTIAL,  /* fewer or more operation rows than its block row says */
	AUDIT_ORPHANED, /* its id, or its link to a neighbour, differs from the chain */
	AUDIT_ALTERED,  /* a value differs from the chain */
	AUDIT_EXTRA,    /* operation rows without a block row */
};
#define AUDIT_KIND_COUNT 6

/* "missing", "partial", ... */
const char *audit_kind_name(enum audit_kind kind);

struct audit_finding {
	uint32_t block;
	uint32_t last_block; /* equal to `block`, except for a range of missing blocks */
	enum audit_kind kind;
	char detail[200]; /* in words; "" if the kind says everything */
};

/* One block row, with the counts of its operation rows. */
struct audit_row {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	int64_t timestamp_s;
	uint64_t operations;
	uint64_t stored_operations;
	uint64_t virtual_operations;
	uint64_t stored_virtual_operations;
	enum block_virtual virtual_state;
	bool is_irreversible;
	uint32_t filter_id;
	uint64_t real_rows;
	uint64_t virtual_rows;
	uint64_t real_removed; /* operations that were removed with their deliveries */
	uint64_t virtual_removed;
	bool is_purged; /* any of its operations may have been removed */
};

/* Load the rows of first..last, ascending; the caller frees *ret_rows with free(). */
int audit_load(struct db *db, uint32_t first, uint32_t last, struct audit_row **ret_rows,
	       size_t *ret_count, struct error *err) MUST_CHECK;
/* Load the numbers of the blocks of first..last that have operation rows but no block row. */
int audit_load_extra(struct db *db, uint32_t first, uint32_t last, struct range_set *ret_blocks,
		     struct error *err) MUST_CHECK;

/* Is the row consistent in itself? *ret_finding says what is wrong. */
void audit_check_row(const struct audit_row *row, struct audit_finding *ret_finding);
/*
 * Compare a row with the block as a node gives it, filtered by the rules of filter_id.  A row
 * that was stored under another filter is compared with all operations of the block.  deep:
 * compare every operation row too.
 */
int audit_check_block(struct db *db, const struct audit_row *row, const struct block *block,
		      uint32_t filter_id, bool deep, struct audit_finding *ret_finding,
		      struct error *err) MUST_CHECK;

/*
 * Check links and counts of first..last in the tables alone.  found is called for each finding,
 * in ascending order.
 */
int audit_offline(struct db *db, uint32_t first, uint32_t last,
		  void (*found)(void *context, const struct audit_finding *finding), void *context,
		  struct error *err) MUST_CHECK;

#endif
