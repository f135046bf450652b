/* SPDX-License-Identifier: MIT */
/*
 * The HTTP endpoint: a few small pages, served from within the loop.  Only this module
 * uses libmicrohttpd; it has no thread of its own, so there are no locks.
 *
 * Calling sequence: metrics_http_open(); then in each turn of the loop wait for
 * metrics_http_fd(), at most metrics_http_next_timeout_ms(), and call metrics_http_step();
 * metrics_http_close().
 *
 * A client can harm only other clients of the endpoint: there are few connections with
 * little memory, each has ten seconds from its first byte to its last, and a step does a
 * limited amount of work whatever clients send.
 */
#ifndef DAEMON_METRICS_HTTP_H
#define DAEMON_METRICS_HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/error.h"

struct metrics_http;

/*
 * Write the page of this path (decoded, without its query) into body, and its media type into
 * *ret_type (a constant). Returns the HTTP status; 404: there is no such page.
 */
typedef unsigned metrics_http_page_fn(void *context, const char *path, struct buf *body,
				      const char **ret_type);

struct metrics_http_address {
	struct sockaddr_storage storage;
	socklen_t len;
};
/*
 * Parse "127.0.0.1:9753", "[::1]:9753" or "localhost:9753"; port 0: any free one. False: it is
 * none of these.
 */
bool metrics_http_parse(const char *listen, struct metrics_http_address *ret_address);

/* Listen at this address; NULL with err: this is not possible now. */
struct metrics_http *metrics_http_open(const char *listen, metrics_http_page_fn *page,
				       void *context, struct error *err) MUST_CHECK;
/* NULL is allowed. */
void metrics_http_close(struct metrics_http *http);
/* "127.0.0.1:9753", with the port that is really in use. */
const char *metrics_http_where(const struct metrics_http *http);
/* The descriptor that becomes readable when metrics_http_step() has something to do. */
int metrics_http_fd(const struct metrics_http *http);
/* ms until metrics_http_step() has something to do even if nothing arrives; -1: never. */
int64_t metrics_http_next_timeout_ms(const struct metrics_http *http);
void metrics_http_step(struct metrics_http *http);

#endif
