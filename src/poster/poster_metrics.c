/* SPDX-License-Identifier: MIT */
#include "poster/poster_metrics.h"

#include "base/metric.h"
#include "poster/route.h"

/* Accounts. */

static unsigned held_accounts(const struct poster_metrics_facts *facts)
{
	unsigned count = 0;

	for (size_t i = 0; i < facts->account_count; i++)
		count += facts->accounts[i].is_held;
	return count;
}

static void write_accounts(struct metric_page *page, const struct poster_metrics_facts *facts)
{
	metric_begin(page, "account_held", METRIC_GAUGE,
		     "1 while this poster sends for the account, 0 while another one does.");
	for (size_t i = 0; i < facts->account_count; i++)
		metric_labelled(page, "account", facts->accounts[i].account,
				facts->accounts[i].is_held);
	metric_begin(page, "account_paused", METRIC_GAUGE,
		     "1 while the account is paused: nothing of it is signed.");
	for (size_t i = 0; i < facts->account_count; i++)
		metric_labelled(page, "account", facts->accounts[i].account,
				facts->accounts[i].is_paused);
	metric_begin(page, "account_resting", METRIC_GAUGE,
		     "1 while the account waits for resource credits.");
	for (size_t i = 0; i < facts->account_count; i++)
		metric_labelled(page, "account", facts->accounts[i].account,
				facts->accounts[i].is_resting);
	metric_begin(page, "held_rows", METRIC_GAUGE,
		     "Rows that passed a limit, and are held until an operator decides.");
	for (size_t i = 0; i < facts->account_count; i++)
		metric_labelled(page, "account", facts->accounts[i].account,
				(double)facts->accounts[i].rows.held_count);
	metric_begin(page, "pending_age_seconds", METRIC_GAUGE,
		     "How long the oldest row that is due has been waiting to be signed.");
	for (size_t i = 0; i < facts->account_count; i++)
		metric_labelled(page, "account", facts->accounts[i].account,
				(double)facts->accounts[i].rows.pending_s);
	metric_begin(page, "sent_age_seconds", METRIC_GAUGE,
		     "How long the oldest signed row has been waiting to be confirmed.");
	for (size_t i = 0; i < facts->account_count; i++)
		metric_labelled(page, "account", facts->accounts[i].account,
				(double)facts->accounts[i].rows.sent_s);
}

/* Transactions. */

static void write_trxs(struct metric_page *page, const struct poster_metrics_facts *facts)
{
	const struct open_trxs_facts *trxs = facts->trxs;

	metric_counter(page, "signed_total", "Transactions that were signed and committed.",
		       (double)facts->signed_count);
	metric_counter(page, "sent_total", "Transactions that were sent to a node at least once.",
		       (double)trxs->sent_count);
	metric_counter(page, "settled_total", "Transactions that are in a block, or dead.",
		       (double)trxs->settled_count);
	metric_counter(page, "expired_total",
		       "Transactions that never got into a block, as this poster found.",
		       (double)facts->expired_count);
	metric_gauge(page, "open_trxs", "Transactions that may still get into a block.",
		     (double)trxs->open_count);
	metric_counter(page, "rows_held_total", "Rows that passed a limit.",
		       (double)facts->held_count);
	metric_counter(page, "rows_failed_total", "Rows that failed.", (double)facts->failed_count);
	metric_begin(page, "answers_total", METRIC_COUNTER,
		     "Answers of nodes to a transaction, by class.");
	for (int i = 0; i < OPEN_TRXS_ANSWERS; i++)
		metric_labelled(page, "answer", broadcast_answer_name((enum broadcast_answer)i),
				(double)trxs->answers[i]);
	metric_histogram(page, "answer_duration_seconds",
			 "Time of a node's answer to a transaction.", &trxs->answer_times);
	metric_histogram(page, "commit_duration_seconds",
			 "Time to read, sign and commit what waits, also if nothing does.",
			 facts->commit_times);
}

/* Commands that sign. */

