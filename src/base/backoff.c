/* SPDX-License-Identifier: MIT */
#include "base/backoff.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

/* splitmix64: one word of state for each thread, good enough for jitter. */
static _Thread_local uint64_t random_state;
static _Thread_local bool is_seeded;

static void fill_from_system(void *bytes, size_t len)
{
	char *at = bytes;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			/* a system without random numbers: nothing unique can be created */
			abort();
		at += got;
		len -= (size_t)got;
	}
}

void random_seed(uint64_t seed)
{
	random_state = seed;
	is_seeded = true;
}

static uint64_t next_random(void)
{
	uint64_t z;

	if (!is_seeded) {
		fill_from_system(&random_state, sizeof(random_state));
		is_seeded = true;
	}
	random_state += UINT64_C(0x9e3779b97f4a7c15);
	z = random_state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t random_below(uint64_t limit)
{
	if (limit == 0)
		return 0;
	/* The bias of the modulo is below limit / 2^64, which does not matter for a delay. */
	return next_random() % limit;
}

void random_hex(char *text, unsigned len)
{
	static const char hex[] = "0123456789abcdef";

	fill_from_system(text, len);
	for (unsigned i = 0; i < len; i++)
		text[i] = hex[(unsigned char)text[i] & 15];
	text[len] = '\0';
}

void backoff_init(struct backoff *backoff, int64_t base_ms, int64_t cap_ms)
{
	backoff->base_ms = base_ms;
	backoff->cap_ms = cap_ms > base_ms ? cap_ms : base_ms;
	backoff->last_ms = 0;
}

int64_t backoff_next_ms(struct backoff *backoff)
{
	int64_t last_ms = backoff->last_ms > 0 ? backoff->last_ms : backoff->base_ms;
	int64_t most_ms = backoff->cap_ms;

	if (last_ms <= backoff->cap_ms / 3)
		most_ms = last_ms * 3;
	if (most_ms < backoff->base_ms)
		most_ms = backoff->base_ms;
	backoff->last_ms = backoff->base_ms +
			   (int64_t)random_below((uint64_t)(most_ms - backoff->base_ms) + 1);
	return backoff->last_ms;
}

void backoff_reset(struct backoff *backoff)
{
	backoff->last_ms = 0;
}
