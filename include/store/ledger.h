/* SPDX-License-Identifier: MIT */
/*
 * The ledger: the one place that changes chain data.
 *
 * One ledger_commit() is one database transaction: block rows first, which decides
 * the race between readers, then the operations, then the reader's own progress, which
 * also proves that the reader is still the owner of its name and that its filter is
 * still the active one.
 *
 * Any error means that nothing is known: roll back and call it again with the same
 * entries.  What an interrupted COMMIT really did is found by that second call.
 *
 * Consecutive entries are one chain of hashes.  When one edge of such a run contradicts
 * a stored neighbour, the entry at that edge becomes LEDGER_NO_LINK and the others of
 * the run stay LEDGER_PENDING: whether they are right depends on who is wrong.  Commit
 * them again without it once that is settled.
 *
 * A row is reversible or irreversible.  Reversible entries (read at the head) are only ever
 * added; an irreversible entry confirms a reversible row of its id, and takes the place of one
 * of another id, whose operations go to the table `orphans`.  Irreversible rows are touched
 * only where `rewrite` asks for it.
 *
 * What the filter wants in a queue is delivered with its block: a row of `delivered`, which is
 * looked up first, so that nothing is delivered twice, and the delivery itself.  Blocks of the
 * open range are delivered; history below it only where `delivers_history` asks for it.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "steem/block.h"
#include "store/readers.h"
#include "store/witness_keys.h"

struct db;

enum ledger_outcome {
	LEDGER_PENDING,  /* not stored: it hangs on an entry of its run that is LEDGER_NO_LINK */
	LEDGER_STORED,   /* this commit stored it */
	LEDGER_PRESENT,  /* it stood there already, with the same id */
	LEDGER_OTHER_ID, /* another block stands under its number: not stored */
	LEDGER_NO_LINK,  /* it does not link to a stored neighbour: not stored */
	LEDGER_NO_LINK_AFTER, /* stored; a neighbour stored at the same moment does not link */
	LEDGER_UNSTORABLE,    /* a value of it cannot be held by the table: not stored */
	LEDGER_CONFIRMED,     /* it stood there as reversible, and is irreversible now */
	LEDGER_REPLACED, /* this commit stored it in the place of another block, which is an orphan now */
	LEDGER_REWRITTEN, /* it stood there; this commit wrote its operations again */
};

struct ledger_entry {
	const struct block *block;
	enum ledger_outcome outcome; /* set by ledger_commit(), whatever it was before */
	uint32_t
		neighbour; /* of NO_LINK* and has_forked: the number of the stored block it contradicts */
	/* Of OTHER_ID: what stands there; of REPLACED: what stood; of the others with a neighbour: its. */
	uint8_t stored_id[BLOCK_ID_BYTES];
	bool is_settled; /* of LEDGER_OTHER_ID: what stands there is irreversible */
	/* Of a reversible entry that was stored: a reversible neighbour is of another fork. */
	bool has_forked;
	bool leftovers_removed; /* operation rows without a block row were deleted first */
	char problem[200];      /* of LEDGER_UNSTORABLE */
};

/* What may be done to irreversible rows that stand there already. */
enum ledger_rewrite {
	LEDGER_KEEP, /* nothing */
	/* Those stored under another filter (or, with delivers_history, not delivered): operations
	   are written again. */
	LEDGER_REFILTER,
	LEDGER_REVIRTUAL, /* those without virtual operations: likewise */
	LEDGER_REDELIVER, /* those under this filter that were not delivered: likewise */
	/*
	 * All: operations are written again, another block is replaced.  Such an entry need not
	 * link to the row above it, which is mended next; one that is new there must.
	 */
	LEDGER_REPAIR,
};

/* A comment of an entry's block, of an author who has an outbox. */
struct ledger_comment {
	uint32_t block;
	const char *author;
	const char *permlink;
	const char *trx_id;
};

struct ledger_commit {
	struct ledger_entry *entries; /* ascending by block number, at least one */
	size_t count;
	const struct reader_identity *identity;
	uint32_t filter_id;
	uint32_t head_block; /* what the reader knows of the chain; recorded with it */
	uint32_t irreversible_block;
	bool is_reversible; /* the entries were read at the head */
	enum ledger_rewrite rewrite;
	const char *const *queues; /* bit i of an operation's `queues` is queues[i] */
	bool delivers_history;
	int64_t late_before_s; /* what was in the chain before is delivered as failed; 0: nothing */
	/* What waits of these in the outbox goes into comments_seen with its block, if that is
	   irreversible and written by this commit. */
	const struct ledger_comment *comments; /* ascending by block */
	size_t comment_count;
	const struct witness_key
		*keys; /* that the entries' operations set, ascending by since_block */
	size_t key_count;
	size_t seen_count; /* set by ledger_commit(): how many that were, at least; 0: none */
};

/*
 * Store the entries and set their outcomes.  0 also when every entry was somebody
 * else's.  ERROR_CONFIG with an enum reader_over when the session is over.
 */
int ledger_commit(struct db *db, struct ledger_commit *commit, struct error *err) MUST_CHECK;

struct stored_block {
	uint32_t num;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	int64_t timestamp_s; /* seconds since 1970, UTC */
};
/* The newest stored irreversible block at or below `limit` (UINT32_MAX: at all); *ret_found false: none. */
int ledger_newest(struct db *db, uint32_t limit, struct stored_block *ret_block, bool *ret_found,
		  struct error *err) MUST_CHECK;
/* The oldest stored irreversible block. */
int ledger_oldest(struct db *db, struct stored_block *ret_block, bool *ret_found,
		  struct error *err) MUST_CHECK;
/*
 * Irreversible blocks of `range` that are to be written again, as the values of enum
 * ledger_rewrite say, lowest first, at most max_ranges.
 */
int ledger_find_rewrite(struct db *db, enum ledger_rewrite rewrite, bool delivers_history,
			struct range range, uint32_t filter_id, size_t max_ranges,
			struct range_set *ret_blocks, struct error *err) MUST_CHECK;

#endif
