/* SPDX-License-Identifier: MIT */
/*
 * The lower edges of what a cell fetches.
 *
 * A block is seen beside the one before it, in hand or stored.  At the lower edge of a missing
 * stretch there may be neither: the block below is another reader's work, or is missing too.
 * A false link there would be believed, and then keep the true block below out for
 * good.  So that block is fetched as well, of another node if there is one, only to be
 * compared.
 */
#ifndef SYNC_EDGE_H
#define SYNC_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/work.h"

struct edge;

/* known: block num was given, or nobody gives it (then nothing contradicts it). */
struct edge *edge_new(struct work *work, void (*known)(void *context, uint32_t num), void *context);
/* NULL is allowed. */
void edge_free(struct edge *edge);
/* Ask for block num, of others than `giver`. False when that was done before. */
bool edge_ask(struct edge *edge, uint32_t num, unsigned giver);
/* Is the block below this one known, by another id than this one links to? */
bool edge_contradicts(const struct edge *edge, const struct block *block);
/* Forget what is asked for: `known` is not called any more. */
void edge_drop(struct edge *edge);
/* The same, and what is known: all may be asked for again. */
void edge_forget(struct edge *edge);

#endif
