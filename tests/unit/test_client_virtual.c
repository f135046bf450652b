/* SPDX-License-Identifier: MIT */
/* Blocks with their virtual operations, of simulated nodes. Linked without steem/http.o. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "client_world.h"
#include "steem/decode_virtual.h"

#define FIRST 899001 /* from 864,000 on a list can be told to be whole */
#define LAST  899400

static unsigned given_by[NODES_MAX], unverified_count, whole_count, plain_count;
static bool was_given[LAST + 2 - FIRST];

static void take(void *context, struct block *block, unsigned node)
{
	(void)context;
	assert_in_range(block->num, FIRST, LAST);
	assert_false(was_given[block->num - FIRST]);
	was_given[block->num - FIRST] = true;
	given_by[node]++;
	if (block->virtual_state == BLOCK_VIRTUAL_COMPLETE) {
		whole_count++;
		assert_int_equal(block->virtual_count, 2);
		assert_string_equal(block->operations[block->operation_count].name, "interest");
		assert_int_equal(block->operations[block->operation_count + 1].virtual_op, 2);
	} else if (block->virtual_state == BLOCK_VIRTUAL_UNVERIFIED) {
		unverified_count++;
	} else {
		plain_count++;
	}
	block_free(block);
}

static void open_virtual(unsigned nodes, const struct client_config *limits)
{
	open_world(nodes);
	unverified_count = whole_count = plain_count = 0;
	memset(given_by, 0, sizeof(given_by));
	memset(was_given, 0, sizeof(was_given));
	for (unsigned i = 0; i < nodes; i++) {
		fake.sims[i].head = 900020;
		fake.sims[i].irreversible = 900000;
		node_gave(pool_node(world.pool, i), 900000);
	}
	client_set_config(world.client, limits);
	world.sink = (struct client_sink){
		.context = &world, .given = take, .refused = take_refused, .is_virtual = true};
	learn_heads();
}

static void take_refused_above(void *context, uint32_t num, const char *reason)
{
	(void)num;
	take_refused(context, 0, reason);
}

static void want_all(void)
{
	world.sink.refused = take_refused_above;
	client_want(world.client, CLIENT_REPLAY, FIRST, LAST, 0, &world.sink);
	run();
}

static void both_halves_come_in_one_request(void **state)
{
	(void)state;
	open_virtual(2, &config);
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	assert_int_equal(world.refused_count, 0);
	assert_int_equal(fake.sims[0].largest_batch, 50);
	/* Two heads, 25 blocks or 50 lists of blocks that the other node gave in each of the others: */
	assert_in_range(fake.sims[0].request_count + fake.sims[1].request_count, 2 + 24, 2 + 28);
	close_world();
}

static void an_odd_batch_ends_with_a_whole_block(void **state)
{
	struct client_config limits = config;

	(void)state;
	limits.batch_size = 7;
	open_virtual(1, &limits);
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	assert_int_equal(fake.sims[0].largest_batch, 6);
	close_world();
}

/* A batch of 25 calls has room for 12 blocks: it is a full one, and grows again. */
static void an_odd_batch_grows_again(void **state)
{
	(void)state;
	open_virtual(1, &config);
	pool_node(world.pool, 0)->batch_size = 25;
	for (unsigned i = 0; i < 4; i++) {
		memset(was_given, 0, sizeof(was_given));
		want_all();
	}
	assert_true(fake.sims[0].largest_batch > 25);
	close_world();
}

static void without_batches_they_come_one_after_the_other(void **state)
{
	(void)state;
	open_virtual(2, &config);
	fake.sims[0].batch_max = fake.sims[1].batch_max = 1;
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	assert_int_equal(world.refused_count, 0);
	assert_true(given_by[0] > 0 && given_by[1] > 0);
	assert_int_equal(fake.sims[0].virtual_count, LAST - FIRST + 1);
	assert_int_equal(fake.sims[1].virtual_count, LAST - FIRST + 1);
	close_world();
}

