/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "daemon/options.h"

static int parse(struct options *options, const char *line, struct error *err)
{
	static char copy[512];
	char *argv[32];
	int argc = 0;
	char *rest = copy;
	char *word;

	snprintf(copy, sizeof(copy), "steem-reader%s%s", line[0] != '\0' ? " " : "", line);
	while ((word = strsep(&rest, " ")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse(options, argc, argv, err);
}

static void actions_are_recognised(void **state)
{
	static const struct {
		const char *line;
		enum action action;
	} good[] = {
		{"", ACTION_RUN},
		{"-c x.conf", ACTION_RUN},
		{"--once", ACTION_ONCE},
		{"--once --once", ACTION_ONCE},
		{"--backfill 1-5", ACTION_BACKFILL},
		{"--backfill=1+5,9 --refilter", ACTION_BACKFILL},
		{"--gaps --check --json", ACTION_GAPS},
		{"--status --json", ACTION_STATUS},
		{"--migrate --user root", ACTION_MIGRATE},
		{"--activate-filter", ACTION_ACTIVATE_FILTER},
		{"--forget NAME", ACTION_FORGET},
		{"--check-config", ACTION_CHECK_CONFIG},
		{"--print-config", ACTION_PRINT_CONFIG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct options options;
		struct error err = ERROR_INIT;

		if (parse(&options, good[i].line, &err) != 0)
			fail_msg("%s: %s", good[i].line, err.text);
		assert_int_equal(options.action, good[i].action);
		assert_null(options.line.answer);
		options_release(&options);
	}
}

static void help_and_version_are_answered(void **state)
{
	struct options options;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&options, "--help", &err), 0);
	assert_string_equal(options.line.answer, options.line.program->help);
	options_release(&options);
	assert_int_equal(parse(&options, "--once --help --gaps --nonsense", &err), 0);
	assert_string_equal(options.line.answer, options.line.program->help);
	options_release(&options);
	assert_int_equal(parse(&options, "--version", &err), 0);
	assert_string_equal(options.line.answer, "steem-reader " PACKAGE_VERSION "\n");
	options_release(&options);
}

static void values_are_kept(void **state)
{
	struct options options;
	struct error err = ERROR_INIT;
	char text[64];

	(void)state;
	assert_int_equal(parse(&options,
			       "--backfill 5-9 --backfill 20+2 --refilter -c a.conf --log-level "
			       "debug --dry-run",
			       &err),
			 0);
	assert_string_equal(range_format(&options.backfill, text, sizeof(text)), "5-9,20-21");
	assert_true(options.refilter && options.dry_run && options.line.has_log_level);
	assert_false(options.json || options.check);
	assert_int_equal(options.line.log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(options.line.config_path, "a.conf");
	options_release(&options);
	assert_int_equal(parse(&options, "--migrate --user root", &err), 0);
	assert_string_equal(options.admin_user, "root");
	assert_string_equal(options.line.config_path, SYSCONFDIR "/steem-reader.conf");
	assert_false(options.line.has_log_level);
	options_release(&options);
	assert_int_equal(parse(&options, "--forget old", &err), 0);
	assert_string_equal(options.forget_name, "old");
	options_release(&options);
	assert_int_equal(parse(&options, "--rewind 4294967295 --user root --dry-run", &err), 0);
	assert_int_equal(options.action, ACTION_REWIND);
	assert_int_equal(options.rewind_block, UINT32_MAX);
	assert_string_equal(options.admin_user, "root");
	options_release(&options);
	assert_int_equal(parse(&options, "--prove -", &err), 0);
	assert_int_equal(options.action, ACTION_PROVE);
	assert_string_equal(options.prove_path, "-");
	options_release(&options);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *line;
		const char *said;
	} bad[] = {
		{"--nonsense", "--nonsense is not an option"},
		{"-x", "-x is not an option"},
		{"stray", "'stray' is not an option"},
		{"--backfill", "--backfill needs a value"},
		{"-c", "-c needs a value"},
		{"--backfill 5-1", "the last block is below the first"},
		{"--once --gaps", "--gaps does not go with another action"},
		{"--log-level loud", "--log-level loud: allowed are"},
		{"--once --refilter", "--refilter goes with --backfill"},
		{"--status --check", "--check goes with --gaps"},
		{"--once --user x", "--user goes with --migrate"},
		{"--once --json", "--json goes with --gaps, --status and --verify"},
		{"--forget=", "--forget needs a name"},
		{"--virtual", "--virtual goes with --backfill"},
		{"--once --virtual", "--virtual goes with --backfill"},
		{"--backfill 1-5 --virtual --refilter", "--virtual does not go with --refilter"},
		{"--verify", "--verify needs a value"},
		{"--verify 5-1", "--verify: "},
		{"--deep", "--deep, --offline and --repair go with --verify"},
		{"--verify 1-5 --offline --repair", "--offline asks no node"},
		{"--verify 1-5 --once", "--once does not go with another action"},
		{"--rewind", "--rewind needs a value"},
		{"--rewind 5-9", "--rewind: 5-9 is not the number of one block"},
		{"--rewind 0", "--rewind: "},
		{"--rewind -1", "--rewind: "},
		{"--rewind 4294967296", "--rewind: "},
		{"--rewind 5x", "--rewind: "},
		{"--rewind 5 --json", "--json goes with --gaps, --status and --verify"},
		{"--rewind 5 --purge 5", "--purge does not go with another action"},
		{"--prove", "--prove needs a value"},
		{"--prove x --json", "--json goes with --gaps, --status and --verify"},
		{"--prove x --gaps", "--gaps does not go with another action"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct options options;
		struct error err = ERROR_INIT;

		assert_int_equal(parse(&options, bad[i].line, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (strstr(err.text, bad[i].said) == NULL || strstr(err.text, "--help") == NULL)
			fail_msg("%s: %s", bad[i].line, err.text);
	}
}

/* Of a script with Windows line ends; else "x" would not be there, though everybody sees that it is. */
static void a_carriage_return_is_named(void **state)
{
	struct options options;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&options, "--status\r", &err), -1);
	assert_non_null(strstr(err.text, "'--status' ends with a carriage return"));
	assert_int_equal(parse(&options, "--gaps -c x\r", &err), -1);
	assert_non_null(strstr(err.text, "'x' ends with a carriage return"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_are_recognised),
		cmocka_unit_test(help_and_version_are_answered),
		cmocka_unit_test(values_are_kept),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_carriage_return_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
