/* SPDX-License-Identifier: MIT */
/*
 * The head: stores the blocks above the newest irreversible block as soon as a node has
 * them.
 *
 * It only adds reversible rows, as a preview.  Some seconds later the tail confirms or
 * replaces them.  So nothing is retried here: a block that does not arrive, or that cannot
 * be stored, comes with the tail.
 *
 * If blocks must be signed, the signers of these blocks are checked too.  shared->lineage
 * learns which witness built on which block; the tail uses that.
 *
 * One node is followed as long as it has something new.  A fork shows when its blocks do
 * not link to the blocks seen before, or differ from the stored ones.
 */
#ifndef SYNC_HEAD_H
#define SYNC_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/shared.h"

/*
 * Reversible blocks are stored at most this far above the tail (ten minutes): a lying node must
 * not plant rows far ahead, and a chain that does not become irreversible may be abandoned.
 */
#define HEAD_MAX_AHEAD 200

struct head;

/* Does nothing at all unless the reader is configured to follow the head. */
struct head *head_new(struct shared *shared);
/* NULL is allowed. Call it only after the executor has stopped, or while head_is_idle(). */
void head_free(struct head *head);
void head_start(struct head *head);
/*
 * tail_next: the block that the tail waits for; all below it are its business.  Returns when to
 * call it again.
 */
int64_t head_step(struct head *head, uint32_t tail_next, int64_t now_ms);
/* Ask and commit nothing more. */
void head_stop(struct head *head);
/* Stopped, and nothing is under way. */
bool head_is_idle(const struct head *head);

#endif
