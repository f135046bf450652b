/* SPDX-License-Identifier: MIT */
#include "daemon/options.h"

#include <getopt.h>
#include <string.h>

#define DEFAULT_CONFIG SYSCONFDIR "/steem-reader.conf"

enum option_id {
	OPTION_CONFIG = 'c',
	OPTION_BACKFILL = 256,
	OPTION_REFILTER,
	OPTION_ONCE,
	OPTION_GAPS,
	OPTION_CHECK,
	OPTION_STATUS,
	OPTION_MIGRATE,
	OPTION_USER,
	OPTION_ACTIVATE_FILTER,
	OPTION_FORGET,
	OPTION_CHECK_CONFIG,
	OPTION_PRINT_CONFIG,
	OPTION_LOG_LEVEL,
	OPTION_JSON,
	OPTION_DRY_RUN,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_VIRTUAL,
	OPTION_VERIFY,
	OPTION_DEEP,
	OPTION_OFFLINE,
	OPTION_REPAIR,
	OPTION_DELIVER,
	OPTION_PURGE,
	OPTION_REWIND,
	OPTION_QUEUES,
	OPTION_PROVE,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"backfill", required_argument, NULL, OPTION_BACKFILL},
	{"refilter", no_argument, NULL, OPTION_REFILTER},
	{"once", no_argument, NULL, OPTION_ONCE},
	{"gaps", no_argument, NULL, OPTION_GAPS},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"status", no_argument, NULL, OPTION_STATUS},
	{"migrate", no_argument, NULL, OPTION_MIGRATE},
	{"user", required_argument, NULL, OPTION_USER},
	{"activate-filter", no_argument, NULL, OPTION_ACTIVATE_FILTER},
	{"forget", required_argument, NULL, OPTION_FORGET},
	{"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
	{"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"json", no_argument, NULL, OPTION_JSON},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"virtual", no_argument, NULL, OPTION_VIRTUAL},
	{"verify", required_argument, NULL, OPTION_VERIFY},
	{"deep", no_argument, NULL, OPTION_DEEP},
	{"offline", no_argument, NULL, OPTION_OFFLINE},
	{"repair", no_argument, NULL, OPTION_REPAIR},
	{"deliver", no_argument, NULL, OPTION_DELIVER},
	{"purge", required_argument, NULL, OPTION_PURGE},
	{"rewind", required_argument, NULL, OPTION_REWIND},
	{"queues", no_argument, NULL, OPTION_QUEUES},
	{"prove", required_argument, NULL, OPTION_PROVE},
	{NULL, 0, NULL, 0},
};

static const struct {
	enum option_id option;
	enum action action;
} actions[] = {
	{OPTION_BACKFILL, ACTION_BACKFILL},
	{OPTION_ONCE, ACTION_ONCE},
	{OPTION_VERIFY, ACTION_VERIFY},
	{OPTION_PROVE, ACTION_PROVE},
	{OPTION_PURGE, ACTION_PURGE},
	{OPTION_REWIND, ACTION_REWIND},
	{OPTION_GAPS, ACTION_GAPS},
	{OPTION_STATUS, ACTION_STATUS},
	{OPTION_MIGRATE, ACTION_MIGRATE},
	{OPTION_ACTIVATE_FILTER, ACTION_ACTIVATE_FILTER},
	{OPTION_FORGET, ACTION_FORGET},
	{OPTION_CHECK_CONFIG, ACTION_CHECK_CONFIG},
	{OPTION_PRINT_CONFIG, ACTION_PRINT_CONFIG},
	{OPTION_HELP, ACTION_HELP},
	{OPTION_VERSION, ACTION_VERSION},
};
#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

#define SEE_HELP "; --help lists what is allowed"

static const char *option_name(int id)
{
	for (const struct option *option = long_options; option->name != NULL; option++) {
		if (option->val == id)
			return option->name;
	}
	return "?";
}

/* Set the action of an option; two different actions contradict each other. */
static int set_action(struct options *options, int id, struct error *err)
{
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if ((int)actions[i].option != id)
			continue;
		if (options->action != ACTION_RUN && options->action != actions[i].action)
			return error_set(err, ERROR_CONFIG,
					 "--%s does not go with another action" SEE_HELP,
					 option_name(id));
		options->action = actions[i].action;
	}
	return 0;
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

/* Store the value of an option; `--help` and the like only set an action. */
static int take_option(struct options *options, int id, struct error *err)
{
	switch (id) {
	case OPTION_CONFIG:
		options->config_path = optarg;
		return 0;
	case OPTION_BACKFILL:
		if (range_parse(&options->backfill, optarg, err) != 0)
			return error_set(err, ERROR_CONFIG, "--backfill: %s" SEE_HELP, err->text);
		return 0;
	case OPTION_PURGE:
		return take_block("--purge", &options->purge_before, err);
	case OPTION_REWIND:
		return take_block("--rewind", &options->rewind_block, err);
	case OPTION_VERIFY:
		if (range_parse(&options->verify, optarg, err) != 0)
			return error_set(err, ERROR_CONFIG, "--verify: %s" SEE_HELP, err->text);
		return 0;
	case OPTION_PROVE:
		options->prove_path = optarg;
		return 0;
	case OPTION_USER:
		options->admin_user = optarg;
		return 0;
	case OPTION_FORGET:
		options->forget_name = optarg;
		return 0;
	case OPTION_LOG_LEVEL:
		options->has_log_level = true;
		if (log_level_parse(optarg, &options->log_level) != 0)
			return error_set(err, ERROR_CONFIG,
					 "--log-level %s: allowed are error, warning, info and "
					 "debug" SEE_HELP,
					 optarg);
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
			options->action = id == OPTION_HELP ? ACTION_HELP : ACTION_VERSION;
			return 0;
		}
		if (set_action(options, id, err) != 0 || take_option(options, id, err) != 0)
			return -1;
	}
	if (optind < argc)
		return error_set(err, ERROR_CONFIG, "'%s' is not an option" SEE_HELP, argv[optind]);
	return check_company(options, err);
}

int options_check_line_ends(char *const *argv, int count, struct error *err)
{
	for (int i = 1; i < count; i++) {
		size_t len = strlen(argv[i]);

		if (len > 0 && argv[i][len - 1] == '\r')
			return error_set(
				err, ERROR_CONFIG,
				"the argument '%.*s' ends with a carriage return (CR); save the "
				"file that it comes from with Unix line ends",
				(int)(len - 1), argv[i]);
	}
	return 0;
}

int options_parse(struct options *options, int argc, char **argv, struct error *err)
{
	*options = (struct options){.config_path = DEFAULT_CONFIG};
	range_set_init(&options->backfill);
	range_set_init(&options->verify);
	if (options_check_line_ends(argv, argc, err) == 0 && parse(options, argc, argv, err) == 0)
		return 0;
	options_release(options);
	return -1;
}

void options_release(struct options *options)
{
	range_set_release(&options->backfill);
	range_set_release(&options->verify);
}

void options_help(FILE *out)
{
	fputs("Usage: steem-reader [ACTION] [OPTIONS]\n"
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
	      out);
}
