/* SPDX-License-Identifier: MIT */
#include "worker/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/process.h"
#include "steem/account_name.h"

#define QUEUE_MAX 32

enum option_id {
	OPTION_QUEUE = COMMAND_LINE_OTHER,
	OPTION_WORKER,
	OPTION_CONCURRENCY,
	OPTION_LEASE,
	OPTION_TIMEOUT,
	OPTION_STOP,
	OPTION_POLL,
	OPTION_PERSISTENT,
	OPTION_REPLY,
	OPTION_ACT,
	OPTION_AUTHOR,
	OPTION_ANSWER_OWN,
	OPTION_DRAIN,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, COMMAND_LINE_CONFIG},
	{"queue", required_argument, NULL, OPTION_QUEUE},
	{"worker", required_argument, NULL, OPTION_WORKER},
	{"concurrency", required_argument, NULL, OPTION_CONCURRENCY},
	{"lease-s", required_argument, NULL, OPTION_LEASE},
	{"timeout-s", required_argument, NULL, OPTION_TIMEOUT},
	{"stop-s", required_argument, NULL, OPTION_STOP},
	{"poll-ms", required_argument, NULL, OPTION_POLL},
	{"persistent", no_argument, NULL, OPTION_PERSISTENT},
	{"reply", required_argument, NULL, OPTION_REPLY},
	{"act", no_argument, NULL, OPTION_ACT},
	{"author", required_argument, NULL, OPTION_AUTHOR},
	{"answer-own", no_argument, NULL, OPTION_ANSWER_OWN},
	{"drain", no_argument, NULL, OPTION_DRAIN},
	{"log-level", required_argument, NULL, COMMAND_LINE_LOG_LEVEL},
	{"help", no_argument, NULL, COMMAND_LINE_HELP},
	{"version", no_argument, NULL, COMMAND_LINE_VERSION},
	{NULL, 0, NULL, 0},
};

static const struct command_line_program program = {
	.config = CONFIG_READER,
	.config_path = SYSCONFDIR "/steem-worker.conf",
	.options = long_options,
	.takes_command = true,
	.version = "steem-worker " PACKAGE_VERSION "\n",
	.help = "Usage: steem-worker --queue NAME [OPTIONS] -- COMMAND [ARGUMENT...]\n"
		"Run COMMAND for each record of a queue, with the record as JSON on its input.\n"
		"Exit code 0: done, 75: to be tried again, else: failed.\n"
		"\n"
		"  --queue NAME        the queue, as the rules of the readers' filter name it\n"
		"  --concurrency N     run up to N commands at once (1)\n"
		"  --persistent        commands stay alive: a record is a line, so is the answer\n"
		"  --reply comment     the output is a comment that replies to the record\n"
		"  --act               the output is a JSON array of operations to be sent\n"
		"    --author NAME       the account that comments or acts\n"
		"    --answer-own        answer what that account itself did too\n"
		"  --timeout-s S       kill a command that takes longer (300)\n"
		"  --lease-s S         how long a claim holds, unless it is renewed (60)\n"
		"  --poll-ms MS        the time between two looks for new records (100)\n"
		"  --stop-s S          when stopped, the time that commands still have (30)\n"
		"  --drain             exit when nothing is ready any more\n"
		"  --worker NAME       name of this worker in the tables (HOST/PID)\n"
		"  -c, --config FILE   read this configuration\n"
		"  --log-level LEVEL   error, warning, info or debug\n"
		"  --help, --version\n"
		"See steem-worker(8).\n",
};

static int take_number(const char *name, unsigned min, unsigned max, unsigned *ret_number,
		       struct error *err)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(optarg, &end, 10);
	if (optarg[0] < '0' || optarg[0] > '9' || *end != '\0' || errno != 0 || number < min ||
	    number > max)
		return error_set(err, ERROR_CONFIG, "--%s is '%s'; allowed is %u to %u", name,
				 optarg, min, max);
	*ret_number = (unsigned)number;
	return 0;
}

static bool is_made_of(const char *text, const char *allowed, size_t min, size_t max)
{
	size_t len = strlen(text);

	return len >= min && len <= max && text[strspn(text, allowed)] == '\0';
}

static int take_queue(struct arguments *arguments, struct error *err)
{
	if (!is_made_of(optarg, "abcdefghijklmnopqrstuvwxyz0123456789-", 1, QUEUE_MAX))
		return error_set(err, ERROR_CONFIG,
				 "--queue is '%s'; allowed are 1 to %d lower-case letters, digits "
				 "and '-'",
				 optarg, QUEUE_MAX);
	arguments->queue = optarg;
	return 0;
}

