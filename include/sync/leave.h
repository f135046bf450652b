/* SPDX-License-Identifier: MIT */
/* The errand that makes blocks which the tail cannot have a known gap: they are left to the replay. */
#ifndef SYNC_LEAVE_H
#define SYNC_LEAVE_H

#include <stdint.h>

#include "sync/work.h"

/*
 * Blocks num..last, of which num cannot be had for this reason; what others stored of those above
 * it is no gap.  The scan is brought up to block last first, so everything below num must be
 * decided.  done is called when the gap stands in the table (not when the reader must end: see
 * work_end()).
 */
void leave_blocks(struct work *work, uint32_t num, uint32_t last, const char *reason,
		  void (*done)(void *context, uint32_t last), void *context);

#endif
