/* SPDX-License-Identifier: MIT */
#include "steem/http.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "steem/reuse.h"
#include "steem/rpc.h"

/*
 * CURLMOPT_QUICK_EXIT of libcurl 8.20, by its number: the library that is loaded may be newer than
 * the headers.  Without it, curl_multi_cleanup() waits for the threads that look up names.
 */
#define QUICK_EXIT_OF_ALL ((CURLMoption)21)
#define WAIT_MAX_MS       60000
#define KEEPALIVE_IDLE_S  30L
/* for one read; a batch of blocks is a megabyte, and each call has a cost */
#define RECEIVE_BYTES 131072L
#define EXTRA_FDS_MAX 128
/* How much memory of its last answer an idle post keeps while other posts are under way. */
#define KEPT_BYTES ((size_t)4 * 1024 * 1024)
/*
 * Limits for everything before and after the body: headers, interim answers, a proxy's answer,
 * trailers.
 */
#define HEADER_BYTES_MAX ((size_t)64 * 1024)
#define HEADER_LINES_MAX 256
/* A host name may get another address: older connections and resolved names are not used again. */
#define CONNECTION_LIFE_S 300
#define NAME_LIFE_S       60
/* How long after http_renew_connections() every request takes a new connection. */
#define RENEWAL_S 2
#define HOSTS_MAX 128

/* A point in time: older connections are not used. */
struct renewal {
	bool is_set;
	int64_t at_ms;
};

/* The server behind one URL. */
struct host {
	struct host *next;
	char *url;
	bool is_loopback;    /* on this host: a proxy cannot reach it for us */
	unsigned post_count; /* posts under way */
	struct reuse_record reuse_record;
	/*
	 * One of its kept connections was silent: a device on the way may have forgotten all of
	 * them, and each would cost a time-out.  Older connections are not used.
	 */
	struct renewal renewal;
};

/* A post, or the reusable memory of an earlier one. */
struct post {
	struct post *next, *prev;
	/*
	 * For this attempt only.  A reused handle of libcurl 7.88 keeps a pointer to the last
	 * header of the previous answer, through which the next answer can write; and it never
	 * resets the handle's count of lost connections.
	 */
	CURL *easy;
	struct host *host;
	char *body;
	size_t body_len;
	struct buf answer;
	http_done_fn *done;
	void *context;
	int64_t timeout_ms;
	int64_t spent_us; /* in the previous attempt */
	bool is_repeat;
	enum reuse reuse;
	/* how often curl began to send: more than once after a lost connection */
	unsigned sent_count;
	size_t header_bytes;
	unsigned header_lines;
	bool is_too_long;    /* the received bytes passed the limit of the answer */
	const char *refused; /* the part of the answer that is refused, in words; NULL: none */
	char error_text[CURL_ERROR_SIZE];
};

struct http {
	CURLM *multi;
	CURLSH *share; /* shares TLS sessions; connections and names are in `multi` */
	struct curl_slist *headers;
	char *user_agent;
	struct host *hosts;
	unsigned host_count;
	struct post *active; /* newest first */
	struct post *idle;
	unsigned active_count;
	struct renewal renewal;
};

static void post_free(struct post *post)
{
	curl_easy_cleanup(post->easy);
	free(post->body);
	buf_release(&post->answer);
	free(post);
}

struct http *http_new(unsigned connections, const char *user_agent, struct error *err)
{
	static bool is_initialised; /* one thread uses all of curl */
	struct http *http;

