/* SPDX-License-Identifier: MIT */
/*
 * The inside of the client: for client*.c only.
 *
 * A want is always in exactly one place: in the list of the unsent wants of its priority,
 * in a request (under way), or in the list of refused wants (to be reported).  A caller of a
 * sink's function first takes the want out of its place, because the sink may call
 * client_want() and client_drop() from within.
 */
#ifndef STEEM_CLIENT_IMPL_H
#define STEEM_CLIENT_IMPL_H

#include "steem/client.h"
#include "steem/http.h"
#include "steem/node.h"
#include "steem/pool.h"
#include "steem/rpc.h"

#define CLIENT_PRIORITIES 2
/* A request is repeated if it failed within this time with an error that may pass. */
#define CLIENT_REPEAT_MS 1000
/*
 * After this many "too busy" answers (and the like) in a row for one block, the block is taken
 * to be the cause.
 */
#define CLIENT_BUSY_LIMIT 3

struct want {
	struct want *next, *prev;
	const struct client_sink *sink; /* NULL: dropped */
	char *reason;                   /* the last refusal in words, or NULL */
	uint64_t tried;                 /* mask of nodes that refused it or must not be asked */
	uint64_t barred;                /* of these: nodes that must not be asked */
	uint64_t unfit_by;   /* nodes whose list of virtual operations cannot belong to the block */
	uint64_t busy_by;    /* of the tried nodes: those that only said that they are too busy */
	uint64_t doubted_by; /* nodes that did not answer a request with this block: asked last */
	int64_t doubted_at_ms; /* when a living node first failed to give it; 0: not yet */
	/* it may have made a request fail, so it gets a request of its own */
	bool is_alone;
	uint32_t num;
	enum client_priority priority;
	bool needs_majority; /* as in its sink */
	bool is_reversible;  /* as in its sink */
	/* the vote is over: the block with agreed_id is accepted from any node */
	bool is_agreed;
	uint8_t agreed_id[BLOCK_ID_BYTES];
	bool is_left;    /* a node was slow to give it, so another one was asked */
	bool is_virtual; /* as in its sink */
	bool is_listed;  /* nodes gave lists for `half`, and other nodes are asked for theirs */
	/* the vote on lists is over: the list of `agreed_list` is accepted from any node */
	bool is_list_agreed;
	/* waits for its virtual operations: from `half_source` alone until is_listed */
	struct block *half;
	struct block *unverified;    /* given if no node gives a better one */
	struct version *versions;    /* the versions that were put to the vote; see client_vote.c */
	struct version *lists;       /* the same for its virtual operations */
	struct version *agreed_list; /* one of `lists` */
	unsigned half_source, unverified_source;
	/* How often in a row a node said that it is too busy for it, or does not offer it. */
	unsigned busy_count;
	unsigned lost_count; /* how often in a row its node was away after a request for it */
};

struct want_list {
	struct want *first, *last;
	size_t count;
};

enum request_kind {
	REQUEST_BLOCKS,
	REQUEST_HEAD,
	REQUEST_PROOF, /* the block that a node claims to have */
	REQUEST_TIP,
	REQUEST_KEYS, /* of witnesses */
};

struct tip;

struct request {
	struct request *next, *prev;
	struct client *client;
	enum request_kind kind;
	unsigned node;
	bool is_orphan;    /* its pool was replaced: the answer is thrown away */
	bool is_uncounted; /* REQUEST_BLOCKS: it no longer counts as one of the `connections` */
	/* It failed as a whole, and waits until its node has told its head or failed to do so. */
	bool is_waiting;
	struct error failure; /* while is_waiting: why it failed */
	size_t received_bytes;
	bool is_repeat;     /* it failed at once and was repeated */
	bool is_probe;      /* REQUEST_HEAD: the question is whether the node is away */
	int64_t timeout_ms; /* 0: the configured one */
	int64_t due_ms;     /* when it may be sent; 0: it was sent */
	int64_t sent_at_ms;
	uint32_t first_id;
	struct rpc_call *calls;
	size_t call_count;
	/*
	 * The index of the last call if it is a witness: it asks for the virtual operations of a
	 * block that must have some, not of a wanted block; 0: there is none.  See
	 * client_virtual.c.
	 */
	size_t witness;
	struct error unproven; /* after the answer: why the witness proves nothing; or no error */
	/* REQUEST_PROOF: the head that is believed when the block has been given */
	struct chain_head claim;
	struct tip *tip;      /* REQUEST_TIP: the tip it belongs to */
	struct tip *slow_tip; /* its own copy, when nobody waits for its end any more; or NULL */
	struct want **wants;  /* REQUEST_BLOCKS: one for each call; NULL when it is dealt with */
	/*
	 * Call i asks for the virtual operations of the block of call i - 1, and shares its
	 * want.
	 */
	bool *is_second;
	const struct client_key_sink *key_sink; /* REQUEST_KEYS */
	char (*names)[BLOCK_ACCOUNT_BYTES + 1]; /* REQUEST_KEYS: the witness of each call */
};

