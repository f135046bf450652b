/* SPDX-License-Identifier: MIT */
/*
 * Keeps the reader's row and claims in the shared tables up to date: sends heartbeats,
 * renews claims, and leaves a true row at the end.  Each heartbeat also reads the state of
 * the other readers.
 */
#ifndef SYNC_HEARTBEAT_H
#define SYNC_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/overview.h"
#include "store/queue_status.h"
#include "sync/shared.h"

struct heartbeat;

/* The caller owns the heartbeat; `shared` must outlive it. */
struct heartbeat *heartbeat_new(struct shared *shared);
/* NULL is allowed. Call it only after the executor has stopped. */
void heartbeat_free(struct heartbeat *heartbeat);
/* Also keep an overview of the tables, about as fresh as the heartbeat. */
void heartbeat_want_overview(struct heartbeat *heartbeat);
/*
 * Once a heartbeat is due: say that the reader is in `state` (a constant string); renew its claims
 * if it holds any.  decided: up to here every block is stored or a known gap; 0: unknown.  Returns
 * when to call it again.
 */
int64_t heartbeat_step(struct heartbeat *heartbeat, const char *state, bool has_claims,
		       uint32_t decided, int64_t now_ms);
/* The next heartbeat_step() sends a heartbeat: the state changed. */
void heartbeat_hurry(struct heartbeat *heartbeat);
/* The last write: a daemon's row says `stopped`; the row of any other reader is removed. */
void heartbeat_sign_off(struct heartbeat *heartbeat);
bool heartbeat_has_signed_off(const struct heartbeat *heartbeat);
/* When the database last accepted a heartbeat; 0: never. */
int64_t heartbeat_beat_at_ms(const struct heartbeat *heartbeat);
/* The highest irreversible block that any reader had recorded at that time. */
uint32_t heartbeat_irreversible(const struct heartbeat *heartbeat);
/* The newest overview, and when it was made; NULL: none yet. */
const struct overview *heartbeat_overview(const struct heartbeat *heartbeat, int64_t *ret_at_ms);
/* The state of queues and outbox at that time; NULL: not known. */
const struct queue_status *heartbeat_queues(const struct heartbeat *heartbeat);

#endif