/* In all ways, with and without batches: what one node does wrong, the other makes good. */
static void one_bad_node_stops_nobody(void **state)
{
	(void)state;
	for (enum virtual_answer answer = VIRTUAL_EMPTY; answer <= VIRTUAL_UNSUPPORTED; answer++) {
		for (unsigned batch_max = 0; batch_max <= 2; batch_max++) {
			open_virtual(2, &config);
			fake.sims[0].virtual_answer = answer;
			fake.sims[0].batch_max = fake.sims[1].batch_max = batch_max;
			want_all();
			assert_int_equal(whole_count, LAST - FIRST + 1);
			assert_int_equal(world.refused_count, 0);
			assert_int_equal(given_by[0], 0);
			assert_int_equal(world.virtual_missing_count,
					 answer == VIRTUAL_UNSUPPORTED);
			close_world();
		}
	}
}

static void faults_of_all_kinds_lose_nothing(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_DOWN; fault <= FAULT_RANDOM; fault++) {
		for (unsigned batch_max = 0; batch_max <= 2; batch_max++) {
			open_virtual(2, &config);
			fake.sims[0].fault = fault;
			fake.sims[0].fault_count = 20;
			fake.sims[0].batch_max = fake.sims[1].batch_max = batch_max;
			want_all();
			if (whole_count != LAST - FIRST + 1 || world.refused_count > 0)
				fail_msg("fault %d, batches of %u: %u whole, %u refused: %s",
					 (int)fault, batch_max, whole_count, world.refused_count,
					 world.reason);
			close_world();
		}
	}
}

static void a_list_without_the_reward_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		open_virtual(2, &config);
		fake.sims[0].virtual_answer = fake.sims[1].virtual_answer =
			i ? VIRTUAL_EMPTY : VIRTUAL_UNREWARDED;
		want_all();
		assert_int_equal(world.refused_count, LAST - FIRST + 1);
		assert_int_equal(whole_count + unverified_count, 0);
		assert_non_null(strstr(world.reason, "producer_reward"));
		assert_int_equal(world.failed_count, 0); /* it may not be so far yet */
		close_world();
	}
}

static void unverified_ones_are_taken_where_that_is_allowed(void **state)
{
	struct client_config limits = config;

	(void)state;
	limits.takes_unverified = true;
	for (unsigned i = 0; i < 2; i++) {
		open_virtual(2, &limits);
		fake.sims[0].virtual_answer = fake.sims[1].virtual_answer =
			i ? VIRTUAL_EMPTY : VIRTUAL_UNREWARDED;
		want_all();
		assert_int_equal(unverified_count, LAST - FIRST + 1);
		assert_int_equal(world.refused_count, 0);
		close_world();
	}
	open_virtual(2, &limits); /* one that has them all is asked first */
	fake.sims[0].virtual_answer = VIRTUAL_UNREWARDED;
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	close_world();
}

/* Near its irreversible block a node may not have made the list yet. */
static void an_empty_list_at_the_tip_is_not_taken(void **state)
{
	struct client_config limits = config;

	(void)state;
	limits.takes_unverified = true;
	open_virtual(1, &limits);
	fake.sims[0].irreversible = LAST;
	fake.sims[0].head = LAST + 20;
	fake.sims[0].virtual_answer = VIRTUAL_EMPTY;
	learn_heads();
	want_all();
	assert_int_equal(world.refused_count, 20);
	assert_int_equal(unverified_count, LAST - FIRST + 1 - 20);
	close_world();
}

static void where_no_node_offers_them_blocks_are_refused(void **state)
{
	(void)state;
	open_virtual(2, &config);
	fake.sims[0].virtual_answer = fake.sims[1].virtual_answer = VIRTUAL_UNSUPPORTED;
	want_all();
	assert_int_equal(world.refused_count, LAST - FIRST + 1);
	assert_int_equal(world.virtual_missing_count, 2);
	assert_int_equal(world.failed_count, 0); /* for all else they are good */
	/* A minute later they are asked again, and have learnt it. */
	fake.sims[0].virtual_answer = fake.sims[1].virtual_answer = VIRTUAL_GOOD;
	now_ms += NODE_NO_VIRTUAL_MS;
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	close_world();
}

