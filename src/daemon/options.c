/* SPDX-License-Identifier: MIT */
#include "daemon/options.h"

enum option_id {
	OPTION_REFILTER = COMMAND_LINE_OTHER,
	OPTION_CHECK,
	OPTION_USER,
	OPTION_JSON,
	OPTION_DRY_RUN,
	OPTION_VIRTUAL,
	OPTION_DEEP,
	OPTION_OFFLINE,
	OPTION_REPAIR,
	OPTION_DELIVER,
	OPTION_QUEUES,
};

#define ACTION(name) (COMMAND_LINE_ACTION + (int)ACTION_##name)

static const struct option long_options[] = {
	{"config", required_argument, NULL, COMMAND_LINE_CONFIG},
	{"backfill", required_argument, NULL, ACTION(BACKFILL)},
	{"refilter", no_argument, NULL, OPTION_REFILTER},
	{"once", no_argument, NULL, ACTION(ONCE)},
	{"gaps", no_argument, NULL, ACTION(GAPS)},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"status", no_argument, NULL, ACTION(STATUS)},
	{"migrate", no_argument, NULL, ACTION(MIGRATE)},
	{"user", required_argument, NULL, OPTION_USER},
	{"activate-filter", no_argument, NULL, ACTION(ACTIVATE_FILTER)},
	{"forget", required_argument, NULL, ACTION(FORGET)},
	{"check-config", no_argument, NULL, ACTION(CHECK_CONFIG)},
	{"print-config", no_argument, NULL, ACTION(PRINT_CONFIG)},
	{"log-level", required_argument, NULL, COMMAND_LINE_LOG_LEVEL},
	{"json", no_argument, NULL, OPTION_JSON},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"help", no_argument, NULL, COMMAND_LINE_HELP},
	{"version", no_argument, NULL, COMMAND_LINE_VERSION},
	{"virtual", no_argument, NULL, OPTION_VIRTUAL},
	{"verify", required_argument, NULL, ACTION(VERIFY)},
	{"deep", no_argument, NULL, OPTION_DEEP},
	{"offline", no_argument, NULL, OPTION_OFFLINE},
	{"repair", no_argument, NULL, OPTION_REPAIR},
	{"deliver", no_argument, NULL, OPTION_DELIVER},
	{"purge", required_argument, NULL, ACTION(PURGE)},
	{"rewind", required_argument, NULL, ACTION(REWIND)},
	{"queues", no_argument, NULL, OPTION_QUEUES},
	{"prove", required_argument, NULL, ACTION(PROVE)},
	{NULL, 0, NULL, 0},
};

static const struct command_line_program program = {
	.config = CONFIG_READER,
	.config_path = SYSCONFDIR "/steem-reader.conf",
	.options = long_options,
	.version = "steem-reader " PACKAGE_VERSION "\n",
	.help = "Usage: steem-reader [ACTION] [OPTIONS]\n"
		"Without an action: scan, replay what is missing, catch up, follow the chain.\n"
		"\n"
		"  --once              fill gaps, catch up to the tip, exit\n"
		"  --backfill RANGES   replay what is missing in A-B or A+N (several: commas)\n"
		"    --refilter          also what was stored under other filter rules\n"
		"    --virtual           also what was stored without virtual operations\n"
		"    --deliver           put it into queues, also what was stored without\n"
		"  --gaps [--check]    print what is missing; --check: exit 1 if anything is\n"
		"  --status [--queues] print how the readers are (or: queues and outbox)\n"
		"  --verify RANGES     compare with the chain [--deep] [--offline] [--repair]\n"
		"  --prove FILE        prove get_block answers by their hashes; -: standard input\n"
		"  --purge BLOCK       remove the operations of all blocks below\n"
		"  --rewind BLOCK [--user NAME]   take back all above, where a node lied\n"
		"  --migrate [--user NAME]   create or upgrade the tables (STEEM_READER_PASSWORD)\n"
		"  --activate-filter   make this file's filter rules the active ones\n"
		"  --forget NAME       remove a reader that is gone for good\n"
		"  --check-config, --print-config   the configuration, with defaults\n"
		"\n"
		"  -c, --config FILE   read this configuration\n"
		"  --log-level LEVEL   error, warning, info or debug\n"
		"  --dry-run, --json   write nothing; print JSON: --gaps, --status, --verify\n"
		"  --help, --version\n"
		"See steem-reader(8) and steem-reader.conf(5).\n",
};

static int take_ranges(const char *option, struct range_set *set, struct error *err)
{
	if (range_parse(set, optarg, err) == 0)
		return 0;
	return error_set(err, ERROR_CONFIG, "%s: %s" SEE_HELP, option, err->text);
}

