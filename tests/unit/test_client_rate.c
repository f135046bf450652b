/* SPDX-License-Identifier: MIT */
/* fetch.rate_limit, against simulated nodes. Linked without steem/http.o: see fake_nodes.h. */
#include "test.h"

#include "base/clock.h"
#include "client_world.h"

static void limit(unsigned rate)
{
	for (unsigned i = 0; i < pool_count(world.pool); i++)
		pool_node(world.pool, i)->rate_limit = rate;
}

/* Never more than `rate` in a second, however it lies; not even with some jitter on the way. */
static void assert_kept(unsigned node, unsigned rate)
{
	const struct sim *sim = &fake.sims[node];

	assert_true(sim->posted_count > rate);
	for (unsigned i = rate; i < sim->posted_count; i++)
		if (sim->posted_at_ms[i] - sim->posted_at_ms[i - rate] < 1040)
			fail_msg("%u requests from %lld to %lld", rate + 1,
				 (long long)sim->posted_at_ms[i - rate],
				 (long long)sim->posted_at_ms[i]);
}

/* Turn the loop for so long; the nodes answer at once. */
static void pass(int64_t ms)
{
	struct error err = ERROR_INIT;
	int64_t end_ms = now_ms + ms;

	while (now_ms < end_ms) {
		int64_t due_ms = client_handle(world.client);

		if (http_in_flight(&fake) == 0)
			now_ms = sooner(due_ms, end_ms);
		while (http_in_flight(&fake) > 0)
			assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
	}
}

static void everything_keeps_the_rate(void **state)
{
	unsigned tips_wanted = 0;

	(void)state;
	open_world(2);
	limit(5);
	while (node_shrink_batch(pool_node(world.pool, 0))) /* the tip: call after call */
		;
	client_want(world.client, CLIENT_REPLAY, 1, 3000, 0, &world.sink);
	client_want(world.client, CLIENT_TAIL, 4000, 4050, 0, &world.sink);
	for (int i = 0; i < 200; i++) {
		if (i % 5 == 0)
			client_poll_heads(world.client, 0);
		if (client_ask_tip(world.client, 5000 + (uint32_t)i, 2, &world.tip_sink))
			tips_wanted++;
		pass(100);
	}
	pass(2000);
	assert_kept(0, 5);
	assert_kept(1, 5);
	assert_int_equal(world.tip_done_count, tips_wanted);
	assert_true(tips_wanted > 15);
	assert_true(world.head_count > 15); /* the wants do not take every turn */
	/* What is allowed is used: 22 s, 1.05 s for each five. */
	assert_in_range(fake.sims[1].posted_count, 100, 106);
	close_world();
}

static void a_proof_waits_for_its_turn(void **state)
{
	(void)state;
	open_world(1);
	limit(1);
	fake.sims[0].irreversible = fake.sims[0].head = 19000; /* far above all it gave */
	client_poll_heads(world.client, 0);
	pass(1);
	assert_int_equal(fake.sims[0].posted_count, 1);
	assert_int_equal(client_heads_pending(world.client), 1);
	pass(1200);
	assert_int_equal(fake.sims[0].posted_count, 2);
	assert_int_equal(pool_node(world.pool, 0)->head.irreversible_block, 19000);
	assert_kept(0, 1);
	close_world();
}

static void what_waits_for_a_node_that_is_gone_ends(void **state)
{
	static const char *const urls[] = {"http://b"};
	struct pool *old, *pool = pool_new(urls, 1, 50, 1);

	(void)state;
	open_world(1);
	limit(1);
	client_poll_heads(world.client, 0);
	assert_true(client_ask_tip(world.client, 100, 2, &world.tip_sink));
	assert_int_equal(fake.sims[0].posted_count, 1);
	old = world.pool;
	world.pool = pool;
	client_set_pool(world.client, pool);
	pool_free(old);
	assert_int_equal(client_handle(world.client), now_ms);
	assert_int_equal(world.tip_done_count, 1);
	assert_false(world.tip_had_head);
	assert_int_equal(fake.sims[0].posted_count, 1);
	answer_all();
	pass(3000);
	assert_int_equal(fake.sims[1].posted_count, 0);
	close_world();
}

static void without_a_limit_nothing_waits(void **state)
{
	(void)state;
	open_world(1);
	learn_heads();
	client_want(world.client, CLIENT_REPLAY, 1, 5000, 0, &world.sink);
	run();
	assert_each_given_once(1, 5000);
	assert_int_equal(now_ms, 1000);
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_keeps_the_rate),
		cmocka_unit_test(a_proof_waits_for_its_turn),
		cmocka_unit_test(what_waits_for_a_node_that_is_gone_ends),
		cmocka_unit_test(without_a_limit_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
