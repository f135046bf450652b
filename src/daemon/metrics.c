/* SPDX-License-Identifier: MIT */
#include "daemon/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "daemon/metrics_http.h"

#define OPEN_AGAIN_MS 10000

struct metrics {
	const char *listen; /* NULL: nothing is served */
	const char *program;
	metrics_page_fn *write_page;
	void *context;
	struct metrics_http *http;
	int64_t open_at_ms;
	bool has_failed; /* opening failed, and that was logged */
};

/* Pages. */

static unsigned answer(void *context, const char *path, struct buf *body, const char **ret_type)
{
	const struct metrics *metrics = context;

	if (strcmp(path, "/healthz") == 0)
		return metrics->write_page(metrics->context, METRICS_HEALTH, body) ? 200 : 503;
	if (strcmp(path, "/readyz") == 0)
		return metrics->write_page(metrics->context, METRICS_READINESS, body) ? 200 : 503;
	if (strcmp(path, "/metrics") == 0) {
		*ret_type = "text/plain; version=0.0.4; charset=utf-8";
		(void)metrics->write_page(metrics->context, METRICS_FIGURES, body);
		return body->is_full ? 500 : 200;
	}
	(void)buf_add_text(body, "there are /metrics, /healthz and /readyz\n");
	return 404;
}

/* Opening. */

static void open_http(struct metrics *metrics)
{
	struct error err = ERROR_INIT;

	metrics->http = metrics_http_open(metrics->listen, answer, metrics, &err);
	if (metrics->http) {
		log_info("metrics_served", "http://%s/metrics, /healthz and /readyz",
			 metrics_http_where(metrics->http));
		return;
	}
	metrics->open_at_ms = clock_now_ms() + OPEN_AGAIN_MS;
	if (!metrics->has_failed)
		log_error(
			"metrics_failed",
			"%s; the %s goes on without metrics and tries again every %d s (metrics.listen)",
			err.text, metrics->program, OPEN_AGAIN_MS / 1000);
	metrics->has_failed = true;
}

struct metrics *metrics_new(const char *listen, const char *program, metrics_page_fn *write_page,
			    void *context)
{
	struct metrics *metrics = xcalloc(1, sizeof(*metrics));

	metrics->program = program;
	metrics->write_page = write_page;
	metrics->context = context;
	if (listen[0] != '\0') {
		metrics->listen = listen;
		open_http(metrics);
	}
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	metrics_http_close(metrics->http);
	free(metrics);
}

/* The loop. */

unsigned metrics_fill_fds(const struct metrics *metrics, struct pollfd *fds)
{
	if (!metrics->http)
		return 0;
	fds[0] = (struct pollfd){.fd = metrics_http_fd(metrics->http), .events = POLLIN};
	return 1;
}

int64_t metrics_next_timeout_ms(const struct metrics *metrics)
{
	int64_t left_ms;

	if (!metrics->listen)
		return -1;
	if (metrics->http)
		return metrics_http_next_timeout_ms(metrics->http);
	left_ms = metrics->open_at_ms - clock_now_ms();
	return max_i64(left_ms, 0);
}

void metrics_step(struct metrics *metrics)
{
	if (metrics->http)
		metrics_http_step(metrics->http);
	else if (metrics->listen && clock_now_ms() >= metrics->open_at_ms)
		open_http(metrics);
}
