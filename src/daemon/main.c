/* SPDX-License-Identifier: MIT */
/*
 * steem-reader: reads the Steem chain into a shared database, and never loses a block.
 *
 * This file has the steps of a start.  What the reader then does is in sync/reader.c, how
 * the process behaves around it in daemon/run.c.
 */
#include <stdio.h>

#include "daemon/admin.h"
#include "daemon/config.h"
#include "daemon/options.h"
#include "daemon/process.h"
#include "daemon/prove.h"
#include "daemon/purge.h"
#include "daemon/rewind.h"
#include "daemon/run.h"
#include "daemon/status.h"
#include "daemon/verify.h"

static enum exit_code run_action(const struct options *options, const struct config *config)
{
	switch (options->action) {
	case ACTION_RUN:
	case ACTION_ONCE:
	case ACTION_BACKFILL:
		return run_reader(options, config, NULL, NULL);
	case ACTION_VERIFY:
		return verify_run(options, config);
	case ACTION_PURGE:
		return purge_run(options, config);
	case ACTION_REWIND:
		return rewind_run(options, config);
	case ACTION_GAPS:
		return admin_gaps(options, config);
	case ACTION_STATUS:
		return status_run(options, config);
	case ACTION_MIGRATE:
		return admin_migrate(options, config);
	case ACTION_ACTIVATE_FILTER:
		return admin_activate_filter(options, config);
	case ACTION_FORGET:
		return admin_forget(options, config);
	case ACTION_CHECK_CONFIG:
		printf("%s is in order\n", options->line.config_path);
		return EXIT_OK;
	case ACTION_PRINT_CONFIG:
		config_print(config, stdout);
		return EXIT_OK;
	case ACTION_PROVE:
		break; /* needs no configuration */
	}
	return EXIT_OK;
}

static enum exit_code run(const struct options *options)
{
	struct config config;
	enum exit_code code;

	if (options->action == ACTION_PROVE)
		return prove_run(options);
	if (command_line_load_config(&options->line, &config) < 0)
		return EXIT_BAD_CONFIG;
	code = run_action(options, &config);
	config_release(&config);
	return code;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error err = ERROR_INIT;
	enum exit_code code = EXIT_OK;

	process_begin();
	if (options_parse(&options, argc, argv, &err) < 0) {
		fprintf(stderr, "steem-reader: %s\n", err.text);
		return EXIT_USAGE_ERROR;
	}
	if (options.line.answer)
		fputs(options.line.answer, stdout);
	else
		code = run(&options);
	options_release(&options);
	return (int)process_end(code);
}
