/* SPDX-License-Identifier: MIT */
#include "sync/ballot.h"

#include <string.h>

#include "base/log.h"

static struct log_limit orphan_limit = LOG_LIMIT_INIT(10000);

void ballot_add(struct ballot *ballot, unsigned node, const uint8_t id[BLOCK_ID_BYTES],
		bool is_stored)
{
	uint64_t alike = UINT64_C(1) << node;

	if (is_stored) {
		ballot->agreeing |= alike;
		return;
	}
	ballot->differing |= alike;
	memcpy(ballot->ids[node], id, BLOCK_ID_BYTES);
	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((ballot->differing >> i & 1) && block_id_equal(ballot->ids[i], id))
			alike |= UINT64_C(1) << i;
	if (__builtin_popcountll(alike) > __builtin_popcountll(ballot->deniers))
		ballot->deniers = alike;
}

bool ballot_is_against(const struct ballot *ballot, const struct pool *pool)
{
	return 2 * (size_t)__builtin_popcountll(ballot->deniers) > pool_count(pool);
}

void ballot_deny(const struct ballot *ballot, uint64_t nodes, struct shared *shared,
		 const struct stored_block *stored)
{
	char id[BLOCK_ID_HEX + 1], stored_id[BLOCK_ID_HEX + 1];

	for (unsigned i = 0; i < pool_count(shared->pool); i++) {
		struct node *node = pool_node(shared->pool, i);

		if (!(nodes >> i & 1))
			continue;
		if (!node->is_denied) {
			shared->false_claims++;
			log_warning(
				"claim_false",
				"%s gives block %u as %s, but %s is stored: the node is on another branch or lies; it is asked for this block alone until it gives the stored one",
				node->label, stored->num, block_id_format(ballot->ids[i], id),
				block_id_format(stored->id, stored_id));
		}
		node->is_on_trial = node->has_no_vote = node->is_denied = true;
	}
}

void ballot_clear(struct node *node)
{
	node->is_on_trial = node->has_no_vote = node->is_denied = false;
}

void ballot_tell_orphan(const struct ballot *ballot, const struct pool *pool,
			const struct stored_block *stored)
{
	char id[BLOCK_ID_HEX + 1];

	log_limited(
		&orphan_limit, LOG_LEVEL_WARNING, "stored_block_orphaned",
		"stored block %u (%s) may be wrong: %d of %zu nodes give another one%s; the stored row stays until it is repaired: steem-reader --verify %u-%u --repair",
		stored->num, block_id_format(stored->id, id), __builtin_popcountll(ballot->deniers),
		pool_count(pool),
		pool_count(pool) == 1
			? " (with one node only, it may also be the node that is wrong)"
			: "",
		stored->num, stored->num);
}