static void write_signatures(struct metric_page *page, const struct signature_runs_facts *facts)
{
	metric_counter(page, "signer_runs_total", "Runs of commands that sign.",
		       (double)facts->run_count);
	metric_counter(page, "signer_failures_total", "Failures of commands that sign.",
		       (double)facts->failure_count);
	metric_gauge(page, "signers_failing",
		     "Keys whose command has failed since its last signature.",
		     facts->failing_count);
	metric_histogram(page, "signer_duration_seconds", "Time of a run that gave a signature.",
			 &facts->times);
}

/* Nodes. */

static void write_nodes(struct metric_page *page, const struct poster_metrics_facts *facts)
{
	const struct routes *routes = facts->routes;
	int64_t middle_s =
		route_middle_s(routes->items, routes->count, facts->now_ms, routes->stored_s);

	metric_begin(page, "node_usable", METRIC_GAUGE, "1 if transactions are sent to the node.");
	for (size_t i = 0; i < routes->count; i++)
		metric_labelled(page, "node", routes->items[i].label,
				route_is_usable(&routes->items[i], facts->now_ms, routes->stored_s,
						middle_s));
	metric_begin(page, "node_head_block", METRIC_GAUGE,
		     "The node's head block, as it last told.");
	for (size_t i = 0; i < routes->count; i++)
		metric_labelled(page, "node", routes->items[i].label,
				routes->items[i].head.head_block);
	metric_begin(page, "node_sent_total", METRIC_COUNTER,
		     "Transactions that were sent to the node.");
	for (size_t i = 0; i < routes->count; i++)
		metric_labelled(page, "node", routes->items[i].label,
				(double)routes->items[i].sent_count);
	metric_begin(page, "node_failures_total", METRIC_COUNTER,
		     "Requests that the node did not answer well.");
	for (size_t i = 0; i < routes->count; i++)
		metric_labelled(page, "node", routes->items[i].label,
				(double)routes->items[i].failed_count);
}

static void write_figures(struct buf *buf, const struct poster_metrics_facts *facts)
{
	struct metric_page page = {.buf = buf, .prefix = "steem_poster_"};
	struct metric_label version = {"version", PACKAGE_VERSION};

	metric_begin(&page, "build_info", METRIC_GAUGE, "The version of the program.");
	metric_sample(&page, &version, 1, 1);
	metric_gauge(&page, "start_time_seconds", "When the process started.",
		     (double)facts->started_s);
	metric_gauge(&page, "healthy", "1 if /healthz says so.",
		     facts->is_ready && !facts->is_database_lost);
	metric_gauge(&page, "database_up", "1 while the database accepts statements.",
		     facts->is_ready && facts->trouble->since_ms == 0);
	metric_gauge(&page, "stored_block", "The newest irreversible stored block.",
		     facts->routes->stored.num);
	write_accounts(&page, facts);
	write_trxs(&page, facts);
	write_signatures(&page, facts->signatures);
	write_nodes(&page, facts);
}

/* Health: each reason is a line. */

static bool write_health(struct buf *buf, const struct poster_metrics_facts *facts)
{
	if (!facts->is_ready)
		(void)buf_add_text(buf, "the database has not answered yet\n");
	else if (facts->is_database_lost)
		(void)buf_addf(buf, "the database is lost: %s\n", facts->trouble->text);
	else
		(void)buf_add_text(buf, "ok: the database answers\n");
	return facts->is_ready && !facts->is_database_lost;
}

static bool write_readiness(struct buf *buf, const struct poster_metrics_facts *facts)
{
	bool is_ready = write_health(buf, facts);

	if (facts->usable_nodes == 0) {
		(void)buf_add_text(buf, "no node can be used\n");
		is_ready = false;
	}
	(void)buf_addf(buf, "%u of %zu accounts are this poster's\n", held_accounts(facts),
		       facts->account_count);
	return is_ready;
}

bool poster_metrics_write(const struct poster_metrics_facts *facts, enum metrics_page page,
			  struct buf *body)
{
	switch (page) {
	case METRICS_HEALTH:
		return write_health(body, facts);
	case METRICS_READINESS:
		return write_readiness(body, facts);
	case METRICS_FIGURES:
		break;
	}
	write_figures(body, facts);
	return true;
}
