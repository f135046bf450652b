/* SPDX-License-Identifier: MIT */
/*
 * Votes of the nodes about a block.
 *
 * A block is put to the vote for two reasons.  Its JSON does not contain all signed bytes,
 * so its content is accepted only if more than half of the nodes give the same.  Or its
 * sink needs a majority: a block can agree with its own hashes and still be made up, so
 * more than half of the nodes must give this id.
 *
 * Then its virtual operations are put to the vote, if several nodes can give them: they
 * have no proof.  The block of the first node is kept meanwhile, as the half of its want,
 * and the others are asked for their lists alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "steem/client_impl.h"
#include "steem/codec/proof.h"

/*
 * One name may stand for several servers, some of which are behind: one tells the head, another
 * one does not have the block yet.  So a node that claims a block at most SILENT_BLOCKS below
 * its newest one is asked again for this long, before it no longer counts in the vote.
 */
#define SILENT_BLOCKS      100
#define SILENT_PATIENCE_MS 5000
/* No answer is this long. */
#define LIST_BYTES_MAX   ((size_t)1 << 31)
#define REASON_BYTES_MAX 1000

/*
 * One version of a block, or of its virtual operations, and the nodes that gave it. The block
 * itself is not kept: many large ones would fill the memory.
 */
struct version {
	struct version *next;
	uint64_t given_by;
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	uint8_t fingerprint[HASH_SHA256_BYTES]; /* of a block that could not be proved */
	/* why it could not be proved; NULL: it was proved, or no proof was requested */
	char *reason;
	struct buf list; /* if it is a version of virtual operations: all of them that is stored */
};

static void drop_all(struct version **versions)
{
	while (*versions) {
		struct version *version = *versions;

		*versions = version->next;
		free(version->reason);
		buf_release(&version->list);
		free(version);
	}
}

void want_drop_versions(struct want *want)
{
	drop_all(&want->versions);
}

void want_drop_lists(struct want *want)
{
	drop_all(&want->lists);
	want->agreed_list = NULL;
	want->is_list_agreed = false;
}

unsigned want_version_count(const struct want *want)
{
	unsigned count = 0;

	for (const struct version *version = want->versions; version; version = version->next) {
		const struct version *other = version->next;

		while (other && !block_id_equal(other->id, version->id))
			other = other->next;
		count += other == NULL;
	}
	return count;
}

static bool is_unproved(const struct client *client, const struct block *block)
{
	return client->config.proof && block->proof == BLOCK_PROOF_NONE;
}

/* Without proof, a block with the right id and a false link counts as another block. */
static bool is_version(const struct version *version, const struct block *block,
		       const uint8_t fingerprint[HASH_SHA256_BYTES])
{
	return block_id_equal(version->id, block->id) &&
	       block_id_equal(version->previous, block->previous) &&
	       memcmp(version->fingerprint, fingerprint, HASH_SHA256_BYTES) == 0;
}

/* The version that this block belongs to: a known or a new one. */
static struct version *version_of(const struct client *client, struct want *want,
				  const struct block *block)
{
	uint8_t fingerprint[HASH_SHA256_BYTES] = {0};
	struct version *version;

	if (is_unproved(client, block))
		proof_fingerprint(client->config.proof, block, fingerprint);
	for (version = want->versions; version; version = version->next)
		if (is_version(version, block, fingerprint))
			return version;
	version = xcalloc(1, sizeof(*version));
	memcpy(version->id, block->id, sizeof(version->id));
	memcpy(version->previous, block->previous, sizeof(version->previous));
	memcpy(version->fingerprint, fingerprint, sizeof(fingerprint));
	version->reason = is_unproved(client, block) ? xstrdup(block->proof_reason) : NULL;
	version->next = want->versions;
	want->versions = version;
	return version;
}

/* Mask of the nodes that gave this block, with or without all signed bytes. */
static uint64_t sources_of(const struct want *want, const struct version *wanted)
{
	uint64_t given_by = 0;

	for (const struct version *version = want->versions; version; version = version->next)
		if (block_id_equal(version->id, wanted->id) &&
		    block_id_equal(version->previous, wanted->previous))
			given_by |= version->given_by;
	return given_by;
}

static uint64_t sources_in(const struct version *versions)
{
	uint64_t given_by = 0;

	for (const struct version *version = versions; version; version = version->next)
		given_by |= version->given_by;
	return given_by;
}

static uint64_t all_sources(const struct want *want)
{
	return sources_in(want->versions) | sources_in(want->lists);
}

static bool is_more_than_half(uint64_t given_by, uint64_t electors)
{
	return 2 * __builtin_popcountll(given_by) > __builtin_popcountll(electors | given_by);
}

static bool is_majority(const struct client *client, uint64_t given_by)
{
	return is_more_than_half(given_by, pool_electors(client->pool));
}

