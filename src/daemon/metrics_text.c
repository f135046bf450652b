/* SPDX-License-Identifier: MIT */
/* Writes /metrics: the figures of a reader in the text format of Prometheus. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "daemon/metrics.h"
#include "steem/node.h"
#include "steem/pool.h"
#include "sync/reader_facts.h"

/* As in the table `readers`. */
static const char *const states[] = {"starting",    "scanning", "replaying",
				     "catching_up", "tailing",  "stopping"};

/* Convert monotonic time to wall time; 0 stays 0. */
static double wall_of(const struct reader_facts *facts, int64_t at_ms)
{
	struct timespec now;

	if (at_ms == 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec +
	       (double)(now.tv_nsec / 1000000 - (facts->now_ms - at_ms)) / 1000;
}

/* The process. */

/* Other programs have these names too, so they are without "steem_reader_". */
static void write_process(struct buf *buf, int64_t started_s)
{
	struct metric_page page = {.buf = buf, .prefix = "process_"};
	struct timespec cpu = {.tv_sec = 0};
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	if (file) {
		if (fscanf(file, "%*u %lu", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	metric_counter(&page, "cpu_seconds_total", "CPU time of the process.",
		       (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	metric_gauge(&page, "start_time_seconds", "When the process started.", (double)started_s);
	metric_gauge(&page, "resident_memory_bytes", "Memory of the process.",
		     (double)pages * (double)sysconf(_SC_PAGESIZE));
}

static void write_reader(struct metric_page *page, const struct reader_facts *facts)
{
	struct metric_label labels[] = {{"version", PACKAGE_VERSION}, {"reader", facts->name}};

	metric_begin(page, "build_info", METRIC_GAUGE, "Always 1: which program, which reader.");
	metric_sample(page, labels, 2, 1);
	metric_begin(page, "state", METRIC_GAUGE, "1 for what the reader is doing now.");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		metric_labelled(page, "state", states[i], strcmp(states[i], facts->state) == 0);
	metric_counter(
		page, "log_lines_lost_total",
		"Log lines that could not be written: nobody read the log, or its disk was full.",
		(double)log_lost_count());
	metric_gauge(page, "is_live", "1 while the reader follows the tip of the chain.",
		     facts->is_tailing);
}

static void write_health(struct metric_page *page, const struct reader_facts *facts)
{
	CLEANUP(buf_release) struct buf words = BUF_INIT(8192);

	metric_gauge(page, "healthy", "1 while /healthz says 200.",
		     metrics_is_healthy(&words, facts));
	metric_gauge(page, "ready", "1 while /readyz says 200.", metrics_is_ready(&words, facts));
	metric_gauge(page, "stalled", "1 while there was no progress for reader.stall_s.",
		     facts->is_stalled);
	metric_gauge(
		page, "last_progress_timestamp_seconds",
		"When the reader last stored a block, took a step of a scan, or saw that nothing is missing.",
		wall_of(facts, facts->progress_at_ms));
	metric_gauge(page, "chain_moved_timestamp_seconds",
		     "When a node or another reader last told of a new block.",
		     wall_of(facts, facts->chain_moved_at_ms));
}

/* The chain. */

static void write_chain(struct metric_page *page, const struct reader_facts *facts)
{
	metric_gauge(page, "head_block", "The highest head block of the nodes.", facts->head_block);
	metric_gauge(page, "irreversible_block", "The highest irreversible block of the nodes.",
		     facts->irreversible_block);
	metric_gauge(
		page, "chain_block",
		"The highest irreversible block of the nodes and of what all readers recorded.",
		facts->chain_block);
	metric_gauge(page, "committed_block",
		     "The highest irreversible block that is stored, as far as this reader knows.",
		     facts->stored_block);
	metric_gauge(page, "lag_blocks", "How many blocks committed_block is below chain_block.",
		     (double)facts->lag_blocks);
	if (facts->head_time_s > 0)
		metric_gauge(page, "head_time_drift_seconds",
			     "Age of the newest head block of the nodes.",
			     (double)(clock_wall_s() - facts->head_time_s));
	metric_gauge(
		page, "newest_block",
		"The highest block of this reader's commits, also if it is not irreversible yet.",
		facts->newest_block);
	if (facts->newest_time_s > 0)
		metric_gauge(page, "newest_block_timestamp_seconds",
			     "Time in the header of newest_block.", (double)facts->newest_time_s);
}

static void write_gaps(struct metric_page *page, const struct reader_facts *facts)
{
	const struct overview *overview = facts->overview;

	if (!overview)
		return;
	metric_gauge(page, "gap_blocks", "Missing blocks below the newest stored one (view gaps).",
		     (double)overview->gap_blocks);
	metric_gauge(page, "gap_ranges", "Ranges that the missing blocks form.",
		     (double)overview->gap_ranges);
	metric_gauge(page, "oldest_gap_age_seconds",
		     "Age of the oldest known gap, since it was found.",
		     (double)overview->oldest_s);
	metric_gauge(page, "contiguous_block", "All wanted blocks up to this one are stored.",
		     overview->gap_blocks > 0 ? overview->first_gap - 1.0 : facts->stored_block);
	metric_gauge(page, "readers_alive", "Readers of this database with a heartbeat.",
		     overview->alive);
	metric_gauge(page, "overview_timestamp_seconds", "When gaps and readers were last counted.",
		     wall_of(facts, facts->overview_at_ms));
}

/* Queues and outbox. */

static void counted(struct metric_page *page, const char *label, const char *whose,
		    const char *state, uint64_t count)
{
	struct metric_label labels[] = {{label, whose}, {"state", state}};

	metric_sample(page, labels, 2, (double)count);
}

static void write_queues(struct metric_page *page, const struct queue_status *status)
{
	metric_begin(page, "queue_deliveries", METRIC_GAUGE,
		     "Deliveries of a queue that are not done, by state (view queue_status).");
	for (size_t i = 0; i < status->queue_count; i++) {
		const struct queue_status_queue *queue = &status->queues[i];

		counted(page, "queue", queue->queue, "ready", queue->ready);
		counted(page, "queue", queue->queue, "waiting", queue->waiting);
		counted(page, "queue", queue->queue, "claimed", queue->claimed);
		counted(page, "queue", queue->queue, "failed", queue->failed);
	}
	metric_begin(page, "queue_oldest_age_seconds", METRIC_GAUGE,
		     "For how long the oldest ready delivery has been ready.");
	for (size_t i = 0; i < status->queue_count; i++)
		metric_labelled(page, "queue", status->queues[i].queue,
				(double)status->queues[i].oldest_age_s);
	metric_begin(page, "queue_done_per_second", METRIC_GAUGE,
		     "Deliveries done per second, over the last minute.");
	for (size_t i = 0; i < status->queue_count; i++)
		metric_labelled(page, "queue", status->queues[i].queue, status->queues[i].rate);
	metric_begin(page, "queue_paused", METRIC_GAUGE,
		     "1 while the queue is paused: no delivery is handed out.");
	for (size_t i = 0; i < status->queue_count; i++)
		metric_labelled(page, "queue", status->queues[i].queue,
				status->queues[i].is_paused);
}

static void write_outbox(struct metric_page *page, const struct queue_status *status)
{
	metric_begin(page, "outbox_comments", METRIC_GAUGE,
		     "Comments and actions of an account in the outbox (view outbox_status).");
	for (size_t i = 0; i < status->author_count; i++) {
		const struct queue_status_author *author = &status->authors[i];

		counted(page, "author", author->author, "pending", author->pending);
		counted(page, "author", author->author, "sent", author->sent);
		counted(page, "author", author->author, "confirmed", author->confirmed);
		counted(page, "author", author->author, "failed", author->failed);
		counted(page, "author", author->author, "held", author->held);
	}
	metric_begin(page, "outbox_oldest_age_seconds", METRIC_GAUGE,
		     "Age of the oldest comment or action that is pending or sent.");
	for (size_t i = 0; i < status->author_count; i++)
		metric_labelled(page, "author", status->authors[i].author,
				(double)status->authors[i].oldest_age_s);
}

/* Work. */

static void write_work(struct metric_page *page, const struct reader_facts *facts)
{
	metric_begin(
		page, "blocks_total", METRIC_COUNTER,
		"Blocks of this reader's commits. won: it stored them; duplicate: another reader had stored them, or it only confirmed them.");
	metric_labelled(page, "result", "won", (double)facts->stored_blocks);
	metric_labelled(page, "result", "duplicate", (double)facts->present_blocks);
	metric_counter(page, "ops_inserted_total", "Operations that this reader stored.",
		       (double)facts->stored_operations);
	metric_counter(page, "reorg_total", "Stored blocks that were orphans, and were replaced.",
		       (double)facts->replaced_blocks);
	metric_counter(page, "blocks_false_total",
		       "Blocks that were refused because they contradict their own hashes.",
		       (double)facts->false_blocks);
	metric_counter(page, "blocks_unproved_total",
		       "Blocks that were stored although their JSON does not prove them.",
		       (double)facts->unproved_blocks);
	metric_counter(
		page, "claims_false_total",
		"Blocks and claims of a node that more than half of the nodes, or the clock, contradict.",
		(double)facts->false_claims);
	metric_gauge(page, "held_bytes", "Decoded blocks on their way to the database.",
		     (double)facts->held_bytes);
	metric_gauge(page, "claims", "Cells that this reader is replaying.", facts->claims);
	metric_gauge(page, "backfill_completed_blocks",
		     "Blocks that the scan or replay under way has done; 0: none is under way.",
		     (double)facts->replay_done_blocks);
	metric_gauge(page, "backfill_total_blocks", "Blocks of the whole scan or replay under way.",
		     (double)(facts->replay_done_blocks + facts->replay_left_blocks));
}

static void write_database(struct metric_page *page, const struct reader_facts *facts)
{
	const struct executor_trouble *trouble = &facts->trouble;
	char code[16];

	metric_gauge(page, "database_up", "1 while the database accepts statements.",
		     facts->is_ready && trouble->since_ms == 0);
	metric_gauge(page, "database_heartbeat_timestamp_seconds",
		     "When the database last accepted a heartbeat of this reader.",
		     wall_of(facts, facts->beat_at_ms));
	metric_histogram(page, "db_commit_duration_seconds",
			 "Time of a successful commit, with all its tries.", facts->commit_times);
	metric_begin(page, "db_retries_total", METRIC_COUNTER,
		     "Transactions that were run again, by the database's error number.");
	for (unsigned i = 0; i < EXECUTOR_RETRY_CODES && trouble->retries[i].count > 0; i++) {
		snprintf(code, sizeof(code), "%u", trouble->retries[i].code);
		metric_labelled(page, "errno", i < EXECUTOR_RETRY_CODES - 1 ? code : "other",
				(double)trouble->retries[i].count);
	}
}

/* The nodes. */

struct named_node {
	const struct node *node;
	char label[300];
};

/*
 * Two URLs may differ only in parts that a label leaves out, but no two lines may have the same
 * labels.
 */
static void name_nodes(const struct reader *reader, struct named_node *named, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned same = 1;

		named[i].node = reader_get_node(reader, i);
		for (size_t j = 0; j < i; j++)
			same += strcmp(named[i].node->label, named[j].node->label) == 0;
		if (same == 1)
			snprintf(named[i].label, sizeof(named[i].label), "%.280s",
				 named[i].node->label);
		else
			snprintf(named[i].label, sizeof(named[i].label), "%.280s (%u)",
				 named[i].node->label, same);
	}
}

static double tell_up(const struct node *node)
{
	return node_is_up(node);
}

static double tell_head(const struct node *node)
{
	return node->head.head_block;
}

static double tell_irreversible(const struct node *node)
{
	return node->head.irreversible_block;
}

static double tell_latency(const struct node *node)
{
	return (double)node->latency_us / 1e6;
}

static double tell_failures(const struct node *node)
{
	return node->failures_in_row;
}

static double tell_in_flight(const struct node *node)
{
	return node->in_flight;
}

static const struct {
	const char *name;
	const char *help;
	double (*tell)(const struct node *node);
} node_gauges[] = {
	{"node_up", "1 if the node answered when it was last asked.", tell_up},
	{"node_head_block", "The node's head block, as it last told.", tell_head},
	{"node_irreversible_block", "The node's irreversible block, as it last told.",
	 tell_irreversible},
	{"node_latency_seconds", "Time of a request, as a moving average.", tell_latency},
	{"node_failures_in_row", "Requests that failed since the last good one.", tell_failures},
	{"node_requests_in_flight", "Requests under way.", tell_in_flight},
};

static uint64_t answered_count(const struct node *node)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= METRIC_BUCKETS; i++)
		count += node->request_times.counts[i];
	return count;
}

static void write_requests(struct metric_page *page, const struct named_node *named, size_t count)
{
	metric_begin(page, "rpc_requests_total", METRIC_COUNTER,
		     "Requests to a node, since the start or the last SIGHUP.");
	for (size_t i = 0; i < count; i++) {
		struct metric_label labels[] = {{"node", named[i].label}, {"result", "ok"}};

		metric_sample(page, labels, 2, (double)answered_count(named[i].node));
		labels[1].value = "error";
		metric_sample(page, labels, 2, (double)named[i].node->failed_count);
	}
	metric_begin(page, "rpc_duration_seconds", METRIC_HISTOGRAM,
		     "Requests that a node answered well.");
	for (size_t i = 0; i < count; i++) {
		struct metric_label label = {"node", named[i].label};

		metric_histogram_samples(page, &label, &named[i].node->request_times);
	}
}

static void write_nodes(struct metric_page *page, const struct reader *reader, size_t count)
{
	struct named_node *named = xcalloc(POOL_MAX_NODES, sizeof(*named));

	name_nodes(reader, named, count);
	for (size_t i = 0; i < sizeof(node_gauges) / sizeof(node_gauges[0]); i++) {
		metric_begin(page, node_gauges[i].name, METRIC_GAUGE, node_gauges[i].help);
		for (size_t j = 0; j < count; j++)
			metric_labelled(page, "node", named[j].label,
					node_gauges[i].tell(named[j].node));
	}
	write_requests(page, named, count);
	free(named);
}

void metrics_write(struct buf *buf, const struct reader *reader, const struct reader_facts *facts,
		   int64_t started_s)
{
	struct metric_page page = {.buf = buf, .prefix = "steem_reader_"};

	write_process(buf, started_s);
	write_reader(&page, facts);
	write_health(&page, facts);
	write_chain(&page, facts);
	write_gaps(&page, facts);
	if (facts->queues) {
		write_queues(&page, facts->queues);
		write_outbox(&page, facts->queues);
	}
	write_work(&page, facts);
	write_database(&page, facts);
	write_nodes(&page, reader, facts->node_count);
}
