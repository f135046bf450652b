/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "recorded.h"
#include "steem/broadcast.h"
#include "steem/rpc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID           7

/* Everything that nodes say, as somebody may write it into a comment. */
#define HOSTILE                                                                                    \
	"Duplicate transaction check failed. Can only vote once every 3 seconds. Please wait to "  \
	"transact. unknown key. insufficient. Unable to acquire database lock. 3010000 "           \
	"4030100 tx_missing_posting_auth \\n10 assert_exception: Assert Exception\\nDuplicate "    \
	"transaction check failed \\\"result\\\":{} \\u0000 \\u202e \\u001b[31m"

/* How fc throws: its number, name and text, and the words of the assertion. */
struct refusal {
	int code;
	const char *name, *what, *format, *said;
	enum broadcast_answer answer;
};

#define ASSERTION(format, said, answer)                                                            \
	{                                                                                          \
		10, "assert_exception", "Assert Exception", format, said, answer                   \
	}
#define SAME(format, answer) ASSERTION(format, format, answer)
#define OUT_OF_RANGE                                                                               \
	"N5boost16exception_detail10clone_implINS0_19error_info_injectorISt12out_of_rangeEEEE"

static const struct refusal refusals[] = {
	SAME("(skip & skip_transaction_dupe_check) || trx_idx.indices().get<by_trx_id>().find(trx_id) "
	     "== trx_idx.indices().get<by_trx_id>().end(): Duplicate transaction check failed",
	     BROADCAST_KNOWN),
	SAME("Transaction is a duplicate", BROADCAST_KNOWN),
	SAME("( now - auth.last_root_post ) > STEEM_MIN_ROOT_COMMENT_INTERVAL: You may only post once "
	     "every 5 minutes.",
	     BROADCAST_TOO_SOON),
	SAME("(now - auth.last_post) >= STEEM_MIN_REPLY_INTERVAL_HF20: You may only comment once every "
	     "3 seconds.",
	     BROADCAST_TOO_SOON),
	SAME("(now - auth.last_post) > STEEM_MIN_REPLY_INTERVAL: You may only comment once every 20 "
	     "seconds.",
	     BROADCAST_TOO_SOON),
	SAME("elapsed_seconds >= STEEM_MIN_VOTE_INTERVAL_SEC: Can only vote once every 3 seconds.",
	     BROADCAST_TOO_SOON),
	SAME("now - auth.last_post_edit >= STEEM_MIN_COMMENT_EDIT_INTERVAL: Can only perform one "
	     "comment edit per block.",
	     BROADCAST_TOO_SOON),
	/* An exception of a plugin, as a lack of resource credits is one. */
	{4100000, "plugin_exception", "plugin exception",
	 "Account ${a} already submitted ${n} custom json operation(s) this block.",
	 "Account foo already submitted 5 custom json operation(s) this block.",
	 BROADCAST_TOO_SOON},
	{4100000, "plugin_exception", "plugin exception",
	 "Account: ${account} has ${rc_current} RC, needs ${rc_needed} RC. Please wait to transact, or "
	 "power up STEEM.",
	 "Account: insufficient has 12 RC, needs 34 RC. Please wait to transact, or power up STEEM.",
	 BROADCAST_RESOURCES},
	{4100000, "plugin_exception", "plugin exception", "words of tomorrow", "words of tomorrow",
	 BROADCAST_RESOURCES},
	ASSERTION(
		"has_bandwidth: Account: ${account} bandwidth limit exceeded. Please wait to transact "
		"or power up STEEM.",
		"has_bandwidth: Account: foo bandwidth limit exceeded. Please wait to transact or "
		"power up STEEM.",
		BROADCAST_RESOURCES),
	SAME("Account exceeded maximum allowed bandwidth per vesting share.", BROADCAST_RESOURCES),
	{4030100, "transaction_expiration_exception", "transaction expiration exception",
	 "trx.expiration <= now + fc::seconds(STEEM_MAX_TIME_UNTIL_EXPIRATION)",
	 "trx.expiration <= now + fc::seconds(STEEM_MAX_TIME_UNTIL_EXPIRATION)", BROADCAST_NODE},
	{4030200, "transaction_tapos_exception", "transaction tapos exception",
	 "trx.ref_block_prefix == tapos_block_summary.block_id._hash[1]",
	 "trx.ref_block_prefix == tapos_block_summary.block_id._hash[1]", BROADCAST_NODE},
	{13, OUT_OF_RANGE, "unknown key", "${what}: ", "unknown key: ", BROADCAST_FINAL},
	SAME("_db.get( parent->root_comment ).allow_replies: The parent comment has disabled replies.",
	     BROADCAST_FINAL),
	SAME("_db.get_balance( o.from, o.amount.symbol ) >= o.amount: Account does not have sufficient "
	     "funds for transfer.",
	     BROADCAST_FINAL),
	SAME("account does not have sufficient STEEM for the transfer", BROADCAST_FINAL),
	ASSERTION("Insufficient ${s} funds", "Insufficient SBD funds", BROADCAST_FINAL),
	ASSERTION(
		"parent->depth < STEEM_MAX_COMMENT_DEPTH: Comment is nested ${x} posts deep, maximum "
		"depth is ${y}.",
		"parent->depth < STEEM_MAX_COMMENT_DEPTH: Comment is nested 255 posts deep, maximum "
		"depth is 255.",
		BROADCAST_FINAL),
	SAME("Cannot vote again on a comment after payout.", BROADCAST_FINAL),
	SAME("itr->vote_percent != o.weight: Your current vote on this comment is identical to this "
	     "vote.",
	     BROADCAST_FINAL),
	SAME("You have already voted in a similar way.", BROADCAST_FINAL),
	SAME("Voter has used the maximum number of vote changes on this comment.", BROADCAST_FINAL),
	SAME("Account does not have enough mana to vote.", BROADCAST_FINAL),
	SAME("false: Invalid permlink character", BROADCAST_FINAL),
	ASSERTION("acc != nullptr: Beneficiary \\\"${a}\\\" must exist.",
		  "acc != nullptr: Beneficiary \\\"foo\\\" must exist.", BROADCAST_FINAL),
	{4100000, "plugin_exception", "plugin exception",
	 "Cannot specify more than 8 beneficiaries.", "Cannot specify more than 8 beneficiaries.",
	 BROADCAST_FINAL},
	{4100000, "plugin_exception", "plugin exception",
	 "Operation JSON must be less than ${bytes} bytes.",
	 "Operation JSON must be less than 8192 bytes.", BROADCAST_FINAL},
	{4100000, "plugin_exception", "plugin exception",
	 "Detected private owner key in memo field. You should change your owner keys.",
	 "Detected private owner key in memo field. You should change your owner keys.",
	 BROADCAST_FINAL},
	{3010000, "tx_missing_active_auth", "missing required active authority",
	 "Missing Active Authority ${id}", "Missing Active Authority insufficient", BROADCAST_KEY},
	{3020000, "tx_missing_owner_auth", "missing required owner authority",
	 "Missing Owner Authority ${id}", "Missing Owner Authority foo", BROADCAST_KEY},
	{3030000, "tx_missing_posting_auth", "missing required posting authority",
	 "Missing Posting Authority ${id}", "Missing Posting Authority foo", BROADCAST_KEY},
	{3050000, "tx_irrelevant_sig", "irrelevant signature included",
	 "Unnecessary signature(s) detected", "Unnecessary signature(s) detected", BROADCAST_KEY},
	{3060000, "tx_duplicate_sig", "duplicate signature included",
	 "Duplicate Signature detected", "Duplicate Signature detected", BROADCAST_KEY},
	SAME("is_canonical( c ): signature is not canonical", BROADCAST_UNKNOWN),
	SAME("words of tomorrow", BROADCAST_UNKNOWN),
	{3000000, "transaction_exception", "transaction exception", "words of tomorrow",
	 "words of tomorrow", BROADCAST_UNKNOWN},
	{4030000, "transaction_exception", "transaction validation exception", "", "",
	 BROADCAST_UNKNOWN},
};

