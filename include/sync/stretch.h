/* SPDX-License-Identifier: MIT */
/*
 * A stretch of the chain: its fetched blocks, from their arrival to the outcome of their commit.
 *
 * The tail, each cell of the replay, the head and --verify have one.  They decide which blocks
 * are requested, what is put to the vote, and how long to wait.  The stretch decides what may be
 * committed:
 *
 *     held       it has arrived
 *     eligible   and no block below it is still to come
 *     vouched    more than half of the nodes gave it, or the stored row above names its id
 *     bound      it is eligible, and vouched, or the block above it is bound and links to it
 *     good       it is bound, and its witness signed it (if signers are checked)
 *
 * Good blocks are committed in chain order, so each is compared with the one before it.
 */
#ifndef SYNC_STRETCH_H
#define SYNC_STRETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/range.h"
#include "steem/client.h"
#include "store/ledger.h"
#include "sync/dispute.h"
#include "sync/fetched.h"
#include "sync/shared.h"

struct anchors;
struct commit;
struct refusal;
struct signers;

/*
 * The functions by which a stretch tells its owner something. All get `context`. `unlinked` is for
 * owners that call stretch_check_links(), `vouched`, `outvoted` and `divided` for those that call
 * stretch_vote(), `not_signed` for those with signers.
 */
struct stretch_owner {
	/*
	 * May be NULL.  A commit has ended.  is_done false: it failed for good, and nothing of it
	 * was stored.
	 */
	void (*ended)(void *context, struct commit *commit, bool is_done);
	/*
	 * Block `num` is in the table now, stored by this commit or earlier.  For each block of a
	 * commit that has not failed, in ascending order, this function, `again` or `unstorable` is
	 * called.  All three, and `decided`, are NULL if `ended` handles the outcomes itself.
	 */
	void (*stored)(void *context, uint32_t num);
	/* These blocks were not committed: request them again. */
	void (*again)(void *context, uint32_t first, uint32_t last);
	/* The table cannot hold block `num`. This was logged. */
	void (*unstorable)(void *context, uint32_t num, const char *reason);
	/* Block `num` contradicted a stored one: the end of the dispute, and `reason` for a gap. */
	void (*decided)(void *context, uint32_t num, enum dispute_end end, const char *reason);
	/*
	 * Blocks first..last came from one node, and `last` is not the block that the bound block
	 * above it links to: they were dropped, and the node rests.  Request them again, but if
	 * `reason` is not NULL, give `last` up: the nodes gave too many wrong versions of it.
	 */
	void (*unlinked)(void *context, uint32_t first, uint32_t last, const char *reason);
	/* More than half of the nodes give the block that was put to the vote. */
	void (*vouched)(void *context);
	/* They give another block, or the nodes were read again: drop it. */
	void (*outvoted)(void *context);
	/* No version of the block has a majority; arguments as in struct client_sink. */
	void (*divided)(void *context, uint32_t num, unsigned version_count, const char *reason);
	/*
	 * held[at] is false (is_false), is of another branch than the block before, or has another
	 * key than the nodes tell: drop it and all blocks above it, and call
	 * stretch_forget_signers().
	 */
	void (*not_signed)(void *context, size_t at, bool is_false);
};

struct stretch {
	struct shared *shared;
	const struct stretch_owner *owner;
	void *context;
	/* The owner sets these, after stretch_init(). */
	enum ledger_rewrite rewrite; /* other than LEDGER_KEEP: the blocks are stored already */
	bool is_reversible;          /* the blocks were read at the head */
	/* The blocks of a closed stretch; not owned. NULL: the stretch is open at its end. */
	const struct range_set *closed;
	/* A stretch has signers, anchors or neither; owned. */
	struct signers *signers; /* they must have signed its blocks */
	struct anchors *anchors; /* one of them must bind its blocks */
	/* The owner changes these, too. */
	struct range_set undecided; /* requested or to be requested, not given up */
	struct range_set vouched;
	/* The stretch changes these, and its owner only reads them. */
	struct fetched *held; /* ascending, each number once */
	size_t count;
	size_t capacity;
	uint32_t voting_num; /* the block that is put to the vote; 0: none */
	int64_t voting_since_ms;
	struct client_sink vote_sink;
	struct refusal *refusals;
	size_t refusal_count;
	size_t refusal_capacity;
	uint32_t signed_num; /* the newest block that was judged good; 0: none */
	uint8_t signed_id[BLOCK_ID_BYTES];
	unsigned commit_count; /* commits under way */
	/*
	 * The next commit must wait until the one that begins with this block has ended; 0: none.
	 */
	uint32_t blocking_num;
	uint32_t careful_to;     /* up to this block, each commit has one block */
	struct dispute *dispute; /* nothing is committed while it is open */
	bool is_other_stored;    /* a row with the number of the disputed block is stored */
	bool is_ending;          /* set by the owner: no dispute begins any more */
};

