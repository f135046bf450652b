/* SPDX-License-Identifier: MIT */
#include "poster/poster_metrics.h"

#include <string.h>

#include "base/metric.h"
#include "poster/route.h"

#define NAME(name) "steem_poster_" name

static void gauge(struct buf *buf, const char *name, const char *help, double value)
{
	metric_value(buf, name, METRIC_GAUGE, help, value);
}

static void counter(struct buf *buf, const char *name, const char *help, double value)
{
	metric_value(buf, name, METRIC_COUNTER, help, value);
}

static void labelled(struct buf *buf, const char *name, const char *label, const char *whose,
		     double value)
{
	struct metric_label labels[] = {{label, whose}};

	metric_sample(buf, name, labels, 1, value);
}

/* Accounts. */

static unsigned held_accounts(const struct poster_metrics_facts *facts)
{
	unsigned count = 0;

	for (size_t i = 0; i < facts->account_count; i++)
		count += facts->accounts[i].is_held;
	return count;
}

static void write_accounts(struct buf *buf, const struct poster_metrics_facts *facts)
{
	metric_begin(buf, NAME("account_held"), METRIC_GAUGE,
		     "1 while this poster sends for the account, 0 while another one does.");
	for (size_t i = 0; i < facts->account_count; i++)
		labelled(buf, NAME("account_held"), "account", facts->accounts[i].account,
			 facts->accounts[i].is_held);
	metric_begin(buf, NAME("account_paused"), METRIC_GAUGE,
		     "1 while the account is paused: nothing of it is signed.");
	for (size_t i = 0; i < facts->account_count; i++)
		labelled(buf, NAME("account_paused"), "account", facts->accounts[i].account,
			 facts->accounts[i].is_paused);
	metric_begin(buf, NAME("account_resting"), METRIC_GAUGE,
		     "1 while the account waits for resource credits.");
	for (size_t i = 0; i < facts->account_count; i++)
		labelled(buf, NAME("account_resting"), "account", facts->accounts[i].account,
			 facts->accounts[i].is_resting);
}

/* Transactions. */

static void write_trxs(struct buf *buf, const struct poster_metrics_facts *facts)
{
	const struct open_trxs_facts *trxs = facts->trxs;

	counter(buf, NAME("signed_total"), "Transactions that were signed and committed.",
		(double)facts->signed_count);
	counter(buf, NAME("sent_total"), "Transactions that were sent to a node at least once.",
		(double)trxs->sent_count);
	counter(buf, NAME("settled_total"), "Transactions that are in a block, or dead.",
		(double)trxs->settled_count);
	counter(buf, NAME("expired_total"),
		"Transactions that never got into a block, as this poster found.",
		(double)facts->expired_count);
	gauge(buf, NAME("open_trxs"), "Transactions that may still get into a block.",
	      (double)trxs->open_count);
	counter(buf, NAME("rows_held_total"), "Rows that passed a limit.",
		(double)facts->held_count);
	counter(buf, NAME("rows_failed_total"), "Rows that failed.", (double)facts->failed_count);
	metric_begin(buf, NAME("answers_total"), METRIC_COUNTER,
		     "Answers of nodes to a transaction, by class.");
	for (int i = 0; i < OPEN_TRXS_ANSWERS; i++)
		labelled(buf, NAME("answers_total"), "answer",
			 broadcast_answer_name((enum broadcast_answer)i), (double)trxs->answers[i]);
	metric_begin(buf, NAME("answer_duration_seconds"), METRIC_HISTOGRAM,
		     "Time of a node's answer to a transaction.");
	metric_histogram_samples(buf, NAME("answer_duration_seconds"), NULL, &trxs->answer_times);
	metric_begin(buf, NAME("commit_duration_seconds"), METRIC_HISTOGRAM,
		     "Time to read, sign and commit what waits, also if nothing does.");
	metric_histogram_samples(buf, NAME("commit_duration_seconds"), NULL, facts->commit_times);
}

/* Nodes. */

static void write_nodes(struct buf *buf, const struct poster_metrics_facts *facts)
{
	const struct routes *routes = facts->routes;
	int64_t middle_s =
		route_middle_s(routes->items, routes->count, facts->now_ms, routes->stored_s);

	metric_begin(buf, NAME("node_usable"), METRIC_GAUGE,
		     "1 if transactions are sent to the node.");
	for (size_t i = 0; i < routes->count; i++)
		labelled(buf, NAME("node_usable"), "node", routes->items[i].label,
			 route_is_usable(&routes->items[i], facts->now_ms, routes->stored_s,
					 middle_s));
	metric_begin(buf, NAME("node_head_block"), METRIC_GAUGE,
		     "The node's head block, as it last told.");
	for (size_t i = 0; i < routes->count; i++)
		labelled(buf, NAME("node_head_block"), "node", routes->items[i].label,
			 routes->items[i].head.head_block);
	metric_begin(buf, NAME("node_sent_total"), METRIC_COUNTER,
		     "Transactions that were sent to the node.");
	for (size_t i = 0; i < routes->count; i++)
		labelled(buf, NAME("node_sent_total"), "node", routes->items[i].label,
			 (double)routes->items[i].sent_count);
	metric_begin(buf, NAME("node_failures_total"), METRIC_COUNTER,
		     "Requests that the node did not answer well.");
	for (size_t i = 0; i < routes->count; i++)
		labelled(buf, NAME("node_failures_total"), "node", routes->items[i].label,
			 (double)routes->items[i].failed_count);
}

static void write_metrics(struct buf *buf, const struct poster_metrics_facts *facts)
{
	struct metric_label version = {"version", PACKAGE_VERSION};

	metric_begin(buf, NAME("build_info"), METRIC_GAUGE, "The version of the program.");
	metric_sample(buf, NAME("build_info"), &version, 1, 1);
	gauge(buf, NAME("start_time_seconds"), "When the process started.",
	      (double)facts->started_s);
	gauge(buf, NAME("healthy"), "1 if /healthz says so.",
	      facts->is_ready && !facts->is_database_lost);
	gauge(buf, NAME("database_up"), "1 while the database accepts statements.",
	      facts->is_ready && facts->trouble->since_ms == 0);
	gauge(buf, NAME("stored_block"), "The newest irreversible stored block.",
	      facts->routes->stored.num);
	write_accounts(buf, facts);
	write_trxs(buf, facts);
	write_nodes(buf, facts);
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

unsigned poster_metrics_write(const struct poster_metrics_facts *facts, const char *path,
			      struct buf *body, const char **ret_type)
{
	if (strcmp(path, "/healthz") == 0)
		return write_health(body, facts) ? 200 : 503;
	if (strcmp(path, "/readyz") == 0)
		return write_readiness(body, facts) ? 200 : 503;
	if (strcmp(path, "/metrics") == 0) {
		*ret_type = "text/plain; version=0.0.4; charset=utf-8";
		write_metrics(body, facts);
		return body->is_full ? 500 : 200;
	}
	(void)buf_add_text(body, "there are /metrics, /healthz and /readyz\n");
	return 404;
}
