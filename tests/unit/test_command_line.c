/* SPDX-License-Identifier: MIT */
/* What the command lines of the three programs have in common. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "daemon/options.h"
#include "poster/poster_arguments.h"
#include "worker/arguments.h"

#define MAX_WORDS 20

enum { READER, WORKER, POSTER, PROGRAMS };

static struct command_line line;
static struct error err;

/* Parse words parted by blanks. */
static int parse(int program, const char *text)
{
	static char words[200];
	static char *argv[MAX_WORDS + 1];
	static struct options options;
	static struct arguments arguments;
	static struct poster_arguments poster_arguments;
	int argc = 0;
	int result;

	snprintf(words, sizeof(words), "program %s%s", text,
		 program == WORKER ? " --queue a -- bot" : "");
	for (char *at = words, *word; (word = strsep(&at, " ")) && argc < MAX_WORDS;)
		argv[argc++] = word;
	argv[argc] = NULL;
	err = ERROR_INIT;
	if (program == READER) {
		result = options_parse(&options, argc, argv, &err);
		line = options.line;
		options_release(&options);
	} else if (program == WORKER) {
		result = arguments_parse(&arguments, argc, argv, &err);
		line = arguments.line;
	} else {
		result = poster_arguments_parse(&poster_arguments, argc, argv, &err);
		line = poster_arguments.line;
	}
	return result;
}

static void common_options_are_taken(void **state)
{
	(void)state;
	for (int program = 0; program < PROGRAMS; program++) {
		assert_int_equal(parse(program, "--config a -c b --log-level debug"), 0);
		assert_string_equal(line.config_path, "b");
		assert_true(line.has_log_level);
		assert_int_equal(line.log_level, LOG_LEVEL_DEBUG);
		assert_null(line.answer);
		assert_int_equal(parse(program, "-c x --version"), 0);
		assert_ptr_equal(line.answer, line.program->version);
		assert_int_equal(parse(program, "--help --nonsense"), 0);
		assert_ptr_equal(line.answer, line.program->help);
		assert_false(line.has_log_level);
	}
}

static void mistakes_have_the_same_words(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"--nonsense", "--nonsense is not an option; --help"},
		{"-x", "-x is not an option; --help"},
		{"--log-level loud",
		 "--log-level loud: allowed are error, warning, info and debug; --help"},
		{"-c x\r", "the argument 'x' ends with a carriage return (CR)"},
		{"--help\r", "the argument '--help' ends with a carriage return (CR)"},
	};

	(void)state;
	for (int program = 0; program < PROGRAMS; program++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			assert_int_equal(parse(program, bad[i].text), -1);
			assert_int_equal(err.kind, ERROR_CONFIG);
			if (strstr(err.text, bad[i].words) == NULL)
				fail_msg("%s: %s", bad[i].text, err.text);
		}
}

static void two_actions_are_refused(void **state)
{
	(void)state;
	for (int program = 0; program < PROGRAMS; program++) {
		if (program == WORKER)
			continue; /* it has no actions */
		assert_int_equal(parse(program, "--once --check-config --once"), -1);
		assert_non_null(strstr(err.text, "--check-config does not go with another action"));
		assert_int_equal(parse(program, "--once --once"), 0);
	}
}

static void every_help_fits_a_screen(void **state)
{
	(void)state;
	for (int program = 0; program < PROGRAMS; program++) {
		unsigned lines = 0;

		assert_int_equal(parse(program, "--help"), 0);
		for (const char *at = line.answer; *at != '\0'; lines++) {
			size_t len = strcspn(at, "\n");

			assert_in_range(len, 0, 80);
			assert_int_equal(at[len], '\n');
			at += len + 1;
		}
		assert_in_range(lines, 10, 24);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_options_are_taken),
		cmocka_unit_test(mistakes_have_the_same_words),
		cmocka_unit_test(two_actions_are_refused),
		cmocka_unit_test(every_help_fits_a_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