/* unshown: which signed bytes its JSON does not contain, or NULL. */
static int refuse(const struct client *client, const char *unshown, uint64_t given_by,
		  struct error *err)
{
	int electors = __builtin_popcountll(pool_electors(client->pool) | given_by);

	if (!unshown)
		return error_set(err, ERROR_NODE,
				 "%d of %d nodes give this version, and more than half must",
				 __builtin_popcountll(given_by), electors);
	return error_set(
		err, ERROR_NODE,
		"its JSON does not contain all signed bytes (%s), and %d of %d nodes give this version",
		unshown, __builtin_popcountll(given_by), electors);
}

int client_check_proof(const struct client *client, const struct block *block, unsigned index,
		       struct error *err)
{
	uint64_t source = UINT64_C(1) << index;

	if (!is_unproved(client, block) || is_majority(client, source))
		return 0;
	return refuse(client, block->proof_reason, source, err);
}

/* The node's JSON contains fewer of the signed bytes than that of another node. */
static void blame_unshown(struct client *client, const struct want *want,
			  const struct version *version, unsigned index, bool must_rest)
{
	struct error err = ERROR_INIT;

	(void)error_set_node(
		&err, RPC_FAILURE_FALSE,
		"block %u: its JSON does not contain all signed bytes (%s), and that of another node does",
		want->num, version->reason);
	if (client->observer.block_refused)
		client->observer.block_refused(client->observer.context,
					       pool_node(client->pool, index), want->num, &err);
	if (must_rest && node_is_rested(pool_node(client->pool, index), clock_now_ms()))
		client_rest(client, index, RPC_FAILURE_FALSE, &err, 0);
}

/* The node gave another block than most nodes. */
static void blame_denied(struct client *client, const struct want *want,
			 const struct version *version, unsigned index)
{
	struct error err = ERROR_INIT;
	char id[BLOCK_ID_HEX + 1];

	(void)error_set_node(
		&err, RPC_FAILURE_FALSE,
		"gives block %u as %s, but more than half of the nodes give another one", want->num,
		block_id_format(version->id, id));
	if (client->observer.claim_false)
		client->observer.claim_false(client->observer.context,
					     pool_node(client->pool, index), &err);
	/*
	 * For a while, longer each time, other nodes are preferred at the tip, whatever this one
	 * claims.
	 */
	node_was_slow(pool_node(client->pool, index), clock_now_ms());
	if (node_is_rested(pool_node(client->pool, index), clock_now_ms()))
		client_rest(client, index, RPC_FAILURE_FALSE, &err, 0);
}

/*
 * Now it is known which versions were wrong.  Without a majority for this block, another id may
 * belong to another branch, or this block may be made up: then no node has to rest for it.
 */
static void end_versions(struct client *client, struct want *want, const struct block *block)
{
	for (const struct version *version = want->versions; version; version = version->next) {
		bool is_same = block_id_equal(version->id, block->id);

		for (unsigned i = 0; i < pool_count(client->pool); i++) {
			if (!(version->given_by >> i & 1))
				continue;
			if (version->reason && block->proof != BLOCK_PROOF_NONE)
				blame_unshown(client, want, version, i, is_same);
			else if (!is_same && want->needs_majority && !want->is_reversible)
				blame_denied(client, want, version, i);
		}
	}
	want_drop_versions(want);
}

static void agree(struct want *want, const uint8_t id[BLOCK_ID_BYTES])
{
	want->is_agreed = want->needs_majority;
	memcpy(want->agreed_id, id, sizeof(want->agreed_id));
}

/* Do enough nodes give this version? The node that just gave it is counted. */
static bool is_elected(const struct client *client, const struct want *want,
		       const struct version *version)
{
	if (version->reason && !is_majority(client, version->given_by))
		return false;
	if (!want->needs_majority)
		return true;
	if (want->is_agreed)
		return block_id_equal(version->id, want->agreed_id);
	return is_majority(client, sources_of(want, version));
}

int want_check_vote(struct client *client, struct want *want, struct block *block, unsigned index,
		    struct error *err)
{
	struct version *version;

	if (!is_unproved(client, block) && !want->needs_majority) {
		end_versions(client, want, block);
		return 0;
	}
	version = version_of(client, want, block);
	version->given_by |= UINT64_C(1) << index;
	if (is_elected(client, want, version)) {
		/*
		 * If this node's virtual operations are bad, the nodes that gave the block
		 * before are asked again.
		 */
		want->tried &= ~sources_of(want, version);
		agree(want, block->id);
		end_versions(client, want, block);
		return 0;
	}
	(void)refuse(client, version->reason,
		     version->reason ? version->given_by : sources_of(want, version), err);
	block_free(block);
	return -1;
}

/* Lists of virtual operations. */

