/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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
	assert_true(arguments.has_log_level && arguments.log_level == LOG_LEVEL_DEBUG);
	assert_non_null(strstr(arguments.config_path, "/steem-poster.conf"));
	assert_int_equal(PARSE("-c", "/x", "--once"), 0);
	assert_int_equal(arguments.action, POSTER_ONCE);
	assert_string_equal(arguments.config_path, "/x");
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

static void the_help_fits_a_screen(void **state)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	unsigned lines = 0;

	(void)state;
	poster_arguments_help(out);
	fclose(out);
	for (const char *at = text; *at; lines++) {
		size_t len = strcspn(at, "\n");

		assert_true(len <= 80);
		at += len + 1;
	}
	assert_true(lines <= 24);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_action_it_runs),
		cmocka_unit_test(two_actions_are_refused),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(the_help_fits_a_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
