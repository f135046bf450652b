/* SPDX-License-Identifier: MIT */
/*
 * The task that records in the table witness_keys which keys signed lately.
 */
#ifndef SYNC_RECORD_SIGNED_H
#define SYNC_RECORD_SIGNED_H

#include "store/witness_keys.h"
#include "sync/shared.h"

/*
 * Record that each of these keys signed its block last_signed.  Empties the list; it may be empty.
 */
void record_signed(struct shared *shared, struct witness_key_list *keys);

#endif
