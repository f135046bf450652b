/* SPDX-License-Identifier: MIT */
/* One who wants blocks of simulated nodes and notes what becomes of it: for test_client*.c. */
#ifndef TESTS_CLIENT_WORLD_H
#define TESTS_CLIENT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "fake_nodes.h"
#include "steem/client.h"
#include "steem/pool.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BLOCKS_MAX   20000

struct world {
	struct pool *pool;
	struct client *client;
	struct client_sink sink;
	unsigned given[BLOCKS_MAX], refused[BLOCKS_MAX];
	unsigned given_count, refused_count;
	unsigned sources; /* mask */
	uint32_t last_given;
	bool wants_again; /* what was refused is wanted again */
	char reason[600];
	unsigned virtual_missing_count;
	unsigned failed_count, recovered_count, reduced_count, block_refused_count, head_count;
	unsigned split_count, false_count;
	unsigned claim_false_count, claim_false_of; /* nodes: a mask */
	unsigned differ_count;
	/* the tip */
	unsigned tip_done_count;
	bool tip_had_head, tip_asks_again;
	struct error tip_err;
	struct client_tip_sink tip_sink;
};

extern struct world world;

/* For sinks of a test's own: note it in the world. */
void take_tip_done(void *context, unsigned node, const struct chain_head *head,
		   const struct error *err);
void take_refused(void *context, uint32_t num, const char *reason);

extern const struct client_config config;

/* Nodes "http://a" and so on, which give blocks up to 15,000, and a client that asks them. */
void open_world(unsigned nodes);
/* Until no request is under way. */
void answer_all(void);
void learn_heads(void);
void close_world(void);
/* Turn the loop until nothing is wanted, or nothing can happen any more. */
void run(void);
void assert_each_given_once(uint32_t first, uint32_t last);

#endif
