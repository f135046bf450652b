/* SPDX-License-Identifier: MIT */
/*
 * The confirmer: what commits saw of the outbox becomes `confirmed` there.
 *
 * At the start, after each commit that saw something, and now and then for what a reader
 * saw that died since.  All of it is errands that wait for nobody; a row that a bot holds is
 * tried again soon.
 */
#ifndef SYNC_CONFIRM_H
#define SYNC_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/work.h"

struct confirm;

struct confirm *confirm_new(struct work *work);
/* NULL is allowed; only after the writer has stopped. */
void confirm_free(struct confirm *confirm);
/* Send what is due. Returns when to call it again. */
int64_t confirm_step(struct confirm *confirm, int64_t now_ms);
/* Nothing is under way, and this reader saw nothing that it did not look after. */
bool confirm_is_idle(const struct confirm *confirm);

#endif
