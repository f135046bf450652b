/* SPDX-License-Identifier: MIT */
/*
 * The promises of doc/architecture.md, checked against the model of the tables: at each
 * commit and at the end.
 */
#ifndef SIM_PROMISES_H
#define SIM_PROMISES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "tables.h"

/*
 * From now on every commit is checked.  has_lies: nodes give false blocks.  keys_are_known: none
 * of them may be stored, however many nodes lie.
 */
void promises_open(bool has_lies, bool keys_are_known);
/* Somebody deletes rows by hand: nothing is checked until promises_mended(). */
void promises_torn(uint32_t first, uint32_t last);
void promises_mended(void);

/*
 * The wanted blocks up to `to` that are not stored; without_gaps: and that are not in
 * known_gaps.
 */
void promises_missing(uint32_t to, bool without_gaps, struct range_set *ret_missing);
/* The newest stored block, reversible or not. */
uint32_t promises_newest(void);
/* Is a stored block false? */
bool promises_holds_lies(void);
/* All wanted blocks are stored, complete and right, and nothing else is. */
void promises_check_all(void);

/* Are all seen comments of the outbox confirmed? */
bool promises_all_confirmed(void);

#endif
