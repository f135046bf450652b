/* SPDX-License-Identifier: MIT */
/*
 * Time, from a source that tests can replace.
 *
 * Deadlines and back-off use the monotonic clock.  Wall time is only for log lines and for
 * comparisons with the chain's own timestamps; whatever several readers must agree on uses
 * the database's clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* A time by clock_now_ms() that never comes. */
#define CLOCK_NEVER INT64_MAX

/* Milliseconds of a clock that never goes back. */
int64_t clock_now_ms(void);
/* The earlier of two times. */
static inline int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}
/* Seconds since 1970, UTC. */
int64_t clock_wall_s(void);
/* Tests can supply the monotonic time; NULL: use the real clock again. */
void clock_set_source(int64_t (*now_ms)(void *context), void *context);
/* Write "2026-11-23T12:00:00Z" into text, which needs at least 21 bytes. Returns text. */
char *clock_format_utc(int64_t wall_s, char *text, size_t size);
/* Seconds since 1970 for "2016-03-24T16:05:00" (UTC, without a zone); -1: it is not such a time. */
int64_t clock_parse_utc(const char *text);

#endif
