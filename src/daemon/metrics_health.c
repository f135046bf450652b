/* SPDX-License-Identifier: MIT */
#include "daemon/metrics.h"
#include "sync/reader_facts.h"

/* Trouble that passes sooner is not reported: a failed request, a wait for a lock. */
#define NODES_MS    10000
#define DATABASE_MS 10000
/* A heartbeat is due every 5 s, and may have to wait for a step of a scan. */
#define BEAT_MS 30000
/* A new block is not stored at once; a reader may be behind for this long. */
#define LEVEL_MS    10000
#define BEHIND_MAX  20
#define OVERVIEW_MS 300000
#define SECONDS(ms) ((long long)((ms) / 1000))

/* Reasons. Those that do not fit are left out: the first ones matter most. */

static void tell_stall(struct buf *buf, const struct reader_facts *facts)
{
	if (facts->is_stalled)
		(void)buf_addf(buf, "stalled: no progress for %lld s (%s)\n",
			       SECONDS(facts->now_ms - facts->progress_at_ms), facts->description);
}

static void tell_database(struct buf *buf, const struct reader_facts *facts)
{
	const struct executor_trouble *trouble = &facts->trouble;

	if (trouble->since_ms > 0 && facts->now_ms - trouble->since_ms >= DATABASE_MS)
		(void)buf_addf(buf, "database: %s for %lld s: %s\n",
			       trouble->is_lost ? "lost" : "in trouble",
			       SECONDS(facts->now_ms - trouble->since_ms), trouble->text);
	else if (facts->beat_at_ms > 0 && facts->now_ms - facts->beat_at_ms >= BEAT_MS)
		(void)buf_addf(buf, "database: gives no answer for %lld s\n",
			       SECONDS(facts->now_ms - facts->beat_at_ms));
}

static void tell_nodes(struct buf *buf, const struct reader_facts *facts)
{
	if (facts->is_ready && facts->nodes_up == 0 &&
	    facts->now_ms - facts->node_up_at_ms >= NODES_MS)
		(void)buf_addf(buf, "nodes: none of %zu gives a usable answer\n",
			       facts->node_count);
}

static void tell_health(struct buf *buf, const struct reader_facts *facts)
{
	tell_stall(buf, facts);
	tell_database(buf, facts);
	tell_nodes(buf, facts);
}

static void tell_behind(struct buf *buf, const struct reader_facts *facts)
{
	if (!facts->is_tailing)
		(void)buf_addf(buf, "behind: %s\n", facts->description);
	else if (facts->lag_blocks > BEHIND_MAX ||
		 (facts->lag_blocks > 0 && facts->now_ms - facts->level_at_ms >= LEVEL_MS))
		(void)buf_addf(buf, "behind: %llu blocks, up to %u\n",
			       (unsigned long long)facts->lag_blocks, facts->chain_block);
}

static void tell_gaps(struct buf *buf, const struct reader_facts *facts)
{
	const struct overview *overview = facts->overview;

	if (!overview)
		(void)buf_add_text(buf, "gaps: not counted yet\n");
	else if (overview->gap_blocks > 0)
		(void)buf_addf(buf, "gaps: %llu blocks are missing in %llu ranges, from %u on\n",
			       (unsigned long long)overview->gap_blocks,
			       (unsigned long long)overview->gap_ranges, overview->first_gap);
	else if (facts->now_ms - facts->overview_at_ms >= OVERVIEW_MS)
		(void)buf_addf(buf, "gaps: not counted for %lld s\n",
			       SECONDS(facts->now_ms - facts->overview_at_ms));
}

/* The pages. */

bool metrics_is_healthy(struct buf *buf, const struct reader_facts *facts)
{
	size_t before = buf->len;

	tell_health(buf, facts);
	if (buf->len > before)
		return false;
	(void)buf_addf(buf, "ok: %s\n", facts->description);
	if (facts->is_chain_still)
		(void)buf_addf(
			buf,
			"no node has had a new block for %lld s: the chain stands, or all nodes do\n",
			SECONDS(facts->now_ms - facts->chain_moved_at_ms));
	if (facts->are_nodes_behind)
		(void)buf_add_text(buf,
				   "every node that answers has fewer blocks than are stored: this "
				   "is normal for a while after nodes restart\n");
	return true;
}

bool metrics_is_ready(struct buf *buf, const struct reader_facts *facts)
{
	size_t before = buf->len;

	tell_health(buf, facts);
	if (facts->is_leaving) {
		(void)buf_add_text(buf, "stopping\n");
	} else {
		tell_behind(buf, facts);
		if (facts->is_ready)
			tell_gaps(buf, facts);
	}
	if (buf->len > before)
		return false;
	(void)buf_addf(buf, "ok: %s\n", facts->description);
	return true;
}
