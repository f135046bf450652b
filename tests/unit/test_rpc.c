/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/mem.h"
#include "recorded.h"
#include "steem/rpc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void requests_are_encoded(void **state)
{
	static const struct rpc_call calls[] = {{.method = RPC_GET_DYNAMIC_GLOBAL_PROPERTIES},
						{.method = RPC_GET_BLOCK, .block = 4294967295U}};
	static const struct rpc_call virtual_call = {.method = RPC_GET_OPS_IN_BLOCK, .block = 5};
	static const struct rpc_call witness_call = {.method = RPC_GET_WITNESS_BY_ACCOUNT,
						     .account = "sixteen-chars-ab"};
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":"
				   "\"condenser_api.get_dynamic_global_properties\",\"params\":[]}";
	static const char block[] =
		"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"condenser_api.get_block\","
		"\"params\":[4294967295]}";
	CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
	CLEANUP(mem_free_pointer) char *both = xasprintf("[%s,%s]", head, block);
	struct buf small = BUF_INIT(50);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(rpc_encode(&out, calls, 1, 7, &err), 0);
	assert_string_equal(buf_text(&out), head);
	buf_reset(&out);
	assert_int_equal(rpc_encode(&out, calls, 2, 7, &err), 0);
	assert_string_equal(buf_text(&out), both);
	buf_reset(&out);
	assert_int_equal(rpc_encode(&out, &virtual_call, 1, 9, &err), 0);
	assert_string_equal(buf_text(&out),
			    "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":"
			    "\"condenser_api.get_ops_in_block\",\"params\":[5,true]}");
	buf_reset(&out);
	assert_int_equal(rpc_encode(&out, &witness_call, 1, 4000000000U, &err), 0);
	assert_string_equal(buf_text(&out), "{\"jsonrpc\":\"2.0\",\"id\":4000000000,\"method\":"
					    "\"condenser_api.get_witness_by_account\","
					    "\"params\":[\"sixteen-chars-ab\"]}");
	assert_true(out.len < 128); /* CALL_BYTES_MAX in client_send.c */
	assert_int_equal(rpc_encode(&small, calls, 1, 7, &err), -1);
	assert_int_equal(err.kind, ERROR_FATAL);
	buf_release(&small);
}

static void good_answers_are_sorted_by_id(void **state)
{
	static const char *const bodies[] = {
		"[{\"jsonrpc\":\"2.0\",\"result\":\"a\",\"id\":5},{\"id\":6,\"result\":\"b\"},"
		"{\"result\":\"c\",\"id\":7}]",
		/* Reordered, ids as strings, without jsonrpc, with members nobody knows. */
		" [ {\"id\":\"7\",\"result\":\"c\",\"x\":[1]} , "
		"{\"error\":null,\"result\":\"a\",\"id\":5},"
		"{\"id\":6,\"result\":\"b\"} ] \n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct rpc_answer answers[3];
		struct error err = ERROR_INIT;

		if (rpc_decode(bodies[i], strlen(bodies[i]), 5, 3, answers, &err) != 0)
			fail_msg("%s: %s", bodies[i], err.text);
		for (size_t j = 0; j < 3; j++) {
			assert_int_equal(answers[j].error.kind, ERROR_NONE);
			assert_int_equal(answers[j].result.len, 3);
			assert_int_equal(answers[j].result.data[1], "abc"[j]);
		}
	}
}

static void null_is_a_result(void **state)
{
	static const char body[] = "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":null}";
	struct rpc_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(rpc_decode(body, sizeof(body) - 1, 1, 1, &answer, &err), 0);
	assert_int_equal(answer.error.kind, ERROR_NONE);
	assert_memory_equal(answer.result.data, "null", 4);
}

#define R(id)       "{\"id\":" #id ",\"result\":1}"
#define E(code)     "{\"error\":{\"code\":" #code ",\"message\":\"m\"},\"id\":1}"
#define EM(message) "{\"error\":{\"code\":-32000,\"message\":\"" message "\"},\"id\":1}"

