/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "http_server.h"
#include "steem/http.h"
#include "steem/rpc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct result {
	unsigned done_count;
	struct buf body;
	struct error err;
	int64_t retry_after_ms, took_us;
};

static void take_result(void *context, const struct http_answer *answer, const struct error *err)
{
	struct result *result = context;

	result->done_count++;
	buf_release(&result->body);
	result->body = BUF_INIT(1 << 20);
	assert_int_equal(buf_add(&result->body, answer->body, answer->len), 0);
	assert_int_equal(answer->body[answer->len], '\0');
	result->err = err ? *err : ERROR_INIT;
	result->retry_after_ms = answer->retry_after_ms;
	result->took_us = answer->took_us;
}

static struct http *open_http(unsigned connections)
{
	struct error err = ERROR_INIT;
	struct http *http = http_new(connections, "steem-reader/test", &err);

	assert_non_null(http);
	return http;
}

static void start(struct http *http, const char *url, const char *body, size_t limit,
		  struct result *result)
{
	const struct http_post post = {.url = url,
				       .body = body,
				       .len = strlen(body),
				       .timeout_ms = 5000,
				       .max_answer_bytes = limit,
				       .done = take_result,
				       .context = result};

	http_post(http, &post);
}

static void finish_all(struct http *http)
{
	struct error err = ERROR_INIT;

	while (http_in_flight(http) > 0)
		assert_int_equal(http_wait(http, NULL, 0, 1000, &err), 0);
}

static char *url_of(const char *path)
{
	return xasprintf("http://127.0.0.1:%u%s", server.port, path);
}

static void ask(struct http *http, const char *path, const char *body, struct result *result)
{
	CLEANUP(mem_free_pointer) char *url = url_of(path);

	start(http, url, body, 1 << 20, result);
	assert_int_equal(http_in_flight(http), 1);
	finish_all(http);
}

static void posts_go_out_as_they_should(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *large = xmalloc(200001);

	(void)state;
	memset(large, 'x', 200000);
	large[200000] = '\0';
	ask(http, "/echo", large, &result);
	assert_int_equal(result.done_count, 1);
	assert_int_equal(result.err.kind, ERROR_NONE);
	assert_string_equal(buf_text(&result.body), large);
	assert_true(result.took_us > 0);
	assert_non_null(strstr(server.last_request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(server.last_request, "\r\nAccept-Encoding: "));
	assert_non_null(strstr(server.last_request, "\r\nUser-Agent: steem-reader/test\r\n"));
	assert_null(strcasestr(server.last_request, "\r\nExpect:"));
	buf_release(&result.body);
	http_free(http);
}

static void a_connection_is_used_again(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		ask(http, "/echo", "[1]", &result);
	assert_int_equal(result.done_count, 5);
	assert_int_equal(result.err.kind, ERROR_NONE);
	assert_int_equal(server.connection_count, 1);
	buf_release(&result.body);
	http_free(http);
}

static void connections_are_limited(void **state)
{
	struct http *http = open_http(2);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/echo");

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		start(http, url, "[1]", 1000, &result);
	assert_int_equal(http_in_flight(http), 20);
	finish_all(http);
	assert_int_equal(result.done_count, 20);
	assert_in_range(server.connection_count, 1, 2);
	buf_release(&result.body);
	http_free(http);
}

/* steemd closes after each answer; a reused connection that breaks is replaced unseen. */
static void connections_that_die_between_posts_do_no_harm(void **state)
{
	static const char *const paths[] = {"/close", "/once"};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct http *http = open_http(4);
		struct result result = {0};

		for (unsigned j = 0; j < 6; j++) {
			ask(http, paths[i], "[1]", &result);
			if (result.err.kind != ERROR_NONE)
				fail_msg("%s: %s", paths[i], result.err.text);
			assert_string_equal(buf_text(&result.body), "[1]");
		}
		assert_int_equal(result.done_count, 6);
		buf_release(&result.body);
		http_free(http);
	}
	assert_int_equal(server.connection_count, 12);
}

