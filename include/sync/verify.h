/* SPDX-License-Identifier: MIT */
/*
 * Compares stored blocks with the chain, and repairs them: fetches a window of blocks at a
 * time and compares it with its rows.
 *
 * One node alone is not believed against the tables.  A block is written if its hashes prove its
 * content and one of these is true: more than half of the nodes give it, or a block that links
 * down to it; or the table already contains its id, in the block's own row or in the next block's
 * `previous`.  Nodes vote on what has no proof, as they do when blocks are read.
 *
 * With reader.proof = "off" an id says nothing about the operations.  Then another node is asked about
 * each difference, and only what two nodes give alike is reported and repaired.  If only one node is
 * configured, that node is believed.
 */
#ifndef SYNC_VERIFY_H
#define SYNC_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "store/audit.h"
#include "sync/shared.h"

struct verify;

struct verify_counts {
	uint64_t compared; /* blocks that were compared with the chain, or known to be missing */
	uint64_t found;    /* blocks with a finding */
	uint64_t mended;   /* of them: repaired */
	uint64_t unknown;  /* blocks that could not be compared */
};

/* The caller owns it; `shared` must outlive it. */
struct verify *verify_new(struct shared *shared);
/* NULL is allowed. Call it only after the executor has stopped. */
void verify_free(struct verify *verify);
/* Begin with the ranges of shared->config.verify. */
void verify_start(struct verify *verify);
/* Ask, compare and mend, as far as possible now. Returns when to call it again. */
int64_t verify_step(struct verify *verify, int64_t now_ms);
bool verify_is_done(const struct verify *verify);
void verify_get_counts(const struct verify *verify, struct verify_counts *ret_counts);
/*
 * Request and write nothing more. verify_is_done() becomes true when what is under way has
 * ended.
 */
void verify_stop(struct verify *verify);

#endif
