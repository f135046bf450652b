/* SPDX-License-Identifier: MIT */
/*
 * Did its witness sign a block?
 *
 * The table witness_keys has the keys of witnesses, learnt from the operations that set
 * them.  If a row has another key than the signer's, and every block since that row is
 * stored, the block is false.  Otherwise the signer is not known.
 *
 * A block whose signer is not known waits for a block above it that is signed with a known
 * key.  Nobody else can make such a block, and it links down to the block that waits; so that
 * one is good, and the key that signed it is learnt.  Nodes are not asked.
 *
 * Only while the table knows too few keys that signed lately (keyring.h), at a first start,
 * the nodes are asked, and a key is believed if more than half of them give it; nodes that
 * give none for 15 s do not count.  Nodes only know the present key.  If a later block in
 * hand changes the key, the nodes cannot tell the earlier one, so the signer of the blocks
 * before that change is believed.
 *
 * Blocks are judged in chain order.
 */
#ifndef SYNC_SIGNERS_H
#define SYNC_SIGNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/fetched.h"
#include "sync/shared.h"

struct signers;

enum signer_verdict {
	SIGNER_OPEN, /* being looked up, or it waits for a block above: judge it again later */
	/*
	 * its witness signed it, or a block above it binds it, or its JSON does not contain the
	 * signed header and no keys are known
	 */
	SIGNER_GOOD,
	/* somebody else signed it, or nobody; or many blocks above it, and no known key */
	SIGNER_FALSE,
	/*
	 * the nodes now give another key, and nothing explains it: call signers_forget(), and
	 * judge it again later
	 */
	SIGNER_DENIED,
};

/*
 * is_reversible: the blocks may never become part of the chain, so nothing learnt from them goes
 * into the table.
 */
struct signers *signers_new(struct shared *shared, bool is_reversible);
/* NULL is allowed. Call it only after the executor has stopped. */
void signers_free(struct signers *signers);
/* This block will be judged soon: look up the key of its witness. */
void signers_expect(struct signers *signers, const struct block *block);
/*
 * Judge the block held[0]; the other `count` - 1 lie above it, and those below it are known to be
 * good.  is_next: everything below it is decided.  A good block gets its proof, and its key
 * changes apply from then on.
 */
enum signer_verdict signers_judge(struct signers *signers, struct fetched *held, size_t count,
				  bool is_next);
/* What is wrong with the block that was judged last, if it is SIGNER_FALSE or SIGNER_DENIED. */
const char *signers_reason(const struct signers *signers);
/* This block is false: log it, and let the node that gave it rest. */
void signers_blame(struct shared *shared, const struct fetched *held, const char *reason);
/*
 * Does this block wait for one above it that is signed with a known key?  If that one does not
 * come, the waiting block is worth nothing.
 */
bool signers_holds_up(const struct signers *signers, uint32_t num);
/* Blocks that were judged may be replaced: look up everything again. */
void signers_forget(struct signers *signers);
/* Send what is to be looked up and asked. Returns when to call it again. */
int64_t signers_step(struct signers *signers, int64_t now_ms);

#endif
