/* SPDX-License-Identifier: MIT */
/*
 * Did its witness sign a block?
 *
 * The keys of witnesses stand in the table witness_keys, learnt from operations that set them.  Where no row
 * says, the nodes are asked, and believed if more than half of them say the same; those that tell none for
 * 15 s do not count.  If another key signed than a
 * row says, and every block since that row is stored, the block is false; else the nodes are asked again.
 *
 * Blocks are judged in the order of the chain.  What the nodes know is the key of now: a key that a later block
 * in hand changes cannot be had from them, so the signer of the blocks before it is believed.
 */
#ifndef SYNC_SIGNERS_H
#define SYNC_SIGNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/work.h"

struct signers;

enum signer_verdict {
	SIGNER_OPEN,   /* asked for; judge it again later */
	SIGNER_GOOD,   /* its witness signed it, or its JSON does not show what was signed */
	SIGNER_FALSE,  /* somebody else did, or nobody */
	SIGNER_DENIED, /* the nodes now say another key, and nothing explains it: call signers_forget(), and judge it again later */
};

/*
 * is_reversible: of blocks that may never become part of the chain.  Nothing that follows from them goes into
 * the table.
 */
struct signers *signers_new(struct work *work, bool is_reversible);
/* NULL is allowed; only after the writer has stopped. */
void signers_free(struct signers *signers);
/* The witness of this block is to be judged soon: look its key up. */
void signers_expect(struct signers *signers, const struct block *block);
/*
 * Judge held[i]; those before it are known to be good.  is_next: everything below it is decided.  A good block
 * gets its proof, and what it changes holds from then on.  Else `reason` says what is wrong.
 */
enum signer_verdict signers_judge(struct signers *signers, struct held *held, size_t count,
				  size_t i, bool is_next, char *reason, size_t size);
/* Somebody made this block up: say so, and let its giver rest. */
void signers_blame(struct work *work, const struct held *held, const char *reason);
/* Blocks that were judged may be replaced: look up everything again. */
void signers_forget(struct signers *signers);
/* Send what is to be looked up and asked. Returns when to call it again. */
int64_t signers_step(struct signers *signers, int64_t now_ms);

#endif
