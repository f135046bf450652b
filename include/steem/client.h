/* SPDX-License-Identifier: MIT */
/*
 * Typed requests to the nodes, with every retry that concerns nodes.
 *
 * The caller says which blocks it wants.  The client puts them into batches and asks the best node.
 * It sends a request that failed at once a second time, asks another node where an answer is not
 * usable, and makes batches smaller where a node refuses them.  It reports each wanted block exactly
 * once: given, or refused by every healthy node.  A block that one node refused, and that no other
 * node gives in the next 15 s (60 s where nodes that rest have not voted yet), is refused too, however
 * many nodes there are.  While no node at all
 * is healthy, wants simply wait.
 *
 * A block is taken only from a node whose own last word calls it irreversible, but where the
 * head is asked for.
 *
 * All callbacks are called from within client_handle() or http_wait(), never from
 * within client_want_*(); they may want more.  Everything happens on one thread.
 */
#ifndef STEEM_CLIENT_H
#define STEEM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "steem/block.h"
#include "steem/decode.h"
#include "steem/pool.h"

struct client;
struct http;
struct proof;

/*
 * Besides the connections for replay, the tail lane and the two tip requests have one each.  Each
 * node has three: one for its head or the proof of it, one for the question whether it is away, and
 * one for a tip request that was left because it takes long.
 * http_new() should allow this many more than client_config.connections.  Otherwise such a question
 * would wait behind nodes that hang until its time is over, and a good node would seem to be away.
 */
#define CLIENT_EXTRA_CONNECTIONS (3 + 3 * POOL_MAX_NODES)

struct client_config {
	unsigned connections;    /* requests for blocks under way at once */
	unsigned batch_size;     /* the most calls in one request */
	int64_t timeout_ms;      /* of one request */
	size_t max_answer_bytes; /* of one request */
	/*
	 * Where no node gives all virtual operations of a block, as far as can be told, it is
	 * given with what one gave, as BLOCK_VIRTUAL_UNVERIFIED; else it is refused.
	 */
	bool takes_unverified;
	/*
	 * Each block is proved with it.  A block that cannot be proved is accepted only if more than
	 * half of the nodes give the same content.  Not owned.  NULL: blocks are not proved.
	 */
	struct proof *proof;
};

enum client_lane {
	CLIENT_TAIL, /* goes out before everything else, has a connection of its own */
	CLIENT_REPLAY,
};

/* Who wants blocks. All functions get `context`. */
struct client_sink {
	void *context;
	/* A good block; the sink owns it now. `node` is the index of its giver. */
	void (*given)(void *context, struct block *block, unsigned node);
	/*
	 * Every healthy node was asked for block `num` and none gave it, or none did in time;
	 * `reason` is the last answer in words.
	 */
	void (*refused)(void *context, uint32_t num, const char *reason);
	/*
	 * With their virtual operations, or not at all.  Else blocks come without, as BLOCK_VIRTUAL_NONE.
	 * Nothing proves virtual operations, so a block is given only once more than half of the nodes that
	 * give them gave the same list.
	 */
	bool is_virtual;
	/* Each node's word is wanted for itself: block and list come from one node, and nobody votes on the list. */
	bool is_opinion;
	/*
	 * A block is given only once more than half of the nodes gave the same id.  Nodes that are away, or
	 * that do not answer for the block in time, do not count.
	 */
	bool needs_majority;
	/*
	 * Blocks at the head, only put to the vote by client_vouch(): a node is asked whatever it claims.  One that
	 * does not have the block votes against it, so a block that only one node has is not given.
	 */
	bool is_reversible;
	/*
	 * In the place of `refused`: nodes gave it, but no version has a majority.  version_count 1: they
	 * gave it alike, but too few of them gave it.  NULL: `refused` is called.
	 */
	void (*divided)(void *context, uint32_t num, unsigned version_count, const char *reason);
};

/* What the client tells whoever logs (sync): each is one decision. NULL functions are not called. */
struct client_observer {
	void *context;
	/* A request failed; the node rests for delay_ms. */
	void (*node_failed)(void *context, const struct node *node, const struct error *err,
			    int64_t delay_ms);
	/* It answers again after failures. */
	void (*node_recovered)(void *context, const struct node *node);
	/* It refused a batch; it gets batches of node->batch_size now. */
	void (*batch_reduced)(void *context, const struct node *node, const struct error *err);
	/*
	 * A node did not answer a request for several blocks, but it tells its head: each of the
	 * blocks is now asked for alone.
	 */
	void (*request_split)(void *context, const struct node *node, const struct error *err);
	/*
	 * A node gave something that is not the block that was asked for, and it was thrown away;
	 * or it gave no answer for this block alone, but it tells its head.  rpc_failure_of(err) is
	 * RPC_FAILURE_FALSE if the block contradicts its own hashes.
	 */
	void (*block_refused)(void *context, const struct node *node, uint32_t num,
			      const struct error *err);
	/*
	 * A node gave a block with a wrong value.  Exactly one other value fits the hashes, and the
	 * block holds that one now.  block->correction names both.
	 */
	void (*block_corrected)(void *context, const struct node *node, const struct block *block);
	/*
	 * It gave another block, or another list of virtual operations, than more than half of the nodes, or
	 * claims what cannot be; err says what.
	 */
	void (*claim_false)(void *context, const struct node *node, const struct error *err);
	/* It does not offer virtual operations; it is not asked for them for delay_ms. */
	void (*virtual_missing)(void *context, const struct node *node, const struct error *err,
				int64_t delay_ms);
	/* The nodes give different virtual operations of a block, and no list has a majority. */
	void (*lists_differ)(void *context, uint32_t num, const char *reason);
	/* Every answer that told a node's head and irreversible block. */
	void (*head_seen)(void *context, const struct node *node);
};