	if (!is_initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		error_set(err, ERROR_FATAL, "libcurl cannot start");
		return NULL;
	}
	is_initialised = true;
	http = xcalloc(1, sizeof(*http));
	http->multi = curl_multi_init();
	http->share = curl_share_init();
	http->user_agent = xstrdup(user_agent);
	http->headers = curl_slist_append(NULL, "Content-Type: application/json");
	/* curl sends "Expect: 100-continue" with large posts, and steemd never answers that. */
	if (http->headers && !curl_slist_append(http->headers, "Expect:")) {
		curl_slist_free_all(http->headers);
		http->headers = NULL;
	}
	if (!http->multi || !http->share || !http->headers) {
		error_set(err, ERROR_FATAL, "libcurl has no memory");
		http_free(http);
		return NULL;
	}
	curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	/* An older libcurl does not know it, and uses CURLOPT_QUICK_EXIT instead. */
	curl_multi_setopt(http->multi, QUICK_EXIT_OF_ALL, 1L);
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

/* Forget the hosts that have no post under way. */
static void drop_hosts(struct http *http)
{
	struct host **at = &http->hosts;

	while (*at) {
		struct host *host = *at;

		if (host->post_count > 0) {
			at = &host->next;
			continue;
		}
		*at = host->next;
		http->host_count--;
		free(host->url);
		free(host);
	}
}

void http_free(struct http *http)
{
	if (!http)
		return;
	for (struct post *post = http->active; post; post = post->next) {
		curl_multi_remove_handle(http->multi, post->easy);
		post->host->post_count--;
	}
	free_list(http->active);
	free_list(http->idle);
	drop_hosts(http);
	curl_multi_cleanup(http->multi);
	curl_share_cleanup(http->share);
	curl_slist_free_all(http->headers);
	free(http->user_agent);
	free(http);
}

/* Does the URL lead to this host itself: localhost, 127.0.0.0/8 or ::1? */
static bool is_loopback(const char *url)
{
	CURLU *parts = curl_url();
	char *host = NULL;
	struct in_addr v4;
	struct in6_addr v6;
	bool is_here = false;

	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		size_t len = strlen(host);

		if (host[0] == '[' && host[len - 1] == ']') {
			host[len - 1] = '\0';
			is_here = inet_pton(AF_INET6, host + 1, &v6) == 1 &&
				  IN6_IS_ADDR_LOOPBACK(&v6);
		} else if (inet_pton(AF_INET, host, &v4) == 1) {
			is_here = ntohl(v4.s_addr) >> 24 == 127;
		} else {
			is_here = !strcasecmp(host, "localhost");
		}
	}
	curl_free(host);
	curl_url_cleanup(parts);
	return is_here;
}

static struct host *find_host(struct http *http, const char *url)
{
	struct host *host;

	for (host = http->hosts; host; host = host->next)
		if (!strcmp(host->url, url))
			return host;
	if (http->host_count >= HOSTS_MAX)
		drop_hosts(http);
	host = xcalloc(1, sizeof(*host));
	host->url = xstrdup(url);
	host->is_loopback = is_loopback(url);
	host->next = http->hosts;
	http->hosts = host;
	http->host_count++;
	return host;
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct post *post = context;

	/* Returning less than `count` makes curl end the transfer. */
	return buf_add(&post->answer, bytes, size * count) == 0 ? size * count : 0;
}

/* The length of the value if the header is `name`, else 0. `line` need not end with a zero byte. */
static size_t header_value(const char *line, size_t len, const char *name, const char **ret_value)
{
	size_t name_len = strlen(name);

	if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
		return 0;
	*ret_value = line + name_len + 1;
	return len - name_len - 1;
}

/* Can these encodings be decoded with little memory?  zstd may take 128 MiB, brotli 16. */
static bool is_small_encoding(const char *list, size_t len)
{
	static const char *const names[] = {"identity", "gzip", "x-gzip", "deflate", "chunked"};
	static const char separators[] = " \t\r\n,";
	size_t at = 0;

	while (at < len) {
		size_t from = at;
		bool is_known = false;

		while (at < len && !strchr(separators, list[at]))
			at++;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			is_known |= strlen(names[i]) == at - from &&
				    !strncasecmp(list + from, names[i], at - from);
		if (at > from && !is_known)
			return false;
		at++;
	}
	return true;
}

