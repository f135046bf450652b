/* SPDX-License-Identifier: MIT */
/*
 * steem-worker: claim records of a queue, and run a command for each of them.
 *
 * This file has the steps of a start; the rest is in worker/loop.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/command.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/inherit.h"
#include "daemon/process.h"
#include "worker/arguments.h"
#include "worker/loop.h"

#define IO_TIMEOUT_MIN_MS 2000

/*
 * A hanging server is abandoned early enough to renew the lease at another one, and a locked row
 * earlier still.
 */
static void shorten_waits(struct config *config, const struct arguments *arguments)
{
	int64_t most_ms = (int64_t)arguments->lease_s * 1000 / 4;

	if (most_ms < IO_TIMEOUT_MIN_MS)
		most_ms = IO_TIMEOUT_MIN_MS;
	if (config->database.io_timeout_ms > most_ms)
		config->database.io_timeout_ms = most_ms;
	if (config->database.connect_timeout_ms > most_ms)
		config->database.connect_timeout_ms = most_ms;
	config->database.lock_wait_s = (unsigned)(most_ms / 4000) + 1;
}

static enum exit_code run(const struct arguments *arguments)
{
	struct error err = ERROR_INIT;
	struct config config;
	enum exit_code code;
	char *path = command_find(arguments->command[0], &err);

	if (!path)
		return failure_report("ended", &err);
	if (command_line_load_config(&arguments->line, &config) < 0) {
		free(path);
		return EXIT_BAD_CONFIG;
	}
	shorten_waits(&config, arguments);
	code = loop_run(arguments, &config, path);
	config_release(&config);
	free(path);
	return code;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct error err = ERROR_INIT;
	enum exit_code code = EXIT_OK;

	process_begin();
	inherit_clear_environment();
	if (arguments_parse(&arguments, argc, argv, &err) < 0) {
		fprintf(stderr, "steem-worker: %s\n", err.text);
		return EXIT_USAGE_ERROR;
	}
	if (arguments.line.answer)
		fputs(arguments.line.answer, stdout);
	else
		code = run(&arguments);
	return (int)process_end(code);
}
