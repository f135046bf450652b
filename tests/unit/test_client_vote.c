/* SPDX-License-Identifier: MIT */
/* Nodes whose blocks prove themselves, or do not. Linked without steem/http.o. */
#include "test.h"

#include <string.h>

#include "client_world.h"
#include "steem/chain.h"
#include "steem/codec/proof.h"
#include "steem/rpc.h"

#define FIRST 101
#define LAST  140

static struct proof *proof;

/* Each node's blocks have the seal of its letter: g, f, u, o. */
static void open_proving(const char *seals)
{
	static const char letters[] = " gfuo";
	struct client_config limits = config;
	struct error err = ERROR_INIT;

	open_world((unsigned)strlen(seals));
	proof = proof_new(&chain_steem, &err);
	assert_non_null(proof);
	limits.proof = proof;
	client_set_config(world.client, &limits);
	for (unsigned i = 0; seals[i] != '\0'; i++)
		fake.sims[i].seal = (enum seal)(strchr(letters, seals[i]) - letters);
	learn_heads();
}

static void close_proving(void)
{
	close_world();
	proof_free(proof);
}

static void want_all(void)
{
	client_want(world.client, CLIENT_REPLAY, FIRST, LAST, 0, &world.sink);
	run();
}

static void false_blocks_are_asked_of_others(void **state)
{
	(void)state;
	open_proving("fg");
	want_all();
	assert_each_given_once(FIRST, LAST);
	assert_int_equal(world.sources, 1 << 1);
	assert_true(world.false_count > 0);
	assert_true(pool_node(world.pool, 0)->failures_in_row > 0);
	close_proving();
}

static void false_blocks_alone_are_refused(void **state)
{
	(void)state;
	open_proving("ff");
	want_all();
	assert_int_equal(world.given_count, 0);
	assert_int_equal(world.refused_count, LAST - FIRST + 1);
	assert_non_null(strstr(world.reason, "the header's bytes have the id"));
	close_proving();
}

static void nothing_is_proved_unless_it_is_asked_for(void **state)
{
	(void)state;
	open_proving("f");
	client_set_config(world.client, &config);
	want_all();
	assert_each_given_once(FIRST, LAST);
	close_proving();
}

/* u and o are two versions that nobody can prove. */
static const struct vote {
	const char *seals;
	unsigned given_by; /* mask; 0: refused */
} votes[] = {
	{"u", 1},   {"uu", 3}, {"uo", 0},  {"uuu", 7}, {"uuo", 3}, {"ouu", 6},
	{"uou", 5}, {"ug", 2}, {"ugo", 2}, {"uf", 0},  {"uff", 0}, {"fuu", 6},
};

static void what_is_not_shown_needs_more_than_half(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(votes); i++) {
		print_message("%s\n", votes[i].seals);
		open_proving(votes[i].seals);
		want_all();
		if (votes[i].given_by != 0) {
			assert_each_given_once(FIRST, LAST);
		} else {
			assert_int_equal(world.given_count, 0);
			assert_int_equal(world.refused_count, LAST - FIRST + 1);
		}
		assert_int_equal(world.sources & ~votes[i].given_by, 0);
		close_proving();
	}
}

static void a_node_that_is_away_has_no_vote(void **state)
{
	(void)state;
	open_proving("ug");
	fake.sims[1].fault = FAULT_DOWN;
	node_lost(pool_node(world.pool, 1), now_ms);
	want_all();
	assert_each_given_once(FIRST, LAST);
	close_proving();
}

/* It would have the half of all requests for ever, and each would be in vain. */
static void a_node_that_shows_less_than_another_rests(void **state)
{
	(void)state;
	open_proving("ug");
	want_all();
	assert_each_given_once(FIRST, LAST);
	assert_true(world.failed_count > 0);
	/* Once for all the blocks of an answer. */
	assert_in_range(pool_node(world.pool, 0)->failed_count, 1, 3);
	assert_int_equal(pool_node(world.pool, 1)->failed_count, 0);
	close_proving();

	/* The proved block has another id, so it is not known which of the two nodes is right. */
	open_proving("og");
	want_all();
	assert_int_equal(world.failed_count, 0);
	close_proving();
}

