/* SPDX-License-Identifier: MIT */
#include "sync/anchors.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/codec/proof.h"
#include "steem/pool.h"
#include "store/witness_keys.h"
#include "sync/executor.h"
#include "sync/keyring.h"
#include "sync/record_signed.h"

/*
 * How many blocks above a stretch are read. Three of four witnesses are known, so ten blocks nearly
 * always contain one of a known witness.
 */
#define ABOVE_BLOCKS 10
#define ABOVE_TRIES  4     /* how many nodes are asked for them at most, */
#define ABOVE_MS     15000 /* and for how long */
#define ASK_AGAIN_MS 100

struct anchors {
	struct shared *shared;
	const struct claim *claim;
	struct witness_key_list keys; /* those in force at blocks of the claim, or above */
	unsigned generation;          /* how often they were loaded */
	/* Are enough keys known at the lowest block of the claim, and at the highest one? */
	bool is_recent_below, is_recent_above;
	bool is_loading;
	bool must_load;
	struct witness_key_list notes; /* keys that signed, to be noted in the table */
	/* The block that is to be bound by blocks above it. */
	uint32_t top;
	uint8_t top_id[BLOCK_ID_BYTES];
	bool is_bound;      /* it is */
	uint32_t above_num; /* the highest block read that links down to it */
	uint8_t above_id[BLOCK_ID_BYTES];
	int64_t since_ms;    /* when they were first wanted */
	uint32_t asked_from; /* the first block of the last request */
	bool is_asking;
	unsigned tries;    /* how many nodes were asked in vain, */
	uint64_t not_from; /* and which: a mask */
	unsigned pool_epoch;
	int64_t ask_at_ms;
	struct client_tip_sink sink;
};

/* The keys. */

struct load_job {
	struct job job;
	struct anchors *anchors;
	uint32_t first, last; /* the blocks of the claim */
	uint32_t from, to; /* load keys that signed from there on, and are in force up to there */
	struct witness_key_list keys;
};

static int run_load(struct db *db, struct job *job, struct error *err)
{
	struct load_job *load = (struct load_job *)job;

	witness_key_list_release(&load->keys);
	return witness_keys_load(db, load->from, load->to, &load->keys, err);
}

static void finish_load(struct job *job)
{
	struct load_job *load = (struct load_job *)job;
	struct anchors *anchors = load->anchors;
	const struct chain *chain = anchors->shared->config.chain;

	anchors->is_loading = false;
	if (job->err.kind == ERROR_NONE) {
		witness_key_list_release(&anchors->keys);
		anchors->keys = load->keys;
		anchors->generation++;
		anchors->is_recent_below = keyring_is_recent(&anchors->keys, chain, load->first);
		anchors->is_recent_above = keyring_is_recent(&anchors->keys, chain, load->last);
	} else {
		witness_key_list_release(&load->keys);
		shared_task_failed(anchors->shared, &job->err);
	}
	free(load);
}

static void send_load(struct anchors *anchors)
{
	struct load_job *load = xcalloc(1, sizeof(*load));

	job_init(&load->job, run_load, finish_load, "loading keys of witnesses");
	load->anchors = anchors;
	load->first = range_first(&anchors->claim->missing);
	load->last = anchors->claim->last;
	load->from = keyring_recent_from(anchors->shared->config.chain, load->first);
	/* A key that was learnt at a later block may have signed these. */
	load->to = keyring_recent_to(anchors->shared->config.chain, load->last);
	anchors->is_loading = true;
	anchors->must_load = false;
	executor_look_up(anchors->shared->executor, &load->job);
}

/* Anchors. */

/* The known key with which the block is signed; NULL: it is not signed with one. */
static struct witness_key *known_key(struct anchors *anchors, const struct block *block)
{
	struct proof *proof = anchors->shared->proof;
	struct error ignored = ERROR_INIT;
	char text[KEY_TEXT_BYTES];
	struct key key;

	if (!block->seal || !keyring_has(&anchors->keys, block->seal->witness) ||
	    proof_signer(proof, block, &key, &ignored) != 0)
		return NULL;
	return keyring_match(&anchors->keys, block->seal->witness,
			     proof_key_text(proof, &key, text), block->num);
}

static void note_signed(struct anchors *anchors, struct witness_key *key, uint32_t num)
{
	/* The first signature of a key is noted by the tail: see signers.c. */
	if (key->last_signed == 0 || !keyring_must_note(key, anchors->shared->config.chain, num))
		return;
	key->last_signed = num;
	witness_key_list_add(&anchors->notes, key);
}

static bool is_anchor(struct anchors *anchors, struct fetched *held)
{
	struct block *block = held->block;
	struct witness_key *key;

	if (held->is_anchor)
		return true;
	if (anchors->is_bound && block->num == anchors->top &&
	    block_id_equal(block->id, anchors->top_id))
		return true;
	if (held->vain_search == anchors->generation)
		return false;
	held->vain_search = anchors->generation;
	key = known_key(anchors, block);
	if (!key)
		return false;
	held->is_anchor = true;
	if (key->since_block >= block->num)
		return true; /* the key was learnt later: perhaps it was not in force yet */
	if (block->proof == BLOCK_PROOF_CONTENT)
		block->proof = BLOCK_PROOF_SIGNED;
	note_signed(anchors, key, block->num);
	return true;
}

/* Are enough keys known at the lowest block of a stretch?  Further up, it may be too long ago. */
static bool needs_anchor(const struct anchors *anchors, uint32_t num)
{
	if (anchors->is_recent_below == anchors->is_recent_above)
		return anchors->is_recent_below;
	return keyring_is_recent(&anchors->keys, anchors->shared->config.chain, num);
}

