/* SPDX-License-Identifier: MIT */
/* The internals of a slot, for slot.c and slot_result.c only. */
#ifndef WORKER_SLOT_IMPL_H
#define WORKER_SLOT_IMPL_H

#include "worker/slot.h"

/* The ending is set: send it. The slot is free when the database has accepted it. */
void slot_end_delivery(struct slot *slot);
/* Send it again, because the database did not accept it. */
void slot_send_result(struct slot *slot);
/* Free the slot without sending a result. */
void slot_clear(struct slot *slot);
/* The worker cannot continue. */
void slot_fail_worker(struct slot *slot, const struct error *err);

#endif
