/* SPDX-License-Identifier: MIT */
/*
 * Asks the nodes for the keys with which witnesses sign now.
 *
 * All nodes are asked, once a second, until more than half of them tell the same key.  A node
 * that has told none after 15 s does not count, as in votes about blocks.
 */
#ifndef SYNC_NODE_KEYS_H
#define SYNC_NODE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/shared.h"

struct node_keys;

/* is_quiet: log nothing. */
struct node_keys *node_keys_new(struct shared *shared, bool is_quiet);
/* NULL is allowed. No http_wait() may follow. */
void node_keys_free(struct node_keys *keys);
/*
 * Ask for the key of this witness, which should have signed `block`. Earlier answers are forgotten.
 */
void node_keys_ask(struct node_keys *keys, const char *witness, uint32_t block);
/* Its key is no longer wanted; it need not have been. */
void node_keys_stop(struct node_keys *keys, const char *witness);
/* No key is wanted any more. */
void node_keys_stop_all(struct node_keys *keys);
/*
 * The key that more than half of the nodes tell; NULL: they do not, or were not asked.  After 15 s, nodes
 * that told none do not count.
 */
const char *node_keys_told(const struct node_keys *keys, const char *witness);
/* Did the nodes have 15 s, and more than half of all of them still do not tell the same key? */
bool node_keys_are_late(const struct node_keys *keys, const char *witness);
/* Send the requests. Returns when to call it again. */
int64_t node_keys_step(struct node_keys *keys, int64_t now_ms);

#endif
