/* SPDX-License-Identifier: MIT */
#include "daemon/run.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/signals.h"
#include "sync/reader.h"
#include "sync/reader_facts.h"

struct run {
	const struct options *options;
	struct reader *reader;
	struct metrics *metrics;
	int64_t started_s;
	int signal_fd;
	bool is_stopping;
	bool is_ready;
	struct notify_times notify;
	int64_t fed_progress_ms; /* the reader's last progress when the watchdog was fed */
};

static enum reader_goal goal_of(enum action action)
{
	if (action == ACTION_BACKFILL)
		return READER_BACKFILL;
	if (action == ACTION_VERIFY)
		return READER_VERIFY;
	return action == ACTION_ONCE ? READER_ONCE : READER_RUN;
}

static struct reader_nodes nodes_of(const struct config *config)
{
	return (struct reader_nodes){
		.urls = (const char *const *)config->nodes.urls,
		.count = config->nodes.count,
		.connections = config->fetch.connections,
		.batch_size = config->fetch.batch_size,
		.rate_limit = config->fetch.rate_limit,
		.timeout_ms = config->fetch.timeout_ms,
		.max_memory_bytes = (size_t)config->fetch.max_memory_mib * 1024 * 1024,
	};
}

/* With --virtual, --deliver selects no blocks: it only delivers those that are rewritten anyway. */
static unsigned outdated_of(const struct options *options)
{
	if (options->revirtual)
		return LEDGER_OUTDATED_VIRTUAL;
	return (options->refilter ? LEDGER_OUTDATED_FILTER : 0) |
	       (options->deliver ? LEDGER_OUTDATED_DELIVERY : 0);
}

static struct reader_config reader_config_of(const struct options *options,
					     const struct config *config)
{
	return (struct reader_config){
		.goal = goal_of(options->action),
		.name = config->reader.name,
		.version = PACKAGE_VERSION,
		.start_block = config->reader.start_block,
		.follow = config->reader.follow,
		.proof = config->reader.proof,
		.chain = chain_of(config->reader.chain),
		.pin = config->reader.pin,
		.stall_s = config->reader.stall_s,
		.before_tail = config->replay.before_tail,
		.scan_interval_s = config->replay.scan_interval_s,
		.full_scan_h = config->replay.full_scan_h,
		.batch_rows = config->write.batch_rows,
		.batch_bytes = (size_t)config->write.batch_kib * 1024,
		.write_connections = config->write.connections,
		.filter = &config->filter,
		.backfill = &options->backfill,
		.outdated = outdated_of(options),
		.delivers_history = options->deliver,
		.keep_days = config->queue.keep_days,
		.max_age_s = config->queue.max_age_s,
		.unverified_virtual = config->reader.unverified_virtual,
		.dry_run = options->dry_run && options->action != ACTION_VERIFY ? stdout : NULL,
	};
}

/* Signals. */

/* Reload nodes, limits and log level; everything else needs a restart. */
static void reload(struct run *run)
{
	const struct command_line *line = &run->options->line;
	struct config config;
	struct reader_nodes nodes;

	if (command_line_reload_config(line, &config, "nodes, limits and log level stay") == 0) {
		nodes = nodes_of(&config);
		reader_reload(run->reader, &nodes);
		log_info(
			"reloaded",
			"%zu nodes, limits and log level are taken from %s; other changes need a restart",
			config.nodes.count, line->config_path);
		config_release(&config);
	}
	notify_ready();
}

static void stop(struct run *run)
{
	if (run->is_stopping) {
		log_warning("stopped_at_once",
			    "second signal; nothing is lost, the next start replays it");
		_exit(EXIT_SECOND_SIGNAL);
	}
	run->is_stopping = true;
	log_info("stopping", "finishing what is under way");
	notify_stopping();
	reader_stop(run->reader);
}

static void take_signals(struct run *run)
{
	enum signal_event event;

	while ((event = signals_read(run->signal_fd)) != SIGNAL_NOTHING) {
		if (event == SIGNAL_RELOAD)
			reload(run);
		else
			stop(run);
	}
}

/* systemd and monitors. */

static void tell_systemd(struct run *run)
{
	int64_t now_ms = clock_now_ms();
	int64_t progress_ms = reader_progress_at_ms(run->reader);
	char text[160];

	if (!run->is_ready && reader_is_ready(run->reader)) {
		run->is_ready = true;
		notify_ready();
	}
	if (notify_is_status_due(&run->notify, now_ms)) {
		notify_status("%s", reader_describe(run->reader, text, sizeof(text)));
		if (!run->is_ready) /* waiting for the database is not a failure */
			notify_extend_timeout(4 * NOTIFY_STATUS_MS);
	}
	if (progress_ms > run->fed_progress_ms && notify_feed(&run->notify, now_ms))
		run->fed_progress_ms = progress_ms;
}

