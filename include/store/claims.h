/* SPDX-License-Identifier: MIT */
/*
 * Claims: which reader replays which cell of the fixed grid of 1000 blocks.
 *
 * A claim saves double work; it never decides what is right.  It runs out by the
 * database's clock unless renewed, and one taken too early only costs time.
 */
#ifndef STORE_CLAIMS_H
#define STORE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "steem/block.h"
#include "store/readers.h"

struct db;

#define CLAIM_CELL_BLOCKS 1000
#define CLAIM_LEASE_S     30
#define CLAIM_RENEW_S     10

struct claim {
	uint32_t first; /* of the cell */
	uint32_t last;
	struct range_set missing; /* what is really missing of it, within `within` */
	/* The highest blocks of missing stretches, where the stored row above names the id; ascending. */
	struct block_name *named;
	size_t named_count;
};
void claim_release(struct claim *claim);

struct claim_search {
	bool has_claim; /* false: nothing to be claimed now */
	struct claim claim;
	bool is_taken_over;     /* it was another's, whose time ran out */
	bool others_work;       /* cells of `within` are claimed by others */
	bool waits;             /* gaps are there whose time to be tried again has not come */
	int64_t next_try_ms;    /* when the next of those is due, from now */
	uint64_t missing_count; /* blocks missing within `within`, by known_gaps */
	uint64_t failed_count;  /* of them, those tried in vain since this reader started */
};
/*
 * Claim the next cell: newest gap first, oldest cell inside it, leaving out what others
 * hold and what is not due (a gap is due if never tried since this session began, or if
 * its time to be tried again has come).  Cells in which known_gaps says something but
 * nothing is missing any more are put right on the way.  Own transactions.
 *
 * `working`: blocks of the cells that this session works on (NULL: none).  A cell that it holds
 * beside these is one that it does not know of, because the reply to the claim was lost: it is
 * taken as if nobody held it, or it would be renewed with the others and never be worked on.
 */
int claims_take_next(struct db *db, const struct reader_identity *identity,
		     const struct range_set *within, const struct range_set *working,
		     struct claim_search *ret, struct error *err) MUST_CHECK;
/* How many blocks of `within` are missing, by known_gaps. */
int claims_count_missing(struct db *db, const struct reader_identity *identity,
			 const struct range_set *within, uint64_t *ret_count,
			 struct error *err) MUST_CHECK;
/* Renew all claims of this session. */
int claims_renew(struct db *db, const struct reader_identity *identity,
		 struct error *err) MUST_CHECK;
/*
 * The cell is worked through: record in known_gaps what is still missing of it, give
 * the reason to `failed` (what no node gave; may be empty), give the claim back.
 */
int claims_settle(struct db *db, const struct reader_identity *identity, const struct claim *claim,
		  const struct range_set *failed, const char *reason, struct error *err) MUST_CHECK;

#endif
