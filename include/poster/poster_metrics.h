/* SPDX-License-Identifier: MIT */
/*
 * What a running poster serves: /metrics, /healthz, /readyz.  Pure.
 */
#ifndef POSTER_POSTER_METRICS_H
#define POSTER_POSTER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "daemon/metrics.h"
#include "poster/open_trxs.h"
#include "poster/routes.h"
#include "poster/signature_runs.h"
#include "store/sender.h"
#include "sync/executor.h"

struct poster_metrics_facts {
	int64_t started_s;
	bool is_ready; /* it has looked after its accounts once */
	bool is_database_lost;
	const struct executor_trouble *trouble;
	int64_t now_ms;
	unsigned usable_nodes;
	const struct routes *routes;
	const struct open_trxs_facts *trxs;
	const struct sender_account *accounts;
	size_t account_count;
	uint64_t signed_count, held_count, failed_count, expired_count;
	const struct signature_runs_facts *signatures;
	const struct metric_histogram *commit_times;
};

/* As metrics_page_fn wants it. */
bool poster_metrics_write(const struct poster_metrics_facts *facts, enum metrics_page page,
			  struct buf *body);

#endif
