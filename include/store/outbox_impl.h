/* SPDX-License-Identifier: MIT */
/* Private to outbox.c and outbox_trxs.c. */
#ifndef STORE_OUTBOX_IMPL_H
#define STORE_OUTBOX_IMPL_H

#include "store/outbox.h"

#define OUTBOX_STEP_ROWS 100

/*
 * Confirm seen transactions from step->trx_id on, in one transaction that never waits for a lock.
 */
int outbox_confirm_trxs(struct db *db, struct outbox_step *step, struct error *err) MUST_CHECK;

#endif