/* Mask of the nodes that vote about lists: those that may be able to give them. */
static uint64_t list_electors(const struct client *client, const struct want *want)
{
	return pool_electors(client->pool) & ~want->barred &
	       ~client_without_virtual(client, want_is_old(want));
}

/*
 * The stored content of a block's virtual operations, with the block's id.  The column account
 * follows from name and payload, the number from the order.  Two nodes may print the same list
 * differently.
 */
static struct buf list_text(const struct block *block)
{
	struct buf text = BUF_INIT(LIST_BYTES_MAX);

	buf_add(&text, block->id, sizeof(block->id));
	buf_add(&text, block->previous, sizeof(block->previous));
	for (size_t i = block->operation_count; i < block_total_count(block); i++) {
		const struct operation *op = &block->operations[i];
		const size_t head[] = {op->trx_in_block, op->op_in_trx, op->trx_id != NULL,
				       op->name_bytes, op->payload_bytes};

		buf_add(&text, head, sizeof(head));
		if (op->trx_id)
			buf_add(&text, op->trx_id, BLOCK_ID_HEX);
		buf_add(&text, op->name, op->name_bytes);
		buf_add(&text, op->payload, op->payload_bytes);
	}
	return text;
}

static struct version *list_of(struct want *want, const struct block *block)
{
	struct buf text = list_text(block);
	struct version *version;

	for (version = want->lists; version; version = version->next) {
		if (version->list.len == text.len &&
		    memcmp(version->list.data, text.data, text.len) == 0) {
			buf_release(&text);
			return version;
		}
	}
	version = xcalloc(1, sizeof(*version));
	version->list = text;
	version->next = want->lists;
	want->lists = version;
	return version;
}

/*
 * The node gave another list than most nodes: it is not asked for lists for a while, and is used
 * for everything else.
 */
static void blame_list(struct client *client, const struct want *want, unsigned index)
{
	struct node *node = pool_node(client->pool, index);
	int64_t now_ms = clock_now_ms();
	struct error err = ERROR_INIT;

	if (node->virtual_again_at_ms <= now_ms && client->observer.claim_false) {
		(void)error_set_node(
			&err, RPC_FAILURE_FALSE,
			"gives other virtual operations of block %u than more than half of the nodes that give them",
			want->num);
		client->observer.claim_false(client->observer.context, node, &err);
	}
	node->virtual_again_at_ms = now_ms + NODE_NO_VIRTUAL_MS;
}

static void end_lists(struct client *client, struct want *want, const struct version *elected)
{
	uint64_t others = (sources_in(want->lists) | want->unfit_by) & ~elected->given_by;

	for (unsigned i = 0; i < pool_count(client->pool); i++)
		if (others >> i & 1)
			blame_list(client, want, i);
	want_drop_lists(want);
}

int want_check_list(struct client *client, struct want *want, const struct block *block,
		    unsigned index, struct error *err)
{
	uint64_t electors = list_electors(client, want);
	uint64_t itself = UINT64_C(1) << index;
	struct version *version;

	if (!want->lists && is_more_than_half(itself, electors))
		return 0;
	version = list_of(want, block);
	version->given_by |= itself;
	electors |= sources_in(want->lists);
	if (want->is_list_agreed ? version == want->agreed_list
				 : is_more_than_half(version->given_by, electors)) {
		end_lists(client, want, version);
		return 0;
	}
	return error_set(err, ERROR_NODE,
			 "%d of %d nodes give these virtual operations, and more than half must",
			 __builtin_popcountll(version->given_by), __builtin_popcountll(electors));
}

bool want_has_open_list(const struct want *want)
{
	return want->lists && !want->is_list_agreed;
}

bool want_lists_differ(const struct client *client, const struct want *want, char **ret_reason)
{
	struct buf text = BUF_INIT(REASON_BYTES_MAX);

	if (!want_has_open_list(want) || !want->lists->next)
		return false;
	buf_add_text(&text, "the nodes give different virtual operations of it:");
	for (const struct version *version = want->lists; version; version = version->next) {
		for (unsigned i = 0; i < pool_count(client->pool); i++)
			if (version->given_by >> i & 1)
				(void)buf_addf(&text, " %s", pool_node(client->pool, i)->label);
		buf_add_text(&text, version->next ? ", other ones:" : "");
	}
	*ret_reason = text.data;
	return true;
}

bool client_vote_virtual(struct client *client, struct block *block, unsigned source,
			 const struct client_sink *sink)
{
	struct error err = ERROR_INIT; /* its text is the reason until another node was asked */
	struct want *want;
	bool is_enough;

	client_want(client, CLIENT_TAIL, block->num, block->num, 0, sink);
	want = client->unsent[CLIENT_TAIL].last;
	is_enough = want_check_list(client, want, block, source, &err) == 0;
	if (is_enough) {
		want_list_remove(&client->unsent[CLIENT_TAIL], want);
		client->wanted_count--;
		want_free(want);
		return true;
	}
	client_ask_heads_below(client, block->num);
	want_set_refused_by(want, source, &err);
	want_set_doubted(client, want);
	want->half = block;
	want->half_source = source;
	want->is_listed = true;
	return false;
}

