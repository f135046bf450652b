/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "poster/comment.h"

static struct sender_row row_of(const char *body, const char *options)
{
	return (struct sender_row){
		.comment_id = 1,
		.permlink = "re-a",
		.parent_author = "alice",
		.parent_permlink = "a",
		.title = "",
		.body = body,
		.json_metadata = "{\"app\":\"x\"}",
		.options = options,
	};
}

static int write(struct buf *out, const char *body, const char *options, struct error *err)
{
	struct sender_row row = row_of(body, options);

	*out = BUF_INIT(100000);
	return comment_write(out, &chain_steem, "bot", &row, err);
}

static void a_comment_becomes_one_operation(void **state)
{
	struct buf out;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(write(&out, "a \"b\" \\ \n\r\t \xc3\xa9", NULL, &err), 0);
	assert_string_equal(
		buf_text(&out),
		"[[\"comment\",{\"parent_author\":\"alice\",\"parent_permlink\":\"a\",\"author\":\"bot\","
		"\"permlink\":\"re-a\",\"title\":\"\",\"body\":\"a \\\"b\\\" \\\\ \\n\\r\\t \xc3\xa9\","
		"\"json_metadata\":\"{\\\"app\\\":\\\"x\\\"}\"}]]");
	buf_release(&out);
}

/* A text ends at a zero byte here, so what stands behind it would get lost. */
static void a_zero_byte_is_refused(void **state)
{
	struct sender_row row = row_of("b", NULL);
	struct buf out = BUF_INIT(1000);
	struct error err = ERROR_INIT;

	(void)state;
	row.has_zero = true;
	assert_int_equal(comment_write(&out, &chain_steem, "bot", &row, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	assert_non_null(strstr(err.text, "zero byte"));
	buf_release(&out);
}

static void options_ride_in_the_same_transaction(void **state)
{
	const char *head = ",[\"comment_options\",{\"author\":\"bot\",\"permlink\":\"re-a\",";
	const char *all =
		"\"max_accepted_payout\":\"1000000.000 SBD\",\"percent_steem_dollars\":10000,"
		"\"allow_votes\":true,\"allow_curation_rewards\":true,\"extensions\":[] }]]";
	struct buf out;
	struct error err = ERROR_INIT;
	const char *found;

	(void)state;
	assert_int_equal(write(&out, "b", "{ }", &err), 0);
	found = strstr(buf_text(&out), head);
	assert_non_null(found);
	assert_string_equal(found + strlen(head), all);
	buf_release(&out);
}

static void options_that_are_named_replace_the_defaults(void **state)
{
	struct buf out;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
		write(&out, "b",
		      " {\"percent_steem_dollars\":0,\"max_accepted_payout\":\"1.000 SBD\"} ",
		      &err),
		0);
	assert_null(strstr(buf_text(&out), "10000"));
	assert_non_null(strstr(
		buf_text(&out),
		"\"extensions\":[],\"percent_steem_dollars\":0,\"max_accepted_payout\":\"1.000 SBD\"}]]"));
	buf_release(&out);
}

/* Nothing that is no object may end the operation early and add one of its own. */
static void options_cannot_become_another_operation(void **state)
{
	const char *wrong[] = {"",     "[]",       "{",   "{\"a\":1}],[\"vote\",{}",
			       "{} x", "\"text\"", "null"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf out;
		struct error err = ERROR_INIT;

		assert_int_equal(write(&out, "b", wrong[i], &err), -1);
		assert_int_equal(err.kind, ERROR_DATA);
		buf_release(&out);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	struct sender_row row = row_of("a body of some length", NULL);
	struct buf out = BUF_INIT(100);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(comment_write(&out, &chain_steem, "bot", &row, &err), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_comment_becomes_one_operation),
		cmocka_unit_test(a_zero_byte_is_refused),
		cmocka_unit_test(options_ride_in_the_same_transaction),
		cmocka_unit_test(options_that_are_named_replace_the_defaults),
		cmocka_unit_test(options_cannot_become_another_operation),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
