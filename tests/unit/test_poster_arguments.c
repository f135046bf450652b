/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "poster/poster_arguments.h"

#define PARSE(...) parse((const char *[]){"steem-poster", __VA_ARGS__, NULL})

static struct poster_arguments arguments;
static struct error err;

/* getopt_long() sorts its arguments, so they are copied. */
static int parse(const char **words)
{
	char *argv[16] = {NULL};
	int count = 0;

	for (; words[count]; count++)
		argv[count] = (char *)(uintptr_t)words[count];
	err = ERROR_INIT;
	return poster_arguments_parse(&arguments, count, argv, &err);
}

static void without_an_action_it_runs(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--log-level", "debug"), 0);
	assert_int_equal(arguments.action, POSTER_RUN);
	assert_true(arguments.line.has_log_level && arguments.line.log_level == LOG_LEVEL_DEBUG);
	assert_non_null(strstr(arguments.line.config_path, "/steem-poster.conf"));
	assert_int_equal(PARSE("-c", "/x", "--once"), 0);
	assert_int_equal(arguments.action, POSTER_ONCE);
	assert_string_equal(arguments.line.config_path, "/x");
}

static void two_actions_are_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--once", "--check"), -1);
	assert_int_equal(PARSE("--once", "--once"), 0);
}

static void faults_are_named(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--log-level"), -1);
	assert_int_equal(PARSE("--log-level", "loud"), -1);
	assert_int_equal(PARSE("--send"), -1);
	assert_int_equal(PARSE("extra"), -1);
	assert_non_null(strstr(err.text, "extra"));
	assert_int_equal(PARSE("--once\r"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_action_it_runs),
		cmocka_unit_test(two_actions_are_refused),
		cmocka_unit_test(faults_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
