/* SPDX-License-Identifier: MIT */
/* What a round does with one row: sign it, leave it for later, hold it, or give it up. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "poster/round.h"

#define HEAD_S 1458835500 /* 2016-03-24 16:05:00 */
#define VOTE   "[[\"vote\",{\"voter\":\"bot\",\"author\":\"alice\",\"permlink\":\"p\",\"weight\":1}]]"
#define TRANSFER                                                                                   \
	"[[\"transfer\",{\"from\":\"bot\",\"to\":\"alice\",\"amount\":\"1.000 STEEM\",\"memo\":"   \
	"\"\"}]]"

static struct transaction_maker *maker;
static struct private_key *key;
static char name[] = "bot";
static char transfer[] = "transfer";
static char *only_transfer[] = {transfer};
static const struct config_account posting_rules = {.name = name};
static const struct config_account active_rules = {
	.name = name, .is_active = true, .allow = only_transfer, .allow_count = 1};

static struct round one;
static struct signing_account signer;
static struct sender_state pace;
static struct round_look look;

static int make(void **state)
{
	static const char wif[] = "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3";
	struct error err = ERROR_INIT;

	(void)state;
	maker = transaction_maker_new(&chain_steem, &err);
	if (!maker)
		return -1;
	key = private_key_read(transaction_maker_hash(maker), wif, strlen(wif), &err);
	return key ? 0 : -1;
}

static int unmake(void **state)
{
	(void)state;
	private_key_free(key);
	transaction_maker_free(maker);
	return 0;
}

/* A round of an account with both keys, that has signed nothing yet. */
static int begin(void **state)
{
	(void)state;
	one = (struct round){
		.maker = maker,
		.chain = &chain_steem,
		.head = {.head_block = 60, .head_time_s = HEAD_S},
		.reference = {.num = 40, .id = {0, 0, 0, 40, 1, 2, 3, 4}},
	};
	signer = (struct signing_account){
		.account = "bot",
		.posting = {.rules = &posting_rules, .key = key},
		.active = {.rules = &active_rules, .key = key},
	};
	pace = (struct sender_state){.day = 0};
	return 0;
}

static int finish(void **state)
{
	(void)state;
	round_look_release(&look);
	round_clear(&one);
	return 0;
}

static void consider_row(const struct sender_row *row, enum round_outcome outcome, const char *why)
{
	struct error err = ERROR_INIT;

	round_look_release(&look);
	if (round_consider(NULL, &one, &signer, &pace, row, &look, &err) < 0)
		fail_msg("%s", err.text);
	if (look.outcome != outcome || !strstr(look.why, why))
		fail_msg("it becomes %d: %s", (int)look.outcome, look.why);
	assert_true((outcome == ROUND_SIGNED) == (look.made.signed_trx != NULL));
}

static struct sender_row row_of(const char *operations)
{
	return (struct sender_row){
		.action_id = 7, .operations = operations, .operations_len = strlen(operations)};
}

static void consider(const char *operations, enum round_outcome outcome, const char *why)
{
	struct sender_row row = row_of(operations);

	consider_row(&row, outcome, why);
}

static void what_is_signed_carries_its_row(void **state)
{
	(void)state;
	consider(VOTE, ROUND_SIGNED, "");
	assert_int_equal(look.made.action_id, 7);
	assert_int_equal(look.made.comment_id, 0);
	assert_string_equal(look.made.account, "bot");
	assert_int_equal(look.made.ref_block, 40);
	assert_int_equal(look.made.expiration_s, HEAD_S + ROUND_LIFE_S);
	assert_string_equal(look.made.trx_id, look.trx->id);
	assert_int_equal(strlen(look.made.signed_trx), look.made.signed_len);
	assert_non_null(strstr(look.made.signed_trx, "\"expiration\":\"2016-03-24T16:06:00\""));
	assert_non_null(strstr(look.made.signed_trx, "\"ref_block_num\":40"));
	assert_int_equal(pace.next_vote_s, HEAD_S + 3);
}

static void not_after_is_the_expiration_if_it_comes_first(void **state)
{
	struct sender_row row = row_of(TRANSFER);

	(void)state;
	row.not_after_s = HEAD_S + 3600;
	consider_row(&row, ROUND_SIGNED, "");
	assert_int_equal(look.made.expiration_s, HEAD_S + ROUND_LIFE_S);
	row.not_after_s = HEAD_S + 30;
	consider_row(&row, ROUND_SIGNED, "");
	assert_int_equal(look.made.expiration_s, HEAD_S + 30);
	row.not_after_s = HEAD_S + 5; /* it would come into no block any more */
	consider_row(&row, ROUND_FAILED, "not_after");
	row.not_after_s = HEAD_S + 3600;
	row.is_late = true; /* by the clock of the database */
	consider_row(&row, ROUND_FAILED, "not_after");
}