/*
 * Receives one line before or after the body. Everything else that curl keeps of an answer
 * passes here.
 */
static size_t receive_header(char *line, size_t size, size_t count, void *context)
{
	struct post *post = context;
	size_t len = size * count;
	size_t value_len;
	const char *value;

	post->header_bytes += len;
	post->header_lines++;
	if (post->header_bytes > HEADER_BYTES_MAX)
		post->refused = "more than 64 KiB of headers";
	else if (post->header_lines > HEADER_LINES_MAX)
		post->refused = "more than 256 lines of headers";
	else if (((value_len = header_value(line, len, "Content-Encoding", &value)) > 0 ||
		  (value_len = header_value(line, len, "Transfer-Encoding", &value)) > 0) &&
		 !is_small_encoding(value, value_len))
		post->refused = "an encoding that was not asked for (gzip and deflate were)";
	return post->refused ? 0 : len;
}

/* Many compressed bytes may decompress to nothing, so the received bytes have the same limit. */
static int note_progress(void *context, curl_off_t expected, curl_off_t received,
			 curl_off_t to_send, curl_off_t sent)
{
	struct post *post = context;

	(void)expected;
	(void)to_send;
	(void)sent;
	post->is_too_long |= received > (curl_off_t)post->answer.limit_bytes;
	return post->is_too_long;
}

/* Was the last connection that curl took for this attempt used before? */
static bool is_on_kept_connection(const struct post *post)
{
	long connected_count = 1;

	curl_easy_getinfo(post->easy, CURLINFO_NUM_CONNECTS, &connected_count);
	return post->sent_count > 0 && connected_count == 0;
}

/*
 * When a connection is lost, curl takes another one by itself: do not let it take a second kept
 * one.
 */
static int begin_sending(void *context, char *remote_ip, char *local_ip, int remote_port,
			 int local_port)
{
	struct post *post = context;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	post->sent_count++;
	return post->sent_count > 1 && is_on_kept_connection(post) ? CURL_PREREQFUNC_ABORT
								   : CURL_PREREQFUNC_OK;
}

static void set_fixed_options(const struct http *http, struct post *post)
{
	CURL *easy = post->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
	curl_easy_setopt(easy, CURLOPT_SHARE, http->share);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->error_text);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, post);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, note_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, post);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, begin_sending);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, post);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/*
	 * Otherwise curl waits for the thread that looks up a name, until the resolver's own
	 * time-out.
	 */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* see http.h; CAINFO is unchanged */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
}

static int64_t last_renewal_ms(const struct http *http, const struct host *host)
{
	if (!http->renewal.is_set)
		return host->renewal.at_ms;
	if (!host->renewal.is_set || host->renewal.at_ms < http->renewal.at_ms)
		return http->renewal.at_ms;
	return host->renewal.at_ms;
}

static void renew(struct renewal *renewal)
{
	*renewal = (struct renewal){.is_set = true, .at_ms = clock_now_ms()};
}

/* Sets which connections the attempt may use, and how old connections and resolved names may be. */
static void set_connection_options(const struct http *http, const struct post *post)
{
	int64_t life_s = CONNECTION_LIFE_S, name_life_s = NAME_LIFE_S;
	const struct host *host = post->host;
	bool must_be_new =
		post->is_repeat || post->reuse == REUSE_NO || post->reuse == REUSE_TRIAL_FIRST;

	if (http->renewal.is_set || host->renewal.is_set) {
		int64_t since_s = (clock_now_ms() - last_renewal_ms(http, host)) / 1000;

		must_be_new |= since_s < RENEWAL_S;
		if (since_s < name_life_s)
			name_life_s = since_s;
		/*
		 * curl counts whole seconds: one less, so that no connection is older than the
		 * renewal.
		 */
		if (since_s >= RENEWAL_S && since_s - 1 < life_s)
			life_s = since_s - 1;
	}
	curl_easy_setopt(post->easy, CURLOPT_FRESH_CONNECT, (long)must_be_new);
	curl_easy_setopt(post->easy, CURLOPT_FORBID_REUSE, (long)(post->reuse == REUSE_NO));
	curl_easy_setopt(post->easy, CURLOPT_MAXLIFETIME_CONN, (long)life_s);
	curl_easy_setopt(post->easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)name_life_s);
}

