/* SPDX-License-Identifier: MIT */
/*
 * Claims: which reader replays which cell of the fixed grid of 1000 blocks?
 *
 * A claim only avoids double work; correctness never depends on it.  It expires by the
 * database's clock unless it is renewed, and taking one too early only costs time.
 */
#ifndef STORE_CLAIMS_H
#define STORE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "steem/block.h"
#include "store/reader_rows.h"

struct db;

#define CLAIM_CELL_BLOCKS 1000
#define CLAIM_LEASE_S     30
#define CLAIM_RENEW_S     10

struct claim {
	uint32_t first; /* of the cell */
	uint32_t last;
	/* the blocks of the cell that are really missing, within `within` */
	struct range_set missing;
	/*
	 * The highest block of each missing stretch whose id the stored row above gives;
	 * ascending.
	 */
	struct block_name *named;
	size_t named_count;
};
void claim_release(struct claim *claim);
/* The id that the stored row above gives for this block; NULL: there is no such row. */
const uint8_t *claim_named_id(const struct claim *claim, uint32_t num);

struct claim_search {
	bool has_claim; /* false: nothing can be claimed now */
	struct claim claim;
	bool is_taken_over;     /* the claim of another reader had expired */
	bool others_work;       /* other readers have claimed cells of `within` */
	bool waits;             /* there are gaps whose next try is not due yet */
	int64_t next_try_ms;    /* when the next of them is due, in ms from now */
	uint64_t missing_count; /* missing blocks of `within`, by known_gaps */
	uint64_t failed_count;  /* of them: tried in vain since this reader started */
};
/*
 * Claim the next cell: newest gap first, its oldest cell, without the cells of others and those
 * that are not due (a gap is due if it was not tried since this session began, or if its retry
 * time has come).  Cells that have entries in known_gaps but no missing blocks are corrected on
 * the way.  Own transactions.
 *
 * `working`: the blocks of the cells that this session works on (NULL: none).  If the session
 * holds another cell, it does not know of it, because the reply to the claim was lost.  Such a
 * cell can be claimed like a free one; otherwise it would be renewed with the others and never
 * be worked on.
 */
int claims_take_next(struct db *db, const struct reader_identity *identity,
		     const struct range_set *within, const struct range_set *working,
		     struct claim_search *ret, struct error *err) MUST_CHECK;
/* Count the missing blocks of `within`, by known_gaps. */
int claims_count_missing(struct db *db, const struct reader_identity *identity,
			 const struct range_set *within, uint64_t *ret_count,
			 struct error *err) MUST_CHECK;
/* Renew all claims of this session. */
int claims_renew(struct db *db, const struct reader_identity *identity,
		 struct error *err) MUST_CHECK;
/*
 * The cell is finished: record in known_gaps what is still missing, set the reason of `failed`
 * (the blocks that no node gave; may be empty), and release the claim.
 */
int claims_finish(struct db *db, const struct reader_identity *identity, const struct claim *claim,
		  const struct range_set *failed, const char *reason, struct error *err) MUST_CHECK;

#endif
