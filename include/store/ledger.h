/* SPDX-License-Identifier: MIT */
/*
 * The ledger: the only module that changes chain data.
 *
 * One ledger_commit() is one database transaction.  The block rows come first, which
 * decides the race between readers; then the operations; then the reader's own progress,
 * which also proves that the reader still owns its name and that its filter is still
 * active.
 *
 * After any error nothing is known: roll back and call it again with the same entries.
 * The second call finds out what an interrupted COMMIT really did.
 *
 * Consecutive entries are one chain of hashes.  If one end of such a run contradicts a
 * stored neighbour, the entry at that end becomes LEDGER_NO_LINK and the others of the run
 * stay LEDGER_PENDING: whether they are right depends on which side is wrong.  Commit them
 * again without that entry once this is decided.
 *
 * A row is reversible or irreversible.  Reversible entries (read at the head) are only
 * ever added.  An irreversible entry confirms a reversible row of its id, and replaces one
 * of another id, whose operations go to the table `orphans`.  Irreversible rows are
 * changed only as `rewrite` says.
 *
 * Operations that the filter wants in a queue are delivered with their block: a row of
 * `delivered`, which is looked up first so that nothing is delivered twice, and the
 * delivery itself.  Blocks of the open range are delivered; older blocks only if
 * `delivers_history` is set.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "steem/block.h"
#include "store/reader_rows.h"
#include "store/witness_keys.h"

struct db;

enum ledger_outcome {
	LEDGER_PENDING,  /* not stored: it links to an entry of its run that is LEDGER_NO_LINK */
	LEDGER_STORED,   /* this commit stored it */
	LEDGER_PRESENT,  /* it was already stored, with the same id */
	LEDGER_OTHER_ID, /* another block is stored under its number: not stored */
	LEDGER_NO_LINK,  /* it does not link to a stored neighbour: not stored */
	LEDGER_NO_LINK_AFTER, /* stored, but a neighbour stored at the same moment does not link */
	LEDGER_UNSTORABLE,    /* the table cannot hold one of its values: not stored */
	LEDGER_CONFIRMED,     /* it was stored as reversible, and is irreversible now */
	/* this commit stored it instead of another block, which is an orphan now */
	LEDGER_REPLACED,
	LEDGER_REWRITTEN, /* it was already stored; this commit wrote its operations again */
};

/* Is a block with this outcome in the table now, whoever stored it? */
bool ledger_is_stored(enum ledger_outcome outcome);

struct ledger_entry {
	const struct block *block;
	enum ledger_outcome outcome; /* set by ledger_commit(); its old value does not matter */
	/* of NO_LINK* and has_forked: the number of the stored block that it contradicts */
	uint32_t neighbour;
	/*
	 * Of OTHER_ID: the id of the stored block; of REPLACED: of the replaced block; of
	 * outcomes with a neighbour: of the neighbour.
	 */
	uint8_t stored_id[BLOCK_ID_BYTES];
	bool is_irreversible; /* of LEDGER_OTHER_ID: the stored block is irreversible */
	/* Of a stored reversible entry: a reversible neighbour is on another fork. */
	bool has_forked;
	bool leftovers_removed; /* operation rows without a block row were deleted first */
	char problem[200];      /* of LEDGER_UNSTORABLE */
};

/* How a commit treats irreversible rows that are already stored. */
enum ledger_rewrite {
	LEDGER_KEEP, /* nothing */
	/* Write the operations of blocks again that are outdated. */
	LEDGER_REWRITE,
	/*
	 * Of all blocks: operations are written again, and another block is replaced.  Such an
	 * entry need not link to the row above it, which is repaired next; an entry without a
	 * row must.
	 */
	LEDGER_REPAIR,
};

/* The ways in which a stored block can differ from the present settings: bits of a mask. */
enum ledger_outdated {
	LEDGER_OUTDATED_FILTER = 1, /* stored under another filter, or purged since */
	/*
	 * Without all of its virtual operations.  If this alone is asked for, LEDGER_REWRITE
	 * leaves a row that the entry does not improve.
	 */
	LEDGER_OUTDATED_VIRTUAL = 2,
	LEDGER_OUTDATED_DELIVERY = 4, /* stored under this filter, but not delivered */
};

/* A comment in an entry's block whose author has an outbox. */
struct ledger_comment {
	uint32_t block;
	const char *author;
	const char *permlink;
	const char *trx_id;
};

/* A transaction in an entry's block that a poster signed. */
struct ledger_trx {
	uint32_t block;
	const char *trx_id;
};

struct ledger_commit {
	struct ledger_entry *entries; /* ascending by block number, at least one */
	size_t count;
	const struct reader_identity *identity;
	uint32_t filter_id;
	uint32_t
		head_block; /* this and the next: the nodes' blocks, recorded in the reader's row */
	uint32_t irreversible_block;
	bool is_reversible; /* the entries were read at the head */
	enum ledger_rewrite rewrite;
	unsigned outdated;         /* of LEDGER_REWRITE: mask of the reasons that count */
	const char *const *queues; /* bit i of an operation's `queues` is queues[i] */
	bool delivers_history;
	/* operations of blocks before this time are delivered as failed; 0: none */
	int64_t late_before_s;
	/*
	 * Comments of the entries' blocks. Those that are in the outbox go into comments_seen
	 * with their block, if it is irreversible and this commit writes it.
	 */
	const struct ledger_comment *comments; /* ascending by block */
	size_t comment_count;
	/*
	 * Transactions of the entries' blocks that posters signed. They go into trxs_seen with
	 * their block, under the same conditions.
	 */
	const struct ledger_trx *trxs; /* ascending by block */
	size_t trx_count;
	const struct witness_key
		*keys; /* keys that the entries' operations set, ascending by since_block */
	size_t key_count;
	/*
	 * set by ledger_commit(): how many comments and transactions were noted as seen, at least;
	 * 0: none
	 */
	size_t seen_count;
};

/*
 * Store the entries and set their outcomes.  0 even if other readers had stored all of them.
 * ERROR_CONFIG with an enum reader_over if the session is over.
 */
int ledger_commit(struct db *db, struct ledger_commit *commit, struct error *err) MUST_CHECK;

struct stored_block {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	int64_t timestamp_s; /* seconds since 1970, UTC */
};
/*
 * The newest stored irreversible block up to `limit` (UINT32_MAX: no limit); *ret_found false:
 * none.
 */
int ledger_newest(struct db *db, uint32_t limit, struct stored_block *ret_block, bool *ret_found,
		  struct error *err) MUST_CHECK;
/* The oldest stored irreversible block. */
int ledger_oldest(struct db *db, struct stored_block *ret_block, bool *ret_found,
		  struct error *err) MUST_CHECK;
/*
 * Add to ret_blocks the irreversible blocks of `within` that are outdated for one of the reasons
 * in `outdated`, a mask of enum ledger_outdated: lowest first, at most max_blocks.  filter_id 0:
 * not known; then blocks under any filter can be undelivered.
 */
int ledger_find_outdated(struct db *db, unsigned outdated, uint32_t filter_id,
			 const struct range_set *within, uint32_t max_blocks,
			 struct range_set *ret_blocks, struct error *err) MUST_CHECK;

#endif
