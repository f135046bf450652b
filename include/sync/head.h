/* SPDX-License-Identifier: MIT */
/*
 * The head: what is above the newest irreversible block, stored as soon as a node has it.
 *
 * It only adds reversible rows, as a foretaste: what is true the tail brings some seconds
 * later, when it confirms or replaces them.  So nothing here is tried twice: a block that does
 * not come, or that is not to be stored, comes with the tail.
 *
 * Where blocks are to be signed, these are too; who built on what goes into work->lineage, for the tail.
 *
 * One node is followed as long as it has something new; a fork shows when its blocks do not
 * link to what was seen before, or are not what is stored.
 */
#ifndef SYNC_HEAD_H
#define SYNC_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/work.h"

/*
 * So far above the tail reversible blocks are stored, ten minutes: a lying node must not
 * plant rows far ahead, and a chain that does not become irreversible may be given up.
 */
#define HEAD_MAX_AHEAD 200

struct head;

/* Does nothing, ever, unless the reader is configured to follow the head. */
struct head *head_new(struct work *work);
/* NULL is allowed; only after the writer has stopped, or while head_is_idle(). */
void head_free(struct head *head);
void head_start(struct head *head);
/*
 * tail_next: the block that the tail waits for; all below it are its business.  Returns when to call
 * it again.
 */
int64_t head_step(struct head *head, uint32_t tail_next, int64_t now_ms);
/* Ask and commit nothing more. */
void head_stop(struct head *head);
/* Stopped, and nothing is under way. */
bool head_is_idle(const struct head *head);

#endif
