/* SPDX-License-Identifier: MIT */
/*
 * Many POSTs at once over kept connections.  The only file that uses libcurl, and the only
 * place where the main thread waits.
 *
 * Calling sequence: http_post() any number of times; http_wait(), which sleeps until
 * something happens and then calls the `done` functions of the finished posts from within;
 * http_free().  A `done` function may post again.
 *
 * This module learns for each URL whether the server keeps connections.  If a kept
 * connection breaks before the first byte of an answer, the request is repeated once; this
 * is no failure. So a request may reach a server twice, which is harmless for calls that
 * only read.  No connection is used for longer than five minutes, because its host name
 * may have another address by then.  If a connection stays silent until its request times
 * out, no older connection of its URL is used again.
 *
 * The proxies of the environment (http_proxy and the like) are used, but never for this
 * host itself.
 *
 * Debian's libcurl reads the CA directory again for every new verified connection unless
 * CURLOPT_CAPATH is NULL: 15 ms of CPU each.
 */
#ifndef STEEM_HTTP_H
#define STEEM_HTTP_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct http;

struct http_answer {
	const char *body; /* followed by NUL; owned by the post */
	size_t len;
	int64_t took_us;        /* from http_post() to the last byte */
	int64_t retry_after_ms; /* from the Retry-After header; 0: there was none */
};

/*
 * Called once for each post: with err NULL and a body when the server answered 200,
 * else with err (ERROR_NODE, see rpc_failure_of()).
 */
typedef void http_done_fn(void *context, const struct http_answer *answer, const struct error *err);

/* `connections`: how many may be open at once. NULL with err: libcurl cannot start. */
struct http *http_new(unsigned connections, const char *user_agent, struct error *err) MUST_CHECK;
/* Cancels the posts under way without calling `done`. */
void http_free(struct http *http);

struct http_post {
	const char *url;
	const char *body; /* copied */
	size_t len;
	int64_t timeout_ms; /* for the whole post */
	/* a longer answer (compressed or not) is an error, RPC_FAILURE_BATCH */
	size_t max_answer_bytes;
	http_done_fn *done;
	void *context;
};
/* Start a post; `post` and its texts are copied. */
void http_post(struct http *http, const struct http_post *post);
/* From now on, no post uses a connection or a resolved name that exists now. */
void http_renew_connections(struct http *http);
/* How many posts are under way. */
unsigned http_in_flight(const struct http *http);
/*
 * Wait for at most timeout_ms for the network or for one of `fds` (whose revents are set), then
 * finish the posts that are complete. -1 with err: waiting failed.
 */
int http_wait(struct http *http, struct pollfd *fds, unsigned fd_count, int64_t timeout_ms,
	      struct error *err) MUST_CHECK;

#endif
