/* SPDX-License-Identifier: MIT */
#include "worker/lease.h"

/*
 * The margin is a tenth of the lease, at most two seconds: for the kill, and for clocks that run
 * differently.
 */
#define MARGIN_PART   10
#define MARGIN_MAX_MS 2000

static int64_t margin_ms(const struct lease *lease)
{
	int64_t margin = lease->lease_ms / MARGIN_PART;

	return margin < MARGIN_MAX_MS ? margin : MARGIN_MAX_MS;
}

void lease_start(struct lease *lease, unsigned lease_s, int64_t asked_at_ms)
{
	lease->lease_ms = (int64_t)lease_s * 1000;
	lease->from_ms = asked_at_ms;
	lease->renew_ms = asked_at_ms + lease->lease_ms / 3;
}

void lease_renewed(struct lease *lease, int64_t asked_at_ms)
{
	if (asked_at_ms <= lease->from_ms)
		return;
	lease->from_ms = asked_at_ms;
	lease->renew_ms = asked_at_ms + lease->lease_ms / 3;
}

void lease_not_renewed(struct lease *lease, int64_t now_ms)
{
	lease->renew_ms = now_ms + lease->lease_ms / 30;
}

bool lease_is_due(const struct lease *lease, int64_t now_ms)
{
	return now_ms >= lease->renew_ms - lease->lease_ms / 60;
}

int64_t lease_end_at_ms(const struct lease *lease)
{
	return lease->from_ms + lease->lease_ms;
}

int64_t lease_kill_at_ms(const struct lease *lease)
{
	return lease_end_at_ms(lease) - margin_ms(lease);
}

int64_t lease_guard_at_ms(const struct lease *lease)
{
	return lease_end_at_ms(lease) - margin_ms(lease) / 2;
}

int64_t lease_term_at_ms(const struct lease *lease)
{
	return lease_end_at_ms(lease) - 2 * margin_ms(lease);
}

bool lease_is_worth_starting(const struct lease *lease, int64_t now_ms)
{
	return now_ms < lease->from_ms + lease->lease_ms / 2;
}
