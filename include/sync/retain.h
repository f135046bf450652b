/* SPDX-License-Identifier: MIT */
/*
 * Retention in a running reader (queue.keep_days): now and then a pass removes deliveries
 * that ended long ago.  It runs in small errands with pauses between them, so that
 * heartbeats and claims continue.
 */
#ifndef SYNC_RETAIN_H
#define SYNC_RETAIN_H

#include <stdint.h>

#include "sync/work.h"

struct retain;

/* The caller owns it; work must outlive it. */
struct retain *retain_new(struct work *work);
/* NULL is allowed. Call it only after the writer has stopped. */
void retain_free(struct retain *retain);
/* Send the errand that is due. Only a daemon does, and only if keep_days is set. */
void retain_step(struct retain *retain);
/* ms until retain_step() has something to do; -1: never, or not before an errand ends. */
int64_t retain_next_timeout_ms(const struct retain *retain);

#endif