/* A tip request: one batch or, if is_single, one call after the other. */
struct tip {
	bool is_active;
	bool is_reversible; /* blocks up to the head are wanted, not only irreversible ones */
	bool is_single;
	bool has_head;
	struct client_tip_sink sink;
	struct chain_head head;
	uint32_t first;
	unsigned count;
	unsigned given_count; /* if is_single: how many blocks were asked for and answered */
};

struct client {
	struct http *http;
	struct pool *pool;
	struct client_config config;
	struct client_observer observer;
	struct want_list unsent[CLIENT_PRIORITIES]; /* one list for each priority */
	struct want_list refused;
	struct request *requests;
	unsigned block_requests; /* how many of the requests ask for wants */
	size_t wanted_count;
	/* client_without_virtual() for new and for old blocks, as of the last sending. */
	uint64_t without_virtual, without_history;
	/* mask of nodes whose head request, or its proof, has no answer yet */
	uint64_t heads_asked;
	struct tip irreversible_tip;
	struct tip reversible_tip;
	int64_t patience_at_ms; /* when to look for wants that are overdue */
	uint32_t next_id;
	bool has_news; /* something changed since the last client_handle() */
};

/* client.c */
void want_list_append(struct want_list *list, struct want *want);
void want_list_prepend(struct want_list *list, struct want *want);
void want_list_remove(struct want_list *list, struct want *want);
void want_free(struct want *want);
void want_set_refused_by(struct want *want, unsigned node, const struct error *err);
/* Put the unfinished wants of a request back, in front of the unsent ones. */
void client_put_back(struct client *client, struct request *request);

/*
 * Does the node claim this block, by the head that it told last? For a reversible block every node
 * counts, because such a claim is soon outdated.
 */
bool want_is_claimed(const struct want *want, const struct node *node);

/*
 * client_virtual.c: mask of the nodes that must not be asked for virtual operations now, because
 * they do not offer them; is_old: or because they did not prove that they have those of old
 * blocks.
 */
uint64_t client_without_virtual(const struct client *client, bool is_old);
/* The same for a want, as of the last sending. */
uint64_t want_without_virtual(const struct client *client, const struct want *want);
/* Is it a block whose empty list of virtual operations needs a witness? */
bool want_is_old(const struct want *want);
/* The block whose virtual operations prove that a server of this node has its account history. */
uint32_t client_witness_block(const struct client *client, unsigned node);
/* How many calls are for wanted blocks: all but the witness. */
size_t client_block_calls(const struct request *request);
/* Read the answer to the witness. Call it before the first client_add_virtual() of this request. */
void client_read_witness(struct request *request, const struct rpc_answer *answers);
/*
 * client_add_virtual() did not believe the empty list of the want's block, because of err.
 * Another server of the node may prove its history, so the block is requested again, after the
 * others.  After many such answers in a row the node is not asked for virtual operations of old
 * blocks for a while.  Takes the block and the want.
 */
void client_note_unproven(struct request *request, size_t i, struct block *block,
			  const struct error *err);
