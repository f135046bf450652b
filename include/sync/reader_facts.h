/* SPDX-License-Identifier: MIT */
/*
 * All facts about a running reader, for metrics and other monitoring.
 */
#ifndef SYNC_READER_FACTS_H
#define SYNC_READER_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/overview.h"
#include "store/queue_status.h"
#include "sync/executor.h"

struct node;
struct reader;

struct reader_facts {
	const char *name;
	const char *state; /* a constant string, as in the table `readers` */
	char description[160];
	bool is_ready; /* the database is open */
	bool is_tailing;
	bool is_leaving;
	/* progress; times are by clock_now_ms() */
	int64_t now_ms;
	int64_t progress_at_ms;
	int64_t level_at_ms; /* when all known blocks were last stored; 0: not yet */
	int64_t chain_moved_at_ms;
	bool is_stalled;
	bool is_chain_still;
	bool are_nodes_behind; /* every node that answers has fewer blocks than are stored */
	/* the chain */
	uint32_t head_block;
	int64_t head_time_s;         /* of the newest block of the nodes; 0: none yet */
	uint32_t irreversible_block; /* as the nodes say */
	/* the same, or the highest that any reader recorded, if that is higher */
	uint32_t chain_block;
	/* the highest that is stored or decided, as far as this reader knows; 0: none */
	uint32_t stored_block;
	uint64_t lag_blocks;   /* blocks between the two */
	uint32_t newest_block; /* the highest of its commits, reversible or not; 0: none */
	int64_t newest_time_s; /* of its header */
	/* counts since the start */
	uint64_t stored_blocks;
	uint64_t present_blocks;
	uint64_t replaced_blocks;
	uint64_t stored_operations;
	uint64_t false_blocks;    /* refused: they contradict their own hashes */
	uint64_t false_claims;    /* of nodes: most nodes or the clock deny them */
	uint64_t unproved_blocks; /* stored although their JSON does not prove them */
	/* work under way */
	size_t held_bytes;
	unsigned claims;
	uint64_t replay_done_blocks; /* of the current scan or replay */
	uint64_t replay_left_blocks;
	/* the database */
	int64_t beat_at_ms; /* the last heartbeat that it accepted; 0: none yet */
	struct executor_trouble trouble;
	const struct metric_histogram *commit_times;
	const struct overview *overview;   /* NULL: none yet, or not kept */
	const struct queue_status *queues; /* as old as the overview; NULL: not known */
	int64_t overview_at_ms;
	/* the nodes */
	size_t node_count;
	size_t nodes_up;       /* nodes that answered when they were last asked */
	int64_t node_up_at_ms; /* when at least one node was up */
};

/* Keep the overview from now on, which costs the database something. */
void reader_keep_overview(struct reader *reader);
/* The pointers in it are valid until the next reader_turn(). */
void reader_get_facts(struct reader *reader, struct reader_facts *ret_facts);
/* index must be below node_count; the node is valid until the next reader_turn(). */
const struct node *reader_get_node(const struct reader *reader, size_t index);

#endif
