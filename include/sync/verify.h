/* SPDX-License-Identifier: MIT */
/*
 * Comparing stored blocks with the chain, and mending them: a window of blocks at a time is
 * fetched and held against its rows.
 *
 * What one node alone says is not believed against the tables: where its block and the rows
 * differ, another node is asked, and only a difference that both see is reported and mended.
 * A block is written only if two nodes give the same content, or if its hashes prove its content and the
 * table already contains its id: in the block's own row, or in the next block's `previous`.
 * With a single node configured there is nobody else, and its word counts.
 */
#ifndef SYNC_VERIFY_H
#define SYNC_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "store/audit.h"
#include "sync/work.h"

struct verify;

struct verify_counts {
	uint64_t compared; /* blocks that were held against the chain, or known to be missing */
	uint64_t found;    /* blocks with a finding */
	uint64_t mended;   /* of them */
	uint64_t unknown;  /* blocks that could not be compared */
};

struct verify *verify_new(struct work *work);
/* NULL is allowed; only after the writer has stopped. */
void verify_free(struct verify *verify);
/* Begin: work->config.verify says what. */
void verify_start(struct verify *verify);
/* Ask, compare, mend: whatever can be done now. Returns when to call it again. */
int64_t verify_step(struct verify *verify, int64_t now_ms);
bool verify_is_done(const struct verify *verify);
void verify_get_counts(const struct verify *verify, struct verify_counts *ret_counts);
/* Ask and write nothing more; verify_is_done() once what is under way has ended. */
void verify_stop(struct verify *verify);

#endif
