/* SPDX-License-Identifier: MIT */
/*
 * What the chain refuses of an operation by itself, whatever else is on it: the limits and rules in the
 * table of operations (codec/operations.h), and those between the members of an operation.
 *
 * A node would say the same (validate(), and the plugin that all witnesses run).  What depends on the
 * state of the chain, such as a balance, is not known here.
 *
 * The surprise: it walks over the packed bytes, which are what a node checks, not over the JSON.
 */
#ifndef STEEM_CODEC_RULES_H
#define STEEM_CODEC_RULES_H

#include <stdint.h>

#include "steem/chain.h"
#include "steem/codec/operations.h"

#define RULES_REASON_BYTES 200

/*
 * Check the bytes of an operation behind its number, as codec/pack.h packed them, so they are whole.
 * Returns the first byte behind them.  NULL: it breaks a rule, and reason says which:
 * "memo: it has 2048 bytes; at most 2047 are allowed".
 */
const uint8_t *rules_check(const struct chain *chain, const struct codec_operation *row,
			   const uint8_t *packed, char reason[RULES_REASON_BYTES]);

#endif
