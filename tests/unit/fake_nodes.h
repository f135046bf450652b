/* SPDX-License-Identifier: MIT */
/*
 * Simulated nodes in place of http.c: this brings its own http_post(), http_wait() and
 * http_in_flight(), so a test that is linked with it is linked without steem/http.o.
 */
#ifndef TESTS_FAKE_NODES_H
#define TESTS_FAKE_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "steem/http.h"

#define NODES_MAX 3

enum fault {
	FAULT_NONE,
	FAULT_DOWN, /* no connection */
	FAULT_TIMEOUT,
	FAULT_HTML,    /* 200 and a page */
	FAULT_CUT,     /* half of the answer */
	FAULT_GARBAGE, /* something behind the answer */
	FAULT_TOO_FEW,
	FAULT_DOUBLED, /* the first one also in place of the last */
	FAULT_REORDERED,
	FAULT_NULL,
	FAULT_OTHER_BLOCK,
	FAULT_INCOMPLETE,
	FAULT_BUSY,      /* every call: no database lock */
	FAULT_INTERNAL,  /* every call: internal error */
	FAULT_ONE_ERROR, /* an error in place of the array */
	FAULT_UNSUPPORTED,
	FAULT_RANDOM, /* another one of these each time */
	/* Only for `poison`: */
	FAULT_STATUS_500,
	FAULT_STATUS_503,
	FAULT_RESET,
	FAULT_TOO_LARGE,
	FAULT_ERROR_OBJECT,
	FAULT_STATUS_429,
	FAULT_RETRY_AFTER,
	FAULT_NOT_OFFERED, /* an object of error in place of the answer */
	FAULT_KILL,        /* the node is away for a while */
};

#define DEAD_MS 2000 /* after FAULT_KILL */

#define POSTS_NOTED 400

/* What it says to get_ops_in_block. */
enum virtual_answer {
	VIRTUAL_GOOD,
	VIRTUAL_EMPTY,
	VIRTUAL_UNREWARDED,  /* all but the producer_reward */
	VIRTUAL_OTHER_BLOCK, /* that of the next block */
	VIRTUAL_INTERNAL,
	VIRTUAL_UNSUPPORTED,
	VIRTUAL_LIE, /* another operation in the place of one */
};

/* What its blocks prove of themselves. */
enum seal {
	SEAL_NONE, /* they have no witness and no signature */
	SEAL_GOOD,
	SEAL_FALSE,   /* another id than their bytes have */
	SEAL_UNKNOWN, /* the good block, but an extension that no program knows, so nobody can tell */
	SEAL_OTHER,   /* the same, of another block */
};

struct sim {
	enum fault fault;
	enum seal seal;
	enum virtual_answer virtual_answer;
	unsigned virtual_count; /* calls for them */
	uint32_t history_from;  /* below it its lists are empty */
	bool is_bare_in_turns;  /* each second request, as one of two servers without a history */
	bool hides_witness; /* an error to the call for one of the blocks that prove a history */
	unsigned witness_count; /* calls for them */
	int fault_count;        /* so many requests, then none; -1: for ever */
	unsigned batch_max;     /* more calls are refused as jussi does; 0: no limit */
	uint32_t head, irreversible;
	uint32_t poison;         /* a request with this block never gets a whole answer ... */
	enum fault poison_fault; /* ... but this; FAULT_NONE: nothing, until its time is over */
	int64_t dead_until_ms;
	bool hangs_for_blocks; /* answers nothing but questions for its head */
	bool breaks_in_turns;  /* each second request, as one of two servers behind its name */
	unsigned block_posts;  /* requests with blocks in them */
	bool hangs_for_lists;  /* answers nothing to requests for nothing but virtual operations */
	uint32_t lacks;        /* answers null for this block */
	uint32_t locked;       /* is too busy for this block, always */
	unsigned request_count, largest_batch;
	unsigned posted_count;
	int64_t posted_at_ms[POSTS_NOTED]; /* of the first ones */
};

struct post {
	struct http_post request;
	char *body;
	unsigned node;
	int64_t due_ms; /* when it is answered, or its time is over */
};

struct http {
	struct post posts[64];
	unsigned count, most, renewal_count;
	struct sim sims[NODES_MAX];
};

extern struct http fake;
extern int64_t now_ms;

/* The clock of the tests: now_ms. */
int64_t fake_clock(void *context);
/* When the next post is answered. */
int64_t fake_next_due_ms(void);

#endif
