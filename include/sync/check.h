/* SPDX-License-Identifier: MIT */
/*
 * Do blocks link?  Pure.
 *
 * What can be seen in one block alone is checked where it is decoded; the links to
 * stored neighbours are checked in the commit.  This is what lies between.
 */
#ifndef SYNC_CHECK_H
#define SYNC_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "steem/block.h"

/* Does `next` name `block` as the one before it? Blocks whose numbers do not follow always do. */
bool check_link(const struct block *block, const struct block *next);

#endif
