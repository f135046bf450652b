/* SPDX-License-Identifier: MIT */
/*
 * Do two blocks link?  Pure.
 *
 * The decoder checks what can be seen in one block alone.  The commit checks the links to
 * stored neighbours.  This module checks the links between blocks that are not stored yet.
 */
#ifndef SYNC_CHECK_H
#define SYNC_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "steem/block.h"

/*
 * Does `next` name `block` as its predecessor? True as well if their numbers are not
 * consecutive.
 */
bool check_link(const struct block *block, const struct block *next);

#endif