/* Votes that wait. */

/*
 * Does the vote wait for a node that could not be asked yet?  Such a node was away since the
 * start, or is on trial.  A node on trial is waited for only if fewer than half of the nodes gave
 * anything.
 */
static bool is_expected(const struct client *client, const struct want *want,
			const struct node *node)
{
	int given = __builtin_popcountll(all_sources(want));

	if (node->is_on_trial && node->head_at_ms > 0)
		return 2 * given < __builtin_popcountll(pool_electors(client->pool));
	return node->head_at_ms == 0 && node->is_away;
}

static bool is_block_open(const struct want *want)
{
	return want->needs_majority && !want->is_agreed && want->versions;
}

bool want_has_open_vote(const struct client *client, const struct want *want)
{
	uint64_t left = pool_electors(client->pool) & ~want_not_from(client, want);

	if (!is_block_open(want) && !want_has_open_list(want))
		return false;
	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		const struct node *node = pool_node(client->pool, i);

		if (!(left >> i & 1))
			continue;
		if (is_expected(client, want, node) ||
		    (!node->is_on_trial && (node->head_at_ms == 0 || want_is_claimed(want, node))))
			return true;
	}
	return false;
}

/*
 * Mask of the nodes that do not count in the vote: they could have given the block, and did not.
 * A node that is too busy has said nothing about the block, however often it says so.
 */
static uint64_t silent(const struct client *client, const struct want *want)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		const struct node *node = pool_node(client->pool, i);

		if (!is_expected(client, want, node) &&
		    (node->head_at_ms == 0 || want_is_claimed(want, node)))
			set |= UINT64_C(1) << i;
	}
	return set & ~all_sources(want) & ~want->busy_by;
}

/* Mask of the nodes among these that may have the block in a moment. */
static uint64_t late(const struct client *client, const struct want *want)
{
	uint64_t set =
		silent(client, want) & (want_has_open_list(want) ? list_electors(client, want)
								 : pool_electors(client->pool));

	for (unsigned i = 0; i < pool_count(client->pool); i++) {
		const struct node *node = pool_node(client->pool, i);

		if (node->is_on_trial ||
		    node->head.irreversible_block >= (uint64_t)want->num + SILENT_BLOCKS)
			set &= ~(UINT64_C(1) << i);
	}
	return set;
}

bool want_waits_for_late(const struct client *client, const struct want *want)
{
	return (is_block_open(want) || want_has_open_list(want)) && !want->is_reversible &&
	       want->doubted_at_ms > 0 &&
	       clock_now_ms() - want->doubted_at_ms < SILENT_PATIENCE_MS && late(client, want) != 0;
}

void want_ask_late_again(struct client *client, struct want *want)
{
	want->tried &= ~late(client, want);
	client->has_news = true;
}

static bool decide_list(struct client *client, struct want *want)
{
	/* A node that was too busy until the patience ended does not count either. */
	uint64_t failed = silent(client, want) | want->busy_by;
	uint64_t electors = (list_electors(client, want) & ~failed) | sources_in(want->lists);

	if (!want_has_open_list(want))
		return false;
	for (struct version *version = want->lists; version; version = version->next) {
		if (!is_more_than_half(version->given_by, electors))
			continue;
		want->is_list_agreed = true;
		want->agreed_list = version;
		want->tried = want->barred;
		want->doubted_at_ms = 0;
		return true;
	}
	return false;
}

static bool decide_block(struct client *client, struct want *want)
{
	uint64_t electors =
		(pool_electors(client->pool) & ~silent(client, want)) | all_sources(want);

	if (!want->needs_majority || want->is_agreed || want->is_reversible)
		return false;
	for (const struct version *version = want->versions; version; version = version->next) {
		if (!is_more_than_half(sources_of(want, version), electors))
			continue;
		agree(want, version->id);
		want->tried = 0;
		want->doubted_at_ms = 0;
		return true;
	}
	return false;
}

bool want_decide_vote(struct client *client, struct want *want)
{
	return decide_list(client, want) || decide_block(client, want);
}

bool client_vote(struct client *client, const struct block *block, unsigned source,
		 const struct client_sink *sink)
{
	uint64_t itself = UINT64_C(1) << source;
	struct want *want;

	if (is_majority(client, itself))
		return true;
	if (!sink->is_reversible)
		client_ask_heads_below(client, block->num);
	client_want(client, CLIENT_TAIL, block->num, block->num, itself, sink);
	want = client->unsent[CLIENT_TAIL].last;
	version_of(client, want, block)->given_by = itself;
	return false;
}