/* As condenser_api of 0.20 and later answers. */
static char *new_shape(const struct refusal *refusal)
{
	return xasprintf(
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"%s:%s\",\"data\":{"
		"\"code\":%d,\"name\":\"%s\",\"message\":\"%s\",\"stack\":[{\"context\":{\"level\":"
		"\"error\",\"file\":\"steem_evaluator.cpp\",\"line\":1,\"method\":\"do_apply\","
		"\"hostname\":\"\",\"timestamp\":\"2020-01-01T00:00:00\"},\"format\":\"%s\","
		"\"data\":{\"o\":\"" HOSTILE "\"}},{\"context\":{},\"format\":\"" HOSTILE
		"\",\"data\":{}}]}},\"id\":%d}",
		refusal->what, refusal->said, refusal->code, refusal->name, refusal->what,
		refusal->format, ID);
}

/* As nodes up to 0.19 answer: all in one text. */
static char *old_shape(const struct refusal *refusal)
{
	return xasprintf(
		"{\"id\":%d,\"error\":{\"code\":1,\"message\":\"%d %s: %s\\n%s\\n    {\\\"o\\\":"
		"\\\"" HOSTILE "\\\"}\\n    th_a  steem_evaluator.cpp:1 do_apply\\n\\n    "
		"{\\\"trx\\\":\\\"" HOSTILE "\\\"}\\n    th_a  database.cpp:660 "
		"push_transaction\"}}",
		ID, refusal->code, refusal->name, refusal->what, refusal->said);
}