/* Mask of the nodes that must not be asked for this want now. */
uint64_t want_not_from(const struct client *client, const struct want *want);
/* Forget the half block that was given so far. */
void want_drop_half(struct want *want);
/* Call it when every node was asked. If a node gave the block unverified, return it; else NULL. */
struct block *want_take_unverified(struct want *want);
/*
 * Complete a block with the answer to its second call.  0; or -1 with err, and the block is
 * unchanged.  *ret_is_fault: the node is to blame (not if it only does not have the list yet).
 */
int client_add_virtual(struct request *request, struct block *block,
		       const struct rpc_answer *answer, bool *ret_is_fault,
		       struct error *err) MUST_CHECK;
/*
 * Keep a block whose virtual operations cannot be verified, if the configuration allows it.
 * True: the block was taken.
 */
bool want_keep_unverified(struct client *client, struct want *want, struct block *block,
			  unsigned node);

/*
 * client_vote.c: can a block that this node gave be accepted?  0, or -1 with err: it is not
 * proved or its sink needs a majority, and too few nodes give the same.  client_check_proof()
 * looks at this answer alone, without a sink.  want_check_vote() also counts the answers that
 * the want got before, and frees a block that it refuses.  When a block is accepted, nodes rest
 * if they gave JSON that does not contain all signed bytes, or another block than the majority.
 */
int client_check_proof(const struct client *client, const struct block *block, unsigned node,
		       struct error *err) MUST_CHECK;
int want_check_vote(struct client *client, struct want *want, struct block *block, unsigned node,
		    struct error *err) MUST_CHECK;
/*
 * client_vote.c: can the virtual operations of this block that this node gave be accepted?  0,
 * or -1 with err: too few nodes give the same list.  When a list is accepted, nodes that gave
 * another one are not asked for virtual operations for a while.
 */
int want_check_list(struct client *client, struct want *want, const struct block *block,
		    unsigned node, struct error *err) MUST_CHECK;
/* Is it waiting for a majority for one of the given lists? */
bool want_has_open_list(const struct want *want);
/*
 * Did nodes give different lists, none of them with a majority? Then *ret_reason names them; the
 * caller frees it.
 */
bool want_lists_differ(const struct client *client, const struct want *want, char **ret_reason);
/* Could a node that rests now still vote? Then the want waits for it until its patience ends. */
bool want_has_open_vote(const struct client *client, const struct want *want);
/*
 * The same for nodes that claim the block and do not give it: some of their servers may be a
 * little behind.
 */
bool want_waits_for_late(const struct client *client, const struct want *want);
/* These nodes may be asked again. */
void want_ask_late_again(struct client *client, struct want *want);
/*
 * No more nodes can be asked.  Do more than half of the nodes give the same block, without
 * counting nodes that could have given one and did not?  True: that is the block, and the want
 * must be requested once more.
 */
bool want_decide_vote(struct client *client, struct want *want);
/* How many blocks with different ids were put to the vote. */
unsigned want_version_count(const struct want *want);
/* Forget the versions that were put to the vote. */
void want_drop_versions(struct want *want);
/* The same for lists of virtual operations. */
void want_drop_lists(struct want *want);

/*
 * client_send.c: a new request with room for `count` calls.  request_send() sends it at once, or
 * as soon as its node's rate allows it.
 */
struct request *request_new(struct client *client, enum request_kind kind, unsigned node,
			    size_t count);
/*
 * Add the witness as the last call of a request for virtual operations of old blocks; the
 * request must have room for it.
 */
void request_add_witness(struct request *request);
void request_send(struct request *request);
/* Returns when the next one is due. */
int64_t client_send_due(struct client *client, int64_t now_ms);
void request_free(struct request *request);
/* No longer count it as one of the `connections`: nobody waits for its answer, or it came. */
void request_uncount(struct request *request);
/* Returns when a node that rests now may be asked for what waits. */
int64_t client_send_wants(struct client *client, int64_t now_ms);

/* client_head.c: ask the nodes that have not claimed this block yet for their heads. */
void client_ask_heads_below(struct client *client, uint32_t block);
/*
 * Which nodes have not told their heads for seconds, though asked? Returns when the next one is
 * silent.
 */
int64_t client_note_silent(struct client *client, int64_t now_ms);