/* The first one to tell its head is no majority before the others were heard. */
static void a_node_that_told_nothing_yet_may_still_speak(void **state)
{
	(void)state;
	open_proving("ugg");
	for (unsigned i = 1; i < 3; i++) {
		pool_node(world.pool, i)->head = (struct chain_head){0};
		pool_node(world.pool, i)->head_at_ms = 0;
	}
	client_want(world.client, CLIENT_REPLAY, FIRST, LAST, 0, &world.sink);
	client_handle(world.client);
	answer_all();
	client_handle(world.client);
	assert_int_equal(world.given_count + world.refused_count, 0);
	learn_heads();
	run();
	assert_each_given_once(FIRST, LAST);
	assert_int_equal(world.sources & 1, 0);
	close_proving();
}

/* The tip's own request asks one node: the block is left to a search among all. */
static void the_tip_leaves_it_to_a_search(void **state)
{
	(void)state;
	open_proving("uu");
	assert_true(client_ask_tip(world.client, FIRST, 3, &world.tip_sink));
	answer_all();
	assert_int_equal(world.tip_done_count, 1);
	assert_true(world.tip_had_head);
	assert_int_equal(world.given_count, 0);
	/* The node is not to blame. */
	assert_int_equal(world.failed_count, 0);
	assert_int_equal(node_credible_block(pool_node(world.pool, 0), now_ms), 15000);
	assert_int_equal(node_credible_block(pool_node(world.pool, 1), now_ms), 15000);
	close_proving();

	open_proving("u");
	assert_true(client_ask_tip(world.client, FIRST, 3, &world.tip_sink));
	answer_all();
	assert_int_equal(world.given_count, 3);
	close_proving();
}

static void a_false_tip_is_the_nodes_fault(void **state)
{
	(void)state;
	open_proving("f");
	assert_true(client_ask_tip(world.client, FIRST, 3, &world.tip_sink));
	answer_all();
	assert_int_equal(world.given_count, 0);
	assert_int_equal(world.failed_count, 1);
	assert_int_equal(world.false_count, 3);
	close_proving();
}

/* Without a proof: g and o are two blocks with different ids. */
static void open_voting(const char *seals)
{
	open_proving(seals);
	client_set_config(world.client, &config);
	world.sink.needs_majority = true;
}

static const struct vote id_votes[] = {
	{"g", 1}, {"gg", 3}, {"go", 0}, {"ggo", 3}, {"ogg", 6}, {"gog", 5}, {"goo", 6},
};

static void what_needs_a_majority_gets_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(id_votes); i++) {
		print_message("%s\n", id_votes[i].seals);
		open_voting(id_votes[i].seals);
		want_all();
		if (id_votes[i].given_by != 0) {
			assert_each_given_once(FIRST, LAST);
		} else {
			assert_int_equal(world.given_count, 0);
			assert_int_equal(world.refused_count, LAST - FIRST + 1);
			assert_non_null(strstr(world.reason, "more than half must"));
		}
		assert_int_equal(world.sources & ~id_votes[i].given_by, 0);
		close_proving();
	}
}

/* A hostile node is not to decide because the honest one is busy for a moment. */
static void a_node_that_rests_is_waited_for(void **state)
{
	(void)state;
	open_voting("og");
	(void)node_failed(pool_node(world.pool, 1), now_ms, RPC_FAILURE_WAIT, 20000);
	client_want(world.client, CLIENT_TAIL, FIRST, FIRST, 0, &world.sink);
	for (unsigned second = 0; second < 19; second++) {
		client_handle(world.client);
		answer_all();
		now_ms += 1000;
	}
	assert_int_equal(world.given_count + world.refused_count, 0);
	now_ms += 1000;
	run();
	assert_int_equal(world.given_count, 0);
	assert_int_equal(world.refused_count, 1);
	close_proving();
}

