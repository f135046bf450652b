/* SPDX-License-Identifier: MIT */
#include "steem/http.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/rpc.h"

#define WAIT_MAX_MS      60000
#define KEEPALIVE_IDLE_S 30L
#define RECEIVE_BYTES    131072L /* at once; a batch of blocks is a megabyte, and each call costs */
#define EXTRA_FDS_MAX    16
/* What an idle handle keeps of its answer's memory while others are at work. */
#define KEPT_BYTES ((size_t)4 * 1024 * 1024)

/* A post, or the free easy handle of a former one: handles keep what curl learnt of a host. */
struct post {
	struct post *next, *prev;
	CURL *easy;
	char *url;
	char *body;
	struct buf answer;
	http_done_fn *done;
	void *context;
	int64_t timeout_ms;
	char error_text[CURL_ERROR_SIZE];
};

struct http {
	CURLM *multi;
	struct curl_slist *headers;
	char *user_agent;
	struct post *active; /* newest first */
	struct post *idle;
	unsigned active_count;
};

static void post_free(struct post *post)
{
	curl_easy_cleanup(post->easy);
	free(post->url);
	free(post->body);
	buf_release(&post->answer);
	free(post);
}

struct http *http_new(unsigned connections, const char *user_agent, struct error *err)
{
	static bool is_initialised; /* all of curl is used by one thread */
	struct http *http;

	if (!is_initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		error_set(err, ERROR_FATAL, "libcurl cannot start");
		return NULL;
	}
	is_initialised = true;
	http = xcalloc(1, sizeof(*http));
	http->multi = curl_multi_init();
	http->user_agent = xstrdup(user_agent);
	http->headers = curl_slist_append(NULL, "Content-Type: application/json");
	/* curl asks "Expect: 100-continue" of large posts, which steemd never answers. */
	if (http->headers && !curl_slist_append(http->headers, "Expect:")) {
		curl_slist_free_all(http->headers);
		http->headers = NULL;
	}
	if (!http->multi || !http->headers) {
		error_set(err, ERROR_FATAL, "libcurl has no memory");
		http_free(http);
		return NULL;
	}
	curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	return http;
}

static void free_list(struct post *post)
{
	while (post) {
		struct post *next = post->next;

		post_free(post);
		post = next;
	}
}

void http_free(struct http *http)
{
	if (!http)
		return;
	for (struct post *post = http->active; post; post = post->next)
		curl_multi_remove_handle(http->multi, post->easy);
	free_list(http->active);
	free_list(http->idle);
	curl_multi_cleanup(http->multi);
	curl_slist_free_all(http->headers);
	free(http->user_agent);
	free(http);
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct post *post = context;

	/* Returning less than was given makes curl end the transfer. */
	return buf_add(&post->answer, bytes, size * count) == 0 ? size * count : 0;
}

/* What never changes for a handle. */
static void set_fixed_options(struct http *http, struct post *post)
{
	CURL *easy = post->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->error_text);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that curl can unpack */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);        /* see http.h; CAINFO stays */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
}

static struct post *take_post(struct http *http)
{
	struct post *post = http->idle;

	if (post) {
		http->idle = post->next;
	} else {
		post = xcalloc(1, sizeof(*post));
		post->easy = curl_easy_init();
		if (!post->easy)
			abort(); /* like every other allocation */
		set_fixed_options(http, post);
	}
	post->prev = NULL;
	post->next = http->active;
	if (http->active)
		http->active->prev = post;
	http->active = post;
	http->active_count++;
	return post;
}

void http_post(struct http *http, const struct http_post *request)
{
	struct post *post = take_post(http);
	CURL *easy = post->easy;

	free(post->url);
	free(post->body);
	buf_reset(&post->answer);
	post->answer.limit_bytes = request->max_answer_bytes;
	post->url = xstrdup(request->url);
	post->body = xtextdup(request->body, request->len);
	post->done = request->done;
	post->context = request->context;
	post->timeout_ms = request->timeout_ms;
	post->error_text[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_URL, post->url);
	/* With the body in memory curl can send it again on a new connection. */
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms / 2 + 1);
	if (curl_multi_add_handle(http->multi, easy) != CURLM_OK)
		abort(); /* a handle that is no handle, or no memory */
}

unsigned http_in_flight(const struct http *http)
{
	return http->active_count;
}

/* The host and port of a URL, without user and password. */
static void format_host(const char *url, char *text, size_t size)
{
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL;

	snprintf(text, size, "the node");
	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		if (curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK)
			snprintf(text, size, "%s:%s", host, port);
		else
			snprintf(text, size, "%s", host);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
}

static const char *curl_hint(CURLcode result)
{
	switch (result) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "; check the name and this host's DNS";
	case CURLE_COULDNT_CONNECT:
		return "; check the address, the port and the firewall";
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return "; check its certificate, this host's clock and the package ca-certificates";
	case CURLE_SSL_CONNECT_ERROR:
		return "; check whether it speaks TLS on this port";
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return "; a node's URL begins with http:// or https://";
	default:
		return "";
	}
}

/* What a failed transfer calls for. */
static enum rpc_failure curl_failure(CURLcode result)
{
	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_HTTP2_STREAM:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return RPC_FAILURE_CUT;
	default:
		return RPC_FAILURE_OTHER_NODE;
	}
}

