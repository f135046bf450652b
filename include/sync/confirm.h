/* SPDX-License-Identifier: MIT */
/*
 * The confirmer sets rows of the outbox to `confirmed` when commits have seen their
 * comments on the chain.
 *
 * It runs at the start, after each commit that saw such a comment, and now and then for
 * comments that a reader saw before it died.  All of it runs as tasks that never wait
 * for a row lock: a row that a bot has locked is tried again soon.
 */
#ifndef SYNC_CONFIRM_H
#define SYNC_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/shared.h"

struct confirm;

/* The caller owns the confirmer; `shared` must outlive it. */
struct confirm *confirm_new(struct shared *shared);
/* NULL is allowed. Call it only after the executor has stopped. */
void confirm_free(struct confirm *confirm);
/* Send the next look-up if it is due. Returns when to call this function again. */
int64_t confirm_step(struct confirm *confirm, int64_t now_ms);
/* Nothing is under way, and this reader saw nothing that it did not look after. */
bool confirm_is_idle(const struct confirm *confirm);

#endif
