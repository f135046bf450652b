/* SPDX-License-Identifier: MIT */
/*
 * How long to wait before the next try: exponential with decorrelated jitter, so that
 * readers that failed together do not come back together.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t base_ms;
	int64_t cap_ms;
	int64_t last_ms; /* 0: no failure since the last reset */
};

void backoff_init(struct backoff *backoff, int64_t base_ms, int64_t cap_ms);
/* The next delay, between base_ms and cap_ms. */
int64_t backoff_next_ms(struct backoff *backoff);
void backoff_reset(struct backoff *backoff);

/* A random number below `limit` (0 if limit is 0); not for secrets. Thread-safe. */
uint64_t random_below(uint64_t limit);
/* Make the random numbers of this thread repeatable, for tests. */
void random_seed(uint64_t seed);
/* Write `len` random lower-case hex digits and a NUL; unpredictable and unique (getrandom). */
void random_hex(char *text, unsigned len);

#endif