/* Near the nodes' newest block: their servers may be a little behind, and the first answer is not the last one. */
#define NEAR 14990

static void turn_for(int64_t span_ms)
{
	for (int64_t until_ms = now_ms + span_ms; now_ms < until_ms; now_ms += 100) {
		client_handle(world.client);
		answer_all();
	}
}

static void honest_nodes_that_lack_a_new_block_are_asked_again(void **state)
{
	(void)state;
	open_voting("ogg");
	fake.sims[1].lacks = fake.sims[2].lacks = NEAR;
	client_want(world.client, CLIENT_TAIL, NEAR, NEAR, 0, &world.sink);
	turn_for(2000);
	assert_int_equal(world.given_count + world.refused_count, 0);
	fake.sims[1].lacks = fake.sims[2].lacks = 0;
	turn_for(1000);
	assert_each_given_once(NEAR, NEAR);
	assert_int_equal(world.sources & 1, 0);
	close_proving();
}

static void a_node_that_withholds_a_new_block_is_waited_for_shortly(void **state)
{
	(void)state;
	open_voting("gg");
	fake.sims[1].lacks = NEAR;
	client_want(world.client, CLIENT_TAIL, NEAR, NEAR, 0, &world.sink);
	turn_for(4000);
	assert_int_equal(world.given_count + world.refused_count, 0);
	turn_for(2000);
	assert_each_given_once(NEAR, NEAR);
	assert_in_range(fake.sims[1].block_posts, 2, 15);
	close_proving();
}

static void a_node_without_old_blocks_is_not_waited_for(void **state)
{
	(void)state;
	open_voting("gg");
	fake.sims[1].lacks = FIRST;
	client_want(world.client, CLIENT_REPLAY, FIRST, FIRST, 0, &world.sink);
	turn_for(1000);
	assert_each_given_once(FIRST, FIRST);
	close_proving();
}

static void a_node_that_is_away_is_not_waited_for(void **state)
{
	(void)state;
	open_voting("gg");
	fake.sims[1].fault = FAULT_DOWN;
	node_lost(pool_node(world.pool, 1), now_ms);
	want_all();
	assert_each_given_once(FIRST, LAST);
	close_proving();
}

/* Both honest ones were away at the start: one that is alone does not decide before they were compared. */
static void nodes_on_trial_are_waited_for_by_one_of_three(void **state)
{
	(void)state;
	open_voting("ogg");
	for (unsigned i = 1; i < 3; i++)
		pool_node(world.pool, i)->is_on_trial = true;
	client_want(world.client, CLIENT_REPLAY, FIRST, FIRST, 0, &world.sink);
	turn_for(20000);
	assert_int_equal(world.given_count + world.refused_count, 0);
	for (unsigned i = 1; i < 3; i++)
		pool_node(world.pool, i)->is_on_trial = false;
	turn_for(1000);
	assert_each_given_once(FIRST, FIRST);
	assert_int_equal(world.sources & 1, 0);
	close_proving();

	open_voting("gg"); /* of two it is half */
	pool_node(world.pool, 1)->is_on_trial = true;
	client_want(world.client, CLIENT_REPLAY, FIRST, FIRST, 0, &world.sink);
	turn_for(17000);
	assert_each_given_once(FIRST, FIRST);
	close_proving();
}

