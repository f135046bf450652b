/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "poster/limits.h"

#define HEAD (INT64_C(17000) * 86400 + 500)
#define NEXT (HEAD + 86400)
#define POSTER                                                                                     \
	"{\"required_auths\":[],\"required_posting_auths\":[\"bot\"],\"id\":\"x\",\"json\":\"[]\"}"

static struct transaction_maker *maker;
static char why[LIMITS_WHY_BYTES];

static int make(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	maker = transaction_maker_new(&chain_steem, &err);
	return maker ? 0 : -1;
}

static int unmake(void **state)
{
	(void)state;
	transaction_maker_free(maker);
	return 0;
}

static struct transaction *read_trx(const char *text)
{
	struct error err = ERROR_INIT;
	struct transaction *trx = transaction_read(maker, text, strlen(text), &err);

	if (!trx)
		fail_msg("%s", err.text);
	return trx;
}

static struct transaction *transfer(const char *to, const char *amount)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"[[\"transfer\",{\"from\":\"bot\",\"to\":\"%s\",\"amount\":\"%s\",\"memo\":\"\"}]]",
		to, amount);
	return read_trx(text);
}

static bool allows(const struct config_account *rules, struct transaction *trx,
		   struct sender_state *state, int64_t head_s, bool is_again)
{
	struct content content;
	bool is_allowed;

	why[0] = '\0';
	content_read(maker, trx, &content);
	is_allowed = limits_allow(rules, &chain_steem, trx, &content, state, head_s, is_again, why);
	if (is_allowed)
		limits_take(rules, state, &content, head_s, is_again);
	else
		assert_true(why[0] != '\0');
	transaction_free(trx);
	return is_allowed;
}

static void without_rules_everything_is_allowed(void **unused)
{
	char name[] = "bot";
	struct config_account rules = {.name = name};
	struct sender_state state = {.day = 0};

	(void)unused;
	assert_true(allows(&rules, transfer("alice", "99999.000 STEEM"), &state, HEAD, false));
	assert_int_equal(state.count_today, 0);
}

static void only_listed_operations_are_allowed(void **unused)
{
	char name[] = "bot", first[] = "vote", second[] = "transfer";
	char *allow[] = {first, second};
	struct config_account rules = {.name = name, .allow = allow, .allow_count = 2};
	struct sender_state state = {.day = 0};

	(void)unused;
	assert_true(allows(&rules, transfer("alice", "1.000 STEEM"), &state, HEAD, false));
	assert_false(
		allows(&rules, read_trx("[[\"custom_json\"," POSTER "]]"), &state, HEAD, false));
	assert_non_null(strstr(why, "custom_json"));
	/* Also behind an allowed one. */
	rules.allow_count = 1;
	assert_false(allows(
		&rules,
		read_trx("[[\"vote\",{\"voter\":\"bot\",\"author\":\"ann\",\"permlink\":\"p\","
			 "\"weight\":1}],[\"custom_json\"," POSTER "]]"),
		&state, HEAD, false));
}

static void only_listed_accounts_may_be_named(void **unused)
{
	char name[] = "bot", friend[] = "bob";
	char *only_to[] = {friend};
	struct config_account rules = {.name = name, .only_to = only_to, .only_to_count = 1};
	struct sender_state state = {.day = 0};

	(void)unused;
	assert_true(allows(&rules, transfer("bob", "1.000 STEEM"), &state, HEAD, false));
	assert_false(allows(&rules, transfer("bobb", "1.000 STEEM"), &state, HEAD, false));
	assert_false(allows(&rules, transfer("alice", "1.000 STEEM"), &state, HEAD, false));
	assert_non_null(strstr(why, "alice"));
	/* An account in an authority is one that an operation names, too. */
	assert_false(allows(
		&rules,
		read_trx(
			"[[\"account_update\",{\"account\":\"bot\",\"posting\":{\"weight_threshold\":1,"
			"\"account_auths\":[[\"eve\",1]],\"key_auths\":[]},\"memo_key\":"
			"\"STM7sw22HqsXbz7D2CmJfmMwt9rimtk518dRzsR1f8Cgw52dQR1pR\","
			"\"json_metadata\":\"\"}]]"),
		&state, HEAD, false));
	assert_non_null(strstr(why, "eve"));
}