static void check_text(const struct broadcast_result *result)
{
	const char *at = result->text, *end = at + strlen(at);

	assert_true(result->answer <= BROADCAST_KEY);
	assert_true((result->answer == BROADCAST_ACCEPTED) == (at == end));
	assert_true((size_t)(end - at) < sizeof(result->text));
	while (at < end)
		assert_true(text_is_clean(text_next(&at, end)));
}

static enum broadcast_answer sort_len(const char *body, size_t len)
{
	struct broadcast_result result = {BROADCAST_ACCEPTED, "old"};

	broadcast_sort(body, len, ID, &result);
	check_text(&result);
	return result.answer;
}

static enum broadcast_answer sort(const char *body)
{
	return sort_len(body, strlen(body));
}

static void check_sorted(const char *body, enum broadcast_answer want)
{
	struct broadcast_result result;

	broadcast_sort(body, strlen(body), ID, &result);
	if (result.answer != want)
		fail_msg("%s instead of %s: %s\n%s", broadcast_answer_name(result.answer),
			 broadcast_answer_name(want), result.text, body);
	check_text(&result);
}

static void each_row_of_the_table_has_its_answer(void **state)
{
	bool was_seen[BROADCAST_KEY + 1] = {false};

	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		CLEANUP(mem_free_pointer) char *new = new_shape(&refusals[i]);
		CLEANUP(mem_free_pointer) char *old = old_shape(&refusals[i]);

		check_sorted(new, refusals[i].answer);
		check_sorted(old, refusals[i].answer);
		was_seen[refusals[i].answer] = true;
	}
	for (size_t i = 0; i < COUNT(was_seen); i++)
		assert_true(was_seen[i] || i == BROADCAST_ACCEPTED);
}

static void the_sentence_says_what_the_node_said(void **state)
{
	static const struct refusal missing = {3030000,
					       "tx_missing_posting_auth",
					       "missing required posting authority",
					       "Missing Posting Authority ${id}",
					       "Missing Posting Authority foo",
					       BROADCAST_KEY};
	CLEANUP(mem_free_pointer) char *new = new_shape(&missing);
	CLEANUP(mem_free_pointer) char *old = old_shape(&missing);
	struct broadcast_result result;

	(void)state;
	broadcast_sort(new, strlen(new), ID, &result);
	assert_string_equal(result.text,
			    "the node answered: missing required posting authority:Missing Posting "
			    "Authority foo (error 3030000)");
	broadcast_sort(old, strlen(old), ID, &result);
	assert_string_equal(result.text,
			    "the node answered: 3030000 tx_missing_posting_auth: missing required "
			    "posting authority Missing Posting Authority foo (error 3030000)");
}

