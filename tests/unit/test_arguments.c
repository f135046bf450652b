/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "worker/arguments.h"

#define MAX_WORDS 40

static struct arguments got;
static struct error err;

/* Parse words parted by blanks. */
static int parse(const char *text)
{
	static char words[1000];
	static char *argv[MAX_WORDS + 1];
	int argc = 0;

	snprintf(words, sizeof(words), "steem-worker %s", text);
	for (char *at = words, *word; (word = strsep(&at, " ")) && argc < MAX_WORDS;)
		argv[argc++] = word;
	argv[argc] = NULL;
	err = ERROR_INIT;
	return arguments_parse(&got, argc, argv, &err);
}

static void defaults(void **state)
{
	(void)state;
	assert_int_equal(parse("--queue ask -- ./bot"), 0);
	assert_null(got.line.answer);
	assert_string_equal(got.queue, "ask");
	assert_non_null(strstr(got.line.config_path, "/steem-worker.conf"));
	assert_non_null(strchr(got.worker, '/'));
	assert_int_equal(got.concurrency, 1);
	assert_int_equal(got.lease_s, 60);
	assert_int_equal(got.timeout_s, 300);
	assert_int_equal(got.stop_s, 30);
	assert_int_equal(got.poll_ms, 100);
	assert_false(got.is_persistent || got.is_drain || got.is_reply || got.line.has_log_level);
	assert_string_equal(got.command[0], "./bot");
	assert_null(got.command[1]);
}

static void everything(void **state)
{
	(void)state;
	assert_int_equal(
		parse("-c f --queue a-1 --worker w --concurrency 128 --lease-s 86400 "
		      "--timeout-s 1 --stop-s 0 --poll-ms 10 --persistent --reply comment --act "
		      "--author abc.d-e --drain --log-level debug bot --queue x -- y"),
		0);
	assert_string_equal(got.line.config_path, "f");
	assert_string_equal(got.queue, "a-1");
	assert_string_equal(got.worker, "w");
	assert_int_equal(got.concurrency, 128);
	assert_int_equal(got.lease_s, 86400);
	assert_int_equal(got.timeout_s, 1);
	assert_int_equal(got.stop_s, 0);
	assert_int_equal(got.poll_ms, 10);
	assert_true(got.is_persistent && got.is_drain && got.is_reply && got.is_act &&
		    got.line.has_log_level);
	assert_string_equal(got.author, "abc.d-e");
	/* What follows the command is the command's. */
	assert_string_equal(got.command[1], "--queue");
	assert_string_equal(got.command[3], "--");
	assert_string_equal(got.command[4], "y");
}

static void what_is_wrong(void **state)
{
	static const struct {
		const char *line;
		const char *words;
	} lines[] = {
		{"", "--queue is missing"},
		{"-- bot", "--queue is missing"},
		{"--queue ask", "the command is missing"},
		{"--queue ask --", "the command is missing"},
		{"--queue Ask -- b", "lower-case"},
		{"--queue aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -- b", "1 to 32"},
		{"--queue a --concurrency 0 -- b", "--concurrency is '0'; allowed is 1 to 128"},
		{"--queue a --concurrency 129 -- b", "allowed is 1 to 128"},
		{"--queue a --concurrency -1 -- b", "allowed is 1 to 128"},
		{"--queue a --lease-s 1s -- b", "--lease-s is '1s'"},
		{"--queue a --lease-s 99999999999999999999 -- b", "allowed is 1 to 86400"},
		{"--queue a --timeout-s 0 -- b", "--timeout-s"},
		{"--queue a --poll-ms 9 -- b", "allowed is 10 to 60000"},
		{"--queue a --worker a,b -- b", "--worker"},
		{"--queue a --reply vote -- b", "allowed is 'comment'"},
		{"--queue a --reply comment -- b", "go together"},
		{"--queue a --author bob -- b", "go together"},
		{"--queue a --act -- b", "go together"},
		{"--queue a --act --reply comment --author bob -- b", "only with --persistent"},
		{"--queue a --reply comment --author 1bob -- b", "no account name"},
		{"--queue a --reply comment --author bo -- b", "no account name"},
		{"--queue a --reply comment --author Bob -- b", "it has capital letters"},
		{"--queue a --reply comment --author a--b -- b", "no account name"},
		{"--queue a --reply comment --author bob. -- b", "no account name"},
		{"--queue a --reply comment --author bob.x -- b", "no account name"},
		{"--queue a --reply comment --author bob- -- b", "no account name"},
		{"--queue a --reply comment --author @bob -- b", "no account name"},
		{"--queue a --answer-own -- b", "--answer-own goes with --reply"},
		{"--queue a --log-level loud -- b", "--log-level loud: allowed are"},
		{"--queue a --no-such -- b", "--no-such is not an option"},
		{"--queue", "--queue needs a value"},
		{"--queue a\r -- b", "the argument 'a' ends with a carriage return"},
		{"--queue a --drain\r -- b", "the argument '--drain' ends with a carriage return"},
		{"--queue a -- b\r", "the argument 'b' ends with a carriage return"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i].line), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.text, lines[i].words));
	}
}

static void help_and_version_need_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(parse("--help"), 0);
	assert_string_equal(got.line.answer, got.line.program->help);
	assert_int_equal(parse("--queue a --version"), 0);
	assert_string_equal(got.line.answer, "steem-worker " PACKAGE_VERSION "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(help_and_version_need_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
