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
/*
 * Send what is due; a daemon only, and only where keep_days says so.  Returns when to call it
 * again.
 */
int64_t retain_step(struct retain *retain, int64_t now_ms);

#endif
