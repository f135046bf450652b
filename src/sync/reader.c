/* SPDX-License-Identifier: MIT */
#include "sync/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/codec/proof.h"
#include "steem/http.h"
#include "steem/pool.h"
#include "sync/chain_check.h"
#include "sync/confirm.h"
#include "sync/executor.h"
#include "sync/expiry.h"
#include "sync/filter.h"
#include "sync/head.h"
#include "sync/heartbeat.h"
#include "sync/lineage.h"
#include "sync/reader_impl.h"
#include "sync/replay.h"
#include "sync/scan.h"
#include "sync/startup.h"
#include "sync/tail.h"

#define LONGEST_TURN_MS 1000 /* the longest time between two checks of the reader's own state */
/* How often all nodes are asked for their heads. */
#define HEADS_REPLAY_MS  10000
#define HEADS_TAIL_MS    15000
#define HEADS_TRIAL_MS   2000 /* nodes that are on trial */
#define MAX_FDS          8
#define PATIENCE_MS      30000 /* how long --once and --backfill wait for a node or the database */
#define MIN_ANSWER_BYTES ((size_t)16 * 1024 * 1024)
/* One block had 69,438 virtual operations: 23 MB of text. */
#define MIN_VIRTUAL_ANSWER_BYTES ((size_t)64 * 1024 * 1024)

void reader_ask_heads(struct reader *reader)
{
	/* At the tip, each request also tells the head of the node that answers it. */
	client_poll_heads(reader->shared.client,
			  reader->state == STATE_TAILING ? HEADS_TAIL_MS / 2 : 0);
	reader->heads_asked_ms = clock_now_ms();
}

/* Checks of the reader's own state. */

/* A command does not wait for ever; a daemon does. The result is when its patience ends. */
static int64_t check_patience(struct reader *reader)
{
	int64_t now_ms = clock_now_ms();
	struct error err = ERROR_INIT;

	if (reader->state == STATE_OPENING || (pool_healthy(reader->shared.pool, now_ms) != 0 &&
					       pool_irreversible(reader->shared.pool) > 0))
		reader->healthy_at_ms = now_ms;
	if (pool_usable(reader->shared.pool) == 0) {
		(void)error_set(
			&err, ERROR_NODE,
			"no node is left that could be asked: all were excluded, the lines before say why");
		shared_end(&reader->shared, &err);
		return CLOCK_NEVER;
	}
	if (reader->shared.config.goal == READER_RUN || reader->state >= STATE_LEAVING)
		return CLOCK_NEVER;
	if (now_ms - reader->healthy_at_ms < PATIENCE_MS)
		return reader->healthy_at_ms + PATIENCE_MS;
	(void)error_set(&err, ERROR_NODE,
			"no node gave a usable answer for %d s; check nodes in the configuration",
			PATIENCE_MS / 1000);
	shared_end(&reader->shared, &err);
	return CLOCK_NEVER;
}

/* When a node last told its head, of the nodes that have all blocks that this reader has. */
static int64_t told_at_ms(const struct reader *reader, uint32_t next_block)
{
	int64_t at_ms = 0;

	for (unsigned i = 0; i < pool_count(reader->shared.pool); i++) {
		const struct node *node = pool_node(reader->shared.pool, i);

		if (!node->is_excluded &&
		    (uint64_t)node->head.irreversible_block + 1 >= next_block &&
		    node->head_at_ms > at_ms)
			at_ms = node->head_at_ms;
	}
	return at_ms;
}

/* The highest irreversible block of the nodes that answer; 0: none does. */
static uint32_t reached_block(const struct reader *reader)
{
	uint32_t highest = 0;

	for (unsigned i = 0; i < pool_count(reader->shared.pool); i++) {
		const struct node *node = pool_node(reader->shared.pool, i);

		if (node_is_up(node) && !node->is_on_trial &&
		    node->head.irreversible_block > highest)
			highest = node->head.irreversible_block;
	}
	return highest;
}

static void tell_stall(const struct reader *reader, enum stall_news news)
{
	const struct stall *stall = &reader->stall;
	long long still_s = (long long)(clock_now_ms() - stall->progress_at_ms) / 1000;
	char text[160];

	switch (news) {
	case STALL_BEGAN:
		log_error(
			"stalled",
			"no progress for %lld s (%s); the lines before say why (nodes, database), nothing is lost",
			still_s, reader_describe(reader, text, sizeof(text)));
		break;
	case STALL_ENDED:
		log_info("stall_over", "the reader makes progress again");
		break;
	case STALL_CHAIN_STILL:
		log_warning(
			"chain_still",
			"no node and no reader knew of a block after %u for %u s: the chain stands still, or all nodes do; the reader goes on asking, over new connections",
			stall->chain_block, reader->shared.config.stall_s);
		break;
	case STALL_CHAIN_MOVES:
		log_info("chain_moves", "the chain goes on, with block %u", stall->chain_block);
		break;
	case STALL_BEHIND:
		log_warning(
			"nodes_behind",
			"the nodes that answer have blocks up to %u, but block %u is stored already: this is normal for a while after nodes restart; the reader waits for them",
			stall->reached_block, tail_next_block(reader->tail) - 1);
		break;
	case STALL_LEVEL:
		log_info("nodes_level",
			 "the nodes have caught up with the stored blocks, at block %u",
			 stall->reached_block);
		break;
	case STALL_NOTHING:
		break;
	}
}