static void failures_are_sorted_and_named(void **state)
{
	static const struct {
		const char *path;
		enum rpc_failure failure;
		const char *says;
	} rows[] = {
		{"/cut", RPC_FAILURE_CUT, "127.0.0.1:"},
		{"/nothing", RPC_FAILURE_CUT, "127.0.0.1:"},
		{"/badzip", RPC_FAILURE_CUT, "127.0.0.1:"},
		{"/busy", RPC_FAILURE_WAIT, "HTTP status 429"},
		{"/moved", RPC_FAILURE_OTHER_NODE, "HTTP status 301 (a redirection"},
		{"/large", RPC_FAILURE_BATCH, "HTTP status 413"},
		{"/page", RPC_FAILURE_CUT, "HTTP status 502: 502 Bad"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http *http = open_http(4);
		struct result result = {0};

		ask(http, rows[i].path, "[1]", &result);
		assert_int_equal(result.done_count, 1);
		if (result.err.kind != ERROR_NODE || result.err.code != (int)rows[i].failure ||
		    !strstr(result.err.text, rows[i].says))
			fail_msg("%s: %s (%d)", rows[i].path, result.err.text, result.err.code);
		assert_int_equal(result.retry_after_ms,
				 rows[i].failure == RPC_FAILURE_WAIT ? 7000 : 0);
		buf_release(&result.body);
		http_free(http);
	}
}

static void what_cannot_be_reached_is_named_without_secrets(void **state)
{
	struct http *http = open_http(4);
	struct {
		char *url;
		const char *says, *hint;
	} rows[] = {
		{xasprintf("http://user:geheim@127.0.0.1:1/?key=geheim"),
		 "cannot ask 127.0.0.1:1: ", "check the address, the port and the firewall"},
		{xasprintf("https://127.0.0.1:%u/nothing", server.port),
		 "cannot ask 127.0.0.1:", "check whether it speaks TLS on this port"},
		{xasprintf("ftp://127.0.0.1:1/"),
		 "cannot ask 127.0.0.1:1: ", "http:// or https://"},
		{xasprintf("file:///etc/passwd"), "cannot ask ", "http:// or https://"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct result result = {0};

		start(http, rows[i].url, "[1]", 1000, &result);
		finish_all(http);
		if (!strstr(result.err.text, rows[i].says) ||
		    !strstr(result.err.text, rows[i].hint) || strstr(result.err.text, "geheim"))
			fail_msg("%s: %s", rows[i].url, result.err.text);
		assert_int_equal(result.err.kind, ERROR_NODE);
		assert_int_equal(result.err.code, RPC_FAILURE_OTHER_NODE);
		buf_release(&result.body);
		free(rows[i].url);
	}
	http_free(http);
}

static void a_silent_node_is_given_up(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/silent");
	const struct http_post post = {.url = url,
				       .body = "[1]",
				       .len = 3,
				       .timeout_ms = 100,
				       .max_answer_bytes = 1000,
				       .done = take_result,
				       .context = &result};

	(void)state;
	http_post(http, &post);
	finish_all(http);
	assert_int_equal(result.err.code, RPC_FAILURE_CUT);
	assert_non_null(strstr(result.err.text, "no whole answer within 100 ms (0 bytes came)"));
	buf_release(&result.body);
	http_free(http);
}

static void answers_are_unpacked_and_limited(void **state)
{
	struct http *http = open_http(4);
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/gzip");

	(void)state;
	start(http, url, "[1]", 100000, &result);
	finish_all(http);
	assert_int_equal(result.err.kind, ERROR_NONE);
	assert_int_equal(result.body.len, 100000);
	assert_int_equal(buf_text(&result.body)[99999], ']');
	start(http, url, "[1]", 99999, &result); /* 136 bytes on the wire */
	finish_all(http);
	assert_int_equal(result.err.kind, ERROR_NODE);
	assert_int_equal(result.err.code, RPC_FAILURE_BATCH);
	assert_non_null(strstr(result.err.text, "more than 99999 bytes"));
	buf_release(&result.body);
	http_free(http);
}

static void other_descriptors_end_the_wait(void **state)
{
	struct http *http = open_http(4);
	struct error err = ERROR_INIT;
	struct pollfd fds[2];
	int one[2], two[2];

	(void)state;
	assert_int_equal(pipe(one), 0);
	assert_int_equal(pipe(two), 0);
	fds[0] = (struct pollfd){.fd = one[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = two[0], .events = POLLIN};
	assert_int_equal(http_wait(http, fds, 2, 0, &err), 0);
	assert_int_equal(fds[0].revents | fds[1].revents, 0);
	assert_int_equal(write(two[1], "x", 1), 1);
	assert_int_equal(http_wait(http, fds, 2, 30000, &err),
			 0); /* the test's own limit is shorter */
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, POLLIN);
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
	http_free(http);
}

static void freeing_cancels_without_a_word(void **state)
{
	struct http *http = open_http(4);
	struct error err = ERROR_INIT;
	struct result result = {0};
	CLEANUP(mem_free_pointer) char *url = url_of("/silent");

	(void)state;
	start(http, url, "[1]", 1000, &result);
	assert_int_equal(http_wait(http, NULL, 0, 0, &err), 0);
	http_free(http);
	http_free(NULL);
	assert_int_equal(result.done_count, 0);
}

int main(void)
{
#define SERVED(test) cmocka_unit_test_setup_teardown(test, open_server, close_server)
	const struct CMUnitTest tests[] = {
		SERVED(posts_go_out_as_they_should),
		SERVED(a_connection_is_used_again),
		SERVED(connections_are_limited),
		SERVED(connections_that_die_between_posts_do_no_harm),
		SERVED(failures_are_sorted_and_named),
		SERVED(what_cannot_be_reached_is_named_without_secrets),
		SERVED(a_silent_node_is_given_up),
		SERVED(answers_are_unpacked_and_limited),
		SERVED(other_descriptors_end_the_wait),
		SERVED(freeing_cancels_without_a_word),
	};

	unsetenv("http_proxy"); /* the server is here */
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
