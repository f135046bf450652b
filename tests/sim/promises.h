/* SPDX-License-Identifier: MIT */
/*
 * The promises of doc/architecture.md, held against the model of the tables: at each commit,
 * and at the end.
 */
#ifndef SIM_PROMISES_H
#define SIM_PROMISES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"
#include "tables.h"

/* From now on every commit is looked at. has_lies: nodes give blocks that are not the chain's. */
void promises_open(bool has_lies);
/* Somebody tears rows out by hand: nothing is looked at until promises_mended(). */
void promises_torn(uint32_t first, uint32_t last);
void promises_mended(void);

/* What is wanted up to `to` and not stored; with_gaps: nor shown in known_gaps. */
void promises_missing(uint32_t to, bool without_gaps, struct range_set *ret_missing);
/* The newest block that stands there, reversible or not. */
uint32_t promises_newest(void);
/* A block stands there that is not the chain's. */
bool promises_holds_lies(void);
/* What is wanted is stored, whole and right, and nothing else is. */
void promises_check_all(void);

/* Nothing that was seen of the outbox is still to be confirmed. */
bool promises_all_confirmed(void);

#endif
