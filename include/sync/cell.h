/* SPDX-License-Identifier: MIT */
/*
 * The replay of one claimed cell: requests its missing blocks, commits them as they
 * arrive, then records in the tables which ones could not be had, and releases the claim.
 */
#ifndef SYNC_CELL_H
#define SYNC_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/claims.h"
#include "sync/shared.h"

struct cell;

/*
 * Takes claim->missing, which must not be empty.  If `rewrite` is not LEDGER_KEEP, `claim` is
 * not a real claim but a list of stored blocks whose operations are written again; then nothing
 * is released.
 */
struct cell *cell_new(struct shared *shared, struct claim *claim, enum ledger_rewrite rewrite);
/* Ask, commit and release the claim, as far as possible now. Returns when to call it again. */
int64_t cell_step(struct cell *cell, int64_t now_ms);
/*
 * Request nothing more.  Blocks that have arrived are still committed, up to the first missing
 * one; then the claim is released.
 */
void cell_give_up(struct cell *cell);
/* The claim was released, or releasing it failed and the reader is ending. */
bool cell_is_done(const struct cell *cell);
/* The ends of what was missing of it when it was claimed. */
uint32_t cell_first_missing(const struct cell *cell);
uint32_t cell_last_missing(const struct cell *cell);
/* How many blocks of the cell are in the table now because of it, and how many were given up. */
unsigned cell_filled_count(const struct cell *cell);
unsigned cell_failed_count(const struct cell *cell);
/* Why the last block that was to be written again could not be had; NULL: there was none. */
const char *cell_rewrite_failure(const struct cell *cell);
/* NULL is allowed. Call it only when the cell is done, or after the executor has stopped. */
void cell_free(struct cell *cell);

#endif
