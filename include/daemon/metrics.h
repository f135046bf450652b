/* SPDX-License-Identifier: MIT */
/*
 * The metrics endpoint of a running reader: opened when that is possible, tried again
 * when it is not.  A reader never stops reading for want of it.
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

/* listen "": nothing is served. The reader must outlive it. */
struct metrics *metrics_new(const char *listen, struct reader *reader);
void metrics_free(struct metrics *metrics);
/* What the loop waits for besides, put into fds; returns how many (at most 1). */
unsigned metrics_fill_fds(const struct metrics *metrics, struct pollfd *fds);
int64_t metrics_next_timeout_ms(const struct metrics *metrics);
/* In each turn of the loop. */
void metrics_step(struct metrics *metrics);

/* metrics_text.c: the page /metrics; started_s: when the process did, by the wall clock. */
void metrics_write(struct buf *buf, const struct reader *reader, const struct reader_facts *facts,
		   int64_t started_s);

/*
 * metrics_health.c: is all well, is the reader ready?  Pure.  True or false; the reasons
 * in words, one a line, go into buf ("ok: ..." when there is none).
 */
bool metrics_is_healthy(struct buf *buf, const struct reader_facts *facts);
/* Healthy, at the tip, and nothing is missing. */
bool metrics_is_ready(struct buf *buf, const struct reader_facts *facts);

#endif
