/* SPDX-License-Identifier: MIT */
/*
 * Blocks whose JSON does not contain all signed bytes.  Such a block is accepted only if more than half of
 * the nodes give the same content.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"
#include "steem/codec/proof.h"

/* One version of a block, and the nodes that gave it. The block itself is not kept: many large ones would fill the memory. */
struct version {
	struct version *next;
	uint64_t given_by;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t fingerprint[HASH_SHA256_BYTES];
	char *reason; /* why it could not be proved */
};

void want_drop_versions(struct want *want)
{
	while (want->versions) {
		struct version *version = want->versions;

		want->versions = version->next;
		free(version->reason);
		free(version);
	}
}

/* The version of which this block is, new or known. */
static struct version *version_of(const struct client *client, struct want *want,
				  const struct block *block)
{
	uint8_t fingerprint[HASH_SHA256_BYTES];
	struct version *version;

	proof_fingerprint(client->config.proof, block, fingerprint);
	for (version = want->versions; version; version = version->next)
		if (memcmp(version->fingerprint, fingerprint, sizeof(fingerprint)) == 0)
			return version;
	version = xcalloc(1, sizeof(*version));
	memcpy(version->id, block->id, sizeof(version->id));
	memcpy(version->fingerprint, fingerprint, sizeof(fingerprint));
	version->reason = xstrdup(block->proof_reason);
	version->next = want->versions;
	want->versions = version;
	return version;
}

/*
 * The nodes that count for a majority: all but those that are excluded or away.  A node that rests counts.
 * A node that has not answered yet counts too; otherwise the first one to answer would be the majority.
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
		"its JSON does not contain all signed bytes (%s), and %d of %d nodes give it so",
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
			"block %u: its JSON does not contain all signed bytes (%s), and that of another node does",
			want->num, version->reason);
		for (unsigned i = 0; i < pool_count(client->pool); i++) {
			if (!(version->given_by >> i & 1))
				continue;
			if (client->observer.block_refused)
				client->observer.block_refused(client->observer.context,
							       pool_node(client->pool, i),
							       want->num, &err);
			if (block_id_equal(version->id, proved->id) &&
			    node_is_rested(pool_node(client->pool, i), clock_now_ms()))
				client_rest(client, i, RPC_FAILURE_FALSE, &err, 0);
		}
	}
	want_drop_versions(want);
}

int want_check_proof(struct client *client, struct want *want, struct block *block, unsigned index,
		     struct error *err)
{
	struct version *version;

	if (!is_unproved(client, block)) {
		end_versions(client, want, block);
		return 0;
	}
	version = version_of(client, want, block);
	version->given_by |= UINT64_C(1) << index;
	if (is_majority(client, version->given_by))
		return 0;
	(void)refuse(client, block, version->given_by, err);
	block_free(block);
	return -1;
}
