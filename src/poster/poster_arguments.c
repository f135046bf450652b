/* SPDX-License-Identifier: MIT */
#include "poster/poster_arguments.h"

#define ACTION(name) (COMMAND_LINE_ACTION + (int)POSTER_##name)

static const struct option long_options[] = {
	{"config", required_argument, NULL, COMMAND_LINE_CONFIG},
	{"once", no_argument, NULL, ACTION(ONCE)},
	{"check", no_argument, NULL, ACTION(CHECK)},
	{"dry-run", no_argument, NULL, ACTION(DRY_RUN)},
	{"check-config", no_argument, NULL, ACTION(CHECK_CONFIG)},
	{"print-config", no_argument, NULL, ACTION(PRINT_CONFIG)},
	{"log-level", required_argument, NULL, COMMAND_LINE_LOG_LEVEL},
	{"help", no_argument, NULL, COMMAND_LINE_HELP},
	{"version", no_argument, NULL, COMMAND_LINE_VERSION},
	{NULL, 0, NULL, 0},
};

static const struct command_line_program program = {
	.config = CONFIG_POSTER,
	.config_path = SYSCONFDIR "/steem-poster.conf",
	.options = long_options,
	.version = "steem-poster " PACKAGE_VERSION "\n",
	.help = "Usage: steem-poster [ACTION] [OPTIONS]\n"
		"Sign what bots put into the outbox, broadcast it, and see it confirmed.\n"
		"Without an action: do so until it is stopped.\n"
		"\n"
		"  --once              empty the outbox, exit\n"
		"  --check             ask the chain which authority each key has, exit\n"
		"  --dry-run           print what would be signed; send and change nothing\n"
		"  --check-config, --print-config   the configuration, with defaults\n"
		"\n"
		"  -c, --config FILE   read this configuration\n"
		"  --log-level LEVEL   error, warning, info or debug\n"
		"  --help, --version\n"
		"See steem-poster(8) and steem-poster.conf(5).\n",
};

int poster_arguments_parse(struct poster_arguments *arguments, int argc, char **argv,
			   struct error *err)
{
	int id;

	command_line_init(&arguments->line, &program);
	do
		id = command_line_next(&arguments->line, argc, argv, err);
	while (id > 0); /* all its own options are actions */
	arguments->action = (enum poster_action)arguments->line.action;
	return id;
}