/* What is unusable as a whole, for a batch of two with the ids 1 and 2. */
static void unusable_batches_are_sorted(void **state)
{
	static const struct {
		const char *body;
		enum rpc_failure failure;
	} rows[] = {
		{"", RPC_FAILURE_CUT},
		{"[" R(1) "," R(2), RPC_FAILURE_CUT},
		{"[" R(1) "," R(2) "]x", RPC_FAILURE_CUT},
		{"[" R(1) "," R(2) "][]", RPC_FAILURE_CUT},
		{"[" R(1) "," R(2) ",]", RPC_FAILURE_CUT},
		{"[" R(1) "]", RPC_FAILURE_CUT},
		{"[]", RPC_FAILURE_CUT},
		{"[" R(1) "," R(1) "]", RPC_FAILURE_CUT},
		{"[" R(1) "," R(2) "," R(2) "]", RPC_FAILURE_CUT},
		{"[" R(1) "," R(3) "]", RPC_FAILURE_CUT},
		{"[" R(0) "," R(2) "]", RPC_FAILURE_CUT},
		{"[" R(1) ",{\"result\":1}]", RPC_FAILURE_CUT},
		{"[" R(1) ",7]", RPC_FAILURE_CUT},
		{"[" R(1) ",{\"id\":null,\"error\":{\"code\":1600,\"message\":\"m\"}}]",
		 RPC_FAILURE_BATCH},
		{R(1), RPC_FAILURE_BATCH},
		{E(1600), RPC_FAILURE_BATCH},
		{E(413), RPC_FAILURE_BATCH},
		{E(-32600), RPC_FAILURE_BATCH},
		{E(-32700), RPC_FAILURE_BATCH},
		{EM("Array is invalid"), RPC_FAILURE_BATCH},
		{EM("Bad Cast:Invalid cast from array_type to Object"), RPC_FAILURE_BATCH},
		{E(-32601), RPC_FAILURE_UNSUPPORTED},
		{E(1000), RPC_FAILURE_CUT},
		{E(429), RPC_FAILURE_WAIT},
		{"{\"error\":\"Too Many Requests\",\"errorCode\":429}", RPC_FAILURE_WAIT},
		{"{\"status_code\":500,\"error\":{}}", RPC_FAILURE_CUT},
		{"<html><title>busy</title></html>", RPC_FAILURE_CUT},
		{"upstream request timeout", RPC_FAILURE_CUT},
		{"7 bad_cast_exception: Bad Cast", RPC_FAILURE_BATCH},
		{"\"text\"", RPC_FAILURE_CUT},
		{"null", RPC_FAILURE_CUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rpc_answer answers[2];
		struct error err = ERROR_INIT;

		if (rpc_decode(rows[i].body, strlen(rows[i].body), 1, 2, answers, &err) != -1)
			fail_msg("accepted: %s", rows[i].body);
		if (err.kind != ERROR_NODE || rpc_failure_of(&err) != rows[i].failure)
			fail_msg("%s: %s (%d)", rows[i].body, err.text, err.code);
	}
}

/* The failure of the answer to a single call with id 1: of the call, or of the whole. */
static enum rpc_failure failure_of(const char *body, size_t len, char *text, size_t size)
{
	struct rpc_answer answer;
	struct error err = ERROR_INIT;

	if (rpc_decode(body, len, 1, 1, &answer, &err) == 0)
		err = answer.error;
	assert_true(err.kind == ERROR_NODE || (err.kind == ERROR_NONE && answer.result.data));
	for (const char *at = err.text; *at; at++)
		assert_true(*at >= ' ' && *at <= '~');
	snprintf(text, size, "%s", err.text);
	return rpc_failure_of(&err);
}

static void errors_of_single_calls_are_sorted(void **state)
{
	static const struct {
		const char *body;
		enum rpc_failure failure;
	} rows[] = {
		{R(1), RPC_FAILURE_NONE},
		{R(2), RPC_FAILURE_CUT},
		{"{\"result\":1}", RPC_FAILURE_CUT},
		{"{}", RPC_FAILURE_OTHER_NODE},
		{"{\"id\":1}", RPC_FAILURE_OTHER_NODE},
		{R(1) R(1), RPC_FAILURE_CUT},
		{"{\"id\":1,\"result\":\"\n\"}", RPC_FAILURE_CUT},
		{E(-32601), RPC_FAILURE_UNSUPPORTED},
		{E(-32002), RPC_FAILURE_UNSUPPORTED},
		{E(1200), RPC_FAILURE_UNSUPPORTED},
		{E(1300), RPC_FAILURE_UNSUPPORTED},
		{E(1600), RPC_FAILURE_BATCH},
		{E(1000), RPC_FAILURE_OTHER_NODE},
		{E(1050), RPC_FAILURE_OTHER_NODE},
		{E(1100), RPC_FAILURE_OTHER_NODE},
		{E(1500), RPC_FAILURE_OTHER_NODE},
		{E(-32603), RPC_FAILURE_OTHER_NODE},
		{E(-32003), RPC_FAILURE_OTHER_NODE},
		{E(-32600), RPC_FAILURE_CALL},
		{E(-32602), RPC_FAILURE_CALL},
		{E(-32700), RPC_FAILURE_CALL},
		{E(-32001), RPC_FAILURE_CALL},
		{EM("Unable to acquire READ lock"), RPC_FAILURE_WAIT},
		{EM("JSONRPC batch size of 51 exceeds 50"), RPC_FAILURE_BATCH},
		{EM("Parse Error: Couldn't parse uint64_t"), RPC_FAILURE_CALL},
		{"{\"error\":\"Failed to choose node\"}", RPC_FAILURE_OTHER_NODE},
		{"{\"error\":\"\\u0007\\n\xff\xc3\xa9\"}", RPC_FAILURE_OTHER_NODE},
		{"{\"raw\":\"...\",\"warning\":\"Upstream did not return JSON\"}",
		 RPC_FAILURE_OTHER_NODE},
		{"{\"error\":[]}", RPC_FAILURE_OTHER_NODE},
		{"{\"error\":{\"code\":\"x\",\"message\":{}}}", RPC_FAILURE_OTHER_NODE},
		{"[" R(1) "]", RPC_FAILURE_NONE},
		{"[" E(1000) "]", RPC_FAILURE_OTHER_NODE},
		{" <!DOCTYPE html><html>", RPC_FAILURE_CUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[600];
		enum rpc_failure failure =
			failure_of(rows[i].body, strlen(rows[i].body), text, sizeof(text));

		if (failure != rows[i].failure)
			fail_msg("%s: %s (%d)", rows[i].body, text, (int)failure);
	}
}

static void an_error_of_one_call_leaves_the_others(void **state)
{
	static const char body[] =
		"[{\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Internal Error\"}}," R(2) "]";
	struct rpc_answer answers[2];
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(rpc_decode(body, sizeof(body) - 1, 1, 2, answers, &err), 0);
	assert_int_equal(rpc_failure_of(&answers[0].error), RPC_FAILURE_OTHER_NODE);
	assert_string_equal(answers[0].error.text,
			    "the node answered: Internal Error (error -32603)");
	assert_null(answers[0].result.data);
	assert_non_null(answers[1].result.data);
}

static void http_statuses_are_sorted(void **state)
{
	static const struct {
		long status;
		const char *type, *body;
		enum rpc_failure failure;
		const char *text;
	} rows[] = {
		{429, "application/json", "{\"error\":\"Too Many Requests\",\"errorCode\":429}",
		 RPC_FAILURE_WAIT,
		 "HTTP status 429: the node answered: Too Many Requests (error 429)"},
		{429, NULL, "", RPC_FAILURE_WAIT, "HTTP status 429"},
		{413, NULL, "", RPC_FAILURE_BATCH, "HTTP status 413"},
		{502, "text/html", "<html>\n<head><title>502 Bad\r\nGateway</title>",
		 RPC_FAILURE_CUT, "HTTP status 502: 502 Bad Gateway"},
		{504, "text/html", "", RPC_FAILURE_CUT, "HTTP status 504"},
		{503, "application/json", "{\"error\":\"Failed to choose node\"}",
		 RPC_FAILURE_OTHER_NODE,
		 "HTTP status 503: the node answered: Failed to choose node"},
		{500, "application/json", "{\"error\":{\"code\":1600,\"message\":\"m\"}}",
		 RPC_FAILURE_CUT, "HTTP status 500: the node answered: m (error 1600)"},
		{400, "application/json", "{\"error\":{\"code\":1600,\"message\":\"m\"}}",
		 RPC_FAILURE_BATCH, "HTTP status 400: the node answered: m (error 1600)"},
		{404, "image/png", "\x89PNG", RPC_FAILURE_OTHER_NODE,
		 "HTTP status 404 (check the path of the URL)"},
		{426, "text/plain", "", RPC_FAILURE_OTHER_NODE,
		 "HTTP status 426 (this port speaks WebSocket: configure the node's port for HTTP)"},
		{400, "text/plain", "Failed to open a WebSocket connection.\n",
		 RPC_FAILURE_OTHER_NODE,
		 "HTTP status 400 (this port speaks WebSocket: configure the node's port for HTTP): "
		 "Failed to open a WebSocket connection. "},
		{405, "text/html", "Invalid Upgrade header", RPC_FAILURE_OTHER_NODE,
		 "HTTP status 405 (this port speaks WebSocket: configure the node's port for HTTP): "
		 "Invalid Upgrade header"},
		{400, "text/html",
		 "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title>",
		 RPC_FAILURE_OTHER_NODE,
		 "HTTP status 400 (this port speaks TLS: the URL must begin with https://): "
		 "400 The plain HTTP request was sent to HTTPS port"},
		{400, "text/plain", "Bad Request", RPC_FAILURE_OTHER_NODE,
		 "HTTP status 400: Bad Request"},
		{301, NULL, "", RPC_FAILURE_OTHER_NODE,
		 "HTTP status 301 (a redirection: configure the address it leads to)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(rpc_http_error(rows[i].status, rows[i].type, rows[i].body,
						strlen(rows[i].body), &err),
				 -1);
		assert_int_equal(err.kind, ERROR_NODE);
		assert_int_equal(rpc_failure_of(&err), rows[i].failure);
		assert_string_equal(err.text, rows[i].text);
	}
}

/* What each recorded answer calls for, by the number it begins with. */
static const struct {
	int number;
	enum rpc_failure failure;
} recorded[] = {
	{0, RPC_FAILURE_OTHER_NODE},
	{1, RPC_FAILURE_OTHER_NODE},
	{4, RPC_FAILURE_UNSUPPORTED},
	{5, RPC_FAILURE_CALL},
	{9, RPC_FAILURE_CALL},
	{10, RPC_FAILURE_OTHER_NODE},
	{15, RPC_FAILURE_OTHER_NODE},
	{16, RPC_FAILURE_OTHER_NODE},
	{18, RPC_FAILURE_OTHER_NODE},
	{19, RPC_FAILURE_CALL},
	{21, RPC_FAILURE_CALL},
	{22, RPC_FAILURE_OTHER_NODE},
	{24, RPC_FAILURE_CALL},
	{25, RPC_FAILURE_CALL},
	{27, RPC_FAILURE_CALL},
	{28, RPC_FAILURE_CALL},
	{30, RPC_FAILURE_OTHER_NODE},
	{31, RPC_FAILURE_CUT},
	{33, RPC_FAILURE_OTHER_NODE},
	{44, RPC_FAILURE_CUT},
	{47, RPC_FAILURE_WAIT},
	{48, RPC_FAILURE_OTHER_NODE},
	{50, RPC_FAILURE_CALL},
	{51, RPC_FAILURE_CUT},
	{53, RPC_FAILURE_UNSUPPORTED},
	{54, RPC_FAILURE_OTHER_NODE},
	{56, RPC_FAILURE_CALL},
	{57, RPC_FAILURE_CALL},
	{59, RPC_FAILURE_CALL},
	{60, RPC_FAILURE_CALL},
	{62, RPC_FAILURE_CALL},
	{63, RPC_FAILURE_UNSUPPORTED},
	{65, RPC_FAILURE_OTHER_NODE},
	{66, RPC_FAILURE_OTHER_NODE},
	{68, RPC_FAILURE_CALL},
	{69, RPC_FAILURE_CUT},
	{71, RPC_FAILURE_OTHER_NODE},
	{72, RPC_FAILURE_CALL},
	{74, RPC_FAILURE_CALL},
	{75, RPC_FAILURE_OTHER_NODE},
	{77, RPC_FAILURE_CALL},
	{78, RPC_FAILURE_OTHER_NODE},
	{80, RPC_FAILURE_CALL},
	{81, RPC_FAILURE_CALL},
	{83, RPC_FAILURE_CALL},
	{84, RPC_FAILURE_CALL},
	{86, RPC_FAILURE_CUT},
	{116, RPC_FAILURE_OTHER_NODE},
	{118, RPC_FAILURE_OTHER_NODE},
	{119, RPC_FAILURE_OTHER_NODE},
	{121, RPC_FAILURE_UNSUPPORTED},
	{122, RPC_FAILURE_CUT},  /* a result, but of another call: its id is 123 */
	{124, RPC_FAILURE_NONE}, /* a result: what is wrong with it, decode_block() tells */
	{125, RPC_FAILURE_OTHER_NODE},
};

static bool check_recorded(const char *name)
{
	CLEANUP(mem_free_pointer) char *path = xasprintf("errors/%s", name);
	CLEANUP(mem_free_pointer) char *text = NULL;
	struct json_object *tree, *body = NULL, *status = NULL;
	int number = (int)strtol(name, NULL, 10), http_status = 200;
	struct error err = ERROR_INIT;
	char says[600];
	size_t len;
	enum rpc_failure failure, expected = RPC_FAILURE_NONE;
	bool is_known = false;

	text = recorded_read(path, &len);
	assert_non_null(text);
	tree = json_tokener_parse(text);
	assert_non_null(tree);
	for (size_t i = 0; i < COUNT(recorded); i++)
		if (recorded[i].number == number) {
			expected = recorded[i].failure;
			is_known = true;
		}
	json_object_object_get_ex(tree, "body", &body);
	if (body && !is_known)
		fail_msg("%s is not in the table", name);
	if (!body) {
		json_object_put(tree);
		return false;
	}
	if (json_object_object_get_ex(tree, "status", &status) && json_object_get_int(status))
		http_status = json_object_get_int(status);
	if (http_status == 200) {
		failure = failure_of(json_object_get_string(body),
				     (size_t)json_object_get_string_len(body), says, sizeof(says));
	} else {
		rpc_http_error(http_status, "text/html", json_object_get_string(body),
			       (size_t)json_object_get_string_len(body), &err);
		failure = rpc_failure_of(&err);
		snprintf(says, sizeof(says), "%s", err.text);
	}
	/* Recorded calls have other ids than 1; only a result must have the right one. */
	if (failure != expected)
		fail_msg("%s: %s (%d, not %d)", name, says, (int)failure, (int)expected);
	json_object_put(tree);
	return true;
}

static void recorded_errors_are_sorted(void **state)
{
	CLEANUP(mem_free_pointer) char *path = recorded_path("errors");
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	(void)state;
	if (!folder) {
		print_message("skipped: %s is not there\n", path);
		skip();
	}
	while ((entry = readdir(folder)))
		if (strstr(entry->d_name, ".json") && check_recorded(entry->d_name))
			count++;
	closedir(folder);
	assert_int_equal(count, COUNT(recorded));
}

/* A tree of it would take three hundred times as much. */
static void an_error_of_any_length_is_not_read(void **state)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT(1 << 20);
	struct rpc_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	buf_add_text(&body, "{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"x\",\"data\":[{}");
	while (body.len < 70000)
		buf_add_text(&body, ",{}");
	buf_add_text(&body, "]}}");
	assert_int_equal(rpc_decode(body.data, body.len, 1, 1, &answer, &err), 0);
	assert_string_equal(answer.error.text, "the node answered: an error of more than 64 KiB");
	assert_int_equal(rpc_failure_of(&answer.error), RPC_FAILURE_OTHER_NODE);
	rpc_http_error(500, "application/json", body.data, body.len, &err);
	assert_non_null(strstr(err.text, "HTTP status 500: the node answered: an error of more"));
}