/* Pass the post to curl, with the rest of its time if it is repeated on a new connection. */
static void start_attempt(struct http *http, struct post *post)
{
	int64_t left_ms = post->timeout_ms - post->spent_us / 1000;

	if (left_ms < 1)
		left_ms = 1;
	post->easy = curl_easy_init();
	if (!post->easy)
		abort(); /* as for every other allocation */
	buf_reset(&post->answer);
	post->reuse = reuse_choose(&post->host->reuse_record, clock_now_ms());
	post->sent_count = post->header_lines = 0;
	post->header_bytes = 0;
	post->is_too_long = false;
	post->refused = NULL;
	post->error_text[0] = '\0';
	set_fixed_options(http, post);
	set_connection_options(http, post);
	curl_easy_setopt(post->easy, CURLOPT_URL, post->host->url);
	/* Without this, no_proxy of the environment decides. */
	if (post->host->is_loopback)
		curl_easy_setopt(post->easy, CURLOPT_NOPROXY, "*");
	/* If the body is in memory, curl can send it again on a new connection. */
	curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_len);
	curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(post->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)left_ms / 2 + 1);
	if (curl_multi_add_handle(http->multi, post->easy) != CURLM_OK)
		abort(); /* an invalid handle, or no memory */
}

static void end_attempt(struct http *http, struct post *post)
{
	curl_multi_remove_handle(http->multi, post->easy);
	curl_easy_cleanup(post->easy);
	post->easy = NULL;
}

static struct post *take_post(struct http *http)
{
	struct post *post = http->idle;

	if (post)
		http->idle = post->next;
	else
		post = xcalloc(1, sizeof(*post));
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

	free(post->body);
	post->answer.limit_bytes = request->max_answer_bytes;
	post->host = find_host(http, request->url);
	post->host->post_count++;
	post->body = xtextdup(request->body, request->len);
	post->body_len = request->len;
	post->done = request->done;
	post->context = request->context;
	post->timeout_ms = request->timeout_ms;
	post->spent_us = 0;
	post->is_repeat = false;
	start_attempt(http, post);
}

void http_renew_connections(struct http *http)
{
	renew(&http->renewal);
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

static const char *curl_hint(CURLcode result, bool was_sent)
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
	case CURLE_OUT_OF_MEMORY: /* also for a header line without an end */
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
#endif
		return "; it sent a header line without end, or this host has no memory left";
	case CURLE_UNSUPPORTED_PROTOCOL:
		if (was_sent)
			return "; check whether it speaks HTTP on this port";
		return "; a node's URL begins with http:// or https://";
	case CURLE_URL_MALFORMAT:
		return "; a node's URL begins with http:// or https://";
	default:
		return "";
	}
}

/* The reaction that a failed transfer calls for. */
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

	format_host(post->host->url, host, sizeof(host));
	if (post->refused) {
		error_set_node(err, RPC_FAILURE_OTHER_NODE, "%s sent %s", host, post->refused);
		return;
	}
	if (post->answer.is_full || post->is_too_long) {
		error_set_node(err, RPC_FAILURE_BATCH, "%s gave an answer of more than %zu bytes",
			       host, post->answer.limit_bytes);
		return;
	}
	curl_easy_getinfo(post->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	if (result == CURLE_OPERATION_TIMEDOUT && connect_us > 0) {
		error_set_node(err, (int)failure,
			       "%s gave no whole answer within %" PRId64 " ms (%zu bytes came)",
			       host, post->timeout_ms, post->answer.len);
		return;
	}
	/* a time-out says nothing about the size of the batch */
	if (result == CURLE_OPERATION_TIMEDOUT)
		failure = RPC_FAILURE_OTHER_NODE;
	error_set_node(err, (int)failure, "cannot ask %s: %s%s", host,
		       post->error_text[0] ? post->error_text : curl_easy_strerror(result),
		       curl_hint(result, post->sent_count > 0));
}