/*
 * A kept connection may lead to an old address of a host name, where a server stands still.  So
 * all connections are renewed, again and again while no block arrives.
 */
static void renew_connections(struct reader *reader, int64_t stall_ms, int64_t now_ms)
{
	if (!reader->stall.is_stalled && !reader->stall.is_chain_still) {
		reader->renewed_at_ms = 0;
	} else if (reader->renewed_at_ms == 0 || now_ms - reader->renewed_at_ms >= stall_ms) {
		reader->renewed_at_ms = now_ms;
		http_renew_connections(reader->http);
	}
}

/* If the chain advances and the reader does not, this must be visible, for any cause. */
static void check_progress(struct reader *reader)
{
	int64_t now_ms = clock_now_ms();
	bool is_tailing = reader->state == STATE_TAILING;
	uint32_t next_block = is_tailing ? tail_next_block(reader->tail) : 0;
	struct stall_facts facts = {
		.is_working = reader->state > STATE_OPENING && reader->state < STATE_LEAVING,
		.is_tailing = is_tailing,
		.next_block = next_block,
		.nodes_block = pool_irreversible(reader->shared.pool),
		.database_block = heartbeat_irreversible(reader->heartbeat),
		.reached_block = reached_block(reader),
		.told_at_ms = is_tailing ? told_at_ms(reader, next_block) : 0,
		.worked_at_ms = reader->shared.progress_at_ms,
		.stall_ms = (int64_t)reader->shared.config.stall_s * 1000,
	};

	if (pool_up(reader->shared.pool))
		reader->node_up_at_ms = now_ms;
	tell_stall(reader, stall_step(&reader->stall, &facts, now_ms));
	renew_connections(reader, facts.stall_ms, now_ms);
}

/* Creating and freeing a reader. */

static struct client_config client_limits(const struct reader *reader,
					  const struct reader_nodes *nodes)
{
	const struct reader_config *config = &reader->shared.config;
	size_t share = nodes->max_memory_bytes / nodes->connections;
	size_t least =
		config->filter->virtual_operations ? MIN_VIRTUAL_ANSWER_BYTES : MIN_ANSWER_BYTES;

	return (struct client_config){
		.connections = nodes->connections,
		.batch_size = nodes->batch_size,
		.timeout_ms = nodes->timeout_ms,
		.max_answer_bytes = share > least ? share : least,
		.takes_unverified = config->unverified_virtual,
		.proof = config->proof != READER_PROOF_OFF ? reader->shared.proof : NULL,
	};
}

static void take_limits(struct shared *shared, const struct reader_nodes *nodes)
{
	shared->config.connections = nodes->connections;
	shared->config.batch_size = nodes->batch_size;
	shared->config.max_memory_bytes = nodes->max_memory_bytes;
}

static void name_reader(struct reader *reader)
{
	struct reader_identity *identity = &reader->shared.identity;
	char token[9];

	random_hex(identity->session, READER_SESSION_BYTES);
	random_hex(token, 8);
	if (reader->shared.config.goal == READER_RUN)
		snprintf(identity->name, sizeof(identity->name), "%s", reader->shared.config.name);
	else /* so that it never takes the row of a daemon with that name */
		snprintf(identity->name, sizeof(identity->name), "%.49s/once-%s",
			 reader->shared.config.name, token);
}

static void make_parts(struct reader *reader)
{
	struct shared *shared = &reader->shared;

	if (shared->config.proof == READER_PROOF_SIGNED &&
	    shared->config.follow == READER_FOLLOW_HEAD)
		shared->lineage = lineage_new(shared->config.chain);
	reader->chain_check = chain_check_new(shared, reader_task_done, reader);
	reader->startup = startup_new(shared, reader->chain_check, reader_task_done, reader);
	reader->scan = scan_new(shared, reader_tell_hole, reader);
	reader->replay = replay_new(shared);
	reader->tail = tail_new(shared);
	reader->head = head_new(shared);
	reader->verify = verify_new(shared);
	reader->heartbeat = heartbeat_new(shared);
	reader->confirm = confirm_new(shared);
	reader->expiry = expiry_new(shared);
	progress_init(&reader->progress);
}

