/* SPDX-License-Identifier: MIT */
/*
 * Retention in a running reader (queue.keep_days): now and then a pass removes deliveries
 * that ended long ago.  It runs in small tasks with pauses between them, so that
 * heartbeats and claims continue.
 */
#ifndef SYNC_EXPIRY_H
#define SYNC_EXPIRY_H

#include <stdint.h>

#include "sync/shared.h"

struct expiry;

/* The caller owns it; `shared` must outlive it. */
struct expiry *expiry_new(struct shared *shared);
/* NULL is allowed. Call it only after the executor has stopped. */
void expiry_free(struct expiry *expiry);
/*
 * Remove the next deliveries if it is time; only a daemon with queue.keep_days does this.
 * Returns when to call this function again.
 */
int64_t expiry_step(struct expiry *expiry, int64_t now_ms);

#endif
