/* SPDX-License-Identifier: MIT */
/*
 * steem-poster: sign what bots put into the outbox, and broadcast it until the chain has it.
 *
 * This file has the steps of a start; the rest is in poster/post_loop.c and poster/inspect.c.
 */
#include <stdio.h>

#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/process.h"
#include "poster/inspect.h"
#include "poster/post_loop.h"
#include "poster/poster_arguments.h"
#include "poster/signing_account.h"
#include "steem/transaction.h"

/* A row that somebody has locked holds up no other one for long. */
#define LOCK_WAIT_S   2
#define IO_TIMEOUT_MS 10000

static enum exit_code run_action(const struct poster_arguments *arguments,
				 const struct config *config, struct signing_accounts *signers,
				 struct transaction_maker *maker)
{
	switch (arguments->action) {
	case POSTER_CHECK:
		return inspect_check(config, signers, maker);
	case POSTER_DRY_RUN:
		return inspect_dry_run(config, signers, maker);
	case POSTER_CHECK_CONFIG:
		printf("%s is in order\n", arguments->line.config_path);
		return EXIT_OK;
	case POSTER_RUN:
	case POSTER_ONCE:
		return post_loop_run(arguments, config, signers, maker);
	case POSTER_PRINT_CONFIG:
		break; /* needs no key */
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
	if (signing_accounts_load(&signers, config, arguments->line.config_path,
				  transaction_maker_hash(maker), stderr) < 0) {
		transaction_maker_free(maker);
		return EXIT_BAD_CONFIG;
	}
	if (signers.count == 0 && arguments->action != POSTER_CHECK_CONFIG) {
		fprintf(stderr, "%s:1: accounts: there are none, so there is nothing to do\n",
			arguments->line.config_path);
		code = EXIT_BAD_CONFIG;
	} else {
		code = run_action(arguments, config, &signers, maker);
	}
	signing_accounts_release(&signers);
	transaction_maker_free(maker);
	return code;
}

static enum exit_code run(const struct poster_arguments *arguments)
{
	struct config config;
	enum exit_code code = EXIT_OK;

	if (command_line_load_config(&arguments->line, &config) < 0)
		return EXIT_BAD_CONFIG;
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
	if (poster_arguments_parse(&arguments, argc, argv, &err) < 0) {
		fprintf(stderr, "steem-poster: %s\n", err.text);
		return EXIT_USAGE_ERROR;
	}
	if (arguments.line.answer)
		fputs(arguments.line.answer, stdout);
	else
		code = run(&arguments);
	return (int)process_end(code);
}
