/* SPDX-License-Identifier: MIT */
/*
 * steem-poster: sign what bots put into the outbox, and broadcast it until the chain has it.
 *
 * This file has the steps of a start; the rest is in poster/post_loop.c and poster/inspect.c.
 */
#include <stdio.h>

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "poster/cmdline.h"
#include "poster/inspect.h"
#include "poster/post_loop.h"
#include "poster/signet.h"
#include "steem/transaction.h"

/* A row that somebody has locked holds up no other one for long. */
#define LOCK_WAIT_S   2
#define IO_TIMEOUT_MS 10000

static enum exit_code act(const struct cmdline *cmdline, const struct config *config,
			  struct signets *signets, struct transaction_maker *maker)
{
	switch (cmdline->action) {
	case POSTER_CHECK:
		return inspect_check(config, signets, maker);
	case POSTER_DRY_RUN:
		return inspect_dry_run(config, signets, maker);
	case POSTER_CHECK_CONFIG:
		printf("%s is in order\n", cmdline->config_path);
		return EXIT_OK;
	case POSTER_RUN:
	case POSTER_ONCE:
		return post_loop_run(cmdline, config, signets, maker);
	case POSTER_PRINT_CONFIG:
	case POSTER_HELP:
	case POSTER_VERSION:
		break; /* done before the keys are read */
	}
	return EXIT_OK;
}

static enum exit_code run_with_keys(const struct cmdline *cmdline, const struct config *config)
{
	struct error err = ERROR_INIT;
	struct transaction_maker *maker =
		transaction_maker_new(chain_of(config->poster.chain), &err);
	struct signets signets;
	enum exit_code code;

	if (!maker)
		return failure_report("ended", &err);
	if (signets_load(&signets, config, cmdline->config_path, transaction_maker_hash(maker),
			 stderr) < 0) {
		transaction_maker_free(maker);
		return EXIT_BAD_CONFIG;
	}
	if (signets.count == 0 && cmdline->action != POSTER_CHECK_CONFIG) {
		fprintf(stderr, "%s:1: accounts: there are none, so there is nothing to do\n",
			cmdline->config_path);
		code = EXIT_BAD_CONFIG;
	} else {
		code = act(cmdline, config, &signets, maker);
	}
	signets_release(&signets);
	transaction_maker_free(maker);
	return code;
}

static enum exit_code run(const struct cmdline *cmdline)
{
	struct config config;
	enum exit_code code = EXIT_OK;

	if (config_load_for(&config, CONFIG_POSTER, cmdline->config_path, stderr) < 0)
		return EXIT_BAD_CONFIG;
	log_set_level(cmdline->has_log_level ? cmdline->log_level : config.log_level);
	config.database.lock_wait_s = LOCK_WAIT_S;
	config.database.io_timeout_ms = IO_TIMEOUT_MS;
	if (cmdline->action == POSTER_PRINT_CONFIG)
		config_print(&config, stdout);
	else
		code = run_with_keys(cmdline, &config);
	config_release(&config);
	return code;
}

int main(int argc, char **argv)
{
	struct cmdline cmdline;
	struct error err = ERROR_INIT;
	enum exit_code code = EXIT_OK;

	process_begin();
	log_open();
	notify_open();
	if (cmdline_parse(&cmdline, argc, argv, &err) < 0) {
		fprintf(stderr, "steem-poster: %s\n", err.text);
		return EXIT_USAGE_ERROR;
	}
	if (cmdline.action == POSTER_HELP)
		cmdline_help(stdout);
	else if (cmdline.action == POSTER_VERSION)
		printf("steem-poster %s\n", PACKAGE_VERSION);
	else
		code = run(&cmdline);
	return (int)process_end(code);
}
