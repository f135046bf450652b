/* SPDX-License-Identifier: MIT */
/*
 * The replay of one claimed cell: ask for what is missing of it, commit it as it comes,
 * then say in the tables what could not be had and give the claim back.
 */
#ifndef SYNC_CELL_H
#define SYNC_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/claims.h"
#include "sync/work.h"

struct cell;

/*
 * Takes claim->missing, which is not empty.  rewrite other than LEDGER_KEEP: not a claim but
 * blocks that stand there; their operations are written again and nothing is given back.
 */
struct cell *cell_new(struct work *work, struct claim *claim, enum ledger_rewrite rewrite);
/* Ask, commit, settle: whatever can be done now. Returns when to call it again. */
int64_t cell_step(struct cell *cell, int64_t now_ms);
/*
 * Stop asking; what was given is still committed, up to the first block that was not, then
 * the claim is given back.
 */
void cell_give_up(struct cell *cell);
/* It was settled (or failed to be, and the reader is ending). */
bool cell_is_done(const struct cell *cell);
/* The ends of what was missing of it when it was claimed. */
uint32_t cell_first_missing(const struct cell *cell);
uint32_t cell_last_missing(const struct cell *cell);
/* Blocks of it that are in the table now because of this cell. */
unsigned cell_filled_count(const struct cell *cell);
unsigned cell_failed_count(const struct cell *cell);
/* Why the last block that was to be written again could not be had; NULL: there was none. */
const char *cell_rewrite_failure(const struct cell *cell);
/* Only once done, or after the writer has stopped. NULL is allowed. */
void cell_free(struct cell *cell);

#endif
