/* SPDX-License-Identifier: MIT */
/* The errand that makes a block which the tail cannot have a known gap: it is left to the replay. */
#ifndef SYNC_LEAVE_H
#define SYNC_LEAVE_H

#include <stdint.h>

#include "sync/work.h"

/*
 * The scan is brought up to block num first, so everything below must be decided.  done is
 * called when the gap stands in the table (not when the reader must end: see work_end()).
 */
void leave_block(struct work *work, uint32_t num, const char *reason,
		 void (*done)(void *context, uint32_t num), void *context);

#endif