/* The other half comes from the same node, or the block as a whole from another. */
static void a_half_is_not_completed_elsewhere(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	open_virtual(2, &config);
	fake.sims[0].batch_max = fake.sims[1].batch_max = 1;
	pool_node(world.pool, 0)->batch_size = pool_node(world.pool, 1)->batch_size = 1;
	client_want(world.client, CLIENT_REPLAY, FIRST, FIRST, 0, &world.sink);
	client_handle(world.client);
	assert_int_equal(http_in_flight(&fake), 1);
	unsigned source = fake.posts[0].node;
	assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
	/* Not there, though that would be faster. */
	pool_node(world.pool, source)->latency_us = 1000000;
	pool_node(world.pool, 1 - source)->latency_us = 1;
	client_handle(world.client);
	assert_int_equal(http_in_flight(&fake), 1);
	assert_int_equal(fake.posts[0].node, source);
	fake.sims[source].fault = FAULT_DOWN;
	fake.sims[source].fault_count = -1;
	run();
	assert_int_equal(whole_count, 1);
	assert_int_equal(given_by[1 - source], 1);
	assert_int_equal(fake.sims[1 - source].virtual_count, 1);
	close_world();
}

/* What the nodes say is put to the vote. */

static void one_that_lies_of_three_loses(void **state)
{
	(void)state;
	for (unsigned batch_max = 0; batch_max <= 3; batch_max++) {
		for (unsigned liar = 0; liar < 3; liar++) {
			open_virtual(3, &config);
			for (unsigned i = 0; i < 3; i++)
				fake.sims[i].batch_max = batch_max;
			fake.sims[liar].virtual_answer = VIRTUAL_LIE;
			want_all();
			assert_int_equal(whole_count, LAST - FIRST + 1);
			assert_int_equal(world.refused_count + world.differ_count, 0);
			/* It is named once, and asked for no more lists for a minute. */
			assert_int_equal(world.claim_false_count, 1);
			assert_int_equal(world.claim_false_of, 1U << liar);
			assert_int_equal(world.failed_count,
					 batch_max == 1 ? world.failed_count : 0);
			close_world();
		}
	}
}

static void one_that_lies_of_two_stops_the_block(void **state)
{
	(void)state;
	open_virtual(2, &config);
	fake.sims[0].virtual_answer = VIRTUAL_LIE;
	want_all();
	assert_int_equal(whole_count, 0);
	assert_int_equal(world.refused_count, LAST - FIRST + 1);
	assert_int_equal(world.differ_count, LAST - FIRST + 1);
	assert_int_equal(world.claim_false_count, 0); /* nobody can tell which one lies */
	assert_non_null(strstr(world.reason, "http://a"));
	assert_non_null(strstr(world.reason, "http://b"));
	fake.sims[0].virtual_answer = VIRTUAL_GOOD;
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	close_world();
}

/* Also where unverified lists are taken: they are no way out of a vote. */
static void of_three_two_may_not_outvote_themselves(void **state)
{
	struct client_config limits = config;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		limits.takes_unverified = i;
		open_virtual(3, &limits);
		fake.sims[0].virtual_answer = VIRTUAL_LIE;
		fake.sims[2].virtual_answer = i ? VIRTUAL_UNREWARDED : VIRTUAL_UNSUPPORTED;
		want_all();
		assert_int_equal(whole_count + unverified_count, 0);
		assert_int_equal(world.refused_count, LAST - FIRST + 1);
		assert_int_equal(world.virtual_missing_count, !i);
		close_world();
	}
}

