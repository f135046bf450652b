/* SPDX-License-Identifier: MIT */
/*
 * The task that records blocks which the tail cannot get as a known gap, so that the replay
 * fetches them.
 */
#ifndef SYNC_RECORD_GAP_H
#define SYNC_RECORD_GAP_H

#include <stdint.h>

#include "sync/shared.h"

/*
 * Record num..last; `reason` says why block num cannot be had.  Blocks that other readers stored
 * are left out.  The scan is first brought up to block last, so everything below num must be
 * decided.  done is called when the gap is in the table (not if the reader must end: see
 * shared_end()).
 */
void record_gap(struct shared *shared, uint32_t num, uint32_t last, const char *reason,
		void (*done)(void *context, uint32_t last), void *context);

#endif
