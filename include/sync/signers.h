/* SPDX-License-Identifier: MIT */
/*
 * Did its witness sign a block?
 *
 * The table witness_keys has the keys of witnesses, learnt from the operations that set
 * them.  If it has no row, the nodes are asked, and a key is believed if more than half of
 * them give it; nodes that give none for 15 s do not count.  If a row has another key than
 * the signer's, and every block since that row is stored, the block is false; otherwise
 * the nodes are asked again.
 *
 * Blocks are judged in chain order.  Nodes only know the present key.  If a later block in
 * hand changes the key, the nodes cannot tell the earlier one, so the signer of the blocks
 * before that change is believed.
 */
#ifndef SYNC_SIGNERS_H
#define SYNC_SIGNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/work.h"

struct signers;

enum signer_verdict {
	SIGNER_OPEN,  /* being looked up: judge it again later */
	SIGNER_GOOD,  /* its witness signed it, or its JSON does not contain all signed bytes */
	SIGNER_FALSE, /* somebody else signed it, or nobody */
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
struct signers *signers_new(struct work *work, bool is_reversible);
/* NULL is allowed. Call it only after the writer has stopped. */
void signers_free(struct signers *signers);
/* This block will be judged soon: look up the key of its witness. */
void signers_expect(struct signers *signers, const struct block *block);
/*
 * Judge held[i]; the blocks before it are known to be good.  is_next: everything below it is
 * decided.  A good block gets its proof, and its key changes apply from then on.  Otherwise
 * `reason` says what is wrong.
 */
enum signer_verdict signers_judge(struct signers *signers, struct held *held, size_t count,
				  size_t i, bool is_next, char *reason, size_t size);
/* This block is false: log it, and let the node that gave it rest. */
void signers_blame(struct work *work, const struct held *held, const char *reason);
/* Blocks that were judged may be replaced: look up everything again. */
void signers_forget(struct signers *signers);
/* Send what is to be looked up and asked. Returns when to call it again. */
int64_t signers_step(struct signers *signers, int64_t now_ms);

#endif
