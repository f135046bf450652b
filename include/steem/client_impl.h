/* SPDX-License-Identifier: MIT */
/*
 * What the files of the client share; nobody else includes this.
 *
 * A want is always in exactly one place: in the list of its lane (to be sent), in a
 * request (under way), or in the list of refused ones (to be reported).  Whoever calls
 * a function of a sink takes the want out of its place first, since the sink may call
 * client_want() and client_drop() from within.
 */
#ifndef STEEM_CLIENT_IMPL_H
#define STEEM_CLIENT_IMPL_H

#include "steem/client.h"
#include "steem/http.h"
#include "steem/node.h"
#include "steem/pool.h"
#include "steem/rpc.h"

#define CLIENT_LANES 2
/* A request that fails within this time, in a way that may pass, is sent a second time. */
#define CLIENT_REPEAT_MS 1000
/* Said so often in a row for one block, "too busy" and its like are believed to be of the block. */
#define CLIENT_BUSY_LIMIT 3

struct want {
	struct want *next, *prev;
	const struct client_sink *sink; /* NULL: dropped */
	char *reason;                   /* the last refusal in words, or NULL */
	uint64_t tried;                 /* nodes that refused it or are not to be asked */
	uint64_t barred;                /* of these: those that are not to be asked */
	uint64_t
		unfit_by; /* nodes that gave a list that cannot be that of the block, as it was given */
	uint64_t busy_by;      /* of the tried ones: they only said that they are too busy */
	uint64_t doubted_by;   /* nodes that did not answer a request with this block: asked last */
	int64_t doubted_at_ms; /* when a living node first failed to give it; 0: none has yet */
	bool is_alone;         /* it may have made a request fail: it gets a request of its own */
	uint32_t num;
	enum client_lane lane;
	bool needs_majority; /* as its sink said */
	bool is_reversible;  /* likewise */
	bool is_agreed;      /* the vote is over: the block with agreed_id is taken from any node */
	uint8_t agreed_id[BLOCK_ID_BYTES];
	bool is_left;        /* a node was slow to give it, so another one is asked */
	bool is_virtual;     /* as its sink said */
	bool is_opinion;     /* likewise */
	bool is_listed;      /* nodes gave lists for `half`, and others are asked for theirs */
	bool is_list_agreed; /* that vote is over: the list of `agreed_list` is taken from any node */
	struct block *
		half; /* waits for its virtual operations; until it is listed, from `half_giver` alone */
	struct block *unverified; /* given if no node gives better */
	struct version *versions; /* that were given and are put to the vote; see client_vote.c */
	struct version *lists;    /* the same of its virtual operations */
	struct version *agreed_list; /* one of them */
	unsigned half_giver, unverified_giver;
	/* So often in a row a node said that it is too busy for it, or that it does not offer it. */
	unsigned busy_count;
	unsigned lost_count; /* so often in a row its node was away after a request for it */
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
	bool is_orphan;    /* its pool is gone: the answer is thrown away */
	bool is_uncounted; /* REQUEST_BLOCKS: it keeps none of the connections from others any more */
	/* It failed as a whole, and waits until its node has told its head or failed to. */
	bool is_waiting;
	struct error failure; /* while is_waiting: why it failed */
	size_t received_bytes;
	bool is_repeat;     /* it failed at once, and was sent a second time */
	bool is_probe;      /* REQUEST_HEAD: is the node away? */
	int64_t timeout_ms; /* 0: the configured one */
	int64_t due_ms;     /* when it may go out; 0: it went */
	int64_t sent_at_ms;
	uint32_t first_id;
	struct rpc_call *calls;
	size_t call_count;
	/*
	 * The last call, if it asks for no wanted block but for the virtual operations of one that must
	 * have some; 0: there is none.  See client_virtual.c.
	 */
	size_t witness;
	struct error
		unproven; /* once it is answered: why the witness proves nothing; or no error */
	struct chain_head claim; /* REQUEST_PROOF: believed once the block is given */
	struct tip *tip;         /* REQUEST_TIP: whose it is */
	struct tip *slow_tip; /* its own, when nobody waits for the end of it any more; or NULL */
	struct want **wants;  /* REQUEST_BLOCKS: one for each call; NULL once it is dealt with */
	/* Call i asks for the virtual operations of the block of call i - 1, whose want it shares. */
	bool *is_second;
	const struct client_key_sink *key_sink; /* REQUEST_KEYS */
	char (*names)[BLOCK_ACCOUNT_BYTES + 1]; /* REQUEST_KEYS: of the witness of each call */
};

/* A tip request; batched or, with is_single, call after call. */
struct tip {
	bool is_active;
	bool is_reversible; /* blocks up to the head are wanted, not only irreversible ones */
	bool is_single;
	bool has_head;
	struct client_tip_sink sink;
	struct chain_head head;
	uint32_t first;
	unsigned count;
	unsigned given_count; /* with is_single: how many of them were asked for and answered */
};