struct reader *reader_new(const struct reader_config *config, const struct reader_nodes *nodes,
			  const struct db_config *database, struct error *err)
{
	struct reader *reader = xcalloc(1, sizeof(*reader));
	struct shared *shared = &reader->shared;
	struct client_config limits;
	char user_agent[64];

	shared->config = *config;
	take_limits(shared, nodes);
	shared->progress_at_ms = clock_now_ms();
	reader->healthy_at_ms = clock_now_ms();
	stall_init(&reader->stall, clock_now_ms());
	name_reader(reader);
	nodelog_init(&reader->nodelog, shared);
	snprintf(user_agent, sizeof(user_agent), "steem-reader/%s", config->version);
	/* If blocks are not proved, a proof is still used to read keys, if it can be created. */
	shared->proof = proof_new(config->chain, err);
	if (!shared->proof && config->proof != READER_PROOF_OFF)
		goto fail;
	*err = ERROR_INIT;
	reader->http = http_new(nodes->connections + CLIENT_EXTRA_CONNECTIONS, user_agent, err);
	if (!reader->http)
		goto fail;
	shared->executor = executor_new(database, config->write_connections,
					config->goal == READER_RUN ? 0 : PATIENCE_MS, err);
	if (!shared->executor)
		goto fail;
	shared->pool = pool_new(nodes->urls, nodes->count, nodes->batch_size, nodes->rate_limit);
	limits = client_limits(reader, nodes);
	shared->client = client_new(reader->http, shared->pool, &limits, &reader->nodelog.observer);
	make_parts(reader);
	reader_begin(reader);
	return reader;
fail:
	reader_free(reader);
	return NULL;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	reader->shared.is_stopping = true;
	progress_end(&reader->progress);
	executor_free(reader->shared.executor); /* first, because its threads use the other parts */
	tail_free(reader->tail);
	head_free(reader->head);
	verify_free(reader->verify);
	replay_free(reader->replay);
	scan_free(reader->scan);
	startup_free(reader->startup);
	chain_check_free(reader->chain_check);
	heartbeat_free(reader->heartbeat);
	confirm_free(reader->confirm);
	expiry_free(reader->expiry);
	lineage_free(reader->shared.lineage);
	client_free(reader->shared.client);
	pool_free(reader->shared.pool);
	proof_free(reader->shared.proof);
	http_free(reader->http);
	free(reader);
}

void reader_stop(struct reader *reader)
{
	reader_leave(reader, READER_END_STOPPED);
}

void reader_reload(struct reader *reader, const struct reader_nodes *nodes)
{
	struct client_config limits = client_limits(reader, nodes);
	struct pool *pool =
		pool_new(nodes->urls, nodes->count, nodes->batch_size, nodes->rate_limit);

	pool_keep_rates(pool, reader->shared.pool);
	client_set_config(reader->shared.client, &limits);
	chain_check_reload(reader->chain_check, pool, reader->state <= STATE_CHECKING);
	client_set_pool(reader->shared.client, pool);
	pool_free(reader->shared.pool);
	reader->shared.pool = pool;
	reader->shared.pool_epoch++;
	take_limits(&reader->shared, nodes);
	reader_take_nodes(reader);
	reader_ask_heads(reader);
	reader->due_ms = 0;
}

/* The loop. */

/* Until the reader has left STATE_PROBING, heads_are_known() asks. */
static int64_t ask_heads_in_time(struct reader *reader, int64_t now_ms)
{
	int64_t interval_ms = reader->state == STATE_TAILING ? HEADS_TAIL_MS : HEADS_REPLAY_MS;

	if (reader->state <= STATE_PROBING || reader->state >= STATE_LEAVING)
		return CLOCK_NEVER;
	if (now_ms >= reader->heads_asked_ms + interval_ms)
		reader_ask_heads(reader);
	return reader->heads_asked_ms + interval_ms;
}

/* The reader does not wait for a node on trial, but does not leave it out for long either. */
static int64_t try_new_nodes(struct reader *reader, int64_t now_ms)
{
	int64_t due_ms;

	if (reader->state <= STATE_CHECKING || reader->state >= STATE_LEAVING)
		return CLOCK_NEVER;
	due_ms = chain_check_step(reader->chain_check, now_ms);
	if (!pool_on_trial(reader->shared.pool))
		return due_ms;
	if (now_ms >= reader->trial_heads_at_ms) {
		reader->trial_heads_at_ms = now_ms + HEADS_TRIAL_MS;
		client_poll_heads(reader->shared.client, HEADS_TAIL_MS);
	}
	return sooner(due_ms, reader->trial_heads_at_ms);
}