static void amounts_add_up_over_a_day(void **unused)
{
	char name[] = "bot";
	struct config_account rules = {
		.name = name, .has_amounts = true, .max_amounts = {3000, 0, 0}};
	struct sender_state state = {.day = 0};

	(void)unused;
	assert_true(allows(&rules, transfer("ann", "2.000 STEEM"), &state, HEAD, false));
	assert_false(allows(&rules, transfer("ann", "1.001 STEEM"), &state, HEAD, false));
	assert_true(allows(&rules, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
	assert_false(allows(&rules, transfer("ann", "0.001 STEEM"), &state, HEAD, false));
	/* A currency that is not listed. */
	assert_false(allows(&rules, transfer("ann", "0.001 SBD"), &state, HEAD, false));
	/* A row that is signed again is not counted again. */
	assert_true(allows(&rules, transfer("ann", "2.000 STEEM"), &state, HEAD, true));
	assert_int_equal(state.amounts_today[0], 3000);
	assert_true(allows(&rules, transfer("ann", "3.000 STEEM"), &state, NEXT, false));
	/* A head that goes back over midnight opens nothing. */
	assert_false(allows(&rules, transfer("ann", "0.001 STEEM"), &state, HEAD, false));
	assert_int_equal(state.day, NEXT / 86400);
}

static void transactions_are_counted(void **unused)
{
	char name[] = "bot";
	struct config_account rules = {.name = name, .max_per_day = 2};
	struct sender_state state = {.day = 0};

	(void)unused;
	assert_true(allows(&rules, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
	assert_true(allows(&rules, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
	assert_false(allows(&rules, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
	assert_true(allows(&rules, transfer("ann", "1.000 STEEM"), &state, NEXT, false));
	assert_true(allows(&rules, transfer("ann", "1.000 STEEM"), &state, NEXT, false));
	assert_false(allows(&rules, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
}

/* The counts are the account's; what an entry without the limit signs does not count. */
static void two_entries_of_an_account_share_its_counts(void **unused)
{
	char name[] = "bot";
	struct config_account posting = {.name = name, .max_per_day = 3};
	struct config_account active = {.name = name, .is_active = true, .max_per_day = 2};
	struct config_account free_posting = {.name = name};
	struct sender_state state = {.day = 0};
	const char *vote = "[[\"vote\",{\"voter\":\"bot\",\"author\":\"ann\",\"permlink\":\"p\","
			   "\"weight\":1}]]";

	(void)unused;
	assert_true(allows(&free_posting, read_trx(vote), &state, HEAD, false));
	assert_true(allows(&posting, read_trx(vote), &state, HEAD, false));
	assert_true(allows(&active, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
	assert_int_equal(state.count_today, 2);
	/* The active entry has signed one, but the account two. */
	assert_false(allows(&active, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
	assert_non_null(strstr(why, "max_per_day of its active entry is 2"));
	assert_true(allows(&posting, read_trx(vote), &state, HEAD, false));
	assert_false(allows(&posting, read_trx(vote), &state, HEAD, false));
	assert_non_null(strstr(why, "max_per_day of its posting entry is 3"));
	assert_true(allows(&free_posting, read_trx(vote), &state, HEAD, false));
	/* Amounts in the same way. */
	state = (struct sender_state){.day = 0};
	posting.has_amounts = active.has_amounts = true;
	posting.max_amounts[0] = 3000;
	active.max_amounts[0] = 1000;
	posting.max_per_day = active.max_per_day = 0;
	assert_true(allows(&posting, transfer("ann", "1.000 STEEM"), &state, HEAD, false));
	assert_false(allows(&active, transfer("ann", "0.001 STEEM"), &state, HEAD, false));
	assert_true(allows(&posting, transfer("ann", "2.000 STEEM"), &state, HEAD, false));
}

/* A sum that does not fit cannot become a small one. */
static void a_huge_amount_is_above_every_limit(void **unused)
{
	char name[] = "bot";
	struct config_account rules = {
		.name = name, .has_amounts = true, .max_amounts = {INT64_MAX - 1, 0, 0}};
	struct sender_state state = {.day = HEAD / 86400, .amounts_today = {INT64_MAX - 1, 0, 0}};

	(void)unused;
	assert_false(
		allows(&rules, transfer("ann", "9223372036854775.807 STEEM"), &state, HEAD, false));
}

static void what_an_operation_only_asks_for_is_no_amount(void **unused)
{
	struct transaction *trx = read_trx(
		"[[\"claim_reward_balance\",{\"account\":\"bot\",\"reward_steem\":\"5.000 STEEM\","
		"\"reward_sbd\":\"0.000 SBD\",\"reward_vests\":\"0.000000 VESTS\"}]]");
	struct transaction *order = read_trx(
		"[[\"limit_order_create\",{\"owner\":\"bot\",\"orderid\":1,\"amount_to_sell\":\"2.000 SBD\","
		"\"min_to_receive\":\"7.000 STEEM\",\"fill_or_kill\":false,\"expiration\":"
		"\"2030-01-01T00:00:00\"}]]");
	struct content content;

	(void)unused;
	content_read(maker, trx, &content);
	assert_int_equal(content.amounts[0], 0);
	content_read(maker, order, &content);
	assert_int_equal(content.amounts[0], 0);
	assert_int_equal(content.amounts[1], 2000);
	transaction_free(trx);
	transaction_free(order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_rules_everything_is_allowed),
		cmocka_unit_test(only_listed_operations_are_allowed),
		cmocka_unit_test(only_listed_accounts_may_be_named),
		cmocka_unit_test(amounts_add_up_over_a_day),
		cmocka_unit_test(transactions_are_counted),
		cmocka_unit_test(two_entries_of_an_account_share_its_counts),
		cmocka_unit_test(a_huge_amount_is_above_every_limit),
		cmocka_unit_test(what_an_operation_only_asks_for_is_no_amount),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