static void set_transfer_error(const struct post *post, CURLcode result, struct error *err)
{
	char host[256];
	curl_off_t connect_us = 0;
	enum rpc_failure failure = curl_failure(result);

	format_host(post->url, host, sizeof(host));
	if (post->answer.is_full) {
		error_set_code(err, ERROR_NODE, RPC_FAILURE_BATCH,
			       "%s gave an answer of more than %zu bytes", host,
			       post->answer.limit_bytes);
		return;
	}
	curl_easy_getinfo(post->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	if (result == CURLE_OPERATION_TIMEDOUT && connect_us > 0) {
		error_set_code(err, ERROR_NODE, (int)failure,
			       "%s gave no whole answer within %" PRId64 " ms (%zu bytes came)",
			       host, post->timeout_ms, post->answer.len);
		return;
	}
	if (result == CURLE_OPERATION_TIMEDOUT) /* it says nothing about the size of the batch */
		failure = RPC_FAILURE_OTHER_NODE;
	error_set_code(err, ERROR_NODE, (int)failure, "cannot ask %s: %s%s", host,
		       post->error_text[0] ? post->error_text : curl_easy_strerror(result),
		       curl_hint(result));
}

/* Take the post out of the list and tell its owner. */
static void finish(struct http *http, struct post *post, CURLcode result)
{
	struct http_answer answer = {.body = buf_text(&post->answer), .len = post->answer.len};
	struct error err = ERROR_INIT;
	curl_off_t took_us = 0, retry_after_s = 0;
	char *content_type = NULL;
	long status = 0;

	curl_multi_remove_handle(http->multi, post->easy);
	if (post->prev)
		post->prev->next = post->next;
	else
		http->active = post->next;
	if (post->next)
		post->next->prev = post->prev;
	http->active_count--;
	curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	curl_easy_getinfo(post->easy, CURLINFO_CONTENT_TYPE, &content_type);
	answer.took_us = took_us;
	answer.retry_after_ms = retry_after_s < 86400 ? retry_after_s * 1000 : 86400000;
	if (result != CURLE_OK)
		set_transfer_error(post, result, &err);
	else if (status != 200)
		rpc_http_error(status, content_type, answer.body, answer.len, &err);
	post->done(post->context, &answer, err.kind == ERROR_NONE ? NULL : &err);
	/* Memory fresh from the system costs more than what is received into it. */
	if (post->answer.capacity > KEPT_BYTES)
		buf_release(&post->answer);
	post->next = http->idle;
	http->idle = post;
}

/*
 * Let curl work and report one post that is finished.  Only one: several answers of a
 * megabyte would keep the loop from giving the writers work while they are decoded.
 */
static int perform(struct http *http, unsigned *ret_finished, struct error *err)
{
	int running, left;
	CURLMsg *message;
	CURLMcode code = curl_multi_perform(http->multi, &running);

	if (code != CURLM_OK)
		return error_set(err, ERROR_FATAL, "libcurl: %s", curl_multi_strerror(code));
	if ((message = curl_multi_info_read(http->multi, &left))) {
		struct post *post;
		CURLcode result = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post);
		finish(http, post, result); /* the message is gone after this */
		++*ret_finished;
		/* What it posted goes out now, not after the next answer was worked through. */
		code = curl_multi_perform(http->multi, &running);
		if (code != CURLM_OK)
			return error_set(err, ERROR_FATAL, "libcurl: %s",
					 curl_multi_strerror(code));
	}
	return 0;
}

/* Nothing is under way: at the tip no megabytes are kept for what a replay needed. */
static void release_kept(struct http *http)
{
	for (struct post *post = http->idle; post; post = post->next)
		buf_release(&post->answer);
}

int http_wait(struct http *http, struct pollfd *fds, unsigned fd_count, int64_t timeout_ms,
	      struct error *err)
{
	struct curl_waitfd waits[EXTRA_FDS_MAX];
	unsigned finished = 0;
	CURLMcode code;

	if (fd_count > EXTRA_FDS_MAX)
		return error_set(err, ERROR_FATAL, "too many descriptors to wait for: %u",
				 fd_count);
	for (unsigned i = 0; i < fd_count; i++) {
		waits[i] = (struct curl_waitfd){.fd = fds[i].fd};
		if (fds[i].events & POLLIN)
			waits[i].events |= CURL_WAIT_POLLIN;
		if (fds[i].events & POLLOUT)
			waits[i].events |= CURL_WAIT_POLLOUT;
		fds[i].revents = 0;
	}
	if (perform(http, &finished, err) != 0)
		return -1;
	if (http->active_count == 0)
		release_kept(http);
	if (timeout_ms < 0 || timeout_ms > WAIT_MAX_MS)
		timeout_ms = WAIT_MAX_MS;
	code = curl_multi_poll(http->multi, waits, fd_count, finished ? 0 : (int)timeout_ms, NULL);
	if (code != CURLM_OK)
		return error_set(err, ERROR_FATAL, "libcurl: %s", curl_multi_strerror(code));
	/* curl tells less of the descriptors than poll() does. */
	if (fd_count > 0 && poll(fds, fd_count, 0) < 0)
		for (unsigned i = 0; i < fd_count; i++)
			fds[i].revents = 0;
	return perform(http, &finished, err);
}