static void the_only_one_that_gives_them_decides(void **state)
{
	(void)state;
	open_virtual(3, &config);
	fake.sims[1].virtual_answer = fake.sims[2].virtual_answer = VIRTUAL_UNSUPPORTED;
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	assert_int_equal(world.refused_count, 0);
	assert_int_equal(world.virtual_missing_count, 2);
	assert_int_equal(world.failed_count, 0);
	close_world();
}

static void one_that_is_silent_does_not_count(void **state)
{
	int64_t started_ms;

	(void)state;
	open_virtual(2, &config);
	/* It gives blocks, so only the block that the other one gave is left to it. */
	fake.sims[1].hangs_for_lists = true;
	started_ms = now_ms;
	client_want(world.client, CLIENT_TAIL, FIRST, FIRST, UINT64_C(1) << 1, &world.sink);
	run();
	assert_int_equal(given_by[0], 1); /* nobody else may be asked for that one */
	client_want(world.client, CLIENT_TAIL, FIRST + 1, FIRST + 5, 0, &world.sink);
	run();
	assert_int_equal(whole_count, 6);
	assert_true(now_ms - started_ms < 70000);
	close_world();
}

/* A list that does not fit the block of the first node: that block may be made up, so nobody is blamed at once. */
static void one_block_made_up_blames_nobody_else(void **state)
{
	(void)state;
	open_virtual(3, &config);
	fake.sims[0].seal = SEAL_OTHER;
	want_all();
	assert_int_equal(world.refused_count, 0);
	assert_true((world.claim_false_of & ~1U) == 0);
	close_world();
}

static struct block *block_with_list(uint32_t num, const char *name)
{
	char list[400];
	struct error err = ERROR_INIT;
	struct block *block = block_new();

	block->num = num;
	snprintf(list, sizeof(list),
		 "[{\"trx_id\":\"%040d\",\"block\":%u,\"trx_in_block\":4294967295,"
		 "\"op_in_trx\":0,\"virtual_op\":7,\"timestamp\":\"2016-03-24T16:05:01\","
		 "\"op\":[\"%s\",{ }]},{\"op\":[\"producer_reward\",{}],\"virtual_op\":true,"
		 "\"trx_id\":\"%040d\",\"block\":%u,\"trx_in_block\":4294967295,"
		 "\"op_in_trx\":0,\"timestamp\":\"2016-03-24T16:05:00\"}]",
		 1, num, name, 2, num);
	assert_int_equal(decode_virtual(list, strlen(list), block, &err), 0);
	return block;
}

/* The tail has a block out of a tip request, and asks the others for its list; their print differs. */
static void a_block_in_hand_is_put_to_the_vote(void **state)
{
	struct block *block;

	(void)state;
	open_virtual(1, &config);
	block = block_with_list(FIRST, "interest");
	assert_true(client_vote_virtual(world.client, block, 0, &world.sink));
	assert_int_equal(client_wanted_count(world.client), 0);
	block_free(block);
	close_world();
	for (unsigned i = 0; i < 2; i++) {
		open_virtual(3, &config);
		block = block_with_list(FIRST, i ? "interest" : "sps_fund");
		/* As the nodes name it. */
		assert_true(
			block_id_parse("000db7b900000000000000000000000000000000", 40, block->id));
		assert_true(block_id_parse("000db7b800000000000000000000000000000000", 40,
					   block->previous));
		assert_false(client_vote_virtual(world.client, block, 0, &world.sink));
		run();
		assert_int_equal(whole_count, 1);
		assert_int_equal(fake.sims[0].virtual_count, 0);
		assert_int_equal(fake.sims[1].virtual_count + fake.sims[2].virtual_count,
				 i ? 1 : 2);
		assert_int_equal(fake.sims[1].block_posts + fake.sims[2].block_posts, 0);
		assert_int_equal(world.claim_false_of, i ? 0 : 1);
		close_world();
	}
}

