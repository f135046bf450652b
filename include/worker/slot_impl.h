/* SPDX-License-Identifier: MIT */
/* The inside of a slot: for slot.c and slot_result.c only. */
#ifndef WORKER_SLOT_IMPL_H
#define WORKER_SLOT_IMPL_H

#include "worker/slot.h"

/* The verdict stands: it is sent, and the slot is free once the database has taken it. */
void slot_end_delivery(struct slot *slot);
/* Again, after the database did not take it. */
void slot_send_result(struct slot *slot);
/* Without a result. */
void slot_clear(struct slot *slot);
/* The worker cannot go on. */
void slot_fail_worker(struct slot *slot, const struct error *err);

#endif
