/* SPDX-License-Identifier: MIT */
/*
 * The reader's standing in the shared tables: heartbeats, renewed claims, and a row that
 * says the truth when it leaves.
 */
#ifndef SYNC_KEEPER_H
#define SYNC_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/work.h"

struct keeper;

struct keeper *keeper_new(struct work *work);
/* NULL is allowed; only after the writer has stopped. */
void keeper_free(struct keeper *keeper);
/* Once a heartbeat is due: say that the reader is in `state` (a constant string); renew its claims if it holds any. */
void keeper_step(struct keeper *keeper, const char *state, bool has_claims);
int64_t keeper_next_timeout_ms(const struct keeper *keeper);
/* The next keeper_step() sends a heartbeat: the state changed. */
void keeper_hurry(struct keeper *keeper);
/* Last word: a daemon's row says `stopped`, any other's is removed. */
void keeper_sign_off(struct keeper *keeper);
bool keeper_has_signed_off(const struct keeper *keeper);

#endif