/* It keeps every connection that there is, by letting requests hang. */
static void a_node_that_lets_all_hang_does_not_stop_the_vote(void **state)
{
	struct client_config limits = config;

	(void)state;
	open_voting("ggg");
	limits.connections = 2;
	limits.timeout_ms = 10000;
	client_set_config(world.client, &limits);
	fake.sims[0].hangs_for_blocks = true;
	pool_node(world.pool, 0)->latency_us = 1; /* it is asked first */
	client_want(world.client, CLIENT_REPLAY, FIRST, LAST, 0, &world.sink);
	client_want(world.client, CLIENT_REPLAY, 1001, 1050, 0, &world.sink);
	client_handle(world.client);
	client_want(world.client, CLIENT_TAIL, NEAR, NEAR, 0, &world.sink);
	for (int64_t until_ms = now_ms + 2000; now_ms < until_ms; now_ms += 100) {
		struct error err = ERROR_INIT;

		client_handle(world.client);
		while (http_in_flight(&fake) > 0 && fake_next_due_ms() <= now_ms)
			assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
	}
	assert_int_equal(fake.sims[0].block_posts, 3);
	assert_each_given_once(NEAR, NEAR);
	close_proving();
}

/* What a node gave already counts as its vote. */
static void a_block_in_hand_is_put_to_the_vote(void **state)
{
	struct block *block = block_new();

	(void)state;
	block->num = FIRST;
	open_voting("g");
	assert_true(client_vote(world.client, block, 0, &world.sink));
	close_proving();

	open_voting("ogg");
	assert_false(client_vote(world.client, block, 0, &world.sink));
	run();
	assert_int_equal(world.given_count, 1);
	assert_int_equal(world.sources, 1 << 2);
	assert_int_equal((int)fake.sims[0].block_posts, 0);
	close_proving();
	block_free(block);
}

/* The other node is silent for so long that it does not count: then the source is asked once more. */
static void a_block_in_hand_is_vouched_for_by_its_source_alone(void **state)
{
	struct client_sink sink;
	struct block *block;

	(void)state;
	open_world(2);
	learn_heads();
	fake.sims[1].hangs_for_blocks = true;
	sink = world.sink;
	sink.needs_majority = true;
	block = block_new();
	block->num = FIRST;
	assert_true(block_id_parse("0000006500000000000000000000000000000000", BLOCK_ID_HEX,
				   block->id));
	assert_true(block_id_parse("0000006400000000000000000000000000000000", BLOCK_ID_HEX,
				   block->previous));
	assert_false(client_vote(world.client, block, 0, &sink));
	block_free(block);
	run();
	assert_each_given_once(FIRST, FIRST);
	assert_int_equal(world.sources, 1 << 0);
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_in_hand_is_vouched_for_by_its_source_alone),
		cmocka_unit_test(false_blocks_are_asked_of_others),
		cmocka_unit_test(false_blocks_alone_are_refused),
		cmocka_unit_test(nothing_is_proved_unless_it_is_asked_for),
		cmocka_unit_test(what_is_not_shown_needs_more_than_half),
		cmocka_unit_test(a_node_that_is_away_has_no_vote),
		cmocka_unit_test(a_node_that_shows_less_than_another_rests),
		cmocka_unit_test(a_node_that_told_nothing_yet_may_still_speak),
		cmocka_unit_test(the_tip_leaves_it_to_a_search),
		cmocka_unit_test(a_false_tip_is_the_nodes_fault),
		cmocka_unit_test(what_needs_a_majority_gets_one),
		cmocka_unit_test(a_node_that_rests_is_waited_for),
		cmocka_unit_test(honest_nodes_that_lack_a_new_block_are_asked_again),
		cmocka_unit_test(a_node_that_withholds_a_new_block_is_waited_for_shortly),
		cmocka_unit_test(a_node_without_old_blocks_is_not_waited_for),
		cmocka_unit_test(a_node_that_is_away_is_not_waited_for),
		cmocka_unit_test(nodes_on_trial_are_waited_for_by_one_of_three),
		cmocka_unit_test(a_node_that_lets_all_hang_does_not_stop_the_vote),
		cmocka_unit_test(a_block_in_hand_is_put_to_the_vote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
