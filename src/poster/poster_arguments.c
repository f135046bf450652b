/* SPDX-License-Identifier: MIT */
#include "poster/poster_arguments.h"

#include <getopt.h>

#include "daemon/options.h"

#define DEFAULT_CONFIG SYSCONFDIR "/steem-poster.conf"
#define SEE_HELP       "; --help lists what is allowed"

enum option_id {
	OPTION_CONFIG = 'c',
	OPTION_ONCE = 256,
	OPTION_CHECK,
	OPTION_DRY_RUN,
	OPTION_CHECK_CONFIG,
	OPTION_PRINT_CONFIG,
	OPTION_LOG_LEVEL,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"once", no_argument, NULL, OPTION_ONCE},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
	{"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static const struct {
	enum option_id option;
	enum poster_action action;
} actions[] = {
	{OPTION_ONCE, POSTER_ONCE},
	{OPTION_CHECK, POSTER_CHECK},
	{OPTION_DRY_RUN, POSTER_DRY_RUN},
	{OPTION_CHECK_CONFIG, POSTER_CHECK_CONFIG},
	{OPTION_PRINT_CONFIG, POSTER_PRINT_CONFIG},
};

static int take_level(struct poster_arguments *arguments, struct error *err)
{
	arguments->has_log_level = true;
	if (log_level_parse(optarg, &arguments->log_level) == 0)
		return 0;
	return error_set(err, ERROR_CONFIG,
			 "--log-level %s: allowed are error, warning, info and debug" SEE_HELP,
			 optarg);
}

static int set_action(struct poster_arguments *arguments, int id, struct error *err)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if ((int)actions[i].option != id)
			continue;
		if (arguments->action != POSTER_RUN && arguments->action != actions[i].action)
			return error_set(
				err, ERROR_CONFIG,
				"only one of --once, --check, --dry-run, --check-config and "
				"--print-config is allowed" SEE_HELP);
		arguments->action = actions[i].action;
	}
	return 0;
}

static int parse(struct poster_arguments *arguments, int argc, char **argv, struct error *err)
{
	int id;

	/* 0 makes the GNU library start again, for a second parse in one process. */
	optind = 0;
	while ((id = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1) {
		if (id == ':')
			return error_set(err, ERROR_CONFIG, "%s needs a value" SEE_HELP,
					 argv[optind - 1]);
		if (id == '?')
			return error_set(err, ERROR_CONFIG, "%s is not an option" SEE_HELP,
					 argv[optind - 1]);
		if (id == OPTION_HELP || id == OPTION_VERSION) {
			arguments->action = id == OPTION_HELP ? POSTER_HELP : POSTER_VERSION;
			return 0;
		}
		if (id == OPTION_CONFIG)
			arguments->config_path = optarg;
		else if (id == OPTION_LOG_LEVEL && take_level(arguments, err) < 0)
			return -1;
		else if (set_action(arguments, id, err) < 0)
			return -1;
	}
	if (optind < argc)
		return error_set(err, ERROR_CONFIG, "'%s' is not an option" SEE_HELP, argv[optind]);
	return 0;
}

int poster_arguments_parse(struct poster_arguments *arguments, int argc, char **argv,
			   struct error *err)
{
	*arguments = (struct poster_arguments){.config_path = DEFAULT_CONFIG};
	if (options_check_line_ends(argv, argc, err) < 0)
		return -1;
	return parse(arguments, argc, argv, err);
}

void poster_arguments_help(FILE *out)
{
	fputs("Usage: steem-poster [ACTION] [OPTIONS]\n"
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
	      out);
}
