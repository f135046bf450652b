/* SPDX-License-Identifier: MIT */
#include "sync/nodelog.h"

#include "steem/node.h"
#include "steem/rpc.h"
#include "sync/shared.h"

#define BURST_MS 10000

/*
 * A node that is away is asked every few seconds, so only its 1st, 2nd, 4th, 8th... failure is
 * logged.
 */
static bool is_power_of_two(unsigned count)
{
	return (count & (count - 1)) == 0;
}

static void tell_failed(void *context, const struct node *node, const struct error *err,
			int64_t delay_ms)
{
	struct nodelog *nodelog = context;

	nodelog->shared->node_failures++;
	if (node->is_excluded)
		log_warning("node_excluded",
			    "%s: %s; it is not asked again until the configuration is read again",
			    node->label, err->text);
	else if (node->failures_in_row <= 1)
		log_warning("node_failed", "%s: %s; asked again in %lld ms, others meanwhile",
			    node->label, err->text, (long long)delay_ms);
	else if (is_power_of_two(node->failures_in_row))
		log_info("node_failed", "%s: %s; %u failures in a row, asked again in %lld ms",
			 node->label, err->text, node->failures_in_row, (long long)delay_ms);
}

static void tell_recovered(void *context, const struct node *node)
{
	(void)context;
	log_info("node_recovered", "%s answers again", node->label);
}

static void tell_batch(void *context, const struct node *node, const struct error *err)
{
	(void)context;
	log_info("batch_reduced", "%s: %s; it gets at most %u calls in one request now",
		 node->label, err->text, node->batch_size);
}

static void tell_virtual(void *context, const struct node *node, const struct error *err,
			 int64_t delay_ms)
{
	(void)context;
	log_warning("node_without_virtual",
		    "%s does not offer virtual operations: %s; asked for them again in %lld ms, "
		    "others meanwhile",
		    node->label, err->text, (long long)delay_ms);
}

static void tell_refused(void *context, const struct node *node, uint32_t num,
			 const struct error *err)
{
	struct nodelog *nodelog = context;

	if (rpc_failure_of(err) == RPC_FAILURE_FALSE) {
		nodelog->shared->false_blocks++;
		log_limited(&nodelog->false_limit, LOG_LEVEL_WARNING, "block_false",
			    "%s from %s; nothing of it is stored, other nodes are asked", err->text,
			    node->label);
		return;
	}
	log_limited(&nodelog->refused_limit, LOG_LEVEL_WARNING, "block_refused",
		    "block %u from %s: %s; not taken, other nodes are asked", num, node->label,
		    err->text);
}

static void tell_claim(void *context, const struct node *node, const struct error *err)
{
	struct nodelog *nodelog = context;

	nodelog->shared->false_claims++;
	log_limited(&nodelog->claim_limit, LOG_LEVEL_WARNING, "claim_false", "%s %s", node->label,
		    err->text);
}

static void tell_lists(void *context, uint32_t num, const char *reason)
{
	struct nodelog *nodelog = context;

	log_limited(&nodelog->lists_limit, LOG_LEVEL_WARNING, "block_disputed",
		    "block %u: %s; it is not stored until more than half of them agree", num,
		    reason);
}

static void tell_corrected(void *context, const struct node *node, const struct block *block)
{
	struct nodelog *nodelog = context;

	log_limited(
		&nodelog->false_limit, LOG_LEVEL_WARNING, "block_false",
		"block %u: %s shows a value that is not the one in the chain (a known fault of old nodes), and the right one is stored: %s",
		block->num, node->label, block->correction);
}

static void tell_split(void *context, const struct node *node, const struct error *err)
{
	struct nodelog *nodelog = context;

	log_limited(
		&nodelog->split_limit, LOG_LEVEL_WARNING, "request_split",
		"%s: %s; it tells its head, so one of the blocks may be to blame: each is asked for "
		"alone",
		node->label, err->text);
}

void nodelog_init(struct nodelog *nodelog, struct shared *shared)
{
	*nodelog = (struct nodelog){
		.shared = shared,
		.refused_limit = LOG_LIMIT_INIT(BURST_MS),
		.false_limit = LOG_LIMIT_INIT(BURST_MS),
		.split_limit = LOG_LIMIT_INIT(BURST_MS),
		.claim_limit = LOG_LIMIT_INIT(BURST_MS),
		.lists_limit = LOG_LIMIT_INIT(BURST_MS),
		.observer = {.context = nodelog,
			     .node_failed = tell_failed,
			     .node_recovered = tell_recovered,
			     .batch_reduced = tell_batch,
			     .request_split = tell_split,
			     .virtual_missing = tell_virtual,
			     .claim_false = tell_claim,
			     .lists_differ = tell_lists,
			     .block_corrected = tell_corrected,
			     .block_refused = tell_refused},
	};
}