/* `owner` and `shared` must live as long as the stretch. */
void stretch_init(struct stretch *stretch, struct shared *shared, const struct stretch_owner *owner,
		  void *context);
/* Free all blocks. Call it only when no commit is under way, or after the executor has stopped. */
void stretch_release(struct stretch *stretch);
/* Free all blocks, and forget what is known about them: another part of the chain begins. */
void stretch_clear(struct stretch *stretch);

/* Insert a block at its place; another version of the same block is replaced and freed. */
void stretch_hold(struct stretch *stretch, const struct fetched *held);
/* The held block of this number; NULL: none. */
struct fetched *stretch_find(const struct stretch *stretch, uint32_t num);
/* The number of the held block at this index, and of the highest one (0: none is held). */
uint32_t stretch_num(const struct stretch *stretch, size_t at);
uint32_t stretch_last(const struct stretch *stretch);
/* Remove `count` held blocks from the list without freeing them: the caller owns them now. */
void stretch_take_out(struct stretch *stretch, size_t from, size_t count);
/* Free `count` held blocks, and remove them from the list. */
void stretch_drop(struct stretch *stretch, size_t from, size_t count);
/* Free the held blocks from this number on; their votes and verdicts are forgotten. */
void stretch_drop_from(struct stretch *stretch, uint32_t num);

/* Is the block above held[at] held too, so that it can bind this one? */
bool stretch_has_next(const struct stretch *stretch, size_t at);
/* How many of the held blocks are eligible. */
size_t stretch_eligible(const struct stretch *stretch);
/* How many of the eligible blocks are bound, if their links are right. */
size_t stretch_bound(const struct stretch *stretch);
/* The nodes that gave wrong versions of this block, as long as others could be asked. */
uint64_t stretch_not_from(const struct stretch *stretch, uint32_t num);
/* held[at] is not the block that the block above links to: drop it, and tell the owner. */
void stretch_refuse(struct stretch *stretch, size_t at);
/*
 * Check the links of the bound blocks.  False: a block was refused, so votes may be needed before
 * it is called again.
 */
bool stretch_check_links(struct stretch *stretch);
/*
 * How many of the bound blocks are good. Call it after stretch_check_links().  *due_ms: when to
 * call it again.
 */
size_t stretch_judge(struct stretch *stretch, int64_t now_ms, int64_t *due_ms);
/*
 * For stretches without holes: all blocks up to this one are part of the chain, because each links
 * to the next, and more than half of the nodes give the last one.  0: none.
 */
uint32_t stretch_vouched_to(const struct stretch *stretch);
/* Is a block above stretch_vouched_to() held, and no vote under way? */
bool stretch_needs_vote(const struct stretch *stretch);
/*
 * Ask the other nodes whether they give this held block too.  One vote at a time; it goes on if
 * the block is dropped, but then its result counts for another version of it.
 */
void stretch_vote(struct stretch *stretch, const struct fetched *held);
/* Forget the vote that is under way, if any. */
void stretch_end_vote(struct stretch *stretch);
/* Blocks that were judged may be replaced: look up everything again. */
void stretch_forget_signers(struct stretch *stretch);
/*
 * Commit the first `good` blocks.  They wait up to wait_ms for more, so that a commit is worth
 * it.  Returns when to call it again.
 */
int64_t stretch_commit(struct stretch *stretch, size_t good, int64_t wait_ms, int64_t now_ms);
/* Forget the dispute that is open, if any. */
void stretch_end_dispute(struct stretch *stretch);

#endif