static int take_worker(struct arguments *arguments, struct error *err)
{
	if (!is_made_of(optarg, PROCESS_NAME_CHARACTERS, 1, sizeof(arguments->worker) - 1))
		return error_set(
			err, ERROR_CONFIG,
			"--worker is '%s'; allowed are 1 to %zu letters, digits and any of "
			"._/@:-",
			optarg, sizeof(arguments->worker) - 1);
	snprintf(arguments->worker, sizeof(arguments->worker), "%s", optarg);
	return 0;
}

static int take_author(struct arguments *arguments, struct error *err)
{
	const char *fault = account_name_fault(optarg, strlen(optarg));

	if (!fault && strstr(optarg, "--")) /* reply() and most signing programs refuse it too */
		fault = "it has two hyphens in a row";
	if (fault)
		return error_set(
			err, ERROR_CONFIG,
			"--author is '%s', which is no account name: %s; " ACCOUNT_NAME_RULE,
			optarg, fault);
	arguments->author = optarg;
	return 0;
}

static int take_option(struct arguments *arguments, int id, struct error *err)
{
	switch (id) {
	case OPTION_QUEUE:
		return take_queue(arguments, err);
	case OPTION_WORKER:
		return take_worker(arguments, err);
	case OPTION_CONCURRENCY:
		return take_number("concurrency", 1, CONCURRENCY_MAX, &arguments->concurrency, err);
	case OPTION_LEASE:
		return take_number("lease-s", 1, 86400, &arguments->lease_s, err);
	case OPTION_TIMEOUT:
		return take_number("timeout-s", 1, 86400, &arguments->timeout_s, err);
	case OPTION_STOP:
		return take_number("stop-s", 0, 86400, &arguments->stop_s, err);
	case OPTION_POLL:
		return take_number("poll-ms", 10, 60000, &arguments->poll_ms, err);
	case OPTION_PERSISTENT:
		arguments->is_persistent = true;
		return 0;
	case OPTION_REPLY:
		if (strcmp(optarg, "comment") != 0)
			return error_set(err, ERROR_CONFIG, "--reply is '%s'; allowed is 'comment'",
					 optarg);
		arguments->is_reply = true;
		return 0;
	case OPTION_ACT:
		arguments->is_act = true;
		return 0;
	case OPTION_AUTHOR:
		return take_author(arguments, err);
	case OPTION_ANSWER_OWN:
		arguments->answers_own = true;
		return 0;
	case OPTION_DRAIN:
		arguments->is_drain = true;
		return 0;
	default:
		return 0;
	}
}

static int check_company(const struct arguments *arguments, struct error *err)
{
	if (!arguments->queue)
		return error_set(err, ERROR_CONFIG, "--queue is missing" SEE_HELP);
	if ((arguments->is_reply || arguments->is_act) != (arguments->author != NULL))
		return error_set(err, ERROR_CONFIG,
				 "--reply comment or --act, and --author, go together" SEE_HELP);
	if (arguments->is_reply && arguments->is_act && !arguments->is_persistent)
		return error_set(err, ERROR_CONFIG,
				 "--reply comment and --act go together only with --persistent, "
				 "because an output is one of the two" SEE_HELP);
	if (arguments->answers_own && !arguments->author)
		return error_set(err, ERROR_CONFIG,
				 "--answer-own goes with --reply comment or --act" SEE_HELP);
	if (!arguments->command[0] || arguments->command[0][0] == '\0')
		return error_set(err, ERROR_CONFIG,
				 "the command is missing; it stands behind '--'" SEE_HELP);
	return 0;
}

static void set_defaults(struct arguments *arguments)
{
	*arguments = (struct arguments){
		.concurrency = 1,
		.lease_s = 60,
		.timeout_s = 300,
		.stop_s = 30,
		.poll_ms = 100,
	};
	process_name(arguments->worker, sizeof(arguments->worker), "worker");
}

int arguments_parse(struct arguments *arguments, int argc, char **argv, struct error *err)
{
	int id;

	set_defaults(arguments);
	command_line_init(&arguments->line, &program);
	while ((id = command_line_next(&arguments->line, argc, argv, err)) > 0)
		if (take_option(arguments, id, err) < 0)
			return -1;
	if (id < 0)
		return -1;
	arguments->command = argv + optind;
	return arguments->line.answer ? 0 : check_company(arguments, err);
}
