/* SPDX-License-Identifier: MIT */
/*
 * Typed requests to the nodes, with every retry that concerns nodes.
 *
 * The caller says which blocks it wants.  The client groups them into batches and asks the
 * best node.  It repeats a request that failed at once, asks another node if an answer is
 * unusable, and makes batches smaller if a node refuses them.  Each wanted block is
 * reported exactly once: given, or refused by every healthy node.  A block is refused too
 * if no node gives it within 15 s after the first node refused it, however many nodes
 * there are (60 s if nodes that rest have not voted yet).  While no node is healthy, wants
 * simply wait.
 *
 * A block is taken only from a node that calls it irreversible itself, except for requests
 * at the head.
 *
 * All callbacks are called from within client_handle() or http_wait(), never from within
 * client_want_*(); they may want more blocks.  Everything happens on one thread.
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
 * Connections besides those for the replay: the wants of the tail and the two tip requests have one
 * each.  Each node has three: one for its head or the proof of it, one for the question whether it
 * is away, and one for a tip request that was abandoned because it takes long. http_new() should
 * allow this many more than client_config.connections.  Otherwise such a question would wait behind
 * nodes that hang until its time is over, and a good node would seem to be away.
 */
#define CLIENT_EXTRA_CONNECTIONS (3 + 3 * POOL_MAX_NODES)

struct client_config {
	unsigned connections;    /* how many requests for blocks may be under way */
	unsigned batch_size;     /* the most calls in one request */
	int64_t timeout_ms;      /* for one request */
	size_t max_answer_bytes; /* for one request */
	/*
	 * What happens to a block if no node seems to give all of its virtual operations.  True:
	 * the sink gets it with the list of one node, marked BLOCK_VIRTUAL_UNVERIFIED.  False:
	 * the sink gets a refusal.
	 */
	bool takes_unverified;
	/*
	 * Proves each block.  A block that cannot be proved is accepted only if more than half
	 * of the nodes give the same content.  Not owned.  NULL: blocks are not proved.
	 */
	struct proof *proof;
};

enum client_priority {
	CLIENT_TAIL, /* is sent before everything else, and has its own connection */
	CLIENT_REPLAY,
};

/* The receiver of wanted blocks. All functions get `context`. */
struct client_sink {
	void *context;
	/* A good block; the sink owns it now. `node` is the index of the node that gave it. */
	void (*given)(void *context, struct block *block, unsigned node);
	/*
	 * Every healthy node was asked for block `num` and none gave it, or none gave it in
	 * time; `reason` is the last answer in words.
	 */
	void (*refused)(void *context, uint32_t num, const char *reason);
	/*
	 * Blocks must have their virtual operations; false: they come as BLOCK_VIRTUAL_NONE.
	 * Virtual operations have no proof, so a block is given only after more than half of the
	 * nodes that give lists gave the same list.
	 */
	bool is_virtual;
	/*
	 * A block is given only after more than half of the nodes gave the same id.  Nodes that
	 * are away, or that do not give the block in time, do not count.
	 */
	bool needs_majority;
	/*
	 * For blocks at the head, used by client_vote() only: nodes are asked whatever they
	 * claim.  A node that does not have the block votes against it, so a block that only one
	 * node has is not given.
	 */
	bool is_reversible;
	/*
	 * Called instead of `refused` if nodes gave the block, but no version has a majority.
	 * version_count 1: all of them gave the same version, but too few nodes gave it.  NULL:
	 * `refused` is called.
	 */
	void (*divided)(void *context, uint32_t num, unsigned version_count, const char *reason);
};

/*
 * The reports of the client for the log (sync writes it); each call is one decision. NULL
 * functions are not called.
 */
struct client_observer {
	void *context;
	/* A request failed; the node rests for delay_ms. */
	void (*node_failed)(void *context, const struct node *node, const struct error *err,
			    int64_t delay_ms);
	/* The node answers again after failures. */
	void (*node_recovered)(void *context, const struct node *node);
	/* The node refused a batch; from now on its batches have node->batch_size calls. */
	void (*batch_reduced)(void *context, const struct node *node, const struct error *err);
	/*
	 * A node did not answer a request for several blocks, but it tells its head: each of the
	 * blocks is now requested alone.
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
	 * A node gave a block with a wrong value.  Exactly one other value matches the hashes,
	 * and the block has that one now.  block->correction names both.
	 */
	void (*block_corrected)(void *context, const struct node *node, const struct block *block);
	/*
	 * The node gave another block or another list of virtual operations than more than half
	 * of the nodes, or it claims something impossible; err says which.
	 */
	void (*claim_false)(void *context, const struct node *node, const struct error *err);
	/* The node does not offer virtual operations; it is not asked for them for delay_ms. */
	void (*virtual_missing)(void *context, const struct node *node, const struct error *err,
				int64_t delay_ms);
	/* The nodes give different virtual operations for a block, and no list has a majority. */
	void (*lists_differ)(void *context, uint32_t num, const char *reason);
	/* Called for every answer with a node's head and irreversible block. */
	void (*head_seen)(void *context, const struct node *node);
};

/* The caller owns the client; http and pool must outlive it. config and observer are copied. */
struct client *client_new(struct http *http, struct pool *pool, const struct client_config *config,
			  const struct client_observer *observer);