/* The same bytes would be one transaction, and two rows would take effect once. */
static void rows_with_the_same_operations_are_different_transactions(void **state)
{
	char ids[40][SENDER_TRX_CHARS + 1];
	struct sender_row row = row_of(TRANSFER);
	unsigned count = 0;

	(void)state;
	for (count = 0; count < 30; count++) {
		consider(TRANSFER, ROUND_SIGNED, "");
		memcpy(ids[count], look.made.trx_id, sizeof(ids[count]));
		for (unsigned i = 0; i < count; i++)
			assert_string_not_equal(ids[i], ids[count]);
		assert_int_equal(look.made.expiration_s, HEAD_S + ROUND_LIFE_S - count);
	}
	consider(TRANSFER, ROUND_LATER, "same operations");
	/* With a short life there is room for fewer. */
	one.head.head_time_s += 1000;
	row.not_after_s = one.head.head_time_s + 7;
	consider_row(&row, ROUND_SIGNED, "");
	consider_row(&row, ROUND_SIGNED, "");
	assert_int_equal(look.made.expiration_s, one.head.head_time_s + 6);
	consider_row(&row, ROUND_LATER, "same operations");
}

static void only_the_right_key_signs(void **state)
{
	(void)state;
	consider(
		"[[\"vote\",{\"voter\":\"alice\",\"author\":\"bot\",\"permlink\":\"p\",\"weight\":1}]]",
		ROUND_FAILED, "signature of alice");
	consider(
		"[[\"custom_json\",{\"required_auths\":[],\"required_posting_auths\":[\"bot\",\"carol\"],"
		"\"id\":\"x\",\"json\":\"[]\"}]]",
		ROUND_FAILED, "signature of carol");
	consider("[[\"decline_voting_rights\",{\"account\":\"bot\",\"decline\":true}]]",
		 ROUND_FAILED, "owner authority");
	consider("no operations", ROUND_FAILED, "");
	consider(VOTE, ROUND_SIGNED, "");
	signer.active.rules = NULL;
	consider(TRANSFER, ROUND_HELD, "no active key");
	signer.posting.rules = NULL;
	pace = (struct sender_state){.day = 0};
	consider(VOTE, ROUND_HELD, "no posting key");
	/* The active key of an account may do what posting may, within its own rules. */
	signer.active.rules = &active_rules;
	consider(VOTE, ROUND_HELD, "allow list");
	signer.active.rules = &posting_rules;
	consider(VOTE, ROUND_SIGNED, "");
}

static void what_the_pace_forbids_waits_or_fails(void **state)
{
	(void)state;
	consider(VOTE, ROUND_SIGNED, "");
	consider(VOTE, ROUND_LATER, "pace");
	consider(TRANSFER, ROUND_SIGNED, ""); /* it has none */
	one.head.head_time_s += 3;
	consider(VOTE, ROUND_SIGNED, "");
	consider(
		"[[\"vote\",{\"voter\":\"bot\",\"author\":\"alice\",\"permlink\":\"p\",\"weight\":1}],"
		"[\"vote\",{\"voter\":\"bot\",\"author\":\"alice\",\"permlink\":\"q\",\"weight\":1}]]",
		ROUND_FAILED, "one vote");
}

/* What waits or is held is not counted. */
static void a_limit_counts_what_is_signed(void **state)
{
	struct config_account rules = active_rules;

	(void)state;
	rules.max_per_day = 2;
	signer.active.rules = &rules;
	consider(TRANSFER, ROUND_SIGNED, "");
	consider("[[\"convert\",{\"owner\":\"bot\",\"requestid\":1,\"amount\":\"1.000 SBD\"}]]",
		 ROUND_HELD, "allow list");
	assert_int_equal(pace.count_today, 1);
	consider(TRANSFER, ROUND_SIGNED, "");
	consider(TRANSFER, ROUND_HELD, "max_per_day");
	assert_int_equal(pace.count_today, 2);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_signed_carries_its_row),
		TEST(not_after_is_the_expiration_if_it_comes_first),
		TEST(rows_with_the_same_operations_are_different_transactions),
		TEST(only_the_right_key_signs),
		TEST(what_the_pace_forbids_waits_or_fails),
		TEST(a_limit_counts_what_is_signed),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