struct client {
	struct http *http;
	struct pool *pool;
	struct client_config config;
	struct client_observer observer;
	struct want_list lanes[CLIENT_LANES];
	struct want_list refused;
	struct request *requests;
	unsigned block_requests; /* of the requests, how many ask for wants */
	size_t wanted_count;
	/* As of the last sending, client_without_virtual() of new blocks and of old ones. */
	uint64_t without_virtual, without_history;
	uint64_t heads_asked; /* nodes whose head request, or the proof of it, is unanswered */
	struct tip irreversible_tip;
	struct tip head_tip;
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
/* Put the wants that are left in a request back to the front of their lanes. */
void client_put_back(struct client *client, struct request *request);

/* Does the node claim this block, by its own last word? At the head, that word is soon old. */
bool want_is_claimed(const struct want *want, const struct node *node);

/*
 * client_virtual.c: nodes that are not to be asked for virtual operations now, because they do not
 * offer them; is_old: or do not prove that they have those of old blocks.
 */
uint64_t client_without_virtual(const struct client *client, bool is_old);
/* The same for a want, as of the last sending. */
uint64_t want_without_virtual(const struct client *client, const struct want *want);
/* Is it one of those blocks whose virtual operations need a witness? */
bool want_is_old(const struct want *want);
/* The block whose virtual operations prove that a server of this node has its account history. */
uint32_t client_witness_block(const struct client *client, unsigned node);
/* How many calls ask for what is wanted: all but the witness. */
size_t client_block_calls(const struct request *request);
/* Read the answer to the witness, before the first client_add_virtual() of this request. */
void client_read_witness(struct request *request, const struct rpc_answer *answers);
/*
 * client_add_virtual() did not believe the empty list of the want's block, for err: another server of
 * the node may prove its history, so the block is asked for again, behind the others.  After many such
 * answers in a row the node is not asked for virtual operations of old blocks for a while.  Takes the
 * block and the want.
 */
void client_note_unproven(struct request *request, size_t i, struct block *block,
			  const struct error *err);
/* Nodes that are not to be asked for this want now. */
uint64_t want_not_from(const struct client *client, const struct want *want);
/* Forget what of it was given so far. */
void want_drop_half(struct want *want);
/* Every node was asked: if one gave it unverified, that is its block now; else NULL. */
struct block *want_take_unverified(struct want *want);
/*
 * Complete a block by the answer to its second call.  0; or -1 with err, and the block is
 * as it was.  *ret_is_fault: the node is to blame (one that does not have them yet is not).
 */
int client_add_virtual(struct request *request, struct block *block,
		       const struct rpc_answer *answer, bool *ret_is_fault,
		       struct error *err) MUST_CHECK;
/* Keep a block whose virtual operations cannot be verified, if that is allowed. True: it was taken. */
bool want_keep_unverified(struct client *client, struct want *want, struct block *block,
			  unsigned node);

/*
 * client_vote.c: may a block be taken that this node gave?  0, or -1 with err: it is not proved, or its sink
 * needs a majority, and too few nodes give it alike.  client_check_proof() knows this one answer only and no
 * sink; want_check_vote() also the answers that the want got before, and frees a block that it refuses.
 * When a block is taken, the nodes that showed less of it rest, and so do those that gave another one than
 * the majority.
 */
int client_check_proof(const struct client *client, const struct block *block, unsigned node,
		       struct error *err) MUST_CHECK;
int want_check_vote(struct client *client, struct want *want, struct block *block, unsigned node,
		    struct error *err) MUST_CHECK;
/*
 * client_vote.c: may the virtual operations be taken that this node gave with, or for, this block?  0, or -1
 * with err: too few nodes give them alike.  When they are taken, nodes that gave others are not asked for
 * virtual operations for a while.
 */
int want_check_list(struct client *client, struct want *want, const struct block *block,
		    unsigned node, struct error *err) MUST_CHECK;
/* Is it waiting for a majority for one of the lists that were given? */
bool want_has_open_list(const struct want *want);
/* Did nodes give lists that differ, and none has a majority? Then *ret_reason names them; the caller frees it. */
bool want_lists_differ(const struct client *client, const struct want *want, char **ret_reason);
/* Could a node that rests now still vote on what others gave? Then it is waited for, until patience ends. */
bool want_has_open_vote(const struct client *client, const struct want *want);
/* The same for nodes that claim the block and do not give it, because servers of theirs may be a little behind. */
bool want_waits_for_late(const struct client *client, const struct want *want);
/* These may be asked again. */
void want_ask_late_again(struct client *client, struct want *want);
/*
 * No more nodes can be asked.  Do more than half give one block, if those do not count that could have given
 * one and did not?  True: that is the block, and the want is to be asked for once more.
 */
bool want_settle_vote(struct client *client, struct want *want);
/* How many blocks with different ids were given and put to the vote. */
unsigned want_version_count(const struct want *want);
/* Forget what was given and put to the vote. */
void want_drop_versions(struct want *want);
/* The same of virtual operations. */
void want_drop_lists(struct want *want);

/*
 * client_send.c: a request with room for `count` calls, then on its way, or as soon as its
 * node's rate allows it.
 */
struct request *request_new(struct client *client, enum request_kind kind, unsigned node,
			    size_t count);
/* The last call of a request with virtual operations of old blocks; it has room for it. */
void request_add_witness(struct request *request);
void request_send(struct request *request);
/* Returns when the next one is due. */
int64_t client_send_due(struct client *client, int64_t now_ms);
void request_free(struct request *request);
/* It is not one of the `connections` any more: its answer is waited for by nobody, or came. */
void request_uncount(struct request *request);
/* Returns when a node that rests now may be asked for what waits. */
int64_t client_send_wants(struct client *client, int64_t now_ms);

/* client_head.c: ask the nodes for their heads that have not claimed this block yet. */
void client_ask_heads_below(struct client *client, uint32_t block);
/* Which nodes have not told their heads for seconds, though asked? Returns when the next one is silent. */
int64_t client_note_silent(struct client *client, int64_t now_ms);

/* client_answer.c */
http_done_fn client_answer;
/* What err calls for; what is not sorted (a block that does not decode) calls for another node. */
enum rpc_failure client_failure(const struct error *err);
/*
 * A request of call_count calls failed as a whole: let the node rest, or ask it for
 * less, and tell the observer.
 */
void client_note_failure(struct client *client, unsigned node, size_t call_count,
			 const struct error *err, int64_t retry_after_ms);
/* Let the node rest, and tell the observer. */
void client_rest(struct client *client, unsigned node, enum rpc_failure failure,
		 const struct error *err, int64_t retry_after_ms);
/*
 * The node's answer for `block` (0: for several blocks) is bad; `good_count` other blocks of the
 * same answer are good.  The node rests if it is busy, or if this happens again and again.
 */
void client_note_fault(struct client *client, unsigned node, uint32_t block, size_t good_count,
		       const struct error *err, int64_t retry_after_ms);
/* Tell the observer where a value was put right. */
void client_tell_correction(const struct client *client, unsigned node, const struct block *block);
void client_note_success(struct client *client, unsigned node, size_t call_count,
			 const struct http_answer *answer);

/*
 * client_doubt.c: a request for blocks failed as a whole.  True: it is kept until its node has told
 * its head or failed to; false: it is dealt with, and its wants are back in their lanes.
 */
bool client_doubt(struct request *request, const struct error *err,
		  const struct http_answer *answer) MUST_CHECK;
/* Did the node ever give a block?  Then "I do not offer that" is not said about blocks as such. */
bool client_offers_blocks(const struct client *client, unsigned node);
/* The node told its head (is_alive) or failed to: settle its requests that wait for that. */
void client_settle(struct client *client, unsigned node, bool is_alive);
/* The node does not even tell its head: note that it is away, and tell the observer. */
void client_note_lost(struct client *client, unsigned node, const struct error *err);
/* Ask nodes that are away for their heads, where it is time to. Returns when to ask the next one. */
int64_t client_ask_away(struct client *client, int64_t now_ms);
/* The nodes are replaced: put the wants of waiting requests back. */
void client_drop_waiting(struct client *client);
/* The only block that a request asked for; 0: there were several. */
uint32_t client_only_block(const struct request *request);
/* Look for wants that are overdue, or that can be asked for again, at this time at the latest. */
void client_look_again(struct client *client, int64_t at_ms);
/* A living node failed to give this block. */
void want_set_doubted(struct client *client, struct want *want);
/*
 * Give the want another object that takes its place: it is returned, and is in no list yet.  A want
 * that is under way stays so, for nobody.
 */
struct want *want_replace(struct want *want);
/* Refuse the wants that have been doubted for 15 s. Returns when to look again. */
int64_t client_refuse_overdue(struct client *client, int64_t now_ms);

/*
 * client_head.c: read a head out of an answer and keep it.  1: it is not believed before the
 * node has given the block that it claims, which it is asked for; *ret_head is the old one.
 */
int client_take_head(struct client *client, unsigned node, const struct rpc_answer *answer,
		     struct chain_head *ret_head, struct error *err) MUST_CHECK;

/* client_head.c: the answer to a question for the head, or for its proof, is of no use. */
void client_note_no_head(const struct request *request, const struct error *err,
			 int64_t retry_after_ms);
/* client_keys.c */
void client_keys_answer(struct request *request, const struct http_answer *answer,
			const struct error *err);
/*
 * client_head.c, client_tip.c: the answers to the other kinds.  True: the request is kept, see
 * client_doubt().
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