#define ERROR(members) "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":" members "}"

static void other_answers_have_theirs(void **state)
{
	static const struct {
		const char *body;
		enum broadcast_answer answer;
	} cases[] = {
		{"{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":7}", BROADCAST_ACCEPTED},
		{"{\"id\":7,\"result\":null}", BROADCAST_ACCEPTED},
		{" {\"id\":\"7\",\"result\":{},\"error\":null} \n", BROADCAST_ACCEPTED},
		{"{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":8}", BROADCAST_UNKNOWN},
		{"{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":null}", BROADCAST_UNKNOWN},
		{"{\"jsonrpc\":\"2.0\",\"result\":{}}", BROADCAST_UNKNOWN},
		{"{\"jsonrpc\":\"2.0\",\"id\":7}", BROADCAST_UNKNOWN},
		{"[{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":7}]", BROADCAST_UNKNOWN},
		{"{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":7", BROADCAST_UNKNOWN},
		{"{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":7} x", BROADCAST_UNKNOWN},
		{"", BROADCAST_UNKNOWN},
		{" ", BROADCAST_UNKNOWN},
		{"null", BROADCAST_UNKNOWN},
		{"<html><head><title>502 Bad Gateway</title></head></html>", BROADCAST_UNKNOWN},
		{"Duplicate transaction check failed", BROADCAST_UNKNOWN},
		/* An error counts, whatever else is there. */
		{"{\"id\":7,\"result\":{},\"error\":{\"code\":-32603,\"message\":\"Internal Error\"}}",
		 BROADCAST_UNKNOWN},
		{ERROR("{\"code\":-32603,\"message\":\"Internal Error\",\"data\":{\"error_id\":\"x\","
		       "\"jussi_request_id\":\"1\"}}"),
		 BROADCAST_UNKNOWN},
		{ERROR("{\"code\":1000,\"message\":\"Request Timeout\"}"), BROADCAST_UNKNOWN},
		{ERROR("{\"code\":1100,\"message\":\"Bad or missing upstream response\"}"),
		 BROADCAST_UNKNOWN},
		{ERROR("{\"code\":-32003,\"message\":\"Unable to acquire database lock\"}"),
		 BROADCAST_NODE},
		{ERROR("{\"code\":-32601,\"message\":\"Method not found\"}"), BROADCAST_NODE},
		{ERROR("{\"code\":-32000,\"message\":\"Unknown exception\",\"data\":\"0 exception: "
		       "unspecified\\nDuplicate transaction check failed\"}"),
		 BROADCAST_UNKNOWN},
		{ERROR("{\"code\":-32602,\"message\":\"Invalid parameters\"}"), BROADCAST_UNKNOWN},
		{ERROR("\"Duplicate transaction check failed\""), BROADCAST_KNOWN},
		{ERROR("\"\""), BROADCAST_UNKNOWN},
		{ERROR("{}"), BROADCAST_UNKNOWN},
		{ERROR("[]"), BROADCAST_UNKNOWN},
		{ERROR("0"), BROADCAST_UNKNOWN},
		{ERROR("false"), BROADCAST_UNKNOWN},
		{ERROR("{\"code\":\"3010000\",\"message\":5}"), BROADCAST_UNKNOWN},
		{ERROR("{\"code\":99999999999999999999999,\"message\":\"x\"}"), BROADCAST_UNKNOWN},
		{ERROR("{\"code\":3.0e6,\"message\":\"x\"}"), BROADCAST_UNKNOWN},
		/* Proxies may lose the id of a call that failed. */
		{"{\"id\":null,\"error\":{\"code\":-32003,\"message\":\"Unable to acquire database "
		 "lock\"}}",
		 BROADCAST_NODE},
		{"{\"error\":{\"code\":-32003,\"message\":\"Unable to acquire database lock\"}}",
		 BROADCAST_NODE},
		{"{\"id\":8,\"error\":{\"code\":-32003,\"message\":\"Unable to acquire database "
		 "lock\"}}",
		 BROADCAST_UNKNOWN},
		/* The operation alone is wrong. */
		{ERROR("{\"code\":-32000,\"message\":\"Assert Exception:words of tomorrow\",\"data\":{"
		       "\"code\":10,\"name\":\"assert_exception\",\"message\":\"Assert Exception\","
		       "\"stack\":[{\"context\":{\"file\":\"steem_operations.cpp\",\"method\":"
		       "\"validate\"},\"format\":\"words of tomorrow\",\"data\":{}}]}}"),
		 BROADCAST_FINAL},
		{ERROR("{\"code\":-32000,\"message\":\"Assert Exception:words of tomorrow\",\"data\":{"
		       "\"code\":10,\"name\":\"assert_exception\",\"message\":\"Assert Exception\","
		       "\"stack\":[{\"context\":{\"file\":\"database.cpp\",\"method\":"
		       "\"validated\"},\"format\":\"words of tomorrow\",\"data\":{}},"
		       "{\"context\":{\"method\":\"validate\"}}]}}"),
		 BROADCAST_UNKNOWN},
		/* The second line of a new message is no node's. */
		{ERROR("{\"code\":-32000,\"message\":\"x\\nDuplicate transaction check failed\"}"),
		 BROADCAST_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_sorted(cases[i].body, cases[i].answer);
}

static enum broadcast_answer recorded_answer(const char *name)
{
	static const struct {
		const char *number;
		enum broadcast_answer answer;
	} known[] = {
		{"000-", BROADCAST_KEY},     /* the old shape of a missing posting authority */
		{"001-", BROADCAST_UNKNOWN}, /* signature is not canonical */
		{"010-", BROADCAST_UNKNOWN}, /* Internal Error of jussi */
		{"015-", BROADCAST_UNKNOWN}, /* of broadcast_block: too old */
		{"071-", BROADCAST_KEY},
		{"078-", BROADCAST_KEY},
		/* Answers with a result. */
		{"122-", BROADCAST_ACCEPTED},
		{"124-", BROADCAST_ACCEPTED},
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (strncmp(name, known[i].number, 4) == 0)
			return known[i].answer;
	return BROADCAST_UNKNOWN;
}

static uint32_t id_of(const char *body)
{
	struct json_object *tree = json_tokener_parse(body), *id = NULL;
	uint32_t number = ID;

	if (json_object_object_get_ex(tree, "id", &id))
		number = (uint32_t)json_object_get_int64(id);
	json_object_put(tree);
	return number;
}

static void recorded_answers_have_theirs(void **state)
{
	CLEANUP(mem_free_pointer) char *folder = recorded_path("errors");
	DIR *list = opendir(folder);
	struct dirent *entry;
	size_t broadcast_count = 0, count = 0;

	(void)state;
	if (list == NULL)
		skip();
	while ((entry = readdir(list)) != NULL) {
		CLEANUP(mem_free_pointer) char *name = xasprintf("errors/%s", entry->d_name);
		CLEANUP(mem_free_pointer) char *text = NULL;
		struct json_object *file, *body = NULL;
		struct broadcast_result result;
		const char *bytes;
		size_t len;

		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		text = recorded_read(name, &len);
		file = json_tokener_parse(text);
		if (json_object_object_get_ex(file, "body", &body)) {
			bytes = json_object_get_string(body);
			broadcast_sort(bytes, (size_t)json_object_get_string_len(body),
				       id_of(bytes), &result);
			check_text(&result);
			count++;
			broadcast_count += strstr(entry->d_name, "broadcast") != NULL;
			/* Other calls have other errors; of those of a broadcast, each is known. */
			if (result.answer != recorded_answer(entry->d_name) &&
			    result.answer != BROADCAST_NODE)
				fail_msg("%s: %s: %s", entry->d_name,
					 broadcast_answer_name(result.answer), result.text);
			if (strstr(entry->d_name, "broadcast") != NULL)
				assert_int_equal(result.answer, recorded_answer(entry->d_name));
		}
		json_object_put(file);
	}
	closedir(list);
	assert_true(count >= 45);
	assert_int_equal(broadcast_count, 5);
}

/* Cut anywhere, and each byte changed: never accepted, always a clean sentence. */
static void a_broken_answer_is_never_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++)
		for (int shape = 0; shape < 2; shape++) {
			CLEANUP(mem_free_pointer)
			char *body = shape == 0 ? new_shape(&refusals[i]) : old_shape(&refusals[i]);
			size_t len = strlen(body);

			for (size_t at = 0; at < len; at++) {
				char was = body[at];

				assert_int_equal(sort_len(body, at), BROADCAST_UNKNOWN);
				for (size_t j = 0; j < 3; j++) {
					body[at] = "\"\0\xff"[j];
					assert_int_not_equal(sort_len(body, len),
							     BROADCAST_ACCEPTED);
				}
				body[at] = (char)(was ^ 1);
				assert_int_not_equal(sort_len(body, len), BROADCAST_ACCEPTED);
				body[at] = was;
			}
			assert_int_equal(sort_len(body, len), refusals[i].answer);
		}
}

static void long_texts_are_cut(void **state)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT(1 << 22);

	(void)state;
	buf_add_text(&body, "{\"id\":7,\"error\":{\"code\":-32000,\"message\":\"");
	for (int i = 0; i < 100000; i++)
		buf_add_text(&body, i % 2 ? "\\ud83d\\ude00" : "\xc3\xa9");
	buf_add_text(&body, "Duplicate transaction check failed\"}}");
	assert_int_equal(sort(buf_text(&body)), BROADCAST_UNKNOWN);
	buf_reset(&body);
	for (int i = 0; i < 200; i++)
		buf_add_text(&body, "{\"error\":");
	assert_int_equal(sort(buf_text(&body)), BROADCAST_UNKNOWN);
}