/* What the other node last said of its head is below the block: it is asked, and not passed over. */
static void a_block_in_hand_waits_for_heads(void **state)
{
	struct block *block = NULL;

	(void)state;
	open_virtual(2, &config);
	fake.sims[0].irreversible = FIRST;
	fake.sims[1].irreversible = FIRST - 1;
	learn_heads();
	fake.sims[1].irreversible = FIRST;
	block = block_with_list(FIRST, "interest");
	assert_false(client_vote_virtual(world.client, block, 0, &world.sink));
	run();
	assert_int_equal(world.refused_count, 0);
	close_world();
}

/* Blocks below 864,000, of which four in five have none. */

#define OLD_FIRST 1001
#define OLD_LAST  1200
#define OLD_COUNT (OLD_LAST - OLD_FIRST + 1)

static struct {
	unsigned whole, unverified, refused, empty;
	unsigned given_by[NODES_MAX];
	bool is_refused[OLD_LAST + 1];
	char reason[600];
} old;

static void take_old(void *context, struct block *block, unsigned node)
{
	(void)context;
	assert_true(block->virtual_count > 0 ||
		    (block->num % 5 != 0 && block->virtual_count == 0) ||
		    block->virtual_state == BLOCK_VIRTUAL_UNVERIFIED);
	old.whole += block->virtual_state == BLOCK_VIRTUAL_COMPLETE;
	old.unverified += block->virtual_state == BLOCK_VIRTUAL_UNVERIFIED;
	old.empty += block->virtual_count == 0;
	old.given_by[node]++;
	block_free(block);
}

static void refuse_old(void *context, uint32_t num, const char *reason)
{
	(void)context;
	old.refused++;
	old.is_refused[num] = true;
	snprintf(old.reason, sizeof(old.reason), "%s", reason);
}

static void want_old(void)
{
	memset(&old, 0, sizeof(old));
	world.sink = (struct client_sink){
		.context = &world, .given = take_old, .refused = refuse_old, .is_virtual = true};
	client_want(world.client, CLIENT_REPLAY, OLD_FIRST, OLD_LAST, 0, &world.sink);
	run();
}

/* Each request that has such lists asks for the witness, once. */
static void empty_old_lists_are_believed_of_a_node_with_a_history(void **state)
{
	(void)state;
	for (unsigned batch_max = 0; batch_max <= 3; batch_max++) {
		if (batch_max == 1)
			continue; /* see the next test */
		open_virtual(1, &config);
		fake.sims[0].batch_max = batch_max;
		want_old();
		assert_int_equal(old.whole, OLD_COUNT);
		assert_int_equal(old.empty, OLD_COUNT * 4 / 5);
		assert_int_equal(world.virtual_missing_count, 0);
		assert_int_equal(world.block_refused_count, 0);
		if (batch_max == 0) {
			assert_int_equal(fake.sims[0].largest_batch, 49); /* 24 blocks */
			assert_int_equal(fake.sims[0].witness_count, (OLD_COUNT + 23) / 24);
		}
		close_world();
	}
}

/* Where a request has one call, nothing in its answer can prove a history. */
static void without_batches_empty_old_lists_are_refused(void **state)
{
	(void)state;
	open_virtual(1, &config);
	fake.sims[0].batch_max = 1;
	want_old();
	assert_int_equal(old.whole, OLD_COUNT / 5);
	assert_int_equal(old.empty, 0);
	assert_int_equal(old.refused, OLD_COUNT * 4 / 5);
	assert_non_null(strstr(old.reason, "in a batch"));
	assert_int_equal(world.virtual_missing_count, 0);
	assert_int_equal(fake.sims[0].witness_count, 0);
	close_world();
}

/* What one server behind a name proves says nothing of the other. */
static void one_of_two_servers_behind_a_name_has_no_history(void **state)
{
	(void)state;
	for (unsigned nodes = 1; nodes <= 2; nodes++) {
		for (unsigned batch_max = 0; batch_max <= 3; batch_max++) {
			open_virtual(nodes, &config);
			fake.sims[0].is_bare_in_turns = true;
			fake.sims[0].batch_max = batch_max;
			want_old(); /* take_old() looks at each block */
			if (batch_max == 1 && nodes == 1)
				assert_int_equal(old.empty, 0);
			else
				assert_int_equal(old.whole, OLD_COUNT);
			assert_int_equal(old.whole + old.refused, OLD_COUNT);
			assert_true(batch_max > 0 || nodes > 1 || world.block_refused_count > 0);
			close_world();
		}
	}
}

