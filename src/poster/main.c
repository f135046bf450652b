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
#include "poster/inspect.h"
#include "poster/post_loop.h"
#include "poster/poster_arguments.h"
#include "poster/signing_account.h"
#include "steem/transaction.h"

/* A row that somebody has locked holds up no other one for long. */
#define LOCK_WAIT_S   2
#define IO_TIMEOUT_MS 10000

static enum exit_code act(const struct poster_arguments *arguments, const struct config *config,
			  struct signing_accounts *signers, struct transaction_maker *maker)
{
	switch (arguments->action) {
	case POSTER_CHECK:
		return inspect_check(config, signers, maker);
	case POSTER_DRY_RUN:
		return inspect_dry_run(config, signers, maker);
	case POSTER_CHECK_CONFIG:
		printf("%s is in order\n", arguments->config_path);
		return EXIT_OK;
	case POSTER_RUN:
	case POSTER_ONCE:
		return post_loop_run(arguments, config, signers, maker);
	case POSTER_PRINT_CONFIG:
	case POSTER_HELP:
	case POSTER_VERSION:
		break; /* done before the keys are read */
	}
	return EXIT_OK;
}

static enum exit_code run_with_keys(const struct poster_arguments *arguments,
				    const struct config *config)
{
	struct error err = ERROR_INIT;
	struct transaction_maker *maker =
		transaction_maker_new(chain_of(config->poster.chain), &err);
	struct signing_accounts signers;
	enum exit_code code;

	if (!maker)
		return failure_report("ended", &err);
	if (signing_accounts_load(&signers, config, arguments->config_path,
				  transaction_maker_hash(maker), stderr) < 0) {
		transaction_maker_free(maker);
		return EXIT_BAD_CONFIG;
	}
	if (signers.count == 0 && arguments->action != POSTER_CHECK_CONFIG) {
		fprintf(stderr, "%s:1: accounts: there are none, so there is nothing to do\n",
			arguments->config_path);
		code = EXIT_BAD_CONFIG;
	} else {
		code = act(arguments, config, &signers, maker);
	}
	signing_accounts_release(&signers);
	transaction_maker_free(maker);
	return code;
}

static enum exit_code run(const struct poster_arguments *arguments)
{
	struct config config;
	enum exit_code code = EXIT_OK;

	if (config_load_for(&config, CONFIG_POSTER, arguments->config_path, stderr) < 0)
		return EXIT_BAD_CONFIG;
	log_set_level(arguments->has_log_level ? arguments->log_level : config.log_level);
	config.database.lock_wait_s = LOCK_WAIT_S;
	config.database.io_timeout_ms = IO_TIMEOUT_MS;
	if (arguments->action == POSTER_PRINT_CONFIG)
		config_print(&config, stdout);
	else
		code = run_with_keys(arguments, &config);
	config_release(&config);
	return code;
}

int main(int argc, char **argv)
{
	struct poster_arguments arguments;
	struct error err = ERROR_INIT;
	enum exit_code code = EXIT_OK;

	process_begin();
	log_open();
	notify_open();
	if (poster_arguments_parse(&arguments, argc, argv, &err) < 0) {
		fprintf(stderr, "steem-poster: %s\n", err.text);
		return EXIT_USAGE_ERROR;
	}
	if (arguments.action == POSTER_HELP)
		poster_arguments_help(stdout);
	else if (arguments.action == POSTER_VERSION)
		printf("steem-poster %s\n", PACKAGE_VERSION);
	else
		code = run(&arguments);
	return (int)process_end(code);
}
