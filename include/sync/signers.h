/* SPDX-License-Identifier: MIT */
/*
 * Did its witness sign a block?
 *
 * Keys of witnesses are learnt from the operations that set them; the table witness_keys has
 * them.
 *
 *     the known key signed the block: it is good
 *     another key did: it is false, if every block since the known key was set is stored;
 *         otherwise its signer is not known
 *     its signer is not known: it waits for a block above it that is signed with a known key.
 *         Nobody else can make such a block, and it links down to the one that waits; so that
 *         one is good, and the key that signed it is learnt
 *     too few keys are known that signed lately (keyring.h), at a first start: most nodes must
 *         tell the key that signed the block (node_keys.h).  But nodes know only the present
 *         key, so if a later block in hand sets that one, any earlier one is believed
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
	SIGNER_OPEN, /* its key is looked up, or it waits for a block above: judge it again later */
	/*
	 * its witness signed it, or a block above it binds it, or its JSON does not show the whole
	 * header and too few keys are known
	 */
	SIGNER_GOOD,
	SIGNER_FALSE, /* another key signed it, or none; or no known key signed many blocks above it */
	/* most nodes tell another key: call signers_forget(), and judge it again later */
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
/* Why the block that was judged last is SIGNER_FALSE or SIGNER_DENIED. */
const char *signers_reason(const struct signers *signers);
/*
 * Does this block wait for one above it that is signed with a known key?  Until that one comes, the
 * block cannot be stored.
 */
bool signers_holds_up(const struct signers *signers, uint32_t num);
/* Blocks that were judged may be replaced: look up everything again. */
void signers_forget(struct signers *signers);
/* Send the look-ups, and the questions to nodes. Returns when to call it again. */
int64_t signers_step(struct signers *signers, int64_t now_ms);

#endif
