/* SPDX-License-Identifier: MIT */
/*
 * Blocks that their JSON does not prove: such a block is taken only if more than half of the nodes
 * give it alike.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"

/* One version of a block, and which nodes gave it. */
struct version {
	struct version *next;
	struct block *block;
	uint64_t given_by;
};

void want_drop_versions(struct want *want)
{
	while (want->versions) {
		struct version *version = want->versions;

		want->versions = version->next;
		block_free(version->block);
		free(version);
	}
}

/*
 * Nodes that answer, whether or not one of them rests just now: a node's word counts as one of these.
 * One that has told nothing yet may still speak: else the fastest node alone would be the majority.
 */
static uint64_t voters(const struct client *client)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		const struct node *node = pool_node(client->pool, i);

		if (!node->is_excluded && !node->is_away)
			set |= UINT64_C(1) << i;
	}
	return set;
}

static bool is_majority(const struct client *client, uint64_t given_by)
{
	uint64_t all = voters(client) | given_by;

	return 2 * __builtin_popcountll(given_by) > __builtin_popcountll(all);
}

static int refuse(const struct client *client, const struct block *block, uint64_t given_by,
		  struct error *err)
{
	return error_set(
		err, ERROR_NODE,
		"its JSON does not show what was signed (%s), and %d of %d nodes give it so",
		block->proof_reason, __builtin_popcountll(given_by),
		__builtin_popcountll(voters(client) | given_by));
}

static bool is_unproved(const struct client *client, const struct block *block)
{
	return client->config.proof && block->proof == BLOCK_PROOF_NONE;
}

int client_check_proof(const struct client *client, const struct block *block, unsigned index,
		       struct error *err)
{
	uint64_t giver = UINT64_C(1) << index;

	if (!is_unproved(client, block) || is_majority(client, giver))
		return 0;
	return refuse(client, block, giver, err);
}

/*
 * Now it is known what those were worth that could not be proved.  Who altered this very block rests,
 * once; another id may be of another branch, or the proved block may be made up.
 */
static void end_versions(struct client *client, struct want *want, const struct block *proved)
{
	for (const struct version *version = want->versions; version; version = version->next) {
		struct error err = ERROR_INIT;

		(void)error_set_code(
			&err, ERROR_NODE, RPC_FAILURE_FALSE,
			"block %u: its JSON does not show what was signed (%s), and another node's does",
			want->num, version->block->proof_reason);
		for (unsigned i = 0; i < pool_count(client->pool); i++) {
			if (!(version->given_by >> i & 1))
				continue;
			if (client->observer.block_refused)
				client->observer.block_refused(client->observer.context,
							       pool_node(client->pool, i),
							       want->num, &err);
			if (block_id_equal(version->block->id, proved->id) &&
			    node_is_rested(pool_node(client->pool, i), clock_now_ms()))
				client_rest(client, i, RPC_FAILURE_FALSE, &err, 0);
		}
	}
	want_drop_versions(want);
}

int want_check_proof(struct client *client, struct want *want, struct block *block, unsigned index,
		     struct error *err)
{
	uint64_t giver = UINT64_C(1) << index;
	struct version *version = want->versions;
	bool is_new;

	if (!is_unproved(client, block)) {
		end_versions(client, want, block);
		return 0;
	}
	while (version && !block_equal(version->block, block))
		version = version->next;
	is_new = version == NULL;
	if (is_new) {
		version = xcalloc(1, sizeof(*version));
		version->next = want->versions;
		want->versions = version;
	}
	version->given_by |= giver;
	if (is_majority(client, version->given_by)) {
		if (is_new) {
			want->versions = version->next;
			free(version);
		}
		return 0;
	}
	(void)refuse(client, block, version->given_by, err);
	if (is_new)
		version->block = block;
	else
		block_free(block);
	return -1;
}
