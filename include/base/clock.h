/* SPDX-License-Identifier: MIT */
/*
 * Time, from a source that tests can replace.
 *
 * Deadlines and back-off use the monotonic clock.  Wall time is only for log
 * lines and for comparing with the chain's own timestamps; what several readers
 * must agree upon is always the database's clock.
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
/* Let tests supply the monotonic time; NULL: the real one again. */
void clock_set_source(int64_t (*now_ms)(void *context), void *context);
/* "2026-11-23T12:00:00Z" into text of at least 21 bytes. Returns text. */
char *clock_format_utc(int64_t wall_s, char *text, size_t size);
/* Seconds since 1970 of "2016-03-24T16:05:00" (UTC, no zone); -1 when it is not such a time. */
int64_t clock_parse_utc(const char *text);

#endif
