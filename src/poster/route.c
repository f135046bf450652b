/* SPDX-License-Identifier: MIT */
#include "poster/route.h"

#include <stdlib.h>

#include "base/number.h"

#define REST_MS     1000
#define REST_CAP_MS 30000

bool route_is_fresh(const struct route *route, int64_t now_ms, int64_t stored_s)
{
	return route->head_at_ms > 0 && now_ms - route->head_at_ms <= ROUTE_HEAD_MS &&
	       stored_s > 0 && route->head.head_time_s <= stored_s + ROUTE_AHEAD_S;
}

static int compare_times(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a;
	int64_t right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

int64_t route_middle_s(const struct route *routes, size_t count, int64_t now_ms, int64_t stored_s)
{
	int64_t times[ROUTE_MAX];
	size_t fresh = 0;

	for (size_t i = 0; i < count && fresh < ROUTE_MAX; i++)
		if (route_is_fresh(&routes[i], now_ms, stored_s) && !routes[i].is_other_chain)
			times[fresh++] = routes[i].head.head_time_s;
	if (fresh == 0)
		return 0;
	qsort(times, fresh, sizeof(times[0]), compare_times);
	return times[fresh / 2];
}

bool route_is_usable(const struct route *route, int64_t now_ms, int64_t stored_s, int64_t middle_s)
{
	return route_is_fresh(route, now_ms, stored_s) && route->has_chain &&
	       !route->is_other_chain && route->head.head_time_s >= stored_s &&
	       route->head.head_time_s >= middle_s - ROUTE_BEHIND_S &&
	       route->head.head_time_s <= middle_s + ROUTE_BEHIND_S;
}

bool route_head(const struct route *routes, size_t count, int64_t now_ms, int64_t stored_s,
		struct chain_head *ret_head)
{
	int64_t middle_s = route_middle_s(routes, count, now_ms, stored_s);
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (!route_is_usable(&routes[i], now_ms, stored_s, middle_s))
			continue;
		if (!any || routes[i].head.head_time_s < ret_head->head_time_s)
			*ret_head = routes[i].head;
		any = true;
	}
	return any;
}

static bool is_better(const struct route *a, const struct route *b, int64_t now_ms)
{
	bool a_rests = now_ms < a->rests_until_ms;
	bool b_rests = now_ms < b->rests_until_ms;

	if (a_rests != b_rests)
		return b_rests;
	if (a_rests)
		return a->rests_until_ms < b->rests_until_ms;
	return a->latency_us < b->latency_us;
}

int route_choose(const struct route *routes, size_t count, int64_t now_ms, int64_t stored_s,
		 uint64_t tried)
{
	int64_t middle_s = route_middle_s(routes, count, now_ms, stored_s);
	int best = -1;

	for (size_t i = 0; i < count; i++)
		if ((tried >> i & 1) == 0 &&
		    route_is_usable(&routes[i], now_ms, stored_s, middle_s) &&
		    (best < 0 || is_better(&routes[i], &routes[best], now_ms)))
			best = (int)i;
	return best;
}

unsigned route_usable_count(const struct route *routes, size_t count, int64_t now_ms,
			    int64_t stored_s)
{
	int64_t middle_s = route_middle_s(routes, count, now_ms, stored_s);
	unsigned usable = 0;

	for (size_t i = 0; i < count; i++)
		usable += route_is_usable(&routes[i], now_ms, stored_s, middle_s);
	return usable;
}

void route_failed(struct route *route, int64_t now_ms)
{
	unsigned doublings = route->failures < 5 ? route->failures : 5;

	route->failures++;
	route->failed_count++;
	route->rests_until_ms = now_ms + min_i64((int64_t)REST_MS << doublings, REST_CAP_MS);
}

void route_answered(struct route *route, int64_t took_us)
{
	route->failures = 0;
	route->rests_until_ms = 0;
	route->latency_us =
		route->latency_us == 0 ? took_us : (7 * route->latency_us + took_us) / 8;
}
