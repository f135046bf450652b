/* SPDX-License-Identifier: MIT */
/*
 * The task that notes in the table witness_keys which keys signed lately.
 */
#ifndef SYNC_NOTE_KEYS_H
#define SYNC_NOTE_KEYS_H

#include "store/witness_keys.h"
#include "sync/shared.h"

/* Note that each of these keys signed its block last_signed.  Empties the list; it may be empty. */
void note_keys(struct shared *shared, struct witness_key_list *keys);

#endif