static void the_request_holds_the_bytes(void **state)
{
	static const char trx[] = "{\"ref_block_num\":1}";
	CLEANUP(buf_release) struct buf out = BUF_INIT(1 << 10), small = BUF_INIT(100);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(broadcast_encode(&out, trx, strlen(trx), 4294967295, &err), 0);
	assert_string_equal(
		buf_text(&out),
		"{\"jsonrpc\":\"2.0\",\"id\":4294967295,\"method\":"
		"\"condenser_api.broadcast_transaction\",\"params\":[{\"ref_block_num\":1}]}");
	assert_int_equal(broadcast_encode(&small, trx, strlen(trx), 1, &err), -1);
	assert_int_equal(err.kind, ERROR_FATAL);
}

static void failures_of_the_network_are_unknown(void **state)
{
	struct error err = ERROR_INIT;
	struct broadcast_result result = {BROADCAST_FINAL, ""};

	(void)state;
	rpc_http_error(502, "text/html", "<html><title>Bad Gateway</title>", 32, &err);
	broadcast_sort_error(&err, &result);
	assert_int_equal(result.answer, BROADCAST_UNKNOWN);
	assert_string_equal(result.text, err.text);
	check_text(&result);
}

static void answers_have_their_names(void **state)
{
	static const char *const names[] = {"unknown",   "accepted", "known", "too_soon",
					    "resources", "node",     "final", "key"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(broadcast_answer_name((enum broadcast_answer)i), names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_of_the_table_has_its_answer),
		cmocka_unit_test(the_sentence_says_what_the_node_said),
		cmocka_unit_test(other_answers_have_theirs),
		cmocka_unit_test(recorded_answers_have_theirs),
		cmocka_unit_test(a_broken_answer_is_never_accepted),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(the_request_holds_the_bytes),
		cmocka_unit_test(failures_of_the_network_are_unknown),
		cmocka_unit_test(answers_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