/* The same server each time: new connections are tried, then the node is left alone. */
static void a_node_that_never_proves_its_history_is_not_asked_without_end(void **state)
{
	(void)state;
	open_virtual(1, &config);
	fake.sims[0].history_from = UINT32_MAX;
	want_old();
	assert_int_equal(old.refused, OLD_COUNT);
	assert_int_equal(world.virtual_missing_count, 1);
	assert_true(fake.renewal_count > 0);
	assert_true(fake.sims[0].witness_count <= 10 * config.connections);
	close_world();
}

static void a_node_without_a_history_is_one_without_virtual_operations(void **state)
{
	(void)state;
	open_virtual(2, &config);
	fake.sims[0].history_from = UINT32_MAX;
	want_old();
	assert_int_equal(old.whole, OLD_COUNT);
	assert_int_equal(old.given_by[0], 0);
	assert_int_equal(world.virtual_missing_count, 1);
	assert_int_equal(world.failed_count, 0); /* for all else it is good */
	close_world();
}

static void where_no_node_has_a_history_nothing_is_taken(void **state)
{
	(void)state;
	open_virtual(2, &config);
	fake.sims[0].history_from = fake.sims[1].history_from = UINT32_MAX;
	want_old();
	assert_int_equal(old.refused, OLD_COUNT);
	assert_int_equal(old.whole + old.unverified, 0);
	assert_int_equal(world.virtual_missing_count, 2);
	assert_non_null(strstr(old.reason, "account history"));
	/* A minute later they are asked again, and have imported it. */
	fake.sims[0].history_from = fake.sims[1].history_from = 0;
	now_ms += NODE_NO_VIRTUAL_MS;
	learn_heads();
	want_old();
	assert_int_equal(old.whole, OLD_COUNT);
	close_world();
}

/* It began with block 870,000: what is above is as good as any other node's. */
static void a_history_that_begins_later_is_good_for_what_is_above(void **state)
{
	(void)state;
	open_virtual(1, &config);
	fake.sims[0].history_from = 870000;
	want_all();
	assert_int_equal(whole_count, LAST - FIRST + 1);
	want_old();
	assert_int_equal(old.refused, OLD_COUNT);
	assert_non_null(strstr(old.reason, "account history"));
	assert_int_equal(world.virtual_missing_count, 1);
	memset(was_given, 0, sizeof(was_given));
	world.sink = (struct client_sink){.context = &world,
					  .given = take,
					  .refused = take_refused_above,
					  .is_virtual = true};
	want_all();
	assert_int_equal(whole_count, 2 * (LAST - FIRST + 1));
	close_world();
}

/* A chain with less than 864,000 blocks. */
static void open_short(unsigned nodes, const struct client_config *limits)
{
	open_virtual(nodes, limits);
	for (unsigned i = 0; i < nodes; i++) {
		fake.sims[i].irreversible = 2000;
		fake.sims[i].head = 2020;
	}
	learn_heads();
}

static void on_a_short_chain_block_1_is_the_witness(void **state)
{
	(void)state;
	open_short(2, &config);
	fake.sims[0].history_from = UINT32_MAX;
	want_old();
	assert_int_equal(old.whole, OLD_COUNT);
	assert_int_equal(old.given_by[0], 0);
	assert_int_equal(world.virtual_missing_count, 1);
	close_world();
}

/* Its lists of later blocks are as good as any, but an empty one proves nothing. */
static void on_a_short_chain_a_history_that_begins_later_proves_nothing(void **state)
{
	(void)state;
	open_short(1, &config);
	fake.sims[0].history_from = 1100;
	want_old();
	assert_int_equal(old.empty, 0);
	for (uint32_t num = OLD_FIRST; num < 1100; num++)
		assert_true(old.is_refused[num]);
	close_world();
}

