/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/ending.h"

#define EXITED(code)   ((code) << 8)
#define SIGNALLED(num) (num)
#define TEXT(text)     (text), strlen(text)
#define ID             UINT64_C(104857600000001)
#define OK_LINE(line)                                                                              \
	assert_int_equal(ending_of_line(&ending, TEXT(line), 7, &(struct error){0}), 0)

static struct ending ending;

static int release(void **state)
{
	(void)state;
	ending_release(&ending);
	return 0;
}

static void exit_codes(void **state)
{
	(void)state;
	ending_of_exit(&ending, EXITED(0), TEXT("a warning\n"), TEXT(""));
	assert_int_equal(ending.result, DELIVERY_DONE);
	assert_string_equal(ending.error, "");
	assert_null(ending.reply);
	ending_of_exit(&ending, EXITED(75), TEXT(" \n"), TEXT("half"));
	assert_int_equal(ending.result, DELIVERY_RETRY);
	assert_int_equal(ending.delay_s, DELIVERY_BACK_OFF);
	assert_string_equal(ending.error, "exit code 75");
	assert_null(ending.reply);
	ending_of_exit(&ending, EXITED(1), NULL, 0, TEXT(""));
	assert_int_equal(ending.result, DELIVERY_FAIL);
	assert_string_equal(ending.error, "exit code 1");
	ending_of_exit(&ending, EXITED(127), TEXT("one\ntwo\r\n\n"), TEXT(""));
	assert_string_equal(ending.error, "exit code 127: one\ntwo");
	ending_of_exit(&ending, SIGNALLED(SIGKILL), NULL, 0, TEXT(""));
	assert_int_equal(ending.result, DELIVERY_FAIL);
	assert_string_equal(ending.error, "killed by signal 9 (SIGKILL)");
	ending_of_exit(&ending, SIGNALLED(40), NULL, 0, TEXT(""));
	assert_string_equal(ending.error, "killed by signal 40");
}

static void the_output_is_an_action(void **state)
{
	(void)state;
	ending_of_exit(&ending, EXITED(0), NULL, 0, TEXT("[[\"vote\",{}]]\n"));
	ending_take_operations(&ending);
	assert_null(ending.reply);
	assert_int_equal(ending.reply_len, 0);
	assert_string_equal(ending.operations, "[[\"vote\",{}]]");
	assert_int_equal(ending.operations_len, strlen(ending.operations));
	ending_check_reply(&ending);
	assert_int_equal(ending.result, DELIVERY_DONE);
	ending_of_exit(&ending, EXITED(0), NULL, 0, "[\xff", 2);
	ending_take_operations(&ending);
	ending_check_reply(&ending);
	assert_int_equal(ending.result, DELIVERY_FAIL);
	assert_string_equal(ending.error, "the action is no text: its byte 2 is no UTF-8");
	assert_null(ending.operations);
	ending_of_exit(&ending, EXITED(0), NULL, 0, TEXT("\n"));
	ending_take_operations(&ending);
	assert_null(ending.operations);
	OK_LINE("{\"delivery_id\":7,\"result\":\"done\",\"act\": [[\"vote\", {}]] ,\"reply\":\"r\"}");
	assert_string_equal(ending.operations, "[[\"vote\", {}]]");
	assert_string_equal(ending.reply, "r");
	OK_LINE("{\"delivery_id\":7,\"result\":\"done\",\"act\":null}");
	assert_null(ending.operations);
	OK_LINE("{\"delivery_id\":7,\"result\":\"retry\",\"act\":[]}");
	assert_null(ending.operations);
}

static void the_output_is_the_reply(void **state)
{
	(void)state;
	ending_of_exit(&ending, EXITED(0), NULL, 0, TEXT("\n hello\n\nworld \r\n\n"));
	assert_string_equal(ending.reply, "\n hello\n\nworld ");
	assert_int_equal(ending.reply_len, strlen(ending.reply));
	ending_of_exit(&ending, EXITED(0), NULL, 0, TEXT("\r\n\n"));
	assert_null(ending.reply);
	ending_of_exit(&ending, EXITED(0), NULL, 0, "a\0b\n", 4);
	assert_int_equal(ending.reply_len, 3);
	assert_memory_equal(ending.reply, "a\0b", 4);
	ending_of_exit(&ending, EXITED(0), NULL, 0, "a\0\n", 3);
	assert_int_equal(ending.reply_len, 2); /* a zero byte is no line end */
}

