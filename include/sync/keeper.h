/* SPDX-License-Identifier: MIT */
/*
 * Keeps the reader's row and claims in the shared tables up to date: sends heartbeats,
 * renews claims, and leaves a true row at the end.  Each heartbeat also reads the state of
 * the other readers.
 */
#ifndef SYNC_KEEPER_H
#define SYNC_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "store/overview.h"
#include "store/queue_status.h"
#include "sync/work.h"

struct keeper;

/* The caller owns the keeper; work must outlive it. */
struct keeper *keeper_new(struct work *work);
/* NULL is allowed. Call it only after the writer has stopped. */
void keeper_free(struct keeper *keeper);
/* Also keep an overview of the tables, about as fresh as the heartbeat. */
void keeper_want_overview(struct keeper *keeper);
/*
 * Once a heartbeat is due: say that the reader is in `state` (a constant string); renew its claims if it holds any.
 * decided: up to here every block is stored or a known gap; 0: unknown.  Returns when to call it again.
 */
int64_t keeper_step(struct keeper *keeper, const char *state, bool has_claims, uint32_t decided,
		    int64_t now_ms);
/* The next keeper_step() sends a heartbeat: the state changed. */
void keeper_hurry(struct keeper *keeper);
/* The last write: a daemon's row says `stopped`; the row of any other reader is removed. */
void keeper_sign_off(struct keeper *keeper);
bool keeper_has_signed_off(const struct keeper *keeper);
/* When the database last accepted a heartbeat; 0: never. */
int64_t keeper_beat_at_ms(const struct keeper *keeper);
/* The highest irreversible block that any reader had recorded at that time. */
uint32_t keeper_irreversible(const struct keeper *keeper);
/* The newest overview, and when it was made; NULL: none yet. */
const struct overview *keeper_overview(const struct keeper *keeper, int64_t *ret_at_ms);
/* The state of queues and outbox at that time; NULL: not known. */
const struct queue_status *keeper_queues(const struct keeper *keeper);

#endif