/* Parse one block number, written as in a range. */
static int take_block(const char *option, uint32_t *ret_block, struct error *err)
{
	struct range_set set = RANGE_SET_INIT;
	int result = range_parse(&set, optarg, err);

	if (result == 0 && range_count_blocks(&set) != 1)
		result = error_set(err, ERROR_CONFIG, "%s is not the number of one block", optarg);
	if (result == 0)
		*ret_block = range_first(&set);
	range_set_release(&set);
	return result == 0 ? 0 : error_set(err, ERROR_CONFIG, "%s: %s" SEE_HELP, option, err->text);
}

/* Options without a value. */
static void take_flag(struct options *options, int id)
{
	options->refilter |= id == OPTION_REFILTER;
	options->revirtual |= id == OPTION_VIRTUAL;
	options->deliver |= id == OPTION_DELIVER;
	options->deep |= id == OPTION_DEEP;
	options->offline |= id == OPTION_OFFLINE;
	options->repair |= id == OPTION_REPAIR;
	options->check |= id == OPTION_CHECK;
	options->queues |= id == OPTION_QUEUES;
	options->json |= id == OPTION_JSON;
	options->dry_run |= id == OPTION_DRY_RUN;
}

/* Store the value of an option; many only set the action. */
static int take_option(struct options *options, int id, struct error *err)
{
	switch (id) {
	case ACTION(BACKFILL):
		return take_ranges("--backfill", &options->backfill, err);
	case ACTION(VERIFY):
		return take_ranges("--verify", &options->verify, err);
	case ACTION(PURGE):
		return take_block("--purge", &options->purge_before, err);
	case ACTION(REWIND):
		return take_block("--rewind", &options->rewind_block, err);
	case ACTION(PROVE):
		options->prove_path = optarg;
		return 0;
	case ACTION(FORGET):
		options->forget_name = optarg;
		return 0;
	case OPTION_USER:
		options->admin_user = optarg;
		return 0;
	default:
		take_flag(options, id);
		return 0;
	}
}

/* Check options that are allowed only with a certain action. */
static int check_company(const struct options *options, struct error *err)
{
	enum action action = options->action;

	if (options->refilter && action != ACTION_BACKFILL)
		return error_set(err, ERROR_CONFIG, "--refilter goes with --backfill" SEE_HELP);
	if (options->deliver && action != ACTION_BACKFILL)
		return error_set(err, ERROR_CONFIG, "--deliver goes with --backfill" SEE_HELP);
	if (options->revirtual && action != ACTION_BACKFILL)
		return error_set(err, ERROR_CONFIG, "--virtual goes with --backfill" SEE_HELP);
	if (options->revirtual && options->refilter)
		return error_set(err, ERROR_CONFIG,
				 "--virtual does not go with --refilter, which brings virtual "
				 "operations as well" SEE_HELP);
	if ((options->deep || options->offline || options->repair) && action != ACTION_VERIFY)
		return error_set(err, ERROR_CONFIG,
				 "--deep, --offline and --repair go with --verify" SEE_HELP);
	if (options->offline && (options->deep || options->repair))
		return error_set(err, ERROR_CONFIG,
				 "--offline asks no node: it does not go with --deep and "
				 "--repair" SEE_HELP);
	if (options->queues && action != ACTION_STATUS)
		return error_set(err, ERROR_CONFIG, "--queues goes with --status" SEE_HELP);
	if (options->check && action != ACTION_GAPS)
		return error_set(err, ERROR_CONFIG, "--check goes with --gaps" SEE_HELP);
	if (options->admin_user != NULL && action != ACTION_MIGRATE && action != ACTION_REWIND)
		return error_set(err, ERROR_CONFIG,
				 "--user goes with --migrate and --rewind" SEE_HELP);
	if (options->json && action != ACTION_GAPS && action != ACTION_STATUS &&
	    action != ACTION_VERIFY)
		return error_set(err, ERROR_CONFIG,
				 "--json goes with --gaps, --status and --verify" SEE_HELP);
	if (options->forget_name != NULL && options->forget_name[0] == '\0')
		return error_set(err, ERROR_CONFIG, "--forget needs a name" SEE_HELP);
	return 0;
}

static int parse(struct options *options, int argc, char **argv, struct error *err)
{
	int id;

	while ((id = command_line_next(&options->line, argc, argv, err)) > 0)
		if (take_option(options, id, err) < 0)
			return -1;
	if (id < 0)
		return -1;
	options->action = (enum action)options->line.action;
	return options->line.answer ? 0 : check_company(options, err);
}

int options_parse(struct options *options, int argc, char **argv, struct error *err)
{
	*options = (struct options){.action = ACTION_RUN};
	command_line_init(&options->line, &program);
	range_set_init(&options->backfill);
	range_set_init(&options->verify);
	if (parse(options, argc, argv, err) == 0)
		return 0;
	options_release(options);
	return -1;
}

void options_release(struct options *options)
{
	range_set_release(&options->backfill);
	range_set_release(&options->verify);
}