static void an_error_is_clean_and_fits(void **state)
{
	/* Cut, overlong, surrogate, too high, alone, controls, a turn; then what is good. */
	static const char bytes[] = "\xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \x80 \x01 \x7f "
				    "\xc2\x9b \xe2\x80\xae "
				    "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\t.";
	static const char want[] =
		"x: ? ?? ??? ???? ? ? ? ? ? \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\t.";
	char *many = malloc(5000);

	(void)state;
	ending_set(&ending, DELIVERY_FAIL, bytes, sizeof(bytes) - 1, "x");
	assert_string_equal(ending.error, want);
	for (size_t i = 0; i < 5000; i++)
		many[i] = i % 2 == 0 ? '\xc3' : '\xa4';
	for (size_t len = 4990; len <= 5000; len++) {
		ending_set(&ending, DELIVERY_FAIL, many, len, "%s", "why");
		assert_in_range(strlen(ending.error), ENDING_ERROR_BYTES - 3, ENDING_ERROR_BYTES);
		assert_memory_equal(ending.error, "why: \xc3\xa4", 7);
		assert_int_equal(strchr(ending.error, '?') != NULL, len % 2);
	}
	memset(many, 'y', 5000);
	many[4999] = '\0';
	ending_set(&ending, DELIVERY_FAIL, TEXT("tail"), "%s", many);
	assert_in_range(strlen(ending.error), 900, ENDING_ERROR_BYTES);
	free(many);
}

static void good_lines(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
		ending_of_line(&ending,
			       TEXT("{\"delivery_id\":104857600000001,\"result\":\"done\"}"), ID,
			       &err),
		0);
	assert_int_equal(ending.result, DELIVERY_DONE);
	assert_null(ending.reply);
	assert_int_equal(
		ending_of_line(&ending,
			       TEXT(" { \"reply\" : \"a\\u00e4\\u0000\\n\\\"\" , \"x\":[{}],"
				    "\"result\":\"done\",\"error\":null,\"delay_s\":null,"
				    "\"delivery_id\":\"104857600000001\"} "),
			       ID, &err),
		0);
	assert_int_equal(ending.reply_len, 6);
	assert_memory_equal(ending.reply, "a\xc3\xa4\0\n\"", 7);
	assert_int_equal(
		ending_of_line(&ending,
			       TEXT("{\"delivery_id\":104857600000001,\"result\":\"retry\","
				    "\"error\":\"later\",\"delay_s\":60,\"reply\":\"no\"}"),
			       ID, &err),
		0);
	assert_int_equal(ending.result, DELIVERY_RETRY);
	assert_int_equal(ending.delay_s, 60);
	assert_string_equal(ending.error, "later");
	assert_null(ending.reply);
	assert_int_equal(
		ending_of_line(&ending,
			       TEXT("{\"delivery_id\":104857600000001,\"result\":\"fail\"}"), ID,
			       &err),
		0);
	assert_int_equal(ending.result, DELIVERY_FAIL);
	assert_string_equal(ending.error, "");
}

static void bad_lines(void **state)
{
	static const struct {
		const char *line;
		const char *words;
	} lines[] = {
		{"", "no JSON object"},
		{"done", "no JSON object as it should be: done"},
		{"[]", "no JSON object"},
		{"{\"delivery_id\":104857600000001,\"result\":\"done\"} x", "no JSON object"},
		{"{\"delivery_id\":104857600000001,\"result\":\"done\"", "no JSON object"},
		{"{\"delivery_id\":104857600000001,\"result\":\"ok\"}", "no JSON object"},
		{"{\"delivery_id\":104857600000001,\"result\":true}", "no JSON object"},
		{"{\"delivery_id\":-1,\"result\":\"done\"}", "no JSON object"},
		{"{\"delivery_id\":104857600000001,\"result\":\"done\",\"reply\":7}",
		 "no JSON object"},
		{"{\"delivery_id\":104857600000001}", "lacks delivery_id or result"},
		{"{\"result\":\"done\"}", "lacks delivery_id or result"},
		{"{\"delivery_id\":5,\"result\":\"done\"}",
		 "to delivery 5, not to 104857600000001"},
		{"{\"delivery_id\":104857600000001,\"result\":\"retry\",\"delay_s\":99999999}",
		 "above 31 days"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(ending_of_line(&ending, TEXT(lines[i].line), ID, &err), -1);
		assert_non_null(strstr(err.text, lines[i].words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(exit_codes, release),
		cmocka_unit_test_teardown(the_output_is_the_reply, release),
		cmocka_unit_test_teardown(the_output_is_an_action, release),
		cmocka_unit_test_teardown(an_error_is_clean_and_fits, release),
		cmocka_unit_test_teardown(good_lines, release),
		cmocka_unit_test_teardown(bad_lines, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