/* Remove the post from the list and call its `done`. */
static void finish(struct http *http, struct post *post, CURLcode result)
{
	struct http_answer answer = {.body = buf_text(&post->answer), .len = post->answer.len};
	struct error err = ERROR_INIT;
	curl_off_t took_us = 0, retry_after_s = 0;
	char *content_type = NULL;
	long status = 0;

	if (post->prev)
		post->prev->next = post->next;
	else
		http->active = post->next;
	if (post->next)
		post->next->prev = post->prev;
	http->active_count--;
	post->host->post_count--;
	curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	curl_easy_getinfo(post->easy, CURLINFO_CONTENT_TYPE, &content_type);
	answer.took_us = post->spent_us + took_us;
	if (retry_after_s < 0) /* a date in the past, or an invalid number */
		retry_after_s = 0;
	answer.retry_after_ms = retry_after_s < 86400 ? retry_after_s * 1000 : 86400000;
	if (result != CURLE_OK)
		set_transfer_error(post, result, &err);
	else if (status != 200)
		rpc_http_error(status, content_type, answer.body, answer.len, &err);
	end_attempt(http, post);
	post->done(post->context, &answer, err.kind == ERROR_NONE ? NULL : &err);
	/* Getting fresh memory from the system costs more than receiving the bytes into it. */
	if (post->answer.capacity > KEPT_BYTES)
		buf_release(&post->answer);
	post->next = http->idle;
	http->idle = post;
}

/*
 * An attempt has ended.  If its kept connection was lost before the first byte of an answer,
 * this says nothing about the node: the attempt is repeated once, on a new connection.
 */
static void end_or_repeat(struct http *http, struct post *post, CURLcode result)
{
	bool is_kept = is_on_kept_connection(post), has_answer = post->header_bytes > 0;
	bool is_lost =
		is_kept && !has_answer && result != CURLE_OK && result != CURLE_OPERATION_TIMEDOUT;
	curl_off_t took_us = 0;

	if (is_kept && !has_answer && result == CURLE_OPERATION_TIMEDOUT)
		renew(&post->host->renewal);
	reuse_learn(&post->host->reuse_record, post->reuse, is_lost || post->sent_count > 1,
		    is_kept && has_answer && post->sent_count == 1, clock_now_ms());
	if (!is_lost || post->is_repeat) {
		finish(http, post, result);
		return;
	}
	curl_easy_getinfo(post->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	end_attempt(http, post);
	post->spent_us = took_us;
	post->is_repeat = true;
	start_attempt(http, post);
}

/*
 * Let curl work, and report one finished post.  Only one, because decoding several answers of a
 * megabyte would keep the loop from giving work to the executor.
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
		end_or_repeat(http, post, result); /* this call frees the message */
		++*ret_finished;
		/* Send the posts that `done` started now, not after the next answer was handled. */
		code = curl_multi_perform(http->multi, &running);
		if (code != CURLM_OK)
			return error_set(err, ERROR_FATAL, "libcurl: %s",
					 curl_multi_strerror(code));
	}
	return 0;
}

/*
 * No post is under way: free the megabytes that a replay needed, which are not needed at the
 * tip.
 */
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
	/* curl reports less about the descriptors than poll() does. */
	if (fd_count > 0 && poll(fds, fd_count, 0) < 0)
		for (unsigned i = 0; i < fd_count; i++)
			fds[i].revents = 0;
	return perform(http, &finished, err);
}