/* Forgets all wants without reporting them. http and pool stay; no http_wait() may follow. */
void client_free(struct client *client);
/* Use new limits, after the configuration was read again. */
void client_set_config(struct client *client, const struct client_config *config);
/*
 * Use another pool, in which all nodes are new: requests under way are repeated there. Not from
 * within a callback.
 */
void client_set_pool(struct client *client, struct pool *pool);

/*
 * Want the blocks first..last.  not_from: mask of nodes that must not be asked.  The sink must
 * live until each block was reported or client_drop() was called.
 */
void client_want(struct client *client, enum client_priority priority, uint32_t first,
		 uint32_t last, uint64_t not_from, const struct client_sink *sink);
/*
 * Put a block that `source` gave to the vote.  True: this node alone is more than half of the nodes
 * that answer, so no other is asked.  False: other nodes are asked, with the priority of the tail,
 * and `sink`, which needs a majority, gets the result: `given` gets the block that more than half
 * give, which may be this one or another.
 */
bool client_vote(struct client *client, const struct block *block, unsigned source,
		 const struct client_sink *sink);
/*
 * Put the virtual operations of a block that `source` gave to the vote.  True: no other node can
 * give them, so none is asked, and the caller keeps the block.  False: takes the block; other nodes
 * are asked for their lists, with the priority of the tail, and `sink`, whose is_virtual is set,
 * gets the result.
 */
bool client_vote_virtual(struct client *client, struct block *block, unsigned source,
			 const struct client_sink *sink);
/* Forget what this sink still wants; answers that arrive later are thrown away. */
void client_drop(struct client *client, const struct client_sink *sink);

/*
 * A tip request asks one node for its head and for the blocks first..first+count-1 (count may be
 * 0; blocks that do not fit into one batch of the node are left out), in one request if the node
 * accepts batches.  The good blocks that its answer calls irreversible go to `given` in
 * ascending order; the others are not reported.  Then `done` is called once: with the head and
 * err NULL, even if blocks that the head calls irreversible are missing; or with head NULL and
 * an error of the whole request (then `node` may be meaningless, because the pool may have been
 * replaced).  Only one tip request at a time; `done` may start the next one.  If a node takes
 * long and another one could be asked, the request is abandoned: `done` gets an ERROR_RETRY, and
 * blocks that arrive later still go to `given`.
 */
struct client_tip_sink {
	void *context;
	void (*given)(void *context, struct block *block, unsigned node);
	void (*done)(void *context, unsigned node, const struct chain_head *head,
		     const struct error *err);
	/* as in struct client_sink; a block without a complete list is not given */
	bool is_virtual;
	/*
	 * May be NULL. The node has the block, but nothing proves it, so other nodes must give
	 * the same.
	 */
	void (*unproved)(void *context, uint32_t num);
};
/* False if no node is ready, or if a tip request is under way already. */
bool client_ask_tip(struct client *client, uint32_t first, unsigned count,
		    const struct client_tip_sink *sink);
/*
 * A second tip request in parallel, for the blocks up to the node's head. Those above its
 * irreversible block are reversible: they prove nothing about the node.  One such request at a
 * time.  not_from: mask of nodes that must not be asked.
 */
bool client_ask_reversible(struct client *client, uint64_t not_from, uint32_t first, unsigned count,
			   const struct client_tip_sink *sink);

/*
 * A sink with this context is told nothing more.  The request itself goes on: until its answer
 * comes, no other one of its kind can be sent.
 */
void client_drop_tip(struct client *client, const void *context);

/*
 * Ask every node that is ready for its head (one request each), except those that told it within
 * the last max_age_ms; `head_seen` reports the answers.
 */
void client_poll_heads(struct client *client, int64_t max_age_ms);
/* How many head requests of client_poll_heads() have no answer yet. */
unsigned client_heads_pending(const struct client *client);

/* The receiver of witnesses' signing keys. */
struct client_key_sink {
	void *context;
	/*
	 * Called once for each node and requested witness, unless the pool is replaced
	 * meanwhile.  key NULL: the node did not tell one; err says why.
	 */
	void (*told)(void *context, unsigned node, const char *witness, const char *key,
		     const struct error *err);
};
/*
 * Ask one node for the present keys of these witnesses.  Names have at most BLOCK_ACCOUNT_BYTES,
 * and only characters of account names.  False: the node may not be asked now, and `told` is not
 * called.
 */
bool client_ask_keys(struct client *client, unsigned node, const char *const *witnesses,
		     size_t count, const struct client_key_sink *sink);

/*
 * Send what can be sent now, give up what no node gives.  To be called in each turn of the loop,
 * behind all that may want something.  Returns when to call it again even if nothing arrives: at
 * once, if a sink was told something.
 */
int64_t client_handle(struct client *client);
/*
 * The longest time in ms until a wanted block is reported, while some node answers and there is
 * room for the block: one request with other blocks, one for this block alone, and the 15 s for
 * other nodes.
 */
int64_t client_longest_ms(const struct client *client);
/* How many blocks are wanted and not reported yet. */
size_t client_wanted_count(const struct client *client);
/* An estimate of the memory for the answers under way, in bytes. */
size_t client_expected_bytes(const struct client *client);

#endif