static bool write_page(void *context, enum metrics_page page, struct buf *body)
{
	const struct run *run = context;
	struct reader_facts facts;

	reader_get_facts(run->reader, &facts);
	switch (page) {
	case METRICS_HEALTH:
		return metrics_is_healthy(body, &facts);
	case METRICS_READINESS:
		return metrics_is_ready(body, &facts);
	case METRICS_FIGURES:
		break;
	}
	metrics_write(body, run->reader, &facts, run->started_s);
	return true;
}

/* The end. */

static enum exit_code exit_code_of(const struct run *run)
{
	struct error err = ERROR_INIT;

	switch (reader_how_ended(run->reader, &err)) {
	case READER_END_DONE:
		return EXIT_OK;
	case READER_END_DIFFERS:
		log_error(
			"differences_remain",
			"some stored blocks differ from the chain; --repair mends those that it can");
		return EXIT_DATA_ERROR;
	case READER_END_MISSING:
		if (run->options->action == ACTION_VERIFY) {
			log_error(
				"blocks_unverified",
				"some blocks could not be compared with the chain; the lines before say why");
			return EXIT_UNAVAILABLE;
		}
		log_error("gaps_remain",
			  "some blocks are still missing; the view gaps says which and why");
		return EXIT_UNAVAILABLE;
	case READER_END_STOPPED:
		if (run->options->action == ACTION_RUN)
			return EXIT_OK;
		log_warning(
			"interrupted", "%s",
			run->options->action == ACTION_VERIFY
				? "the rest was not compared: run the same command again"
				: "missing blocks stay wanted: run the same command again, or let a running reader complete it");
		return EXIT_INTERRUPTED;
	case READER_END_ERROR:
		break;
	}
	return failure_report("ended", &err);
}

static enum exit_code loop(struct run *run)
{
	struct error err = ERROR_INIT;

	while (!reader_is_over(run->reader)) {
		struct pollfd fds[2] = {{.fd = run->signal_fd, .events = POLLIN}};
		unsigned fd_count = 1 + metrics_fill_fds(run->metrics, &fds[1]);

		if (reader_turn(run->reader, fds, fd_count, metrics_next_timeout_ms(run->metrics),
				&err) < 0)
			return failure_report("ended", &err);
		take_signals(run);
		metrics_step(run->metrics);
		tell_systemd(run);
	}
	return exit_code_of(run);
}

enum exit_code run_reader(const struct options *options, const struct config *config,
			  const struct reader_verify *verify, struct verify_counts *ret_counts)
{
	struct run run = {.options = options, .started_s = clock_wall_s()};
	struct reader_config reader_config = reader_config_of(options, config);
	struct reader_nodes nodes = nodes_of(config);
	struct error err = ERROR_INIT;
	const char *listen;
	enum exit_code code;

	if (options->revirtual && !config->filter.virtual_operations) {
		log_error(
			"ended",
			"--virtual: reader.virtual_operations is false in %s; set it to true, and run steem-reader --activate-filter",
			options->line.config_path);
		return EXIT_USAGE_ERROR;
	}
	if (options->deliver && config->filter.queue_count == 0) {
		log_error("ended", "--deliver: no rule of the filter in %s names a queue",
			  options->line.config_path);
		return EXIT_USAGE_ERROR;
	}
	if (verify)
		reader_config.verify = *verify;
	run.signal_fd = signals_open(&err);
	if (run.signal_fd < 0)
		return failure_report("ended", &err);
	log_info("started", "steem-reader %s, %zu nodes, database %s", PACKAGE_VERSION,
		 config->nodes.count, config->database.name);
	if (options->deliver && !options->refilter)
		log_info(
			"deliver_scope",
			"--deliver: blocks that were stored under other filter rules stay as they are; with --refilter they are read again, and their operations are delivered by the present rules");
	run.reader = reader_new(&reader_config, &nodes, &config->database, &err);
	if (!run.reader) {
		signals_close(run.signal_fd);
		return failure_report("ended", &err);
	}
	/*
	 * A command run beside the daemon has the daemon's configuration, and would take its
	 * port.
	 */
	listen = options->action == ACTION_RUN ? config->metrics_listen : "";
	if (listen[0] != '\0')
		reader_keep_overview(run.reader);
	run.metrics = metrics_new(listen, "reader", write_page, &run);
	code = loop(&run);
	if (verify)
		reader_get_verified(run.reader, ret_counts);
	metrics_free(run.metrics);
	if (reader_is_stuck(run.reader)) {
		log_warning(
			"stopped_at_once",
			"the database does not answer, exit code %d; nothing is lost, the next start replays it",
			code);
		_exit((int)process_end(code));
	}
	reader_free(run.reader);
	signals_close(run.signal_fd);
	log_info("stopped", "exit code %d", code);
	return code;
}