/* How many of the `count` blocks of one stretch are bound? */
static size_t bound_count(struct anchors *anchors, struct fetched *held, size_t count)
{
	const struct block *top = held[count - 1].block;
	const uint8_t *named = claim_named_id(anchors->claim, top->num);

	if (named && block_id_equal(named, top->id))
		return count;
	if (anchors->generation == 0)
		return 0;
	if (!needs_anchor(anchors, held[0].block->num))
		return count;
	while (count > 0 && !is_anchor(anchors, &held[count - 1]))
		count--;
	return count;
}

size_t anchors_count(struct anchors *anchors, struct fetched *held, size_t count)
{
	size_t first = 0;

	while (first < count) {
		size_t end = first + 1, bound;

		while (end < count && held[end].block->num == held[end - 1].block->num + 1)
			end++;
		bound = bound_count(anchors, held + first, end - first);
		if (bound < end - first)
			return first + bound;
		first = end;
	}
	return count;
}

/* Blocks above. */

static void begin_above(struct anchors *anchors)
{
	anchors->above_num = anchors->top;
	memcpy(anchors->above_id, anchors->top_id, BLOCK_ID_BYTES);
}

static void take_above(void *context, struct block *block, unsigned node)
{
	struct anchors *anchors = context;

	(void)node;
	if (block->num == anchors->above_num + 1 &&
	    block_id_equal(block->previous, anchors->above_id)) {
		anchors->above_num = block->num;
		memcpy(anchors->above_id, block->id, BLOCK_ID_BYTES);
		anchors->is_bound = anchors->is_bound || known_key(anchors, block);
	}
	block_free(block);
}

static void take_end(void *context, unsigned node, const struct chain_head *head,
		     const struct error *err)
{
	struct anchors *anchors = context;

	(void)head;
	anchors->is_asking = false;
	if (err || anchors->is_bound)
		return;
	anchors->ask_at_ms = 0;
	if (anchors->above_num >= anchors->asked_from &&
	    anchors->above_num < anchors->top + ABOVE_BLOCKS)
		return; /* it gives few blocks at a time: ask it for the next ones */
	anchors->tries++;
	anchors->not_from |= UINT64_C(1) << node;
	begin_above(anchors);
}

static void restart_above(struct anchors *anchors, const struct block *top, int64_t now_ms)
{
	anchors->top = top->num;
	memcpy(anchors->top_id, top->id, BLOCK_ID_BYTES);
	anchors->pool_epoch = anchors->shared->pool_epoch;
	anchors->is_bound = false;
	anchors->tries = 0;
	anchors->not_from = 0;
	anchors->since_ms = now_ms;
	anchors->ask_at_ms = 0;
	anchors->must_load = true; /* other cells may have learnt keys meanwhile */
	begin_above(anchors);
}

static void ask_above(struct anchors *anchors, int64_t now_ms)
{
	unsigned count = ABOVE_BLOCKS - (anchors->above_num - anchors->top);

	anchors->asked_from = anchors->above_num + 1;
	anchors->ask_at_ms = now_ms + ASK_AGAIN_MS;
	anchors->is_asking = client_ask_reversible(anchors->shared->client, anchors->not_from,
						   anchors->asked_from, count, &anchors->sink);
}

/* Is there a node that was not asked yet, and that may be asked? */
static bool has_node(const struct anchors *anchors, int64_t now_ms)
{
	return anchors->tries < ABOVE_TRIES &&
	       (anchors->tries == 0 ||
		(pool_healthy(anchors->shared->pool, now_ms) & ~anchors->not_from));
}

enum anchors_end anchors_look_above(struct anchors *anchors, const struct block *top,
				    int64_t now_ms, int64_t *due_ms)
{
	*due_ms = CLOCK_NEVER;
	if (anchors->is_asking)
		return ANCHORS_WAIT;
	if (anchors->top != top->num || !block_id_equal(anchors->top_id, top->id) ||
	    anchors->pool_epoch != anchors->shared->pool_epoch)
		restart_above(anchors, top, now_ms);
	if (anchors->is_bound)
		return ANCHORS_BOUND;
	if (anchors->must_load || anchors->is_loading || anchors->generation == 0)
		return ANCHORS_WAIT;
	if (!has_node(anchors, now_ms) || now_ms >= anchors->since_ms + ABOVE_MS)
		return ANCHORS_NONE;
	if (now_ms >= anchors->ask_at_ms)
		ask_above(anchors, now_ms);
	if (!anchors->is_asking)
		*due_ms = anchors->ask_at_ms;
	return ANCHORS_WAIT;
}

/* Public functions. */

struct anchors *anchors_new(struct shared *shared, const struct claim *claim)
{
	struct anchors *anchors = xcalloc(1, sizeof(*anchors));

	anchors->shared = shared;
	anchors->claim = claim;
	anchors->must_load = true;
	anchors->sink =
		(struct client_tip_sink){.context = anchors, .given = take_above, .done = take_end};
	return anchors;
}

void anchors_stop(struct anchors *anchors)
{
	if (!anchors)
		return;
	client_drop_tip(anchors->shared->client, anchors);
	anchors->is_asking = false;
}

void anchors_free(struct anchors *anchors)
{
	if (!anchors)
		return;
	anchors_stop(anchors);
	witness_key_list_release(&anchors->keys);
	witness_key_list_release(&anchors->notes);
	free(anchors);
}

void anchors_step(struct anchors *anchors)
{
	if (anchors->must_load && !anchors->is_loading &&
	    executor_has_room(anchors->shared->executor))
		send_load(anchors);
	record_signed(anchors->shared, &anchors->notes);
}

bool anchors_is_idle(const struct anchors *anchors)
{
	return !anchors || !anchors->is_loading;
}