/* Whatever arrives, it is one error or answers that lie inside the body. */
static void broken_answers_do_no_harm(void **state)
{
	static const char good[] =
		"[{\"id\":1,\"error\":{\"code\":-32603,\"message\":\"x\\n\"}}," R(2) "]";
	const size_t len = sizeof(good) - 1;

	(void)state;
	random_seed(11);
	for (int round = 0; round < 20000; round++) {
		char *body = xmalloc(len);
		size_t cut = (size_t)random_below(len + 1);
		struct rpc_answer answers[2];
		struct error err = ERROR_INIT;

		memcpy(body, good, len);
		body[random_below(len)] = (char)random_below(256);
		if (round % 2)
			cut = len;
		if (rpc_decode(body, cut, 1, 2, answers, &err) == 0) {
			for (size_t i = 0; i < 2; i++)
				assert_true(answers[i].error.kind == ERROR_NODE ||
					    (answers[i].result.data >= body &&
					     answers[i].result.data + answers[i].result.len <=
						     body + cut));
		} else {
			assert_int_equal(err.kind, ERROR_NODE);
			assert_int_not_equal(rpc_failure_of(&err), RPC_FAILURE_NONE);
		}
		free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_encoded),
		cmocka_unit_test(good_answers_are_sorted_by_id),
		cmocka_unit_test(null_is_a_result),
		cmocka_unit_test(unusable_batches_are_sorted),
		cmocka_unit_test(errors_of_single_calls_are_sorted),
		cmocka_unit_test(an_error_of_one_call_leaves_the_others),
		cmocka_unit_test(http_statuses_are_sorted),
		cmocka_unit_test(recorded_errors_are_sorted),
		cmocka_unit_test(an_error_of_any_length_is_not_read),
		cmocka_unit_test(broken_answers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