struct client *client_new(struct http *http, struct pool *pool, const struct client_config *config,
			  const struct client_observer *observer);
/* Forgets all wants without reporting them, but not http and pool. No http_wait() after it. */
void client_free(struct client *client);
/* New limits, after the configuration was read again. */
void client_set_config(struct client *client, const struct client_config *config);
/*
 * The pool was replaced (all nodes are new): what was under way is asked again there.
 * Not from within a callback.
 */
void client_set_pool(struct client *client, struct pool *pool);

/*
 * Want first..last.  not_from: a mask of nodes that are not to be asked.  The sink
 * must live until each block was reported or client_drop() was called.
 */
void client_want(struct client *client, enum client_lane lane, uint32_t first, uint32_t last,
		 uint64_t not_from, const struct client_sink *sink);
/*
 * Put a block to the vote that `giver` gave.  True: this node alone is more than half of those that answer,
 * so nothing is asked.  False: others are asked for it, in the lane of the tail, until `sink`, which needs a
 * majority, is told: `given` has the block that more than half give, be it this one or another.
 */
bool client_vouch(struct client *client, const struct block *block, unsigned giver,
		  const struct client_sink *sink);
/*
 * Put the virtual operations of a block to the vote that `giver` gave with it.  True: nobody else can give
 * them, so nothing is asked, and the caller keeps the block.  False: takes the block; other nodes are asked
 * for their lists, in the lane of the tail, until `sink`, whose is_virtual is set, is told.
 */
bool client_vouch_virtual(struct client *client, struct block *block, unsigned giver,
			  const struct client_sink *sink);
/* Forget what this sink still wants; answers that still come are thrown away. */
void client_drop(struct client *client, const struct client_sink *sink);

/*
 * Ask one node, in one request where it bears batches, for its head and for the blocks
 * first..first+count-1 (count may be 0; what does not fit in one batch of the node is left
 * out).  Those that its answer calls irreversible and that are good go to `given` in
 * ascending order; the others are not reported.  Then `done` is called once: with the head
 * and err NULL, also when blocks that the head calls irreversible could not be had; or with
 * head NULL and what went wrong as a whole (then `node` may mean nothing, since the pool may
 * have been replaced).  One tip request at a time;
 * `done` may ask for the next.  A node that takes long for it is left where another one could be
 * asked: `done` gets an ERROR_RETRY, and blocks that come later still go to `given`.
 */
struct client_tip_sink {
	void *context;
	void (*given)(void *context, struct block *block, unsigned node);
	void (*done)(void *context, unsigned node, const struct chain_head *head,
		     const struct error *err);
	bool is_virtual; /* as in struct client_sink; a block that is not whole is not given */
	/* May be NULL: the node has the block, but nothing proves it, so others must give it alike. */
	void (*unproved)(void *context, uint32_t num);
};
/* False when no node is ready (or one tip request is under way already). */
bool client_ask_tip(struct client *client, uint32_t first, unsigned count,
		    const struct client_tip_sink *sink);
/*
 * The same beside it, for the blocks up to the node's head: those above its irreversible block
 * are reversible, and prove nothing.  One such request at a time.  not_from: a mask of nodes
 * that are not to be asked.
 */
bool client_ask_head(struct client *client, uint64_t not_from, uint32_t first, unsigned count,
		     const struct client_tip_sink *sink);

/*
 * Ask every node that is ready for its head (one request each), but those that told it less
 * than max_age_ms ago; `head_seen` tells.
 */
void client_poll_heads(struct client *client, int64_t max_age_ms);
/* How many head requests of client_poll_heads() are still unanswered. */
unsigned client_heads_pending(const struct client *client);

/* Who asks for the signing keys of witnesses. */
struct client_key_sink {
	void *context;
	/*
	 * Once for each node and witness that was asked for, unless the pool is replaced meanwhile.  key NULL: the
	 * node did not tell one; err says why.
	 */
	void (*told)(void *context, unsigned node, const char *witness, const char *key,
		     const struct error *err);
};
/*
 * Ask one node for the keys of these witnesses, as they are now.  Names have at most BLOCK_ACCOUNT_BYTES, of
 * the characters that names have.  False: the node may not be asked now, and nothing is told.
 */
bool client_ask_keys(struct client *client, unsigned node, const char *const *witnesses,
		     size_t count, const struct client_key_sink *sink);

/*
 * Send what can be sent now, give up what no node gives.  To be called in each turn of the loop, behind all that
 * may want something.  Returns when to call it again even if nothing arrives: at once, if a sink was told
 * something.
 */
int64_t client_handle(struct client *client);
/*
 * The longest time until a wanted block is reported, while some node answers and there is room for
 * the block: one request with other blocks, one for this block alone, and the 15 s for other nodes.
 */
int64_t client_longest_ms(const struct client *client);
/* Blocks wanted and not yet reported. */
size_t client_wanted_count(const struct client *client);
/* An estimate of what the answers under way will take, in bytes. */
size_t client_expected_bytes(const struct client *client);

#endif
