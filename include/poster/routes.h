/* SPDX-License-Identifier: MIT */
/*
 * The nodes: asks each one for its head and for the stored block, and keeps what they say for
 * poster/route.h.  The caller sends, by the same `http`.
 */
#ifndef POSTER_ROUTES_H
#define POSTER_ROUTES_H

#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "poster/route.h"
#include "steem/block.h"
#include "steem/http.h"

#define ROUTES_TIMEOUT_MS 5000

struct routes {
	struct http *http; /* not owned */
	struct route items[ROUTE_MAX];
	bool was_usable[ROUTE_MAX]; /* as last told in the log */
	size_t count;
	struct block_name stored; /* the newest irreversible stored block; num 0: none */
	int64_t stored_s;
	uint32_t next_id;
	bool is_quiet; /* a command: the log does not tell which nodes are used */
};

void routes_init(struct routes *routes, struct http *http, char *const *urls, size_t count);
void routes_release(struct routes *routes);
/* What the database has. */
void routes_stored(struct routes *routes, const struct block_name *block, int64_t time_s);
/* Ask what is due, and tell what changed; returns when to call again. */
int64_t routes_step(struct routes *routes, int64_t now_ms);

#endif
