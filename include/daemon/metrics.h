/* SPDX-License-Identifier: MIT */
/*
 * The metrics endpoint of a running program.  If it cannot be opened, this is tried again
 * later; the program never stops because of it.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct metrics;
struct reader;
struct reader_facts;

enum metrics_page {
	METRICS_FIGURES,   /* /metrics */
	METRICS_HEALTH,    /* /healthz */
	METRICS_READINESS, /* /readyz */
};
/* Write a page into body. False: the program is not healthy, or not ready. */
typedef bool metrics_page_fn(void *context, enum metrics_page page, struct buf *body);

/* listen "": nothing is served. program: "reader", for the log. */
struct metrics *metrics_new(const char *listen, const char *program, metrics_page_fn *write_page,
			    void *context);
void metrics_free(struct metrics *metrics);
/* Set the file descriptors that the loop must also wait for; returns how many (at most 1). */
unsigned metrics_fill_fds(const struct metrics *metrics, struct pollfd *fds);
/* ms until metrics_step() has something to do; -1: never. */
int64_t metrics_next_timeout_ms(const struct metrics *metrics);
/* Call it in each turn of the loop. */
void metrics_step(struct metrics *metrics);

/* The pages of a reader. */

/* metrics_text.c: write the page /metrics; started_s: the start of the process, in wall time. */
void metrics_write(struct buf *buf, const struct reader *reader, const struct reader_facts *facts,
		   int64_t started_s);

/*
 * metrics_health.c: is the reader healthy?  Pure.  The reasons in words, one per line, go into
 * buf ("ok: ..." if there is none).
 */
bool metrics_is_healthy(struct buf *buf, const struct reader_facts *facts);
/* Is it healthy, at the tip, and without missing blocks? */
bool metrics_is_ready(struct buf *buf, const struct reader_facts *facts);

#endif