/* client_answer.c */
http_done_fn client_answer;
/*
 * The failure class of err; an error without a class (a block that cannot be decoded) calls for
 * another node.
 */
enum rpc_failure client_failure(const struct error *err);
/*
 * A request of call_count calls failed as a whole: let the node rest or reduce its batches, and
 * tell the observer.
 */
void client_note_failure(struct client *client, unsigned node, size_t call_count,
			 const struct error *err, int64_t retry_after_ms);
/* Let the node rest, and tell the observer. */
void client_rest(struct client *client, unsigned node, enum rpc_failure failure,
		 const struct error *err, int64_t retry_after_ms);
/*
 * The node's answer for `block` (0: for several blocks) is bad; `good_count` other blocks of the
 * same answer are good.  The node rests if it is busy, or if this happens repeatedly.
 */
void client_note_fault(struct client *client, unsigned node, uint32_t block, size_t good_count,
		       const struct error *err, int64_t retry_after_ms);
/* Tell the observer if a value was corrected. */
void client_tell_correction(const struct client *client, unsigned node, const struct block *block);
void client_note_success(struct client *client, unsigned node, size_t call_count,
			 const struct http_answer *answer);

/*
 * client_doubt.c: a request for blocks failed as a whole.  True: it is kept until its node has
 * told its head or failed to do so; false: it is dealt with, and its wants are unsent again.
 */
bool client_doubt(struct request *request, const struct error *err,
		  const struct http_answer *answer) MUST_CHECK;
/*
 * Did the node ever give a block?  If so, an answer "not offered" does not refer to blocks in
 * general.
 */
bool client_offers_blocks(const struct client *client, unsigned node);
/* The node told its head (is_alive) or failed to: decide about its requests that wait for that. */
void client_decide_waiting(struct client *client, unsigned node, bool is_alive);
/* The node does not even tell its head: note that it is away, and tell the observer. */
void client_note_lost(struct client *client, unsigned node, const struct error *err);
/*
 * Ask nodes that are away for their heads, where it is time to. Returns when to ask the next one.
 */
int64_t client_ask_away(struct client *client, int64_t now_ms);
/* The nodes are replaced: put the wants of waiting requests back. */
void client_drop_waiting(struct client *client);
/* The block of a request for a single block; 0: it asks for several. */
uint32_t client_only_block(const struct request *request);
/* Check overdue wants, and wants that can be requested again, at this time at the latest. */
void client_look_again(struct client *client, int64_t at_ms);
/* Note that a living node failed to give this block. */
void want_set_doubted(struct client *client, struct want *want);
/*
 * Move the want into a new object and return it; the new one is in no list yet.  A want under
 * way stays in its request, without a sink.
 */
struct want *want_replace(struct want *want);
/* Refuse the wants that have been doubted for 15 s. Returns when to look again. */
int64_t client_refuse_overdue(struct client *client, int64_t now_ms);

/*
 * client_head.c: read a head from an answer and keep it.  1: it is not believed until the node
 * has given the block that it claims, which is requested now; *ret_head is the old one.
 */
int client_take_head(struct client *client, unsigned node, const struct rpc_answer *answer,
		     struct chain_head *ret_head, struct error *err) MUST_CHECK;

/* client_head.c: the answer to a question for the head, or for its proof, is unusable. */
void client_note_no_head(const struct request *request, const struct error *err,
			 int64_t retry_after_ms);
/* client_keys.c */
void client_keys_answer(struct request *request, const struct http_answer *answer,
			const struct error *err);
/*
 * client_head.c, client_tip.c: handle the answers to the other kinds.  True: the request is
 * kept, see client_doubt().
 */
bool client_tip_answer(struct request *request, const struct http_answer *answer,
		       const struct error *err);
/*
 * client_slow.c: what the tail waits for too long is asked of another node, where there is one.
 * Returns when the next request is slow.
 */
int64_t client_leave_slow(struct client *client, int64_t now_ms);
/* client_tip.c: end a tip request, while its answer may still come. */
void client_leave_tip(struct request *request);
void client_head_answer(struct request *request, const struct http_answer *answer,
			const struct error *err);

#endif