/* The witness itself cannot be had: nobody waits for it, and others are asked. */
static void a_witness_that_never_comes_is_none(void **state)
{
	(void)state;
	for (unsigned nodes = 1; nodes <= 2; nodes++) {
		open_virtual(nodes, &config);
		fake.sims[0].hides_witness = true;
		want_old();
		assert_int_equal(old.whole, nodes == 2 ? OLD_COUNT : OLD_COUNT / 5);
		assert_int_equal(old.refused, nodes == 2 ? 0 : OLD_COUNT * 4 / 5);
		close_world();
	}
}

/* It is the same as for newer blocks where nodes leave producer_reward out. */
static void unverified_lists_may_be_old_ones(void **state)
{
	struct client_config limits = config;

	(void)state;
	limits.takes_unverified = true;
	open_virtual(1, &limits);
	fake.sims[0].history_from = UINT32_MAX;
	want_old();
	assert_int_equal(old.unverified, OLD_COUNT);
	assert_int_equal(old.whole + old.refused, 0);
	close_world();
	open_virtual(2, &limits);
	fake.sims[0].history_from = UINT32_MAX;
	want_old();
	assert_int_equal(old.whole, OLD_COUNT);
	close_world();
}

static void tip_done(void *context, unsigned node, const struct chain_head *head,
		     const struct error *err)
{
	(void)context;
	(void)node;
	(void)err;
	world.tip_done_count++;
	world.tip_had_head = head != NULL;
}

static void the_tip_comes_with_them(void **state)
{
	struct client_tip_sink sink = {
		.context = &world, .given = take, .done = tip_done, .is_virtual = true};

	(void)state;
	open_virtual(1, &config);
	fake.sims[0].irreversible = LAST;
	assert_true(client_ask_tip(world.client, LAST - 9, 20, &sink));
	answer_all();
	assert_int_equal(whole_count, 10);
	assert_int_equal(fake.sims[0].virtual_count, 20);
	/* What is not whole is not given. */
	fake.sims[0].virtual_answer = VIRTUAL_UNREWARDED;
	memset(was_given, 0, sizeof(was_given));
	assert_true(client_ask_tip(world.client, LAST - 9, 20, &sink));
	answer_all();
	assert_int_equal(whole_count, 10);
	assert_int_equal(world.tip_done_count, 2);
	assert_true(world.tip_had_head);
	/* Without batches, or without the call, the head is told all the same. */
	pool_node(world.pool, 0)->batch_size = 1;
	assert_true(client_ask_tip(world.client, LAST - 9, 20, &sink));
	answer_all();
	pool_node(world.pool, 0)->batch_size = 50;
	pool_node(world.pool, 0)->virtual_again_at_ms = now_ms + 1000;
	fake.sims[0].virtual_count = 0;
	assert_true(client_ask_tip(world.client, LAST - 9, 20, &sink));
	answer_all();
	assert_int_equal(fake.sims[0].virtual_count, 0);
	assert_int_equal(world.tip_done_count, 4);
	assert_true(world.tip_had_head);
	assert_int_equal(plain_count + unverified_count, 0);
	assert_int_equal(whole_count, 10);
	close_world();
}

/* Empty lists of a short chain, with the witness in the same request or not at all. */
static void the_tip_of_a_short_chain_has_a_witness_too(void **state)
{
	struct client_tip_sink sink = {
		.context = &world, .given = take_old, .done = tip_done, .is_virtual = true};

	(void)state;
	open_short(1, &config);
	memset(&old, 0, sizeof(old));
	assert_true(client_ask_tip(world.client, 1991, 100, &sink));
	answer_all();
	assert_int_equal(old.whole, 10);
	assert_int_equal(old.empty, 8);
	assert_int_equal(fake.sims[0].witness_count, 1);
	assert_int_equal(fake.sims[0].largest_batch, 50); /* the head, 24 blocks, the witness */
	fake.sims[0].history_from = UINT32_MAX;
	for (unsigned size = 1; size <= 5; size++) {
		pool_node(world.pool, 0)->batch_size = size;
		assert_true(client_ask_tip(world.client, 1991, 100, &sink));
		answer_all();
	}
	assert_int_equal(old.whole, 10);
	assert_int_equal(world.tip_done_count, 6);
	assert_true(world.tip_had_head);
	close_world();
}