/* Heartbeats, confirmations and expiry, in every state, once the database knows this reader. */
static int64_t keep_tables(struct reader *reader, int64_t now_ms)
{
	struct replay_status status;
	int64_t due_ms;

	if (!reader->is_ready || reader->state >= STATE_SIGNING_OFF ||
	    reader->shared.config.dry_run)
		return CLOCK_NEVER;
	replay_get_status(reader->replay, &status);
	due_ms = confirm_step(reader->confirm, now_ms);
	due_ms = sooner(due_ms, expiry_step(reader->expiry, now_ms));
	return sooner(due_ms, heartbeat_step(reader->heartbeat, reader_state_name(reader),
					     status.claim_count > 0,
					     reader->state == STATE_TAILING
						     ? tail_next_block(reader->tail) - 1
						     : 0,
					     now_ms));
}

static void be_due(struct reader *reader, int64_t due_ms)
{
	reader->due_ms = sooner(reader->due_ms, due_ms);
}

/*
 * Each part does what is due and returns when it will have something to do again.  The client comes
 * last, because all others may want something of it.
 */
void reader_work(struct reader *reader)
{
	int64_t now_ms = clock_now_ms();
	size_t held_bytes;
	bool is_full;

	reader->due_ms = CLOCK_NEVER;
	executor_collect(reader->shared.executor);
	shared_set_ceiling(&reader->shared);
	be_due(reader, try_new_nodes(reader, now_ms));
	be_due(reader, replay_step(reader->replay, now_ms));
	held_bytes = reader->shared.held_bytes;
	is_full = shared_room_blocks(&reader->shared) == 0;
	be_due(reader, reader_step(reader, now_ms));
	if (is_full && reader->shared.held_bytes < held_bytes)
		be_due(reader, now_ms); /* tail or head dropped blocks: the replay has more room */
	be_due(reader, check_patience(reader));
	check_progress(reader);
	be_due(reader, ask_heads_in_time(reader, now_ms));
	be_due(reader, keep_tables(reader, now_ms));
	if (reader->shared.is_over)
		reader_advance(reader);
	be_due(reader, client_handle(reader->shared.client));
}

/* The time until the next part is due, but at most max_ms (-1: no limit). */
static int64_t wait_ms(const struct reader *reader, int64_t max_ms)
{
	int64_t left_ms = reader->due_ms - clock_now_ms();

	if (left_ms < 0)
		return 0;
	if (max_ms >= 0)
		left_ms = sooner(left_ms, max_ms);
	return sooner(left_ms, LONGEST_TURN_MS);
}

int reader_turn(struct reader *reader, struct pollfd *fds, unsigned fd_count, int64_t max_ms,
		struct error *err)
{
	struct pollfd all[MAX_FDS];
	unsigned count = 0;

	for (unsigned i = 0; i < fd_count && count < MAX_FDS - 1; i++)
		all[count++] = fds[i];
	all[count] = (struct pollfd){.fd = executor_fd(reader->shared.executor), .events = POLLIN};
	if (http_wait(reader->http, all, count + 1, wait_ms(reader, max_ms), err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		fds[i].revents = all[i].revents;
	reader_work(reader);
	return 0;
}

bool reader_is_over(const struct reader *reader)
{
	return reader->state == STATE_OVER;
}

bool reader_is_stuck(const struct reader *reader)
{
	return reader_is_over(reader) && executor_pending(reader->shared.executor) > 0;
}

enum reader_end reader_how_ended(const struct reader *reader, struct error *err)
{
	if (reader->end == READER_END_ERROR)
		*err = reader->shared.over_error;
	return reader->end;
}

bool reader_is_ready(const struct reader *reader)
{
	return reader->is_ready;
}

int64_t reader_progress_at_ms(const struct reader *reader)
{
	return reader->stall.progress_at_ms;
}

void reader_get_verified(const struct reader *reader, struct verify_counts *ret_counts)
{
	verify_get_counts(reader->verify, ret_counts);
}

char *reader_describe(const struct reader *reader, char *text, size_t size)
{
	uint32_t irreversible = pool_irreversible(reader->shared.pool);

	if (reader->state == STATE_TAILING) {
		uint32_t next = tail_next_block(reader->tail);

		if (reader->stall.is_behind)
			snprintf(text, size,
				 "tailing, block %u is stored, the nodes have blocks up to %u",
				 next - 1, reader->stall.reached_block);
		else
			snprintf(text, size, "tailing, block %u is stored, %u behind", next - 1,
				 irreversible >= next ? irreversible - next + 1 : 0);
	} else {
		snprintf(text, size, "%s, %llu blocks stored since the start; %u is irreversible",
			 reader_state_name(reader),
			 (unsigned long long)reader->shared.stored_blocks, irreversible);
	}
	return text;
}