static void dropped_and_replaced_halves_are_freed(void **state)
{
	struct error err = ERROR_INIT;
	struct pool *other;
	static const char *const urls[] = {"http://a"};

	(void)state;
	open_virtual(1, &config);
	fake.sims[0].batch_max = 1;
	pool_node(world.pool, 0)->batch_size = 1;
	client_want(world.client, CLIENT_REPLAY, FIRST, FIRST + 9, 0, &world.sink);
	client_handle(world.client);
	assert_int_equal(http_wait(&fake, NULL, 0, 0, &err), 0);
	other = pool_new(urls, 1, 50, 0);
	node_gave(pool_node(other, 0), 900000);
	client_set_pool(world.client, other);
	answer_all();
	pool_free(world.pool);
	world.pool = other;
	learn_heads();
	client_handle(world.client);
	client_drop(world.client, &world.sink);
	run();
	answer_all();
	assert_int_equal(whole_count + plain_count, 0);
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_halves_come_in_one_request),
		cmocka_unit_test(an_odd_batch_ends_with_a_whole_block),
		cmocka_unit_test(an_odd_batch_grows_again),
		cmocka_unit_test(without_batches_they_come_one_after_the_other),
		cmocka_unit_test(one_bad_node_stops_nobody),
		cmocka_unit_test(faults_of_all_kinds_lose_nothing),
		cmocka_unit_test(a_list_without_the_reward_is_refused),
		cmocka_unit_test(unverified_ones_are_taken_where_that_is_allowed),
		cmocka_unit_test(an_empty_list_at_the_tip_is_not_taken),
		cmocka_unit_test(where_no_node_offers_them_blocks_are_refused),
		cmocka_unit_test(empty_old_lists_are_believed_of_a_node_with_a_history),
		cmocka_unit_test(without_batches_empty_old_lists_are_refused),
		cmocka_unit_test(one_of_two_servers_behind_a_name_has_no_history),
		cmocka_unit_test(a_node_that_never_proves_its_history_is_not_asked_without_end),
		cmocka_unit_test(a_node_without_a_history_is_one_without_virtual_operations),
		cmocka_unit_test(where_no_node_has_a_history_nothing_is_taken),
		cmocka_unit_test(a_history_that_begins_later_is_good_for_what_is_above),
		cmocka_unit_test(on_a_short_chain_block_1_is_the_witness),
		cmocka_unit_test(on_a_short_chain_a_history_that_begins_later_proves_nothing),
		cmocka_unit_test(a_witness_that_never_comes_is_none),
		cmocka_unit_test(unverified_lists_may_be_old_ones),
		cmocka_unit_test(a_half_is_not_completed_elsewhere),
		cmocka_unit_test(one_that_lies_of_three_loses),
		cmocka_unit_test(one_that_lies_of_two_stops_the_block),
		cmocka_unit_test(of_three_two_may_not_outvote_themselves),
		cmocka_unit_test(the_only_one_that_gives_them_decides),
		cmocka_unit_test(one_that_is_silent_does_not_count),
		cmocka_unit_test(one_block_made_up_blames_nobody_else),
		cmocka_unit_test(a_block_in_hand_is_put_to_the_vote),
		cmocka_unit_test(a_block_in_hand_waits_for_heads),
		cmocka_unit_test(the_tip_comes_with_them),
		cmocka_unit_test(the_tip_of_a_short_chain_has_a_witness_too),
		cmocka_unit_test(dropped_and_replaced_halves_are_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
